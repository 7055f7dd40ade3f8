"""Derivatives by reverse accumulation: plain torch.autograd.grad, nested for higher orders.

Every function here works for one point and for a batch of them: in a batch, each variable and each
output has one more axis in front, and since no point depends on another, the gradient of the sum
over the batch is the batch of gradients.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import constant, evaluate, output
from autograd_cli.engine.faults import explain_backward, shape_text
from autograd_cli.engine.nonfinite import explain_gradient, explain_value
from autograd_cli.errors import AgxError, DerivativeError, ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import Axis
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results import Evaluation, Gradient, Value

_NO_REQUEST = DerivativeRequest()


@dataclass(frozen=True)
class Weights:
    """The constants of a request as tensors: the direction, the weights of the outputs."""

    along: Mapping[str, Tensor]
    grad_output: Tensor | None


def point(values: Mapping[str, Expression], context: Context) -> dict[str, Tensor]:
    """The tensors of constant expressions, in the order given (so that a seed decides them all).

    Raises: EvaluationError, as `evaluate`.
    """
    return {name: constant(value, context) for name, value in values.items()}


def evaluation(
    expression: Expression, at: Mapping[str, Tensor], context: Context
) -> Evaluation:
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
    leaves = _leaves(expression, at, request)
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = _weights(expression, leaves, value.shape, request, context)
    _check_differentiable(expression, value, weights)
    found = _differentiate(expression, value, leaves, request, weights, batch=())
    warnings = [*expression.warnings, *explain_value(expression, values)]
    if not all(derivative.isfinite().all() for derivative in found.values()):
        warnings += explain_gradient(expression, values, leaves, weights.grad_output, context)
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
    for batch in _batches(expression, at, grid):
        with torch.no_grad():
            value = _forward(expression, batch, context)
        for row, one in zip(_rows(batch, grid, at), value.tolist(), strict=True):
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
    for batch in _batches(expression, at, grid):
        leaves = _leaves(expression, batch, request)
        value = _forward(expression, leaves, context)
        size = value.shape[:1]
        weights = _weights(expression, at | grid, value.shape[1:], request, context)
        _check_differentiable(expression, value[0], weights)
        found = _differentiate(expression, value, leaves, request, weights, batch=size)
        finite = torch.stack(
            [part.isfinite().reshape(*size, -1).all(1) for part in (value, *found.values())]
        ).all(0)
        names = list(found)
        columns = [finite.tolist(), plain(value), *(plain(found[name]) for name in names)]
        rows = zip(_rows(batch, grid, at), *columns, strict=True)  # type: ignore[call-overload]
        for position, (row, is_finite, one, *derivatives) in enumerate(rows):
            warnings = expression.warnings
            if not is_finite and explained < MOST_EXPLAINED:
                explained += 1
                here = {name: tensor[position] for name, tensor in batch.items()}
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
    return value.detach().tolist()


# One backward pass ------------------------------------------------------------------------------


def _leaves(
    expression: Expression, at: Mapping[str, Tensor], request: DerivativeRequest
) -> dict[str, Tensor]:
    """Fresh leaves: only what is asked for requires a gradient, so that nothing else need have
    one."""
    wanted = (
        {component.name for component in request.partial}
        or set(request.along)
        or set(request.wrt)
        or set(expression.variables)
    )
    return {
        name: at[name].detach().clone().requires_grad_(name in wanted)
        for name in expression.variables
    }


def _differentiate(
    expression: Expression,
    value: Tensor,
    leaves: Mapping[str, Tensor],
    request: DerivativeRequest,
    weights: Weights,
    batch: tuple[int, ...],
) -> dict[str, Tensor]:
    """The requested derivatives of `value`, shape (*batch, ...), each named as in the result."""
    seed = torch.ones_like(value)
    if weights.grad_output is not None:
        seed = weights.grad_output.expand_as(value)
    tape = _Tape(expression, len(batch))
    if request.partial:
        mixed, upstream = value, seed
        for last, component in _mark_last(request.partial):
            (whole,) = tape.gradients(mixed, [leaves[component.name]], upstream, not last)
            mixed, upstream = tape.element(whole, component.index), None
        return {",".join(map(str, request.partial)): mixed}
    if request.along:
        directional, upstream = value, seed
        names = list(request.along)
        for last, _ in _mark_last(range(request.order)):
            parts = tape.gradients(
                directional, [leaves[name] for name in names], upstream, not last
            )
            directional, upstream = (
                sum(tape.inner(part, weights.along[n]) for n, part in zip(names, parts)),
                None,
            )
        return {"along": directional}
    names = [name for name in leaves if not request.wrt or name in request.wrt]
    if request.wrt:
        names = list(request.wrt)
    wanted = [leaves[name] for name in names]
    first = tape.gradients(value, wanted, seed, request.order > 1)
    if request.order == 1:
        return dict(zip(names, first, strict=True))
    return {
        name: tape.pure(part, leaf, request.order)
        for name, part, leaf in zip(names, first, wanted, strict=True)
    }


@dataclass(frozen=True)
class _Tape:
    """Backward passes over tensors with `batch` leading batch axes (0 or 1)."""

    expression: Expression
    batch: int

    def gradients(
        self,
        target: Tensor,
        leaves: Sequence[Tensor],
        upstream: Tensor | None,
        keep_graph: bool,
    ) -> list[Tensor]:
        """d target / d leaves, zero where there is no path; `upstream` weighs the outputs."""
        if not target.requires_grad:
            return [torch.zeros_like(leaf) for leaf in leaves]
        if upstream is None:
            upstream = torch.ones_like(target)
        try:
            found = torch.autograd.grad(
                target, leaves, upstream, create_graph=keep_graph, allow_unused=True
            )
        except (RuntimeError, NotImplementedError) as error:
            raise explain_backward(error, self.expression) from error
        return [
            torch.zeros_like(leaf) if part is None else part
            for leaf, part in zip(leaves, found, strict=True)
        ]

    def pure(self, first: Tensor, leaf: Tensor, order: int) -> Tensor:
        """The derivatives of `order` by each element of `leaf` alone, in its shape.

        `first` is the gradient, still attached to its graph.
        """
        shape = leaf.shape[self.batch :]
        results = []
        for index in itertools.product(*map(range, shape)):
            part = self.element(first, index)
            for last, _ in _mark_last(range(order - 1)):
                (whole,) = self.gradients(part, [leaf], None, True)
                part = self.element(whole, index)
            results.append(part.detach())
        if not results:
            return torch.zeros_like(leaf)
        return torch.stack(results, dim=self.batch).reshape(leaf.shape)

    def element(self, tensor: Tensor, index: tuple[int, ...]) -> Tensor:
        """One element of each point's tensor, shape (*batch,)."""
        return tensor[(slice(None),) * self.batch + index]

    def inner(self, tensor: Tensor, direction: Tensor) -> Tensor:
        """The inner product of each point's tensor with `direction`, shape (*batch,)."""
        product = tensor * direction
        return product.flatten(self.batch).sum(-1) if product.dim() > self.batch else product


