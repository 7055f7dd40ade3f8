"""Double-double arithmetic: numbers of some 106 bits as unevaluated sums of two float64.

T. J. Dekker, "A floating-point technique for extending the available precision" (1971);
D. E. Knuth, "The Art of Computer Programming" 2, 4.2.2; Y. Hida, X. Li, D. Bailey, "Algorithms for
quad-double precision floating point arithmetic" (2001). The relative error of one operation is a
few 2^-104. Everything is elementwise and broadcasts as torch does.
"""

from __future__ import annotations

import torch
from torch import Tensor

_SPLITTER = 2.0**27 + 1


class DoubleDouble:
    """hi + lo, where hi is the sum rounded to float64."""

    def __init__(self, hi: Tensor, lo: Tensor | None = None) -> None:
        self.hi = hi
        self.lo = torch.zeros_like(hi) if lo is None else lo

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.hi, -self.lo)

    def __add__(self, other: DoubleDouble) -> DoubleDouble:
        high, error = _two_sum(self.hi, other.hi)
        low, rest = _two_sum(self.lo, other.lo)
        high, error = _quick_two_sum(high, error + low)
        return DoubleDouble(*_quick_two_sum(high, error + rest))

    def __sub__(self, other: DoubleDouble) -> DoubleDouble:
        return self + -other

    def __mul__(self, other: DoubleDouble) -> DoubleDouble:
        product, error = _two_product(self.hi, other.hi)
        error = error + (self.hi * other.lo + self.lo * other.hi)
        return DoubleDouble(*_quick_two_sum(product, error))

    def __truediv__(self, other: DoubleDouble) -> DoubleDouble:
        first = self.hi / other.hi
        rest = self - other * DoubleDouble(first)
        second = rest.hi / other.hi
        rest = rest - other * DoubleDouble(second)
        third = rest.hi / other.hi
        return DoubleDouble(*_quick_two_sum(first, second)) + DoubleDouble(third)

    def __getitem__(self, index: object) -> DoubleDouble:
        return DoubleDouble(self.hi[index], self.lo[index])  # type: ignore[index]

    @property
    def value(self) -> Tensor:
        """The nearest float64."""
        return self.hi + self.lo

    def power(self, exponent: int) -> DoubleDouble:
        """The number to a whole power, by repeated squaring."""
        result = DoubleDouble(torch.ones_like(self.hi))
        base, left = self, abs(exponent)
        while left:
            if left & 1:
                result = result * base
            left >>= 1
            base = base * base if left else base
        return DoubleDouble(torch.ones_like(self.hi)) / result if exponent < 0 else result

    def sqrt(self) -> DoubleDouble:
        """The square root of what is not negative, by one step of Newton's method (Karp, 1993)."""
        root = self.hi.sqrt()
        estimate = DoubleDouble(root)
        rest = (self - estimate * estimate).hi
        correction = torch.where(root == 0, torch.zeros_like(root), rest / (2 * root))
        return estimate + DoubleDouble(correction)

    def sum(self) -> DoubleDouble:
        """The sum along the first axis, in pairs."""
        total = self
        while len(total.hi) > 1:
            half = len(total.hi) // 2
            folded = total[:half] + total[half : 2 * half]
            rest = total[2 * half :]
            total = DoubleDouble(torch.cat([folded.hi, rest.hi]), torch.cat([folded.lo, rest.lo]))
        return total[0]


def exact(value: float, like: Tensor) -> DoubleDouble:
    """A float64 number in the shape of `like`."""
    return DoubleDouble(torch.full_like(like, value))


def stack(columns: list[DoubleDouble]) -> DoubleDouble:
    """Columns of shape (m,) as a matrix of shape (m, n)."""
    return DoubleDouble(
        torch.stack([one.hi for one in columns], 1), torch.stack([one.lo for one in columns], 1)
    )


def times(matrix: DoubleDouble, vectors: DoubleDouble) -> DoubleDouble:
    """The product of a matrix (m, n) and vectors (n, k): shape (m, k)."""
    rows, columns = matrix.hi.shape
    total = DoubleDouble(torch.zeros(rows, vectors.hi.shape[1], dtype=torch.float64))
    for number in range(columns):
        total = total + matrix[:, number : number + 1] * vectors[number]
    return total


def transposed_times(matrix: DoubleDouble, vectors: DoubleDouble) -> DoubleDouble:
    """The product of the transpose of a matrix (m, n) and vectors (m, k): shape (n, k)."""
    parts = [
        (matrix[:, number : number + 1] * vectors).sum() for number in range(matrix.hi.shape[1])
    ]
    return DoubleDouble(
        torch.stack([one.hi for one in parts]), torch.stack([one.lo for one in parts])
    )


def _two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _quick_two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    total = a + b
    return total, b - (total - a)


def _two_product(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _split(a: Tensor) -> tuple[Tensor, Tensor]:
    scaled = _SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high
