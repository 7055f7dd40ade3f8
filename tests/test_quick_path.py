"""The quick way through text: what pyarrow reads is what is read row by row, or is left to that.

Tables beyond the limit from which on it is used, with one odd row in them, are held against the
same rows read one by one; and so are many small blocks of odd cells, with the limit taken away.
"""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run

from autograd_cli.data import arrow_text, delimited
from autograd_cli.data.bytestream import ByteStream
from autograd_cli.data.delimited import Delimited
from autograd_cli.data.lines import MUCH
from autograd_cli.data.rows import Block
from autograd_cli.errors import FileError
from autograd_cli.render.streams.cells import cells_of

pytest.importorskip("pyarrow")

NAMES = ["x", "y", "s"]


def source(names: Sequence[str] = NAMES, delimiter: str = ",") -> Delimited:
    header = delimiter.join(names) + "\n"
    return Delimited(ByteStream(io.BytesIO(header.encode()), "'t'"))


def read(
    table: Delimited, block: Block, wanted: Sequence[str], shapes: dict[str, tuple[int, ...]]
) -> Any:
    """The rows of a block, as values that can be compared to the bit, or the error."""
    try:
        rows = table.rows(block, wanted, shapes)
    except FileError as error:
        return error.message
    columns = {
        name: (column.shape, [struct.pack("<d", number) for number in numbers_of(column.numbers)])
        for name, column in rows.columns.items()
    }
    cells = [list(map(str, row)) for row in cells_of(rows, table.delimiter)]
    faults = {row: error.message for row, error in rows.faults.items()}
    return rows.count, columns, list(rows.places), faults, cells


def numbers_of(column: Any) -> list[float]:
    numbers = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
    return [number if number == number else float("nan") for number in numbers]


def one_by_one(
    table: Delimited, block: Block, wanted: Sequence[str], shapes: dict[str, tuple[int, ...]]
) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "has_arrow", lambda: False)
        return read(table, block, wanted, shapes)


def is_quick(
    table: Delimited, block: Block, wanted: Sequence[str], shapes: dict[str, tuple[int, ...]]
) -> bool:
    found = arrow_text.clean_rows(block, table.names, table.delimiter, wanted, shapes)
    return found is not None


# Rows that must not go there, and some that may.
ODD = {
    "a quoted number": (b'"1",2,a\n', False),
    "a quoted delimiter": (b'1,2,"a,b"\n', False),
    "a quoted line end": (b'1,2,"a\nb"\n', False),
    "a quote in a cell": (b'1,2,a"b\n', False),
    "a lone carriage return": (b"1,2,a\rb\n", False),
    "carriage returns at the end": (b"1,2,a\r\r\n", False),
    "a list": (b'"[1, 2]",2,a\n', False),
    "bad UTF-8": (b"1,2,a\xff\n", False),
    "cut UTF-8": (b"1,2,\xe2\x82\n", False),
    "an encoded surrogate": (b"1,2,\xed\xa0\x80\n", False),
    "nan(1)": (b"nan(1),2,a\n", False),
    "-nan(abc)": (b"1,-nan(abc),a\n", False),
    "a blank line": (b"\n", False),
    "a line of blanks": (b"  \n", False),
    "an empty cell": (b",2,a\n", False),
    "a blank cell": (b" ,2,a\n", False),
    "a word": (b"one,2,a\n", False),
    "a null": (b"NULL,2,a\n", False),
    "a missing one": (b"1,NA,a\n", False),
    "an underscore": (b"1_000,2,a\n", False),
    "a hexadecimal": (b"0x10,2,a\n", False),
    "digits of another script": ("١,2,a\n".encode(), False),
    "a space that is none": ("1\u00a0,2,a\n".encode(), False),
    "a cell less": (b"1,2\n", False),
    "a cell more": (b"1,2,a,b\n", False),
    "a line end of Windows": (b"1,2,a\r\n", True),
    "a nan": (b"nan,2,a\n", True),
    "brackets elsewhere": (b"1,2,nan(1)\n", True),
    "infinity": (b"-inf,Infinity,a\n", True),
    "too large": (b"1e400,-1e400,a\n", False),
    "many digits": (b"1" * 250 + b"e99,2,a\n", False),
    "too small": (b"1e-400,4.9e-324,a\n", True),
    "seventeen digits": (b"0.30000000000000004,9007199254740993,a\n", True),
    "blanks around": (b" 1,2 ,a\n", True),
    "letters beyond ASCII": ("1,2,é日本\n".encode(), True),
}


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_row_is_what_it_is_when_read_alone(name: str, place: str) -> None:
    odd, may = ODD[name]
    draw = random.Random(name)
    clean = [f"{draw.gauss(0, 1)!r},{draw.random()!r},t{row}\n".encode() for row in range(4_000)]
    at = {"first": 0, "middle": 2_000, "last": len(clean)}[place]
    block = Block(b"".join([*clean[:at], odd, *clean[at:]]), 2)
    assert len(block.content) > MUCH
    table = source()
    for shapes in ({}, {"x": (), "y": ()}):
        assert is_quick(table, block, ["x", "y"], shapes) == may
        expected = one_by_one(table, block, ["x", "y"], shapes)
        assert read(table, block, ["x", "y"], shapes) == expected


