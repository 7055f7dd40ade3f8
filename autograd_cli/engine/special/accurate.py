"""Functions with torch's values and derivatives that keep their digits.

Autograd's formulas for these cancel: 1 - tanh(x)**2 has lost four digits at x = 5, and all at 20.
A function here has torch's value to the bit. Its derivative is torch's own where that holds its
digits, and another formula where `cancels` says that it does not; so are those of higher orders.
What Python would record has torch's node: a recorded graph is evaluated without these.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from autograd_cli.engine.special.expansions import alone
from autograd_cli.engine.special.node import Function, Unary, differentiable
from autograd_cli.engine.special.normal import expit, expit_slope, ndtr

aten = torch.ops.aten


def _accurate(
    name: str,
    value: Unary,
    own: Callable[[Tensor, Tensor], Tensor],
    slope: Unary,
    cancels: Callable[[Tensor], Tensor],
) -> Function:
    """`value(x)` with the vector-Jacobian product `own(g, x)`, or g*`slope(x)` where it cancels."""

    def pull(g: Tensor, x: Tensor) -> Tensor:
        return torch.where(cancels(x), g * slope(x), own(g, x))

    return differentiable(name, value, lambda x: x, wide=False, pull=pull)


# Hyperbolic and exponential ---------------------------------------------------------------------

_sech2: Function = differentiable(
    "SechSquared",
    lambda x: (1 / alone(torch.cosh, x)) ** 2,
    lambda x: -2 * torch.tanh(x) * _sech2(x),
)
tanh = _accurate(
    "Tanh",
    torch.tanh,
    lambda g, x: aten.tanh_backward(g, torch.tanh(x)),
    lambda x: _sech2(x),
    lambda x: x.abs() > 4,
)
tanhshrink = _accurate(
    "Tanhshrink",
    functional.tanhshrink,
    lambda g, x: g - aten.tanh_backward(g, torch.tanh(x)),
    lambda x: tanh(x) ** 2,
    lambda x: (x.abs() < 0.3) | (x.abs() > 4),
)
expm1 = _accurate(
    "Expm1", torch.expm1, lambda g, x: g * (torch.expm1(x) + 1), torch.exp, lambda x: x < -3
)

# Of the logistic function -----------------------------------------------------------------------

sigmoid = _accurate(
    "Sigmoid",
    torch.sigmoid,
    lambda g, x: aten.sigmoid_backward(g, torch.sigmoid(x)),
    expit_slope,
    lambda x: (x > 6) | (x.abs() < 0.01),
)


def _log_sigmoid_product(g: Tensor, x: Tensor) -> Tensor:
    product: Tensor = aten.log_sigmoid_backward(g, x, aten.log_sigmoid_forward(x)[1])
    return product


logsigmoid = _accurate(
    "LogSigmoid",
    functional.logsigmoid,
    _log_sigmoid_product,
    lambda x: expit(-x),
    lambda x: x > 6,
)


def _silu_product(g: Tensor, x: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        product: Tensor = aten.silu_backward(g, x)
        return product
    y = torch.sigmoid(x)  # as torch, whose kernel has no derivative
    return g * (y * (1 + x * (1 - y)))


silu = _accurate(
    "Silu",
    functional.silu,
    _silu_product,
    lambda x: expit(x) + x * expit_slope(x),
    lambda x: x > 6,
)


@functools.cache
def _softplus(beta: float, threshold: float) -> Function:
    return _accurate(
        "Softplus",
        lambda x: functional.softplus(x, beta, threshold),
        lambda g, x: aten.softplus_backward(g, x, beta, threshold),
        lambda x: expit(beta * x),
        lambda x: (beta * x > 6) & (beta * x <= threshold),
    )


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return _softplus(beta, threshold)(x)


# mish(x) = x t(x), t = tanh(softplus(x)); t' = 4 e (1 + e) / (2 + 2 e + e**2)**2, e = exp(x)


def _gate_slope_value(x: Tensor) -> Tensor:
    e = torch.exp(-x.abs())  # exp(x), or its reciprocal
    left, right = (2 + 2 * e + e * e) ** 2, (1 + 2 * e + 2 * e * e) ** 2
    return torch.where(x < 0, 4 * e * (1 + e) / left, 4 * e * e * (1 + e) / right)


def _gate_bend(x: Tensor) -> Tensor:
    """t''/t'."""
    e, q = torch.exp(x.clamp(max=0)), torch.exp(-x.clamp(min=0))
    left = 1 + e / (1 + e) - 4 * e * (1 + e) / (2 + 2 * e + e * e)
    right = 1 + 1 / (1 + q) - 4 * (1 + q) / (1 + 2 * q + 2 * q * q)
    return torch.where(x < 0, left, right)


