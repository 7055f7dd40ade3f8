"""Files in the making: two runs that meet, runs that are continued, what stands in the way.

What an interrupted run has done is neither dropped without a word nor believed to be what it is
not; and nothing of anybody else's is written over.
"""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import PROGRAM, Outcome, agx, environment, run

from autograd_cli.data import checksum
from autograd_cli.data.rows import Block
from autograd_cli.lessons.progress import Progress
from autograd_cli.points.grid_points import GridPoints
from autograd_cli.points.pieces import Done
from autograd_cli.points.table_points import parted, traced
from autograd_cli.render import lock
from autograd_cli.render.streams.state import State

fcntl = pytest.importorskip("fcntl")  # files as POSIX has them

LINES = "x,y\n1,2\n3,?\n5,6\n"
MENDED = LINES.replace("?", "4")
WHOLE = "x,y,value,d_x,d_y\n1,2,2.0,2.0,1.0\n3,4,12.0,4.0,3.0\n5,6,30.0,6.0,5.0\n"


class Case:
    """A folder with a table and a run of it into a file."""

    def __init__(self, folder: Path, lines: str = LINES) -> None:
        self.folder = folder
        self.table, self.out = folder / "t.csv", folder / "o.csv"
        self.part, self.state = folder / "o.csv.part", folder / "o.csv.part.json"
        self.table.write_text(lines)
        self.words = ("grad", "x*y", "--points", str(self.table), "-o", str(self.out))

    def run(self, *more: str, command: str = "grad", text: str = "x*y") -> Outcome:
        return run(command, text, *self.words[2:], *more)

    def stop(self) -> Case:
        """Runs until the bad row, which stops it."""
        found = self.run()
        assert found.code == 3
        assert "warning: 1 row is in 'o.csv.part'; --resume continues it\n" in found.err
        return self

    def content(self) -> dict[str, bytes]:
        return {  # the state takes its place from a temporary file, which is gone at any moment
            path.name: path.read_bytes()
            for path in self.folder.iterdir()
            if path != self.table and path.suffix != ".tmp"
        }


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


# Two runs into one file --------------------------------------------------------------------------