def _mark_last(items: Sequence[Any]) -> Iterator[tuple[bool, Any]]:
    for count, item in enumerate(items, start=1):
        yield count == len(items), item


def _weights(
    expression: Expression,
    at: Mapping[str, Tensor],
    shape: torch.Size,
    request: DerivativeRequest,
    context: Context,
) -> Weights:
    """The constants of a request, checked against the shapes they go with."""
    along = point(request.along, context)
    for name, direction in along.items():
        wanted = at[name].shape
        if direction.shape != wanted:
            raise ShapeError(
                f"--along gives '{name}' {shape_text(direction)}, but it is {shape_text(at[name])}"
            )
    grad_output = None
    if request.grad_output is not None:
        grad_output = constant(request.grad_output, context)
        if grad_output.shape == (1,) and not shape:
            grad_output = grad_output.reshape(())
        if grad_output.shape != shape:
            raise ShapeError(
                f"--grad-output is {shape_text(grad_output)}, but the output is"
                f" {shape_text(torch.empty(shape))}",
                hint="it weighs every element of the output, and has its shape",
            )
    for component in request.partial:
        variable = at[component.name]
        if len(component.index) != variable.dim() or any(
            i >= n for i, n in zip(component.index, variable.shape)
        ):
            raise ShapeError(
                f"--partial: {component} is no element: '{component.name}' is"
                f" {shape_text(variable)}",
                hint=f"name elements as in {component.name}[{','.join('0' * variable.dim())}]"
                if variable.dim()
                else "",
            )
    return Weights(along, grad_output)


def _check_differentiable(expression: Expression, value: Tensor, weights: Weights) -> None:
    span = expression.nodes[expression.root].span
    if value.dtype == torch.bool:
        raise DerivativeError(
            "a condition has no derivative",
            hint="where(condition, a, b) chooses between two values",
            span=span,
            source=expression.source,
        )
    if value.dim() and weights.grad_output is None and value.numel() != 1:
        raise ShapeError(
            f"grad needs one output, and this is {shape_text(value)}",
            hint="use agx jacobian, sum(…), or weigh the outputs with --grad-output",
            span=span,
            source=expression.source,
        )


def _echo(request: DerivativeRequest, weights: Weights) -> dict[str, Any]:
    return {
        "order": request.order,
        "partial": tuple(map(str, request.partial)),
        "along": {name: plain(direction) for name, direction in weights.along.items()},
        "grad_output": None if weights.grad_output is None else plain(weights.grad_output),
    }


# Many points ------------------------------------------------------------------------------------


def _batches(
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
        yield batch


def _forward(
    expression: Expression, batch: Mapping[str, Tensor], context: Context
) -> Tensor:
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


def _rows(
    batch: Mapping[str, Tensor], grid: Mapping[str, Tensor], at: Mapping[str, Tensor]
) -> Iterator[dict[str, Value]]:
    """The `at` of every point of a batch."""
    fixed = {name: plain(value) for name, value in at.items()}
    columns = [plain(batch[name]) for name in grid]
    for coordinates in zip(*columns, strict=True):
        moving = dict(zip(grid, coordinates, strict=True))
        yield {name: moving[name] if name in moving else fixed[name] for name in batch}
