"""The error function's relatives: the normal and the logistic distribution.

torch's derivatives cancel: for x >> 0 erfcx'' loses 1e-12 at 10, 4e-5 at 700, and likewise
log_ndtr'' 2e-10 at -40; ndtr, (1 + erf)/2, loses 6e-10 at -5.5; expit', y (1 - y), 1e-3 at 30.
"""

import math

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import HALF_LINE, alone
from autograd_cli.engine.special.node import Unary, tower, unary

PI, SQRT2 = math.pi, math.sqrt(2)


def _erfcx(k: int, x: Tensor) -> Tensor:
    """The k-th derivative: integrals of erfc (A&S 7.2.3) for x > 1, else their recurrence."""
    y = [torch.special.erfcx(x), 2 * x * torch.special.erfcx(x) - 2 / math.sqrt(PI)]
    for i in range(k - 1):
        y.append(2 * x * y[i + 1] + 2 * (i + 1) * y[i])
    a = x.clamp(1, 1e300)
    scale = 2 / (1 + 2 * a)
    terms = (
        w * (t * scale) ** k * torch.exp(-t * scale * (t * scale + 2 * a)) for t, w in HALF_LINE
    )
    integral = sum(terms, torch.zeros_like(x)) * scale
    return torch.where(x > 1, (-2) ** k * 2 / math.sqrt(PI) * integral, y[k]) if k else y[0]


def _below(k: int, x: Tensor) -> Tensor:
    """The k-th derivative, k > 1, of log Phi(x) for x < -1: that of log(erfcx(z) exp(-z*z)/2),
    z = -x/sqrt(2), where those of log(erfcx) are its cumulants: nothing cancels for x << 0."""
    z = x.clamp(max=-1) / -SQRT2
    scaled = torch.special.erfcx(z)
    moments = [_erfcx(i, z) / scaled for i in range(k + 1)]
    cumulants = [torch.zeros_like(z)]
    for n in range(1, k + 1):
        lower = (math.comb(n - 1, i - 1) * cumulants[i] * moments[n - i] for i in range(1, n))
        cumulants.append(moments[n] - sum(lower, torch.zeros_like(z)))
    return cumulants[k] / (-SQRT2) ** k - float(k == 2)


def _above(k: int, x: Tensor) -> Tensor:
    """The k-th derivative, k > 1, of log Phi(x) for x >= -1, by h' = -h (x + h) and Leibniz' rule
    for h = phi(x)/Phi(x), the first."""
    x = x.clamp(min=-1)
    h = [_hazard(x)]
    excess = [x + h[0]]
    for n in range(k - 1):
        terms = (math.comb(n, i) * h[i] * excess[n - i] for i in range(n + 1))
        h.append(-sum(terms, torch.zeros_like(x)))
        excess.append(h[-1] + float(n == 0))
    return h[k - 1]


def _hazard(x: Tensor) -> Tensor:
    """phi(x)/Phi(x), of the normal density and distribution."""
    density: Tensor = math.sqrt(2 / PI) / torch.special.erfcx(x / -SQRT2)
    return density


def _log_ndtr(k: int, x: Tensor) -> Tensor:  # as torch, whose kernel torch.vmap warns about
    if k:
        return torch.where(x < -1, _below(k, x), _above(k, x)) if k > 1 else _hazard(x)
    below = torch.log(torch.special.erfcx(x / -SQRT2) / 2) - x * x / 2
    return torch.where(x < -1, below, torch.log1p(-torch.erfc(x / SQRT2) / 2))


erfcx = tower("erfcx", "exp(x**2) erfc(x).", _erfcx)
log_ndtr = tower("log_ndtr", "log Phi(x).", _log_ndtr)
ndtr = unary(
    "ndtr",
    "Phi(x), the normal distribution.",
    lambda x: torch.erfc(x / -SQRT2) / 2,
    lambda x: torch.exp(-x * x / 2) / math.sqrt(2 * PI),
)
expit_slope: Unary = unary(
    "expit_slope",
    "The derivative of expit.",
    lambda x: alone(torch.sigmoid, x) * alone(torch.sigmoid, -x),
    lambda x: -expit_slope(x) * torch.tanh(x / 2),
)
expit = unary(
    "expit",
    "1/(1 + exp(-x)), the logistic function.",
    lambda x: alone(torch.sigmoid, x),
    expit_slope,
)
