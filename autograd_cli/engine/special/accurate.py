"""Functions with torch's values and derivatives that keep their digits.

Autograd's formulas for these cancel: 1 - tanh(x)**2 has lost four digits at x = 5, and all at 20.
A function here has torch's value to the bit. Its derivative is torch's own where that holds its
digits, and another formula where `cancels` says that it does not; those of higher orders are that
formula's, which holds everywhere: torch's own may be nan beside it, inf - inf or 0 times inf.
What Python would record has torch's node: a recorded graph is evaluated without these.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from autograd_cli.engine.special.expansions import alone
from autograd_cli.engine.special.node import (
    Function,
    Unary,
    differentiable,
    standing_in,
    tower,
    zero,
)
from autograd_cli.engine.special.normal import expit, expit_slope, ndtr

aten = torch.ops.aten


def _accurate(
    name: str,
    value: Unary,
    own: Callable[[Tensor, Tensor], Tensor],
    slope: Unary,
    cancels: Callable[[Tensor], Tensor],
) -> Function:
    """`value(x)` with the vector-Jacobian product `own(g, x)`, or g*`slope(x)` where it cancels.

    The derivatives of that product are those of g*`slope(x)`.
    """

    def pull(g: Tensor, x: Tensor) -> Tensor:
        product = g * slope(x)
        with torch.no_grad():
            found = torch.where(cancels(x), product, own(g, x))
        return standing_in(found, product) if torch.is_grad_enabled() else found

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

# Inverse hyperbolic, cosecants, and what is rational --------------------------------------------


def _never(x: Tensor) -> Tensor:
    return torch.zeros_like(x, dtype=torch.bool)


def _root_slopes(k: int, x: Tensor, sign: int) -> Tensor:
    """The k-th derivative of s = 1/sqrt(x**2 + sign): (-1)**k P(x) s**(2k + 1), where

    P_0 = 1 and P_(k+1) = (2k + 1) x P_k - (x**2 + sign) P_k'. As P has every other power of x it is
    a sum of powers of x s, which is near 1 for large x, and s**2.
    """
    powers = [1]  # the coefficients of P, lowest first
    for i in range(k):
        grown = [0] * (i + 2)
        for n, c in enumerate(powers):
            grown[n + 1] += (2 * i + 1 - n) * c
            if n:
                grown[n - 1] -= sign * n * c
        powers = grown
    s = 1 / torch.hypot(x, torch.ones_like(x)) if sign > 0 else ((x - 1).rsqrt() * (x + 1).rsqrt())
    t = x * s
    terms = (c * t**n * s ** (k - n) for n, c in enumerate(powers) if c)
    slopes: Tensor = sum(terms, torch.zeros_like(x)) * s ** (k + 1) * (-1) ** k
    return slopes


asinh = _accurate(
    "Asinh",
    torch.asinh,
    lambda g, x: g * (x.pow(2) + 1).rsqrt(),
    tower("asinh_slope", "1/sqrt(x**2 + 1).", lambda k, x: _root_slopes(k, x, 1)),
    lambda x: x.abs() > 1e150,  # whose square is infinite
)
acosh = _accurate(
    "Acosh",
    torch.acosh,
    lambda g, x: g * (x.pow(2) - 1).rsqrt(),
    tower("acosh_slope", "1/sqrt(x**2 - 1).", lambda k, x: _root_slopes(k, x, -1)),
    lambda x: x > 1e150,
)


def _csc_product(g: Tensor, x: Tensor) -> Tensor:
    y = 1 / torch.sin(x)
    return -g * (y * y) * torch.cos(x)


def _cot_product(g: Tensor, x: Tensor) -> Tensor:
    tan = torch.tan(x)
    y = 1 / tan
    return -g * (y * y) * (1 + tan.pow(2))


csc: Function = _accurate(
    "Csc", lambda x: 1 / torch.sin(x), _csc_product, lambda x: -csc(x) * cot(x), _never
)
cot: Function = _accurate(
    "Cot", lambda x: 1 / torch.tan(x), _cot_product, lambda x: -(csc(x) ** 2), _never
)


def _logit_slopes(k: int, p: Tensor) -> Tensor:
    """The k-th derivative of 1/p + 1/(1 - p), which torch has as 1/(p (1 - p))."""
    left, right = (alone(torch.pow, x, -k - 1) for x in (p, 1 - p))
    both = math.factorial(k) * ((-1) ** k * left + right)
    return torch.where((p < 0) | (p > 1), 0.0 if k else math.nan, both)  # as torch


logit = _accurate(
    "Logit",
    torch.logit,
    lambda g, p: aten.logit_backward(g, p),
    tower("logit_slope", "1/(p (1 - p)).", _logit_slopes),
    _never,
)


def _softsign_product(g: Tensor, x: Tensor) -> Tensor:
    size = x.abs() + 1
    return g / size + (-g * ((x / size) / size)) * x.sgn()


softsign = _accurate(
    "Softsign",
    functional.softsign,
    _softsign_product,
    tower(
        "softsign_slope",
        "1/(1 + |x|)**2.",
        lambda k, x: math.factorial(k + 1) * (-x.sign()) ** k / (1 + x.abs()) ** (k + 2),
    ),
    lambda x: x.abs() > 4,
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


silu = _accurate(
    "Silu",
    functional.silu,
    aten.silu_backward,
    lambda x: expit(x) + x * expit_slope(x),
    lambda x: x > 6,
)


THRESHOLD = 20.0  # torch's own, beyond which softplus has the value x, to 10 digits


@functools.cache
def _softplus(beta: float, threshold: float) -> Function:
    def slope(x: Tensor) -> Tensor:
        smooth = expit(beta * x)
        if threshold >= THRESHOLD:  # a matter of rounding: the function is log(1 + exp(beta x))
            return smooth
        return torch.where(beta * x > threshold, 1.0, smooth)  # one that was asked for: a kink

    return _accurate(
        "Softplus",
        lambda x: functional.softplus(x, beta, threshold),
        lambda g, x: aten.softplus_backward(g, x, beta, threshold),
        slope,
        lambda x: beta * x > 6,
    )


def softplus(x: Tensor, beta: float = 1.0, threshold: float = THRESHOLD) -> Tensor:
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


def _gelu_slope(x: Tensor) -> Tensor:
    x = x.clamp(-40, 40)  # where it is 0 or 1, and no power overflows
    return ndtr(x) + x * _normal_density(x)


gelu = _accurate("Gelu", functional.gelu, aten.gelu_backward, _gelu_slope, lambda x: x < -3)


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


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


_logit_loss_slope: Function = differentiable(
    "BinaryCrossEntropyWithLogitsSlope",
    lambda x, t: torch.where(_is_near(x, t), (1 - t) * expit(x) - t * expit(-x), expit(x) - t),
    lambda x, t: expit_slope(x) + zero(t),
    lambda x, t: -torch.ones_like(x + t),
    wide=False,
)
_logit_loss: Function = differentiable(
    "BinaryCrossEntropyWithLogits",
    lambda x, t: functional.binary_cross_entropy_with_logits(x, t, reduction="none"),
    lambda x, t: _logit_loss_slope(x, t),
    lambda x, t: zero(t) - x,
    wide=False,
)


def _is_near(x: Tensor, t: Tensor) -> Tensor:
    """Whether the logistic function of x is so near to the target that the difference cancels."""
    return (torch.sigmoid(x) - t).abs() < 0.01


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, reduction: str = "mean"
) -> Tensor:
    """torch's second derivative, y (1 - y), is 0 from x = 37 on."""
    return _reduced(_logit_loss(input, target), reduction)


def binary_cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced(_surprise(input, target), reduction)
