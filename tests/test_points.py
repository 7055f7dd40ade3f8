"""Many points: tables in, columns out, in every format, in order, and nothing lost on the way.

The truth is the one-point command's answer, bit for bit; for the formulas as torch operations it is
autograd, and for damaged input it is the message, to the letter.
"""

from __future__ import annotations

import bz2
import csv
import errno
import gzip
import io
import json
import lzma
import math
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from cli_runner import PROGRAM, Outcome, agx, environment, run

from autograd_cli.commands import gradients
from autograd_cli.data import delimited, read_table
from autograd_cli.data.bytestream import ByteStream
from autograd_cli.engine.core.batches import Listed
from autograd_cli.engine.core.context import resolve
from autograd_cli.errors import FileError
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.language.symbolic import worker
from autograd_cli.points.compiled import Compiled
from autograd_cli.points.lent_memory import Lender
from autograd_cli.points.many import Gradients
from autograd_cli.points.program import Program
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings(), accurate=True)
HINT = (
    "\n  hint: --on-error skip leaves such rows out, --on-error null leaves their results empty\n"
)

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.ipc")
pytest.importorskip("pyarrow.parquet")


def table(folder: Path, content: str | bytes, name: str = "t.csv") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def ok(outcome: Outcome) -> str:
    assert outcome.err == ""
    assert outcome.code == 0
    return outcome.out


SEVERAL_BLOCKS = 150_000  # rows of two columns: more than are read at once


def gaussian(count: int, seed: int = 0) -> str:
    draw = random.Random(seed).gauss
    return "x,y\n" + "".join(f"{draw(0, 1)!r},{draw(0, 1)!r}\n" for _ in range(count))


# Values and gradients are the one-point command's ------------------------------------------------

SCALAR = (
    "x**2+2*x*y+y**2",
    "sin(x)*exp(-y**2)+log(1+x**2*y**2)",
    "where(x > 0, sqrt(x), y)*abs(y)",
    "maximum(x, y)**3 - x/y",
    "relu(x)*sigmoid(y) + 3",
    "u = tanh(x*y); u**2 + u",
)


def test_rows_are_those_of_the_one_point_command(tmp_path: Path) -> None:
    path = table(tmp_path, "x,y\n0.5,3\n-1e-8,2\n")
    rows = list(
        csv.DictReader(io.StringIO(ok(run("grad", SCALAR[1], "--points", path, "-f", "csv"))))
    )
    for row in rows:
        at = f"x={row['x']},y={row['y']}"
        single = ok(run("grad", SCALAR[1], "--at", at, "-f", "csv")).splitlines()[1].split(",")
        assert [row["value"], row["d_x"], row["d_y"]] == single[2:]


# Formats -----------------------------------------------------------------------------------------

POINTS = "id,x,y\na,2,3\nb,1e-5,4\n"


def test_csv_keeps_the_columns_as_they_are_and_adds_the_results(tmp_path: Path) -> None:
    out = ok(run("grad", "x*y", "--points", table(tmp_path, POINTS), "-f", "csv"))
    assert out == "id,x,y,value,d_x,d_y\na,2,3,6.0,3.0,2.0\nb,1e-5,4,4e-05,4.0,1e-05\n"


def test_plain_is_the_same_without_a_header(tmp_path: Path) -> None:
    out = ok(run("grad", "x*y", "--points", table(tmp_path, POINTS)))
    assert out == "a\t2\t3\t6.0\t3.0\t2.0\nb\t1e-5\t4\t4e-05\t4.0\t1e-05\n"


def test_ndjson_is_a_full_record_with_what_else_the_row_had(tmp_path: Path) -> None:
    lines = ok(run("grad", "x*y", "--points", table(tmp_path, POINTS), "-f", "ndjson")).splitlines()
    single = json.loads(ok(run("grad", "x*y", "--at", "x=2,y=3", "--json")))
    assert json.loads(lines[0]) == {**single, "row": {"id": "a"}}


def test_json_and_table_hold_all_points(tmp_path: Path) -> None:
    path = table(tmp_path, "x,y\n2,3\n1,4\n")
    content = json.loads(ok(run("grad", "x*y", "--points", path, "--json")))
    assert [point["gradient"] for point in content["points"]] == [
        {"x": 3.0, "y": 2.0},
        {"x": 4.0, "y": 1.0},
    ]
    shown = ok(run("grad", "x*y", "--points", path, "-f", "table"))
    assert shown.splitlines()[3:6] == [
        "  x  y  value  d_x  d_y",
        "  2  3      6    3    2",
        "  1  4      4    4    1",
    ]


@pytest.mark.parametrize("command", ["eval", "jacobian", "hessian"])
def test_the_other_commands_take_tables(tmp_path: Path, command: str) -> None:
    path = table(tmp_path, "x,y\n2,3\n1,4\n")
    out = ok(run(command, "x**2*y", "--points", path, "-f", "ndjson")).splitlines()
    for line, at in zip(out, ("x=2,y=3", "x=1,y=4"), strict=True):
        assert json.loads(line) == json.loads(ok(run(command, "x**2*y", "--at", at, "--json")))


