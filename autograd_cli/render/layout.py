"""Lines of styled text: wrapping, tables, and records where a table would be too wide.

A line is a list of pieces, a piece a text and the name of its look. Nothing here is ever cut off:
what does not fit is wrapped, at spaces where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from autograd_cli.errors import columns

Piece: TypeAlias = tuple[str, str]
Line: TypeAlias = list[Piece]

GUTTER = 2
INDENT = 2
MUCH = 12  # columns that are worth filling with the beginning of a word that is too long anyway
NARROW = 16  # a column of text is not squeezed below this


@dataclass(frozen=True)
class Cell:
    """The lines of one cell; a `solid` one (a number, a drawn matrix) is not wrapped.

    Where a line is wrapped, its further parts are indented by `hang` columns.
    """

    lines: tuple[Line, ...]
    solid: bool = False
    right: bool = False
    hang: int = 0

    @property
    def width(self) -> int:
        return max(map(width_of, self.lines), default=0)

    def left_aligned(self) -> Cell:
        """The cell without the spaces that align it at the right."""
        if not self.right:
            return self
        lines = tuple([(text.strip(" "), look) for text, look in line] for line in self.lines)
        return replace(self, lines=lines, right=False)

    def fitted(self, width: int) -> list[Line]:
        if self.solid:
            return list(self.lines)
        return [part for line in self.lines for part in wrap(line, width, self.hang)]


def cell(text: str, look: str = "", *, solid: bool = False, right: bool = False) -> Cell:
    """A cell of one look."""
    return Cell(tuple([(line, look)] for line in text.split("\n")), solid, right)


def width_of(line: Line) -> int:
    """How many columns a line takes."""
    return sum(columns(text) for text, _ in line)


def wrap(line: Line, width: int, hang: int = 0) -> list[Line]:
    """The line in parts of at most `width` columns, broken at spaces or, in one long word, inside.

    The spaces at a break are dropped; all other text is kept. The parts after the first are
    indented by `hang` columns, where that leaves enough room.
    """
    hang = hang if 2 * hang <= width else 0
    parts: list[Line] = [[]]
    room = width
    for word in _words(line):
        fits = width_of(word) <= width - hang
        for pieces in [word] if fits else [[piece] for piece in word]:
            size = width_of(pieces)
            if size <= room:
                parts[-1] += pieces
                room -= size
                continue
            space = pieces[0][0].isspace()
            if parts[-1] and (space or size <= width - hang or room < MUCH):
                parts.append([])
                room = width - hang
            for text, look in [] if space else pieces:
                for part in _folded(text, room, width - hang):
                    if columns(part) > room:
                        parts.append([])
                        room = width - hang
                    parts[-1].append((part, look))
                    room -= columns(part)
    first, *others = [part for part in map(_stripped, parts) if part] or [[]]
    return [first, *([(" " * hang, ""), *part] if hang else part for part in others)]


def _words(line: Line) -> list[Line]:
    """The words of a line and the spaces between them. A word may have several looks."""
    words: list[Line] = []
    for text, look in line:
        for part in re.findall(r" +|[^ ]+", text):
            if words and part.isspace() == words[-1][-1][0].isspace():
                words[-1].append((part, look))
            else:
                words.append([(part, look)])
    return words


def _folded(word: str, room: int, width: int) -> Iterable[str]:
    """A word in pieces: the first takes `room` columns, the others `width`."""
    start = 0
    taken = 0
    for position, character in enumerate(word):
        size = columns(character)
        if taken + size > room and position > start:
            yield word[start:position]
            start, taken, room = position, 0, width
        taken += size
    yield word[start:]


def _stripped(line: Line) -> Line:
    """The line without spaces at its end."""
    line = list(line)
    while line:
        text, look = line[-1]
        if text.rstrip(" "):
            line[-1] = (text.rstrip(" "), look)
            break
        line.pop()
    return line


def hanging(label: Line, content: Cell, width: int) -> list[Line]:
    """The content after its label, with its further lines under its first."""
    indent = width_of(label)
    lines = content.fitted(max(width - indent, 1))
    blank: Line = [(" " * indent, "")]
    return [
        _stripped([*(label if number == 0 else blank), *line]) for number, line in enumerate(lines)
    ]


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; `spaced` sets rows of several lines apart."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    spaced: bool = True

    def widths(self, width: int) -> list[int] | None:
        """The widths of the columns, or None where `width` is too little for a table."""
        every = [
            [cell(heading), *(row[number] for row in self.rows)]
            for number, heading in enumerate(self.headings)
        ]
        widths = [max(one.width for one in column) for column in every]
        least = [
            max((one.width for one in column if one.solid), default=0) or min(natural, NARROW)
            for natural, column in zip(widths, every, strict=True)
        ]
        least = [
            max(size, columns(heading)) for size, heading in zip(least, self.headings, strict=True)
        ]
        room = width - GUTTER * (len(widths) - 1)
        if sum(least) > room:
            return None
        while sum(widths) > room:  # take from the widest column that can give
            giving = [i for i, size in enumerate(widths) if size > least[i]]
            widest = max(giving, key=lambda i: widths[i])
            widths[widest] -= 1
        return widths

    def drawn(self, width: int, look: str) -> list[Line]:
        """The table, or where `width` is too little for it, its records; nothing is lost."""
        widths = self.widths(width)
        return self.lines(widths, look) if widths else self.records(width, look)

    def lines(self, widths: Sequence[int], look: str) -> list[Line]:
        """The table with columns of these widths, the headings in `look`."""
        rights = [
            any(row[number].right for row in self.rows) for number in range(len(self.headings))
        ]
        head = [
            cell(heading, look, solid=True, right=right)
            for heading, right in zip(self.headings, rights, strict=True)
        ]
        lines = _row(head, widths)
        tall = False
        for row in self.rows:
            drawn = _row(row, widths)
            if self.spaced and len(lines) > 1 and (tall or len(drawn) > 1):
                lines.append([])
            tall = len(drawn) > 1
            lines += drawn
        return lines

    def records(self, width: int, look: str) -> list[Line]:
        """Every row as a title and a list, for places too narrow for the table."""
        labels = max(map(columns, self.headings[1:]), default=0) + GUTTER
        lines: list[Line] = []
        for row in self.rows:
            if lines:
                lines.append([])
            lines += row[0].fitted(width)
            for heading, content in zip(self.headings[1:], row[1:], strict=True):
                if content.width:
                    label = " " * INDENT + heading.ljust(labels)
                    fits = content.width + len(label) <= width
                    trimmed = replace(content.left_aligned(), solid=content.solid and fits)
                    lines += hanging([(label, look)], trimmed, width)
        return lines


def _row(cells: Sequence[Cell], widths: Sequence[int]) -> list[Line]:
    fitted = [one.fitted(width) for one, width in zip(cells, widths, strict=True)]
    lines: list[Line] = []
    for number in range(max(map(len, fitted))):
        line: Line = []
        for one, parts, width in zip(cells, fitted, widths, strict=True):
            part = parts[number] if number < len(parts) else []
            gap = (" " * (width - width_of(part)), "")
            line += [gap, *part] if one.right else [*part, gap]
            line.append((" " * GUTTER, ""))
        lines.append(_stripped(line))
    return lines
