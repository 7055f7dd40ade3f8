"""Streams of rows: commands in every format of streams, against golden files; their progress."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from cli_runner import run
from golden_files import Golden

from autograd_cli import progress
from autograd_cli.console import Console
from autograd_cli.progress import Progress

GOLDEN = Golden("streams")
COMMANDS = ("eval", "grad", "jacobian", "hessian")
FORMATS = ("csv", "plain", "ndjson", "parquet", "arrow")
EXPRESSION = "x**2 + 3*y**2"  # its numbers are exact, whatever the machine
TABLE = 'id,x,y\n"a, b",2,-1\nnothing,,1\nend,5e-1,0.25\n'


def rows(path: Path) -> str:
    """The file as text; of columns the types, then the rows."""
    if path.suffix not in (".parquet", ".arrow"):
        return path.read_text(encoding="utf-8")
    pytest.importorskip("pyarrow")
    import pyarrow.ipc
    import pyarrow.parquet

    is_arrow = path.suffix == ".arrow"
    table = (
        pyarrow.ipc.open_stream(path.read_bytes()).read_all()
        if is_arrow
        else pyarrow.parquet.read_table(path)
    )
    kinds = [f"{field.name}: {field.type}" for field in table.schema]
    return "".join(f"{line}\n" for line in [*kinds, *map(str, table.to_pylist())])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("command", COMMANDS)
def test_golden(tmp_path: Path, command: str, format: str) -> None:
    points, out = tmp_path / "t.csv", tmp_path / f"o.{format}"
    points.write_text(TABLE)
    words = ("--points", str(points), "-f", format, "-o", str(out), "--on-error", "null")
    assert run(command, EXPRESSION, *words).code == 1
    text = rows(out)
    GOLDEN.holds(command, format, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(COMMANDS, FORMATS))


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "share", "shown"),
    [
        (80, 0.5, "###############...............  50% 1,234 rows, "),
        (40, 0.5, "######.......  50% 1,234 rows, "),
        (30, 0.5, "50% 1,234 rows, "),
        (80, None, "1,234 rows, "),
    ],
)
def test_the_bar_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, share: float | None, shown: str
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress.time, "monotonic", iter((0.0, 1e9, 1e9, 1e9)).__next__)
    terminal = Terminal()
    environ = {"COLUMNS": str(columns), "LC_ALL": "C"}
    console = Console.of_streams(io.StringIO(), io.StringIO(), terminal, environ)
    with Progress(console) as bar:
        bar.rate(1_234, share)
    line, wiped = terminal.getvalue().removeprefix("\r").split("\x1b[K", 1)
    assert line == f"{shown}0 rows/s"
    assert len(line) < columns
    assert wiped == "\r\x1b[K"
