"""The value and the derivatives of an expression, at a point and over a grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import backward, sizes
from autograd_cli.engine.core.batches import batches, forward, plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import constant, constants, evaluate, output
from autograd_cli.engine.nodewise.nonfinite import explain_value
from autograd_cli.engine.nodewise.point import Point
from autograd_cli.errors import ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import Axis
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results import Evaluation, Gradient, Value
from autograd_cli.results.columns import Columns

point = constants  # the values of `--at`, by variable

_NO_REQUEST = DerivativeRequest()


def evaluation(expression: Expression, at: Mapping[str, Tensor], context: Context) -> Evaluation:
    """The value of the expression at a point, and why it is not finite if it is not."""
    with torch.no_grad():
        values = evaluate(expression, at, context)
        point = Point(expression, context, at, values, output(expression, values, context))
    told = explain_value(expression, values, context)
    return Evaluation(**point.header(), warnings=(*expression.warnings, *told))


def gradient(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = _NO_REQUEST,
) -> Gradient:
    """The derivatives of the expression at a point.

    `at` holds a tensor of any shape for every variable. Raises: ShapeError for an output that is
    no scalar and has no `grad_output`, DerivativeError where torch has no derivative,
    EvaluationError where there is no value.
    """
    point = Point.of(expression, at, context, request)
    weights = point.weights(request)
    found = backward.differentiate(expression, point.value, point.leaves, request, weights)
    warnings = point.warnings()
    if not all(derivative.isfinite().all() for derivative in found.values()):
        order = len(request.partial) or request.order
        warnings += point.why_not_finite(weights.grad_output, order)
    return Gradient(
        **point.header(),
        gradient={name: plain(derivative) for name, derivative in found.items()},
        warnings=tuple(warnings),
        **_echo(request, weights),
    )


def evaluations(
    expression: Expression,
    at: Mapping[str, Tensor],
    places: Mapping[str, Tensor],
    context: Context,
) -> Iterator[Evaluation]:
    """`evaluation` at every point of a grid, or at listed points (see `batches`).

    Raises: as `evaluation`.
    """
    state = context.generator.get_state()
    for batch in batches(expression, at, places):
        context.generator.set_state(state)  # random constants are the same at every point
        yield from evaluation_columns(expression, batch, places, context).points()


def evaluation_columns(
    expression: Expression,
    batch: Mapping[str, Tensor],
    moving: Collection[str],
    context: Context,
    *,
    explain: int = 0,
) -> Columns:
    """`evaluation` at the points of a batch, column by column; `moving` are the variables that
    vary.

    The cause of the first `explain` values that are not finite is traced. Raises: as `evaluation`.
    """
    state = context.generator.get_state()
    with torch.no_grad():
        value = forward(expression, batch, context)
    odd = _non_finite([value])

    def told(here: Mapping[str, Tensor]) -> tuple[str, ...]:
        return evaluation(expression, here, context).warnings

    return Columns(
        header=Evaluation(
            expression=expression.source,
            at=_fixed(batch, moving),
            dtype=context.dtype_name,
            device=str(context.device),
            value=None,
            warnings=expression.warnings,
        ),
        names=list(batch),
        size=len(value),
        at={name: batch[name] for name in batch if name in moving},
        value=_readable(value),
        warnings=_explained(expression, batch, odd[:explain], context, state, told),
        non_finite=len(odd),
    )


def gradients(
    expression: Expression,
    at: Mapping[str, Tensor],
    places: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = _NO_REQUEST,
) -> Iterator[Gradient]:
    """`gradient` at every point of a grid, or at listed points (see `batches`).

    Raises: as `gradient`.
    """
    left = MOST_EXPLAINED
    state = context.generator.get_state()
    for batch in batches(expression, at, places):
        context.generator.set_state(state)  # random constants are the same at every point
        found = gradient_columns(expression, batch, places, context, request, explain=left)
        left -= len(found.warnings)
        yield from found.points()  # type: ignore[misc]


def gradient_columns(
    expression: Expression,
    batch: Mapping[str, Tensor],
    moving: Collection[str],
    context: Context,
    request: DerivativeRequest = _NO_REQUEST,
    *,
    explain: int = 0,
    singly: bool = False,
) -> Columns:
    """`gradient` at the points of a batch, column by column; `moving` are the variables that vary.

    One backward pass gives all gradients; with `singly` every point has a graph of its own. The
    cause of the first `explain` results that are not finite is traced. Raises: as `gradient`.
    """
    state = context.generator.get_state()
    leaves = backward.leaves(expression, batch, request)
    value = forward(expression, leaves, context, singly=singly)
    first = {name: column[0] for name, column in batch.items()}
    weights = backward.weights(expression, first, value.shape[1:], request, context)
    backward.check_differentiable(expression, value[0], weights)
    found = backward.differentiate(expression, value, leaves, request, weights, batch=1)
    value = value.detach()
    header = gradient_header(expression, _fixed(batch, moving), context, request, weights)
    odd = _non_finite([value, *found.values()])

    def told(here: Mapping[str, Tensor]) -> tuple[str, ...]:
        return gradient(expression, here, context, request).warnings

    return Columns(
        header=header,
        names=list(batch),
        size=len(value),
        at={name: batch[name] for name in batch if name in moving},
        value=_readable(value),
        gradient={name: _readable(part) for name, part in found.items()},
        warnings=_explained(expression, batch, odd[:explain], context, state, told),
        non_finite=len(odd),
    )


def gradient_header(
    expression: Expression,
    at: Mapping[str, Value],
    context: Context,
    request: DerivativeRequest,
    weights: backward.Weights,
) -> Gradient:
    """What the gradients at many points share."""
    return Gradient(
        expression=expression.source,
        at=at,
        dtype=context.dtype_name,
        device=str(context.device),
        value=None,
        gradient={},
        warnings=expression.warnings,
        **_echo(request, weights),
    )


def _non_finite(results: Sequence[Tensor]) -> Tensor:
    """The positions of points at which not all results are finite."""
    if all(all_finite(part) for part in results):
        return torch.empty(0, dtype=torch.int64)
    finite = torch.stack(
        [
            part.isfinite().flatten(1).all(1) if part.dim() > 1 else part.isfinite()
            for part in results
        ]
    ).all(0)
    return (~finite).nonzero().flatten()


def _explained(
    expression: Expression,
    batch: Mapping[str, Tensor],
    positions: Tensor,
    context: Context,
    state: Tensor,
    told: Callable[[Mapping[str, Tensor]], tuple[str, ...]],
) -> dict[int, tuple[str, ...]]:
    """What is `told` of some points, by position, beyond what is true of all."""
    warnings: dict[int, tuple[str, ...]] = {}
    for position in positions.tolist():
        context.generator.set_state(state)  # random constants are the same at every point
        texts = told({name: tensor[position] for name, tensor in batch.items()})
        warnings[position] = texts[len(expression.warnings) :]
    return warnings


def all_finite(values: Tensor) -> bool:
    """Whether no number among them is infinite or nan: a sum shows it, unless it overflows."""
    if not values.is_floating_point():
        return True
    return math.isfinite(values.sum().item()) or bool(values.isfinite().all())


def _fixed(batch: Mapping[str, Tensor], moving: Collection[str]) -> dict[str, Value]:
    return {name: plain(value[0]) for name, value in batch.items() if name not in moving}


def _readable(value: Tensor) -> Tensor:
    """The numbers in memory of their own: torch promises zeros without any."""
    return torch.zeros(value.shape, dtype=value.dtype) if value._is_zerotensor() else value


AT_ONCE = 5  # numbers for each point of an axis, while it is made
MOST_EXPLAINED = 5  # non-finite points whose cause is traced; the others speak for themselves


def axis(axis: Axis, context: Context) -> Tensor:
    """The coordinates of a grid's axis, evenly spaced with both ends, shape (count,).

    Each is a weighted mean of the ends, so that of round ends it is round, and 0 in the middle of
    -1 and 1; `torch.linspace` adds up steps, which are not.
    """
    start, stop = constant(axis.start, context), constant(axis.stop, context)
    for end, expression in ((start, axis.start), (stop, axis.stop)):
        if end.dim():
            raise ShapeError("the ends of an axis are numbers").within(expression.source)
    last = axis.count - 1
    if not last:
        return start[None]
    together = (axis.count, AT_ONCE)
    sizes.need(together, torch.float64, context.device, f"an axis of {axis.count:,} points")
    ascending = torch.arange(axis.count, dtype=torch.float64)
    low, high = start.item() * (last - ascending), stop.item() * ascending
    found = (low + high) / last
    if not found.isfinite().all():  # of ends near the largest numbers
        share = ascending / last
        found = start.item() * (1 - share) + stop.item() * share
    found[-1], found[0] = stop, start
    return found.to(context.device, context.dtype)


def _echo(request: DerivativeRequest, weights: backward.Weights) -> dict[str, Any]:
    return {
        "order": request.order,
        "partial": tuple(map(str, request.partial)),
        "along": {name: plain(direction) for name, direction in weights.along.items()},
        "grad_output": None if weights.grad_output is None else plain(weights.grad_output),
    }
