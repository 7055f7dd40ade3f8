"""Elementary functions whose derivatives torch lacks or gets wrong."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import alone, cosine, horner
from autograd_cli.engine.special.node import Function, Unary, differentiable, tower, unary, zero

PI = math.pi


def _sine_ratio(k: int, y: Tensor, wave: Callable[[int], Tensor]) -> Tensor:
    """The k-th derivative of sin(y)/y: Taylor's series, or y s^(k) + k s^(k-1) = sin^(k) y.

    `wave(k)` is the k-th derivative of the cosine at y.
    """
    orders = range((k + 1) // 2, k // 2 + 17)
    series = [(-1) ** j / (math.factorial(2 * j - k) * (2 * j + 1)) for j in orders]
    is_near = y.abs() < 3
    far = torch.where(is_near, 3.0, y)
    s = wave(3) / far
    for i in range(1, k + 1):
        s = (wave(i + 3) - i * s) / far
    return torch.where(is_near, horner(series, torch.where(is_near, y * y, 0.0)) * y.pow(k % 2), s)


def _sinc(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of sin(pi x)/(pi x), by pi**k times that of sin(y)/y, y = pi x.

    Far from 0 the sine and the cosine are those of x less a multiple of 1/2, which is exact: pi x
    is rounded, by 1e-4 at x = 1e12.
    """
    if not k:
        return torch.sinc(x)
    y, quarters = PI * x, torch.round(2 * x)
    rest, turns = PI * (x - quarters / 2), torch.remainder(quarters, 4)

    def wave(order: int) -> Tensor:
        """The derivative of the cosine at y."""
        found = cosine(order, rest)
        for turn in (1, 2, 3):
            found = torch.where(turns == turn, cosine(order + turn, rest), found)
        return found

    return PI**k * _sine_ratio(k, y, wave)


def _cbrt(k: int, x: Tensor) -> Tensor:
    t = x.sign() * alone(torch.pow, x.abs(), 1 / 3)
    t = torch.where((x == 0) | x.isinf(), t, t - (t - x / (t * t)) / 3)  # Newton's step
    return math.prod(1 / 3 - i for i in range(k)) * alone(torch.pow, t, 1 - 3 * k)


# torch's derivative of sinc is off by 36 % at x = 1e-8, the second is nan at 0
sinc = tower(
    "sinc",
    "sin(pi x)/(pi x).",
    _sinc,
)
spherical_bessel_j0 = tower(
    "spherical_bessel_j0",
    "sin(x)/x; torch's drops the gradient.",
    lambda k, x: (
        _sine_ratio(k, x, lambda order: cosine(order, x))
        if k
        else torch.special.spherical_bessel_j0(x)
    ),
)
sech: Unary = unary(
    "sech",
    "1/cosh(x), without overflow.",
    lambda x: 2 * torch.exp(-x.abs()) / (1 + torch.exp(-2 * x.abs())),
    lambda x: -sech(x) * torch.tanh(x),
)
csch: Unary = unary(
    "csch",
    "1/sinh(x), without overflow.",
    lambda x: torch.where(
        x == 0, 1 / x, -2 * x.sign() * torch.exp(-x.abs()) / torch.expm1(-2 * x.abs())
    ),
    lambda x: -csch(x) * coth(x),
)
coth: Unary = unary("coth", "1/tanh(x).", lambda x: 1 / torch.tanh(x), lambda x: -(csch(x) ** 2))
cbrt = tower("cbrt", "The real cube root, also of negative numbers.", _cbrt)

# torch's own kernels for the same numbers, but HardsigmoidBackward0 has no derivative
_hardsigmoid_slope: Function = differentiable(
    "HardsigmoidSlope",
    lambda g, x: torch.where(x.abs() < 3, g / 6, 0.0),  # torch's own 1/6 is float32's
    lambda g, x: _hardsigmoid_slope(torch.ones_like(g), x),
    lambda g, x: zero(x),
    wide=False,
)
_hardsigmoid_node = differentiable(
    "Hardsigmoid",
    torch.nn.functional.hardsigmoid,
    lambda x: x,
    wide=False,
    pull=_hardsigmoid_slope,
)
_floor_divide_node = differentiable(
    "FloorDivide", torch.floor_divide, lambda x, y: zero(x), lambda x, y: zero(y), wide=False
)


def hardsigmoid(x: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6)/6; torch's cannot be differentiated twice."""
    return _hardsigmoid_node(x)


def floor_divide(x: Tensor, y: Tensor) -> Tensor:
    """floor(x / y), of derivative 0; torch's raises in backward."""
    return _floor_divide_node(x, y)
