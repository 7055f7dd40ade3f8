"""Results of very many numbers: the same text as of few, in little more memory than they take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from cli_runner import PROGRAM, environment, run

from autograd_cli.engine.core import batches
from autograd_cli.results import array
from autograd_cli.results.array import Array

FORMATS = ("plain", "json", "ndjson", "csv", "table", "latex", "markdown")
STREAMED = ("plain", "json", "ndjson", "csv")
COMMANDS = (
    ("eval", "x*y", "--at", "x=randn(7)", "--at", "y=2"),
    ("eval", "outer(x, x)", "--at", "x=randn(13)"),
    ("eval", "[[[1, 2], [3, nan]], [[inf, -inf], [1e-300, -0.0]]]"),
    ("eval", "x > 0", "--at", "x=randn(7)"),
    ("eval", "zeros(0)"),
    ("grad", "sum(x**2*y)", "--at", "x=randn(11)", "--at", "y=randn(11)"),
    ("grad", "sum(A*A)", "--at", "A=randn(3, 4)"),
    ("grad", "sum(sqrt(x))", "--at", "x=[0, 1, 4, 9]"),
    ("grad", "x**2", "--at", "x=randn(5)", "--grad-output", "ones(5)"),
    ("grad", "sum(x**2)", "--at", "x=randn(5)", "--along", "x=ones(5)"),
    ("hessian", "sum(x**3)", "--at", "x=randn(5)", "--hvp", "x=ones(5)"),
    ("jacobian", "x**2", "--at", "x=randn(6)", "--vjp", "ones(6)"),
    ("jacobian", "x**2", "--at", "x=randn(6)"),
    ("jacobian", "x**2", "--at", "x=randn(6)", "--jvp", "x=ones(6)"),
    ("jacobian", "x**2", "--at", "x=randn(6)", "--svd"),
    ("hessian", "sum(x**3)", "--at", "x=randn(5)"),
    ("hessian", "sum(x**3)", "--at", "x=randn(5)", "--diag"),
    ("graph", "sum(x*x)", "--at", "x=randn(5)"),
    ("explain", "sum(x*x)", "--at", "x=randn(5)"),
    ("check", "sum(x*x)", "--at", "x=randn(5)"),
    ("eval", "x*[1, 2, 3, 4]", "--grid", "x=0:1:3"),
    ("fit", "minimize", "sum((x-1)**2)", "--start", "x=randn(5)", "-q"),
)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_numbers_that_become_lists_late_are_written_as_others(
    words: tuple[str, ...], format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(*words, "-f", format)
    monkeypatch.setattr(batches, "LISTED", 2)
    # Pages look at a few numbers; the others write all of them, in pieces of any size.
    for size in (1, 3, 4, 1000) if format in STREAMED else (3,):
        monkeypatch.setattr(array, "PIECE", size)
        for module in ("csv_", "plain"):
            monkeypatch.setattr(f"autograd_cli.render.{module}.PIECE", size, raising=False)
        assert run(*words, "-f", format) == expected


@pytest.mark.parametrize("format", ["dot", "mermaid", "svg", "html"])
def test_graphs_are_drawn_alike(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("graph", "sum(A @ x * y)", "--at", "A=randn(3, 3)", "--at", "x=randn(3),y=2")
    expected = run(*words, "-f", format)
    monkeypatch.setattr(batches, "LISTED", 2)
    assert run(*words, "-f", format) == expected


def test_what_is_too_long_for_formulas_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside an array of any length, and without making a text of it."""
    words = ("--at", "x=randn(200000)", "--grad-output", "ones(200000)", "-f", "table")
    found = run("grad", "x**2", *words)
    assert found.code == 0
    assert "200000" in found.out


# Arrays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0,), (3, 0)])
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_an_array_reads_as_lists_do(
    shape: tuple[int, ...], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array, "PIECE", size)
    numbers = torch.randn(shape)
    found, lists = Array(numbers), numbers.tolist()
    assert list(found) == lists
    assert found == lists
    assert lists == found
    assert len(found) == len(lists)
    assert found[:2] == lists[:2]
    if lists:
        assert found[-1] == lists[-1]
        assert found != lists[:-1]
    assert found.is_flat == (len(shape) == 1)


# Memory ------------------------------------------------------------------------------------------

COUNT = 1_000_000
PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL,"
    " check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)"
)


def peak(*words: str) -> int:
    """The most memory, in bytes, that agx takes for a command."""
    return int(
        subprocess.run(
            [sys.executable, "-c", PEAK, *PROGRAM, *words],
            capture_output=True,
            text=True,
            env=environment(OMP_NUM_THREADS="1"),
            check=True,
        ).stdout
    )


@pytest.mark.parametrize(
    ("command", "expression", "format"),
    [
        *(("eval", "2*x", format) for format in ("plain", "json", "ndjson", "csv")),
        *(("grad", "sum(x**2)", format) for format in ("plain", "ndjson")),
        *(("eval", "outer(x, y)", format) for format in ("plain", "json")),
    ],
)
def test_memory_is_that_of_the_numbers(command: str, expression: str, format: str) -> None:
    """As Python's lists they would take four times as much, as text ten times."""
    size = "1000" if "y" in expression else "{}"
    more = ["--at", f"y=randn({COUNT // 1000})"] if "y" in expression else []
    few = peak(command, expression, "--at", f"x=randn({size.format(1000)})", *more, "-f", format)
    few = few if not more else peak("eval", "outer(x, x)", "--at", "x=randn(9)", "-f", format)
    many = peak(command, expression, "--at", f"x=randn({size.format(COUNT)})", *more, "-f", format)
    tensors = 5  # values, results, what comes in between, and a copy of what is printed
    assert many - few < (tensors + 2) * 8 * COUNT


def test_a_file_of_many_numbers_is_exact(tmp_path: Path) -> None:
    count = 200_000
    file = tmp_path / "g.txt"
    assert run("grad", "sum(x**2)", "--at", f"x=randn({count})", "-o", str(file)).code == 0
    lines = file.read_text().splitlines()
    drawn = torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = [f"x[{place}]\t{2 * value!r}" for place, value in enumerate(drawn.tolist())]
    assert lines == expected
