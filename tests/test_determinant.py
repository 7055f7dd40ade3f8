"""The derivatives of a determinant are its cofactors, at singular matrices too.

The truth is Laplace's expansion in rational arithmetic.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import gradient, gradients
from autograd_cli.engine.derive.hessian import hessian
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings(), accurate=True)
Matrix = Sequence[Sequence[float]]
EXPANDED = (
    5  # rows up to which the cofactors are rounded once; beyond, they are of a matrix near by
)
UNIT = 2.0**-53


def hadamard(a: Matrix) -> float:
    """A bound on every minor of one row and column less: the product of the longest rows."""
    return math.prod(sorted(map(math.hypot, *zip(*a, strict=True)))[1:])


def minor(a: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Fraction:
    """The determinant without these rows and columns."""
    left = [
        [Fraction(one) for j, one in enumerate(row) if j not in columns]
        for i, row in enumerate(a)
        if i not in rows
    ]
    return determinant(left)


def determinant(a: Sequence[Sequence[Fraction]]) -> Fraction:
    """By elimination, without rounding."""
    rows = [list(row) for row in a]
    product = Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot], product = rows[pivot], rows[k], -product
        product *= rows[k][k]
        for i in range(k + 1, len(rows)):
            share = rows[i][k] / rows[k][k]
            rows[i] = [x - share * y for x, y in zip(rows[i], rows[k], strict=True)]
    return product


def of_rank(n: int, rank: int, seed: int) -> Matrix:
    """Whole numbers, so that the rank is exact."""
    generator = random.Random(seed)
    basis = [[generator.randint(-3, 3) for _ in range(n)] for _ in range(rank)]
    weights = [[generator.randint(-2, 2) for _ in range(rank)] for _ in range(n)]
    return [
        [float(sum(w * row[j] for w, row in zip(own, basis, strict=True))) for j in range(n)]
        for own in weights
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 8])
def test_the_gradient_is_the_cofactors(n: int, lost: int, seed: int) -> None:
    a = of_rank(n, n - lost, 100 * n + seed)
    at = {"A": torch.tensor(a, dtype=torch.float64)}
    found = gradient(read("det(A)"), at, CONTEXT).gradient["A"]
    truth = [[float((-1) ** (i + j) * minor(a, [i], [j])) for j in range(n)] for i in range(n)]
    within = 0.0 if n <= EXPANDED else n * UNIT * hadamard(a)
    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64),
        torch.tensor(truth, dtype=torch.float64),
        rtol=2 * UNIT,
        atol=within,
    )


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_hessian_has_the_minors_of_two_rows_and_columns(n: int) -> None:
    for a in ([[0.0] * n] * n, of_rank(n, n - 1, n), of_rank(n, n, n)):
        found = hessian(read("det(A)"), {"A": torch.tensor(a, dtype=torch.float64)}, CONTEXT)
        for p in range(n * n):
            for q in range(n * n):
                (i, j), (k, m) = divmod(p, n), divmod(q, n)
                truth = Fraction(0)
                if i != k and j != m:
                    sign = (-1) ** (i + j + k + m) * (1 if (i < k) == (j < m) else -1)
                    truth = sign * minor(a, [i, k], [j, m])
                assert found.hessian[p][q] == pytest.approx(float(truth), abs=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_the_value_is_torchs_to_the_bit(n: int) -> None:
    a = torch.tensor(of_rank(n, n, n), dtype=torch.float64) / 7
    assert gradient(read("det(A)"), {"A": a}, CONTEXT).value == torch.linalg.det(a).item()


@pytest.mark.parametrize("order", [1, 2])
def test_in_batches(order: int) -> None:
    """Where x = 3 the matrix is singular: its determinant is 4*x - 12."""
    line = torch.linspace(-1, 7, 9, dtype=torch.float64)
    request = DerivativeRequest(order=order)
    rows = list(gradients(read("det([[x, 2], [6, 4]])*x"), {}, {"x": line}, CONTEXT, request))
    truth = [8 * x - 12 if order == 1 else 8.0 for x in line.tolist()]
    assert [row.gradient["x"] for row in rows] == pytest.approx(truth, abs=1e-12)


def test_what_is_recorded_is_torchs() -> None:
    a = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64)
    found = gradient(read("det(A)"), {"A": a}, resolve(Settings())).gradient["A"]
    again = a.clone().requires_grad_()
    assert found == torch.autograd.grad(torch.linalg.det(again), again)[0].tolist()
