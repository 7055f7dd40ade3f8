"""`--timeout`: whatever a command is doing, it ends, and leaves what an interruption leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from cli_runner import PROGRAM, agx, environment, run

from autograd_cli import cli

HINT = "  hint: a longer --timeout lets it go on\n"
# One call of torch that takes long on any machine, and that nothing interrupts.
ONE_CALL = ("sum(eigvalsh(A + A.T))", "--at", "A=randn(7000, 7000)")
GRID = ("--grid", "x=0:1:9000,y=0:1:9000")


def commands() -> list[str]:
    """Every command that takes a text."""
    known = cli.program().commands
    tasks = [f"fit {name}" for name in known["fit"].commands]
    return [*(name for name in known if name not in ("fit", *WITHOUT)), *tasks]


WITHOUT = ("functions", "info", "completion")
WORDS = {
    "lesson": ("first-gradient",),
    "plot": ("sin(x)", "--grid", "x=0:1"),
    "fit linear": (),
    "fit mlp": (),
    "fit curve": ("a*x", "--data", "nowhere.csv"),
    "fit minimize": ("x**2", "--start", "x=1"),
    "fit quadratic": ("x**2", "--start", "x=1"),
}


@pytest.mark.parametrize("command", commands())
def test_every_command_that_takes_text_has_it(command: str) -> None:
    words = WORDS.get(command, ("sin(x)", "--at", "x=1"))
    found = agx(*command.split(), *words, "--timeout", "0.02")
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr == f"error: it took longer than 0.02 s\n{HINT}"


@pytest.mark.parametrize("command", ["eval", "grad"])
def test_one_call_of_torch_is_ended(command: str) -> None:
    found = agx(command, *ONE_CALL, "--timeout", "5")
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr == f"error: it took longer than 5 s\n{HINT}"


def test_the_error_is_json_where_that_is_asked_for() -> None:
    for words in (("--json",), ("-f", "ndjson")):
        found = agx("eval", *ONE_CALL, "--timeout", "4", *words)
        assert (found.returncode, found.stdout) == (3, "")
        assert json.loads(found.stderr)["error"] == {
            "kind": "timeout",
            "message": "it took longer than 4 s",
            "hint": "a longer --timeout lets it go on",
            "span": None,
        }


def test_rows_are_kept_as_at_an_interruption(tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    found = agx("eval", "sin(x*y)", *GRID, "-o", str(out), "--timeout", "10")
    assert found.returncode == 3
    told, *error = found.stderr.splitlines()
    assert told.endswith(" rows are in 'o.csv.part'; --resume continues it")
    assert error == ["error: it took longer than 10 s", HINT.rstrip()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.csv.part", "o.csv.part.json"]
    again = agx("eval", "sin(x*y)", *GRID, "-o", str(out), "--resume", "--timeout", "10")
    assert again.returncode == 3
    rows = [int(one.stderr.split()[1].replace(",", "")) for one in (found, again)]
    assert rows[1] > rows[0]


def test_what_was_half_written_is_gone(tmp_path: Path) -> None:
    out = tmp_path / "o.json"
    out.write_text("old")
    found = agx("eval", "sin(x*y)", *GRID, "-o", str(out), "--timeout", "8")
    assert found.returncode == 3
    assert [path.name for path in tmp_path.iterdir()] == ["o.json"]
    assert out.read_text() == "old"


def test_nothing_of_a_result_reaches_stdout_that_was_not_there_before() -> None:
    """What was delivered stands; half a line is not added to it at the end."""
    found = agx("eval", "sin(x*y)", *GRID, "-f", "csv", "--timeout", "8")
    assert found.returncode == 3
    assert found.stdout.endswith("\n")
    assert found.stdout.startswith("x,y,value\n")


SLOW = "+".join(f"sin(x*y+{number})**{number}*log(x**{number}+y)" for number in range(2, 40))


def test_its_processes_end_with_it() -> None:
    mark = uuid.uuid4().hex
    words = ("grad", SLOW, "--order", "4", "--symbolic", "--at", "x=1,y=2", "--timeout", "2")
    found = agx(*words, AGX_TEST_MARK=mark)
    assert found.returncode == 3
    assert not marked(mark)


def marked(mark: str) -> list[str]:
    """The processes in whose environment a mark stands."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


ENDED = """
import sys
from pathlib import Path
from autograd_cli import interpreter
half = Path(sys.argv[1])
half.write_text("half")
interpreter.start([sys.executable, "-c", "import time; time.sleep(600)"])
sys.stdout.write("half a result")
with interpreter.undone(half.unlink):
    interpreter.end_at_once(3)
"""


def test_an_end_at_once_leaves_nothing_behind(tmp_path: Path) -> None:
    mark, half = uuid.uuid4().hex, tmp_path / "half"
    found = subprocess.run(
        [sys.executable, "-c", ENDED, str(half)],
        capture_output=True,
        env=environment(AGX_TEST_MARK=mark, PYTHONUNBUFFERED=None),
        check=False,
    )
    assert (found.returncode, found.stdout, found.stderr) == (3, b"", b"")
    assert not half.exists()
    assert not marked(mark)


def test_a_command_that_is_quick_enough_does_not_notice() -> None:
    assert run("eval", "2*x", "--at", "x=1", "--timeout", "600").out == "2.0\n"
    assert run("eval", "2*x", "--at", "x=1", "--timeout", "1e300").out == "2.0\n"


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon", ""])
def test_what_is_no_time(value: str) -> None:
    found = run("eval", "x", "--at", "x=1", "--timeout", value)
    assert found.code == 2
    assert found.err.startswith("error: --timeout needs a positive number, not ")


def test_it_is_said_as_soon_as_torch_is_loading(tmp_path: Path) -> None:
    """An exception in the midst of the import of torch would abort the process."""
    for seconds in ("0.3", "0.5", "0.7", "0.9"):
        found = subprocess.run(
            [*PROGRAM, "eval", *ONE_CALL, "--timeout", seconds],
            capture_output=True,
            text=True,
            env=environment(),
            cwd=tmp_path,
            check=False,
        )
        assert found.returncode == 3
        assert found.stderr == f"error: it took longer than {seconds} s\n{HINT}"
    assert not os.listdir(tmp_path)  # noqa: PTH208
