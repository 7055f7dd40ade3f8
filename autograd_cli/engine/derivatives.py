"""The value and the derivatives of an expression, at a point and over a grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine import backward
from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import constant, constants, evaluate, output
from autograd_cli.engine.nonfinite import explain_gradient, explain_higher, explain_value
from autograd_cli.errors import AgxError, ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import Axis
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results import Evaluation, Gradient, Value

point = constants  # the values of `--at`, by variable

_NO_REQUEST = DerivativeRequest()


def evaluation(expression: Expression, at: Mapping[str, Tensor], context: Context) -> Evaluation:
    """The value of the expression at a point, and why it is not finite if it is not."""
    with torch.no_grad():
        values = evaluate(expression, at, context)
        value = output(expression, values, context)
    warnings = [*expression.warnings, *explain_value(expression, values)]
    return Evaluation(
        expression=expression.source,
        at={name: plain(at[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=plain(value),
        warnings=tuple(warnings),
    )


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
    leaves = backward.leaves(expression, at, request)
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = backward.weights(expression, leaves, value.shape, request, context)
    backward.check_differentiable(expression, value, weights)
    found = backward.differentiate(expression, value, leaves, request, weights)
    warnings = [*expression.warnings, *explain_value(expression, values)]
    if not all(derivative.isfinite().all() for derivative in found.values()):
        first_order = explain_gradient(expression, values, leaves, weights.grad_output, context)
        order = len(request.partial) or request.order
        if not first_order and order > 1 and value.isfinite().all():
            first_order = explain_higher(expression, values, order, context)
        warnings += first_order
    return Gradient(
        expression=expression.source,
        at={name: plain(at[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=plain(value),
        gradient={name: plain(derivative) for name, derivative in found.items()},
        warnings=tuple(warnings),
        **_echo(request, weights),
    )


def evaluations(
    expression: Expression,
    at: Mapping[str, Tensor],
    grid: Mapping[str, Tensor],
    context: Context,
) -> Iterator[Evaluation]:
    """`evaluation` at every point of a grid: `grid` holds the coordinates along each axis.

    The last axis varies fastest. Raises: as `evaluation`.
    """
    state = context.generator.get_state()
    for batch in batches(expression, at, grid):
        context.generator.set_state(state)  # random constants are the same at every point
        with torch.no_grad():
            value = forward(expression, batch, context)
        for row, one in zip(rows_at(batch, grid, at), value.tolist(), strict=True):
            result = Evaluation(
                expression=expression.source,
                at=row,
                dtype=context.dtype_name,
                device=str(context.device),
                value=one,
                warnings=expression.warnings,
            )
            yield result


def gradients(
    expression: Expression,
    at: Mapping[str, Tensor],
    grid: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = _NO_REQUEST,
) -> Iterator[Gradient]:
    """`gradient` at every point of a grid: `grid` holds the coordinates along each axis.

    The last axis varies fastest. The forward pass of a chunk of points is vectorised by torch.vmap,
    and one backward pass gives its gradients. Raises: as `gradient`.
    """
    explained = 0
    state = context.generator.get_state()
    for batch in batches(expression, at, grid):
        context.generator.set_state(state)  # random constants are the same at every point
        leaves = backward.leaves(expression, batch, request)
        value = forward(expression, leaves, context)
        size = value.shape[:1]
        first = {name: column[0] for name, column in batch.items()}
        weights = backward.weights(expression, first, value.shape[1:], request, context)
        backward.check_differentiable(expression, value[0], weights)
        found = backward.differentiate(expression, value, leaves, request, weights, batch=1)
        finite = torch.stack(
            [part.isfinite().reshape(*size, -1).all(1) for part in (value, *found.values())]
        ).all(0)
        names = list(found)
        columns = [finite.tolist(), plain(value), *(plain(found[name]) for name in names)]
        rows = zip(rows_at(batch, grid, at), *columns, strict=True)
        for position, (row, is_finite, one, *derivatives) in enumerate(rows):
            warnings = expression.warnings
            if not is_finite and explained < MOST_EXPLAINED:
                explained += 1
                here = {name: tensor[position] for name, tensor in batch.items()}
                context.generator.set_state(state)
                warnings = gradient(expression, here, context, request).warnings
            yield Gradient(
                expression=expression.source,
                at=row,
                dtype=context.dtype_name,
                device=str(context.device),
                value=one,
                gradient=dict(zip(names, derivatives, strict=True)),
                warnings=warnings,
                **_echo(request, weights),
            )


CHUNK = 65_536  # rows; more would leave the cache, fewer would be all overhead
CHUNK_ELEMENTS = 4_194_304
MOST_EXPLAINED = 5  # non-finite points whose cause is traced; the others speak for themselves


def axis(axis: Axis, context: Context) -> Tensor:
    """The coordinates of a grid's axis, evenly spaced with both ends, shape (count,)."""
    start, stop = constant(axis.start, context), constant(axis.stop, context)
    for end, expression in ((start, axis.start), (stop, axis.stop)):
        if end.dim():
            raise ShapeError("the ends of an axis are numbers").within(expression.source)
    return torch.linspace(
        start.item(), stop.item(), axis.count, dtype=context.dtype, device=context.device
    )


