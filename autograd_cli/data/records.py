"""NDJSON: a JSON object a line, whose keys are the columns of the first."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograd_cli.data import numbers
from autograd_cli.data.bytestream import ByteStream
from autograd_cli.data.lines import Lines, decoded
from autograd_cli.data.rows import Block, ColumnMaker, Rows, Shape, faulty
from autograd_cli.errors import FileError


class Records:
    """A table in NDJSON: the first record is read when this is made. Raises FileError."""

    place = "line"
    notes: Sequence[str] = ()

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream.name
        self.stamp = stream.stamp
        self._lines = Lines(stream)
        line = self._lines.line
        first = self._lines.first()
        record = _record(decoded(Block(first, line), self.stream))
        if isinstance(record, str):
            raise faulty(self.stream, self._lines.line - 1, record)
        self.names = tuple(record)
        if not self.names:
            raise FileError(f"the first record of {self.stream} has no columns")
        self._lines.put_back(first)

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
        makers = {name: ColumnMaker(shapes.get(name)) for name in wanted}
        cells: list[list[Any]] = []
        places: list[int] = []
        faults: dict[int, FileError] = {}
        for offset, line in enumerate(decoded(block, self.stream).split("\n")):
            if not line.strip():
                continue
            record = _record(line)
            found = record if isinstance(record, str) else _values(record, makers)
            if isinstance(found, str):
                faults[len(cells)] = faulty(self.stream, block.line + offset, found)
                for maker in makers.values():
                    maker.add_nothing()
            else:
                for maker, value in zip(makers.values(), found, strict=True):
                    maker.add(*value)
            known = {} if isinstance(record, str) else record
            places.append(block.line + offset)
            cells.append([known.get(name) for name in self.names])
        columns = {name: maker.column() for name, maker in makers.items()}
        return Rows(len(cells), columns, places, cells, faults=faults)


def _record(line: str) -> dict[str, Any] | str:
    """The object on a line, or what is wrong with it."""
    try:
        record = numbers.from_json(line)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return f"it is no JSON: {getattr(error, 'msg', error)}".lower().replace("json", "JSON")
    if not isinstance(record, dict):
        return "it is no JSON object"
    if line.count(":") > len(record):  # there is more than a colon for each column
        twice = _twice(line)
        if twice is not None:
            return f"column {twice!r} is there twice"
    return record


def _twice(line: str) -> str | None:
    """The first key that stands twice in the object on a line, not in those within it."""
    keys: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys[:] = (key for key, _ in pairs)  # the outermost object is the last
        return dict(pairs)

    json.loads(line, object_pairs_hook=note)
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None


def _values(
    record: Mapping[str, Any], makers: Mapping[str, ColumnMaker]
) -> list[tuple[array[float], Shape]] | str:
    """The values of a row, or what is wrong with it."""
    found = []
    for name, maker in makers.items():
        if name not in record:
            return f"column {name!r} is missing"
        try:
            found.append(numbers.flat(record[name], maker.shape))
        except numbers.NoNumberError as why:
            return f"column {name!r} {why}"
    return found
