"""An evaluation trace: the steps of an expression with their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.nodewise.alone import alone
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

    def alone(self, position: int) -> tuple[Tensor | None, dict[int, Tensor]]:
        """A node run alone (see `alone`)."""
        return alone(self.expression, position, self.values, self.context)
