"""Every message that the commands and the streams of many points can raise occurs in a test.

The first test reads them in the code; the table below it has those that no other test meets.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_runner import ROOT, run

from autograd_cli import cli
from autograd_cli.console import Console

TESTS = Path(__file__).parent
ROOMS = ("commands", "points", "render/streams")
SHORT = 4  # characters of text between two values that say nothing by themselves

# What is raised there and cannot be met from outside, with the reason.
UNMET = {
    "unknown operation": "programs are made of what the symbolic worker writes",
    "operands come before what is made of them": "and it writes them in order",
    "the grid has no points": "reading --grid refuses a count below 1",
    "these points are not computed here": "stands where the first rows decide what computes them",
}


@dataclass(frozen=True)
class Message:
    place: str
    parts: tuple[str, ...]  # the text between its values


def _parts(node: ast.expr) -> Iterator[str]:
    """The constant texts of an expression that makes a message."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from (one.value for one in node.values if isinstance(one, ast.Constant))
    elif isinstance(node, ast.IfExp):
        yield from (*_parts(node.body), *_parts(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_parts(node.left), *_parts(node.right))


def messages() -> Iterator[Message]:
    for room in ROOMS:
        for file in sorted((ROOT / "autograd_cli" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id.endswith("Error")
                    and node.args
                ):
                    found = (part.strip() for part in _parts(node.args[0]))
                    parts = tuple(part for part in found if len(part) >= SHORT)
                    if parts:
                        yield Message(f"{file.relative_to(ROOT)}:{node.lineno}", parts)


def texts_of_tests() -> str:
    """All tests and what they compare with, adjacent literals joined and quotes unescaped."""
    files = (one for one in TESTS.rglob("*") if one.suffix in {".py", ".txt", ".json", ".md"})
    text = "\n".join(one.read_text("utf-8") for one in sorted(files))
    joined = re.sub(r"([\"'])\s*\n\s*[rf]?\1", "", text)
    return joined.replace('\\"', '"').replace("\\'", "'")


def test_every_message_occurs_in_a_test() -> None:
    tests = texts_of_tests()
    found = list(messages())
    assert len(found) > 100
    missing = [one for one in found if any(part not in tests for part in one.parts)]
    assert not missing, missing


def test_what_is_said_to_be_unmet_is_raised_somewhere() -> None:
    raised = {part for one in messages() for part in one.parts}
    assert set(UNMET) <= raised


TABLE = 'a 1,b,x[0],x[1],"x[0,0]"\n1,2,3,4,5\n'

# The words of a command, and the first line that it writes to stderr. TABLE is a file of the above.
MET = {
    "functions": (
        ["check", "x", "--functions"],
        "error: --functions checks agx's own functions: it takes no expression",
    ),
    "nothing to check": (
        ["check", "1+2"],
        "error: nothing to check: the expression has no variables",
    ),
    "samples beside a grid": (
        ["check", "x", "--grid", "x=0:1:2", "--samples", "3"],
        "error: --grid says already where: leave out --samples and --domain",
    ),
    "samples beside a table": (
        ["check", "b", "--points", "TABLE", "--domain", "b=0:1"],
        "error: --points says already where: leave out --samples and --domain",
    ),
    "claims and an order": (
        ["check", "x**2", "--at", "x=1", "--against", "x: 2*x", "--order", "2"],
        "error: --against says already what is checked: leave out --order and --wrt",
    ),
    "a domain between vectors": (
        ["check", "x**2", "--domain", "x=[1,2]:3", "--samples", "2"],
        "error: the ends of a domain are numbers",
    ),
    "a direction of reverse mode": (
        ["explain", "x*y", "--at", "x=1,y=2", "--along", "x=1"],
        "error: --along is a direction for forward mode; reverse mode finds the derivatives in all"
        " directions at once",
    ),
    "keys without a keyboard": (
        ["explain", "x*y", "--at", "x=1,y=2", "--step"],
        "error: --step waits for keys, so it needs a terminal to read from and to write to",
    ),
    "a column without a name": (
        ["fit", "curve", "k*b", "--data", "TABLE", "--start", "k=1", "--y", "a 1"],
        "error: the column 'a 1' cannot be used: its name is no name in expressions",
    ),
    "a response of no column": (
        ["fit", "curve", "k*b", "--data", "TABLE", "--start", "k=1", "--response", "2"],
        "error: the response has no column in it",
    ),
    "points drawn beside data": (
        ["fit", "linear", "--data", "TABLE", "--true-w", "2"],
        "error: --true-w is about points that are drawn, and --data brings its own",
    ),
    "no response": (
        ["fit", "linear", "--data", "TABLE"],
        "error: which column is the response? a 1, b, x[0], x[1], x[0,0]",
    ),
    "a second graph of two": (
        ["graph", "x*y", "--at", "x=1,y=2", "--order", "2"],
        "error: --order 2 is the graph of one gradient: say by which variable",
    ),
    "why of what is left out": (
        ["graph", "x*y", "--at", "x=1,y=2", "--wrt", "x", "--why", "y"],
        "error: --why y asks for a variable that --wrt leaves out",
    ),
    "one stdin for two": (
        ["grad", "-", "--points", "-"],
        "error: stdin cannot be both the expression and the points",
    ),
    "append and resume": (
        ["grad", "b", "--points", "TABLE", "-o", "out.csv", "--append", "--resume"],
        "error: --append and --resume exclude each other",
    ),
    "a value and a column": (
        ["grad", "b", "--points", "TABLE", "--at", "b=1", "--map", "b=a 1"],
        "error: 'b' has both a value in --at and a column in --map",
    ),
    "twice in the map": (
        ["grad", "b", "--points", "TABLE", "--map", "b=a 1,b=b"],
        "error: 'b' is given twice in --map",
    ),
    "indices of two kinds": (
        ["grad", "sum(x)", "--points", "TABLE"],
        "error: the columns of 'x' in 'TABLE' have different numbers of indices",
    ),
}


@pytest.mark.parametrize("case", MET)
def test_the_message(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("TABLE").write_text(TABLE)
    words, message = MET[case]
    found = run(*words)
    assert found.err.splitlines()[0] == message
    assert found.code in {2, 3}
    assert found.out == ""


def test_keys_play_a_page_and_no_other_format() -> None:
    found = run("lesson", "nan", "--step", "--format", "csv", terminal=True)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: --step plays the page, and not csv")


def test_several_processes_want_a_directory(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x\n1\n")
    launched = {
        "RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "TORCHELASTIC_RUN_ID": "none",
    }
    for points, output in ((str(table), []), ("-", ["-o", str(tmp_path / "folder")])):
        found = run("grad", "x", "--points", points, "-f", "csv", *output, environ=launched)
        assert (found.code, found.out) == (2, "")
        assert found.err.splitlines()[0] == (
            "error: several processes share a file and write to a directory"
        )


def test_a_launcher_that_does_not_say_which_process_this_is() -> None:
    words = ("grad", "x", "--points", "-", "-f", "csv")
    found = run(*words, stdin="x\n1\n", environ={"TORCHELASTIC_RUN_ID": "none", "RANK": "0"})
    assert (found.code, found.out) == (2, "")
    assert found.err.splitlines()[0] == (
        "error: TORCHELASTIC_RUN_ID says that torchrun started this, and RANK, WORLD_SIZE and"
        " LOCAL_WORLD_SIZE do not say which of the processes it is"
    )


def test_standard_input_that_cannot_be_read() -> None:
    """Bytes that are no text, and a stream that was closed."""
    closed = io.StringIO()
    closed.close()
    for stdin, message in (
        (
            io.TextIOWrapper(io.BytesIO(b"x\xff"), "utf-8"),
            "error: cannot read standard input: it is not UTF-8 text",
        ),
        (closed, "error: cannot read standard input: i/o operation on closed file"),
    ):
        err = io.StringIO()
        console = Console(
            stdin=stdin,
            stdout=io.StringIO(),
            stderr=err,
            terminal=False,
            width=80,
            unicode=True,
            utf=True,
            environ={},
        )
        assert cli.main(["eval", "-", "--at", "x=1"], console) == 3
        assert err.getvalue().splitlines()[0].rstrip(".") == message


def test_binary_formats_are_not_for_a_terminal() -> None:
    found = run("grad", "x**2", "--grid", "x=0:1:2", "--format", "arrow", terminal=True)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: arrow is not for a terminal")
