"""A fit on a terminal: the live view, colour, narrow and dumb terminals, Ctrl-C, and pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from cli_runner import PROGRAM, agx, environment

fcntl = pytest.importorskip("fcntl")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *words: str, width: int = 80, **environ: str | None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(**environ),
            start_new_session=True,
        )
        os.close(slave)
        self.received = b""

    def read_until(self, text: str) -> None:
        """Wait for a text; fails where the program ends first."""
        while text.encode() not in self.received:
            part = self._read()
            assert part, self.text()
            self.received += part

    def end(self) -> tuple[int, str]:
        """The exit code, and all that the terminal received."""
        while part := self._read():
            self.received += part
        os.close(self.master)
        return self.process.wait(60), self.text()

    def text(self) -> str:
        return self.received.decode().replace("\r\n", "\n")

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 65536)
        except OSError:  # how Linux says that the other side is closed
            return b""


def test_the_moment_is_drawn_in_place_and_taken_away() -> None:
    terminal = Terminal("fit", "quadratic", "--steps", "40")
    terminal.read_until("━")
    code, text = terminal.end()
    assert code == 0
    frames = re.findall(r"step  .*?(\d+)/40", ESCAPE.sub("", text))
    assert len(frames) > 5
    assert [int(one) for one in frames] == sorted(map(int, frames))
    assert re.search("[▁▂▃▄▅▆▇█]{4}", ESCAPE.sub("", text))
    after = text[text.rindex("\x1b[2K") :]  # the last frame is wiped, the report follows
    assert "━" not in after
    assert "converged after 40 steps" in ESCAPE.sub("", after)


@pytest.mark.parametrize(
    ("environ", "signs"),
    [({"TERM": "dumb"}, None), ({"NO_COLOR": "1"}, "━"), ({"LC_ALL": "C"}, "#")],
)
def test_dumb_colourless_and_plain_terminals(environ: dict[str, str], signs: str | None) -> None:
    code, text = Terminal("fit", "quadratic", "--steps", "10", "--lr", "0.4", **environ).end()
    assert code == 0
    if signs is None:  # it cannot be drawn over
        assert "\x1b" not in text
        assert "10/10" not in text
    else:
        assert signs in text
        assert not re.search(r"\x1b\[[0-9;]*m", text.replace("\x1b[0m", "")) or "LC_ALL" in environ
    if "LC_ALL" in environ:
        assert text.isascii()


@pytest.mark.parametrize(
    "words",
    [
        ("quadratic", "--sweep-lr", "0.01:1.2:4", "--steps", "2000"),
        ("quadratic", "--compare", "gd,adam", "--steps", "4000"),
    ],
)
def test_the_bar_of_a_comparison_is_gone_before_the_result(words: tuple[str, ...]) -> None:
    code, text = Terminal("fit", *words).end()
    assert code in (0, 1)
    bar, wiped, result = text.rpartition("\r\x1b[K")
    assert "░" in bar
    assert wiped
    assert "the best is" not in bar
    assert "the best is" in result
    assert "░" not in result


def test_no_bar_runs_through_what_is_written_meanwhile() -> None:
    words = ("--compare", "gd,adam", "--steps", "3000", "--format", "ndjson")
    _, text = Terminal("fit", "quadratic", *words).end()
    assert "\x1b[K" not in text
    assert all(json.loads(line) for line in text.splitlines())


@pytest.mark.parametrize("width", [40, 120])
def test_every_width(width: int) -> None:
    code, text = Terminal("fit", "quadratic", "--steps", "10", "--lr", "0.4", width=width).end()
    assert code == 0
    assert max(map(len, ESCAPE.sub("", text).splitlines())) <= width


def test_ctrl_c_on_a_terminal_reports_what_there_is() -> None:
    terminal = Terminal("fit", "mlp", "--steps", "100000000", "--every", "1000000")
    terminal.read_until("/100000000")
    time.sleep(0.3)
    terminal.process.send_signal(signal.SIGINT)
    code, text = terminal.end()
    text = ESCAPE.sub("", text)
    assert code == 130
    assert re.search(r"not converged after \d+ steps: interrupted", text)
    assert "Traceback" not in text


def test_ctrl_c_in_a_comparison_shows_those_that_ran() -> None:
    words = [*PROGRAM, "fit", "mlp", "--compare", "gd,adam", "--steps", "100000000", "--json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as running:
        assert running.stdout is not None
        time.sleep(8)  # nothing is written until it has ended
        running.send_signal(signal.SIGINT)
        content = json.loads(running.stdout.read())
        assert running.wait(timeout=60) == 130
    assert [row["optimizer"] for row in content["compared"]] == ["gd"]
    assert content["compared"][0]["reason"] == "interrupted"


def test_quiet_is_the_result_alone() -> None:
    done = agx("fit", "quadratic", "--quiet")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["x", "y"]
    _, text = Terminal("fit", "quadratic", "--quiet").end()
    assert "gradient" in text
    assert "  step  " not in ESCAPE.sub("", text[text.rindex("converged") :])


def test_in_a_pipe_a_fit_that_did_not_converge_says_why_on_stderr() -> None:
    done = agx("fit", "quadratic", "--lr", "1.1", "--steps", "3")
    assert done.returncode == 1
    assert done.stderr == (
        "warning: not converged: diverged: the loss rose from 13 to 38.82\n"
        "warning: the learning rate 1.1 is beyond 1 = 2 / 2, the largest eigenvalue of the Hessian"
        " at the start: try --lr 0.5\n"
    )


def test_ndjson_is_a_record_a_step_and_then_the_result() -> None:
    done = agx("fit", "quadratic", "--steps", "3", "-f", "ndjson")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("step") for row in rows] == [0, 1, 2, 3, None]
    assert rows[-1]["task"] == "quadratic"


def test_plain_is_steps_and_then_parameters() -> None:
    done = agx("fit", "quadratic", "--steps", "2", "--every", "2")
    assert done.stdout == (
        "0\t13.0\t0.0\t0.0\n2\t5.3248\t1.08\t0.7200000000000001\nx\t1.08\ny\t0.7200000000000001\n"
    )


def test_figures_go_into_a_file_and_onto_the_terminal(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("plotille")
    done = agx("fit", "quadratic", "--plot", "f.png", "--show", "-q", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert "descent" in done.stderr  # stdout is for programs
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["x", "y"]
    for words in (["--compare", "gd,adam"], ["--sweep-lr", "0.1:1.2:3"]):
        done = agx("fit", "quadratic", *words, "--plot", "g.svg", cwd=tmp_path)
        assert (tmp_path / "g.svg").read_text().lstrip().startswith("<?xml")


def test_neither_help_nor_a_wrong_line_imports_torch() -> None:
    code = (
        "import sys; from autograd_cli import cli; cli.main({words}); "
        "print([one for one in ('torch', 'sympy', 'matplotlib') if one in sys.modules])"
    )
    for words in (
        ["fit", "mlp", "--help"],
        ["fit", "minimize", "x**", "--start", "x=1"],
        ["fit", "quadratic", "--schedule", "cosin"],
        ["fit", "quadratic", "--optimizer", "adma"],
        ["fit", "quadratic", "--sweep-lr", "1"],
        ["fit", "minimize", "x", "--bounds", "x=1"],
    ):
        done = subprocess.run(
            [PROGRAM[0], "-c", code.format(words=words)],
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
        assert done.stdout.splitlines()[-1] == "[]", words
