"""The values and derivatives of an expression along one variable or over two, for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import batches, forward
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.faults import explain_backward
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.sampled.breaks import Function, sampled, tear
from autograd_cli.errors import DerivativeError, ShapeError
from autograd_cli.language.expression import INDEX, Expression, Node
from autograd_cli.language.outputs import Outputs
from autograd_cli.results.plot import Grid, Samples, Slopes, Tangent

MOST_CURVES = 12  # in one picture


def curves(
    expression: Expression,
    at: Mapping[str, Tensor],
    name: str,
    places: Tensor,
    order: int,
    context: Context,
) -> list[Samples]:
    """The function of `name` and its derivatives up to `order`, sampled at ascending places.

    Raises: as `along`.
    """
    state = context.generator.get_state()

    def derivative(number: int) -> Function:
        def function(xs: Tensor) -> Tensor:
            context.generator.set_state(state)  # random constants are the same every time
            return along(expression, at, name, xs, number, context)[number]

        return function

    return [sampled(derivative(number), places) for number in range(order + 1)]


def tangent(
    expression: Expression, at: Mapping[str, Tensor], name: str, place: Tensor, context: Context
) -> Tangent:
    """The line that touches the function at a place, shape (). Raises: as `along`."""
    value, slope = along(expression, at, name, place[None], 1, context)
    return Tangent(x=place.item(), y=value.item(), slope=slope.item())


def along(
    expression: Expression,
    at: Mapping[str, Tensor],
    name: str,
    places: Tensor,
    order: int,
    context: Context,
) -> list[Tensor]:
    """The values and the derivatives by `name` up to `order`, each of shape (points,).

    `at` holds the other variables. Raises: ShapeError where the expression is no number,
    DerivativeError where torch has no derivative, EvaluationError where there is no value.
    """
    fixed = {other: value for other, value in at.items() if other != name}
    found: list[list[Tensor]] = [[] for _ in range(order + 1)]
    for batch in batches(expression, fixed, {name: places}):
        leaves = {other: value.detach().clone() for other, value in batch.items()}
        leaf = leaves[name].requires_grad_()
        value = _scalar(expression, forward(expression, leaves, context), bool(order))
        found[0].append(value.detach())
        for number in range(1, order + 1):
            (value,) = _gradients(expression, value, [leaf], keep=number < order)
            found[number].append(value.detach())
    return [torch.cat(parts).to(context.dtype) for parts in found]


def over(
    expression: Expression,
    at: Mapping[str, Tensor],
    axes: Mapping[str, Tensor],
    context: Context,
    *,
    torn: bool = False,
) -> Grid:
    """The values over two axes; `torn`, they are nan on either side of a jump, so that no line and
    no face crosses it. Raises: as `along`."""
    (x_name, x), (y_name, y) = axes.items()
    state = context.generator.get_state()
    rows: list[Tensor] = []
    for batch in batches(expression, at, {y_name: y, x_name: x}):
        context.generator.set_state(state)
        with torch.no_grad():
            rows.append(_scalar(expression, forward(expression, batch, context), False))
    values = torch.cat(rows).to(torch.float64).reshape(len(y), len(x))
    if torn:

        def function(xs: Tensor, ys: Tensor) -> Tensor:
            context.generator.set_state(state)
            return at_points(expression, at, {x_name: xs, y_name: ys}, context)

        values = tear(function, x, y, values)
    return Grid(x=x.tolist(), y=y.tolist(), z=values.tolist())


def slopes(
    expression: Expression,
    at: Mapping[str, Tensor],
    axes: Mapping[str, Tensor],
    context: Context,
) -> Slopes:
    """The gradient by the two variables of the axes, at every point of their grid.

    Raises: as `along`.
    """
    state = context.generator.get_state()
    found: list[list[float]] = [[], [], [], []]
    for batch in batches(expression, at, axes):
        context.generator.set_state(state)
        leaves = {name: value.detach().clone() for name, value in batch.items()}
        wanted = [leaves[name].requires_grad_() for name in axes]
        value = _scalar(expression, forward(expression, leaves, context), True)
        parts = _gradients(expression, value, wanted, keep=False)
        for column, tensor in zip(found, (*wanted, *parts), strict=True):
            column += tensor.tolist()
    x, y, u, v = found
    return Slopes(x=x, y=y, u=u, v=v)


def at_points(
    expression: Expression,
    at: Mapping[str, Tensor],
    places: Mapping[str, Tensor],
    context: Context,
) -> Tensor:
    """The values at points, of which `places` has the coordinates, each of shape (points,).

    Raises: as `along`.
    """
    count = len(next(iter(places.values())))
    batch = {name: value.expand(count, *value.shape) for name, value in at.items()} | dict(places)
    with torch.no_grad():
        value = forward(expression, {name: batch[name] for name in expression.variables}, context)
    return _scalar(expression, value, False)


def outputs(
    expression: Expression,
    at: Mapping[str, Tensor],
    first: Mapping[str, Tensor],
    context: Context,
) -> list[tuple[str, Expression]]:
    """The numbers of an expression, each with its name: one, or those of a list.

    `first` has one place of each axis, shape (1,). Raises: as `along`.
    """
    state = context.generator.get_state()
    (batch,) = batches(expression, at, first)
    with torch.no_grad():
        shape = forward(expression, batch, context).shape[1:]
    context.generator.set_state(state)
    if shape.numel() == 1:
        return [(expression.source, expression)]
    if len(shape) != 1 or shape.numel() > MOST_CURVES:
        size = "x".join(map(str, shape))
        raise ShapeError(
            f"a plot shows numbers, or a list of up to {MOST_CURVES}, and this is an array of"
            f" {size}",
            hint="take an element, or sum(...)",
            span=expression.nodes[expression.root].span,
            source=expression.source,
        )
    whole = Outputs.of([expression])
    labels = whole.labels([tuple(shape)])
    if len(whole.entries) == len(labels):
        # Each for itself: what another one divides by zero is nothing to it.
        parts = [replace(expression, root=root) for root in whole.entries]
    else:
        parts = [_element(expression, number) for number in range(len(labels))]
    return list(zip(labels, parts, strict=True))


def _element(expression: Expression, number: int) -> Expression:
    root = expression.root
    node = Node(INDEX, (root,), expression.nodes[root].span, (number,))
    return replace(expression, nodes=(*expression.nodes, node), root=len(expression.nodes))


def thinned(places: Tensor, count: int) -> Tensor:
    """The middles of `count` equal parts of an axis, of the places that are there."""
    parts = torch.arange(count, dtype=torch.float64) + 0.5
    return places[(parts / count * (len(places) - 1)).round().long()]


def _scalar(expression: Expression, value: Tensor, differentiable: bool) -> Tensor:
    """The values of a batch, if each is one number (and one that can be differentiated)."""
    span = expression.nodes[expression.root].span
    if value.dim() > 1 and value[0].numel() != 1:
        shape = "x".join(map(str, value.shape[1:]))
        raise ShapeError(
            f"this kind of plot shows one number, and this is an array of {shape}",
            hint="take one element, or sum(...)",
            span=span,
            source=expression.source,
        )
    if differentiable and value.dtype == torch.bool:
        raise DerivativeError(
            "a condition has no derivative",
            hint="for its values alone, add --order 0",
            span=span,
            source=expression.source,
        )
    return value.reshape(len(value))


def _gradients(
    expression: Expression, value: Tensor, leaves: Sequence[Tensor], *, keep: bool
) -> list[Tensor]:
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    try:
        found = vector_jacobian_product(value, leaves, None, create_graph=keep)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    return [
        torch.zeros_like(leaf) if part is None else part
        for leaf, part in zip(leaves, found, strict=True)
    ]
