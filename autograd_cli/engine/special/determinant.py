"""The determinant with torch's value, and the cofactors as its derivative.

torch has det(A) inv(A).T, which is 0 for every singular matrix, whatever its cofactors are. They
are the determinants of the minors here, of which the same is true, so that the derivatives of all
orders are right: for small matrices by Laplace's expansion in double-double arithmetic, where
neither the sizes of the entries nor their cancellation cost digits, and for larger ones by an LU
factorisation whose pivots are kept from being zero.
"""

from __future__ import annotations

import functools
import itertools

import torch
from torch import Tensor

from autograd_cli.engine.special.double_double import DoubleDouble
from autograd_cli.engine.special.node import Function, differentiable

BY_EXPANSION = 4  # rows of a minor that is expanded; the work doubles with each
AT_ONCE = 8_192  # minors, so that what is between stays in the cache
TINY = 2.0**-100  # what stands for a pivot that is zero, next to the largest: nothing, after det


def _others(n: int) -> list[list[int]]:
    """For each of n numbers the list of the others."""
    return [[k for k in range(n) if k != i] for i in range(n)]


def _minors(a: Tensor) -> Tensor:
    """The minors of (*, n, n) without row i and column j: shape (*, n, n, n - 1, n - 1)."""
    n = a.shape[-1]
    rest = torch.tensor(_others(n), device=a.device).reshape(n, n - 1)
    return a[..., rest[:, None, :, None], rest[None, :, None, :]]


def _signs(n: int, like: Tensor) -> Tensor:
    signs = 1 - 2 * torch.tensor([[(i + j) % 2 for j in range(n)] for i in range(n)])
    return signs.to(like.device, like.dtype).reshape(n, n)


def cofactors(a: Tensor) -> Tensor:
    """The matrix of cofactors of (*, n, n), which is det(A) inv(A).T of an A that has an inverse.

    It is differentiable any number of times.
    """
    n = a.shape[-1]
    if n < 2:
        return torch.ones_like(a)
    if n - 1 > BY_EXPANSION and not torch.is_grad_enabled():
        return _cofactors_by_lu(a.double()).to(a.dtype)
    minors = _minors(a)
    found = minors[..., 0, 0] if n == 2 else _determinant(minors)
    return _signs(n, a) * found + 0.0  # lest there be -0.0


def _cofactors_by_lu(a: Tensor) -> Tensor:
    """Those of a matrix that is within rounding of the given one, in float64."""
    n = a.shape[-1]
    lu, pivots, _ = torch.linalg.lu_factor_ex(a)
    diagonal = lu.diagonal(dim1=-2, dim2=-1)
    is_zero = diagonal == 0
    least = TINY * diagonal.abs().amax(-1, keepdim=True)
    shift = torch.where(is_zero, least, 0.0)
    lu = lu + torch.diag_embed(shift)
    swaps = (pivots != torch.arange(1, n + 1, device=a.device)).sum(-1)
    det = (diagonal + shift).prod(-1) * (1 - 2 * (swaps % 2))
    right = det[..., None, None] * torch.eye(n, dtype=a.dtype, device=a.device)
    found = torch.linalg.lu_solve(lu, pivots, right.expand_as(a), adjoint=True)
    rank_is_less = is_zero.sum(-1) > 1  # by more than one: then every minor is singular
    return torch.where(rank_is_less[..., None, None], 0.0, found)


# Laplace's expansion ------------------------------------------------------------------------------


@functools.cache
def _columns(n: int, size: int) -> tuple[list[list[int]], list[list[int]]]:
    """The choices of `size` of n columns, and for each the places of the choices of one less that
    are left when its columns go in turn."""
    chosen = list(itertools.combinations(range(n), size))
    smaller = {one: place for place, one in enumerate(itertools.combinations(range(n), size - 1))}
    left = [[smaller[one[:k] + one[k + 1 :]] for k in range(size)] for one in chosen]
    return [list(one) for one in chosen], left


def _expanded(a: Tensor) -> Tensor:
    """The determinant of (*, n, n) from the last row up, rounded once: shape (*,)."""
    n = a.shape[-1]
    below = DoubleDouble(a[..., -1, :])
    for size in range(2, n + 1):
        columns, left = _columns(n, size)
        row = a[..., n - size, :]
        total: DoubleDouble | None = None
        for k in range(size):
            entry = DoubleDouble(row[..., [one[k] for one in columns]] * (-1) ** k)
            term = entry * below[..., [one[k] for one in left]]
            total = term if total is None else total + term
        assert total is not None
        below = total
    return below.value[..., 0]


def _value(a: Tensor) -> Tensor:
    n = a.shape[-1]
    plain: Tensor = torch.linalg.det(a)
    if n > BY_EXPANSION:
        return plain
    parts = a.reshape(-1, n, n).split(AT_ONCE)  # type: ignore[no-untyped-call]
    exact = torch.cat([_expanded(part) for part in parts]).reshape(a.shape[:-2])
    return torch.where(exact.isfinite(), exact, plain)  # splitting the largest numbers overflows


def _pull(g: Tensor, slopes: Tensor) -> Tensor:
    return g[..., None, None] * slopes


_determinant: Function = differentiable("Determinant", _value, cofactors, pull=_pull)
det: Function = differentiable("Det", torch.linalg.det, cofactors, wide=False, pull=_pull)
