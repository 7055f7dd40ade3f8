"""What a plot shows, as numbers: samples of curves, values over a grid, the way of a descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Samples:
    """A function of one variable at ascending places; where it jumps, y is nan between two of them.

    `limits` is the range of values worth seeing: all of them, or, where the function `has_pole`,
    those that are not on their way to it. None where no value is finite.
    """

    x: Sequence[float]
    y: Sequence[float]
    limits: tuple[float, float] | None
    has_pole: bool = False


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A function of two variables: z[j][i] belongs to (x[i], y[j])."""

    x: Sequence[float]
    y: Sequence[float]
    z: Sequence[Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """The gradient (u[i], v[i]) at the points (x[i], y[i])."""

    x: Sequence[float]
    y: Sequence[float]
    u: Sequence[float]
    v: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Tangent:
    """The value and the slope of a function of one variable at a place."""

    x: float
    y: float
    slope: float
