"""A surface over a grid, seen from above at an angle, as flat faces from back to front."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import NamedTuple

from autograd_cli.figures.figure import Field, Limits

AZIMUTH, ELEVATION = math.radians(-60), math.radians(30)  # where the eye is
HEIGHT = 0.75  # of the box, for a base of 1 by 1

Corner = tuple[float, float, float]


class Face(NamedTuple):
    """Its corners as x, y and z, and its mean height."""

    corners: Sequence[Corner]
    height: float


@dataclass(frozen=True)
class Box:
    """The ranges of x, y and z that are seen, and how they are."""

    x: Limits
    y: Limits
    z: Limits

    @classmethod
    def of(cls, field: Field, z: Limits) -> Box:
        return cls((field.x[0], field.x[-1]), (field.y[0], field.y[-1]), z)

    def project(self, x: float, y: float, z: float) -> Corner:
        """Where a point is on the screen, across and up, and how near it is."""
        x, y, z = (
            (value - low) / (high - low) - 0.5
            for value, (low, high) in zip((x, y, z), (self.x, self.y, self.z), strict=True)
        )
        across = -x * math.sin(AZIMUTH) + y * math.cos(AZIMUTH)
        near = x * math.cos(AZIMUTH) + y * math.sin(AZIMUTH)
        up = z * HEIGHT * math.cos(ELEVATION) - near * math.sin(ELEVATION)
        return across, up, near

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """The ends of the box on the screen: left, right, low, high."""
        corners = [self.project(*corner) for corner in product(self.x, self.y, self.z)]
        across, up, _ = zip(*corners, strict=True)
        return min(across), max(across), min(up), max(up)


def quadrilaterals(field: Field, box: Box, cells: int) -> Iterator[Face]:
    """The faces of the surface, the farthest first (the painter's algorithm).

    What is beyond the box is cut off at its bottom and its top. There is a hole where a value is
    missing, and where a face would join the bottom and the top: at a pole.
    """
    low, high = box.z
    points: dict[tuple[int, int], Corner] = {}
    columns, rows = _every(len(field.x), cells), _every(len(field.y), cells)
    for i, j in product(columns, rows):
        value = field.z[j][i]
        if not math.isnan(value):
            points[i, j] = field.x[i], field.y[j], min(max(value, low), high)
    faces: list[tuple[float, Face]] = []
    for (left, right), (front, back) in product(pairwise(columns), pairwise(rows)):
        around = [(left, front), (right, front), (right, back), (left, back)]
        if not all(corner in points for corner in around):
            continue
        corners = [points[corner] for corner in around]
        heights = [z for _, _, z in corners]
        if not (low in heights and high in heights):
            near = sum(box.project(*corner)[2] for corner in corners)
            faces.append((near, Face(corners, sum(heights) / len(heights))))
    yield from (face for _, face in sorted(faces, key=lambda one: one[0]))


def _every(count: int, most: int) -> list[int]:
    """Some `most` of the numbers below `count`, with both ends."""
    cells = min(most, count - 1)
    return [round(number * (count - 1) / cells) for number in range(cells + 1)]
