"""Tables at their edges: runs that are continued or shared, odd cells, odd types, no rows."""

from __future__ import annotations

import csv
import io
import itertools
import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from cli_runner import PROGRAM, environment, run

from autograd_cli.data.rows import Block
from autograd_cli.points.table_input import within

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
ipc = pytest.importorskip("pyarrow.ipc")

HINT = (
    "\n  hint: --on-error skip leaves such rows out, --on-error null leaves their results empty\n"
)
INVERSE = "sum(inv([[a, b], [b, a]]))"


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, newline="")
    return str(path)


# Continued ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.csv", "x,y\n1,2\n3,?\n5,6\n"),
        ("quoted.csv", 'x,y,n\n1,2,"a ""b"", \n c"\n3,?,"\n"\n5,6,"c"\n'),
        ("t.ndjson", '{"x":1,"y":2,"s":"\\""}\n{"x":3,"y":"?"}\n{"x":5,"y":6,"s":"a"}\n'),
    ],
)
def test_what_a_bad_row_stopped_is_continued(name: str, text: str, tmp_path: Path) -> None:
    path, out = written(tmp_path, name, text), tmp_path / "out.csv"
    words = ("grad", "x*y", "--points", path)
    assert run(*words, "-o", str(out)).code == 3
    written(tmp_path, name, text.replace('"?"', "4").replace("?", "4"))
    assert run(*words, "-o", str(out), "--resume").code == 0
    assert out.read_text() == run(*words, "-f", "csv").out
    assert out.read_text().count(".0,") == 6


@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        ("grad", ("--map", "x=a"), ("--map", "x=b")),
        ("eval", (), ("--dtype", "float32")),
        ("grad", (), ("--dtype", "float32")),
        ("hessian", (), ("--seed", "5")),
        ("grad", (), ("--via", "symbolic")),
    ],
)
def test_another_command_does_not_continue_it(
    command: str, first: tuple[str, ...], second: tuple[str, ...], tmp_path: Path
) -> None:
    path = written(tmp_path, "t.csv", "x,a,b,y\n1,1,10,2\n3,3,30,?\n")
    words = (command, "x*y", "--points", path, "-o", str(tmp_path / "o.csv"))
    assert run(*words, *first).code == 3
    other = run(*words, *second, "--resume")
    assert other.code == 2
    assert other.err.startswith("error: 'o.csv.part' is of another command\n")


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_keeps_its_permissions(mode: int, tmp_path: Path) -> None:
    path, out = written(tmp_path, "t.csv", "x\n1\n"), tmp_path / "o.csv"
    out.write_text("old")
    out.chmod(mode)
    assert run("eval", "x", "--points", path, "-o", str(out)).code == 0
    assert out.stat().st_mode & 0o777 == mode


