"""The beta function and its derivatives."""

import math

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import BERNOULLI, alone
from autograd_cli.engine.special.gamma_function import G, gamma_value, lanczos, polygamma_value
from autograd_cli.engine.special.node import Function, differentiable


def _beta(a: Tensor, b: Tensor) -> Tensor:
    """A product of gammas where small, else Lanczos' formula for it (of logs if < 0)."""
    c, big, small = a + b, torch.maximum(a, b), torch.minimum(a, b)
    product = gamma_value(big) / gamma_value(c) * gamma_value(small)
    top = c + (G - 0.5)
    power = (small - 0.5) * torch.log((small + (G - 0.5)) / top)
    power = power + (big - 0.5) * torch.log1p(-small / top) + 0.5 - G
    ratio = lanczos(big) / lanczos(c) * lanczos(small) * torch.exp(power) / top.sqrt()
    logs = torch.exp(torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(c))
    for x in (a, b, c):
        logs = torch.where((x < 0) & (torch.remainder(torch.floor(x), 2) == 1), -logs, logs)
    limit = torch.where(small > 0, 20, 170)  # a + b is rounded, which ``ratio`` does not feel
    safe = (torch.maximum(big, c) < limit) & (torch.minimum(small, c) > -170) & product.isfinite()
    return torch.where(safe, product, torch.where(small > 0, ratio, logs))


def _fall(n: int, a: Tensor, b: Tensor) -> Tensor:
    """psi^(n)(a) - psi^(n)(a + b), precise for small b: the series A&S 6.4.11 from a + 10 on."""
    positive = (a > 0) & (b > 0)
    p, d = torch.where(positive, a, 1), torch.where(positive, b, 1)

    def fall(m: int, p: Tensor) -> Tensor:  # p**-m - (p + d)**-m
        return -alone(torch.pow, p, -m) * torch.expm1(-m * torch.log1p(d / p))

    q, whole = p + 10, math.factorial(n)
    total = math.factorial(n - 1) * fall(n, q) if n else torch.log1p(d / q)
    total = total + whole / 2 * fall(n + 1, q)
    for j, c in enumerate(BERNOULLI[:9], 1):
        c *= math.factorial(2 * j + n - 1) / math.factorial(2 * j)
        total = total + c * fall(2 * j + n, q)
    for j in range(10):
        total = total + whole * fall(n + 1, p + j)
    series = total if n % 2 else -total
    return torch.where(positive, series, polygamma_value(n, a) - polygamma_value(n, a + b))


# The step and the reach of the trapezoidal sum in _mixed: its error is near exp(-pi**2/step).
STEP, REACH = 0.25, 45.0


def _mixed(i: int, j: int, a: Tensor, b: Tensor) -> Tensor:
    """The integral of t**(a-1) log(t)**i (1-t)**(b-1) log(1-t)**j over (0, 1), i and j positive.

    Its terms have one sign, so nothing cancels, and the logarithms take the poles at a = 0 and
    b = 0 away. The trapezoidal rule in v = logit(t), about the peak, converges exponentially.
    """
    peak = torch.log((a + i) / (b + j))
    total = torch.zeros_like(peak)
    for step in range(-round(REACH / STEP), round(REACH / STEP) + 1):
        v = peak + step * STEP
        rest = torch.log1p(torch.exp(-v.abs()))
        log_t, log_s = v.clamp(max=0) - rest, (-v).clamp(max=0) - rest
        total = total + torch.exp(a * log_t + b * log_s) * log_t**i * log_s**j
    return total * STEP


def _partial(i: int, j: int, a: Tensor, b: Tensor) -> Tensor:
    """The derivative of order i by a and j by b: by Leibniz' rule from that of a lower order,

    dB/da = B (psi(a) - psi(a + b)); but that of a small operand by both is its integral.
    """
    if not i:
        return _partial(j, 0, b, a) if j else _beta(a, b)
    total = torch.zeros_like(a + b)
    for p in range(i):
        for q in range(j + 1):
            slope = -polygamma_value(p + q, a + b) if q else _fall(p, a, b)
            weight = math.comb(i - 1, p) * math.comb(j, q)
            total = total + weight * slope * _partial(i - 1 - p, j - q, a, b)
    if j:
        is_small = (torch.minimum(a, b) > 0) & (torch.minimum(a, b) < 1)
        small = _mixed(i, j, torch.where(is_small, a, 1.0), torch.where(is_small, b, 1.0))
        total = torch.where(is_small, small, total)
    return total


_node: Function = differentiable(
    "Beta",
    _partial,
    lambda i, j, a, b: _node(i + 1, j, a, b),
    lambda i, j, a, b: _node(i, j + 1, a, b),
)


def beta(a: Tensor, b: Tensor) -> Tensor:
    """Gamma(a) Gamma(b) / Gamma(a + b)."""
    return _node(0, 0, a, b)
