"""A surface over a grid, seen from above at an angle, as flat quadrilaterals from back to front."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from autograd_cli.figures.figure import Field

AZIMUTH, ELEVATION = math.radians(-60), math.radians(30)  # where the eye is
CELLS = 28  # of the grid that are drawn along an axis, at most
HEIGHT = 0.7  # of the box, for a base of 1 by 1


class Quadrilateral(NamedTuple):
    """Its corners on the screen, and how high it is, from 0 to 1."""

    corners: Sequence[tuple[float, float]]
    height: float


def project(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Where a point of the unit cube is on the screen, and how near."""
    x, y, z = x - 0.5, y - 0.5, (z - 0.5) * HEIGHT
    across = -x * math.sin(AZIMUTH) + y * math.cos(AZIMUTH)
    near = x * math.cos(AZIMUTH) + y * math.sin(AZIMUTH)
    up = z * math.cos(ELEVATION) - near * math.sin(ELEVATION)
    return across, up, near


def quadrilaterals(
    field: Field, low: float, high: float, cells: int = CELLS
) -> Iterator[Quadrilateral]:
    """The faces of the surface, the farthest first (the painter's algorithm).

    Values beyond `low` and `high` are cut off there; faces with a corner that is not finite are
    holes.
    """
    columns, rows = _every(len(field.x), cells), _every(len(field.y), cells)
    x0, x1, y0, y1 = field.x[0], field.x[-1], field.y[0], field.y[-1]
    points = {}
    for j in rows:
        for i in columns:
            value = field.z[j][i]
            height = min(max((value - low) / (high - low), 0.0), 1.0)
            if not math.isnan(value):
                u, v = (field.x[i] - x0) / (x1 - x0), (field.y[j] - y0) / (y1 - y0)
                points[i, j] = (*project(u, v, height), height)
    faces = []
    for left, right in pairwise(columns):
        for front, back in pairwise(rows):
            around = [(left, front), (right, front), (right, back), (left, back)]
            if all(corner in points for corner in around):
                corners = [points[corner] for corner in around]
                near = sum(corner[2] for corner in corners)
                height = sum(corner[3] for corner in corners) / len(corners)
                faces.append((near, [corner[:2] for corner in corners], height))
    for _, flat, height in sorted(faces, key=lambda face: face[0]):
        yield Quadrilateral(flat, height)


def _every(count: int, most: int) -> list[int]:
    """Some `most` of the numbers below `count`, with both ends."""
    cells = min(most, count - 1)
    return [round(number * (count - 1) / cells) for number in range(cells + 1)]
