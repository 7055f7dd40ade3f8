"""What series and integrals are summed with."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# B_2, B_4, ... B_24 for the Euler-Maclaurin sums (A&S 23.2)
BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
BERNOULLI += [43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730]

# Nodes and weights of integrals over (0, oo) of integrands that decay at a scale near 1:
# trapezoidal sums, which converge exponentially after the substitution t = exp(v - exp(-v)) of
# Takahasi & Mori (Double exponential formulas for numerical integration, 1974).
_STEPS = [(math.exp(i / 8 - math.exp(-i / 8)), 1 + math.exp(-i / 8)) for i in range(-37, 37)]
HALF_LINE = [(t, t * slope / 8) for t, slope in _STEPS]


def horner(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """The polynomial with these coefficients, lowest first."""
    total = torch.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def cosine(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of the cosine."""
    return (torch.sin(x) if k % 2 else torch.cos(x)) * (-1 if k % 4 in (1, 2) else 1)


def alone(function: Callable[..., Tensor], x: Tensor, *others: Tensor | float) -> Tensor:
    """`function(x, *others)`, elementwise and to the bit the same wherever a number stands.

    Of some functions torch has a kernel for vectors that rounds otherwise than the one for single
    numbers; numbers that do not lie side by side are single ones to it.
    """
    return function(torch.stack((x, x), -1)[..., 0], *others)
