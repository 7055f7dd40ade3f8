"""The gamma function, its logarithm and their derivatives.

Lanczos (A precision approximation of the gamma function, 1964) in the rational form of Boost and
CPython: Gamma(x) = lanczos(x) exp(-y) y**(x - 1/2), y = x + G - 1/2.
"""

import math

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import alone, horner
from autograd_cli.engine.special.node import Function, differentiable, tower

PI = math.pi
G = 6.024680040776729583740234375
LANCZOS = [23531376880.410759, 42919803642.649099, 35711959237.355668, 17921034426.037210]
LANCZOS += [6039542586.3520280, 1439720407.3117217, 248874557.86205415, 31426415.585400194]
LANCZOS += [2876370.6289353724, 186056.26539522350, 8071.6720023658162, 210.82427775157935]
LANCZOS += [2.5066282746310003]
RISING = [0, 39916800, 120543840, 150917976, 105258076, 45995730, 13339535, 2637558, 357423, 32670]
RISING += [1925, 66, 1]  # x (x + 1) ... (x + 11)


def lanczos(x: Tensor) -> Tensor:
    r = 1 / x.clamp(min=5)
    far = horner(LANCZOS[::-1], r) / horner(RISING[::-1], r)
    return torch.where(x < 5, horner(LANCZOS, x) / horner(RISING, x), far)


def gamma_value(x: Tensor) -> Tensor:
    a = x.abs().clamp(max=200)  # beyond, Gamma is inf (or 0): do not make nan of it
    y = a + (G - 0.5)
    lost = torch.where(a > G - 0.5, (y - a) - (G - 0.5), (y - (G - 0.5)) - a) * G / y
    half = alone(torch.pow, y, a / 2 - 0.25)  # for the whole power overflows before Gamma does
    above = lanczos(a) / torch.exp(y) * half * half * (1 + lost)
    n = torch.round(x)
    sine = torch.sin(PI * (x - n)) * (1 - 2 * torch.remainder(n, 2))
    below = PI / sine / a * torch.exp(y) / lanczos(a) / half / half * (1 - lost)  # A&S 6.1.17
    result = torch.where(x > 0, above, torch.where(x == n, math.nan, below))
    result = torch.where(x.abs() < 1e-20, 1 / x, result)
    exact = x.new_tensor([float(math.factorial(i)) for i in range(23)])
    whole = (x == n) & (x >= 1) & (x <= 23)
    return torch.where(whole, exact[torch.where(whole, x - 1, 0).long()], result)


def _hurwitz(s: float, q: Tensor) -> Tensor:
    """zeta(s, q), q > 0; for large q by its first terms, for torch's adds numbers below the least
    of full precision."""
    far = alone(torch.pow, q, 1 - s) * (1 / (s - 1) + 1 / (2 * q))
    return torch.where(q > 1e9, far, torch.special.zeta(s, q))


def polygamma_value(n: int, x: Tensor) -> Tensor:
    """psi^(n)(x) as a Hurwitz zeta function (A&S 6.4.10), reflected for x < 0 (A&S 6.4.7)."""
    if not n:
        return torch.digamma(x)
    r = x - torch.round(x)  # the reflection has period 1: take it in (0, 1), sums stay positive
    f, g = torch.where(r < 0, 1 + r, r), torch.where(r < 0, -r, 1 - r)
    # Each by its own side: torch counts up from a negative q one by one.
    z_f, z_g, z_above, z_x = (
        _hurwitz(n + 1.0, q) for q in (f, g, 1 - x.clamp(max=0), x.clamp(0, 1e300))
    )
    series = torch.where(x < 0, z_f - (-1) ** n * (z_g - z_above), z_x)
    return series * (float(math.factorial(n)) * (-1 if n % 2 == 0 else 1))


def _gamma(k: int, x: Tensor) -> Tensor:
    """Gamma^(k) = Gamma times a complete Bell polynomial of psi and its derivatives."""
    bell = [torch.ones_like(x)]
    slopes = [polygamma_value(i, x) for i in range(k)]
    for n in range(k):
        terms = (math.comb(n, i) * bell[n - i] * slopes[i] for i in range(n + 1))
        bell.append(sum(terms, torch.zeros_like(x)))
    return gamma_value(x) * bell[k] if k else gamma_value(x)


# torch's psi' is wrong by 5e-10, hence lgamma'' too
lgamma = tower(
    "lgamma", "log |Gamma(x)|.", lambda k, x: polygamma_value(k - 1, x) if k else torch.lgamma(x)
)
digamma = tower("digamma", "psi(x), the derivative of lgamma.", polygamma_value)
gamma = tower("gamma", "Gamma(x), exact at 1, 2, ... 23.", _gamma)
_polygamma_node: Function = differentiable(
    "Polygamma", polygamma_value, lambda n, x: _polygamma_node(n + 1, x)
)


def polygamma(n: int, x: Tensor) -> Tensor:
    """The n-th derivative of psi(x), 0 <= n <= 170."""
    return _polygamma_node(n, x)
