"""NIST's Statistical Reference Datasets for regression: problems with certified answers.

They stand in `tests/data/nist`, and are a work of the US government, in the public domain: 25
nonlinear problems with both official starting points, certified parameters and standard errors (11
digits), and linear ones, whose exact answers follow from the data in rational arithmetic.
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

FOLDER = Path(__file__).resolve().parent / "data" / "nist"
CERTIFIED = json.loads((FOLDER / "nonlinear.json").read_text("utf-8"))
NONLINEAR = tuple(CERTIFIED)
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


def nonlinear(name: str) -> Problem:
    found = CERTIFIED[name]
    return Problem(
        file=FOLDER / f"{name}.csv",
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
    file = FOLDER / f"{name}.csv"
    with file.open() as stream:
        rows = [[Fraction(cell) for cell in row] for row in list(csv.reader(stream))[1:]]
    power = LINEAR[name].count("x")
    if name == "Longley":
        matrix = [[Fraction(1), *row[1:]] for row in rows]
    else:
        matrix = [[row[1] ** k for k in range(power + 1)] for row in rows]
    return file, exact(matrix, [row[0] for row in rows])
