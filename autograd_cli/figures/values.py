"""Which values of a field are shown, in which colours, and at which of them contours run.

Where most of a field is close to its lowest value (a valley between high walls) even steps would
show the walls alone. There, contours grow as 1, 3, 10, 30 above the lowest value, and the colours
go with the logarithm of the height above it; upside down where most is close to the highest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from autograd_cli.figures.figure import LINEAR, Field, Limits
from autograd_cli.figures.scale import ticks

SKEWED = 0.1  # of the range that holds half of the values, from where on steps are not even
TAIL = 0.02  # of the values may lie beyond the others
FAR = 10.0  # times the range of the others: then they are left out


@dataclass(frozen=True)
class Values:
    """Values in ascending order, those that are not finite left out."""

    ordered: Sequence[float]

    @classmethod
    def of(cls, field: Field) -> Values:
        return cls.of_numbers(one for row in field.z for one in row)

    @classmethod
    def of_numbers(cls, numbers: Iterable[float]) -> Values:
        return cls(sorted(filter(math.isfinite, numbers)))

    @cached_property
    def limits(self) -> Limits:
        """The values that have colours: all of them, or without a few far ones."""
        if not self.ordered:
            return (0.0, 1.0)
        low, high = self.ordered[0], self.ordered[-1]
        inner_low, inner_high = self._quantile(TAIL), self._quantile(1 - TAIL)
        span = inner_high - inner_low
        if span > 0:
            low = inner_low if inner_low - low > FAR * span else low
            high = inner_high if high - inner_high > FAR * span else high
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    @cached_property
    def skew(self) -> int:
        """1 where half of the values are close to the lowest, -1 to the highest, 0 otherwise."""
        if not self.ordered:
            return 0
        low, high = self.limits
        middle = (self._quantile(0.5) - low) / (high - low)
        return (middle < SKEWED) - (middle > 1 - SKEWED)

    def levels(self, count: int) -> list[float]:
        """The values of some `count` contours, ascending."""
        low, high = self.limits
        if not self.ordered:
            return []
        if not self.skew:
            return [level for level in ticks((low, high), LINEAR, count) if low < level < high]
        found = (low + size if self.skew > 0 else high - size for size in _sizes(high - low, count))
        return sorted({level for level in map(_two_digits, found) if low < level < high})

    def part(self, value: float) -> float:
        """How far the colour of a value is on the way from the lowest to the highest."""
        low, high = self.limits
        part = min(max((value - low) / (high - low), 0.0), 1.0)
        if not self.skew:
            return part
        bent = _bend(part if self.skew > 0 else 1 - part, self._sharpness)
        return bent if self.skew > 0 else 1 - bent

    def value(self, part: float) -> float:
        """The value of a colour: the inverse of `part`."""
        low, high = self.limits
        if self.skew:
            straight = _unbend(part if self.skew > 0 else 1 - part, self._sharpness)
            part = straight if self.skew > 0 else 1 - straight
        return low + part * (high - low)

    @cached_property
    def _sharpness(self) -> float:
        """So many times the size at which the logarithm begins is the whole range."""
        low, high = self.limits
        half = self._quantile(0.5)
        near = half - low if self.skew > 0 else high - half
        return min(10 * (high - low) / near, 1e6) if near > 0 else 1e6

    def _quantile(self, part: float) -> float:
        return self.ordered[round(part * (len(self.ordered) - 1))]


def shown(field: Field, values: Values) -> list[list[float]]:
    """The field without its far values, between which no contour shall run: nan in their place."""
    low, high = values.limits
    least, most = low - (high - low), high + (high - low)
    return [[one if least <= one <= most else math.nan for one in row] for row in field.z]


def _bend(part: float, sharpness: float) -> float:
    return math.log1p(part * sharpness) / math.log1p(sharpness)


def _unbend(part: float, sharpness: float) -> float:
    return math.expm1(part * math.log1p(sharpness)) / sharpness


def _sizes(most: float, count: int) -> Iterator[float]:
    """... 3, 1, 0.3, ... from `most` down."""
    power = math.floor(math.log10(most))
    steps = [
        digit * 10.0**exponent for exponent in range(power, power - count, -1) for digit in (3, 1)
    ]
    yield from [step for step in steps if step < most][:count]


def _two_digits(number: float) -> float:
    return float(f"{number:.1e}")
