"""Bessel functions of whole order, from those of orders 0 and 1.

The recurrences of Abramowitz & Stegun 9.1.27 and 9.6.26 are stable upward for Y and K, and for J
and I where the argument exceeds the order; below that, the ascending series (9.1.10, 9.6.10) loses
little. Both are torch operations, so autograd differentiates them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograd_cli.engine.special import bessel
from autograd_cli.engine.special.expansions import alone
from autograd_cli.errors import EvaluationError

MAX_ORDER = 20


def besselj(x: Tensor, n: int) -> Tensor:
    """J_n(x), elementwise. Raises: EvaluationError for an order beyond MAX_ORDER."""
    if n < 0:
        return besselj(x, -n) * (-1.0) ** n
    if _checked(n) < 2:
        return bessel.bessel_j1(x) if n else bessel.bessel_j0(x)
    small = x.abs() <= n
    large = torch.where(small, 1.0 + n, x)
    recurred = _upward(n, large, bessel.bessel_j0(large), bessel.bessel_j1(large), -1)
    return torch.where(small, _series(n, torch.where(small, x, 0.0), -1, 24 + n), recurred)


def bessely(x: Tensor, n: int) -> Tensor:
    """Y_n(x), elementwise, x > 0. Raises: EvaluationError for an order beyond MAX_ORDER."""
    if n < 0:
        return bessely(x, -n) * (-1.0) ** n
    if _checked(n) < 2:
        return bessel.bessel_y1(x) if n else bessel.bessel_y0(x)
    return _upward(n, x, bessel.bessel_y0(x), bessel.bessel_y1(x), -1)


def besseli(x: Tensor, n: int) -> Tensor:
    """I_n(x), elementwise. Raises: EvaluationError for an order beyond MAX_ORDER."""
    n = abs(n)
    if _checked(n) < 2:
        return bessel.i1(x) if n else bessel.i0(x)
    # The upward recurrence multiplies rounding errors by about exp(n**2/x).
    bound = float(n * n + 10)
    small = x.abs() <= bound
    large = torch.where(small, bound, x)
    recurred = _upward(n, large, bessel.i0(large), bessel.i1(large), 1)
    terms = 40 + math.ceil(1.2 * bound)
    return torch.where(small, _series(n, torch.where(small, x, 0.0), 1, terms), recurred)


def besselk(x: Tensor, n: int) -> Tensor:
    """K_n(x), elementwise, x > 0. Raises: EvaluationError for an order beyond MAX_ORDER."""
    n = abs(n)
    if _checked(n) < 2:
        return bessel.modified_bessel_k1(x) if n else bessel.modified_bessel_k0(x)
    before, value = bessel.modified_bessel_k0(x), bessel.modified_bessel_k1(x)
    for order in range(1, n):
        before, value = value, before + (2 * order / x) * value
    return value


def _checked(n: int) -> int:
    if n > MAX_ORDER:
        raise EvaluationError(f"Bessel functions have orders up to {MAX_ORDER} here, not {n}")
    return n


def _upward(n: int, x: Tensor, before: Tensor, value: Tensor, sign: int) -> Tensor:
    """f(k+1) = 2k/x f(k) - f(k-1) for J and Y (sign -1), f(k-1) - 2k/x f(k) for I (sign 1)."""
    for order in range(1, n):
        before, value = value, -sign * ((2 * order / x) * value - before)
    return value


def _series(n: int, x: Tensor, sign: int, terms: int) -> Tensor:
    """(x/2)^n/n! times the sum of (sign x²/4)^k / (k! (n+1)...(n+k)), by Horner's rule."""
    square = sign * (x / 2) ** 2
    total = torch.ones_like(x)
    for k in range(terms, 0, -1):
        total = 1 + total * square / (k * (n + k))
    return alone(torch.pow, x / 2, n) / math.factorial(n) * total
