"""Whether an operation stands exactly on a switch: the corner of an abs, a step, a tie.

The function table says of a row where it is differentiable, and comparisons switch where both sides
are equal. An operation on arrays is run alone on operands that differ in their last digit, to
either side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node, evaluate, output
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression, Node
from autograd_cli.language.functions import FUNCTIONS, Function
from autograd_cli.language.grammar import COMPARISONS
from autograd_cli.language.reader import read

APART = 1e-3  # of the size of what differs from side to side
ABSENT = {"min": -math.inf, "max": math.inf}  # the bounds of a clamp that are left out


def on_a_switch(expression: Expression, values: Sequence[NodeValue], context: Context) -> bool:
    """Whether some operation may be on a switch, at the values that its nodes have at a point."""
    return any(
        _switches(node, [values[i] for i in node.operands], context)
        for position, node in enumerate(expression.nodes)
        if expression.varying[position] and node.op in FUNCTIONS
    )


def _switches(node: Node, operands: Sequence[NodeValue], context: Context) -> bool:
    row = FUNCTIONS[node.op]
    if row.symbol in COMPARISONS:
        left, right = operands
        return bool(torch.as_tensor(left == right).any())
    if row.domain:
        return not _holds(row, node, operands, context)
    return not row.elementwise and _tied(node, operands, context)


def _holds(row: Function, node: Node, operands: Sequence[NodeValue], context: Context) -> bool:
    """Whether the row is differentiable at all elements of its operands."""
    names = [one.name for one in row.operands]
    given: dict[str, NodeValue] = dict.fromkeys(names) | dict(zip(names, operands, strict=False))
    settings = {one.name: one.default for one in row.options} | dict(node.options)
    exactly = Context(torch.device("cpu"), torch.float64, context.generator)
    place = {}
    for name, value in [*given.items(), *settings.items()]:
        known = ABSENT.get(name, math.nan) if value is None else value
        if isinstance(known, Tensor):
            place[name] = known.detach().cpu().double()
        elif isinstance(known, int | float | str):
            place[name] = torch.tensor(_number(known), dtype=torch.float64)
    condition = read(row.domain, given=list(place))
    found = output(condition, evaluate(condition, place, exactly), exactly)
    return bool(found.all())


def _number(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _tied(node: Node, operands: Sequence[NodeValue], context: Context) -> bool:
    """Whether the result or its derivatives jump between operands next to these."""
    generator = torch.Generator().manual_seed(0)
    directions = [
        torch.rand(one.shape, generator=generator, dtype=torch.float64) - 0.5
        if isinstance(one, Tensor) and one.is_floating_point()
        else None
        for one in operands
    ]
    sides: list[list[Tensor]] = []
    for sign in (1.0, -1.0):
        moved = [
            one
            if not isinstance(one, Tensor) or direction is None
            else _nudged(one.detach(), sign * direction.to(one.device)).requires_grad_()
            for one, direction in zip(operands, directions, strict=True)
        ]
        leaves = [one for one in moved if isinstance(one, Tensor) and one.requires_grad]
        try:
            result = apply_node(node, moved, context)
            if not isinstance(result, Tensor) or not result.requires_grad:
                return False
            upstream = torch.rand(
                result.shape, generator=generator.manual_seed(1), dtype=torch.float64
            )
            slopes = vector_jacobian_product(result, leaves, upstream.to(result))
        except (AgxError, RuntimeError, NotImplementedError):
            return True  # it has no derivative that could be looked at
        sides.append([result.detach(), *(one for one in slopes if one is not None)])
    return any(_differ(one, other) for one, other in zip(*sides, strict=True))


def _nudged(value: Tensor, direction: Tensor) -> Tensor:
    """The values, each a digit or a tiny number away, whichever is more, as `direction` says."""
    limits = torch.finfo(value.dtype)
    step = (value.abs() * (8 * limits.eps)).clamp(min=limits.tiny**0.4)
    return value + step * direction.to(value.dtype)


def _differ(one: Tensor, other: Tensor) -> bool:
    if not one.numel():
        return False
    size = torch.maximum(one.abs(), other.abs()).amax()
    return bool(((one - other).abs() > APART * size).any())
