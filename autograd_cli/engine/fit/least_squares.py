"""Linear least squares to the last digit.

The matrix is column-scaled and factorised as QR in float64; the solution is then refined in the
augmented system

    [I  A] [r]   [b]
    [A' 0] [x] = [c]

with residuals in double-double arithmetic (Å. Björck, "Iterative refinement of linear least
squares solutions", 1967). With c = 0 that is min |b - A x|; with b = 0 and c = -e_j, x is the j-th
column of the inverse of A'A. Where the refinement does not settle, because float64 cannot tell the
columns apart, the normal equations are solved in rational arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.fit import rational
from autograd_cli.engine.special.double_double import (
    DoubleDouble,
    times,
    transposed_times,
)
from autograd_cli.errors import EvaluationError

MOST_REFINEMENTS = 20
SETTLED = 2.0**-60  # the relative size of a correction that no longer matters
NOISE = 2.0**-90  # residuals below this, relative to the terms they are made of, are zero
WELL_CONDITIONED = 1e3  # below this, the inverse of A'A has all its digits from R alone
MOST_ENTRIES = 20_000_000  # of the vectors of the augmented systems, to be solved at once


@dataclass(frozen=True)
class Solution:
    """The least-squares solution of A x ≈ b.

    parameters   x, shape (n,)
    residuals    b - A x, shape (m,)
    inverse      the inverse of A'A, shape (n, n)
    triangle     R with R'R = A'A up to rounding, shape (n, n)
    condition    the condition number of A with its columns scaled to length 1
    """

    parameters: Tensor
    residuals: Tensor
    inverse: Tensor
    triangle: Tensor
    condition: float


def solve(
    matrix: DoubleDouble,
    target: DoubleDouble,
    names: Sequence[str],
    terms: Sequence[str] = (),
) -> Solution:
    """Minimise |target - matrix x|.

    matrix has the shape (m, n), target (m,), m >= n; `names` are those of the columns, and
    `terms`, where they are known, say what each is. Raises: EvaluationError where a column depends
    on the others.
    """
    called = [
        f"'{name}'" + (f" ({term})" if term else "")
        for name, term in zip(names, terms or [""] * len(names), strict=True)
    ]
    scale = _scales(matrix.hi, called)  # powers of two, so that scaling is exact
    scaled = DoubleDouble(matrix.hi / scale, matrix.lo / scale)
    size = 2.0 ** torch.frexp(target.hi.abs().max())[1].item() if target.hi.any() else 1.0
    b = DoubleDouble(target.hi / size, target.lo / size)
    triangle = torch.linalg.qr(scaled.hi, mode="r")[1]
    lengths = scaled.hi.norm(dim=0)
    condition = torch.linalg.cond(triangle / lengths).item()
    found = _augmented(scaled, b, only_solution=condition < WELL_CONDITIONED)
    if found is None:
        found = _rational(scaled, b, called)
    x, residuals, inverse = found
    return Solution(
        parameters=x / scale * size,
        residuals=residuals * size,
        inverse=inverse / scale[:, None] / scale,
        triangle=triangle * scale,
        condition=condition,
    )


def _scales(matrix: Tensor, names: Sequence[str]) -> Tensor:
    largest = matrix.abs().amax(dim=0)
    for name, one in zip(names, largest.tolist(), strict=True):
        if one == 0:
            raise EvaluationError(
                f"the data say nothing about {name}: what it multiplies is zero everywhere",
                hint=f"leave {name.split(' (')[0]} out of the model",
            )
    return torch.ldexp(torch.ones_like(largest), torch.frexp(largest)[1])


Found = tuple[Tensor, Tensor, Tensor]


def _augmented(matrix: DoubleDouble, target: DoubleDouble, only_solution: bool) -> Found | None:
    """x, the residuals and the inverse of A'A by refinement; None where it does not settle.

    With `only_solution`, the inverse is left as R gives it.
    """
    rows, columns = matrix.hi.shape
    orthogonal, triangle = torch.linalg.qr(matrix.hi)
    if not triangle.diagonal().all():
        return None
    right = torch.zeros(rows, 1 + columns, dtype=torch.float64)
    right[:, 0] = target.hi
    low = torch.zeros_like(right)
    low[:, 0] = target.lo
    below = torch.zeros(columns, 1 + columns, dtype=torch.float64)
    below[:, 1:] = -torch.eye(columns, dtype=torch.float64)
    step = max(1, MOST_ENTRIES // rows)
    solutions: list[Tensor] = []
    residuals: Tensor | None = None
    for start in range(0, 1 if only_solution else 1 + columns, step):
        chosen = slice(start, 1 if only_solution else start + step)
        found = _refined(
            matrix,
            (orthogonal, triangle),
            DoubleDouble(right[:, chosen], low[:, chosen]),
            DoubleDouble(below[:, chosen]),
        )
        if found is None:
            return None
        solutions.append(found[1].value)
        if residuals is None:
            residuals = _without_noise(matrix, target, found[1][:, 0], found[0][:, 0])
    x = torch.cat(solutions, 1)
    assert residuals is not None
    inverse = x[:, 1:]
    if only_solution:
        root = torch.linalg.solve_triangular(triangle, below[:, 1:], upper=True)
        inverse = root @ root.T
    return x[:, 0], residuals, (inverse + inverse.T) / 2


def _refined(
    matrix: DoubleDouble, factors: tuple[Tensor, Tensor], b: DoubleDouble, c: DoubleDouble
) -> tuple[DoubleDouble, DoubleDouble] | None:
    """r and x of the augmented systems with the right-hand sides b (m, k) and c (n, k)."""
    orthogonal, triangle = factors
    r = DoubleDouble(torch.zeros_like(b.hi))
    x = DoubleDouble(torch.zeros_like(c.hi))
    before = torch.full((b.hi.shape[1],), torch.inf, dtype=torch.float64)
    for _ in range(MOST_REFINEMENTS):
        upper = b - r - times(matrix, x)
        lower = c - transposed_times(matrix, r)
        below = torch.linalg.solve_triangular(triangle.T, lower.value, upper=False)
        within = orthogonal.T @ upper.value - below
        dx = torch.linalg.solve_triangular(triangle, within, upper=True)
        dr = upper.value - orthogonal @ within
        x, r = x + DoubleDouble(dx), r + DoubleDouble(dr)
        change = dx.norm(dim=0) / x.hi.norm(dim=0).clamp(min=1e-300)
        if not change.isfinite().all():
            return None
        # A component that is small beside the others takes its digits from further rounds.
        settled = dx.abs() <= SETTLED * x.hi.abs()
        if (settled | (dx.abs() <= NOISE * x.hi.norm(dim=0))).all():
            return r, x
        if (change > 0.5 * before).any() and (change > SETTLED).any():
            return None
        before = change
    return None


def _without_noise(
    matrix: DoubleDouble, target: DoubleDouble, x: DoubleDouble, residuals: DoubleDouble
) -> Tensor:
    """The residuals, zero where they are no more than the rounding of this arithmetic."""
    size = matrix.hi.abs() @ x.hi.abs() + target.hi.abs()
    value = residuals.value
    return torch.where(value.abs() <= NOISE * size, torch.zeros_like(value), value)


def _rational(matrix: DoubleDouble, target: DoubleDouble, names: Sequence[str]) -> Found:
    rows, columns = matrix.hi.shape
    if rows * columns * columns > rational.MOST_PRODUCTS:
        raise EvaluationError(
            "the columns of the model depend on each other, as far as float64 can tell",
            hint="leave a parameter out, or centre and scale the data",
        )
    try:
        x, residuals, inverse = rational.solve(
            rational.fractions(matrix), [one[0] for one in rational.fractions(target[:, None])]
        )
    except rational.DependentColumnError as error:
        raise EvaluationError(
            f"the data cannot tell {names[error.column]} from the parameters before it:"
            " their columns depend on each other",
            hint=f"leave {names[error.column].split(' (')[0]} out of the model",
        ) from None
    return (
        torch.tensor(x, dtype=torch.float64),
        torch.tensor(residuals, dtype=torch.float64),
        torch.tensor(inverse, dtype=torch.float64),
    )
