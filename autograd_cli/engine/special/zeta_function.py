"""The zeta functions of Riemann and Hurwitz."""

import math

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import BERNOULLI, alone
from autograd_cli.engine.special.node import Function, differentiable


def _zeta(m: int, s: Tensor, q: Tensor) -> Tensor:
    """The m-th derivative of zeta(s, q) in s: the Euler-Maclaurin sum (A&S 23.1.30) from q + 12."""
    value: Tensor = torch.special.zeta(s, q)
    if not m:
        return value
    a, logs = q + 12, [-torch.log(q + k) for k in range(13)]
    # the derivatives of what is multiplied by a**-s: a/(s - 1) + 1/2 + B_2/2! s/a + ...
    factors = [a * math.factorial(i) / (s - 1) * (1 / (1 - s)) ** i for i in range(m + 1)]
    factors[0] = factors[0] + 0.5
    rising = [s, torch.ones_like(s), *(torch.zeros_like(s) for _ in range(m - 1))]
    for j, b in enumerate(BERNOULLI, 1):
        weight = b / math.factorial(2 * j) * alone(torch.pow, a, 1 - 2 * j)
        factors = [f + weight * r for f, r in zip(factors, rising, strict=True)]
        for c in (2 * j - 1, 2 * j):  # the factor s + c, by Leibniz' rule
            lower = [torch.zeros_like(s), *rising]
            rising = [r * (s + c) + i * lower[i] for i, r in enumerate(rising)]
    terms = [math.comb(m, i) * logs[12] ** (m - i) * f for i, f in enumerate(factors)]
    total = sum(terms, torch.zeros_like(a)) * torch.exp(s * logs[12])
    for log in logs[:12]:
        total = total + log**m * torch.exp(s * log)
    return total


def _zeta_dq(m: int, s: Tensor, q: Tensor) -> Tensor:
    first = -s * _zeta_node(m, s + 1, q)
    return first - m * _zeta_node(m - 1, s + 1, q) if m else first


_zeta_node: Function = differentiable(
    "Zeta", _zeta, lambda m, s, q: _zeta_node(m + 1, s, q), _zeta_dq
)


def zeta(s: Tensor, q: Tensor | float = 1.0) -> Tensor:
    """Hurwitz' zeta(s, q), s > 1, Riemann's for q = 1; torch has no derivative in s."""
    return _zeta_node(0, s, q if isinstance(q, Tensor) else torch.as_tensor(q, dtype=s.dtype))
