"""An evaluation trace: the steps of an expression, and each operation run alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node
from autograd_cli.language.expression import Expression
from autograd_cli.language.steps import Shape, Steps


@dataclass(frozen=True)
class Trace:
    """The steps of an expression with the values of all its nodes."""

    steps: Steps
    values: Sequence[NodeValue]
    context: Context

    @property
    def expression(self) -> Expression:
        return self.steps.expression

    @property
    def numbers(self) -> Mapping[int, int]:
        return self.steps.numbers

    def shapes(self) -> dict[int, Shape]:
        """The shape of every step, by its number."""
        return {
            number: tuple(value.shape) if isinstance(value, Tensor) else ()
            for position, number in self.numbers.items()
            for value in (self.values[position],)
        }


def carries(value: NodeValue) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def alone(trace: Trace, position: int) -> tuple[Tensor | None, dict[int, Tensor]]:
    """A node run on detached operands: its result, and the operands that carry a gradient, by
    place (so that the two of `x*x` are told apart)."""
    operands: list[Any] = []
    tracked: dict[int, Tensor] = {}
    for place, operand in enumerate(trace.expression.nodes[position].operands):
        value = trace.values[operand]
        if isinstance(value, Tensor) and value.requires_grad:
            value = value.detach().clone().requires_grad_()
            tracked[place] = value
        operands.append(value)
    result = apply_node(trace.expression.nodes[position], operands, trace.context)
    if not isinstance(result, Tensor) or not result.requires_grad:
        return None, {}
    return result, tracked
