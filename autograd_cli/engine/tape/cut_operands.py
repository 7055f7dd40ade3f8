"""The operands that carry no gradient: numbers as typed, and parts that something cut off."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.tape.nodes import Tape
from autograd_cli.language.expression import NUMBER, Expression
from autograd_cli.results.graph import GraphConstant


def constants(
    expression: Expression, values: Sequence[NodeValue], tape: Tape
) -> list[GraphConstant]:
    """The operands that carry no gradient, at the node that owns the operation."""
    nodes = expression.nodes
    carries: list[bool] | None = None  # most constants are numbers that somebody typed
    found: list[GraphConstant] = []
    for position, (owner, is_top) in enumerate(zip(tape.owner, tape.top, strict=True)):
        if not is_top:
            continue
        for number, operand in enumerate(nodes[owner].operands):
            value = values[operand]
            if isinstance(value, Tensor):
                if value.requires_grad:
                    continue
                value = plain(value)
            elif value is None:
                continue
            node = nodes[operand]
            start, end = node.span
            if start == end:  # a default, which nobody typed
                continue
            cut = False
            if node.op != NUMBER:
                carries = carries or _carries(expression, values)
                cut = carries[operand]
            found.append(GraphConstant(tape.ids[position], number, node.span, value, cut))
    return found


def _carries(expression: Expression, values: Sequence[NodeValue]) -> list[bool]:
    """Whether each node depends on a variable that requires a gradient."""
    carries: list[bool] = []
    for position, node in enumerate(expression.nodes):
        value = values[position]
        is_tracked = isinstance(value, Tensor) and value.requires_grad
        carries.append(is_tracked or any(carries[i] for i in node.operands))
    return carries