def plain(value: Tensor) -> Any:
    """A tensor as a number or nested lists of numbers."""
    if value._is_zerotensor():  # torch's promise of zeros: reading an element of it would crash
        value = torch.zeros(value.shape, dtype=value.dtype)
    return value.tolist()


def _echo(request: DerivativeRequest, weights: backward.Weights) -> dict[str, Any]:
    return {
        "order": request.order,
        "partial": tuple(map(str, request.partial)),
        "along": {name: plain(direction) for name, direction in weights.along.items()},
        "grad_output": None if weights.grad_output is None else plain(weights.grad_output),
    }


# Many points ------------------------------------------------------------------------------------


def batches(
    expression: Expression, at: Mapping[str, Tensor], grid: Mapping[str, Tensor]
) -> Iterator[dict[str, Tensor]]:
    """The variables at consecutive points of the grid, each of shape (points, ...)."""
    total = math.prod(len(coordinates) for coordinates in grid.values())
    elements = sum(at[name].numel() for name in at) + len(grid)
    chunk = max(1, min(CHUNK, CHUNK_ELEMENTS // elements))
    for start in range(0, total, chunk):
        rows = torch.arange(start, min(start + chunk, total))
        stride = total
        batch = {name: value.expand(len(rows), *value.shape) for name, value in at.items()}
        for name, coordinates in grid.items():
            stride //= len(coordinates)
            batch[name] = coordinates[(rows // stride) % len(coordinates)]
        yield {name: batch[name] for name in expression.variables}


def forward(expression: Expression, batch: Mapping[str, Tensor], context: Context) -> Tensor:
    """The outputs at every point of a batch, shape (points, ...)."""
    names = list(expression.variables)

    def single(*tensors: Tensor) -> Tensor:
        at = dict(zip(names, tensors, strict=True))
        return output(expression, evaluate(expression, at, context), context)

    tensors = [batch[name] for name in names]
    try:
        result: Tensor = torch.vmap(single, randomness="same")(*tensors)
    except AgxError:
        # Some operations cannot be vectorised; if it is not that, the loop raises the same again.
        result = torch.stack([single(*row) for row in zip(*tensors, strict=True)])
    return result


def rows_at(
    batch: Mapping[str, Tensor], grid: Mapping[str, Tensor], at: Mapping[str, Tensor]
) -> Iterator[dict[str, Value]]:
    """The `at` of every point of a batch."""
    fixed = {name: plain(value) for name, value in at.items()}
    columns = [plain(batch[name]) for name in grid]
    for coordinates in zip(*columns, strict=True):
        moving = dict(zip(grid, coordinates, strict=True))
        yield {name: moving[name] if name in moving else fixed[name] for name in batch}
