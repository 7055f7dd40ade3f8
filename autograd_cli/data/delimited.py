"""CSV and its kin: a header of names, and a line of cells for every row."""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence

from autograd_cli.data import numbers, room
from autograd_cli.data.bytestream import ByteStream
from autograd_cli.data.lines import MUCH, Lines, decoded
from autograd_cli.data.rows import Block, Column, ColumnMaker, Rows, Shape, faulty
from autograd_cli.errors import FileError

DELIMITERS = (",", ";", "\t", "|")
LONGEST_CELL = 1 << 26


def has_arrow() -> bool:
    """Whether pyarrow is installed, and has room."""
    return importlib.util.find_spec("pyarrow") is not None and not room.is_tight()


class Delimited:
    """A table in CSV, TSV or the like: the header is read when this is made.

    Raises: FileError for an empty stream, a header of numbers, and names that stand there twice.
    """

    place = "line"

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream.name
        self.stamp = stream.stamp
        self._lines = Lines(stream, quotes=True)
        self._notes: list[str] = []
        self._comments: list[int] = []  # how many each block has
        self._is_blank = False  # what stands between the cells
        self.delimiter = ""
        header = self._find_header()
        if not header.strip():
            raise FileError(
                f"{self.stream} is empty", hint="the first line holds the names of the columns: x,y"
            )
        self.delimiter = self.delimiter or self._delimiter(header)
        if self._is_blank:
            header = _tabbed(header)
        cells = self._header(header)
        self.names = tuple(cell.strip() for cell in cells)
        check_names(self.names, self.stream)

    @property
    def notes(self) -> Sequence[str]:
        """What was found out about the table, beyond a header and rows; it may become more."""
        count = sum(self._comments)
        told = [_left_out(count, f"among the rows of {self.stream}")] if count else []
        return [*self._lines.notes, *self._notes, *told]

    def _first(self) -> str:
        line = self._lines.line
        return decoded(Block(self._lines.first(), line), self.stream)

    def _find_header(self) -> str:
        """The line with the names of the columns: the first that is no comment, and does not only
        say what stands between cells; or the last comment, where that is followed by numbers."""
        line = self._first()
        said = _SEPARATOR.fullmatch(line.strip('"'))
        if said:
            self._notes.append(f"{self.stream} says what stands between its cells: {said[1]!r}")
            self.delimiter, self._is_blank = ("\t", True) if said[1] == " " else (said[1], False)
            line = self._first()
        comments: list[str] = []
        while _is_comment(line):
            comments.append(line)
            line = self._first()
        if comments and (not line or _is_row_below(line, comments[-1])):
            header = comments.pop().lstrip("# \t")
            self._notes.append(f"{self.stream} has the names of its columns in a comment: {header}")
            if line:
                self._lines.put_back(line.encode())
            line = header
        if comments:
            self._notes.append(_left_out(len(comments), f"above the header of {self.stream}"))
        return line

    def _delimiter(self, header: str) -> str:
        """What the header uses most, outside quotes; blanks, where nothing else stands there and
        the row below it has as many words."""
        outside = "".join(header.split('"')[::2])
        found = max(DELIMITERS, key=outside.count)
        if found in outside or len(_WORD.findall(header)) < 2:
            return found
        line = self._lines.first()
        if line:
            self._lines.put_back(line)
        if len(_WORD.findall(line.decode("utf-8", "replace"))) != len(_WORD.findall(header)):
            return found
        self._notes.append(f"{self.stream} has blanks between its cells")
        self._is_blank = True
        return "\t"

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
        for block in self._lines.blocks():
            if self._is_blank:
                block = Block(_tabbed(decoded(block, self.stream)).encode(), block.line)
            yield block

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
        positions = {name: self.names.index(name) for name in wanted}
        places, cells = self._cells(text, block)
        if text.startswith("#") or "\n#" in text:
            places, cells = self._without_comments(places, cells, 0 in positions.values())
        pointed = self._pointed(text, cells, positions)
        if self.delimiter != "," and "," in text and not pointed:  # one notation from here on
            cells = [[numbers.with_point(cell) for cell in own] for own in cells]
        fast = self._all_numbers(text, cells, positions, shapes)
        if fast is not None:
            return Rows(len(cells), fast, places, cells)
        makers = {name: ColumnMaker(shapes.get(name)) for name in wanted}
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

    def _without_comments(
        self, places: Sequence[int], cells: list[list[str]], is_first_wanted: bool
    ) -> tuple[Sequence[int], list[list[str]]]:
        """The rows without those that begin with # and can be no rows: where a number has to stand,
        or stands in other rows, or where there are too few cells or too many."""
        begins = [own[0].startswith("#") for own in cells]
        is_number = is_first_wanted or any(
            _is_number(own[0]) for own, marked in zip(cells, begins, strict=True) if not marked
        )
        kept = [
            row
            for row, (own, marked) in enumerate(zip(cells, begins, strict=True))
            if not (marked and (is_number or len(own) != len(self.names)))
        ]
        if len(kept) < len(cells):
            self._comments.append(len(cells) - len(kept))
        return [places[row] for row in kept], [cells[row] for row in kept]

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
        found: dict[str, Column] = {}
        for name, at in positions.items():
            texts = [own[at] for own in cells]
            try:
                column = array("d", map(float, texts))
            except ValueError:
                return None
            if math.inf in column or -math.inf in column:  # inf, or else 1e400
                of = zip(column, texts, strict=True)
                if any(math.isinf(one) and numbers.is_beyond(text) for one, text in of):
                    return None
            found[name] = Column(column)
        return found

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


_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE | re.DOTALL)  # as Excel writes it
_WORD = re.compile(r'"(?:[^"]|"")*"|\S+')


def _is_comment(line: str) -> bool:
    """Whether a line above the header is a comment; a column may be called `#`."""
    return line.startswith("#") and line[1:2] not in DELIMITERS


def _is_row_below(line: str, comment: str) -> bool:
    """Whether a line is a row, with numbers in it, and a comment has as many cells for names."""
    names = comment.lstrip("# \t")
    between = max(DELIMITERS, key=line.count)
    if between not in line:
        cells, count = line.split(), len(names.split())
    else:
        cells, count = line.split(between), names.count(between) + 1
    return len(cells) == count and any(_is_number(cell.strip(' "')) for cell in cells)


def _left_out(count: int, where: str) -> str:
    lines = "1 line begins" if count == 1 else f"{count:,} lines begin"
    return f"{lines} with # {where}: left out, as comments"


def _tabbed(text: str) -> str:
    """Lines of cells between blanks as lines of cells between tabs."""
    if '"' not in text:
        return "\n".join(["\t".join(line.split()) for line in text.split("\n")])
    return "\n".join(["\t".join(_WORD.findall(line)) for line in text.split("\n")])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
