"""What is to be fitted, to what, and what is to be said of it: text alone, still without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from autograd_cli.language.expression import Expression

Cells: TypeAlias = Mapping[str, Sequence[float]]  # the numbers of columns, of one length


@dataclass(frozen=True, kw_only=True)
class Request:
    """A model, its data, and what is wanted.

    model       over `parameters` and columns of the data; `linear` says that it is in them
    response    over columns of the data
    columns     the columns that model, response and weights need, of one length
    weights     the name of the column of weights, or ""
    start       a value for every parameter; empty for a model that is linear in them
    elsewhere   the model's columns where it is to be predicted; None where it is not
    confidence  the level of intervals, in (0, 1)
    """

    model: Expression
    parameters: tuple[str, ...]
    linear: bool
    response: Expression
    columns: Cells
    weights: str = ""
    start: Mapping[str, Expression] = field(default_factory=dict)
    elsewhere: Cells | None = None
    confidence: float = 0.95

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that the model is about."""
        return tuple(name for name in self.model.variables if name not in self.parameters)
