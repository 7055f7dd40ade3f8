"""Columns as Arrow's, without copies where torch and Arrow agree: for Parquet and Arrow, and for
text that pyarrow writes."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow
import pyarrow.compute as compute

from autograd_cli.data.arrow_text import (
    PLAIN_FROM,
    lines_of,
    number_texts,
    scalar,
    side_by_side,
    split,
)
from autograd_cli.data.numbers import number
from autograd_cli.data.rows import Column
from autograd_cli.errors import FileError
from autograd_cli.render.json_ import NON_FINITE
from autograd_cli.render.numbers import exact
from autograd_cli.render.streams import Layout, Piece
from autograd_cli.render.streams.cells import cells_of, text_of

EXPONENT_FROM = 1e16  # Python writes 1e+16, orjson that or 1e16, as its version is

numpy: Any
orjson: Any
try:
    import numpy
    import orjson
except ImportError:
    orjson = None


def column_of(numbers: Any) -> Any:
    """A column as an Arrow array: of a torch tensor, a list, or as it is."""
    if isinstance(numbers, (pyarrow.Array, pyarrow.ChunkedArray)):
        return numbers
    if isinstance(numbers, list):
        return pyarrow.array(numbers)
    tensor = numbers.detach().cpu()
    if not tensor.is_floating_point():
        return pyarrow.array(tensor.tolist())
    if tensor.element_size() < 4:  # half precision has no type that others read
        tensor = tensor.float()
    tensor = tensor.contiguous()
    kind = pyarrow.float64() if tensor.element_size() == 8 else pyarrow.float32()
    size = len(tensor) * tensor.element_size()
    memory = pyarrow.foreign_buffer(tensor.data_ptr(), size, base=tensor)
    return pyarrow.Array.from_buffers(kind, len(tensor), [None, memory])


def texts(numbers: Any) -> Any:
    """A column as text, or None where Python has to write it; a single number stays one."""
    if isinstance(numbers, float):
        return scalar(repr(numbers))
    if isinstance(numbers, (str, int, list)) or numbers is None:
        return None
    found = column_of(numbers)
    if pyarrow.types.is_string(found.type):
        return found
    if not pyarrow.types.is_floating(found.type):
        return None
    return number_texts(compute.cast(found, pyarrow.float64()))


def number_rows(columns: Sequence[Any], delimiter: str) -> Any:
    """Columns of numbers side by side as text, a string of cells for every row, or None where
    orjson (which writes floats several times as fast) has not got them all.
    """
    if orjson is None or not all(map(_is_tensor, columns)):
        return None
    table = numpy.stack([column.detach().cpu().double().numpy() for column in columns], 1)
    text = orjson.dumps(table, option=orjson.OPT_SERIALIZE_NUMPY)
    between = b"],["
    if delimiter != ",":
        text, between = (part.replace(b",", delimiter.encode()) for part in (text, between))
    rows = split(text, between.decode(), start=2, stop=len(text) - 2)  # without [[ and ]]
    size = numpy.abs(table)
    alike = ((size >= PLAIN_FROM) & (size < EXPONENT_FROM)) | (size == 0)
    if not alike.all():  # 0.00001 to 1e-05, 1e16 to 1e+16, null to nan
        odd = ~functools.reduce(numpy.logical_and, alike.T)
        own = [delimiter.join(map(repr, row)) for row in table[odd].tolist()]
        rows = compute.replace_with_mask(rows, truths(odd), lines_of(own))
    return rows


def truths(chosen: Any) -> Any:
    """An array of truth values as Arrow has them."""
    bits = pyarrow.py_buffer(numpy.packbits(chosen, bitorder="little"))
    return pyarrow.Array.from_buffers(pyarrow.bool_(), len(chosen), [None, bits])


def _is_tensor(column: Any) -> bool:
    return hasattr(column, "is_floating_point") and column.is_floating_point()


def filled(pieces: Sequence[str], holes: Sequence[Any]) -> memoryview:
    """A template with the numbers of columns in its holes, for every row."""
    made: dict[int, Any] = {}
    for hole in holes:
        if id(hole) not in made:
            made[id(hole)] = _json_texts(hole)
    parts: list[Any] = [scalar(pieces[0])]
    for hole, piece in zip(holes, pieces[1:], strict=True):
        parts += [made[id(hole)], scalar(piece)]
    return side_by_side(compute.binary_join_element_wise(*parts, scalar("")))


def _json_texts(numbers: Any) -> Any:
    found = texts(numbers)
    if found is None:  # conditions
        return lines_of(str(item).lower() for item in numbers.tolist())
    values = compute.cast(column_of(numbers), pyarrow.float64())
    odd = compute.invert(compute.is_finite(values))
    if compute.any(odd).as_py():
        own = [f'"{NON_FINITE[repr(item)]}"' for item in values.filter(odd).to_pylist()]
        found = compute.replace_with_mask(found, odd, lines_of(own))
    return found


class Batches:
    """Record batches: the columns that were read, then those that were found."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.schema: Any = None

    def header(self) -> None:
        return None

    def encode(self, piece: Piece) -> Any:
        columns = dict(self._inputs(piece))
        places = piece.places()
        taken = None if piece.good is None else pyarrow.array(places, pyarrow.int64())
        if piece.found is None:
            columns |= {
                name: pyarrow.nulls(len(places), pyarrow.float64()) for name in self._layout.results
            }
        else:
            for name, numbers in piece.found.results():
                column = column_of(numbers)
                columns[name] = column if taken is None else column.take(taken)
        batch = pyarrow.RecordBatch.from_pydict(columns)
        if self.schema is None:
            self.schema = batch.schema
        elif batch.schema != self.schema:
            try:
                batch = _with_nulls(batch, self.schema).cast(self.schema)
            except (pyarrow.ArrowException, ValueError) as error:
                raise FileError(f"a column changes its type: {error}") from None
        return batch

    def _inputs(self, piece: Piece) -> list[tuple[str, Any]]:
        if piece.rows is None:
            assert piece.found is not None
            size = piece.found.size
            return [
                (name, column_of(own) if hasattr(own, "__len__") else pyarrow.array([own] * size))
                for name, own in piece.found.inputs()
            ]
        rows = piece.rows
        if rows.batch is not None:
            found = list(zip(rows.batch.schema.names, rows.batch.columns, strict=True))
        else:
            cells = None
            found = []
            for place, name in enumerate(self._layout.inputs):
                if name in rows.columns and not rows.faults:
                    found.append((name, _array(rows.columns[name])))
                    continue
                cells = cells_of(rows, self._layout.delimiter) if cells is None else cells
                if name in rows.columns:
                    faulty = {row: _cell(cells[row], place) for row in sorted(rows.faults)}
                    found.append((name, _mended(_array(rows.columns[name]), faulty)))
                    continue
                own = [_string(cell[place]) if place < len(cell) else None for cell in cells]
                found.append((name, pyarrow.array(own, pyarrow.string())))
        wanted = piece.written()
        if wanted is None:
            return found
        return [(name, _taken(column, wanted)) for name, column in found]


