"""A page as a document: all that there is to say of a result, whatever format it is said in.

A document is a sequence of blocks, a block one of parts that stand together. `drawn` is how a
terminal shows it; Markdown and LaTeX have their own ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from autograd_cli.render.layout import Line, Table, cell, hanging
from autograd_cli.render.parts import HEADING, TITLE, line_width, paragraph, shown
from autograd_cli.render.style import Style


@dataclass(frozen=True)
class Source:
    """The expression that it is about, as it was typed."""

    text: str


@dataclass(frozen=True)
class Title:
    """What the parts below it are."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or several."""

    text: str
    look: str = ""


@dataclass(frozen=True)
class Facts:
    """Labels, and what is to be said of each."""

    pairs: Sequence[tuple[str, str]]


Part: TypeAlias = Source | Title | Paragraph | Facts | Table
Document: TypeAlias = Sequence[Sequence[Part]]


def drawn(document: Document, style: Style) -> list[Line]:
    """The lines of a terminal, with an empty one between blocks."""
    lines: list[Line] = []
    for block in document:
        lines += [[]] if lines else []
        for part in block:
            lines += _drawn(part, style)
    return lines


def _drawn(part: Part, style: Style) -> list[Line]:
    room = line_width(style)
    match part:
        case Source(text) | Title(text):
            return paragraph([(shown(text, style), TITLE)], room)
        case Paragraph(text, look):
            return paragraph([(shown(text, style), look)], room)
        case Facts(pairs):
            width = max(len(label) for label, _ in pairs) + 2
            return [
                line
                for label, text in pairs
                for line in hanging([(label.ljust(width), HEADING)], cell(shown(text, style)), room)
            ]
        case Table():
            return table_lines(part, room)


def table_lines(table: Table, room: int, indent: int = 0) -> list[Line]:
    """A table, or its rows one by one where there is not room enough: nothing is lost."""
    room -= indent
    widths = table.widths(room)
    lines = table.lines(widths, HEADING) if widths else table.records(room, HEADING)
    return [[(" " * indent, ""), *line] if line and indent else line for line in lines]
