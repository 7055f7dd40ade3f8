"""What is said of a result to people: a page of parts, which every format writes in its own way.

A page is made without knowing where it will be read: it holds numbers, not digits, and names, not
their typesetting. `render.pages` has a page for every kind of result, `render.formats` a writer for
every format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from autograd_cli.results import Value

MANY = 8  # items of a list beyond which its middle is left out
EDGES = (4, 3)  # items shown at its beginning and its end


class Mood(Enum):
    """What a remark says of a result, beside its words."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


class Alignment(Enum):
    """How the cells of a column stand below each other; numbers stand point under point."""

    LEFT = "left"
    RIGHT = "right"
    POINT = "point"


@dataclass(frozen=True)
class Number:
    """A number, a vector or a matrix; None is nothing.

    It is shown at `digits` significant digits at most, or with so many `decimals`.
    """

    value: Value
    digits: int | None = None
    decimals: int | None = None


@dataclass(frozen=True)
class Interval:
    """What lies between two numbers."""

    low: float
    high: float


@dataclass(frozen=True)
class Symbol:
    """A variable, or an element of one: `x`, `A[0,1]`."""

    name: str


@dataclass(frozen=True)
class Code:
    """Text as it can be typed: an expression, or lists of them."""

    text: Value


@dataclass(frozen=True)
class Remark:
    """Words with a mood."""

    text: str
    mood: Mood


@dataclass(frozen=True)
class Curve:
    """A row of numbers as a little curve of at most `width` bars."""

    values: Sequence[float]
    width: int


Inline: TypeAlias = str | Number | Interval | Symbol | Code | Remark | Curve
Text: TypeAlias = Inline | tuple[Inline, ...]


@dataclass(frozen=True)
class Title:
    """What the page is about: words, or an expression and what it is equal to.

    `is_typed` where it only repeats what stands above the page on a terminal.
    """

    text: Text
    value: Number | Code | None = None
    is_typed: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A sentence, perhaps with a mood."""

    text: Text
    mood: Mood | None = None


@dataclass(frozen=True)
class Note:
    """A sentence that may be overlooked."""

    text: Text


@dataclass(frozen=True)
class Column:
    """A column of a table, and whether its cells are what the rows are called by."""

    heading: Text
    cells: Sequence[Text]
    align: Alignment | None = None  # by what the cells hold
    names_rows: bool = False

    @property
    def alignment(self) -> Alignment:
        if self.align is not None:
            return self.align
        are_numbers = all(isinstance(one, (Number, Interval)) for one in self.cells)
        return Alignment.POINT if are_numbers and self.cells else Alignment.LEFT


@dataclass(frozen=True)
class Table:
    """Columns of equal length, with a line above them and one below.

    Of the rows a terminal shows the first ones, `most` of them; there are files for all.
    """

    columns: Sequence[Column]
    caption: str = ""
    note: str = ""
    most: int | None = None

    @property
    def rows(self) -> list[tuple[Text, ...]]:
        return list(zip(*(column.cells for column in self.columns), strict=True))


@dataclass(frozen=True)
class Equations:
    """Rows of equal sides, for where mathematics is typeset: words in them are LaTeX.

    What they say stands in tables of the page as well.
    """

    rows: Sequence[Sequence[Text]]


@dataclass(frozen=True)
class Fact:
    """A label and what is said under it, in words and perhaps in a table."""

    label: str
    text: Text
    table: Table | None = None


@dataclass(frozen=True)
class Facts:
    """Labels with what is said under them; `about` heads them where they are a table."""

    facts: Sequence[Fact]
    about: str = ""


Part: TypeAlias = Title | Paragraph | Note | Table | Facts | Equations
Page: TypeAlias = Sequence[Part]


def inlines(text: Text) -> tuple[Inline, ...]:
    """The pieces of a text."""
    return text if isinstance(text, tuple) else (text,)


def listed(items: Sequence[Inline]) -> tuple[Inline, ...]:
    """Items with commas between them; the middle of many is left out."""
    if len(items) > MANY:
        first, last = EDGES
        items = [*items[:first], "…", *items[-last:]]
    return tuple(part for item in items for part in (", ", item))[1:]