def test_check_counts_verdicts_and_lists_the_worst(tmp_path: Path) -> None:
    path = table(tmp_path, "x,y\n1,2\n0.5,3\n0,1\n")
    content = json.loads(run("check", "abs(x)*y", "--points", path, "--json").out)
    assert content["samples"] | {"domain": {}} == {
        "count": 3,
        "domain": {},
        "outside": 0,
        "agree": 2,
        "inconclusive": 1,
        "disagree": 0,
    }
    assert content["components"][0]["expression"] == "line 4"
    assert content["components"][0]["kind"] == "kink"


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_columns_go_out_and_come_in_without_loss(tmp_path: Path, ending: str) -> None:
    rows = gaussian(50).splitlines()[1:]
    source = table(tmp_path, "id,u,v\n" + "".join(f"q,{row}\n" for row in rows))
    middle, out = tmp_path / f"m.{ending}", tmp_path / "o.csv"
    ok(run("grad", "u**2*v", "--points", source, "-o", str(middle)))
    ok(run("grad", "u**2*v", "--points", source, "-o", str(out)))
    mapped = ("--points", str(middle), "--map", "u=d_u,v=value", "--wrt", "u")
    assert "has a column 'value'" in run("grad", "u*v", *mapped).err
    found = (
        pyarrow.ipc.open_stream(middle.read_bytes()).read_all()
        if ending == "arrow"
        else (pyarrow.parquet.read_table(middle))
    )
    expected = list(csv.DictReader(io.StringIO(out.read_text())))
    assert found.column_names == list(expected[0])
    for row, one in zip(found.to_pylist(), expected, strict=True):
        assert row.pop("id") == one.pop("id") == "q"
        assert row == {name: float(text) for name, text in one.items()}
    again = tmp_path / f"n.{ending}"
    renamed = found.select(["u", "v"])
    if ending == "parquet":
        pyarrow.parquet.write_table(renamed, again)
    else:
        with pyarrow.ipc.new_file(str(again), renamed.schema) as writer:
            writer.write_table(renamed)
    back = list(
        csv.DictReader(io.StringIO(ok(run("grad", "u**2*v", "--points", str(again), "-f", "csv"))))
    )
    for row, one in zip(back, expected, strict=True):
        assert row == one


def test_the_name_of_a_result_is_taken(tmp_path: Path) -> None:
    found = run("eval", "x", "--points", table(tmp_path, "x,value\n1,2\n"), "-f", "csv")
    assert found.code == 3
    assert "has a column 'value', and so has the result" in found.err


def test_vectors_from_columns_and_from_lists(tmp_path: Path) -> None:
    columns = table(tmp_path, "v[1],v[0]\n2,1\n")
    assert ok(run("grad", "v[0]**2*v[1]", "--points", columns, "-f", "csv")) == (
        "v[1],v[0],value,d_v[0],d_v[1]\n2,1,2.0,4.0,1.0\n"
    )
    lists = table(tmp_path, '{"v": [1, 2]}\n{"v": [3, 4]}\n', "t.ndjson")
    out = ok(run("grad", "sum(v**2)", "--points", lists, "-f", "ndjson")).splitlines()
    assert [json.loads(line)["gradient"] for line in out] == [
        {"v": [2.0, 4.0]},
        {"v": [6.0, 8.0]},
    ]
    cells = table(tmp_path, 'n;A\n1;"[[1, 2], [3, 4]]"\n')
    assert ok(run("grad", "n*sum(A@A)", "--points", cells, "--wrt", "A", "-f", "plain")) == (
        "1\t[[1, 2], [3, 4]]\t54.0\t7.0\t11.0\t9.0\t13.0\n"
    )


def test_a_map_names_columns(tmp_path: Path) -> None:
    path = table(tmp_path, "a b,c\n2,3\n")
    assert ok(run("grad", "x*y", "--points", path, "--map", "x=a b,y=c", "-f", "csv")) == (
        "a b,c,value,d_x,d_y\n2,3,6.0,3.0,2.0\n"
    )


def test_fixed_values_and_names_like_constants(tmp_path: Path) -> None:
    path = table(tmp_path, "E\n2\n")
    assert ok(run("grad", "E*k", "--at", "k=3", "--points", path, "-f", "csv")) == (
        "E,value,d_E,d_k\n2,6.0,3.0,2.0\n"
    )


