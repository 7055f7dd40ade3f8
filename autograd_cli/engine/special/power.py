"""Powers with derivatives of any order.

Of x**y by both: torch's own masks cut what they hide. Where x is 0 the second derivatives by y are
nan, and where y is 0 the mixed ones are 0, which are 1/x. A number as an exponent or as a base
needs none of this.

Of a root, sqrt(s), to a whole power: it is smooth where the root has a kink or an infinite slope,
of which autograd, going back through the root, makes nan or 0. The derivative by s of the power k
is k/2 times the power k - 2.
"""

import math
import operator
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import alone
from autograd_cli.engine.special.node import Function, differentiable


def _falling(i: int, j: int, y: Tensor) -> list[Tensor]:
    """The derivatives of y (y - 1) ... (y - i + 1), of the orders 0 to j."""
    found = [torch.ones_like(y), *(torch.zeros_like(y) for _ in range(j))]
    for m in range(i):
        found = [
            one * (y - m) + (order * found[order - 1] if order else 0)
            for order, one in enumerate(found)
        ]
    return found


def _partial(i: int, j: int, x: Tensor, y: Tensor) -> Tensor:
    """The derivative of order i by x and j by y; of orders 0 and 1 with torch's formulas."""
    if not i and not j:
        return torch.pow(x, y)
    if (i, j) == (1, 0):
        return torch.where(y == 0, 0.0, y * x.pow(y - 1))
    if (i, j) == (0, 1):
        return torch.where((x == 0) & (y >= 0), 0.0, x.pow(y) * x.log())
    dtype = torch.result_type(x, y)
    x, y = torch.broadcast_tensors(x.double(), y.double())  # type: ignore[no-untyped-call]
    return torch.where(x == 0, _at_zero(i, j, y), _away(i, j, x, y)).to(dtype)


def _away(i: int, j: int, x: Tensor, y: Tensor) -> Tensor:
    """By Leibniz' rule: x**(y - i) times a polynomial of log(x) and y, which may be 0."""
    log, total = x.log(), torch.zeros_like(x)
    for order, factor in enumerate(_falling(i, j, y)):
        rest = j - order
        total = total + math.comb(j, order) * (factor * log**rest if rest else factor)
    whole, half = (alone(torch.pow, x, exponent) for exponent in (y - i, (y - i) / 2))
    is_out = (whole == 0) | whole.isinf()  # its product with the rest may not be
    found = torch.where(is_out & (x > 0), half * total * half, whole * total)
    nothing = (total == 0) | (is_out & (half == 0))
    if i and j:  # as torch: a negative base to an exponent that stays 0 is no reason for nan
        nothing |= (x < 0) & (y == 0)
    return torch.where(nothing, 0.0, found)


def _at_zero(i: int, j: int, y: Tensor) -> Tensor:
    """The limit for x from above: the highest power of log(x) decides, and x**(y - i) before it."""
    total = torch.zeros_like(y)
    for order, factor in reversed(list(enumerate(_falling(i, j, y)))):
        rest = j - order
        total = torch.where(factor == 0, total, factor * (-math.inf) ** rest)
    limit = torch.where(y == i, total, total * math.inf)
    return torch.where((y > i) | (total == 0), 0.0, limit)


_node: Function = differentiable(
    "Power",
    _partial,
    lambda i, j, x, y: _node(i + 1, j, x, y),
    lambda i, j, x, y: _node(i, j + 1, x, y),
    wide=False,
)


def power(x: Any, y: Any) -> Any:
    """x**y."""
    if isinstance(x, Tensor) and isinstance(y, Tensor) and x.is_floating_point():
        return _node(0, 0, x, y)
    return operator.pow(x, y)


def root_power(root: Tensor, exponent: int, square: Tensor) -> Tensor:
    """``root**exponent``, whole and 2 at least, differentiated as a power of its ``square``."""
    return _root(exponent, root, square)


def _below(k: int, root: Tensor, square: Tensor) -> Tensor:
    """The power k, from 0 on; 0 and 1 are not those of a square."""
    if k == 0:
        return torch.where(root.isnan(), math.nan, 1.0).to(root.dtype)
    return root if k == 1 else _root(k, root, square)


_root: Function = differentiable(
    "RootPower",
    lambda k, root, square: torch.pow(root, k),
    None,
    lambda k, root, square: k / 2 * _below(k - 2, root, square),
    wide=False,
)
