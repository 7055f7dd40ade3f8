"""agx as a real program: terminals, pipes, signals, encodings, what it imports, completion."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from cli_runner import PROGRAM, agx, environment

SQUARE = ("grad", "x**2+2*x*y+y**2", "--at", "x=2,y=3")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(*words: str, width: int = 80, **environ: str | None) -> tuple[int, str]:
    """Run agx on a terminal of its own; its exit code and what the terminal received."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(**environ),
        start_new_session=True,
    )
    os.close(slave)
    received = b""
    while True:
        select.select([master], [], [], 60)
        try:
            part = os.read(master, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        received += part
    os.close(master)
    return process.wait(60), received.decode().replace("\r\n", "\n")


# Terminals ---------------------------------------------------------------------------------------


def test_a_terminal_gets_a_table_in_colour_and_unicode() -> None:
    code, text = on_terminal(*SQUARE)
    assert code == 0
    assert ESCAPE.search(text)
    lines = [line.rstrip() for line in ESCAPE.sub("", text).splitlines()]
    assert lines == [
        "",
        "  x**2+2*x*y+y**2 = 25",
        "",
        "  variable  value  derivative         autograd",
        "  x             2  ∂f/∂x = 2*x + 2*y        10",
        "  y             3  ∂f/∂y = 2*x + 2*y        10",
        "",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_width_of_the_terminal_is_kept(width: int) -> None:
    _, text = on_terminal("functions", width=width)
    lines = ESCAPE.sub("", text).splitlines()
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 20


def test_columns_wins_over_the_window() -> None:
    _, text = on_terminal("functions", width=120, COLUMNS="40")
    assert max(len(line) for line in ESCAPE.sub("", text).splitlines()) <= 40


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_gets_no_escape_code(environ: dict[str, str]) -> None:
    _, text = on_terminal("functions", "tanh", **environ)
    assert "tanh" in text
    assert "\x1b" not in text


def test_color_always_and_never() -> None:
    assert "\x1b" in agx("functions", "tanh", "-f", "table", "--color", "always").stdout
    assert "\x1b" in agx("functions", "tanh", "-f", "table", FORCE_COLOR="1").stdout
    assert "\x1b" not in agx("functions", "tanh", FORCE_COLOR="1").stdout
    assert "\x1b" not in on_terminal("functions", "tanh", "--color", "never")[1]


@pytest.mark.parametrize("environ", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_without_unicode_all_is_ascii(environ: dict[str, str]) -> None:
    found = agx("grad", "α**2", "-f", "table", **environ)
    assert found.returncode == 0
    assert found.stdout.isascii()
    assert "df/d\\u03b1" in found.stdout


def test_json_in_an_encoding_that_is_not_unicode() -> None:
    found = agx("grad", "α**2", "--json", PYTHONIOENCODING="ascii")
    assert found.stdout.isascii()
    assert json.loads(found.stdout)["symbolic"] == {"α": "2*α"}


def test_bytes_that_are_no_text_are_no_crash() -> None:
    for words in ((b"eval", b"x\xff"), (b"\xff",), (b"functions", b"-o", b"/nowhere/\xff")):
        found = agx(*words)
        assert found.returncode in (2, 3)
        assert found.stderr.startswith("error: ")
        assert "Traceback" not in found.stderr
    assert json.loads(agx(b"eval", b"x\xff", b"--json").stderr)["schema"] == "agx/1"


# Pipes, devices, signals -------------------------------------------------------------------------


def test_a_pipe_gets_plain_text() -> None:
    assert agx("grad", "x**2*y").stdout == "x\t2*x*y\ny\tx**2\n"


def test_the_reader_of_the_pipe_goes_away() -> None:
    command = " ".join([*PROGRAM, "grad", "x*y", "--grid", "x=0:1:1000,y=0:1:100"])
    found = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
    )
    assert found.stdout == "0.0\t0.0\t0.0\t0.0\t0.0\n"
    assert found.stderr == ""
    assert found.returncode == 141


@pytest.mark.parametrize("words", [("lesson", "chain-rule"), ("grad", "x*y", "--at", "x=1,y=2")])
def test_the_reader_of_a_page_goes_away(words: tuple[str, ...], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    found = subprocess.run(
        [*PROGRAM, *words, "--format", "table"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(XDG_STATE_HOME=str(tmp_path)),
    )
    os.close(writing)
    assert found.stderr == b""
    assert found.returncode == 141


def test_the_reader_of_the_pipe_goes_away_before_the_last_flush() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    found = subprocess.run(
        [*PROGRAM, "functions"], stdout=writing, stderr=subprocess.PIPE, env=environment()
    )
    os.close(writing)
    assert found.stderr == b""
    assert found.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_stdout_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [*PROGRAM, "functions"], stdout=full, stderr=subprocess.PIPE, env=environment()
        )
    error = b"error: cannot write to standard output: no space left on device\n"
    assert found.stderr == error
    assert found.returncode == 3


def test_stdout_is_closed() -> None:
    command = " ".join([*PROGRAM, "functions"])
    found = subprocess.run(
        ["bash", "-c", f"{command} >&-"], stderr=subprocess.PIPE, env=environment()
    )
    assert found.stderr == b"error: cannot write to standard output: it is closed\n"
    assert found.returncode == 3


def test_output_to_the_streams_of_the_process() -> None:
    assert agx("functions", "tanh", "-o", "/dev/stdout").stdout.startswith("tanh\t")
    assert agx("functions", "tanh", "-o", "-").stdout.startswith("tanh\t")


def of_a_terminal() -> None:
    """What a shell's foreground job has: a background job ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Press Ctrl-C, and once more if a library swallowed the first; the exit code and stderr."""
    assert process.stderr is not None
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
            break
        except subprocess.TimeoutExpired:
            continue
    return process.returncode, process.stderr.read().decode()


def test_ctrl_c_while_points_are_written() -> None:
    with subprocess.Popen(
        [*PROGRAM, "grad", "x*y", "--grid", "x=0:1:9999,y=0:1:999", "-f", "ndjson"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
        preexec_fn=of_a_terminal,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        assert interrupted(process) == (130, "\n")
    drain.wait(20)


@pytest.mark.parametrize("after", [0.05, 0.15, 0.4, 0.8, 1.6])
def test_ctrl_c_at_any_time(after: float) -> None:
    with subprocess.Popen(
        [*PROGRAM, "grad", "sin(x)", "--grid", "x=0:1:9999999", "--symbolic"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
        preexec_fn=of_a_terminal,
    ) as process:
        time.sleep(after)
        code, error = interrupted(process)
    ended_by_us = code == 130 and error.strip() == ""
    ended_by_python = code in (1, -signal.SIGINT) and "autograd_cli" not in error  # starting up
    assert ended_by_us or ended_by_python, (code, error)


# What is imported --------------------------------------------------------------------------------

HEAVY = ("torch", "sympy", "rich", "numpy", "pydantic")


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], ()),
        (["--version"], ()),
        (["grad", "--help"], ()),
        (["grad", "(x", "--at", "x=1"], ()),
        (["grad", "x", "--at", "x=1", "--dtype", "int8"], ()),
        (["grad", "x", "--ordr", "2"], ()),
        (["functions", "--json"], ()),
        (["completion", "bash"], ()),
        (["functions", "-f", "table"], ("rich",)),
        (["grad", "x**2", "--at", "x=1", "--json"], ("torch", "numpy", "sympy")),
        (["grad", "x**2"], ()),
        (["info"], ("torch", "numpy")),
    ],
)
def test_what_is_imported(words: list[str], allowed: tuple[str, ...]) -> None:
    program = (
        "import sys\n"
        "from autograd_cli.cli import main\n"
        "main(sys.argv[1:])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    imported = set(re.findall(r"'(\w+)'", found.stderr.splitlines()[-1]))
    assert imported <= set(allowed)


# Completion --------------------------------------------------------------------------------------


def completed(line: str, word: str | None = None) -> list[str]:
    """What bash is offered at the end of this line; `word` is its own idea of the last word."""
    found = agx(
        _AGX_COMPLETE="complete_bash",
        _AGX_LINE=line,
        _AGX_WORD=line.rpartition(" ")[2] if word is None else word,
    )
    assert found.stderr == ""
    return found.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "word", "offered"),
    [
        ("agx fu", None, ["functions"]),
        ("agx grad x --grad", None, ["--grad-output"]),
        ("agx grad 3*tan", None, ["3*tan(", "3*tanh(", "3*tanhshrink("]),
        ('agx grad "3*x + tanhs', '"3*x + tanhs', ["3*x + tanhshrink(", "3*x + tanhshrink(x)"]),
        ("agx grad ln", None, ["ln(", "ln(x)"]),
        ("agx grad -tanhs", None, ["-tanhshrink(", "-tanhshrink(x)"]),
        ("agx grad x*foo_ba*y --at ", None, ["x=", "foo_ba=", "y="]),
        ("agx grad -x*foo*y --at x=1,f", "1,f", ["1,foo="]),
        ("agx grad x*y --at x=1 --grid ", None, ["y="]),
        ("agx grad x*y --dtype=fl", "fl", ["float64", "float32", "float16"]),
        ("agx grad x*y --dtype=", "=", ["float64", "float32", "float16", "bfloat16"]),
        ("agx grad x --device cu", None, ["cuda"]),
        ("agx grad x --format nd", None, ["ndjson"]),
        ("agx functions softmi", None, []),
        ("agx functions softm", None, ["softmax"]),
        ("agx completion z", None, ["zsh"]),
    ],
)
def test_completion(line: str, word: str | None, offered: list[str]) -> None:
    assert completed(line, word) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("agx func\t", "agx functions "),
        ("agx functions tanhs\t", "agx functions tanhshrink "),
        ('agx grad "2*tanhs\t', 'agx grad "2*tanhshrink('),
        ("agx grad x*speed --at x=1,s\t", "agx grad x*speed --at x=1,speed="),
        ("agx grad x --dtype bf\t", "agx grad x --dtype bfloat16 "),
    ],
)
def test_completion_in_bash(typed: str, line: str, tmp_path: Path) -> None:
    program = tmp_path / "agx"
    program.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    (tmp_path / "rc").write_text(f"{agx('completion', 'bash').stdout}\nPS1='> '\n")
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", tmp_path / "rc", "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}", TERM="dumb"),
        start_new_session=True,
    ) as shell:
        os.close(slave)
        _received(master, "> ")
        os.write(master, typed.encode())
        text = _received(master, line)
        shell.kill()
    os.close(master)
    assert text == line


def _received(master: int, expected: str) -> str:
    """What a terminal shows, until that is what is expected or nothing comes for a while."""
    text = ""
    while not text.endswith(expected) and select.select([master], [], [], 20)[0]:
        text += os.read(master, 4096).decode().replace("\a", "")
    return text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str, tmp_path: Path) -> None:
    script = agx("completion", shell).stdout
    assert "_AGX_COMPLETE=complete_" + shell in script
    if program := shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(script)
        assert subprocess.run([program, "-n", file], check=False).returncode == 0
