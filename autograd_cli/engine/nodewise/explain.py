"""The chain rule step by step: an evaluation trace and its adjoints or tangents.

Sources: Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3; Baydin et al., "Automatic
differentiation in machine learning: a survey" (2018), tables 2 and 3. Each operation is run alone
on detached operands, so that every term of every adjoint is a number of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.nodewise.adjoints import Adjoints, adjoint_steps, reverse_sweep
from autograd_cli.engine.nodewise.point import Point
from autograd_cli.engine.nodewise.primal import primal_steps
from autograd_cli.engine.nodewise.single_path import chains
from autograd_cli.engine.nodewise.tangents import assembled, directions_of, forward_sweep
from autograd_cli.engine.nodewise.trace import Trace
from autograd_cli.errors import UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.language.steps import Steps
from autograd_cli.results import Value
from autograd_cli.results.explanation import FORWARD, REVERSE, Explanation

MOST_STEPS = 2_000  # beyond, nobody reads them, and their texts grow with the square


def explain(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = DerivativeRequest(),  # noqa: B008  (frozen)
    mode: str = REVERSE,
) -> Explanation:
    """The trace of the expression at a point, with adjoints (`reverse`) or tangents (`forward`).

    Raises: as `gradient`; UsageError for an expression without variables or with too many steps.
    """
    steps = Steps(expression)
    _check_size(steps)
    point = Point.of(expression, at, context, DerivativeRequest())
    leaves, values, value = point.leaves, point.values, point.value
    weights = point.weights(request, "explain")
    seed = torch.ones_like(value) if weights.grad_output is None else weights.grad_output
    trace = Trace(steps, values, context)
    found = Adjoints({}, {}, {})
    tangents: dict[str, dict[int, Tensor]] = {}
    if mode == FORWARD:
        directions = directions_of(expression, leaves, weights)
        tangents = {name: forward_sweep(trace, start) for name, start in directions.items()}
        slopes = [(seed * one[expression.root]).sum() for one in tangents.values()]
        gradient = assembled(expression, leaves, slopes, is_along=bool(weights.along))
    else:
        found = reverse_sweep(trace, seed)
        gradient = {
            name: found.adjoints.get(position, torch.zeros_like(leaves[name]))
            for name, position in expression.variables.items()
        }
    warnings = point.warnings()
    if not all(one.isfinite().all() for one in gradient.values()):
        warnings += point.why_not_finite(weights.grad_output)
    derivatives: dict[str, Value] = {name: plain(one) for name, one in gradient.items()}
    return Explanation(
        **point.header(),
        warnings=tuple(warnings),
        mode=mode,
        forward=primal_steps(trace, tangents),
        backward=adjoint_steps(trace, found) if mode == REVERSE else (),
        gradient=derivatives,
        chains=chains(trace, found, derivatives) if mode == REVERSE else (),
        directions=tuple(tangents),
        along={name: plain(direction) for name, direction in weights.along.items()},
        grad_output=None if weights.grad_output is None else plain(weights.grad_output),
    )


def _check_size(steps: Steps) -> None:
    if not steps.expression.variables:
        raise UsageError(
            "nothing to differentiate: the expression has no variables",
            hint="for its value, use agx eval",
        )
    count = len(steps.numbers)
    if count > MOST_STEPS:
        raise UsageError(
            f"{count:,} steps are too many to explain one by one (at most {MOST_STEPS:,})",
            hint="for the derivatives, use agx grad",
        )
