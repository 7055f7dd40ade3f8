"""Text by pyarrow: clean blocks of CSV read, numbers written, lines joined.

What is written here is what Python writes, to the byte: the two spell a few numbers differently.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow
import pyarrow.compute as compute
import pyarrow.csv

from autograd_cli.data.lines import MARK
from autograd_cli.data.rows import Block, Column, Rows, Shape

# A cell like 1,5 between other delimiters; as in `numbers`.
_DECIMAL_COMMA = re.compile(
    rb"(?:^|[^\w.,])[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?(?:[^\w.,]|$)", re.MULTILINE
)
_READING = pyarrow.csv.ReadOptions
PLAIN_FROM, PLAIN_TO = 1e-4, 1e10  # between them the two spell alike, but for whole numbers
EXPONENT_BELOW, EXPONENT_FROM = 1e-10, 1e16  # beyond these they do so too


def clean_rows(
    block: Block,
    names: Sequence[str],
    delimiter: str,
    wanted: Sequence[str],
    shapes: Mapping[str, Shape],
) -> Rows | None:
    """The rows of a block in which there is nothing to complain about, else None.

    None also where a cell is quoted, a line is blank (it holds no number) or begins with #, a
    carriage return stands alone, or a cell holds a list or has a decimal comma: only the lines
    themselves are kept, and each is a row as it is written. A byte-order mark is part of a cell
    here, and nothing to Arrow.
    """
    text: bytes = block.content
    if text.startswith((b"#", MARK)) or b"\n#" in text:
        return None  # comments, maybe
    if delimiter != "," and b"," in text and _DECIMAL_COMMA.search(text):
        return None
    if b'"' in text or any(shapes.get(name) for name in wanted):
        return None
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
        if b"\r" in text:
            return None
    if not (text.isascii() or _is_utf8(text)):
        return None
    # Columns are called by their numbers: names may be anything.
    called = [str(number) for number in range(len(names))]
    read = {name: called[names.index(name)] for name in wanted}
    try:
        table = pyarrow.csv.read_csv(
            pyarrow.BufferReader(text),
            _READING(use_threads=False, block_size=len(text) + 1, column_names=called),
            pyarrow.csv.ParseOptions(
                delimiter=delimiter, quote_char=False, ignore_empty_lines=False
            ),
            pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(read.values(), pyarrow.float64()),
                include_columns=list(dict.fromkeys(read.values())),
                null_values=[],
            ),
        )
    except pyarrow.ArrowInvalid:
        return None
    columns = {name: Column(table[place].combine_chunks()) for name, place in read.items()}
    if b"(" in text and any(_has_nan(one.numbers) for one in columns.values()):
        return None  # to Arrow, nan(1) is a number
    if any(_has_inf(one.numbers) for one in columns.values()) and _BEYOND.search(text):
        return None  # 1e400, which is infinite to Arrow
    rows = table.num_rows
    return Rows(rows, columns, range(block.line, block.line + rows), lines=text)


# What a number has that is beyond float64: an exponent of three digits, or more digits before one
# of two than any other has.
_BEYOND = re.compile(rb"[0-9.][eE]\+?0*[1-9][0-9]{2}|[0-9]{200}")


def _has_inf(numbers: Any) -> bool:
    return bool(compute.any(compute.is_inf(numbers)).as_py())


def _has_nan(numbers: Any) -> bool:
    return bool(compute.any(compute.is_nan(numbers)).as_py())


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def number_texts(numbers: Any) -> Any:
    """Floats as Python's repr writes them: an Arrow array of float64 to one of strings."""
    texts = compute.cast(numbers, pyarrow.string())
    size = compute.abs(numbers)
    tiny, least, most, huge = map(_number, (EXPONENT_BELOW, PLAIN_FROM, PLAIN_TO, EXPONENT_FROM))
    whole = compute.and_(compute.less(size, most), compute.equal(numbers, compute.trunc(numbers)))
    if compute.any(whole).as_py():  # 2 to 2.0
        texts = compute.if_else(
            whole, compute.binary_join_element_wise(texts, scalar(".0"), scalar("")), texts
        )
    small = compute.and_(compute.less(size, least), compute.greater(size, tiny))
    large = compute.and_(compute.greater_equal(size, most), compute.less(size, huge))
    odd = compute.or_(small, large)
    if compute.any(odd).as_py():  # 0.00001 to 1e-05
        own = lines_of(map(repr, numbers.filter(odd).to_pylist()))
        texts = compute.replace_with_mask(texts, odd, own)
    return texts


def scalar(text: str) -> Any:
    """A text as an Arrow scalar.

    Arrow's own functions for this, and those that take Python's values, would first import pandas,
    where that is installed, to see whether they are given something of pandas.
    """
    own = text.encode()
    return _one(own, 0, len(own))[0]


def _number(value: float) -> Any:
    """A float as an Arrow scalar."""
    memory = pyarrow.py_buffer(array("d", (value,)))
    return pyarrow.Array.from_buffers(pyarrow.float64(), 1, [None, memory])[0]


def lines_of(texts: Iterable[str]) -> Any:
    """Texts without line ends, at least one, as an Arrow array; for pandas, see `scalar`."""
    own = "\n".join(texts).encode()
    return split(own, "\n", stop=len(own))


def split_lines(text: bytes) -> Any:
    """The lines of a text, each of which has an end, as an Arrow array."""
    return split(text, "\n", stop=len(text) - 1)


def split(text: bytes, between: str, *, start: int = 0, stop: int) -> Any:
    """The parts of a piece of a text, as an Arrow array."""
    return compute.split_pattern(_one(text, start, stop), between).values


def _one(text: bytes, start: int, stop: int) -> Any:
    """A piece of a text as an Arrow array of one."""
    ends = pyarrow.py_buffer(array("i", (start, stop)))
    return pyarrow.StringArray.from_buffers(1, ends, pyarrow.py_buffer(text))


def joined(columns: Sequence[Any], delimiter: str) -> memoryview:
    """Columns of text as lines of cells."""
    between = scalar(delimiter)
    parts: list[Any] = []
    for column in columns:
        parts += [between, column]
    return side_by_side(compute.binary_join_element_wise(*parts[1:], scalar("\n"), scalar("")))


def side_by_side(texts: Any) -> memoryview:
    """All texts of an Arrow array, one after the other: as they lie in memory, without a copy."""
    ends = memoryview(texts.buffers()[1]).cast("i")
    start, stop = ends[texts.offset], ends[texts.offset + len(texts)]
    return memoryview(texts.buffers()[2])[start:stop]
