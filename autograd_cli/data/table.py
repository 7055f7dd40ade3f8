"""A table as a stream of rows, and, where it is small, as a whole."""

from __future__ import annotations

import contextlib
import io
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from autograd_cli.data.bytestream import ByteStream, open_bytes
from autograd_cli.data.delimited import Delimited
from autograd_cli.data.names import listing
from autograd_cli.data.records import Records
from autograd_cli.data.rows import Block, Rows, Shape
from autograd_cli.errors import FileError

ARROW = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")  # Parquet, an Arrow file, an Arrow stream


class Source(Protocol):
    """A table that is being read: blocks in their order, and rows from a block in any thread.

    `names` are those of its columns, `stream` is what messages call it, `place` what they call the
    place of a row, and `stamp` the size and time of the file, if it is one.
    """

    names: tuple[str, ...]
    stream: str
    place: str
    stamp: tuple[int, int] | None

    @property
    def notes(self) -> Sequence[str]:
        """What was found out so far that is not plain to see."""

    def share(self) -> float | None:
        """How much of the whole has been read, where that is known."""

    def close(self) -> None: ...

    def blocks(self) -> Iterator[Block]: ...

    def rows(self, block: Block, wanted: Sequence[str], shapes: Mapping[str, Shape]) -> Rows: ...


def open_source(path: str, stdin: TextIO) -> Source:
    """The table in a file, or on standard input for `-`, in whichever format it is written.

    Raises: FileError where it cannot be read or holds no table.
    """
    stream = open_bytes(path, stdin)
    try:
        return _source(stream)
    except BaseException:
        stream.close()
        raise


def _source(stream: ByteStream) -> Source:
    head = stream.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(ARROW):
        from autograd_cli.data.arrow_table import open_arrow

        return open_arrow(stream)
    if head.startswith(b"["):
        raise FileError(
            f"{stream.name} is a JSON list, not NDJSON",
            hint="write a record a line: jq -c '.[]' FILE",
        )
    return Records(stream) if head.startswith(b"{") else Delimited(stream)


@dataclass(frozen=True)
class Table:
    """A whole table: `columns` are float64 numbers in the order of `names`, of equal length."""

    names: tuple[str, ...]
    columns: tuple[array[float], ...]

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __getitem__(self, name: str) -> array[float]:
        return self.columns[self.names.index(name)]


def read_table(path: str, stdin: TextIO | None = None, wanted: Sequence[str] = ()) -> Table:
    """The table in a file, or on standard input for `-`: CSV (delimited by `,` `;` tab or `|`) or
    NDJSON, also compressed with gzip, bzip2 or xz.

    Only the columns `wanted` have to hold numbers; by default all of them. Raises: FileError, with
    the line and column of the first cell that holds no number, and for a column that is not there.
    """
    with contextlib.closing(open_source(path, stdin or io.StringIO())) as source:
        return whole(source, wanted)


def whole(source: Source, wanted: Sequence[str] = ()) -> Table:
    """All rows of a table, with the columns `wanted`, or all. Raises FileError, as `read_table`."""
    names = tuple(wanted) or source.names
    for name in names:
        if name not in source.names:
            raise missing_column(name, source)
    columns = tuple(array("d") for _ in names)
    scalars: dict[str, Shape] = dict.fromkeys(names, ())
    for block in source.blocks():
        rows = source.rows(block, names, scalars)
        for error in rows.faults.values():
            error.hint = ""  # about options that only streams have
            raise error
        for column, name in zip(columns, names, strict=True):
            column.extend(rows.columns[name].numbers)
    if not columns or not columns[0]:
        raise no_rows(source)
    return Table(names, columns)


def no_rows(source: Source) -> FileError:
    return FileError(f"{source.stream} has a header and no rows")


def missing_column(name: str, source: Source) -> FileError:
    return FileError(
        f"{source.stream} has no column {name!r}", hint=f"it has: {listing(source.names)}"
    )


def size_of(shape: Shape) -> int:
    return math.prod(shape)