# Shared ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_every_row_is_in_one_share(processes: int) -> None:
    """Where cells reach over lines a row is whole in the share that it begins in."""
    rows = [b'1,"a"\n', b'2,"b\nb\n\nb"\n', b"3,c\n", b'4,"d\n"\n', b"5,e\n", b'6,"\n\n\n\n"\n']
    whole = [Block(b"".join(rows[:3]), 2), Block(b"".join(rows[3:]), 8)]
    count = sum(block.content.count(b"\n") for block in whole)
    ends = [2 + count * rank // processes for rank in range(processes + 1)]
    found = []
    for start, stop in itertools.pairwise(ends):
        for block in within(iter(whole), start, stop, quotes=True):
            before = b"".join(rows).index(block.content)
            assert block.line == 2 + b"".join(rows)[:before].count(b"\n")
            assert block.content.count(b'"') % 2 == 0
            found.append(block.content)
    assert b"".join(found) == b"".join(rows)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_process_without_rows_writes_their_columns(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "x,y\n1,2\n")
    folder = tmp_path / "parts"
    for rank in "01":
        done = subprocess.run(
            [*PROGRAM, "grad", "x*y", "--points", path, "-o", str(folder), "-f", ending],
            env=environment(
                TORCHELASTIC_RUN_ID="1", RANK=rank, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2"
            ),
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
    parts = sorted(folder.iterdir())
    if ending == "csv":
        assert [part.read_text() for part in parts] == [
            "x,y,value,d_x,d_y\n",
            "x,y,value,d_x,d_y\n1,2,2.0,2.0,1.0\n",
        ]
    else:
        none, one = map(parquet.read_table, parts)
        assert (none.num_rows, one.num_rows) == (0, 1)
        assert none.schema == one.schema


# Rows that cannot be computed --------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_where_no_row_can_be_computed_each_is_told_of(count: int, tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "a,b\n" + "0,0\n" * count)
    stopped = run("eval", INVERSE, "--points", path)
    assert stopped.code == 3
    assert stopped.err == f"error: '{path}', line 2: the matrix is singular: it has no inverse\n"
    empty = run("eval", INVERSE, "--points", path, "--on-error", "null", "-f", "csv")
    assert empty.code == 1
    assert empty.err.count("the matrix is singular") == count
    assert empty.out.count("0,0") == count


def test_an_expression_that_is_wrong_everywhere_is_told_of_once(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "a,b\n1,2\n3,4\n")
    found = run("grad", "[a, b]", "--points", path, "--on-error", "skip")
    assert found.err.startswith("error: grad needs one output, and this is a vector of 2\n  [a, b]")


def test_a_dtype_that_a_function_has_not_ends_it(tmp_path: Path) -> None:
    """No row could be computed, in this block or another: it is not the numbers."""
    path = written(tmp_path, "t.csv", "a,b\n1,2\n3,4\n")
    words = ("eval", INVERSE, "--points", path, "--dtype", "float16", "--on-error", "skip")
    found = run(*words)
    assert found.code == 3
    assert found.err.startswith("error: torch has no inv for dtype float16 on this device\n  sum(")


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_table_of_no_rows_can_be_read(ending: str, tmp_path: Path) -> None:
    path, out = written(tmp_path, "t.csv", "x,y\n?,2\n"), tmp_path / f"o.{ending}"
    assert run("eval", "x*y", "--points", path, "--on-error", "skip", "-o", str(out)).code == 1
    found = parquet.read_table(out) if ending == "parquet" else ipc.open_stream(out).read_all()
    assert found.num_rows == 0
    assert found.column_names == ["x", "y"]


# Cells -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x,y\r1,2\n3,4\n", "x,y\r1,2\r3,4\r"])
def test_carriage_returns_alone(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", text)
    found = run("eval", "x*y", "--points", path)
    assert found.code == 3
    assert found.err == (
        f"error: a line of '{path}' ends with a carriage return alone\n"
        "  hint: write line feeds: tr '\\r' '\\n' < FILE\n"
    )


def test_a_header_may_reach_over_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", '"x\r\nz",y\r\n1,2\r\n')
    assert run("eval", "y", "--points", path, "-f", "csv").out == ('"x\r\nz",y,value\n1,2,2.0\n')


@pytest.mark.parametrize("name", ["t.csv", "t.ndjson"])
def test_an_empty_list_is_no_value(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, "x\n[]\n" if name == "t.csv" else '{"x": []}\n')
    line = 2 if name == "t.csv" else 1
    assert run("eval", "sum(x)", "--points", path).err == (
        f"error: '{path}', line {line}: column 'x' is an empty list{HINT}"
    )


def test_a_column_whose_name_is_long(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "x," + "a" * 200_000 + "\n1,2\n")
    assert run("eval", "x", "--points", path, "-f", "csv").out.endswith("1,2,1.0\n")


def test_what_only_arrow_calls_a_number_is_none(tmp_path: Path) -> None:
    """However large the table: small ones are read without it."""
    rows = "".join(f"{number},(text)\n" for number in range(20_000))
    path = written(tmp_path, "t.csv", f"x,s\n{rows}nan(1),a\n")
    found = run("eval", "2*x", "--points", path, "-f", "csv")
    assert found.out.endswith("19999,(text),39998.0\n")
    assert found.err == (
        f"error: '{path}', line 20002: column 'x' is 'nan(1)', which is no number{HINT}"
    )


def test_lists_of_what_is_no_float(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"x": [[Decimal("1.5"), Decimal(2)]]}), path)
    assert run("eval", "sum(x)", "--points", str(path), "-f", "plain").out.endswith("\t3.5\n")
    parquet.write_table(pyarrow.table({"x": [[b"a"]]}), path)
    assert run("eval", "sum(x)", "--points", str(path)).err == (
        f"error: '{path}', row 1: column 'x' is \"b'a'\", which is no number{HINT}"
    )


def test_json_goes_into_parquet_as_json(tmp_path: Path) -> None:
    record = {"x": 1, "m": {"a": "b"}, "t": True, "n": 3, "s": "s", "z": None}
    path, out = written(tmp_path, "t.ndjson", json.dumps(record) + "\n"), tmp_path / "o.parquet"
    assert run("eval", "x", "--points", path, "-o", str(out)).code == 0
    (found,) = parquet.read_table(out).to_pylist()
    assert found == {
        "x": 1.0,
        "m": '{"a": "b"}',
        "t": "true",
        "n": "3",
        "s": "s",
        "z": None,
        "value": 1.0,
    }


# Types that a format has not ---------------------------------------------------------------------


def test_types_that_cannot_be_taken_from_or_written(tmp_path: Path) -> None:
    views = tmp_path / "views.parquet"
    texts = pyarrow.array(["a", "b"], pyarrow.string_view())
    parquet.write_table(pyarrow.table({"x": [1.0, None], "s": texts}), views)
    out = tmp_path / "o.parquet"
    words = ("eval", "x", "--points")
    assert run(*words, str(views), "--on-error", "skip", "-o", str(out)).code == 1
    assert parquet.read_table(out).to_pylist() == [{"x": 1.0, "s": "a", "value": 1.0}]
    far = tmp_path / "far.arrow"
    times = pyarrow.array([2**62], pyarrow.timestamp("s"))
    table = pyarrow.table({"x": [1.0], "t": times})
    with ipc.new_file(far, table.schema) as writer:
        writer.write_table(table)
    found = run(*words, str(far), "-o", str(out))
    assert found.code == 3
    assert found.err.startswith(f"error: cannot write '{out}': Integer overflow ")
    found = run(*words, str(far), "-f", "csv")
    assert found.code == 3
    assert found.err.startswith("error: a cell cannot be read: ")


# Columns and headers -----------------------------------------------------------------------------


def test_a_vector_by_two_names(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", 'v,v[0],v[1]\n"[1,2]",3,4\n')
    found = run("eval", "sum(v)", "--points", path)
    assert found.err == (
        f"error: '{path}' has both a column 'v' and 'v[0]'\n"
        "  hint: leave one of them out, or say which: --map v=COLUMN\n"
    )
    assert found.code == 3
    chosen = run("eval", "sum(v)", "--points", path, "--map", "v=v", "-f", "plain")
    assert chosen.out.endswith("\t3.0\n")


@pytest.mark.parametrize(
    "header",
    ['"x","y","value","d_x","d_y"\n', "\ufeffx,y,value,d_x,d_y\n", "x,y,value,d_x,d_y\r\n"],
)
def test_rows_are_appended_under_a_header_that_means_the_same(header: str, tmp_path: Path) -> None:
    path, out = written(tmp_path, "t.csv", "x,y\n1,2\n"), written(tmp_path, "o.csv", header)
    assert run("grad", "x*y", "--points", path, "-o", out, "--append").code == 0
    assert Path(out).read_bytes() == header.encode() + b"1,2,2.0,2.0,1.0\n"


def test_nothing_is_appended_to_a_line_without_an_end(tmp_path: Path) -> None:
    path, out = written(tmp_path, "t.csv", "x\n1\n"), written(tmp_path, "o.csv", "x,value\n1,1")
    found = run("eval", "x", "--points", path, "-o", out, "--append")
    assert found.err == (
        f"error: the last line of '{out}' has no end\n"
        "  hint: remove it where it was cut off, or give it one: echo >> FILE\n"
    )


def test_a_condition_is_left_to_autograd(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "x\n1\n")
    found = run("grad", "where(x > 0, x*x, x)", "--points", path, "--via", "symbolic")
    assert found.err == (
        "warning: computed by autograd, not by the formulas: a condition is left to autograd\n"
    )


# Checks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "is_told"), [(5, False), (8, True)])
def test_a_check_says_how_many_rows_disagree(rows: int, is_told: bool, tmp_path: Path) -> None:
    """Where the worst of them are listed and not all."""
    path = written(tmp_path, "t.csv", "x\n" + "".join(f"{row}\n" for row in range(1, rows + 1)))
    found = run("check", "x**3", "--points", path, "--against", "x: x", "-f", "plain")
    assert found.code == 1
    assert found.out.count("\tdisagree\t") == 5
    told = (
        f"warning: at {rows} of {rows} points it disagrees: the 5 that are listed are the worst\n"
    )
    assert found.err == (told if is_told else "")


def test_a_check_of_a_table_without_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "x,y\n")
    for more in ((), ("--on-error", "skip"), ("--json",)):
        found = run("check", "x*y", "--points", path, *more)
        assert found.code == 3
        assert found.out == ""
        assert f"'{path}' has a header and no rows" in found.err
    for name in ("t.parquet", "t.arrow"):
        own = pyarrow.table({"x": pyarrow.array([], pyarrow.float64())})
        if name == "t.parquet":
            parquet.write_table(own, tmp_path / name)
        else:
            with ipc.new_stream(str(tmp_path / name), own.schema) as writer:
                writer.write_table(own)
        found = run("check", "x**2", "--points", str(tmp_path / name))
        assert found.code == 3
        assert "has a header and no rows" in found.err


# Types of columns --------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_rows_without_values_have_the_types_of_the_others(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those before the first that has some, as well."""
    monkeypatch.setattr("autograd_cli.data.bytestream.BLOCK", 24)
    lines = "?,2\n" * 9 + '"[1, 2]",2\n' * 9 + "?,2\n" * 9
    path, out = written(tmp_path, "t.csv", "v,y\n" + lines), tmp_path / f"o.{ending}"
    words = ("hessian", "sum(v)*y", "--points", path, "--on-error", "null", "-o", str(out))
    assert run(*words).code == 1
    found = parquet.read_table(out) if ending == "parquet" else ipc.open_stream(out).read_all()
    rows = found.to_pylist()
    assert [row["v"] for row in rows] == [None] * 9 + [[1.0, 2.0]] * 9 + [None] * 9
    assert [row["value"] for row in rows] == [None] * 9 + [6.0] * 9 + [None] * 9


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_column_that_changes_its_type_is_an_error(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number in a row that cannot be used for another reason, and lists in the rows after it."""
    monkeypatch.setattr("autograd_cli.data.bytestream.BLOCK", 24)
    path = written(tmp_path, "t.csv", "v,y\n" + "3,?\n" * 9 + '"[1, 2]",2\n' * 9)
    words = ("eval", "sum(v)*y", "--points", path, "--on-error", "null")
    assert run(*words, "-f", "csv").code == 1
    found = run(*words, "-o", str(tmp_path / f"o.{ending}"))
    assert found.code == 3
    assert "\nerror: a column changes its type: " in found.err


def test_a_carriage_return_in_a_cell_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    cells = ["a\rb", "a\r", "\r", "a\nb", 'a"b', "a,b", "c"]
    parquet.write_table(pyarrow.table({"x": [1.0] * len(cells), "s": cells}), path)
    text = run("eval", "x", "--points", str(path), "-f", "csv").out
    assert [row[1] for row in csv.reader(io.StringIO(text, newline=""))][1:] == cells
    again = written(tmp_path, "t.csv", text.replace("value", "old"))
    assert run("eval", "x", "--points", again, "-f", "csv").code == 0


# Several processes -------------------------------------------------------------------------------

LAUNCHED = {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}


def test_several_processes_need_a_directory(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "x\n1\n")
    out = str(tmp_path / "parts")
    for words in (("--points", path), ("--points", "-", "-o", out)):
        found = run("eval", "x", *words, environ=LAUNCHED)
        assert found.code == 2
        assert found.err == (
            "error: several processes share a file and write to a directory\n"
            "  hint: torchrun … --points FILE -o DIRECTORY\n"
        )
    found = run("eval", "x", "--points", path, "-o", path, environ=LAUNCHED)
    assert found.code == 3
    assert found.err == (
        f"error: '{path}' is a file, and several processes write into a directory\n"
        "  hint: name a directory: -o DIRECTORY\n"
    )
    found = run("eval", "x", "--points", path, "-o", f"{path}/a", "-f", "csv", environ=LAUNCHED)
    assert found.code == 3
    assert found.err == f"error: cannot write '{path}/a': not a directory\n"
    assert Path(path).read_text() == "x\n1\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {"RANK": ""},
        {"RANK": "one"},
        {"RANK": "2"},
        {"RANK": "-1"},
        {"WORLD_SIZE": "0"},
        {"WORLD_SIZE": "9" * 5_000},
        {"LOCAL_WORLD_SIZE": "0"},
        {"LOCAL_WORLD_SIZE": "²"},
    ],
)
def test_a_launcher_that_makes_no_sense(wrong: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "x\n1\n")
    words = ("eval", "x", "--points", path, "-o", str(tmp_path / "parts"))
    found = run(*words, environ={**LAUNCHED, **wrong})
    assert found.code == 2
    assert found.err.startswith("error: TORCHELASTIC_RUN_ID says that torchrun started this, and ")
    assert "TORCHELASTIC_RUN_ID" in found.err
    assert not (tmp_path / "parts").exists()


BEYOND = "a number beyond float64, which ends near 1.8e308 (inf is infinite)"


@pytest.mark.parametrize("cell", ["1e400", "-1e400", "+1E+309", "9" * 400])
@pytest.mark.parametrize("rows", [3, 30_000], ids=["few", "many"])
def test_a_cell_beyond_float64_cannot_be_used(cell: str, rows: int, tmp_path: Path) -> None:
    """1/x of it would be 0 without a word; `inf` is what was meant, and may be written."""
    file = tmp_path / "t.csv"
    numbers = ["2"] * rows
    numbers[rows // 2] = cell
    file.write_text("x\n" + "\n".join(numbers) + "\n")
    line = rows // 2 + 2
    done = run("eval", "1/x", "--points", str(file), "-f", "csv", "--on-error", "skip")
    assert done.code == 1
    assert done.out.splitlines()[1:] == ["2,0.5"] * (rows - 1)
    assert f"line {line}: column 'x' is" in done.err
    assert BEYOND in done.err
    stopped = run("eval", "1/x", "--points", str(file), "-f", "csv")
    assert stopped.code == 3
    assert len(stopped.out.splitlines()) == rows // 2 + 1


def test_a_json_number_beyond_float64_cannot_be_used(tmp_path: Path) -> None:
    table = '{"x": 2}\n{"x": 1e400}\n{"x": [1, -1e400]}\n{"x": Infinity}\n{"x": 4}\n'
    words = ("eval", "1/x", "--points", "-", "-f", "plain", "--on-error", "skip")
    done = run(*words, stdin=table)
    assert done.code == 1
    assert done.out == "2\t0.5\ninf\t0.0\n4\t0.25\n"
    assert BEYOND in done.err
    values = tmp_path / "values.json"
    values.write_text('{"v": [1,\n 1e400]}')
    refused = run("eval", "sum(v)", "--at", f"@{values}")
    assert refused.code == 2
    assert "line 2: 1e400 is beyond float64, which ends near 1.8e308" in refused.err


@pytest.mark.parametrize("format", ["table", "json", "csv", "ndjson", "plain"])
@pytest.mark.parametrize("how", ["skip", "null"])
def test_a_table_whose_rows_are_all_left_out(format: str, how: str, tmp_path: Path) -> None:
    """It has rows, and what became of them is told."""
    file = tmp_path / "t.csv"
    file.write_text("x,b\nz,2\n")
    found = run("eval", "b*x", "--points", str(file), "--on-error", how, "-f", format)
    assert found.code == 1
    assert "column 'x' is 'z', which is no number" in found.err
    assert "no rows" not in found.err


def test_a_check_of_a_table_whose_rows_are_all_left_out(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,b\nz,2\n")
    found = run("check", "b*x", "--points", str(file), "--on-error", "skip")
    assert found.code == 3
    assert f"error: no row of '{file}' can be used" in found.err
