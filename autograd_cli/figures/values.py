"""Which values of a field are shown, in which colours, and at which of them contours run.

Where most of a field is close to one value (a valley between high walls, a plain with a pole), even
steps would show the walls alone. There, contours are at 1, 3, 10, 30 above and below that value,
and the colours go with the logarithm of the distance from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from autograd_cli.figures.figure import LINEAR, Field, Limits
from autograd_cli.figures.scale import ticks

SKEWED = 0.1  # of the range that holds half of the values: then steps are not even
TAIL = 0.02  # of the values may lie beyond the others
LINEAR_SHARE = 0.1  # of the usual distance from the centre: nearer, colours are even
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
    def centre(self) -> float | None:
        """The value that most others are close to, or None where they are spread evenly."""
        if not self.ordered:
            return None
        low, high = self.limits
        quarter, half, three = (self._quantile(part) for part in (0.25, 0.5, 0.75))
        most = SKEWED * (high - low)
        if half - low < most:
            return low
        if high - half < most:
            return high
        if three - quarter >= most:
            return None
        return 0.0 if quarter <= 0 <= three else half

    def levels(self, count: int) -> list[float]:
        """The values of some `count` contours, ascending."""
        low, high = self.limits
        centre = self.centre
        if not self.ordered:
            return []
        if centre is None:
            return [level for level in ticks((low, high), LINEAR, count) if low < level < high]
        sides = [(end, side) for end, side in ((high, 1), (low, -1)) if end != centre]
        return sorted(
            {
                level
                for end, side in sides
                for size in _sizes(abs(end - centre), count // len(sides))
                if low < (level := _two_digits(centre + side * size)) < high
            }
        )

    def part(self, value: float) -> float:
        """How far the colour of a value is on the way from the lowest to the highest."""
        low, high = self._ends
        return min(max((self._bent(value) - low) / (high - low), 0.0), 1.0)

    def value(self, part: float) -> float:
        """The value of a colour: the inverse of `part`."""
        low, high = self._ends
        bent = low + part * (high - low)
        if self.centre is None:
            return bent
        return self.centre + math.copysign(math.expm1(abs(bent)) * self._near, bent)

    def _bent(self, value: float) -> float:
        """The value on the scale on which colours are even."""
        if self.centre is None:
            return value
        away = value - self.centre
        return math.copysign(math.log1p(abs(away) / self._near), away)

    @cached_property
    def _ends(self) -> Limits:
        low, high = self.limits
        return self._bent(low), self._bent(high)

    @cached_property
    def _near(self) -> float:
        """The distance from the centre at which the logarithm takes over."""
        low, high = self.limits
        centre = self.centre or 0.0
        away = sorted(abs(value - centre) for value in self.ordered)
        return max(away[len(away) // 2] * LINEAR_SHARE, (high - low) * 1e-6)

    def _quantile(self, part: float) -> float:
        return self.ordered[round(part * (len(self.ordered) - 1))]


def shown(field: Field, values: Values) -> list[list[float]]:
    """The field without its far values, between which no contour shall run: nan in their place."""
    low, high = values.limits
    least, most = low - (high - low), high + (high - low)
    return [[one if least <= one <= most else math.nan for one in row] for row in field.z]


def _sizes(most: float, count: int) -> Iterator[float]:
    """... 3, 1, 0.3, ... from `most` down."""
    power = math.floor(math.log10(most))
    steps = [
        digit * 10.0**exponent for exponent in range(power, power - count, -1) for digit in (3, 1)
    ]
    yield from [step for step in steps if step < most][:count]


def _two_digits(number: float) -> float:
    return float(f"{number:.1e}")