@pytest.mark.parametrize("format", ["csv", "plain", "ndjson", "parquet", "arrow"])
def test_pandas_is_not_imported(format: str, tmp_path: Path) -> None:
    """Where it is installed, many of Arrow's functions import it, for a tenth of a second."""
    (tmp_path / "pandas.py").write_text("raise SystemExit('pandas was imported')")
    lines = "".join(f"{0.3 * row},{1e-6 * row}\n" for row in range(1, 9_001))
    path = table(tmp_path, "x,y\n" + lines)
    environ = {"PYTHONPATH": os.pathsep.join((str(tmp_path), environment()["PYTHONPATH"]))}
    output = tmp_path / "out"
    done = agx(*("grad", "x*y + 1/x", "--points", path, "-f", format, "-o", str(output)), **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert output.stat().st_size > 9_000


def test_pyarrow_writes_what_python_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [1e16, -2.0, 1e-5, 0.1, 1e22, 123456789012.5, 5e-324, 1e-10, 0.0, -0.0]
    draw = random.Random(3)
    lines = "".join(
        f"{draw.choice(numbers) * draw.choice([1, draw.random()])!r},{draw.gauss(0, 1)!r}\n"
        for _ in range(9_000)
    )
    path = table(tmp_path, "x,y\n" + lines)
    outputs = {}
    for format in ("csv", "plain", "ndjson"):
        words = ("grad", "x*y + 1/x", "--points", path, "-f", format)
        fast = run(*words)
        with monkeypatch.context() as patch:
            patch.setattr("autograd_cli.render.streams.arrow.orjson", None)
            assert run(*words) == fast
        with monkeypatch.context() as patch:
            patch.setattr(delimited, "has_arrow", lambda: False)
            patch.setattr("autograd_cli.render.streams.text.has_arrow", lambda: False)
            patch.setattr("autograd_cli.render.streams.ndjson.has_arrow", lambda: False)
            assert run(*words) == fast
        outputs[format] = fast.out
    assert outputs["csv"].count("\n") == 9_001


# Streams -----------------------------------------------------------------------------------------


def test_the_first_rows_come_out_before_the_last_are_read() -> None:
    with subprocess.Popen(
        [*PROGRAM, "grad", "x**2", "--points", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for value in (1, 2, 3):
            process.stdin.write("x\n" * (value == 1) + f"{value}\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{value}\t{value**2}.0\t{2 * value}.0\n"
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_closed_pipe_ends_it_at_once() -> None:
    endless = "import sys\nsys.stdout.write('x\\n')\nwhile True: sys.stdout.write('1\\n' * 1000)"
    with (
        subprocess.Popen(
            [sys.executable, "-c", endless], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as source,
        subprocess.Popen(
            [*PROGRAM, "grad", "x**2", "--points", "-"],
            stdin=source.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        ) as process,
    ):
        assert source.stdout is not None
        source.stdout.close()
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\t1.0\t2.0\n"
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("grad", "x**2", "--at", "x=1"), "leave x out of --at"),
        (("eval", "x**2", "--at", "x=1"), "leave x out of --at"),
        (("hessian", "x**2", "--at", "x=1"), "leave x out of --at"),
        (("eval", "2 + 3"), "leave --points out: the expression has no variables"),
    ],
)
def test_a_table_for_no_variable(words: tuple[str, ...], hint: str, tmp_path: Path) -> None:
    found = run(*words, "--points", table(tmp_path, gaussian(3)))
    assert found.code == 2
    assert "no variable takes its values from the table of --points" in found.err
    assert hint in found.err


def test_rows_keep_their_order_whatever_the_jobs(tmp_path: Path) -> None:
    path = table(tmp_path, gaussian(SEVERAL_BLOCKS))
    outputs = [
        ok(run("grad", SCALAR[0], "--points", path, "--jobs", jobs, "-f", "csv"))
        for jobs in ("1", "3")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == SEVERAL_BLOCKS + 1


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
def test_lines_are_not_kept() -> None:
    """Memory does not grow with the input: what stood in a block goes with it."""
    from autograd_cli.data.arrow_text import joined, split_lines

    def size() -> int:
        joined([split_lines(bytes(bytearray(b"1.25,2.5\n" * 100_000)))], ",")
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    before = max(size() for _ in range(5))
    assert max(size() for _ in range(60)) < 1.02 * before + 10_000_000  # the text alone: 54 MB


@pytest.mark.parametrize("command", ["grad", "eval", "jacobian", "hessian"])
def test_rows_that_are_not_finite_are_counted(command: str, tmp_path: Path) -> None:
    """Every reason once, whatever the numbers in it; the count is of all of them."""
    numbers = [-1.0, 2.0, 0.0, *(-2.0 - place for place in range(20)), 3.0]
    path = table(tmp_path, "x\n" + "".join(f"{number}\n" for number in numbers))
    found = run(command, "log(x)", "--points", path, "-f", "csv")
    assert found.code == 0
    assert found.err == (
        "warning: the value is nan: log(x) is nan at x = -1 (log is differentiable where x > 0)\n"
        "warning: the value is -inf: log(x) is -inf at x = 0 (log is differentiable where x > 0)\n"
        "warning: 22 of 24 rows have results that are not finite\n"
    )
    alone = run(command, "log(x)", "--points", table(tmp_path, "x\n1\n0\n"), "-f", "csv")
    assert alone.err == (
        "warning: the value is -inf: log(x) is -inf at x = 0 (log is differentiable where x > 0)\n"
    )


def test_reasons_with_other_names_are_told_of_each(tmp_path: Path) -> None:
    path = table(tmp_path, "x1,x2\n-1,1\n1,-1\n-2,-2\n3,3\n")
    found = run("grad", "log(x1) + log(x2)", "--points", path, "-f", "csv")
    assert [line.partition(" (")[0] for line in found.err.splitlines()] == [
        "warning: the value is nan: log(x1) is nan at x1 = -1",
        "warning: the value is nan: log(x2) is nan at x2 = -1",
        "warning: 3 of 4 rows have results that are not finite",
    ]


# Bad rows ----------------------------------------------------------------------------------------

BAD = "x,y\n1,2\n,3\n4,5\nabc,1\n7,8,9\n5,6\n"


def test_a_bad_row_stops_it_after_the_good_ones(tmp_path: Path) -> None:
    path = table(tmp_path, BAD)
    found = run("grad", "x*y", "--points", path, "-f", "csv")
    assert found.out == "x,y,value,d_x,d_y\n1,2,2.0,2.0,1.0\n"
    assert found.err == f"error: '{path}', line 3: column 'x' is empty{HINT}"
    assert found.code == 3


def test_bad_rows_are_left_out_or_empty(tmp_path: Path) -> None:
    path = table(tmp_path, BAD)
    told = (
        f"warning: '{path}', line 3: column 'x' is empty\n"
        f"warning: '{path}', line 5: column 'x' is 'abc', which is no number\n"
        f"warning: '{path}', line 6: 3 cells, but 2 columns\n"
    )
    words = ("grad", "x*y", "--points", path, "-f", "csv", "--on-error")
    skipped = run(*words, "skip")
    assert skipped.out.splitlines()[1:] == [
        "1,2,2.0,2.0,1.0",
        "4,5,20.0,5.0,4.0",
        "5,6,30.0,6.0,5.0",
    ]
    assert skipped.err == told + "warning: 3 rows left out\n"
    assert skipped.code == 1
    empty = run(*words, "null")
    assert empty.out.splitlines()[2:5] == [",3,,,", "4,5,20.0,5.0,4.0", "abc,1,,,"]
    assert empty.err == told + "warning: 3 rows have no results\n"
    assert empty.code == 1
    parquet = str(tmp_path / "o.parquet")
    assert run("grad", "x*y", "--points", path, "-o", parquet, "--on-error", "null").code == 1
    assert pyarrow.parquet.read_table(parquet)["d_x"].to_pylist() == [2, None, 5, None, None, 6]


@pytest.mark.parametrize(
    "words", [("grad", "x*y*k"), ("eval", "x*y*k"), ("jacobian", "[x*y, k]"), ("hessian", "x*y*k")]
)
@pytest.mark.parametrize("rows", ["?,3,b\n4,5,c\n", "4,5,c\n?,3,b\n"])
def test_rows_without_results_have_the_keys_of_the_others(
    tmp_path: Path, words: tuple[str, ...], rows: str
) -> None:
    path = table(tmp_path, f"x,y,n\n{rows}")
    found = run(*words, "--at", "k=2", "--points", path, "-f", "ndjson", "--on-error", "null")
    assert found.err.endswith("warning: 1 row has no results\n")
    records = sorted(map(json.loads, found.out.splitlines()), key=lambda one: one["row"]["n"])
    empty, full = records
    assert list(empty) == list(full)
    assert empty["row"] == {"x": "?", "y": "3", "n": "b"}
    assert empty["expression"] == words[1]
    assert empty["value"] is None
    assert set(empty["at"]) == {"x", "y", "k"}
    assert empty["at"]["x"] is None
    for key in ("gradient", "at"):
        assert list(empty.get(key) or ()) == list(full.get(key) or ())


@pytest.mark.parametrize("words", [("grad", "x*y", "-f", "json"), ("check", "x*y")])
def test_whole_results_leave_bad_rows_out_and_say_so(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = table(tmp_path, "x,y\n1,2\n,3\n")
    found = run(*words, "--points", path, "--on-error", "null")
    assert found.err == f"warning: '{path}', line 3: column 'x' is empty\nwarning: 1 row left out\n"
    assert found.code == 1


def test_a_row_that_cannot_be_computed_is_a_bad_row(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b\n1,2\n0,0\n2,1\n")
    words = ("eval", "sum(inv([[a, b], [b, a]]))", "--points", path, "--on-error", "skip")
    found = run(*words)
    assert len(found.out.splitlines()) == 2
    assert found.code == 1
    assert found.err.startswith(f"warning: '{path}', line 3: ")


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "{} is empty\n  hint: the first line holds the names of the columns: x,y"),
        (b"x,y\n", "{} has a header and no rows"),
        (b"x,x\n1,2\n", "{} has the column 'x' twice\n  hint: give every column its own name"),
        (
            b"x,z\n1,2\n",
            "{} has no column 'y'\n  x*y\n    ^\n  hint: it has: x, z; --map y=x takes another"
            " column, --at y=… a value",
        ),
        (
            "x,y\n1,2\n".encode("utf-16"),
            "{} is UTF-16 text, not UTF-8\n  hint: convert it: iconv -f UTF-16 -t UTF-8 FILE",
        ),
        (
            "x,y\n1,2\n".encode("utf-16-le"),
            "{} is no UTF-8 text\n  hint: UTF-16 text can be converted:"
            " iconv -f UTF-16 -t UTF-8 FILE",
        ),
        (
            b"1,2\n3,4\n",
            "the first line of {} holds numbers, not the names of the columns\n"
            "  hint: put a line of names above it: x,y",
        ),
        (b"PK\x03\x04 1", "{} is a zip archive\n  hint: unpack it first, or use gzip, bzip2 or xz"),
        (b"x,y\n1,\xff\n", "{}, line 2 is not UTF-8 text"),
        (gzip.compress(b"x,y\n1,2\n" * 99, mtime=0)[:-9], "{} ends too early: it was cut off"),
        (
            b'[{"x": 1}]',
            "{} is a JSON list, not NDJSON\n  hint: write a record a line: jq -c '.[]' FILE",
        ),
        (b'{"x": 1}\n{"x": tru}\n', None),
        (
            b'x,y\n1,"2,5"\n',
            "{}, line 2: column 'y' is '2,5', which is no number (decimals are"
            " written with a point)" + HINT[:-1],
        ),
    ],
)
def test_bad_input(tmp_path: Path, content: bytes, error: str | None) -> None:
    path = table(tmp_path, content)
    found = run("grad", "x*y", "--points", path)
    if error is not None:
        assert found.err == f"error: {error.format(repr(path))}\n"
    assert found.out == ""
    assert found.code in (2, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfx,y\n2,3\n",
        b"x,y\r\n2,3\r\n\r\n\r\n",
        b"x;y\n2;3",
        b"x\ty\n2\t3\n",
        b"x|y\n2|3\n",
        b'"x","y"\n"2","3"\n',
        gzip.compress(b"x,y\n2,3\n", mtime=0),
        bz2.compress(b"x,y\n2,3\n"),
        lzma.compress(b"x,y\n2,3\n"),
        pyarrow.compress(b"x,y\n2,3\n", codec="zstd", asbytes=True),
    ],
    ids=["mark", "crlf", "semicolon", "tab", "bar", "quotes", "gzip", "bzip2", "xz", "zstd"],
)
def test_what_tables_look_like(tmp_path: Path, content: bytes) -> None:
    found = ok(run("grad", "x*y", "--points", table(tmp_path, content), "-f", "csv"))
    assert found == "x,y,value,d_x,d_y\n2,3,6.0,3.0,2.0\n"


def test_a_directory_and_a_missing_file(tmp_path: Path) -> None:
    found = run("grad", "x", "--points", str(tmp_path))
    assert found.err.startswith(f"error: cannot read '{tmp_path}': is a directory\n")
    missing = run("grad", "x", "--points", str(tmp_path / "no"))
    assert missing.err == f"error: cannot read '{tmp_path / 'no'}': no such file or directory\n"
    assert (found.code, missing.code) == (3, 3)


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    whole = tmp_path / "w.parquet"
    ok(run("grad", "x*y", "--points", table(tmp_path, gaussian(2_000)), "-o", str(whole)))
    path = table(tmp_path, whole.read_bytes()[:-50], "cut.parquet")
    found = run("eval", "x", "--points", path)
    assert found.err.startswith(f"error: '{path}' is damaged or was cut off: ")
    assert found.code == 3


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(gaussian(SEVERAL_BLOCKS))
    with path.open("rb") as file:
        stream = ByteStream(file, "'t.csv'")
        stream.read()
        os.truncate(path, 1_100_000)
        with pytest.raises(FileError, match="became shorter while it was read"):
            list(iter(stream.read, b""))


# Files -------------------------------------------------------------------------------------------


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    found = agx("grad", "x*y", "--points", table(tmp_path, gaussian(50)), "-o", "/dev/full")
    assert found.stderr == "error: cannot write '/dev/full': no space left on device\n"
    assert found.returncode == 3


def test_a_disk_that_fills_up_keeps_what_was_written(tmp_path: Path) -> None:
    """A limit for the size of files stands for it: writing fails in the midst of a block."""
    path, output = table(tmp_path, gaussian(SEVERAL_BLOCKS)), tmp_path / "out.csv"
    command = [*PROGRAM, "grad", "x*y", "--points", path, "-o", str(output)]
    limit = 8 << 20

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    stopped = subprocess.run(
        command, env=environment(), capture_output=True, text=True, preexec_fn=limited
    )
    assert stopped.returncode == 3
    told, error = stopped.stderr.splitlines()
    assert re.fullmatch(r"warning: [\d,]+ rows are in 'out.csv.part'; --resume continues it", told)
    assert error == f"error: cannot write '{output}': file too large"
    assert not output.exists()
    assert ok(run(*command[len(PROGRAM) :], "--resume")) == ""
    assert output.read_text() == ok(run(*command[len(PROGRAM) : -2], "-f", "csv"))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.csv", "t.csv"]


def test_a_state_that_cannot_be_kept_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    output = str(tmp_path / "out.csv")
    (tmp_path / "out.csv.part.json").write_text('{"command": {}, "bytes": 0}')  # of another run
    found = run("grad", "x*y", "--points", table(tmp_path, gaussian(50)), "-o", output)
    assert found.code == 3
    assert found.err == (  # and nothing of --resume
        "warning: 50 rows are in 'out.csv.part'\n"
        f"error: cannot write '{output}': no space left on device\n"
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.csv.part", "t.csv"]


def test_what_stopped_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    out = tmp_path / "o.csv"
    path.write_text("x,y\n1,2\n3,?\n5,6\n")
    words = ("grad", "x*y", "--points", str(path), "-o", str(out))
    stopped = run(*words)
    assert stopped.code == 3
    assert "warning: 1 row is in 'o.csv.part'; --resume continues it\n" in stopped.err
    assert not out.exists()
    path.write_text("x,y\n1,2\n3,4\n5,6\n")
    assert "is of another command" in run(*words, "--wrt", "x", "--resume").err
    ok(run(*words, "--resume"))
    assert out.read_text() == (
        "x,y,value,d_x,d_y\n1,2,2.0,2.0,1.0\n3,4,12.0,4.0,3.0\n5,6,30.0,6.0,5.0\n"
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["o.csv", "t.csv"]
    assert run(*words, "--resume").err == f"warning: nothing to resume: '{out}' is complete\n"


def test_an_interrupted_run_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    """Killed while it waits for more: the input is a pipe that stays open until then."""
    path = table(tmp_path, gaussian(SEVERAL_BLOCKS))
    whole, out = tmp_path / "w.csv", tmp_path / "o.csv"
    words = ["grad", SCALAR[1], "--via", "autograd", "--jobs", "1", "--points"]
    with subprocess.Popen(
        [*PROGRAM, *words, "-", "-o", str(out)],
        env=environment(),
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(Path(path).read_bytes()[:3_000_000])
        process.stdin.flush()
        state = tmp_path / "o.csv.part.json"
        while not state.exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    with Path(path).open() as again:
        resumed = subprocess.run(
            [*PROGRAM, *words, "-", "-o", str(out), "--resume"],
            env=environment(),
            stdin=again,
            check=False,
        )
    assert resumed.returncode == 0
    assert run(*words, path, "-o", str(whole)).code == 0
    assert out.read_bytes() == whole.read_bytes()


def test_rows_are_appended_under_the_same_header(tmp_path: Path) -> None:
    path, out = table(tmp_path, "x,y\n1,2\n"), tmp_path / "o.csv"
    for _ in range(2):
        ok(run("grad", "x*y", "--points", path, "-o", str(out), "--append"))
    assert out.read_text() == "x,y,value,d_x,d_y\n" + 2 * "1,2,2.0,2.0,1.0\n"
    other = run("grad", "x*y", "--wrt", "x", "--points", path, "-o", str(out), "--append")
    assert other.err.startswith(f"error: '{out}' has other columns: x,y,value,d_x,d_y\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--map", "x=a"], "--map is for the rows of a table\n  hint: add --points FILE"),
        (
            ["--points", "t", "--grid", "x=0:1:2"],
            "--points and --grid exclude each other\n  hint: give the points of one of them",
        ),
        (
            ["--points", "t", "--symbolic"],
            "--symbolic and --points exclude each other\n"
            "  hint: for the formulas alone, leave --points out",
        ),
        (["--points", "t", "--resume"], "--resume needs a file to write to\n  hint: add -o FILE"),
        (
            ["--points", "t", "--append", "-o", "o.parquet"],
            "--append is for csv, plain and ndjson: parquet cannot be continued",
        ),
        (
            ["--at", "x=1", "-o", "o.parquet"],
            "parquet is for many points\n  hint: add --points FILE or --grid",
        ),
        (
            ["--points", "t", "--map", "x"],
            "--map 'x' is no NAME=COLUMN\n  hint: for example --map x=col3",
        ),
    ],
)
def test_options_that_contradict_each_other(words: list[str], error: str) -> None:
    found = run("grad", "x", *words)
    assert found.err == f"error: {error}\n"
    assert found.code == 2


# The formulas as torch operations ----------------------------------------------------------------


def program_of(text: str, names: str = "xy") -> Program:
    reply = worker.respond({"task": "program", "source": text, "wrt": list(names)})
    return Program(reply["nodes"], reply["outputs"], torch.float64)


@pytest.mark.parametrize(
    "text",
    [
        *SCALAR[:2],
        "x/y + sqrt(x**2+1)*E**x - pi*x**3/(y**2+1)",
        "(1 - x)**2 + 100*(y - x**2)**2",
        "atan2(x, y)*erf(x) - x**5/(3 + y**2)**1.5",
        "-x*cosh(y) + 2*abs(x - y) - 1/(x*y)",
        "(x**2 + 1)**y - 3",
    ],
)
def test_the_program_agrees_with_autograd(text: str) -> None:
    generator = torch.Generator().manual_seed(4)
    points = Listed(
        {name: torch.randn(40_000, dtype=torch.float64, generator=generator) for name in "xy"}
    )
    gradients = Gradients(read(text), {}, CONTEXT, DerivativeRequest())
    assert gradients.suits(points)
    by_autograd = gradients(points)
    assert gradients.adopt(program_of(text), points)
    by_program = gradients(points, fast=True)
    finite = by_autograd.value.isfinite()  # type: ignore[attr-defined]
    torch.testing.assert_close(
        by_program.value[finite], by_autograd.value[finite], rtol=1e-11, atol=1e-13
    )
    for name in "xy":
        torch.testing.assert_close(
            (by_program.gradient or {})[name],
            (by_autograd.gradient or {})[name],
            rtol=1e-9,
            atol=1e-9,
            equal_nan=True,
        )


def test_a_program_that_is_wrong_is_not_believed() -> None:
    points = Listed({name: torch.randn(100, dtype=torch.float64) for name in "xy"})
    gradients = Gradients(read("x*y"), {}, CONTEXT, DerivativeRequest())
    assert not gradients.adopt(program_of("x*y + 1e-7*x"), points)
    assert gradients.program is None


def test_monomials_share_their_products() -> None:
    """x**2*y**2 is the square of x*y, and both derivatives have x*y/(1 + x**2*y**2)."""
    ops = [
        op
        for op, _, _ in worker.respond(
            {"task": "program", "source": "log(1 + x**2*y**2)", "wrt": ["x", "y"]}
        )["nodes"]
    ]
    assert ops.count("div") <= 2
    names = [one.function.__name__ for one in program_of("log(1 + x**2*y**2)").instructions]
    assert sorted(names) == ["addcmul", "addcmul", "addcmul", "div", "log", "mul"]


@pytest.mark.parametrize("text", ["-(x*y)", "3*(x/y)", "-x*y/2 + y", "exp(-x**2)", "exp(-x*y/3)"])
def test_a_scaled_product_is_one_operation_and_keeps_its_sign(text: str) -> None:
    points = {
        "x": torch.tensor([0.0, -0.0, 2.0, 0.0], dtype=torch.float64),
        "y": torch.tensor([1.0, 1.0, -3.0, -1.0], dtype=torch.float64),
    }
    found = program_of(text).run(points)
    assert found.is_finite
    x, y = points.values()
    expected = {
        "-(x*y)": -(x * y),
        "3*(x/y)": 3 * (x / y),
        "-x*y/2 + y": -x * y / 2 + y,
        "exp(-x**2)": torch.exp(-(x**2)),
        "exp(-x*y/3)": torch.exp(-x * y / 3),
    }[text]
    torch.testing.assert_close(found.columns[0], expected, rtol=1e-15, atol=0)
    assert found.columns[0].signbit().tolist() == expected.signbit().tolist()


@pytest.mark.parametrize("count", [1, 32_768, 32_769, 100_000])
def test_a_program_says_whether_all_is_finite(count: int) -> None:
    program = program_of("1e300*x*y")
    x = torch.linspace(0.5, 1, count, dtype=torch.float64)
    assert program.run({"x": x, "y": torch.tensor(1.0, dtype=torch.float64)}).is_finite
    y = torch.ones(count, 2, dtype=torch.float64)[:, 0]  # not side by side
    y[-1] = math.nan
    found = program.run({"x": x, "y": y})
    assert not found.is_finite
    assert found.columns[0][:-1].tolist() == (1e300 * x)[:-1].tolist()


def test_without_a_compiler_the_formulas_run_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(*_: object, **__: object) -> None:
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found in (None, 'g++')")

    monkeypatch.setattr(torch, "compile", compile)
    points = {"x": torch.rand(40_000, dtype=torch.float64), "y": torch.tensor(2.0).double()}
    compiled = Compiled(program_of("sin(x)*y"))
    expected = compiled._program.run(points)
    found = compiled.run(points)
    assert compiled.fault == "torch finds no working C++ compiler"
    assert all(map(torch.equal, found.columns, expected.columns))


def test_memory_that_is_lent_comes_back_when_nobody_holds_it() -> None:
    lender = Lender()
    first = lender.empty((2, 1_000_000), torch.float64)
    place, row = first.data_ptr(), first[1]
    del first
    other = lender.empty((2, 1_000_000), torch.float64)
    assert other.data_ptr() != place
    del row
    assert lender.empty((2, 1_000_000), torch.float64).data_ptr() == place
    assert lender.empty((2, 3), torch.float64).shape == (2, 3)


@pytest.mark.parametrize("text", ["relu(x)*y", "where(x > 0, x, y)", "floor(x)*y", "max(x, y)"])
def test_kinks_and_jumps_are_left_to_autograd(text: str) -> None:
    assert "nodes" not in worker.respond({"task": "program", "source": text, "wrt": ["x"]})


def test_where_the_formula_is_not_finite_autograd_is_asked(tmp_path: Path) -> None:
    """x*y/x is y to SymPy, and 0/0 at 0."""
    path = table(tmp_path, "x,y\n1,2\n0,3\n")
    found = run("grad", "x*log(x)", "--points", path, "--via", "symbolic", "-f", "csv")
    assert (
        found.out.splitlines()[2]
        == run("grad", "x*log(x)", "--points", path, "-f", "csv").out.splitlines()[2]
    )


def test_in_a_long_run_the_formulas_take_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows before that are autograd's to the last bit, rows after it the formulas'."""
    path = table(tmp_path, gaussian(SEVERAL_BLOCKS))
    command = ("grad", "exp(x/3)*sin(y/7)**3", "--points", path, "-f", "csv")
    own, formulas = (
        ok(run(*command, "--via", via)).splitlines() for via in ("autograd", "symbolic")
    )
    assert sum(one != other for one, other in zip(own, formulas, strict=True)) > 1000
    assert ok(run(*command)).splitlines() == own
    monkeypatch.setattr(gradients, "TAKE_OVER", 0)
    found = ok(run(*command, "--jobs", "1")).splitlines()
    assert ok(run(*command, "--jobs", "2")).splitlines() == found
    whose = [
        (row == one, row == other) for row, one, other in zip(found, own, formulas, strict=True)
    ]
    first = next(place for place, (is_own, _) in enumerate(whose) if not is_own)
    assert first > 1000
    assert all(is_own for is_own, _ in whose[:first])
    assert all(is_formula for _, is_formula in whose[first:])


def test_via_symbolic_says_where_it_is_not_possible(tmp_path: Path) -> None:
    path = table(tmp_path, "x,y\n1,2\n0,3\n")
    found = run("grad", "relu(x)*y", "--points", path, "--via", "symbolic")
    assert found.err.startswith("warning: computed by autograd, not by the formulas: ")
    assert found.code == 0


def test_nodes_from_elsewhere_are_no_program() -> None:
    for nodes in ([["system", [], None]], [["exp", [0], None]], [["sum", [], None]]):
        with pytest.raises(ValueError, match=r"operation|operands"):
            Program(nodes, [0], torch.float64)


# The reader by itself ----------------------------------------------------------------------------


def test_read_table_is_exact(tmp_path: Path) -> None:
    draw = random.Random(5)
    rows = [
        [draw.gauss(0, 1), draw.random() * 10.0 ** draw.randrange(-300, 300)] for _ in range(99)
    ]
    path = table(tmp_path, "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows))
    found = read_table(path)
    assert found.names == ("x", "y")
    assert list(map(list, zip(*found.columns, strict=True))) == rows
    assert math.isnan(read_table(table(tmp_path, "x\nnan\n"))["x"][0])


# Several processes -------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="torch's launcher wants libuv there")
def test_two_processes_of_torchs_launcher_write_the_rows_of_one(tmp_path: Path) -> None:
    file = table(tmp_path, gaussian(101))
    whole = ok(run("grad", "x**2*sin(y)", "--points", file, "-f", "csv", "--via", "autograd"))
    parts = tmp_path / "parts"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "autograd_cli", "grad", "x**2*sin(y)"]
    command += ["--points", file, "-o", str(parts), "-f", "csv", "--via", "autograd"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment()
    )
    assert done.returncode == 0, done.stderr
    names = [path.name for path in sorted(parts.iterdir())]
    assert names == ["part-00000-of-00002.csv", "part-00001-of-00002.csv"]
    tables = [(parts / name).read_text().splitlines() for name in names]
    header, *rows = whole.splitlines()
    assert [lines[0] for lines in tables] == [header, header]
    assert abs(len(tables[0]) - len(tables[1])) <= 1  # by row ranges, evenly
    assert [line for lines in tables for line in lines[1:]] == rows
