"""What is read whole: limits, pipes, devices, and keys that are there twice."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from cli_runner import PROGRAM, agx, environment, run

from autograd_cli.data import pipes
from autograd_cli.data.textfile import read_text
from autograd_cli.errors import FileError

TOO_LARGE = "it has more than 16 MiB"


def readers(name: str) -> list[tuple[str, ...]]:
    """Every way in which a command reads a file whole."""
    return [
        ("eval", "x", "--at", f"@{name}"),
        ("eval", f"@{name}"),
        ("fit", "minimize", "x**2", "--start", f"@{name}"),
        ("lesson", "--file", name),
    ]


@pytest.mark.parametrize("which", range(4))
def test_a_file_beyond_the_limit_is_refused(which: int, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate((1 << 24) + 1)
    found = run(*readers(str(file))[which])
    assert (found.code, found.out) == (3, "")
    assert found.err == (
        f"error: cannot read '{file}': {TOO_LARGE}\n"
        "  hint: only a table may be larger: --points FILE, --data FILE\n"
    )


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    file.write_text('{"x": 2}'.ljust(1 << 24))
    assert run("eval", "x", "--at", f"@{file}", "-f", "plain").out == "2.0\n"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
@pytest.mark.parametrize("which", range(4))
def test_a_device_that_never_ends_is_refused(which: int, device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"this system has no {device}")
    found = run(*readers(device)[which])
    assert found.code == 3
    assert found.err == f"error: cannot read '{device}': it is a device, which need not end\n"


@pytest.mark.parametrize(
    "words", [("eval", "x", "--points"), ("fit", "curve", "a*x", "--y", "y", "--data")]
)
def test_nor_is_it_a_table(words: tuple[str, ...]) -> None:
    found = run(*words, "/dev/zero")
    assert found.code == 3
    assert found.err == "error: cannot read '/dev/zero': it is a device, which need not end\n"


def test_no_device_is_an_empty_file() -> None:
    assert read_text(os.devnull) == ""


def test_a_pipe_is_waited_for_once_somebody_writes() -> None:
    """As `--at @<(…)` makes one: the writer may think for longer than a pipe may stand alone."""
    reading, writing = os.pipe()

    def write() -> None:
        time.sleep(0.3)
        os.write(writing, b'{"x": ')
        time.sleep(0.3)
        os.write(writing, b"5}")
        os.close(writing)

    thread = threading.Thread(target=write)
    before, pipes.PATIENCE = pipes.PATIENCE, 0.1
    try:
        thread.start()
        found = run("eval", "x", "--at", f"@/dev/fd/{reading}", "-f", "plain")
    finally:
        pipes.PATIENCE = before
        thread.join()
        os.close(reading)
    assert found.out == "5.0\n"


def test_substituted_processes() -> None:
    line = "eval 'x*y' --at @<(sleep 1; echo '{\"x\": 2}') --at @<(echo '{\"y\": 3}')"
    found = subprocess.run(
        ["bash", "-c", f"{' '.join(PROGRAM)} {line}"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "6.0\n", "")


@pytest.mark.parametrize("which", range(4))
def test_a_pipe_into_which_nobody_writes_is_given_up(which: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    begun = time.monotonic()
    found = agx(*readers(str(pipe))[which])
    assert found.returncode == 3
    assert found.stderr == (
        f"error: cannot read '{pipe}': nobody has written into this pipe for 5 s\n"
        "  hint: start what writes into it first\n"
    )
    assert time.monotonic() - begun >= pipes.PATIENCE


@pytest.mark.parametrize(
    "words", [("eval", "x", "--points"), ("fit", "curve", "a*x", "--y", "y", "--data")]
)
def test_so_is_one_that_is_a_table(words: tuple[str, ...], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = agx(*words, str(pipe))
    assert found.returncode == 3
    assert found.stderr.startswith(
        f"error: cannot read '{pipe}': nobody has written into this pipe"
    )


def test_a_table_may_come_late_and_slowly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        time.sleep(0.5)
        with pipe.open("w") as out:
            for line in ("x", "1", "2"):
                out.write(f"{line}\n")
                out.flush()
                time.sleep(0.2)

    thread = threading.Thread(target=write)
    thread.start()
    assert (
        agx("eval", "2*x", "--points", str(pipe), "-f", "csv").stdout == "x,value\n1,2.0\n2,4.0\n"
    )
    thread.join()


def test_a_pipe_whose_writer_comes_late(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        time.sleep(0.5)
        with pipe.open("w") as out:
            time.sleep(0.5)
            out.write('{"x": 4}')

    thread = threading.Thread(target=write)
    thread.start()
    assert run("eval", "x", "--at", f"@{pipe}", "-f", "plain").out == "4.0\n"
    thread.join()


def test_more_than_the_limit_through_a_pipe() -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as out:
            for _ in range(1 << 9):
                out.write(b" " * (1 << 16))

    thread = threading.Thread(target=write)
    thread.start()
    with pytest.raises(FileError, match=TOO_LARGE):
        read_text(f"/dev/fd/{reading}")
    os.close(reading)
    thread.join()


def test_line_ends_and_the_mark_of_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "e.txt"
    file.write_bytes(b"\xef\xbb\xbfu = x**2;\r\nu + 1\r")
    assert read_text(file) == "u = x**2;\nu + 1\n"
    assert run("eval", f"@{file}", "--at", "x=3", "-f", "plain").out == "10.0\n"


@pytest.mark.parametrize("words", [("eval", "@"), ("eval", "x", "--at", "@")])
def test_no_name_after_the_sign(words: tuple[str, ...]) -> None:
    found = run(*words)
    assert (found.code, found.err.splitlines()[0]) == (2, "error: @ names no file")


# Progress ----------------------------------------------------------------------------------------


def test_progress_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    file = tmp_path / "agx" / "lessons.json"
    file.parent.mkdir()
    with file.open("wb") as out:
        out.truncate((1 << 24) + 1)
    found = run("lesson", "search", "in-place", environ={"XDG_STATE_HOME": str(tmp_path)})
    assert found.code == 0
    assert found.err.startswith(
        f"warning: your progress is not known: cannot read '{file}': {TOO_LARGE}\n"
    )
    file.unlink()
    found = run("lesson", "search", "in-place", environ={"XDG_STATE_HOME": str(tmp_path)})
    assert (found.code, found.err) == (0, "")


# Twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "line", "column"),
    [
        ('{"x": 1, "x": 2}', "x", 1, 9),
        ('{"x": 1, "x": 1}', "x", 1, 9),
        ('{\n  "v": [1, {}, "}"],\n  "x": "a\\"b",\n  "v" : 2\n}', "v", 4, 2),
        ('\ufeff{"a":1,"b":{"a":[]},"b":2}', "b", 1, 20),
        ('{"x":1,"\\u0078":2}', "x", 1, 7),
        ('{"Ω":1,"\u2126":2}', "Ω", 1, 7),
    ],
)
def test_a_key_that_is_there_twice(
    text: str, name: str, line: int, column: int, tmp_path: Path
) -> None:
    file = tmp_path / "v.json"
    file.write_text(text, encoding="utf-8")
    found = run("eval", name, "--at", f"@{file}")
    message, shown, carets, hint = found.err.splitlines()
    assert found.code == 2
    assert message == f"error: '{name}' is given twice in '{file}', line {line}"
    assert carets.index("^") == column + 2
    assert shown[2:] in text
    assert hint == "  hint: give every variable one value"


def test_keys_of_other_objects_may_be_the_same(tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for number, file in enumerate(files):
        file.write_text(json.dumps({"xy"[number]: number + 2}))
    found = run("eval", "x*y", "--at", f"@{files[0]}", "--at", f"@{files[1]}", "-f", "plain")
    assert found.out == "6.0\n"
