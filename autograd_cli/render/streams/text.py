"""Rows as CSV and as plain text: what was read, as it was written, and what was found."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from autograd_cli.data.delimited import has_arrow
from autograd_cli.render import plain
from autograd_cli.render.numbers import exact
from autograd_cli.render.streams import Layout, Piece, Text
from autograd_cli.render.streams.cells import cells_of, text_of
from autograd_cli.results import Scalar

MUCH = 20_000  # cells of a piece from which on pyarrow is worth its import


class _Text:
    """What CSV and plain text have in common: cells between delimiters, a row a line."""

    delimiter = ","

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def encode(self, piece: Piece) -> Text:
        fast = self._fast(piece)
        if fast is not None:
            return fast
        rows = zip(self._inputs(piece), self._results(piece), strict=True)
        return self._lines([*own, *found] for own, found in rows).encode("utf-8", "replace")

    def _lines(self, rows: Iterable[Sequence[Scalar]]) -> str:
        raise NotImplementedError

    def _fits(self, text: bytes, delimiter: str) -> bool:
        """Whether text with these cells can be taken over with nothing but another delimiter."""
        raise NotImplementedError

    def _inputs(self, piece: Piece) -> Iterator[Sequence[Scalar]]:
        if piece.rows is None:
            assert piece.found is not None
            size = piece.found.size
            columns = [_items(column, size) for _, column in piece.found.inputs()]
            yield from zip(*columns, strict=True) if columns else ([] for _ in range(size))
            return
        cells = cells_of(piece.rows, self._layout.delimiter)
        wanted = piece.written()
        width = len(self._layout.inputs)
        for row in range(len(cells)) if wanted is None else wanted:
            own = [text_of(cell) for cell in cells[row][:width]]
            yield own + [""] * (width - len(own))

    def _results(self, piece: Piece) -> Iterator[Sequence[Scalar]]:
        nothing: list[Scalar] = [None] * len(self._layout.results)
        columns = (
            []
            if piece.found is None
            else [
                column if isinstance(column, list) else column.tolist()
                for _, column in piece.found.results()
            ]
        )
        for place in piece.places():
            yield nothing if place is None else [column[place] for column in columns]

    def _fast(self, piece: Piece) -> Text | None:
        """The same by pyarrow, where all rows have results and are as they are read."""
        found, rows = piece.found, piece.rows
        if found is None or piece.good is not None or not has_arrow():
            return None
        if found.size * (len(self._layout.inputs) + len(self._layout.results)) < MUCH:
            return None
        from autograd_cli.data import arrow_text
        from autograd_cli.render.streams import arrow

        read: list[Any] = []
        columns: list[Any] = [column for _, column in found.results()]
        if rows is None:
            columns = [*(column for _, column in found.inputs()), *columns]
        elif rows.lines is None:
            return None
        elif self._fits(rows.lines, self._layout.delimiter):
            text = rows.lines
            if self._layout.delimiter != self.delimiter:
                swapped = bytes.maketrans(self._layout.delimiter.encode(), self.delimiter.encode())
                text = text.translate(swapped)
            read.append(arrow_text.split_lines(text))
        else:
            return None
        together = arrow.number_rows(columns, self.delimiter)
        if together is not None:
            return arrow_text.joined([*read, together], self.delimiter)
        texts: dict[int, Any] = {}
        for column in columns:
            if id(column) in texts:
                continue
            own = arrow.texts(column)
            if own is None:
                return None
            texts[id(column)] = own
        return arrow_text.joined(
            [*read, *(texts[id(column)] for column in columns)], self.delimiter
        )


def _items(column: Any, size: int) -> list[Any]:
    """A column, or a single number for all rows, as a list."""
    if isinstance(column, list):
        return column
    return list(column.tolist()) if hasattr(column, "tolist") else [column] * size


class Csv(_Text):
    """A header, and rows as spreadsheets and data frames read them."""

    def header(self) -> bytes:
        return self._lines([[*self._layout.inputs, *self._layout.results]]).encode()

    def _lines(self, rows: Iterable[Sequence[Scalar]]) -> str:
        cells = [[value if type(value) is float else exact(value) for value in row] for row in rows]
        text = _written(cells, "\n")
        if "\r" not in text:
            return text
        # Python quotes what ends a line here, and no other end of one: readers stumble over it.
        return "".join(_written([row], "\r\n").removesuffix("\r\n") + "\n" for row in cells)

    def _fits(self, text: bytes, delimiter: str) -> bool:
        return delimiter == self.delimiter or b"," not in text


_AS_IT_IS = bytes({*range(0x20, 0x7F), ord("\n")} - {ord("\\")})
_ESCAPED = re.compile(rb"[\x00-\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")  # as in `plain`, in UTF-8


def _written(rows: Iterable[Sequence[Any]], end: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue()


class Plain(_Text):
    """Tab-separated, without a header."""

    delimiter = "\t"

    def header(self) -> bytes:
        return b""

    def _lines(self, rows: Iterable[Sequence[Scalar]]) -> str:
        return "".join(map(plain.line, rows))

    def _fits(self, text: bytes, delimiter: str) -> bool:
        alike = self.delimiter if delimiter == self.delimiter else ""
        rest = text.translate(None, _AS_IT_IS + alike.encode())
        return _ESCAPED.search(rest) is None