def waiting(*words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """A run that has written a row and waits for more."""
    process = subprocess.Popen(
        [*PROGRAM, "grad", "x**2", "--points", "-", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=cwd,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("x\n3\n")
    process.stdin.flush()
    return process


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_the_second_run_says_so_and_touches_nothing(case: Case, more: tuple[str, ...]) -> None:
    case.table.write_text(MENDED)
    with waiting("-o", str(case.out)) as first:
        wait_for(lambda: case.state.exists() and b"9.0" in case.part.read_bytes())
        before = case.content()
        second = case.run(*more)
        assert second.code == 3
        assert second.err == (
            f"error: another run is writing '{case.out}'\n"
            "  hint: wait for it, or write to another file\n"
        )
        assert case.content() == before
        rest, told = first.communicate("4\n")
        assert (first.returncode, rest, told) == (0, "", "")
    assert case.out.read_text() == "x,value,d_x\n3,9.0,6.0\n4,16.0,8.0\n"
    assert list(case.content()) == ["o.csv"]


def test_of_runs_that_start_together_one_writes(tmp_path: Path) -> None:
    """Whichever it is, the file is whole and its own."""
    draw = random.Random(0)
    table = tmp_path / "t.csv"
    table.write_text("x\n" + "".join(f"{draw.random()!r}\n" for _ in range(60_000)))
    out = tmp_path / "o.csv"
    texts = ("x*1", "x*2", "x*3")
    started = [
        subprocess.Popen(
            [*PROGRAM, "eval", text, "--points", str(table), "-o", str(out)],
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        for text in texts
    ]
    ends = [(one.communicate()[1], one.returncode) for one in started]
    assert sum(code == 0 for _, code in ends) >= 1
    for told, code in ends:
        assert (code, told.partition("\n")[0]) in (
            (0, ""),
            (3, f"error: another run is writing '{out}'"),
        )
    whole = [run("eval", text, "--points", str(table), "-f", "csv").out for text in texts]
    assert out.read_text() in whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.csv", "t.csv"]


def test_the_lock_of_a_run_that_was_killed_holds_up_nobody(case: Case) -> None:
    with waiting("-o", str(case.out)) as first:
        wait_for(lambda: case.state.exists() and b"9.0" in case.part.read_bytes())
        first.send_signal(signal.SIGKILL)
    found = run("grad", "x**2", "--points", "-", "-o", str(case.out), "--resume", stdin="x\n3\n4\n")
    assert (found.code, found.err) == (0, "")
    assert case.out.read_text() == "x,value,d_x\n3,9.0,6.0\n4,16.0,8.0\n"


def test_a_part_without_a_byte_is_of_nobody(case: Case) -> None:
    """As of a run that was killed before it wrote."""
    case.table.write_text(MENDED)
    case.part.touch()
    assert case.run().code == 0
    assert case.out.read_text() == WHOLE


@pytest.mark.parametrize("others", [True, False])
def test_rows_are_appended_by_one_run_at_a_time(case: Case, others: bool) -> None:
    """And not to a file that is about to be replaced."""
    case.table.write_text("x\n2\n")
    case.out.write_text("x,value,d_x\n1,1.0,2.0\n")
    with waiting("-o", str(case.out), *(("--append",) if others else ())) as first:
        wait_for(lambda: b"3,9.0" in b"".join(case.content().values()))
        before = case.content()
        second = case.run(*(() if others else ("--append",)), text="x**2")
        assert second.code == 3
        assert second.err.startswith(f"error: another run is writing '{case.out}'\n")
        assert case.content() == before
        first.communicate("")
    kept = "1,1.0,2.0\n" if others else ""
    assert case.out.read_text() == f"x,value,d_x\n{kept}3,9.0,6.0\n"


def test_parts_in_a_directory_are_locked_as_well(tmp_path: Path) -> None:
    case = Case(tmp_path, "x,y\n1,2\n3,4\n")
    folder = tmp_path / "parts"
    folder.mkdir()
    part = folder / "part-00000-of-00002.csv.part"
    launched = {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    words = ("grad", "x*y", "--points", str(case.table), "-f", "csv", "-o", str(folder))
    with part.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        found = run(*words, environ=launched)
    assert found.code == 3
    assert found.err.startswith(f"error: another run is writing '{folder / part.stem}'\n")
    assert run(*words, environ=launched).code == 0
    assert [path.name for path in folder.iterdir()] == [part.stem]


def test_a_file_system_without_locks_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    assert lock.take(0)


def test_a_file_that_got_its_name_between_opening_and_locking_is_left_alone(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that was opened is the finished file of another run by then."""
    case.table.write_text(MENDED)
    case.part.write_text("of the other run")
    taken = lock.take

    def take(descriptor: int) -> bool:
        monkeypatch.setattr(lock, "take", taken)
        case.part.rename(case.out)
        return taken(descriptor)

    monkeypatch.setattr(lock, "take", take)
    with case.out.open("w"):
        pass
    assert case.run().code == 0
    assert case.out.read_text() == WHOLE


# What is continued -------------------------------------------------------------------------------


def test_without_resume_no_rows_are_dropped(case: Case) -> None:
    case.stop()
    case.table.write_text(MENDED)
    before = case.content()
    again = case.run()
    assert again.code == 3
    assert again.err == (
        "error: 1 row is in 'o.csv.part' already, of a run that was interrupted\n"
        f"  hint: --resume continues it; to begin anew, remove it: rm {case.part}\n"
    )
    assert case.content() == before
    assert case.run("--resume").code == 0
    assert case.out.read_text() == WHOLE


def test_removed_as_told_it_begins_anew(case: Case) -> None:
    case.stop()
    case.part.unlink()
    case.table.write_text(MENDED)
    assert case.run().code == 0
    assert case.out.read_text() == WHOLE
    assert list(case.content()) == ["o.csv"]


@pytest.mark.parametrize("ending", ["csv", "ndjson", "txt", "parquet", "arrow"])
def test_what_has_no_state_is_not_written_over(ending: str, tmp_path: Path) -> None:
    case = Case(tmp_path, MENDED)
    part = tmp_path / f"o.{ending}.part"
    part.write_bytes(b"somebody's own")
    words = ("grad", "x*y", "--points", str(case.table), "-o", str(tmp_path / f"o.{ending}"))
    found = run(*words)
    assert found.code == 3
    assert found.err == (
        f"error: 'o.{ending}.part' is there already: what an interrupted run wrote, or something"
        f" else\n  hint: to begin anew, remove it: rm {part}\n"
    )
    if ending not in ("parquet", "arrow"):
        resumed = run(*words, "--resume")
        assert resumed.code == 3
        assert resumed.err.startswith(
            f"error: 'o.{ending}.part' cannot be continued: 'o.{ending}.part.json' is missing,"
            " which says how far it goes\n"
        )
    assert part.read_bytes() == b"somebody's own"
    assert sorted(path.name for path in tmp_path.iterdir()) == [part.name, "t.csv"]


def converted(lines: str, path: Path) -> None:
    """The same table in the format of the ending."""
    if path.suffix == ".csv":
        path.write_text(lines)
        return
    pyarrow = pytest.importorskip("pyarrow")
    header, *rows = (line.split(",") for line in lines.splitlines())
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    if path.suffix == ".ndjson":
        records = [dict(zip(header, row, strict=True)) for row in rows]
        own = [{n: None if c == "?" else float(c) for n, c in one.items()} for one in records]
        path.write_text("".join(json.dumps(one) + "\n" for one in own))
        return
    made = {n: [None if one == "?" else float(one) for one in own] for n, own in cells.items()}
    table = pyarrow.table(made)
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, path)
    else:
        with pytest.importorskip("pyarrow.ipc").new_stream(str(path), table.schema) as writer:
            writer.write_table(table)


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet", "arrow"])
@pytest.mark.parametrize(
    ("changed", "is_told"),
    [
        (MENDED, False),
        (MENDED + "7,8\n", False),
        (MENDED.replace("1,2", "1,9"), True),
        (MENDED.replace("x,y", "y,x"), True),
        ("x,y\n" + MENDED.partition("\n")[2].partition("\n")[2], True),
        ("x,y\n1,2\n", None),
    ],
    ids=["mended", "longer", "another number", "other columns", "a row less", "no more rows"],
)
def test_an_input_that_changed_is_not_continued(
    ending: str, changed: str, is_told: bool | None, tmp_path: Path
) -> None:
    """Rows that were not read yet may change: that is how a bad one is mended."""
    path, out = tmp_path / f"t.{ending}", tmp_path / "o.csv"
    words = ("grad", "x*y", "--points", str(path), "-o", str(out))
    converted(LINES, path)
    assert run(*words).code == 3
    before = out.with_name("o.csv.part").read_bytes()
    converted(changed, path)
    found = run(*words, "--resume")
    if is_told:
        assert found.code == 3
        assert found.err.startswith(f"error: '{path}' has changed (it ")
        line = 2 if ending in ("ndjson", "parquet", "arrow") else 3
        assert f"): what stands before {'row' if ending[0] in 'pa' else 'line'} {line} is not" in (
            found.err
        )
        assert found.err.endswith(
            f"  hint: to begin anew, remove it: rm {out.with_name('o.csv.part')}\n"
        )
        assert out.with_name("o.csv.part").read_bytes() == before
        assert not out.exists()
    else:
        assert (found.code, found.err) == (0, "")
        assert out.read_text() == run(*words[:-2], "-f", "csv").out


def test_what_is_known_of_a_change_is_told(case: Case) -> None:
    case.stop()
    for text, how in (
        (MENDED.replace("1,2", "1,9"), " (it was written anew)"),
        (MENDED.replace("1,2", "1,99"), " (it had 16 bytes, and has 17)"),
    ):
        case.table.write_text(text)
        assert case.run("--resume").err.startswith(
            f"error: '{case.table}' has changed{how}: what stands before line 3 is not what was"
            " read\n"
        )
    piped = ["-" if word == str(case.table) else word for word in case.words]
    case.part.unlink()
    assert run(*piped, stdin=LINES).code == 3
    found = run(*piped, "--resume", stdin=MENDED.replace("1,2", "1,9"))
    assert found.err.startswith(
        "error: standard input has changed: what stands before line 3 is not what was read\n"
    )


def test_an_input_that_was_replaced_by_a_shorter_one(case: Case) -> None:
    case.table.write_text("x,y\n" + "1,2\n" * 50 + "?,1\n")
    assert case.run().code == 3
    case.table.write_text("x,y\n1,2\n")
    found = case.run("--resume")
    assert found.code == 3
    assert "what stands before line 52 is not what was read" in found.err


def test_stopped_twice_in_one_block_of_columns(tmp_path: Path) -> None:
    """The checksum of rows in columns is one of blocks, whose first rows the second run skips."""
    path, out = tmp_path / "t.parquet", tmp_path / "o.csv"
    words = ("grad", "x*y", "--points", str(path), "-o", str(out))
    lines = "x,y\n" + "1,2\n" * 40 + "{},2\n" + "3,4\n" * 30 + "{},4\n" + "5,6\n" * 9
    for first, second, code in (("?", "?", 3), ("1", "?", 3), ("1", "1", 0)):
        converted(lines.format(first, second), path)
        assert run(*words, "--resume").code == code
    assert out.read_text() == run(*words[:-2], "-f", "csv").out


def test_the_checksum_of_text_is_that_of_its_rows_however_they_come() -> None:
    rows = [b'1,"a"\n', b'2,"b\nb\n\nb"\n', b"3,c\n", b'4,"d\n"\n', b"5,e\n", b"\n", b"6,f\n"]
    text = b"".join(rows)
    whole = checksum.of_rows(text, checksum.of_names(["x", "y"], ","))
    for cut in range(len(rows)):
        parts = [b"".join(rows[:cut]), b"".join(rows[cut:])]
        lines = [2, 2 + parts[0].count(b"\n")]
        blocks = traced(map(Block, parts, lines), checksum.of_names(["x", "y"], ","))
        first, second = blocks
        assert second.after == whole
        done, rest = parted(Block(text, 2, first.before, whole), lines[1], True)
        assert (done.after, done.content, rest.content) == (first.after, *parts)
    assert checksum.of_names(["x", "y"], ",") != checksum.of_names(["x", "y"], ";")


def test_a_dictionary_is_part_of_the_rows() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    one, other = (
        pyarrow.record_batch({"d": pyarrow.DictionaryArray.from_arrays([0, 1, 0], words)})
        for words in (["a", "b"], ["a", "c"])
    )
    assert checksum.of_rows(one, 0) != checksum.of_rows(other, 0)
    assert checksum.of_rows(one, 0) == checksum.of_rows(one.slice(0, 3), 0)


OTHERS = [
    ("grad", "x+y", ()),
    ("eval", "x*y", ()),
    ("grad", "x*y", ("--wrt", "x")),
    ("grad", "x*y", ("--order", "2")),
    ("grad", "x*y", ("--dtype", "float32")),
    ("grad", "x*y", ("--map", "x=y")),
    ("grad", "x*y", ("--via", "autograd")),
    ("grad", "x*y*k", ("--at", "k=1")),
    ("hessian", "x*y", ()),
    ("jacobian", "x*y", ()),
]


@pytest.mark.parametrize(("command", "text", "more"), OTHERS)
def test_another_command_continues_nothing(
    command: str, text: str, more: tuple[str, ...], case: Case
) -> None:
    case.stop()
    before = case.content()
    case.table.write_text(MENDED)
    found = case.run(*more, "--resume", command=command, text=text)
    assert found.code == 2
    told, hint = found.err.splitlines()
    assert told == "error: 'o.csv.part' is of another command"
    assert hint.startswith("  hint: it differs in ")
    assert hint.endswith(f"; to begin anew, remove it: rm {case.part}")
    assert case.content() == before


@pytest.mark.parametrize(("command", "text", "more"), OTHERS)
def test_a_finished_file_of_another_command_is_none_of_this(
    command: str, text: str, more: tuple[str, ...], case: Case
) -> None:
    case.table.write_text(MENDED)
    case.out.write_text(run(command, text, "--points", str(case.table), "-f", "csv", *more).out)
    own = case.out.read_text()
    found = case.run("--resume")
    if own == WHOLE:  # another way to the same
        assert (found.code, found.err) == (
            0,
            f"warning: nothing to resume: '{case.out}' is complete\n",
        )
        return
    assert found.code == 3
    assert found.err == (
        "error: 'o.csv' is finished, and is not what this command writes of this input\n"
        "  hint: leave --resume out to replace it, or write to another file\n"
    )
    assert list(case.content().items()) == [("o.csv", own.encode())]


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("format", ["csv", "plain", "ndjson"])
def test_a_finished_file_of_an_input_that_changed_is_none_of_this(
    blocks: int, format: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at its beginning, and at its end."""
    monkeypatch.setattr("autograd_cli.data.bytestream.BLOCK", 60)
    lines = [f"{row},{row + 1}\n" for row in range(10, 10 + 8 * blocks)]
    case.table.write_text("x,y\n" + "".join(lines))
    out = case.folder / f"o.{'txt' if format == 'plain' else format}"
    words = ("grad", "x*y", "--points", str(case.table), "-o", str(out))
    assert run(*words, "--resume").code == 0
    assert run(*words, "--resume").err == f"warning: nothing to resume: '{out}' is complete\n"
    for changed in (
        lines[:-1],
        [*lines, "1,1\n"],
        [*lines[:-1], "1,1\n"],
        ["1,1\n", *lines[1:]],
        ["?,1\n", *lines[1:]],
        [*lines[:-1], "?,1\n"],
    ):
        case.table.write_text("x,y\n" + "".join(changed))
        found = run(*words, "--resume")
        assert found.code == 3
        assert " is finished, and is not what this command writes of this input\n" in found.err


def test_what_becomes_of_bad_rows_may_change_where_there_were_none(case: Case) -> None:
    case.stop()
    found = case.run("--resume", "--on-error", "skip")
    assert found.code == 1
    assert case.out.read_text() == WHOLE.replace("3,4,12.0,4.0,3.0\n", "")


def test_rows_that_were_left_out_before_are_counted(case: Case) -> None:
    """And are no other rows than those that are left out now."""
    lines = b"x,y\n?,1\n1,2\n"
    words = ["-" if word == str(case.table) else word for word in case.words]
    words += ["--jobs", "1", "--on-error"]
    with subprocess.Popen(
        [*PROGRAM, *words, "skip"], stdin=subprocess.PIPE, env=environment()
    ) as first:
        assert first.stdin is not None
        first.stdin.write(lines)
        first.stdin.flush()
        wait_for(lambda: case.state.exists() and json.loads(case.state.read_bytes())["rows"] == 1)
        first.send_signal(signal.SIGKILL)
    rest = lines.decode() + "3,4\n"
    other = run(*words, "null", "--resume", stdin=rest)
    assert other.code == 2
    assert "it differs in on_error" in other.err
    found = run(*words, "skip", "--resume", stdin=rest)
    assert (found.code, found.err) == (1, "warning: 1 row left out\n")
    assert case.out.read_text() == WHOLE.replace("5,6,30.0,6.0,5.0\n", "")


def test_a_share_of_other_lines_is_another_command(tmp_path: Path) -> None:
    """Where the table has grown the lines of a process are others."""
    case = Case(tmp_path, "x,y\n1,2\n?,4\n5,6\n7,8\n")
    folder = tmp_path / "parts"
    words = ("grad", "x*y", "--points", str(case.table), "-f", "csv", "-o", str(folder))
    launched = {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    assert run(*words, environ=launched).code == 3
    case.table.write_text("x,y\n1,2\n3,4\n5,6\n7,8\n9,9\n9,9\n")
    found = run(*words, "--resume", environ=launched)
    assert found.code == 2
    assert "it differs in lines" in found.err
    case.table.write_text("x,y\n1,2\n3,4\n5,6\n7,8\n")
    assert run(*words, "--resume", environ=launched).code == 0
    (part,) = folder.iterdir()
    assert part.read_text() == "x,y,value,d_x,d_y\n1,2,2.0,2.0,1.0\n3,4,12.0,4.0,3.0\n"


# States of any shape -----------------------------------------------------------------------------


def shapes() -> Iterator[tuple[str, bytes]]:
    good: dict[str, Any] = {
        "command": {},
        "on_error": "stop",
        "stamp": [18, 1],
        "place": 3,
        "checksum": 5,
        "rows": 1,
        "faults": 0,
        "bytes": 20,
    }
    State.of_text(json.dumps(good))  # what follows is wrong in one thing
    yield from {
        "nothing": b"",
        "no json": b"{",
        "no text": b"\xff\xfe",
        "deep": b"[" * 100_000,
        "long": b" " * (1 << 24) + b"{}",
        "huge": b"1" * 10_000,
        "nan": b"NaN",
        "a list": b"[]",
        "a number": b"7",
        "a text": b'"state"',
        "null": b"null",
        "no keys": b"{}",
        "twice": b"{}{}",
    }.items()
    for name in good:
        yield f"without {name}", json.dumps({k: v for k, v in good.items() if k != name}).encode()
        odd = (None, True, 1.5, "1", -1, [], {}, [1], 1 << 70, -(1 << 70), float("nan"), 10**400)
        for value in odd:
            try:
                State.of_text(json.dumps({**good, name: value}))
            except ValueError:
                yield f"{name} {value!s:.20}", json.dumps({**good, name: value}).encode()
    yield "one more", json.dumps({**good, "more": 1}).encode()


@pytest.mark.parametrize("text", [pytest.param(own, id=name) for name, own in shapes()])
def test_a_state_of_any_other_shape_is_an_error(text: bytes, tmp_path: Path) -> None:
    case = Case(tmp_path, MENDED)
    case.part.write_text(WHOLE[:34])
    case.state.write_bytes(text)
    before = case.content()
    for more in ((), ("--resume",)):
        found = case.run(*more)
        assert found.code == 3
        told, hint, *rest = found.err.splitlines()
        assert told.startswith("error: 'o.csv.part.json' says of no run how far it came: ")
        assert hint == "  hint: remove or rename it, or write to another file"
        assert not rest
        assert case.content() == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b" " * (1 << 24) + b"{}", "it is too long"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"{}", "it has other keys"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b'{"command": 1, "on_error": 1, "stamp": 1, "place": 1, "checksum": 1, "rows": 1,'
         b' "faults": 1, "bytes": 1}', "a value is of another kind"),
    ],
)  # fmt: skip
def test_why_a_state_is_none(text: bytes, why: str, case: Case) -> None:
    case.part.write_text(WHOLE[:34])
    case.state.write_bytes(text)
    assert case.run("--resume").err.splitlines()[0].endswith(f"how far it came: {why}")


def test_a_file_of_that_name_without_a_part_is_kept(case: Case) -> None:
    case.table.write_text(MENDED)
    case.state.write_text('{"my": "own"}')
    for more in ((), ("--resume",)):
        found = case.run(*more)
        assert found.code == 3
        assert "it is something else" in found.err
        assert list(case.content().items()) == [("o.csv.part.json", b'{"my": "own"}')]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bytes": 1 << 40}, "'o.csv.part' is shorter than it was: it cannot be continued"),
        ({"bytes": 30}, "'o.csv.part' was changed: it cannot be continued"),
        ({"place": 1 << 60}, f"what stands before line {1 << 60} is not what was read"),
        ({"place": 0}, "what stands before line 0 is not what was read"),
        ({"place": 4}, "what stands before line 4 is not what was read"),
        ({"checksum": None}, "what stands before line 3 is not what was read"),
        ({"checksum": 1 << 33}, "what stands before line 3 is not what was read"),
        ({"command": {"deep": {"x": []}}}, "'o.csv.part' is of another command"),
    ],
)
def test_a_state_that_does_not_fit_is_an_error(
    changes: dict[str, Any], told: str, case: Case
) -> None:
    case.stop()
    case.table.write_text(MENDED)
    case.state.write_text(json.dumps({**json.loads(case.state.read_text()), **changes}))
    before = case.content()
    found = case.run("--resume")
    assert found.code in (2, 3)
    assert told in found.err
    assert case.content() == before


def test_a_grid_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "o.csv"
    grid, other = ("grad", "x*y", "--grid", "x=0:1:300,y=0:1:300"), "x=0:2:300,y=0:1:300"
    piece = GridPoints.piece

    def interrupted(self: GridPoints, block: Block, explain: int, *, fast: bool) -> Done:
        if block.line > 1:
            raise KeyboardInterrupt
        return piece(self, block, explain, fast=fast)

    with monkeypatch.context() as patch:
        patch.setattr(GridPoints, "piece", interrupted)
        stopped = run(*grid, "-o", str(out), "--jobs", "1")
    assert stopped.code == 130
    assert "65,536 rows are in 'o.csv.part'; --resume continues it" in stopped.err
    assert "65,536 rows are in 'o.csv.part' already" in run(*grid, "-o", str(out)).err
    another = run(*grid[:3], other, "-o", str(out), "--resume")
    assert another.code == 2
    assert "it differs in axes" in another.err
    assert run(*grid, "-o", str(out), "--resume").code == 0
    assert out.read_text() == run(*grid, "-f", "csv").out
    assert run(*grid, "-o", str(out), "--resume").err.endswith("is complete\n")
    another = run(*grid[:3], other, "-o", str(out), "--resume")
    assert " is finished, and is not what this command writes" in another.err


# What stands in the way --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["o.csv.part", "o.csv.part.json"])
@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_nothing_is_written_through_a_link(name: str, more: tuple[str, ...], case: Case) -> None:
    case.table.write_text(MENDED)
    (case.folder / "precious").write_text("mine")
    for target in ("precious", "nowhere"):
        (case.folder / name).unlink(missing_ok=True)
        (case.folder / name).symlink_to(case.folder / target)
        found = case.run(*more)
        assert found.code == 3
        assert found.err == (
            f"error: '{case.folder / name}' is a link, and nothing is written through it\n"
            "  hint: remove it, or write to another file\n"
        )
        assert (case.folder / "precious").read_text() == "mine"
        assert sorted(path.name for path in case.folder.iterdir()) == [name, "precious", "t.csv"]


@pytest.mark.parametrize("name", ["o.csv.part", "o.csv.part.json"])
def test_nothing_is_written_into_a_file_with_another_name(name: str, case: Case) -> None:
    case.table.write_text(MENDED)
    (case.folder / "precious").write_text("")
    os.link(case.folder / "precious", case.folder / name)
    found = case.run()
    assert found.code == 3
    assert found.err.startswith(
        f"error: '{case.folder / name}' has another name as well, whose content would change\n"
    )


@pytest.mark.parametrize("name", ["o.csv.part", "o.csv.part.json"])
def test_nothing_is_written_into_a_file_of_somebody_else(
    name: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.stop()
    before = case.content()
    own = os.fstat

    def another(descriptor: int) -> os.stat_result:
        status = own(descriptor)
        is_it = Path(f"/proc/self/fd/{descriptor}").resolve().name == name
        fields = list(status)
        fields[stat.ST_UID] += is_it
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", another)
    found = case.run("--resume")
    monkeypatch.undo()
    assert found.code == 3
    assert found.err.startswith(f"error: '{case.folder / name}' belongs to somebody else\n")
    assert case.content() == before


@pytest.mark.parametrize("name", ["o.csv.part", "o.csv.part.json"])
def test_a_pipe_of_that_name_is_no_file(name: str, case: Case) -> None:
    os.mkfifo(case.folder / name)
    found = case.run()
    assert found.code == 3
    assert found.err.startswith(f"error: '{case.folder / name}' is no regular file\n")


def bash(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command.replace("agx", " ".join(PROGRAM))],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=cwd,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("agx eval x*y --points t.csv -f csv -o /dev/stdout", "x,y,value\n1,2,2.0\n"),
        ("agx eval x*y --points t.csv -f csv -o >(tr 1 7) | cat", "x,y,value\n7,2,2.0\n"),
        ("agx eval x*y --points t.csv -f csv -o /dev/fd/3 3>&1", "x,y,value\n1,2,2.0\n"),
        (
            "echo a > log; agx eval x*y --points t.csv -f csv -o /dev/stdout >> log; cat log",
            "a\nx,y,value\n1,2,2.0\n",
        ),
        ("(echo a; agx eval 1+1 -o /dev/stdout; echo b) > log; cat log", "a\n2.0\nb\n"),
        ("agx eval 1+1 -o >(cat) | cat", "2.0\n"),
        ("agx eval 1+1 -o /dev/stderr 2>&1", "2.0\n"),
    ],
)
def test_streams_are_written_as_they_are(command: str, out: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    found = bash(command, tmp_path)
    assert (found.stdout, found.stderr, found.returncode) == (out, "", 0)
    assert {path.name for path in tmp_path.iterdir()} <= {"t.csv", "log"}


PROTECTED = [
    ("eval", "x", "--points", "{table}", "-o", "{out}"),
    ("eval", "x", "--points", "{table}", "-o", "{out}", "--append"),
    ("eval", "x", "--points", "{table}", "-o", "{out}", "--resume"),
    ("eval", "1+1", "-f", "csv", "-o", "{out}"),
    ("functions", "tanh", "-f", "csv", "-o", "{out}"),
]


@pytest.mark.parametrize("words", PROTECTED)
def test_a_file_that_is_protected_is_not_replaced(words: tuple[str, ...], case: Case) -> None:
    """Also for root, whom the system lets do it."""
    case.out.write_text("x,value\n")
    case.out.chmod(0o444)
    link = case.folder / "link.csv"
    link.symlink_to(case.out)
    for name in (case.out, link):
        found = run(*(word.format(table=case.table, out=name) for word in words))
        assert found.code == 3
        assert found.err == (
            f"error: cannot write '{name}': it is write-protected\n"
            "  hint: name another file, or allow it: chmod u+w FILE\n"
        )
    assert case.content() == {"o.csv": b"x,value\n", "link.csv": b"x,value\n"}
    assert stat.S_IMODE(case.out.stat().st_mode) == 0o444


# Other files -------------------------------------------------------------------------------------


def test_progress_is_kept_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Progress(tmp_path / "agx" / "lessons.json", {"first": "finished"})
    progress.save()
    before = progress.file.read_text()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    progress.states["second"] = "begun"
    with pytest.raises(OSError, match="No space"):
        progress.save()
    assert [path.read_text() for path in progress.file.parent.iterdir()] == [before]


def test_a_run_that_ends_early_leaves_nothing(case: Case) -> None:
    found = agx(*case.words[:1], "x*z", *case.words[2:])
    assert found.returncode == 2
    assert case.content() == {}
