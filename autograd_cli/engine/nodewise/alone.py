"""A node run alone: on detached operands, so that its own derivatives can be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node
from autograd_cli.language.expression import Expression


def carries(value: NodeValue) -> bool:
    """Whether a gradient can come here."""
    return isinstance(value, Tensor) and value.requires_grad


def alone(
    expression: Expression, position: int, values: Sequence[NodeValue], context: Context
) -> tuple[Tensor | None, dict[int, Tensor]]:
    """A node run on detached operands: its result, None if no gradient goes back from it, and the
    operands that carry one, by place (so that the two of `x*x` are told apart)."""
    node = expression.nodes[position]
    operands: list[Any] = [values[operand] for operand in node.operands]
    if not any(map(carries, operands)):
        return None, {}
    tracked = {
        place: value.detach().clone().requires_grad_()
        for place, value in enumerate(operands)
        if carries(value)
    }
    for place, value in tracked.items():
        operands[place] = value
    result = apply_node(node, operands, context)
    return (result, tracked) if isinstance(result, Tensor) and carries(result) else (None, {})
