"""The matrix of second derivatives of an expression: the Jacobian of its gradient.

Where the expression itself shows that the matrix is sparse (see `sparsity`), a few coloured
Hessian-vector products give all of it (see `compression`); otherwise its rows are computed like
those of any Jacobian.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import sizes
from autograd_cli.engine.core.batches import batches, plain, rows_at
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.core.symmetry import is_finite, is_symmetric, symmetrise
from autograd_cli.engine.core.threads import one_thread_if_small
from autograd_cli.engine.derive.coloring import Compression, compress
from autograd_cli.engine.derive.critical_points import is_critical, spectrum
from autograd_cli.engine.derive.gradients import MOST_EXPLAINED
from autograd_cli.engine.derive.output_point import Point, read_direction
from autograd_cli.engine.derive.rows import product, rows_of
from autograd_cli.engine.derive.sparsity import interactions
from autograd_cli.errors import ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.matrix_request import HessianRequest
from autograd_cli.language.outputs import Outputs
from autograd_cli.results.matrices import Hessian

LARGE = 200  # inputs from which on it pays to look for sparsity

_NO_REQUEST = HessianRequest()


@one_thread_if_small
def hessian(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: HessianRequest = _NO_REQUEST,
) -> Hessian:
    """The Hessian at a point and what it says of the point, or the product with a direction.

    Only the diagonal and the trace of a matrix of more than LARGE inputs are computed without the
    matrix. Raises: ShapeError for an output that is no scalar and for a direction that does not
    fit; DerivativeError where torch has no second derivative; EvaluationError where there is no
    value.
    """
    point = _point(expression, at, context, request)
    direction = read_direction(request.hvp, point.leaves, "--hvp", context)
    slope = _gradient(point)
    found: dict[str, Any]
    if direction:
        steps = torch.cat([step.reshape(-1) for step in point.steps(direction)])
        entries = product(slope, point.wanted, steps, expression)
        along = {name: plain(step) for name, step in direction.items()}
        found = {"along": along, "hvp": plain(entries)}
    elif (request.diag or request.trace) and point.size > LARGE:
        entries = _diagonal(point, slope)
        found = _parts(entries, request)
    else:
        entries, asymmetry = _matrix(point, slope)
        found = _says(entries, asymmetry, slope.detach(), point.wanted, request)
    warnings = point.warnings()
    if len(warnings) == len(expression.warnings):
        warnings += _why(point, slope.detach(), entries)
    value = plain(point.value.detach().reshape(point.shape))
    shown = {name: plain(at[name]) for name in expression.variables}
    return Hessian(
        **point.header(shown, value, warnings),
        input_names=point.inputs,
        gradient=_by_name(point.names, point.wanted, slope.detach()),
        **found,
    )


@one_thread_if_small
def hessian_matrix(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: HessianRequest = _NO_REQUEST,
) -> Tensor:
    """The Hessian alone, symmetric to the last bit, shape (inputs, inputs).

    Raises: as `hessian`.
    """
    point = _point(expression, at, context, request)
    return _matrix(point, _gradient(point))[0]


def hessians(
    expression: Expression,
    at: Mapping[str, Tensor],
    grid: Mapping[str, Tensor],
    context: Context,
    request: HessianRequest = _NO_REQUEST,
) -> Iterator[Hessian]:
    """`hessian` at every point of a grid: `grid` holds the coordinates along each axis.

    The last axis varies fastest. One backward pass gives a row of every matrix in a chunk of
    points. Raises: as `hessian`.
    """
    explained = 0
    for batch in batches(expression, at, grid):
        first = {name: values[0] for name, values in batch.items()}
        point = _point(expression, first, context, request)
        direction = read_direction(request.hvp, point.leaves, "--hvp", context)
        leaves = point.fresh(batch)
        wanted = [leaves[name] for name in point.names]
        values = point.values(leaves, True)[0]
        slopes = product(values, wanted, None, expression, batch=True, create_graph=True)
        echo: dict[str, Any] = {}
        if direction:
            echo["along"] = {name: plain(step) for name, step in direction.items()}
            steps = torch.cat([step.reshape(-1) for step in point.steps(direction)])
            weights = steps.expand_as(slopes)
            tables = product(slopes, wanted, weights, expression, batch=True)[:, None]
        else:
            tables = torch.stack(
                [
                    product(slopes[:, number], wanted, None, expression, batch=True)
                    for number in range(point.size)
                ],
                dim=1,
            )
            tables = _cleared(tables, point)
        finite = torch.cat([values, slopes, tables.flatten(1)], dim=1).isfinite().all(1).tolist()
        values, slopes = values.detach().reshape(-1, *point.shape), slopes.detach()
        rows = zip(rows_at(batch, grid, at), plain(values), slopes, tables, finite, strict=True)
        for position, (row, value, slope, table, finite_here) in enumerate(rows):
            warnings: Sequence[str] = expression.warnings
            if not finite_here and explained < MOST_EXPLAINED:
                explained += 1
                here = {name: tensor[position] for name, tensor in batch.items()}
                warnings = hessian(expression, here, context, request).warnings
            found: dict[str, Any]
            if direction:
                found = {"hvp": plain(table[0])}
            else:
                entries = table + 0.0  # -0.0 becomes 0.0
                asymmetry = symmetrise(entries)
                own = [leaf[position].detach() for leaf in wanted]
                found = _says(entries, asymmetry, slope, own, request)
            yield Hessian(
                **point.header(row, value, warnings),
                input_names=point.inputs,
                gradient=_by_name(point.names, [leaf[position] for leaf in wanted], slope),
                **echo,
                **found,
            )


def _point(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: HessianRequest,
) -> Point:
    point = Point(Outputs.of([expression]), at, context, request.wrt)
    if len(point.value) != 1:
        size = shape_text(torch.empty(point.shape, device="meta"))
        raise ShapeError(
            f"hessian needs one output, and this is {size}",
            hint="use sum(…), or agx jacobian for first derivatives",
            span=expression.nodes[expression.root].span,
            source=expression.source,
        )
    return point


def _gradient(point: Point) -> Tensor:
    """The gradient by all inputs, attached to its graph."""
    return product(point.value, point.wanted, None, point.expression, create_graph=True)


def _matrix(point: Point, slope: Tensor) -> tuple[Tensor, float]:
    """The Hessian, row by row or compressed, and its asymmetry before it was averaged."""
    size = len(slope)
    sizes.need((size, size), slope.dtype, slope.device, f"a Hessian of {size}×{size}")
    if not slope.requires_grad:
        return slope.new_zeros(size, size), 0.0
    compression = _compression(point)
    if compression is not None:
        return compression.expand(_compressed(point, slope, compression))
    matrix = slope.detach().new_empty(size, size)
    start = 0
    for block in rows_of([slope], point.wanted, point.expression, point.width):
        torch.add(block, 0.0, out=matrix[start : start + len(block)])  # -0.0 becomes 0.0
        start += len(block)
    if is_symmetric(matrix):  # as most are, and then there is no nan either
        return matrix, 0.0
    asymmetry = symmetrise(matrix)
    return _cleared(matrix, point), asymmetry


def _cleared(matrix: Tensor, point: Point) -> Tensor:
    """0 instead of nan where two inputs do not meet: a backward pass has 0 * inf there, if another
    second derivative is infinite. The matrix may have axes of points in front."""
    if is_finite(matrix):
        return matrix
    pairs = interactions(point.expression, point.nodes, point.names, point.context, point.size)
    if pairs is None:
        return matrix
    apart = torch.ones(point.size, point.size, dtype=torch.bool)
    apart[pairs[:, 0], pairs[:, 1]] = False
    return matrix.masked_fill(matrix.isnan() & apart.to(matrix.device), 0.0)


def _compression(point: Point) -> Compression | None:
    """How few products give the matrix, where the expression shows that few do."""
    if point.size <= LARGE:
        return None
    pairs = interactions(point.expression, point.nodes, point.names, point.context)
    return None if pairs is None else compress(pairs, point.size)


def _compressed(point: Point, slope: Tensor, compression: Compression) -> Tensor:
    """The products of the Hessian with the columns of the seed, shape (products, inputs)."""
    return torch.stack(
        [
            product(slope, point.wanted, seed, point.expression)
            for seed in compression.seeds(slope.detach())
        ]
    )


def _diagonal(point: Point, slope: Tensor) -> Tensor:
    """The diagonal of the Hessian, without keeping the matrix."""
    if not slope.requires_grad:
        return torch.zeros_like(slope)
    compression = _compression(point)
    if compression is not None:
        return compression.diagonal(_compressed(point, slope, compression))
    found = []
    start = 0
    for block in rows_of([slope], point.wanted, point.expression, point.width):
        found.append(block.diagonal(start).clone())
        start += len(block)
    return torch.cat(found)


def _says(
    entries: Tensor,
    asymmetry: float,
    slope: Tensor,
    leaves: Sequence[Tensor],
    request: HessianRequest,
) -> dict[str, Any]:
    """The fields of a result that a matrix gives."""
    return {
        "hessian": plain(entries),
        "asymmetry": asymmetry,
        "spectrum": spectrum(entries),
        "critical_point": is_critical(slope, entries, leaves),
        **_parts(entries.diagonal(), request),
    }


def _parts(diagonal: Tensor, request: HessianRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if request.diag:
        found["diagonal"] = plain(diagonal)
    if request.trace:
        found["trace"] = diagonal.sum().item()
    return found


def _by_name(names: Sequence[str], leaves: Sequence[Tensor], flat: Tensor) -> dict[str, Any]:
    """A vector over all inputs as values in the shapes of the variables."""
    found = {}
    start = 0
    for name, leaf in zip(names, leaves, strict=True):
        found[name] = plain(flat[start : start + leaf.numel()].reshape(leaf.shape))
        start += leaf.numel()
    return found


def _why(point: Point, slope: Tensor, entries: Tensor) -> list[str]:
    """Why a derivative is not finite although the value is: at most one sentence."""
    if not slope.isfinite().all():
        return point.explain_row(0)
    if entries.isfinite().all():
        return []
    rows = entries if entries.dim() == 2 else entries[:, None]
    where = (~rows.isfinite()).nonzero()[0].tolist()
    names = [point.inputs[number] for number in (where if entries.dim() == 2 else where[:1])]
    shown = f"{rows[tuple(where)].item():g}"
    by = f"{names[0]} twice" if len(set(names)) == 1 else " and ".join(names)
    return [f"a second derivative, by {by}, is {shown} where the first is finite"]
