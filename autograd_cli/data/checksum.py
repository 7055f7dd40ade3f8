"""Whether rows are those that were read before: a checksum of what stands in them.

It is told from the rows alone: text may come in other blocks, be compressed, or be a pipe. A CRC is
enough to notice what was changed by mistake, and takes a fraction of the time of reading.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any


def of_names(names: Sequence[str], delimiter: str = "") -> int:
    """The checksum before the first row: of the columns' names."""
    return zlib.crc32(repr((*names, delimiter)).encode("utf-8", "backslashreplace"))


def of_rows(content: Any, before: int) -> int:
    """The checksum after rows, text or a record batch, where that of all `before` them is known."""
    if isinstance(content, bytes):
        return zlib.crc32(content, before)
    import pyarrow.ipc

    # Joined with nothing, columns become copies that end where the rows end: what is written of a
    # part of a column has some of its neighbours too.
    columns = list(map(_alone, content.columns))
    batch = pyarrow.RecordBatch.from_arrays(columns, names=content.schema.names)
    running = _Running(before)
    # As a stream, because that holds the words of a dictionary too.
    with pyarrow.ipc.new_stream(running, batch.schema) as writer:
        writer.write_batch(batch)
    return running.checksum


def _alone(column: Any) -> Any:
    import pyarrow

    try:
        return pyarrow.concat_arrays([column, column.slice(0, 0)])
    except pyarrow.ArrowNotImplementedError:  # as it is: of the same blocks it is the same
        return column


class _Running:
    """A file that is nothing but the checksum of what is written into it."""

    closed = False

    def __init__(self, checksum: int) -> None:
        self.checksum = checksum

    def write(self, data: Any) -> int:
        self.checksum = zlib.crc32(data, self.checksum)
        return len(data)

    def writable(self) -> bool:
        return True

    def flush(self) -> None: ...

    def close(self) -> None: ...