def test_clean_rows_do_go_there() -> None:
    """Else nothing here is of the quick way."""
    block = Block(b"1,2,a\n" * (MUCH // 6 + 1), 2)
    assert is_quick(source(), block, ["x", "y"], {})


def test_a_byte_order_mark_where_a_block_begins() -> None:
    """As where files are joined: it is part of the cell, wherever blocks are cut."""
    table = source()
    block = Block(b"\xef\xbb\xbf1,2,a\n" + b"1,2,a\n" * (MUCH // 6), 9)
    assert not is_quick(table, block, ["x"], {})
    _, _, _, faults, _ = read(table, block, ["x"], {})
    assert faults == {0: "'t', line 9: column 'x' is '\\ufeff1', which is no number"}


def test_vectors_are_not_read_there() -> None:
    block = Block(b'"[1, 2]",2,a\n' * (MUCH // 12), 2)
    assert not is_quick(source(), block, ["x"], {"x": (2,)})
    numbers = Block(b"1,2,a\n" * (MUCH // 6 + 1), 2)
    assert not is_quick(source(), numbers, ["x"], {"x": (2,)})
    assert read(source(), numbers, ["x"], {"x": (2,)}) == one_by_one(
        source(), numbers, ["x"], {"x": (2,)}
    )


CELLS = (
    *("nan", "NaN", "-nan", "+nan", "nan(1)", "nan()", "NAN(abc)", "inf", "-INFINITY", "infinit"),
    *("1e400", "1e-400", "5e-324", "2.4e-324", "+1", "+ 1", "--1", "1_0", "0x10", "0X1p3", "1."),
    *(".5", "-.5", ".", "e5", "1e", "1e+", "1d5", "1f", "1j", "True", "null", "NA", "#N/A", ""),
    *("  ", "\t", " 1", "1 ", "\x0b1", "1\x0c", "1\u00a0", "\u30001", "١", "１", "²", "[1]"),
    *("[1, 2]", "[]", "1,5", "1;5", "9" * 400, "0." + "0" * 400 + "1", "9007199254740993"),
    *("\x00", "1\x00", "\x001", "\ufeff1", "'1'", '"1"', '1"', '"', "(1)", "(", "-0", "-0.0"),
    *("00012", "1e0000005", "1.7976931348623159e308", "−1", "1\r", "\r", "\x1c1", "\x851", "0b1"),
    *("1e99999999999", "-", "nan1", "1 2", "text", "é", "x(y)"),
)


@pytest.mark.parametrize("seed", range(8))
def test_any_cells_are_read_as_they_are_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MUCH", 0)
    draw = random.Random(seed)
    quick = 0
    for _ in range(400):
        delimiter, width = draw.choice(",;\t|"), draw.choice((2, 2, 3))
        table = source(NAMES[:width], delimiter)
        lines = []
        for _ in range(draw.randrange(1, 4)):
            count = width if draw.random() < 0.97 else draw.randrange(5)
            own = [
                repr(draw.gauss(0, 1) * 10.0 ** draw.randrange(-20, 20))
                if draw.random() < 0.8
                else draw.choice(CELLS)
                for _ in range(count)
            ]
            end = draw.choice(("\n",) * 9 + ("\r\n", "\n\n", "\r", "\n \n"))
            lines.append(delimiter.join(own) + end)
        block = Block("".join(lines).encode().removesuffix(b"\n") + b"\n", 2)
        wanted = draw.choice((NAMES[:1], NAMES[:2], NAMES[width - 1 : width]))
        shapes: dict[str, tuple[int, ...]] = draw.choice(({}, dict.fromkeys(wanted, ())))
        quick += is_quick(table, block, wanted, shapes)
        expected = one_by_one(table, block, wanted, shapes)
        assert read(table, block, wanted, shapes) == expected, block
    assert quick > 100


def test_the_rows_of_a_long_table_are_those_of_short_ones(tmp_path: Path) -> None:
    """With the program: every row that is odd, and the rows around it."""
    odd = ['"1",2,"a,b"', "3,4,\u00e9", "nan(1),2,a", ",2,a", "7,8,c(d)"]
    filler = [f"{row / 7!r},{row},t" for row in range(6_000)]
    lines = [line for row in odd for line in (*filler, row)]
    whole, parts = tmp_path / "t.csv", []
    whole.write_text("x,y,s\n" + "\n".join(lines) + "\n")
    words = ("eval", "x*y", "-f", "csv", "--on-error", "null", "--points")
    found = run(*words, str(whole)).out.splitlines()
    for start in range(0, len(lines), 2_000):
        path = tmp_path / f"{start}.csv"
        path.write_text("x,y,s\n" + "\n".join(lines[start : start + 2_000]) + "\n")
        assert path.stat().st_size < MUCH
        parts += run(*words, str(path)).out.splitlines()[1:]
    assert found[1:] == parts
    assert len(parts) == len(lines)
