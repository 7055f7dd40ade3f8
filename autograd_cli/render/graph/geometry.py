"""The measures of a picture: places, layers, and the distances between them, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

LINE = 16
SMALL_LINE = 12
PADDING = 10
GAP = 24  # between boxes of one layer
ASIDE = 22  # between a box and a constant beside it
WAY = 4  # that an arrow takes where it passes a layer
ABOVE = 12  # between a box and the label of an arrow
LAYER_GAP = 40

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """The centre and the size of a box."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layer:
    """From `top` to `bottom` there are boxes; the labels of their arrows reach down to `end`."""

    top: float
    bottom: float
    end: float
