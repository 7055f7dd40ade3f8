"""Parquet and Arrow: tables in columns, record batch by record batch."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograd_cli.data import numbers
from autograd_cli.data.bytestream import ByteStream
from autograd_cli.data.delimited import check_names
from autograd_cli.data.rows import Block, Column, ColumnMaker, Rows, Shape, faulty
from autograd_cli.errors import FileError, MissingExtraError

try:
    import pyarrow
    import pyarrow.compute as compute
    import pyarrow.ipc
    import pyarrow.parquet
except ImportError:
    pyarrow = None

ROWS = 65_536  # of a block

# What bytes that anybody may have written can lead to: Arrow's own errors, and those of Python that
# it or a conversion raises. A length of petabytes is memory that there is not.
SPOILED: tuple[type[Exception], ...] = (
    *(() if pyarrow is None else (pyarrow.ArrowException,)),
    *(OSError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError),
)


def need_arrow(what: str) -> None:
    """Raises MissingExtraError where pyarrow is not installed."""
    if pyarrow is None:
        raise MissingExtraError(
            f"{what} needs pyarrow, which is not installed",
            hint="pip install 'autograd-cli[data]'",
        )


def open_arrow(stream: ByteStream) -> ArrowTable:
    """A table in Parquet, or in an Arrow file or stream. Raises FileError, MissingExtraError.

    Where pages of Parquet have checksums, they are compared.
    """
    need_arrow(f"reading {stream.name}")
    alone = pyarrow.ipc.IpcReadOptions(use_threads=False)  # --jobs says how many threads there are
    try:
        if stream.head.startswith(b"\xff\xff\xff\xff"):
            reader = pyarrow.ipc.open_stream(stream.handle(), options=alone)
            return ArrowTable(stream, reader.schema, iter(reader))
        if stream.size is None:
            raise FileError(
                f"{stream.name} cannot be streamed: a Parquet or Arrow file is read from its end",
                hint="name the file itself, or write an Arrow stream",
            )
        if stream.head.startswith(b"PAR1"):
            file = pyarrow.parquet.ParquetFile(stream.handle(), page_checksum_verification=True)
            batches = file.iter_batches(batch_size=ROWS, use_threads=False)
            return ArrowTable(stream, file.schema_arrow, batches, file.metadata.num_rows)
        opened = pyarrow.ipc.open_file(stream.handle(), options=alone)
        found = (opened.get_batch(number) for number in range(opened.num_record_batches))
        return ArrowTable(stream, opened.schema, found)
    except SPOILED as error:
        raise damaged(stream.name, error) from None


def damaged(stream: str, error: Exception) -> FileError:
    """The error for a file that Arrow cannot read, which is mostly one that was cut off."""
    what = "is damaged or was cut off"
    if isinstance(error, MemoryError):
        what = "needs more memory than there is, or is damaged"
    lines = str(error).strip().splitlines() or ["no reason given"]
    return FileError(
        f"{stream} {what}: {lines[0].rstrip('.')}", hint="make it again from where it came from"
    )


class ArrowTable:
    """A table in record batches."""

    place = "row"
    notes: Sequence[str] = ()

    def __init__(
        self, stream: ByteStream, schema: Any, batches: Iterator[Any], total: int | None = None
    ) -> None:
        self.stream = stream.name
        self.stamp = stream.stamp
        self._bytes = stream
        self.names = tuple(schema.names)
        check_names(self.names, self.stream)
        self.schema = schema
        self._batches = batches
        self._total = total
        self._read = 0

    def share(self) -> float | None:
        return self._read / self._total if self._total else None

    def close(self) -> None:
        self._bytes.close()

    def blocks(self) -> Iterator[Block]:
        row = 1
        while (batch := self._next()) is not None:
            for start in range(0, batch.num_rows, ROWS):
                part = batch.slice(start, ROWS)
                yield Block(part, row)
                row += part.num_rows
                self._read += part.num_rows

    def _next(self) -> Any:
        """The next batch, or None at the end. Raises FileError.

        What stands in a batch is where its values are to be found, and it is believed by whatever
        reads them: an offset that was altered leads out of the file, to other memory of this
        process. So a batch is validated in full. Numbers need nothing for that; texts are looked
        through, as is every offset and index.
        """
        try:
            batch = next(self._batches, None)
            if batch is not None:
                batch.validate(full=True)
        except SPOILED as error:
            raise damaged(self.stream, error) from None
        return batch

    def rows(self, block: Block, wanted: Sequence[str], shapes: Mapping[str, Shape]) -> Rows:
        """The rows of a batch, with the numbers of the columns `wanted`. Raises FileError for what
        Python cannot hold."""
        batch = block.content
        columns: dict[str, Column] = {}
        faults: dict[int, FileError] = {}
        for name in wanted:
            values = batch.column(name)
            if isinstance(values, pyarrow.DictionaryArray):
                values = values.dictionary_decode()
            column = _scalars(values) if not shapes.get(name) else None
            if column is None:
                column = self._one_by_one(name, values, block, shapes.get(name), faults)
            columns[name] = column
        places = range(block.line, block.line + batch.num_rows)
        return Rows(batch.num_rows, columns, places, batch=batch, faults=faults)

    def _one_by_one(
        self,
        name: str,
        values: Any,
        block: Block,
        shape: Shape | None,
        faults: dict[int, FileError],
    ) -> Column:
        maker = ColumnMaker(shape)
        for number, item in enumerate(python_values(values)):
            try:
                maker.add(*_value(item, maker.shape))
            except numbers.NoNumberError as why:
                maker.add_nothing()
                faults.setdefault(
                    number,
                    faulty(self.stream, block.line + number, f"column {name!r} {why}", self.place),
                )
        return maker.column()


def python_values(column: Any) -> list[Any]:
    """A column as Python's values. Raises FileError for those that Python has not, such as dates
    after the year 9999."""
    try:
        return list(column.to_pylist())
    except SPOILED as error:
        raise FileError(f"a cell cannot be read: {error}") from None


def _scalars(values: Any) -> Column | None:
    """A column of numbers none of which is missing, without copying it if it is float64."""
    kind = values.type
    is_number = (
        pyarrow.types.is_floating(kind)
        or pyarrow.types.is_integer(kind)
        or pyarrow.types.is_decimal(kind)
    )
    if not is_number or values.null_count:
        return None
    if kind != pyarrow.float64():
        try:
            values = compute.cast(values, pyarrow.float64(), safe=False)
        except SPOILED:  # Python may do better, and says which row it is
            return None
    return Column(values)


def _value(item: Any, shape: Shape | None) -> tuple[array[float], Shape]:
    if item is None:
        raise numbers.NoNumberError("is null")
    if isinstance(item, str):
        return numbers.value(item, shape)
    if isinstance(item, (bool, bytes, dict)) or not hasattr(item, "__float__"):
        if isinstance(item, list):
            return numbers.flat(item, shape)
        raise numbers.NoNumberError(f"is {numbers.shown(str(item))}, which is no number")
    return numbers.fitting(array("d", (float(item),)), (), shape)
