"""The columns that the traces of an explanation share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograd_cli.render import notation
from autograd_cli.render.layout import INDENT, Cell, Table, cell
from autograd_cli.render.parts import HEADING, NAME, line_width, shown, value_cells
from autograd_cli.render.style import EXACT, Style
from autograd_cli.results import Value
from autograd_cli.results.explanation import PrimalStep
from autograd_cli.results.formula import PRIMAL

LONGEST = 60  # characters of a sub-expression as typed; the formula says the same
FULL_WIDTH = 1_000_000  # for text that is not wrapped


def plain_style(style: Style) -> Style:
    """The style of plain text: full width, every digit, no colour."""
    return replace(style, width=FULL_WIDTH, precision=EXACT, colour=False)


def step_names(steps: Sequence[PrimalStep], style: Style) -> list[Cell]:
    """`v₋₁`, `v₀`, `v₁`, …"""
    return [cell(notation.step(PRIMAL, one.number, style), NAME, solid=True) for one in steps]


def operations(steps: Sequence[PrimalStep], style: Style) -> list[Cell]:
    """What each step computes: `sin(v₀)`."""
    return [formula_cell(notation.text(one.formula, style), style) for one in steps]


def formula_cell(text: str, style: Style) -> Cell:
    """A formula, whose further lines are indented where it has to be wrapped."""
    return replace(cell(shown(text, style)), hang=INDENT)


def as_typed(steps: Sequence[PrimalStep], style: Style) -> list[Cell]:
    """What was typed, except for the inputs, which say so already."""
    dots = "…" if style.unicode else "..."
    texts = []
    for one in steps:
        text = " ".join(one.expression.split())
        if style.precision != EXACT and len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} {dots} {text[-LONGEST // 2 :]}"
        named = f"{one.name} = {text}" if one.name else text
        texts.append("" if one.is_input else shown(named, style))
    return [replace(cell(text, HEADING), hang=INDENT) for text in texts]


def share(style: Style, parts: int) -> int:
    """The columns that a drawn matrix may take; none where there are no lines to draw it on."""
    return 0 if style.width == FULL_WIDTH else line_width(style) // parts


def table_of(columns: dict[str, list[Cell]]) -> Table:
    """The columns, each under its heading."""
    return Table(list(columns), list(zip(*columns.values(), strict=True)))


def values_of(values: Sequence[Value], style: Style) -> list[Cell]:
    """The cells of one of the many columns of a trace."""
    return value_cells(values, style, share(style, 4))
