"""A JSON object a line for every point: the same as for a single one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from autograd_cli.data.delimited import has_arrow
from autograd_cli.data.rows import Rows
from autograd_cli.render.json_ import NON_FINITE, finite
from autograd_cli.render.streams import Layout, Piece, Text
from autograd_cli.render.streams.cells import cells_of
from autograd_cli.render.streams.text import MUCH
from autograd_cli.results.columns import Columns, Numbers, fields

_HOLE = re.compile(r'"\\u0000"')
# What every record of a stream has alike.
SHARED = frozenset(
    (
        *("schema", "command", "expression", "dtype", "device", "warnings", "outputs", "inputs"),
        *("order", "partial", "along", "grad_output"),
    )
)
_NO_TEXT = "\x00"  # stands where a number will be


class Ndjson:
    """Records. Columns of the table that are no variables stand under `row`; a row without results
    has all that was read there, and the keys of the others with nothing under them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        used = set() if layout.used is None else set(layout.used)
        self._others = [name for name in layout.inputs if name not in used]
        if not layout.is_table:
            self._others = []

    def header(self) -> bytes:
        return b""

    def encode(self, piece: Piece) -> Text:
        found = piece.found
        if isinstance(found, Columns) and not self._others and piece.good is None:
            return self._encode_columns(found)
        return "".join(self._records(piece)).encode()

    def _records(self, piece: Piece) -> Iterator[str]:
        points = [] if piece.found is None else list(piece.found.points())
        wanted = piece.written()
        rows = list(self._rows(piece.rows)) if piece.rows is not None else None
        for number, place in enumerate(piece.places()):
            row = None if rows is None else rows[number if wanted is None else wanted[number]]
            record: dict[str, Any]
            if place is None:
                record = {**self._nothing(), "row": row}
            else:
                record = points[place].to_dict()
                others = {name: (row or {}).get(name) for name in self._others}
                if others:
                    record["row"] = others
            yield self._dumps(record) + "\n"

    def _nothing(self) -> dict[str, Any]:
        """A record without results."""
        example = self._layout.example
        if example is None:
            return {"value": None}
        point = next(example.points())
        record = replace(point, warnings=example.header.warnings).to_dict()
        nothing: dict[str, Any] = {
            key: own if key in SHARED else dict.fromkeys(own) if isinstance(own, dict) else None
            for key, own in record.items()
        }
        if isinstance(example, Columns):  # whose header has the values that do not vary
            nothing["at"] = {**nothing["at"], **example.header.at}
        return nothing

    def _rows(self, rows: Rows) -> Iterator[Mapping[str, Any]]:
        for cells in cells_of(rows, self._layout.delimiter):
            yield dict(zip(self._layout.inputs, cells, strict=False))

    def _dumps(self, record: Any) -> str:
        return json.dumps(
            finite(record), ensure_ascii=not self._layout.utf, allow_nan=False, default=str
        )

    def _encode_columns(self, found: Columns) -> Text:
        """All records at once: one template, and the numbers that go into its holes.

        Records with warnings of their own are written one by one.
        """
        holes: list[Numbers] = []

        def held(numbers: Numbers) -> Any:
            holes.extend(_elements(numbers))
            return _nested(tuple(numbers.shape)[1:])

        at = {
            name: held(found.at[name]) if name in found.at else found.header.at[name]
            for name in found.names
        }
        changes: dict[str, Any] = {"at": at, "value": held(found.value)}
        if found.gradient is not None:
            changes["gradient"] = {name: held(part) for name, part in found.gradient.items()}
        template = self._dumps(replace(found.header, **changes).to_dict()) + "\n"
        pieces = _HOLE.split(template)
        if found.size * len(holes) >= MUCH and has_arrow() and not found.warnings:
            from autograd_cli.render.streams import arrow

            return arrow.filled(pieces, holes)
        columns = [list(map(_text, hole.tolist())) for hole in holes]
        whole = "%s".join(piece.replace("%", "%%") for piece in pieces)
        lines = [whole % row for row in zip(*columns, strict=True)]
        if found.warnings:
            for number, point in enumerate(found.points()):
                if number in found.warnings:
                    lines[number] = self._dumps(point.to_dict()) + "\n"
        return "".join(lines).encode()


def _elements(numbers: Numbers) -> Iterator[Numbers]:
    for _, column in fields("", numbers):
        yield column  # type: ignore[misc]


def _nested(shape: tuple[int, ...]) -> Any:
    """Holes in nested lists of a shape."""
    if not shape:
        return _NO_TEXT
    return [_nested(shape[1:]) for _ in range(shape[0])]


def _text(value: Any) -> str:
    if type(value) is float:
        return repr(value) if math.isfinite(value) else f'"{NON_FINITE[repr(value)]}"'
    return json.dumps(value)
