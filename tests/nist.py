"""NIST's Statistical Reference Datasets for regression: problems with certified answers.

Those in the folder `shared`, beside this repository or above it, are used where it is there; a few
more stand in `tests/data/nist`. The data are a work of the US government, in the public domain.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OWN = HERE / "data" / "nist"
SHARED = next(
    (
        folder / "shared" / "data" / "nist-strd"
        for folder in HERE.parents
        if (folder / "shared" / "data" / "nist-strd").is_dir()
    ),
    None,
)
ABSENT = "NIST's data are not there: ../shared/data/nist-strd"

NONLINEAR = (
    *("Bennett5", "BoxBOD", "Chwirut2", "DanWood", "ENSO", "Eckerle4", "Gauss1", "Gauss2", "Hahn1"),
    *("Kirby2", "Lanczos1", "Lanczos3", "MGH09", "MGH17", "Misra1a", "Misra1b", "Misra1d", "Rat42"),
)
OWN_NONLINEAR = ("Lanczos2", "MGH10", "Misra1c", "Nelson", "Rat43", "Roszman1", "Thurber")
# The models of the linear problems.
LINEAR = {
    "Norris": "b0 + b1*x",
    "Filip": " + ".join(["b0", *(f"b{k}*x**{k}" for k in range(1, 11))]),
    "Longley": " + ".join(["b0", *(f"b{k}*x{k}" for k in range(1, 7))]),
    "Wampler1": " + ".join(["b0", *(f"b{k}*x**{k}" for k in range(1, 6))]),
    "Wampler4": " + ".join(["b0", *(f"b{k}*x**{k}" for k in range(1, 6))]),
}


@dataclass(frozen=True)
class Problem:
    """A nonlinear problem: its model, its file, and what is certified of it."""

    file: Path
    model: str
    response: str
    starts: tuple[Mapping[str, float], ...]
    certified: Mapping[str, float]
    standard_error: Mapping[str, float]
    residual_sum_of_squares: float
    observations: int


def nonlinear(name: str) -> Problem | None:
    """The problem, or None where its data are not there."""
    folder = OWN if name in OWN_NONLINEAR else SHARED
    if folder is None:
        return None
    found = json.loads((folder / "nonlinear.json").read_text())[name]
    return Problem(
        file=folder / f"{name}.csv",
        model=found["model"],
        response=found["response"],
        starts=(found["start1"], found["start2"]),
        certified=found["certified"],
        standard_error=found["standard_error"],
        residual_sum_of_squares=found["residual_sum_of_squares"],
        observations=found["observations"],
    )


def digits(found: Mapping[str, Any], right: Mapping[str, float | Fraction]) -> float:
    """The number of right digits of the worst: -log10 of the largest relative error."""
    errors = [abs(Fraction(found[name]) / Fraction(value) - 1) for name, value in right.items()]
    return math.inf if not any(errors) else -math.log10(max(errors))


@dataclass(frozen=True)
class Solution:
    """Least squares in rational arithmetic: parameters, the inverse of X'X, residuals squared."""

    parameters: list[Fraction]
    inverse: list[list[Fraction]]
    rss: Fraction


def exact(matrix: Sequence[Sequence[Fraction]], target: Sequence[Fraction]) -> Solution:
    """The solution of the normal equations by Gauss-Jordan elimination."""
    size = len(matrix[0])
    rows = [
        [sum((row[i] * row[j] for row in matrix), Fraction()) for j in range(size)]
        + [sum((row[i] * value for row, value in zip(matrix, target, strict=True)), Fraction())]
        + [Fraction(i == j) for j in range(size)]
        for i in range(size)
    ]
    for k in range(size):
        rows[k] = [entry / rows[k][k] for entry in rows[k]]
        for i in range(size):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    parameters = [row[size] for row in rows]
    rss = sum(
        (
            (value - sum((a * b for a, b in zip(row, parameters, strict=True)), Fraction())) ** 2
            for row, value in zip(matrix, target, strict=True)
        ),
        Fraction(),
    )
    return Solution(parameters, [row[size + 1 :] for row in rows], rss)


def linear(name: str) -> tuple[Path, Solution]:
    """The file of a linear problem, and its solution from the decimals that stand in it."""
    assert SHARED is not None
    file = SHARED / f"{name}.csv"
    with file.open() as stream:
        rows = [[Fraction(cell) for cell in row] for row in list(csv.reader(stream))[1:]]
    power = LINEAR[name].count("x")
    if name == "Longley":
        matrix = [[Fraction(1), *row[1:]] for row in rows]
    else:
        matrix = [[row[1] ** k for k in range(power + 1)] for row in rows]
    return file, exact(matrix, [row[0] for row in rows])
