"""Least squares in rational arithmetic: exact whatever the condition, and slow.

The normal equations lose half of the digits of any arithmetic that rounds; here nothing rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from autograd_cli.engine.special.double_double import DoubleDouble

MOST_PRODUCTS = 3_000_000  # of large numbers, a few microseconds each


class DependentColumnError(ArithmeticError):
    """A column that is a combination of those before it."""

    def __init__(self, column: int) -> None:
        super().__init__(column)
        self.column = column


def fractions(matrix: DoubleDouble) -> list[list[Fraction]]:
    """The entries of a matrix of double-double numbers, row by row."""
    return [
        [Fraction(high) + Fraction(low) for high, low in zip(*row, strict=True)]
        for row in zip(matrix.hi.tolist(), matrix.lo.tolist(), strict=True)
    ]


def solve(
    matrix: Sequence[Sequence[Fraction]], target: Sequence[Fraction]
) -> tuple[list[float], list[float], list[list[float]]]:
    """x, the residuals and the inverse of A'A, each rounded once.

    Raises: DependentColumnError.
    """
    # Whole numbers are several times as fast as fractions.
    denominator = max(entry.denominator for row in matrix for entry in row)  # a power of two
    whole = [[int(entry * denominator) for entry in row] for row in matrix]
    columns = list(zip(*whole, strict=True))
    size = len(columns)
    gram = [
        [Fraction(sum(map(int.__mul__, one, other)), denominator**2) for other in columns]
        for one in columns
    ]
    right = [
        sum((a * b for a, b in zip(column, target, strict=True)), Fraction()) / denominator
        for column in columns
    ]
    system = [
        [*row, value, *(Fraction(i == j) for j in range(size))]
        for i, (row, value) in enumerate(zip(gram, right, strict=True))
    ]
    for k in range(size):  # Gauss-Jordan; a Gram matrix needs no pivoting
        pivot = system[k][k]
        if pivot == 0:
            raise DependentColumnError(k)
        system[k] = [entry / pivot for entry in system[k]]
        for i in range(size):
            factor = system[i][k]
            if i != k and factor:
                system[i] = [a - factor * b for a, b in zip(system[i], system[k], strict=True)]
    x = [row[size] for row in system]
    residuals = [
        float(value - sum((a * b for a, b in zip(row, x, strict=True)), Fraction()))
        for row, value in zip(matrix, target, strict=True)
    ]
    return [float(one) for one in x], residuals, [[*map(float, row[size + 1 :])] for row in system]
