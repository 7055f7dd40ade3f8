"""The descent loop: to the bit what the same loop in torch does, and why it stops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context, resolve
from autograd_cli.engine.descent.curvature import hessian, largest_eigenvalue
from autograd_cli.engine.descent.loop import Descending, Ending
from autograd_cli.engine.descent.objective import Objective, expression_objective
from autograd_cli.engine.descent.optimizers import OPTIMIZERS
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.schedules import SCHEDULES, schedule
from autograd_cli.errors import UsageError
from autograd_cli.language.reader import read
from autograd_cli.results.fit import INTERRUPTED, Step
from autograd_cli.settings import OPTIMIZERS as NAMES
from autograd_cli.settings import SCHEDULES as SCHEDULE_NAMES
from autograd_cli.settings import Descent, Settings

ROSENBROCK = "100*(y-x**2)**2+(1-x)**2"
BOWL = "(x-3)**2+(y-2)**2"


def context() -> Context:
    return resolve(Settings())


def descend(
    source: str, descent: Descent, **start: float | list[float]
) -> tuple[list[Step], Ending]:
    """The steps of a descent of an expression, and how it ended."""
    here = context()
    tensors = {name: here.tensor(value) for name, value in start.items()}
    endings: list[Any] = []
    going = Descending(
        expression_objective(read(source), tensors, here), descent, here, endings.append
    )
    steps = list(going.steps())
    going.result()
    return steps, endings[0]


def test_the_tables_have_the_names_that_the_command_line_knows() -> None:
    assert tuple(OPTIMIZERS) == NAMES
    assert tuple(SCHEDULES) == SCHEDULE_NAMES


# To the bit ---------------------------------------------------------------------------------------


def loss_of(x: Tensor, y: Tensor) -> Tensor:
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2


def leaves() -> tuple[Tensor, Tensor]:
    return (
        torch.tensor(-1.2, dtype=torch.float64, requires_grad=True),
        torch.tensor(1.0, dtype=torch.float64, requires_grad=True),
    )


def test_gd_is_the_loop_that_one_writes_by_hand() -> None:
    x, y = leaves()
    steps, _ = descend(ROSENBROCK, Descent(steps=200, learning_rate=1e-3), x=-1.2, y=1.0)
    for step in steps:
        loss = loss_of(x, y)
        assert (step.loss, step.parameters["x"], step.parameters["y"]) == (
            loss.item(),
            x.item(),
            y.item(),
        )
        loss.backward()
        assert x.grad is not None
        assert y.grad is not None
        with torch.no_grad():
            x -= 1e-3 * x.grad
            y -= 1e-3 * y.grad
        x.grad = y.grad = None


@pytest.mark.parametrize(
    ("name", "make", "rate"),
    [
        ("sgd", lambda p, lr: torch.optim.SGD(p, lr=lr), 1e-3),
        ("momentum", lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9), 1e-4),
        ("nesterov", lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, nesterov=True), 1e-4),
        ("rmsprop", lambda p, lr: torch.optim.RMSprop(p, lr=lr), 1e-2),
        ("adam", lambda p, lr: torch.optim.Adam(p, lr=lr), 0.1),
        ("adamw", lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.01), 0.1),
    ],
)
def test_torch_s_optimisers_to_the_bit(name: str, make: Callable[..., Any], rate: float) -> None:
    x, y = leaves()
    optimizer = make([y, x], rate)  # in the order in which the expression has them
    descent = Descent(steps=100, optimizer=name, learning_rate=rate)
    steps, _ = descend(ROSENBROCK, descent, x=-1.2, y=1.0)
    assert len(steps) == 101
    for step in steps:
        loss = loss_of(x, y)
        assert step.loss == loss.item()
        assert step.parameters == {"y": y.item(), "x": x.item()}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_a_schedule_drives_torch_s_optimiser() -> None:
    x, y = leaves()
    optimizer = torch.optim.Adam([y, x], lr=0.1)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    descent = Descent(steps=50, optimizer="adam", learning_rate=0.1, schedule="cosine")
    steps, _ = descend(ROSENBROCK, descent, x=-1.2, y=1.0)
    for step in steps[1:]:
        assert step.learning_rate == pytest.approx(cosine.get_last_lr()[0], rel=1e-12, abs=1e-15)
        optimizer.zero_grad()
        loss_of(x, y).backward()
        optimizer.step()
        cosine.step()
    assert steps[-1].parameters["x"] == pytest.approx(x.item(), rel=1e-9)


SCHEDULERS: list[tuple[str, Callable[[Any], Any]]] = [
    ("step:7:0.5", lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5)),
    ("exponential:0.9", lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    ("cosine:0.1", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 40, 0.1)),
    ("linear:0.2", lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.2, 40)),
    ("constant", lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    ("inverse:3", lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: (1 + k / 3) ** -0.5)),
    ("warmup:8", lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: min(1, (k + 1) / 8))),
]


@pytest.mark.parametrize(("text", "make"), SCHEDULERS, ids=[text for text, _ in SCHEDULERS])
def test_schedules_are_torch_s(text: str, make: Callable[[Any], Any]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    factor = schedule(text, 40)
    for step in range(40):
        assert factor(step) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12, abs=1e-15)
        optimizer.step()
        scheduler.step()


def test_warmup_cosine_rises_and_falls_to_zero() -> None:
    factor = schedule("warmup-cosine:10", 100)
    found = [factor(step) for step in range(101)]
    assert found[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert found[10] == 1.0
    assert found[100] == pytest.approx(0.0, abs=1e-15)
    assert found[10:] == sorted(found[10:], reverse=True)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "cosin",
            "unknown schedule 'cosin'",
            "did you mean 'cosine'? known: constant, step, exponential, cosine, linear, inverse,"
            " warmup, warmup-cosine",
        ),
        (
            "constant:3",
            "the schedule 'constant' takes no argument, not 1",
            "write constant",
        ),
        (
            "step:1:2:3",
            "the schedule 'step' takes 2 arguments, not 3",
            "write step[:SIZE[:GAMMA]]",
        ),
        (
            "step:x",
            "SIZE of the schedule 'step' is a number of at least 1, not 'x'",
            "write step[:SIZE[:GAMMA]]",
        ),
        (
            "exponential:1.5",
            "GAMMA of the schedule 'exponential' is a number from 0 to 1, not '1.5'",
            "write exponential[:GAMMA]",
        ),
        (
            "inverse:0",
            "SCALE of the schedule 'inverse' is a number above 0, not '0'",
            "write inverse[:SCALE]",
        ),
    ],
)
def test_schedules_that_cannot_be_read(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        schedule(text, 10)
    assert (caught.value.message, caught.value.hint) == (message, hint)


# Batches and least squares ------------------------------------------------------------------------


def line(samples: int = 40) -> tuple[Tensor, Tensor, Objective]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(samples, dtype=torch.float64, generator=generator)
    y = 2 * x + 1 + 0.3 * torch.randn(samples, dtype=torch.float64, generator=generator)

    def residuals(parameters: Any) -> Tensor:
        return parameters["w"] * x + parameters["b"] - y

    def loss(parameters: Any, rows: Any) -> Tensor:
        found = residuals(parameters)
        return ((found if rows is None else found[rows]) ** 2).mean()

    zero = torch.tensor(0.0, dtype=torch.float64)
    return x, y, Objective({"w": zero, "b": zero}, loss, samples, residuals)


def test_batches_are_those_of_a_permutation_an_epoch() -> None:
    x, y, objective = line()
    here = context()
    descent = Descent(steps=5, learning_rate=0.05, batch_size=16)
    steps = list(Descending(objective, descent, here, lambda ending: ending).steps())  # type: ignore[arg-type, return-value]
    generator = torch.Generator().manual_seed(0)
    w, b = (torch.tensor(0.0, dtype=torch.float64, requires_grad=True) for _ in "wb")
    for step in steps:
        assert step.parameters == {"w": w.item(), "b": b.item()}
        for rows in torch.randperm(40, generator=generator).split(16):
            ((w * x + b - y)[rows] ** 2).mean().backward()
            assert w.grad is not None
            assert b.grad is not None
            with torch.no_grad():
                w -= 0.05 * w.grad
                b -= 0.05 * b.grad
            w.grad = b.grad = None


@pytest.mark.parametrize(("name", "most"), [("lm", 6), ("newton", 2), ("lbfgs", 12)])
def test_second_order_methods_find_least_squares(name: str, most: int) -> None:
    x, y, objective = line()
    endings: list[Any] = []
    descent = Descent(steps=50, optimizer=name, tolerance=1e-10)
    going = Descending(objective, descent, context(), endings.append)
    assert len(list(going.steps())) <= most + 1
    going.result()
    exact = torch.linalg.lstsq(torch.stack([x, torch.ones_like(x)], 1), y[:, None]).solution
    assert endings[0].converged
    assert [endings[0].parameters[name] for name in "wb"] == pytest.approx(
        exact.flatten().tolist(), rel=1e-9
    )


def test_an_optimiser_that_does_not_fit() -> None:
    here = context()
    bowl = expression_objective(read("x**2"), {"x": here.tensor(1.0)}, here)
    with pytest.raises(UsageError) as caught:
        Descending(bowl, Descent(steps=1, optimizer="lm"), here, lambda ending: ending)  # type: ignore[arg-type, return-value]
    assert caught.value.message == (
        "the optimizer 'lm' needs a sum of squares, and this task has none"
    )
    batched = Descent(steps=1, optimizer="lbfgs", batch_size=8)
    with pytest.raises(UsageError) as caught:
        Descending(line()[2], batched, here, lambda ending: ending)  # type: ignore[arg-type, return-value]
    assert caught.value.message == ("the optimizer 'lbfgs' needs the whole loss, not batches of it")


# Why it stops -------------------------------------------------------------------------------------


def test_a_tolerance_stops_at_the_first_step_that_reaches_it() -> None:
    steps, ending = descend(BOWL, Descent(steps=500, learning_rate=0.1, tolerance=1e-3), x=0, y=0)
    norms = [step.gradient_norm or 0.0 for step in steps]
    assert norms[-1] <= 1e-3 < norms[-2]
    assert (ending.converged, ending.reason) == (True, "the gradient norm is at most 0.001")


def test_too_few_steps() -> None:
    _, ending = descend(BOWL, Descent(steps=5, learning_rate=0.1, tolerance=1e-3), x=0, y=0)
    assert (ending.converged, ending.steps) == (False, 5)
    assert ending.reason == "the gradient norm is 2.36, not 0.001"


def test_a_start_at_the_minimum_is_the_end() -> None:
    steps, ending = descend(BOWL, Descent(steps=50), x=3, y=2)
    assert len(steps) == 1
    assert (ending.converged, ending.reason) == (True, "the gradient is zero")


def test_momentum_does_not_stop_where_it_passes_the_minimum() -> None:
    descent = Descent(steps=20, optimizer="momentum", learning_rate=0.5)
    steps, _ = descend("x**2", descent, x=1.0)  # the first step ends exactly at 0
    assert steps[1].parameters == {"x": 0.0}
    assert len(steps) == 21


@pytest.mark.parametrize(
    ("name", "rate", "limit"),
    [("gd", 1.1, "1 = 2 / 2"), ("sgd", 1.1, "1 = 2 / 2"), ("nesterov", 0.7, "0.6786 = 1.36 / 2")],
)
def test_divergence_is_explained_by_the_curvature(name: str, rate: float, limit: str) -> None:
    descent = Descent(steps=200, optimizer=name, learning_rate=rate)
    _, ending = descend(BOWL, descent, x=0, y=0)
    assert ending.diverged
    assert not ending.converged
    (warning,) = ending.warnings
    assert warning.startswith(
        f"the learning rate {rate} is beyond {limit}, the largest eigenvalue of the Hessian at the"
        " start: try --lr "
    )
    tried = float(warning.split()[-1])
    _, mended = descend(BOWL, Descent(steps=300, optimizer=name, learning_rate=tried), x=0, y=0)
    assert mended.converged


@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov"])
def test_the_stable_limit_is_where_divergence_begins(name: str) -> None:
    stable = OPTIMIZERS[name].stable
    assert stable is not None
    limit = stable(6.0)
    for factor, diverges in ((0.99, False), (1.01, True)):
        descent = Descent(steps=3000, optimizer=name, learning_rate=factor * limit)
        _, ending = descend("3*x**2", descent, x=1.0)
        assert ending.diverged is diverges


def test_a_loss_that_is_not_finite_stops_with_its_step() -> None:
    steps, ending = descend("x**4", Descent(steps=100, learning_rate=1.0), x=10.0)
    assert not math.isfinite(steps[-1].loss)
    assert all(math.isfinite(step.loss) for step in steps[:-1])
    assert ending.reason == f"the loss is inf at step {len(steps) - 1}"
    assert ending.warnings


def test_a_slope_without_curvature_is_said() -> None:
    _, ending = descend("-x**2", Descent(steps=3000, learning_rate=0.5), x=1.0)
    assert not ending.converged


def test_what_is_interrupted_has_the_last_whole_step() -> None:
    here = context()
    endings: list[Any] = []
    objective = expression_objective(read("x**2"), {"x": here.tensor(1.0)}, here)
    going = Descending(objective, Descent(steps=50), here, endings.append)
    steps = going.steps()
    taken = [next(steps) for _ in range(4)]
    going.result(interrupted=True)
    assert (endings[0].reason, endings[0].steps) == (INTERRUPTED, 3)
    assert endings[0].parameters == taken[-1].parameters


def test_random_constants_are_the_same_at_every_step() -> None:
    steps, _ = descend("sum((x-randn(3))**2)", Descent(steps=200), x=[0.0, 0.0, 0.0])
    assert steps[-1].loss < 1e-12


# Curvature ----------------------------------------------------------------------------------------


def test_the_largest_eigenvalue_of_many_parameters() -> None:
    here = context()
    size = 300
    start = {"x": torch.linspace(-1, 1, size, dtype=torch.float64)}
    source = f"sum(arange({size})*x**2) - 1000*x[0]**2"
    problem = Problem(expression_objective(read(source), start, here))
    assert largest_eigenvalue(problem) == pytest.approx(2 * (size - 1), rel=1e-3)


def test_the_hessian_is_the_one_by_hand() -> None:
    here = context()
    start = {"x": here.tensor(-1.2), "y": here.tensor(1.0)}
    problem = Problem(expression_objective(read(ROSENBROCK), start, here))
    by_hand = [[200.0, 480.0], [480.0, 1200 * 1.44 - 400 + 2]]  # y comes first
    assert hessian(problem).tolist() == [pytest.approx(row) for row in by_hand]
