"""What users typed and their files hold may be anything; a terminal shows it and does not obey."""

from __future__ import annotations

import io
import os
import re
import select
from pathlib import Path

import pytest
from cli_runner import run
from terminals import Terminal

from autograd_cli.console import Console
from autograd_cli.data import delimited
from autograd_cli.errors import printable

RED, TITLE, CSI, BELL, OVER = "\x1b[31m", "\x1b]0;mine\x07", "\x9b31m", "\x07", "\u202e"
HOSTILE = f"a{RED}b{TITLE}c{CSI}d{BELL}e{OVER}f\x7f\x08\x00"
OWN = re.compile(r"\x1b\[[0-9;]*[mK]")  # colours, and the end of a line wiped


def obeyed(text: str) -> list[str]:
    """What a terminal would do of its own accord, beyond agx's own colours and line ends."""
    rest = OWN.sub("", text.replace("\r\n", "\n")).replace("\r", "")
    return [
        character for character in rest if not character.isprintable() and character not in "\n\t"
    ]


def shown(*words: str) -> tuple[int, str]:
    """The exit code of agx on a terminal, and all that the terminal receives."""
    terminal = Terminal(*words)
    received = b""
    while True:
        is_done = terminal.process.poll() is not None
        while select.select([terminal.master], [], [], 0.05)[0]:
            received += os.read(terminal.master, 65536)
        if is_done:
            break
    code, _, _ = terminal.end()
    return code, received.decode()


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "t.csv"
    cells = HOSTILE.replace("\x00", "")
    path.write_text(f"x,{cells}\n1,{cells}\n?,{cells}\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("format", ["csv", "plain", "ndjson", "table", "json"])
def test_cells_do_not_reach_a_terminal_as_commands(format: str, table: str) -> None:
    words = ("eval", "2*x", "--points", table, "--on-error", "skip", "-f", format, "--color")
    code, text = shown(*words, "never")
    assert code == 1
    assert RED not in text
    assert obeyed(text) == []
    assert "2" in text


@pytest.mark.parametrize("name", [HOSTILE.replace("\x00", "").replace("/", "")])
def test_messages_with_names_of_columns_and_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_text(f"x,{name}\n?,2\n", encoding="utf-8")
    for words in (
        ("eval", "x", "--points", str(path)),  # a cell of a file
        ("eval", "y", "--points", str(path)),  # the columns that there are
        ("eval", "x", "--points", str(path) + "no"),
        ("eval", "x", "--at", f"@{path}"),
        ("eval", f"x + {name}", "--at", "x=1"),
        ("lesson", "--file", str(path)),
        ("lesson", name),
        ("plot", "x", "--grid", "x=0:1", "-o", f"{path}.{name}"),
        ("fit", "curve", "a*x", "--data", str(path), "--y", name),
        (name,),
        ("eval", "x", f"--{name}"),
    ):
        code, text = shown(*words)
        assert code in (2, 3)
        assert obeyed(text) == [], words
        assert RED not in text


@pytest.mark.parametrize("format", ["table", "plain", "json", "ndjson", "csv", "latex", "markdown"])
@pytest.mark.parametrize("command", ["eval", "grad", "graph", "explain", "check", "hessian"])
def test_an_expression_with_a_comment(command: str, format: str) -> None:
    """In a comment of an expression anything may stand, and results show it."""
    out = _Terminal()
    err = _Terminal()
    console = Console(
        stdin=io.StringIO(), stdout=out, stderr=err, terminal=True, environ={"TERM": "xterm"}
    )
    from autograd_cli import cli

    cli.main([command, f"x**2 # {HOSTILE}", "--at", "x=1", "-f", format], console)
    assert obeyed(out.getvalue()) == []
    assert obeyed(err.getvalue()) == []
    assert out.getvalue() + err.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_what_there_is(table: str) -> None:
    """Programs read the cells as they are."""
    found = run("eval", "2*x", "--points", table, "--on-error", "skip", "-f", "csv")
    assert HOSTILE.replace("\x00", "") in found.out


@pytest.mark.parametrize("between", [",", "\t"])
@pytest.mark.parametrize("cell", ["a\x1b[31mb", "a\x07", "a\\b", "a\x7f", "é\x85", "\u2028", "süß"])
def test_plain_escapes_the_same_in_large_files(
    cell: str, between: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{number}{between}{cell if number == 9_000 else 'a'}" for number in range(20_000)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([f"x{between}n", *rows, ""]), encoding="utf-8", newline="")
    fast = run("eval", "2*x", "--points", str(path), "-f", "plain")
    monkeypatch.setattr(delimited, "has_arrow", lambda: False)
    monkeypatch.setattr("autograd_cli.render.streams.text.has_arrow", lambda: False)
    assert run("eval", "2*x", "--points", str(path), "-f", "plain") == fast
    assert fast.code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\x1b[31mb\r\n", "a�[31mb�\n"),
        ("\x9b\u202e\x00", "���"),
        ("süß 一 é \u00a0", "süß 一 é \u00a0"),
    ],
)
def test_what_is_printable_stays(text: str, expected: str) -> None:
    assert printable(text) == expected


# Records -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('{"x": 1, "x": 2}', "x"),
        ('{"x": 1, "y": {"a": 1, "a": 2}, "y": 3}', "y"),
        ('{"x":1,"s":"a:b","\\u0078":2}', "x"),
    ],
)
def test_a_key_twice_in_a_record(line: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text(f'{{"x": 0}}\n{line}\n')
    found = run("eval", "x", "--points", str(path))
    assert found.code == 3
    assert f"'{path}', line 2: column '{name}' is there twice" in found.err
    path.write_text(f"{line}\n")
    assert run("eval", "x", "--points", str(path)).code == 3


def test_records_within_records_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text('{"x": 4, "m": {"a": 1, "a": 2}, "t": "12:30:00"}\n')
    assert run("eval", "x", "--points", str(path), "-f", "plain").out.endswith("\t4.0\n")
