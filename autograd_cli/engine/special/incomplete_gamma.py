"""The regularised incomplete gamma functions and their derivatives.

P(a, x) is the integral of the density t**(a-1) exp(-t) / Gamma(a) below x, Q(a, x) the one above
(DLMF 8.2.4). The density is written with a / Gamma(a + 1), for the derivatives of 1/Gamma(a) by
those of its logarithm cancel at a = 0.
"""

import math

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import HALF_LINE, alone, horner
from autograd_cli.engine.special.gamma_function import digamma, lgamma, polygamma
from autograd_cli.engine.special.node import Function, differentiable


def _bell(m: int, slope: Tensor, a: Tensor) -> list[Tensor]:
    """f^(k)/f, k = 0 ... m, for log f with f'/f = ``slope`` and (f'/f)' = -psi'(a + 1): complete
    Bell polynomials."""
    rows = [torch.ones_like(slope)]
    for i in range(m):
        terms = (math.comb(i, j) * rows[i - j] * polygamma(j, a + 1) for j in range(1, i + 1))
        rows.append(rows[i] * slope - sum(terms, torch.zeros_like(slope)))
    return rows


def _ratio(m: int, slope: Tensor, a: Tensor) -> Tensor:
    """(a f)^(m)/f, f as above."""
    bell = _bell(m, slope, a)
    return a * bell[m] + m * bell[m - 1] if m else a * bell[0]


def _density(m: int, a: Tensor, x: Tensor) -> Tensor:
    """The m-th derivative in a of x**(a-1) exp(-x) / Gamma(a)."""
    dtype, (a, x) = torch.result_type(a, x), (a.double(), x.double())
    if not m:
        return torch.exp(torch.xlogy(a - 1, x) - x - lgamma(a)).to(dtype)
    density = torch.exp(torch.xlogy(a - 1, x) - x - lgamma(a + 1))
    return (density * _ratio(m, torch.log(x) - digamma(a + 1), a)).to(dtype)


def _by_quadrature(m: int, a: Tensor, x: Tensor, upper: bool) -> Tensor:
    """The integral is taken below x or above, whichever is away from the peak: neither cancels."""
    below = x <= a
    scale_below = 2 / ((a - x).abs() + torch.minimum(a, a.sqrt()))
    scale = torch.where(below, scale_below, 2 * (x + 1) / ((x - a).abs() + 1 + x.sqrt()))
    slope = torch.log(x) - torch.digamma(a + 1)
    total = torch.zeros_like(slope)
    for node, weight in HALF_LINE:  # at x exp(-t) below, at x + t above
        t = node * scale
        log = torch.where(below, -t, torch.log1p(t / x))
        e = torch.where(below, a * log - x * torch.expm1(log), (a - 1) * log - t)
        total = total + weight * torch.exp(e) * _ratio(m, slope + log, a)
    total = total * scale * torch.exp(a * torch.log(x) - x - torch.lgamma(a + 1))
    total = torch.where((x == 0) | x.isinf(), 0, torch.where(below, total, total / x))
    return torch.where(below ^ upper, total, float(m == 0) - total)


# zeta(k) - 1 for k = 2 ... 40, and 1 - Euler's constant
ZETAS = torch.special.zeta(torch.arange(2.0, 41.0, dtype=torch.float64), 2.0).tolist()
REST = 0.42278433509846713939


def _log_gamma_plus_1(a: Tensor) -> Tensor:
    """log Gamma(1 + a), 0 < a < 1, with all its digits near 0 (A&S 6.1.33)."""
    series = [REST, *((-1) ** k * zeta / k for k, zeta in enumerate(ZETAS, 2))]
    return a * horner(series, a) - torch.log1p(a)


def _by_series(m: int, a: Tensor, x: Tensor, upper: bool) -> Tensor:
    """For 0 < a, x < 1, by P = x**a / Gamma(a + 1) (1 + sum of (-x)**n / n! a/(a + n)), DLMF 8.7.1.

    Where both are small P is near 1, and Q is the small difference without a subtraction.
    """
    log = torch.log(x)
    power = a * log - _log_gamma_plus_1(a)
    sums = []
    for k in range(m + 1):
        total = torch.zeros_like(a)
        for n in range(24, 0, -1):
            part = (
                a / (a + n)
                if not k
                else (-1) ** (k + 1) * math.factorial(k) * n / (a + n) ** (k + 1)
            )
            total = total + alone(torch.pow, -x, n) * (part / float(math.factorial(n)))
        sums.append(total)
    if upper and not m:
        return -torch.expm1(power) - torch.exp(power) * sums[0]
    bell = _bell(m, log - torch.digamma(a + 1), a)
    result = bell[m] + sum(
        (math.comb(m, k) * bell[m - k] * sums[k] for k in range(m + 1)), torch.zeros_like(a)
    )
    return torch.exp(power) * (-result if upper else result)


def _gammainc(m: int, a: Tensor, x: Tensor, upper: bool = False) -> Tensor:
    """The m-th derivative in a of P(a, x), or of Q."""
    is_small = (a > 0) & (a < 1) & (x > 0) & (x < 1)
    small = _by_series(m, torch.where(is_small, a, 0.5), torch.where(is_small, x, 0.5), upper)
    found = torch.where(is_small, small, _by_quadrature(m, a, x, upper))
    return torch.where(a < 0, math.nan, found)


_gammainc_node: Function = differentiable(
    "Gammainc", _gammainc, lambda m, a, x: _gammainc_node(m + 1, a, x), _density
)
_gammaincc_node: Function = differentiable(
    "Gammaincc",
    lambda a, x: _gammainc(0, a, x, upper=True),
    lambda a, x: -_gammainc_node(1, a, x),
    lambda a, x: -_density(0, a, x),
)


def gammainc(a: Tensor, x: Tensor) -> Tensor:
    """P(a, x), a > 0, x >= 0; torch's is wrong by 2e-9 for a > 20 near x, and lacks d/da."""
    return _gammainc_node(0, a, x)


def gammaincc(a: Tensor, x: Tensor) -> Tensor:
    """Q(a, x) = 1 - P(a, x), as precise where it is small."""
    return _gammaincc_node(a, x)