def _with_nulls(batch: Any, schema: Any) -> Any:
    """A batch in which a column that has no values has the type of the schema."""
    columns = [
        pyarrow.nulls(len(column), field.type) if column.null_count == len(column) else column
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _cell(cells: Sequence[Any], place: int) -> float | None:
    """The number in a cell of a faulty row, if it has one."""
    try:
        cell = cells[place]
        return number(cell) if isinstance(cell, str) else float(cell)
    except (IndexError, TypeError, ValueError):
        return None


def _mended(column: Any, own: Mapping[int, float | None]) -> Any:
    """A column in which these rows, in their order, have numbers of their own, or none."""
    mask = pyarrow.array([row in own for row in range(len(column))])
    if not pyarrow.types.is_floating(column.type):
        return compute.if_else(mask, pyarrow.scalar(None, column.type), column)
    return compute.replace_with_mask(column, mask, pyarrow.array(own.values(), column.type))


def _array(column: Column) -> Any:
    numbers = column.numbers
    if not isinstance(numbers, pyarrow.Array):
        length = len(numbers)
        numbers = pyarrow.Array.from_buffers(
            pyarrow.float64(), length, [None, pyarrow.py_buffer(numbers)]
        )
    for size in reversed(column.shape):
        numbers = pyarrow.FixedSizeListArray.from_arrays(numbers, size)
    return numbers


def _string(cell: Any) -> str | None:
    return None if cell is None else exact(text_of(cell))


def _taken(column: Any, rows: Sequence[int]) -> Any:
    """Some rows of a column."""
    try:
        return column.take(pyarrow.array(rows, pyarrow.int64()))
    except pyarrow.ArrowNotImplementedError:  # as for string_view
        return pyarrow.array([column[row].as_py() for row in rows], column.type)
