"""The hollows and the hills of a field, and contours low enough to show each of them.

A minimum is as deep as the water in it when it first flows over into a deeper one: its persistence
(Edelsbrunner, Letscher & Zomorodian, 2002). The values are taken in ascending order, and the pools
that they begin are joined where they meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from autograd_cli.figures.figure import Field
from autograd_cli.figures.values import Values

ACROSS = 101  # places along each axis that are looked at
DEEP = 0.002  # of the range of values: what is less deep is not shown by a contour of its own
MOST = 12  # hollows, the deepest
FULL = 0.8  # of its depth, at most, is the contour above the bottom
WIDE = 4.0  # times: levels further apart than that get others between them


def contour_levels(field: Field, values: Values, count: int) -> list[float]:
    """The values of some `count` contours, ascending, and of a few more that show minima and
    maxima which those miss."""
    levels = values.levels(count)
    if not levels:
        return levels
    low, high = values.limits
    every = [(sign, found) for sign in (1, -1) for found in _hollows(field, sign, low, high)]
    for sign, (bottom, brim) in sorted(every, key=lambda one: one[1][1] - one[1][0]):
        if not any(bottom < sign * level < brim for level in levels):
            levels += [sign * level for level in _between(bottom, brim, sign, levels)]
    return sorted({level for level in levels if low < level < high})


def _between(bottom: float, brim: float, sign: int, levels: Sequence[float]) -> Iterator[float]:
    """A round level in a hollow, and those on the way up to the next that there is."""
    step = _round_down(FULL * (brim - bottom))
    above = min((sign * level for level in levels if sign * level >= brim), default=brim)
    while True:
        yield float(f"{bottom + step:.2g}") if bottom < step else bottom + step
        if (above - bottom) / step <= WIDE:
            return
        digit = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
        step *= 3 if digit < 2 else 10 / digit


def _round_down(number: float) -> float:
    """The largest of 1, 2, 5, 10, … that is not above a number."""
    power = 10.0 ** math.floor(math.log10(number))
    return max(digit * power for digit in (1, 2, 5) if digit * power <= number * (1 + 1e-9))


def _hollows(field: Field, sign: int, low: float, high: float) -> list[tuple[float, float]]:
    """The deepest hollows that are not at the edge, of `sign` times the field: bottom and brim."""
    rows, columns = _some(len(field.y)), _some(len(field.x))
    heights = [[sign * field.z[j][i] for i in columns] for j in rows]
    bottoms = sorted((low, high) if sign > 0 else (-high, -low))
    found = [
        (max(bottom, bottoms[0]), min(brim, bottoms[1]))
        for bottom, brim, inner in _pools(heights)
        if inner
    ]
    deep = [one for one in found if one[1] - one[0] > DEEP * (high - low)]
    return sorted(deep, key=lambda one: one[0] - one[1])[:MOST]


def _some(count: int) -> list[int]:
    size = min(count, ACROSS)
    return sorted({round(n * (count - 1) / max(size - 1, 1)) for n in range(size)})


def _pools(heights: Sequence[Sequence[float]]) -> Iterator[tuple[float, float, bool]]:
    """Of every pool its bottom, the height at which it flows over into a deeper one (infinite for
    the deepest), and whether its bottom is inside."""
    down, across = len(heights), len(heights[0])
    order = sorted(
        (height, j * across + i)
        for j, row in enumerate(heights)
        for i, height in enumerate(row)
        if math.isfinite(height)
    )
    parent: dict[int, int] = {}  # a place to one of the same pool; its bottom leads to itself
    bottoms: dict[int, float] = {}

    def pool(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    def is_inside(place: int) -> bool:
        j, i = divmod(place, across)
        return 0 < j < down - 1 and 0 < i < across - 1

    for height, place in order:
        j, i = divmod(place, across)
        around = {
            pool(near)
            for y in range(max(j - 1, 0), min(j + 2, down))
            for x in range(max(i - 1, 0), min(i + 2, across))
            if (near := y * across + x) in parent
        }
        deepest, *others = sorted(around, key=bottoms.__getitem__) or [place]
        parent[place] = deepest
        bottoms.setdefault(deepest, height)
        for other in others:
            yield bottoms[other], height, is_inside(other)
            parent[other] = deepest
    for place, bottom in bottoms.items():
        if parent[place] == place:
            yield bottom, math.inf, is_inside(place)
