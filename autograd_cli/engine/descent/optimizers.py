"""The optimisers: a row each. Those of torch.optim are torch's own, imported when they are used.

An optimiser turns the gradient at the parameters, which stands in their `.grad`, into a change of
the parameters in place. `gd` is the loop that one writes by hand, `w -= rate * w.grad`, to the last
bit; `sgd` is torch.optim.SGD, which rounds once where that rounds twice: its `add_(grad, alpha)`
multiplies and adds in one operation. No loop can be both, so each is there under its own name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from autograd_cli.engine.descent.curvature import hessian
from autograd_cli.engine.descent.objective import Objective
from autograd_cli.engine.descent.problem import Problem, flat, gradients
from autograd_cli.errors import UsageError

MOMENTUM = 0.9
WEIGHT_DECAY = 0.01  # torch's default of AdamW


class Update(Protocol):
    """One change of the parameters at a learning rate, by the gradient that was computed."""

    def __call__(self, rate: float) -> None: ...


class Optimizer(NamedTuple):
    """A row of the table.

    rate      the learning rate where the user gives none
    make      the update of a problem's parameters
    stable    the largest learning rate that does not diverge on a quadratic whose Hessian's largest
              eigenvalue is the argument; None where there is no such rule
    squares   whether it needs residuals, of which the loss is the mean square
    whole     whether it needs the whole loss, not minibatches
    """

    name: str
    help: str
    rate: float
    make: Callable[[Problem], Update]
    stable: Callable[[float], float] | None = None
    squares: bool = False
    whole: bool = False


# By hand ------------------------------------------------------------------------------------------


def _gradient_descent(problem: Problem) -> Update:
    tensors = problem.tensors

    def update(rate: float) -> None:
        with torch.no_grad():
            for tensor in tensors:
                if tensor.grad is not None:
                    tensor -= rate * tensor.grad

    return update


ARMIJO = 1e-4  # of the decrease that the slope promises, what a step must bring at least
HALVINGS = 60


def _newton(problem: Problem) -> Update:
    """Newton's method; eigenvalues are taken by size, so that it descends at a saddle too, and
    steps are halved until the loss falls (Nocedal & Wright, 2nd ed., section 3.4)."""

    def update(rate: float) -> None:
        values, vectors = torch.linalg.eigh(hessian(problem))
        slope = problem.gradient()
        size = values.abs()
        smallest = torch.finfo(size.dtype).eps * len(size) * float(size.max())
        inverse = torch.where(size > smallest, 1 / size, torch.ones_like(size))
        direction = -(vectors @ (inverse * (vectors.T @ slope)))
        _backtrack(problem, direction, slope, rate)

    return update


def _backtrack(problem: Problem, direction: Tensor, slope: Tensor, rate: float) -> None:
    """Go along a direction, by `rate` or by the largest half of it that lowers the loss enough."""
    origin = problem.point()
    with torch.no_grad():
        before = float(problem.loss())
        promised = float(slope @ direction)
        for _ in range(HALVINGS):
            problem.place(origin + rate * direction)
            if float(problem.loss()) <= before + ARMIJO * rate * promised:
                return
            rate /= 2
        problem.place(origin)


def _levenberg_marquardt(problem: Problem) -> Update:
    """Levenberg-Marquardt, with the damping of Nielsen (1999): by the ratio of the decrease that
    came to the one that the linear model promised."""
    residuals = problem.residuals
    assert residuals is not None
    damping, growth = math.nan, 2.0

    def update(rate: float) -> None:
        nonlocal damping, growth
        value = residuals()
        rows = [flat(gradients(one, problem.tensors, retain_graph=True)) for one in value]
        jacobian, value = torch.stack(rows).detach(), value.detach()
        normal, slope = jacobian.T @ jacobian, jacobian.T @ value
        if math.isnan(damping):
            damping = 1e-3 * float(normal.diagonal().max())
        origin = problem.point()
        identity = torch.eye(len(slope), dtype=slope.dtype, device=slope.device)
        for _ in range(HALVINGS):
            step = -torch.linalg.solve(normal + max(damping, 1e-300) * identity, slope)
            with torch.no_grad():
                problem.place(origin + rate * step)
                after = residuals()
            gain = float(value @ value - after @ after)
            promised = float(step @ (damping * step - slope))
            if gain > 0:
                damping *= max(1 / 3, 1 - (2 * gain / promised - 1) ** 3) if promised > 0 else 1
                growth = 2.0
                return
            damping *= growth
            growth *= 2
        problem.place(origin)

    return update


# torch.optim's ------------------------------------------------------------------------------------


def _torch(name: str, **options: Any) -> Callable[[Problem], Update]:
    """The optimiser of that name, its learning rate set anew at every step."""

    def make(problem: Problem) -> Update:
        import torch.optim  # its first use costs nearly a second

        optimizer = getattr(torch.optim, name)(problem.tensors, lr=1.0, **options)

        def update(rate: float) -> None:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()

        return update

    return make


def _lbfgs(problem: Problem) -> Update:
    import torch.optim

    optimizer = torch.optim.LBFGS(
        problem.tensors,
        lr=1.0,
        max_iter=1,
        max_eval=50,
        history_size=20,
        tolerance_grad=0.0,
        tolerance_change=1e-300,
        line_search_fn="strong_wolfe",
    )

    def update(rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step(problem.differentiate)  # type: ignore[no-untyped-call]

    return update


OPTIMIZERS: Mapping[str, Optimizer] = {
    row.name: row
    for row in (
        Optimizer(
            "gd",
            "gradient descent: x -= rate * gradient",
            0.1,
            _gradient_descent,
            lambda largest: 2 / largest,
        ),
        Optimizer(
            "sgd",
            "the same as torch.optim.SGD rounds it",
            0.1,
            _torch("SGD"),
            lambda largest: 2 / largest,
        ),
        Optimizer(
            "momentum",
            "a heavy ball: 0.9 of the last step goes on (Polyak, 1964)",
            0.1,
            _torch("SGD", momentum=MOMENTUM),
            lambda largest: 2 * (1 + MOMENTUM) / largest,
        ),
        Optimizer(
            "nesterov",
            "momentum that looks ahead (Nesterov, 1983)",
            0.1,
            _torch("SGD", momentum=MOMENTUM, nesterov=True),
            lambda largest: 2 * (1 + MOMENTUM) / (1 + 2 * MOMENTUM) / largest,
        ),
        Optimizer(
            "rmsprop",
            "each gradient over its running size (Tieleman & Hinton, 2012)",
            0.1,
            _torch("RMSprop"),
        ),
        Optimizer("adam", "momentum and RMSprop in one (Kingma & Ba, 2015)", 0.1, _torch("Adam")),
        Optimizer(
            "adamw",
            "Adam with decoupled weight decay, 0.01 (Loshchilov & Hutter, 2019)",
            0.1,
            _torch("AdamW", weight_decay=WEIGHT_DECAY),
        ),
        Optimizer(
            "lbfgs",
            "limited-memory BFGS, strong Wolfe line search (Liu & Nocedal, 1989)",
            1.0,
            _lbfgs,
            whole=True,
        ),
        Optimizer("newton", "Newton's method on the exact Hessian", 1.0, _newton, whole=True),
        Optimizer(
            "lm",
            "Levenberg-Marquardt, for least squares (Marquardt, 1963)",
            1.0,
            _levenberg_marquardt,
            squares=True,
            whole=True,
        ),
    )
}


def optimizer(name: str) -> Optimizer:
    """The row of that name. Raises: UsageError for a name that is not in the table."""
    row = OPTIMIZERS.get(name)
    if row is not None:
        return row
    near = get_close_matches(name.lower(), OPTIMIZERS, n=1)
    known = f"known: {', '.join(OPTIMIZERS)}"
    hint = f"did you mean {near[0]!r}? {known}" if near else known
    raise UsageError(f"unknown optimizer {name!r}", hint=hint)


def check_fit(row: Optimizer, objective: Objective, batch_size: int | None) -> None:
    """That the optimiser suits what is minimised. Raises: UsageError."""
    if row.squares and objective.residuals is None:
        raise UsageError(
            f"the optimizer {row.name!r} needs a sum of squares, and this task has none",
            hint="for example --optimizer newton",
        )
    if row.whole and batch_size is not None:
        raise UsageError(
            f"the optimizer {row.name!r} needs the whole loss, not batches of it",
            hint="leave --batch-size out, or use --optimizer adam",
        )
