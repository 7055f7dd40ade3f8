"""A program stands in for autograd at many points only where its numbers are autograd's."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import torch
from cli_runner import run
from mpmath import mp, mpf

from autograd_cli.engine.core.context import resolve
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.reader import read
from autograd_cli.points.spot_check import SpotCheck, even_rows, telling_rows
from autograd_cli.settings import Settings

UNIT = 2.0**-53


def rows(*words: str) -> list[dict[str, str]]:
    done = run(*words, "-f", "csv")
    assert done.code == 0, done.err
    return list(csv.DictReader(io.StringIO(done.out)))


@pytest.mark.parametrize("name", ["log1p", "expm1", "tanh", "sigmoid", "softplus", "ndtr"])
def test_functions_with_digits_of_their_own_are_computed_by_autograd(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x\n1\n1e-17\n-1e-17\n20\n")
    asked = ("grad", f"{name}(x)", "--points", str(file), "-f", "csv")
    symbolic = run(*asked, "--via", "symbolic")
    assert symbolic.out == run(*asked, "--via", "autograd").out
    assert symbolic.err == (
        "warning: computed by autograd, not by the formulas:"
        f" {name} has digits that its formula loses\n"
    )


def test_which_functions_have_forms_as_exact_as_themselves() -> None:
    own = {row.name for row in FUNCTIONS.values() if row.elementwise and row.has_own_digits}
    assert not {"add", "mul", "pow", "div", "sin", "cos", "exp", "log", "sqrt"} & own
    assert {"log1p", "expm1", "tanh", "sigmoid", "softplus", "ndtr", "log_ndtr", "erfc"} <= own


@pytest.mark.parametrize("text", ["x**3 + 6*x", "sin(x)*x/(x + 3)", "(1 - cos(x))/x"])
def test_a_single_small_number_among_many_rows_has_its_digits(text: str, tmp_path: Path) -> None:
    """One row of 300,000 is 1e-17: its numbers are autograd's, however large the others are."""
    count, place = 300_000, 123_457
    numbers = [f"{1 + i / count}" for i in range(count)]
    numbers[place] = "1e-17"
    file = tmp_path / "t.csv"
    file.write_text("x\n" + "\n".join(numbers) + "\n")
    found = rows("grad", text, "--points", str(file), "--via", "symbolic")
    alone = tmp_path / "alone.csv"
    alone.write_text("x\n1e-17\n")
    [truth] = rows("grad", text, "--points", str(alone), "--via", "autograd")
    for name in ("value", "d_x"):
        got, right = float(found[place][name]), float(truth[name])
        assert got == pytest.approx(right, rel=1e-13, abs=0)


def test_a_long_sum_of_saturating_functions_keeps_its_digits_to_the_end() -> None:
    terms = [f"tanh(x+{k}/100)" for k in range(60)]
    found = rows("grad", " + ".join(terms), "--grid", "x=0:25:40001")
    with mp.workdps(50):
        for row in found[:: len(found) // 7]:
            truth = sum(1 - mp.tanh(mpf(row["x"]) + mpf(k) / 100) ** 2 for k in range(60))
            assert float(row["d_x"]) == pytest.approx(float(truth), rel=1e-12)


def test_rows_that_tell_are_even_ones_and_those_of_extreme_numbers() -> None:
    column = torch.linspace(1, 2, 100_000, dtype=torch.float64)
    column[[777, 70_001, 99_998]] = torch.tensor([1e-17, -1e9, 0.0], dtype=torch.float64)
    found = set(telling_rows([column], len(column)).tolist())
    assert {777, 70_001, 99_998} <= found
    assert set(even_rows(len(column)).tolist()) <= found
    assert len(found) < 60


def test_every_number_is_judged_by_its_own_rounding() -> None:
    """A number that is small in its column may not be off by what rounds in the large ones."""
    expression = read("x**2 + 3*x")
    spots = SpotCheck(expression, ["x"], torch.float64)
    x = torch.tensor([1e8, 1e-8], dtype=torch.float64)
    value, slope = x**2 + 3 * x, 2 * x + 3
    points = {"x": x}
    assert spots.agree(points, [value, slope], [value, slope])
    assert spots.agree(points, [value * (1 + 8 * UNIT), slope], [value, slope])
    off = value + torch.tensor([0.0, 1e-15], dtype=torch.float64)
    assert not spots.agree(points, [off, slope], [value, slope])
    assert not spots.agree(points, [value, slope * (1 + 1e-9)], [value, slope])
    lost = torch.full_like(value, torch.nan)
    assert not spots.agree(points, [lost, slope], [value, slope])


def test_it_holds_for_float32() -> None:
    assert resolve(Settings(dtype="float32")).dtype is torch.float32
    spots = SpotCheck(read("x*x"), ["x"], torch.float32)
    x = torch.tensor([3.0, 1e-6])
    right = [x * x, 2 * x]
    assert spots.agree({"x": x}, right, right)
    assert not spots.agree({"x": x}, [right[0] * (1 + 1e-3), right[1]], right)
