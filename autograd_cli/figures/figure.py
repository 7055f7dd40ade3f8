"""A figure as a plain value: what is drawn, in the data's own coordinates, and what it is called.

A figure says what there is to see; how large it becomes, in which colours and out of which
characters or pixels, is for the backends to know. Numbers that are not finite are gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Row: TypeAlias = Sequence[float]  # of numbers along an axis
Limits: TypeAlias = tuple[float, float]

LINEAR, LOG = "linear", "log"
SOLID, DASHED, DOTTED, DASHDOT = "solid", "dashed", "dotted", "dashdot"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What is written along an axis, its scale (LINEAR or LOG), and its ends.

    Without `limits` the axis reaches as far as the layers do.
    """

    label: str = ""
    scale: str = LINEAR
    limits: Limits | None = None


@dataclass(frozen=True, kw_only=True)
class Series:
    """What the layers that stand in the legend have in common.

    `colour` is a place in the palette and `dash` a kind of line; without them, each series of a
    figure gets the next ones.
    """

    label: str = ""
    colour: int | None = None
    dash: str | None = None


@dataclass(frozen=True)
class Curve(Series):
    """A line through the points (x[i], y[i])."""

    x: Row
    y: Row


@dataclass(frozen=True)
class Scatter(Series):
    """The points (x[i], y[i]), each for itself."""

    x: Row
    y: Row


@dataclass(frozen=True)
class Band(Series):
    """The area between low[i] and high[i]: an interval of confidence."""

    x: Row
    low: Row
    high: Row


@dataclass(frozen=True)
class Bars(Series):
    """A bar of some height for each name."""

    names: Sequence[str]
    heights: Row


@dataclass(frozen=True)
class Line(Series):
    """The straight line through a point with a slope, which may be infinite, over the whole figure.

    A `marked` point is drawn as well: a tangent and where it touches. Its slope is in the data's
    coordinates, so on a logarithmic axis it is drawn as the curve that it is.
    """

    x: float
    y: float
    slope: float
    marked: bool = False


@dataclass(frozen=True)
class Path(Series):
    """The way (x[i], y[i]) of a descent, with its start and its end marked.

    Over a surface it also has its heights, z[i].
    """

    x: Row
    y: Row
    z: Row = ()


@dataclass(frozen=True)
class Arrows:
    """The arrows (u[i], v[i]) at the points (x[i], y[i]): a field of directions.

    They are drawn with one length, as what matters is where they point; how long they are shows in
    how close the contours are, or, `by_size`, in their colour, of which `size` is the name.
    """

    x: Row
    y: Row
    u: Row
    v: Row
    label: str = ""
    by_size: bool = False
    size: str = ""


@dataclass(frozen=True)
class Field:
    """Values over a grid: z[j][i] belongs to (x[i], y[j]), and x and y ascend."""

    x: Row
    y: Row
    z: Sequence[Row]
    label: str = ""


class Contour(Field):
    """Lines of equal value."""


class Heatmap(Field):
    """A colour for each value."""


class Surface(Field):
    """The value as a height, seen from above at an angle."""


Layer: TypeAlias = (
    Curve | Scatter | Band | Bars | Line | Path | Arrows | Contour | Heatmap | Surface
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Layers, the first at the back, on one pair of axes.

    `equal` draws a unit as long on one axis as on the other, so that right angles are right. A
    surface has `z` as its third axis, and no other layers than paths. The `note` stands below.
    """

    layers: Sequence[Layer]
    title: str = ""
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    z: Axis = field(default_factory=Axis)
    equal: bool = False
    note: str = ""
