"""Plots as figures: which layers there are, what they are called, how far their axes reach."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autograd_cli.figures import (
    DOTTED,
    LOG,
    Arrows,
    Axis,
    Contour,
    Curve,
    Figure,
    Heatmap,
    Layer,
    Line,
    Path,
    Scatter,
    Surface,
)
from autograd_cli.results.plot import Grid, Samples, Slopes, Tangent

MARGIN = 0.04  # of the vertical axis, above and below
ROOM = 0.5  # of the function's range, above and below, for a derivative with poles
SQUARE = 8.0  # axes whose lengths differ by less have equal units
SKEWED = "the axes have scales of their own: angles are not true"
GRADIENT = "gradient"
LONGEST = 60  # characters of an expression in a title
FIELDS: dict[str, type[Contour | Heatmap | Surface]] = {
    "contour": Contour,
    "heatmap": Heatmap,
    "surface": Surface,
}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A function, its derivatives in ascending order, and its tangent where one was asked for, or
    the `bare` point where there is none."""

    expression: str
    samples: Sequence[Samples]
    tangent: Tangent | None = None
    bare: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Way:
    """The way of a descent: coordinates, and a height for each of its places."""

    x: Sequence[float]
    y: Sequence[float]
    z: Sequence[float] = ()
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stands around a figure: its title, the names of its axes, and which are logarithmic."""

    title: str
    names: Sequence[str]
    log_x: bool = False
    log_y: bool = False

    def axes(self) -> dict[str, Axis]:
        names = [*self.names, ""]
        return {
            "x": Axis(label=names[0], scale=LOG if self.log_x else "linear"),
            "y": Axis(label=names[1], scale=LOG if self.log_y else "linear"),
        }


def title_of(expression: str, fixed: Mapping[str, object]) -> str:
    """The expression on one line, and the values that do not vary."""
    text = _short(expression)
    values = ", ".join(f"{name} = {_number(value)}" for name, value in fixed.items())
    return f"{text}  ({_short(values)})" if values else text


def curve_figure(functions: Sequence[Drawn], ways: Sequence[Way], frame: Frame) -> Figure:
    """Curves of one variable with their derivatives, tangents and the ways of descents."""
    layers: list[Layer] = list(_curves(functions, frame.names[0]))
    layers += [Path(way.x, way.y, label=way.label or "descent") for way in ways]
    axes = frame.axes()
    limits = _limits(functions, is_log=frame.log_y)
    return Figure(
        layers=layers,
        title=frame.title,
        x=replace(axes["x"], limits=_ends(functions)),
        y=replace(axes["y"], limits=limits),
    )


def _curves(functions: Sequence[Drawn], name: str) -> Iterator[Layer]:
    several = len(functions) > 1
    for number, one in enumerate(functions):
        text = _short(one.expression)
        for order, samples in enumerate(one.samples):
            label = _derivative(text, order, name) if several else _called("f", order, name)
            colour = number if several else order
            yield Curve(samples.x, samples.y, label=label, colour=colour)
        if one.bare is not None:
            (x, y), place = one.bare, f"{one.bare[0]:.6g}"
            label = f"no tangent at {name} = {place}"
            yield Scatter([x], [y], label=label, colour=number if several else len(one.samples))
        if one.tangent is not None:
            place, slope = f"{one.tangent.x:.6g}", f"{one.tangent.slope:.6g}"
            label = f"tangent at {name} = {place}, slope {slope}"
            yield Line(
                one.tangent.x,
                one.tangent.y,
                one.tangent.slope,
                marked=True,
                label=label,
                colour=number if several else len(one.samples),
                dash=DOTTED if several else None,
            )


def _called(function: str, order: int, name: str) -> str:
    """f(x), f'(x), f''(x), f^(4)(x)."""
    signs = "'" * order if order < 4 else f"^({order})"
    return f"{function}{signs}({name})"


def _derivative(text: str, order: int, name: str) -> str:
    if order == 0:
        return text
    power = f"^{order}" if order > 1 else ""
    return f"d{power}/d{name}{power} {text}"


def _ends(functions: Sequence[Drawn]) -> tuple[float, float]:
    places = functions[0].samples[0].x
    return places[0], places[-1]


def _limits(functions: Sequence[Drawn], *, is_log: bool) -> tuple[float, float] | None:
    """The functions' own values, and those of their derivatives as far as there is room."""
    own = [one.samples[0].limits for one in functions]
    found = [limits for limits in own if limits]
    if not found:
        found = [one.limits for drawn in functions for one in drawn.samples if one.limits]
    low, high = min(end for end, _ in found), max(end for _, end in found)
    room = ROOM * (high - low)
    least, most = low - room, high + room
    for samples in (one for drawn in functions for one in drawn.samples[1:] if one.limits):
        ends = samples.limits or (low, high)
        if samples.has_pole and room:
            ends = max(ends[0], least), min(ends[1], most)
        low, high = min(low, ends[0]), max(high, ends[1])
    if is_log:
        return _logarithmic(functions, high)
    margin = MARGIN * (high - low) or abs(low) * 0.1 or 1.0
    return low - margin, high + margin


def _logarithmic(functions: Sequence[Drawn], high: float) -> tuple[float, float] | None:
    values = [y for drawn in functions for one in drawn.samples for y in one.y if 0 < y <= high]
    if not values:
        return None
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = MARGIN * (high - low) or 0.5
    return 10 ** (low - margin), 10 ** (high + margin)


def field_figure(
    kind: str,
    grid: Grid,
    slopes: Slopes | None,
    mark: Sequence[float],
    ways: Sequence[Way],
    frame: Frame,
) -> Figure:
    """A function of two variables as a field of FIELDS or as its GRADIENT alone, with arrows, ways
    of descents, and a marked place."""
    layers: list[Layer] = []
    is_alone = kind == GRADIENT
    if not is_alone:
        layers.append(FIELDS[kind](grid.x, grid.y, grid.z))
    if slopes is not None:
        layers.append(
            Arrows(
                *(slopes.x, slopes.y, slopes.u, slopes.v),
                label="direction of the gradient",
                by_size=is_alone,
                size="size of the gradient",
            )
        )
    layers += [Path(way.x, way.y, way.z, label=way.label or "descent") for way in ways]
    if mark:
        place = ", ".join(
            f"{name} = {value:.6g}" for name, value in zip(frame.names, mark, strict=True)
        )
        layers.append(Scatter([mark[0]], [mark[1]], label=place))
    x, y = (grid.x[0], grid.x[-1]), (grid.y[0], grid.y[-1])
    axes = frame.axes()
    is_equal = comparable(x, y) and not frame.log_x and not frame.log_y
    has_angles = kind != "surface" and bool(slopes is not None or ways)
    return Figure(
        layers=layers,
        title=frame.title,
        x=replace(axes["x"], limits=x),
        y=replace(axes["y"], limits=y),
        z=Axis(label=""),
        equal=is_equal and kind != "surface",
        note=SKEWED if has_angles and not is_equal else "",
    )


def comparable(x: tuple[float, float], y: tuple[float, float]) -> bool:
    """Whether two ranges can be drawn to one scale, and both still be seen."""
    return 1 / SQUARE <= (y[1] - y[0]) / (x[1] - x[0]) <= SQUARE


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