_gate_slope: Function = differentiable(
    "MishGateSlope", _gate_slope_value, lambda x: _gate_slope(x) * _gate_bend(x)
)
_gate = differentiable("MishGate", lambda x: torch.tanh(alone(functional.softplus, x)), _gate_slope)


def _mish_product(g: Tensor, x: Tensor) -> Tensor:
    t = torch.tanh(functional.softplus(x))  # as torch's kernel, which has no rule for batches
    return g * (t + x * torch.sigmoid(x) * (1 - t * t))


mish = _accurate(
    "Mish",
    functional.mish,
    _mish_product,
    lambda x: _gate(x) + x * _gate_slope(x),
    lambda x: x > 4,
)

# Of the normal distribution ---------------------------------------------------------------------


def _normal_density(x: Tensor) -> Tensor:
    return torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)


gelu = _accurate(
    "Gelu",
    functional.gelu,
    aten.gelu_backward,
    lambda x: ndtr(x) + x * _normal_density(x),
    lambda x: x < -3,
)


def _gelu_tanh_slope(x: Tensor) -> Tensor:  # of x sigmoid(2 u)
    x = x.clamp(-40, 40)  # where it is 0 or 1, and no power overflows
    scale = 2 * math.sqrt(2 / math.pi)
    u2 = scale * (x + 0.044715 * x**3)
    return expit(u2) + x * expit_slope(u2) * scale * (1 + 0.134145 * x**2)


gelu_tanh = _accurate(
    "GeluTanh",
    lambda x: functional.gelu(x, approximate="tanh"),
    lambda g, x: aten.gelu_backward(g, x, approximate="tanh"),
    _gelu_tanh_slope,
    lambda x: x.abs() > 3,
)

# Of two operands --------------------------------------------------------------------------------

_cosine: Function = differentiable(  # x/h, whose derivatives are y**2/h**3 and -x*y/h**3
    "HypotCosine",
    lambda x, y: x / torch.hypot(x, y),
    lambda x, y: _cosine(y, x) ** 2 / hypot(x, y),
    lambda x, y: -_cosine(x, y) * _cosine(y, x) / hypot(x, y),
    wide=False,
)
hypot: Function = differentiable(
    "Hypot", torch.hypot, lambda x, y: _cosine(x, y), lambda x, y: _cosine(y, x), wide=False
)

_share: Function = differentiable(  # g/(1 + exp(d)), torch's own, of a difference d
    "LogAddExpShare",
    lambda g, d: g / (1 + torch.exp(d)),
    lambda g, d: _share(torch.ones_like(g), d),
    lambda g, d: -g * expit_slope(d),
    wide=False,
)
logaddexp = differentiable(
    "LogAddExp",
    torch.logaddexp,
    lambda x, y: y - x,
    lambda x, y: x - y,
    wide=False,
    pull=_share,
)


def mod(x: Tensor | float, y: Tensor | float) -> Tensor:
    """x % y; of a number on the left, torch has no derivative."""
    if not isinstance(x, Tensor):
        assert isinstance(y, Tensor)
        x = torch.full_like(y, x)
    return torch.remainder(x, y)


# Binary cross-entropy ---------------------------------------------------------------------------
# torch divides by p*(1 - p), but by no less than 1e-12, and adds as much in the second derivative.


def _odds(p: Tensor) -> Tensor:
    spread = p * (1 - p)
    return torch.where(spread == 0, 1e-12, spread)


_surprise_slope: Function = differentiable(
    "BinaryCrossEntropySlope",
    lambda p, t: (p - t) / _odds(p),
    lambda p, t: (
        torch.where(t == 0, 0.0, t / p**2) + torch.where(t == 1, 0.0, (1 - t) / (1 - p) ** 2)
    ),
    lambda p, t: -1 / _odds(p),
    wide=False,
)
_surprise: Function = differentiable(
    "BinaryCrossEntropy",
    lambda p, t: functional.binary_cross_entropy(p, t, reduction="none"),
    lambda p, t: _surprise_slope(p, t),
    lambda p, t: torch.log1p(-p).clamp(min=-100) - torch.log(p).clamp(min=-100),
    wide=False,
)


def binary_cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    losses = _surprise(input, target)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()
