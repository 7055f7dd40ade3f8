"""Values as text with a look: one number, or a column of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd_cli.render.graph.words import Words, entries
from autograd_cli.render.layout import INDENT, Cell, Line
from autograd_cli.render.numbers import align
from autograd_cli.render.parts import BROKEN, HEADING, NUMBER
from autograd_cli.results import Value
from autograd_cli.results.array import LISTS

FAINT = "dim"
CUT = "yellow"


def value_column(values: Sequence[Value], words: Words) -> list[Cell]:
    """A column of values: numbers under each other, point under point."""
    if any(isinstance(value, LISTS) for value in values):
        return [Cell((value_line(value, words, " norm "),), hang=INDENT) for value in values]
    aligned = iter(align([words.value(value) for value in values if value is not None]))
    return [
        Cell(([(next(aligned), _look(value))],), solid=True, right=True)
        if value is not None
        else Cell(([("", "")],), solid=True, right=True)
        for value in values
    ]


def value_line(value: Value, words: Words, norm: str = "") -> Line:
    """A value; of a vector or matrix also its norm, after the word `norm`. None is nothing."""
    if value is None:
        return []
    shown: Line = [(words.value(value), _look(value))]
    if norm and isinstance(value, LISTS):
        shown += [(norm, HEADING), (words.norm(value), HEADING)]
    return shown


def _look(value: Value) -> str:
    finite = all(not isinstance(one, float) or math.isfinite(one) for one in entries(value))
    return NUMBER if finite else BROKEN
