"""The matrix of first derivatives of a vector-valued expression, at a point and over a grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import sizes
from autograd_cli.engine.core.batches import batches, plain, rows_at
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import constant
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.core.threads import one_thread_if_small
from autograd_cli.engine.derive.gradients import MOST_EXPLAINED
from autograd_cli.engine.derive.output_point import Point, read_direction
from autograd_cli.engine.derive.rows import columns_of, matrix_of, product, tangents
from autograd_cli.errors import DerivativeError, ShapeError
from autograd_cli.language.matrix_request import AUTO, FORWARD, REVERSE, JacobianRequest
from autograd_cli.language.outputs import Outputs
from autograd_cli.results.matrices import Jacobian

FORWARD_COST = 2  # how many backward passes a pass of forward mode costs

_NO_REQUEST = JacobianRequest()


@one_thread_if_small
def jacobian(
    outputs: Outputs,
    at: Mapping[str, Tensor],
    context: Context,
    request: JacobianRequest = _NO_REQUEST,
) -> Jacobian:
    """The Jacobian at a point, or the product with it that is asked for.

    `at` holds a tensor of any shape for every variable. Raises: ShapeError for weights and
    directions that do not fit, and for the determinant of a matrix that is not square;
    DerivativeError where torch has no derivative; EvaluationError where there is no value.
    """
    point = Point(outputs, at, context, request.jvp or request.wrt)
    products = _Products.of(point, request)
    warnings = point.warnings()
    found: dict[str, Any]
    if products:
        entries = products.apply(point.value, point.wanted, batch=False)
        found = {**products.echo, products.name: plain(entries)}
        rows = entries[None]
    else:
        rows, mode = _matrix(point, request.mode)
        found = {"jacobian": plain(rows), "mode": mode, **_measures(rows, request)}
    if len(warnings) == len(point.expression.warnings) and not rows.isfinite().all():
        bad = int((~rows.isfinite()).any(1).nonzero()[0])
        warnings += ["the product is not finite"] if products else point.explain_row(bad)
    value = plain(point.value.detach().reshape(point.shape))
    shown = {name: plain(at[name]) for name in point.expression.variables}
    return Jacobian(
        **point.header(shown, value, warnings),
        output_names=point.outputs,
        input_names=point.inputs,
        **found,
    )


@one_thread_if_small
def jacobian_matrix(
    outputs: Outputs,
    at: Mapping[str, Tensor],
    context: Context,
    request: JacobianRequest = _NO_REQUEST,
) -> Tensor:
    """The Jacobian alone, shape (outputs, inputs). Raises: as `jacobian`."""
    return _matrix(Point(outputs, at, context, request.wrt), request.mode)[0]


def jacobians(
    outputs: Outputs,
    at: Mapping[str, Tensor],
    grid: Mapping[str, Tensor],
    context: Context,
    request: JacobianRequest = _NO_REQUEST,
) -> Iterator[Jacobian]:
    """`jacobian` at every point of a grid: `grid` holds the coordinates along each axis.

    The last axis varies fastest. One backward pass gives a row of every matrix in a chunk of
    points. Raises: as `jacobian`.
    """
    explained = 0
    for batch in batches(outputs.expression, at, grid):
        first = {name: values[0] for name, values in batch.items()}
        point = Point(outputs, first, context, request.jvp or request.wrt)
        products = _Products.of(point, request)
        leaves = point.fresh(batch)
        wanted = [leaves[name] for name in point.names]
        parts = point.values(leaves, True)
        values = torch.cat(list(parts), dim=1)
        if products:
            tables = products.apply(values, wanted, batch=True)[:, None]
            echo = products.echo
        else:
            echo = {"mode": REVERSE}
            tables = torch.stack(
                [
                    product(element, wanted, None, point.expression, batch=True)
                    for part in parts
                    for element in part.unbind(1)
                ],
                dim=1,
            )
            tables = _cleared(tables, point)
        finite = torch.cat([values, tables.flatten(1)], dim=1).isfinite().all(1).tolist()
        values = values.detach().reshape(-1, *point.shape)
        rows = zip(rows_at(batch, grid, at), plain(values), tables, finite, strict=True)
        for position, (row, value, table, is_finite) in enumerate(rows):
            warnings: Sequence[str] = outputs.expression.warnings
            if not is_finite and explained < MOST_EXPLAINED:
                explained += 1
                here = {name: tensor[position] for name, tensor in batch.items()}
                warnings = jacobian(outputs, here, context, request).warnings
            if products:
                found = {products.name: plain(table[0])}
            else:
                found = {"jacobian": plain(table), **_measures(table, request)}
            yield Jacobian(
                **point.header(row, value, warnings),
                output_names=point.outputs,
                input_names=point.inputs,
                **echo,
                **found,
            )


def _matrix(point: Point, mode: str) -> tuple[Tensor, str]:
    """The Jacobian and the mode it was computed in."""
    rows, used = _differentiated(point, mode)
    return _cleared(rows, point), used


def _cleared(rows: Tensor, point: Point) -> Tensor:
    """0 instead of nan where an output does not depend on an input: a backward pass has 0 * inf
    there, if another slope is infinite. The matrix may have axes of points in front."""
    if rows.isfinite().all():
        return rows
    apart = point.independent()
    return rows if apart is None else rows.masked_fill(rows.isnan() & apart, 0.0)


def _differentiated(point: Point, mode: str) -> tuple[Tensor, str]:
    shape = (len(point.value), point.size)
    sizes.need(shape, point.value.dtype, point.value.device, "a Jacobian of {}×{}".format(*shape))
    is_tall = len(point.value) > FORWARD_COST * point.size
    if mode == FORWARD or (mode == AUTO and is_tall):
        try:
            return columns_of(point.parts, point.wanted, point.expression, point.width), FORWARD
        except DerivativeError:  # not every derivative can be differentiated again
            if mode == FORWARD:
                raise
    return matrix_of(point.parts, point.wanted, point.expression, point.width), REVERSE


class _Products:
    """The product with the Jacobian that a request asks for; false if it asks for none."""

    def __init__(
        self, point: Point, weights: Tensor | None, direction: Mapping[str, Tensor]
    ) -> None:
        self._point = point
        self._weights = weights
        self._direction = direction
        self.name = "jvp" if direction else "vjp"
        self.echo: dict[str, Any] = {"mode": FORWARD if direction else REVERSE}
        if weights is not None:
            self.echo["grad_output"] = plain(weights)
        if direction:
            self.echo["along"] = {name: plain(step) for name, step in direction.items()}

    @classmethod
    def of(cls, point: Point, request: JacobianRequest) -> _Products:
        """Raises: ShapeError for weights or a direction of another shape."""
        weights = None
        if request.vjp is not None:
            weights = constant(request.vjp, point.context)
            if weights.shape not in (point.shape, point.value.shape):
                raise _wrong_weights(weights, len(point.value))
        direction = read_direction(request.jvp, point.leaves, "--jvp", point.context)
        return cls(point, weights, direction)

    def __bool__(self) -> bool:
        return self._weights is not None or bool(self._direction)

    def apply(self, values: Tensor, leaves: Sequence[Tensor], *, batch: bool) -> Tensor:
        """The product for `values` of shape (*batch, outputs): a vector for each point."""
        if self._weights is None:
            steps = self._point.steps(self._direction)
            return tangents(values, leaves, steps, self._point.expression)
        weights = self._weights.reshape(-1).expand_as(values)
        return product(values, leaves, weights, self._point.expression, batch=batch)


def _wrong_weights(weights: Tensor, count: int) -> ShapeError:
    outputs = "there is 1 output" if count == 1 else f"there are {count} outputs"
    example = ",".join("1" * min(count, 3)) + (",…" if count > 3 else "")
    return ShapeError(
        f"--vjp is {shape_text(weights)}, but {outputs}",
        hint=f"it has a weight for each output: --vjp {example}",
    )


def _measures(matrix: Tensor, request: JacobianRequest) -> dict[str, Any]:
    """The determinant, condition number and singular values that were asked for: LAPACK's, at
    float32 at least. Raises: ShapeError for the determinant of a matrix that is not square."""
    rows, columns = matrix.shape
    if request.det and rows != columns:
        raise ShapeError(
            f"--det needs a square matrix, and this Jacobian is {rows}×{columns}",
            hint="choose the inputs with --wrt, or see the singular values with --svd",
        )
    if not (request.det or request.cond or request.svd):
        return {}
    matrix = matrix.detach().to(torch.promote_types(matrix.dtype, torch.float32))
    is_finite = bool(matrix.isfinite().all())
    found: dict[str, Any] = {}
    if request.det:
        found["det"] = torch.linalg.det(matrix).item() if is_finite else math.nan
    if request.cond or request.svd:
        values = [math.nan] * min(rows, columns)
        if is_finite:
            values = torch.linalg.svdvals(matrix).tolist()
        if request.cond:
            found["cond"] = condition_number(values)
        if request.svd:
            found["singular_values"] = values
    return found


def condition_number(singular_values: Sequence[float]) -> float:
    """The largest over the smallest, which is infinite for a singular matrix."""
    largest, smallest = max(singular_values), min(singular_values)
    if math.isnan(largest):
        return math.nan
    return largest / smallest if smallest else math.inf
