"""What the pages of a terminal are made of: looks, headings, values as cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd_cli.errors import visible
from autograd_cli.render.grid import block, linear
from autograd_cli.render.layout import INDENT, Cell, Line, cell, hanging, width_of, wrap
from autograd_cli.render.numbers import align, short
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation, Value, all_finite, is_finite
from autograd_cli.results.array import LISTS

NARROWEST = 20  # columns; below that, lines run over
MARGIN = 2

HEADING = "dim"
TITLE = "bold"
NAME = "bold"
NUMBER = "cyan"
BROKEN = "bold red"  # a number that is not finite
NOTE = "dim italic"
RAW = "raw"  # text that brings its own escape codes: what agx itself has printed


def heading(result: Evaluation, style: Style) -> list[Line]:
    """The expression and its value, on one line where they fit."""
    expression: Line = [(shown(result.expression, style), TITLE)]
    if result.value is None:
        return paragraph(expression, line_width(style))
    value = value_cell(result.value, style, line_width(style) - INDENT)
    together = [*expression, (" = ", ""), *value.lines[0]]
    simple = len(value.lines) == 1 and not set(result.expression) & set(";\n=")
    if simple and width_of(together) <= line_width(style):
        return [together]
    lines = paragraph(expression, line_width(style))
    return [*lines, *hanging([(" " * INDENT + "= ", "")], value, line_width(style))]


def given(values: Mapping[str, Value], style: Style, word: str) -> list[Line]:
    if not values:
        return []
    texts = [f"{name} = {linear(value, style)}" for name, value in values.items()]
    return hanging([(word + " ", HEADING)], cell(shown(", ".join(texts), style)), line_width(style))


def value_cell(value: Value, style: Style, width: int) -> Cell:
    lines = block(value, style, width)
    solid = len(lines) > 1 or not isinstance(value, LISTS)
    look = NUMBER if all_finite(value) else BROKEN
    return Cell(tuple([(shown(line, style), look)] for line in lines), solid)


def value_cells(values: Sequence[Value], style: Style, width: int) -> list[Cell]:
    """A column of values: numbers under each other, point under point."""
    if any(isinstance(value, LISTS) for value in values):
        return [value_cell(value, style, width) for value in values]
    texts = align([short(value, style.precision) for value in values])  # type: ignore[arg-type]
    return [
        Cell(([(text, NUMBER if is_finite(value) else BROKEN)],), solid=True, right=True)  # type: ignore[arg-type]
        for text, value in zip(texts, values, strict=True)
    ]


def paragraph(line: Line, width: int) -> list[Line]:
    """The line wrapped, where the text may have line ends of its own."""
    return [
        part
        for text, look in line
        for own in text.split("\n")
        for part in wrap([(own, look)], width)
    ]


def line_width(style: Style) -> int:
    """The columns that a line may take, without its margin."""
    return max(style.width, NARROWEST) - MARGIN


def shown(text: str, style: Style) -> str:
    """User text in characters that can be shown, one column where a control character was."""
    lines = [visible(line) for line in text.expandtabs(4).split("\n")]
    shown = "\n".join(lines)
    return shown if style.unicode else shown.encode("ascii", "backslashreplace").decode()
