"""CSV and its kin: a header of names, and a line of cells for every row."""

from __future__ import annotations

import csv
import importlib.util
import io
from array import array
from collections.abc import Iterator, Mapping, Sequence

from autograd_cli.data import numbers
from autograd_cli.data.bytestream import ByteStream
from autograd_cli.data.lines import MUCH, Lines, decoded
from autograd_cli.data.rows import Block, Column, ColumnMaker, Rows, Shape, faulty
from autograd_cli.errors import FileError

DELIMITERS = (",", ";", "\t", "|")
LONGEST_CELL = 1 << 26


def has_arrow() -> bool:
    """Whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


class Delimited:
    """A table in CSV, TSV or the like: the header is read when this is made.

    Raises: FileError for an empty stream, a header of numbers, and names that stand there twice.
    """

    place = "line"

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream.name
        self.stamp = stream.stamp
        self._lines = Lines(stream, quotes=True)
        line = self._lines.line
        header = decoded(Block(self._lines.first(), line), self.stream)
        if not header.strip():
            raise FileError(
                f"{self.stream} is empty", hint="the first line holds the names of the columns: x,y"
            )
        self.delimiter = _delimiter(header)
        cells = self._header(header)
        self.names = tuple(cell.strip() for cell in cells)
        check_names(self.names, self.stream)

    def _header(self, text: str) -> list[str]:
        csv.field_size_limit(LONGEST_CELL)
        try:
            cells, *more = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter)
        except csv.Error as error:
            raise FileError(
                f"the first line of {self.stream} cannot be read as CSV: {error}"
            ) from None
        if more:
            raise FileError(
                f"a line of {self.stream} ends with a carriage return alone",
                hint="write line feeds: tr '\\r' '\\n' < FILE",
            )
        return cells

    def share(self) -> float | None:
        return self._lines.stream.share()

    def close(self) -> None:
        self._lines.stream.close()

    def blocks(self) -> Iterator[Block]:
        yield from self._lines.blocks()

    def rows(self, block: Block, wanted: Sequence[str], shapes: Mapping[str, Shape]) -> Rows:
        """The rows of a block, with the numbers of the columns `wanted`.

        `shapes` are those of the columns so far as they are known; others are found here.
        """
        if len(block.content) >= MUCH and has_arrow():
            from autograd_cli.data.arrow_text import clean_rows  # worth its import

            clean = clean_rows(block, self.names, self.delimiter, wanted, shapes)
            if clean is not None:
                return clean
        text = decoded(block, self.stream)
        places, cells = self._cells(text, block)
        positions = {name: self.names.index(name) for name in wanted}
        fast = self._all_numbers(text, cells, positions, shapes)
        if fast is not None:
            return Rows(len(cells), fast, places, cells)
        makers = {name: ColumnMaker(shapes.get(name)) for name in wanted}
        pointed = self._pointed(text, cells, positions)
        faults: dict[int, FileError] = {}
        for row, (line, own) in enumerate(zip(places, cells, strict=True)):
            found = self._values(own, positions, makers, pointed)
            if isinstance(found, str):
                faults[row] = faulty(self.stream, line, found)
                for maker in makers.values():
                    maker.add_nothing()
            else:
                for maker, value in zip(makers.values(), found, strict=True):
                    maker.add(*value)
        columns = {name: maker.column() for name, maker in makers.items()}
        return Rows(len(cells), columns, places, cells, faults=faults)

    def _cells(self, text: str, block: Block) -> tuple[Sequence[int], list[list[str]]]:
        """The cells of every row, and the line that each row begins on; blank lines left out."""
        places: list[int] = []
        cells: list[list[str]] = []
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter)
        csv.field_size_limit(LONGEST_CELL)
        begun = 0
        try:
            for own in reader:
                if own and (len(own) > 1 or own[0].strip()):
                    places.append(block.line + begun)
                    cells.append(own)
                begun = reader.line_num
        except csv.Error as error:
            raise FileError(
                f"{self.stream}, line {block.line + begun} cannot be read as CSV: {error}"
            ) from None
        return places, cells

    def _all_numbers(
        self,
        text: str,
        cells: list[list[str]],
        positions: Mapping[str, int],
        shapes: Mapping[str, Shape],
    ) -> dict[str, Column] | None:
        """The columns, if there is nothing to complain about and each cell is a single number."""
        if "_" in text or not text.isascii() or any(shapes.get(name) for name in positions):
            return None
        width = len(self.names)
        if any(len(own) != width for own in cells):
            return None
        try:
            return {
                name: Column(array("d", [float(own[at]) for own in cells]))
                for name, at in positions.items()
            }
        except ValueError:
            return None

    def _pointed(self, text: str, cells: list[list[str]], positions: Mapping[str, int]) -> str:
        """A cell with a decimal point, where other numbers may have decimal commas, or ""."""
        if self.delimiter == "," or "," not in text or "." not in text:
            return ""
        texts = (own[at] for own in cells for at in positions.values() if at < len(own))
        return next(filter(numbers.has_point, texts), "")

    def _values(
        self,
        cells: Sequence[str],
        positions: Mapping[str, int],
        makers: Mapping[str, ColumnMaker],
        pointed: str,
    ) -> list[tuple[array[float], Shape]] | str:
        """The values of a row, or what is wrong with it.

        Where cells are not delimited by commas, a comma is a decimal one, unless a cell nearby is
        `pointed`: with both, one of them may stand between thousands.
        """
        if len(cells) != len(self.names):
            return f"{_count(len(cells), 'cell')}, but {_count(len(self.names), 'column')}"
        found = []
        for name, at in positions.items():
            text = cells[at]
            if self.delimiter != "," and "," in text:
                text = numbers.with_point(text)
                if pointed and text != cells[at]:
                    return (
                        f"column {name!r} is {numbers.shown(cells[at])}, with a decimal comma, and"
                        f" another cell is {numbers.shown(pointed)}, with a point"
                    )
            try:
                found.append(numbers.value(text, makers[name].shape))
            except numbers.NoNumberError as why:
                return f"column {name!r} {why}"
        return found


def check_names(names: Sequence[str], stream: str) -> None:
    """Raises FileError for names that cannot be those of columns."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise FileError(
                f"{stream} has the column {name!r} twice", hint="give every column its own name"
            )
        seen.add(name)
    if all(map(_is_number, names)):
        raise FileError(
            f"the first line of {stream} holds numbers, not the names of the columns",
            hint="put a line of names above it: x,y",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _delimiter(header: str) -> str:
    """The delimiter that the header uses most, outside quotes."""
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=lambda delimiter: outside.count(delimiter))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
