"""Pages for a terminal: lines that keep to its width, and say all where it is narrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import singledispatch
from itertools import pairwise

from autograd_cli.render import layout
from autograd_cli.render.document import (
    Alignment,
    Code,
    Column,
    Curve,
    Equations,
    Fact,
    Facts,
    Inline,
    Interval,
    Mood,
    Note,
    Number,
    Page,
    Paragraph,
    Part,
    Remark,
    Table,
    Text,
    Title,
    inlines,
)
from autograd_cli.render.formats.inline import digits, plain, plain_text
from autograd_cli.render.layout import GUTTER, INDENT, Cell, Line, cell, hanging, width_of, wrap
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import (
    BROKEN,
    HEADING,
    NAME,
    NOTE,
    NUMBER,
    TITLE,
    line_width,
    shown,
    value_cell,
    value_cells,
)
from autograd_cli.render.style import Style
from autograd_cli.results import all_finite

LOOKS = {Mood.GOOD: "bold green", Mood.DOUBTFUL: "bold yellow", Mood.BAD: "bold red"}
NARROW = 20  # columns beside a label; where there are fewer, what is said stands below it


def page_lines(page: Page, style: Style) -> list[Line]:
    """The lines of a page, with an empty one between its parts."""
    drawn = [(part, _part(part, style, line_width(style))) for part in page]
    drawn = [(part, lines) for part, lines in drawn if lines]
    lines = list(drawn[0][1]) if drawn else []
    for (above, _), (part, more) in pairwise(drawn):
        together = isinstance(above, Title) and isinstance(part, Paragraph)
        lines += more if together else [[], *more]
    return lines


@singledispatch
def _part(part: Part, style: Style, room: int) -> list[Line]:
    raise NotImplementedError(type(part))


@_part.register
def _(title: Title, style: Style, room: int) -> list[Line]:
    """The expression and its value, on one line where they fit."""
    if title.is_typed:
        return []
    line = _line(title.text, style, TITLE)
    if title.value is None:
        return wrap(line, room)
    if isinstance(title.value, Code):
        return wrap([*line, (" = ", TITLE), *_line(title.value, style, TITLE)], room)
    value = value_cell(title.value.value, style, room - INDENT)
    together = [*line, (" = ", ""), *value.lines[0]]
    if len(value.lines) == 1 and width_of(together) <= room:
        return [together]
    return [*wrap(line, room), *hanging([(" " * INDENT + "= ", "")], value, room)]


@_part.register
def _(paragraph: Paragraph, style: Style, room: int) -> list[Line]:
    return wrap(_line(paragraph.text, style, _look(paragraph.mood)), room)


@_part.register
def _(note: Note, style: Style, room: int) -> list[Line]:
    return wrap(_line(note.text, style, NOTE), room)


@_part.register
def _(facts: Facts, style: Style, room: int) -> list[Line]:
    every = facts.facts
    width = max((len(fact.label) for fact in every), default=0) + GUTTER
    drawn = [_fact(fact, width, style, room) for fact in every]
    lines = drawn[0] if drawn else []
    for (above, below), more in zip(pairwise(every), drawn[1:], strict=True):
        lines = [*lines, *([[]] if above.table or below.table else []), *more]
    return lines


def _fact(fact: Fact, width: int, style: Style, room: int) -> list[Line]:
    label: Line = [(shown(plain(fact.label, style), style).ljust(width), HEADING)]
    content = Cell((_line(fact.text, style),))
    if room - width < NARROW:
        lines = [*wrap(label, room), *hanging([(" " * INDENT, "")], content, room)]
    else:
        lines = hanging(label, content, room)
    if fact.table is not None:
        below = _part(fact.table, style, room - INDENT)
        lines += [[(" " * INDENT, ""), *line] if line else line for line in below]
    return lines


@_part.register
def _(table: Table, style: Style, room: int) -> list[Line]:
    headings = [shown(plain_text(column.heading, style), style) for column in table.columns]
    columns = [
        _cells(replace(column, cells=column.cells[: table.most]), style, room)
        for column in table.columns
    ]
    rows: list[tuple[Cell, ...]] = list(zip(*columns, strict=True))
    lines = layout.Table(headings, rows).drawn(room, HEADING)
    above = wrap([(table.caption, TITLE)], room) if table.caption else []
    notes = [table.note] if table.note else []
    left = len(table.columns[0].cells) - len(rows)
    notes += [f"and {left} more, which --format csv has"] if left else []
    return [*above, *lines, *(line for note in notes for line in wrap([(note, HEADING)], room))]


@_part.register
def _(equations: Equations, style: Style, room: int) -> list[Line]:
    return []


def _cells(column: Column, style: Style, room: int) -> list[Cell]:
    numbers = [one for one in column.cells if isinstance(one, Number)]
    intervals = [one for one in column.cells if isinstance(one, Interval)]
    if column.alignment is Alignment.POINT and intervals:
        return _intervals(intervals, style)
    if column.alignment is Alignment.POINT:
        return value_cells([one.value for one in numbers], digits(numbers[0], style), room)
    right = column.alignment is Alignment.RIGHT
    return [_cell(one, style, right=right, name=column.names_rows) for one in column.cells]


def _intervals(intervals: Sequence[Interval], style: Style) -> list[Cell]:
    """Intervals with their dots under each other."""
    highs = [len(short(one.high, style.precision)) for one in intervals]
    gaps = [" " * (max(highs) - size) for size in highs]
    texts = [plain(one, style) + gap for one, gap in zip(intervals, gaps, strict=True)]
    return [cell(text, NUMBER, solid=True, right=True) for text in texts]


def _cell(text: Text, style: Style, *, right: bool, name: bool) -> Cell:
    line = _line(text, style, NAME if name else "")
    solid = right or not any(" " in part for part, _ in line)
    return Cell((line,), solid, right)


# Texts --------------------------------------------------------------------------------------------


def _line(text: Text, style: Style, look: str = "") -> Line:
    """The pieces of a text, in `look` where they have none of their own."""
    return [(piece, look or own) for piece, own in _pieces(text, style)]


def _pieces(text: Text, style: Style) -> Iterator[tuple[str, str]]:
    for one in inlines(text):
        yield shown(plain(one, style), style), _own_look(one)


def _own_look(one: Inline) -> str:
    match one:
        case Remark():
            return _look(one.mood)
        case Curve():
            return NUMBER
        case Number():
            return "" if all_finite(one.value) else BROKEN
        case _:
            return ""


def _look(mood: Mood | None) -> str:
    return "" if mood is None else LOOKS[mood]
