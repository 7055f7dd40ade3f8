"""THE function table: every function of the language is one row of it.

The reader, the evaluator, the symbolic bridge, suggestions, completion, `agx functions` and the
tests that are driven by the table all read it here. A new function is one row in the file of its
family.
"""

from __future__ import annotations

import difflib

from autograd_cli.language.functions import (
    activations,
    constructors,
    elementary,
    linear_algebra,
    losses,
    operators,
    reductions,
    special,
)
from autograd_cli.language.functions.row import Function, Parameter

__all__ = ["FUNCTIONS", "OPERATORS", "Function", "Parameter", "find", "suggest"]

_FAMILIES = (
    operators,
    elementary,
    special,
    activations,
    reductions,
    linear_algebra,
    losses,
    constructors,
)

FUNCTIONS: dict[str, Function] = {row.name: row for family in _FAMILIES for row in family.ROWS}

_BY_SPELLING: dict[str, Function] = {
    spelling: row for row in FUNCTIONS.values() for spelling in (row.name, *row.aliases)
}

# Binary operators by their sign; what is written `-x` and `not x` is looked up by name.
OPERATORS: dict[str, str] = {
    row.symbol: row.name for row in operators.ROWS if row.symbol and len(row.operands) == 2
}


def find(name: str) -> Function | None:
    """The row that `name` spells, or None."""
    return _BY_SPELLING.get(name)


def suggest(name: str) -> str:
    """The spelling nearest to `name`, or "" if none is near."""
    spellings = {spelling.lower(): spelling for spelling in _BY_SPELLING}
    near = difflib.get_close_matches(name.lower(), spellings, n=1, cutoff=0.75)
    return spellings[near[0]] if near else ""
