"""What the second derivatives say of a point: eigenvalues, definiteness, and if it is critical."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.results.matrices import (
    INDEFINITE,
    NEGATIVE,
    NEGATIVE_SEMI,
    POSITIVE,
    POSITIVE_SEMI,
    UNKNOWN,
    ZERO,
    Spectrum,
)

LARGE = 200  # inputs from which on eigenvectors are not for reading
SLACK = 32.0  # how many units of rounding error count as zero


def spectrum(matrix: Tensor, least: float = 0.0) -> Spectrum:
    """Eigenvalues and what they say: LAPACK's symmetric solver, at float32 at least.

    An eigenvalue within SLACK roundings of the largest counts as zero: computed ones are off by
    about that much (Golub & Van Loan, 4th ed., section 8.1), and so are computed entries. So does
    one that is smaller than `least`.
    """
    size = len(matrix)
    rounding = torch.finfo(matrix.dtype).eps
    if not matrix.isfinite().all():
        return Spectrum(
            eigenvalues=None, eigenvectors=None, definiteness=UNKNOWN, condition_number=None
        )
    matrix = matrix.to(torch.promote_types(matrix.dtype, torch.float32))
    vectors = None
    if size <= LARGE:
        values, columns = torch.linalg.eigh(matrix)
        vectors = plain(_oriented(columns.T))
    else:
        values = torch.linalg.eigvalsh(matrix)
    largest = values.abs().max().item()
    smallest = values.abs().min().item()
    zero = max(SLACK * rounding * math.sqrt(size) * largest, least)
    low, high = values[0].item(), values[-1].item()
    return Spectrum(
        eigenvalues=plain(values),
        eigenvectors=vectors,
        definiteness=_DEFINITENESS[_sign(low, zero), _sign(high, zero)],
        condition_number=largest / smallest if smallest else math.inf,
    )


# By the signs of the smallest and the largest eigenvalue.
_DEFINITENESS = {
    (1, 1): POSITIVE,
    (0, 1): POSITIVE_SEMI,
    (-1, 1): INDEFINITE,
    (0, 0): ZERO,
    (-1, 0): NEGATIVE_SEMI,
    (-1, -1): NEGATIVE,
}


def _sign(value: float, zero: float) -> int:
    return 0 if abs(value) <= zero else 1 if value > 0 else -1


def _oriented(vectors: Tensor) -> Tensor:
    """Unit vectors with a positive largest component: LAPACK leaves the signs open."""
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return torch.where(largest < 0, -vectors, vectors) + 0.0  # no -0.0


def is_critical(slope: Tensor, matrix: Tensor, leaves: Sequence[Tensor]) -> bool:
    """Whether the gradient is zero as far as the rounding of the point itself goes.

    A point that is given to the last digit is off by eps*|x|, which moves the gradient by up to
    eps*|H||x|.
    """
    at = torch.cat([leaf.detach().reshape(-1) for leaf in leaves]).abs()
    rounding = SLACK * torch.finfo(slope.dtype).eps
    return bool(((slope == 0) | (slope.abs() <= rounding * (matrix.abs() @ at))).all())
