"""Rows of a table that were read: their numbers, what they were written as, and what is wrong."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from autograd_cli.errors import FileError

Shape: TypeAlias = tuple[int, ...]

HINT = "--on-error skip leaves such rows out, --on-error null leaves their results empty"


class Block(NamedTuple):
    """Whole rows as they stand in the stream, and the number of the line that the first is on.

    Where a run may be continued, `before` and `after` are the checksums of the rows so far; of a
    block whose first rows were left out, those are of the `whole` one.
    """

    content: Any  # bytes of text, or an Arrow record batch
    line: int
    before: int | None = None
    after: int | None = None
    whole: Block | None = None


class Column(NamedTuple):
    """The numbers of a column, row after row; `shape` is that of one row's value."""

    numbers: Any  # an array("d"), or an Arrow array
    shape: Shape = ()


@dataclass(frozen=True)
class Rows:
    """Consecutive rows.

    `columns` are those that were asked for, with as many values as there are rows; a row that has
    an entry in `faults` holds nan there. `places` are the numbers of the lines (or rows, where
    there are no lines) that the rows stand on.

    What was written stands in one of three: `cells`, the cells of every row, in the order of the
    table's columns; `lines`, text of as many lines as rows, without quotes; `batch`, of Arrow.
    """

    count: int
    columns: Mapping[str, Column]
    places: Sequence[int]
    cells: Sequence[Sequence[Any]] | None = None
    lines: bytes | None = None
    batch: Any = None
    faults: Mapping[int, FileError] = field(default_factory=dict)


@dataclass(frozen=True)
class Elements:
    """A variable made of columns: one for each of its elements, or a single one.

    `shape` is None where a column holds the whole value, whatever its shape.
    """

    columns: tuple[str, ...]
    shape: tuple[int, ...] | None = None


def faulty(stream: str, line: int, what: str, place: str = "line") -> FileError:
    """The error for a row."""
    return FileError(f"{stream}, {place} {line}: {what}", hint=HINT)


class ColumnMaker:
    """Gathers the values of a column; where there is none, it puts nan."""

    def __init__(self, shape: Shape | None) -> None:
        self.shape = shape
        self._numbers = array("d")
        self._missing = 0  # rows before the first value, of which the shape is not known yet

    def add(self, numbers: array[float], shape: Shape) -> None:
        self.shape = shape
        self._pad()
        self._numbers.extend(numbers)

    def add_nothing(self) -> None:
        self._missing += 1

    def _pad(self) -> None:
        size = 1
        for length in self.shape or ():
            size *= length
        self._numbers.extend([float("nan")] * (size * self._missing))
        self._missing = 0

    def column(self) -> Column:
        self._pad()
        return Column(self._numbers, self.shape or ())
