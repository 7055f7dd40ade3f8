"""Figures as text: Braille curves, half-block heat maps, arrows, with axes and a legend.

Without Unicode the same picture is made of ASCII characters, without colour series differ by their
dashes and values by their shade.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatchmethod
from typing import NamedTuple, TypeAlias

from autograd_cli.errors import columns as width_of
from autograd_cli.errors import visible
from autograd_cli.figures import scale
from autograd_cli.figures.contours import contours
from autograd_cli.figures.figure import (
    DASHDOT,
    DASHED,
    DOTTED,
    LOG,
    SOLID,
    Arrows,
    Axis,
    Band,
    Bars,
    Contour,
    Curve,
    Field,
    Figure,
    Heatmap,
    Limits,
    Line,
    Path,
    Scatter,
    Series,
    Surface,
)
from autograd_cli.figures.palette import coloured, qualitative, viridis
from autograd_cli.figures.raster import ACROSS, DOWN, Colour, Point, Raster, ascii_shape
from autograd_cli.figures.surface import project, quadrilaterals

WIDEST = 120  # columns of a picture
LOWEST, HIGHEST = 8, 24  # lines of the area that is drawn in
NARROWEST = 12  # columns of that area
TICK_COLUMNS = 12  # between ticks on the horizontal axis
TICK_LINES = 3  # between those on the vertical one
SHADES = {True: " ░▒▓█", False: " .:-=+*#%@"}
FAINT: Colour = (128, 128, 128)
TINTS = {  # the palette's colours, as readable on black as on white
    (0, 114, 178): (0, 135, 215),
    (230, 159, 0): (215, 135, 0),
}


class Signs(NamedTuple):
    """The characters that a picture is made of."""

    corner: str
    left: str
    bottom: str
    left_tick: str
    bottom_tick: str
    point: str
    start: str
    end: str
    touch: str
    bar: str
    band: str
    arrows: str  # from the right, counterclockwise
    lines: dict[str, str]  # what a dash looks like in the legend
    series: str  # for ASCII lines, a sign for each


UNICODE = Signs(
    *("└", "│", "─", "┤", "┬"),
    *("•", "○", "✕", "●", "█", "░", "→↗↑↖←↙↓↘"),
    {SOLID: "───", DASHED: "╌╌╌", DOTTED: "···", DASHDOT: "─·─"},
    "",
)
ASCII = Signs(
    *("+", "|", "-", "+", "+"),
    *("o", "O", "X", "@", "#", ".", ">/^\\</v\\"),
    {SOLID: "---", DASHED: "- -", DOTTED: "...", DASHDOT: "-.-"},
    "*+x%&$",
)

Piece: TypeAlias = tuple[str, Colour | None, Colour | None]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the place can show: its columns, Unicode, colours, and how many of them."""

    width: int = 80
    unicode: bool = True
    colour: bool = False
    truecolour: bool = False

    @property
    def signs(self) -> Signs:
        return UNICODE if self.unicode else ASCII


def text(figure: Figure, look: Look) -> str:
    """A figure as lines of text, each with its end. Raises: MissingExtraError."""
    figure = replace(figure, layers=tuple(coloured(figure.layers)))
    drawing = _Surface(figure, look) if _is_surface(figure) else _Drawing(figure, look)
    return "".join(_line(pieces, look) for pieces in drawing.lines())


def _is_surface(figure: Figure) -> bool:
    return any(isinstance(layer, Surface) for layer in figure.layers)


class _Drawing:
    """A figure with two axes, as it is drawn."""

    def __init__(self, figure: Figure, look: Look) -> None:
        self.figure, self.look, self.signs = figure, look, look.signs
        self.x = scale.x_limits(figure.layers, figure.x)
        self.y = scale.y_limits(figure.layers, figure.y)
        width, height = min(look.width, WIDEST), _height(look.width)
        self.y_ticks = _labelled(self.y, figure.y, max(2, height // TICK_LINES))
        margin = max((width_of(one) for _, one in self.y_ticks), default=0) + 1
        area = max(width - margin - 1, NARROWEST)
        if figure.equal:
            area, height = _equal(area, self.x, self.y)
        self.margin = margin
        names = next((one.names for one in figure.layers if isinstance(one, Bars)), None)
        self.x_ticks = (
            [(float(number), visible(name)) for number, name in enumerate(names)]
            if names is not None
            else _labelled(self.x, figure.x, max(1, area // TICK_COLUMNS))
        )
        self.raster = Raster(area, height)
        self._across = _placing(self.x, figure.x.scale, self.raster.across - 1)
        self._up = _placing(self.y, figure.y.scale, self.raster.down - 1)
        self.legend: list[list[Piece]] = []
        self._draw_zero()
        for layer in figure.layers:
            self.draw(layer)

    def at(self, x: float, y: float) -> Point:
        """Where a point is, in dots."""
        return self._across(x), self._up(y)

    def tint(self, series: Series) -> Colour:
        colour = qualitative(series.colour or 0)
        return TINTS.get(colour, colour)

    # Layers ---------------------------------------------------------------------------------------

    @singledispatchmethod
    def draw(self, layer: object) -> None:
        raise TypeError(layer)

    @draw.register
    def _(self, curve: Curve) -> None:
        self._curve(map(self.at, curve.x, curve.y), curve)
        self._entry(self._line_sign(curve), curve)

    @draw.register
    def _(self, line: Line) -> None:
        if math.isinf(line.slope):
            points = [self.at(line.x, end) for end in self.y]
        else:
            places = _spaced(self.x, self.figure.x.scale, 2 if self._is_linear else 100)
            points = [self.at(x, line.y + line.slope * (x - line.x)) for x in places]
        self._curve(iter(points), line)
        sign = self._line_sign(line)
        if line.marked:
            self.raster.mark(self.at(line.x, line.y), self.signs.touch, self.tint(line))
            sign = sign[:-1] + self.signs.touch
        self._entry(sign, line)

    @draw.register
    def _(self, scatter: Scatter) -> None:
        sparse = len(scatter.x) <= self.raster.width
        for x, y in zip(scatter.x, scatter.y, strict=True):
            if sparse or not self.look.unicode:
                self.raster.mark(self.at(x, y), self.signs.point, self.tint(scatter))
            else:
                self.raster.dot(self.at(x, y), self.tint(scatter))
        self._entry(self.signs.point, scatter)

    @draw.register
    def _(self, band: Band) -> None:
        for x, low, high in zip(band.x, band.low, band.high, strict=True):
            column, bottom = self.at(x, low)
            _, top = self.at(x, high)
            if all(map(math.isfinite, (column, bottom, top))):
                row = max(0.0, math.ceil(bottom / DOWN) * float(DOWN))
                while row <= min(top, self.raster.down - 1):
                    self.raster.mark((column, row), self.signs.band, FAINT)
                    row += DOWN
        self._entry(self.signs.band * 2, band)

    @draw.register
    def _(self, bars: Bars) -> None:
        base = self._up(max(self.y[0], 0.0) if self.figure.y.scale != LOG else self.y[0])
        for number, height in enumerate(bars.heights):
            (left, top), (right, _) = self.at(number - 0.35, height), self.at(number + 0.35, height)
            if math.isfinite(top):
                box = [(left, base), (right, base), (right, top), (left, top)]
                self.raster.fill(box, self.tint(bars), draw=True)
        self._entry(self.signs.bar * 2, bars)

    @draw.register
    def _(self, path: Path) -> None:
        points = list(map(self.at, path.x, path.y))
        colour = self.tint(path)
        self._curve(iter(points), replace(path, dash=SOLID))
        for point in points if len(points) <= self.raster.width else []:
            self.raster.dot(point, colour)
        if points:
            self.raster.mark(points[0], self.signs.start, colour)
            self.raster.mark(points[-1], self.signs.end, colour)
        self._entry(f"{self.signs.start}{self.signs.bottom}{self.signs.end}", path)

    @draw.register
    def _(self, arrows: Arrows) -> None:
        across = (self.raster.across - 1) / (self.x[1] - self.x[0])
        up = (self.raster.down - 1) / (self.y[1] - self.y[0])
        for x, y, u, v in zip(arrows.x, arrows.y, arrows.u, arrows.v, strict=True):
            place = self.at(x, y)
            if math.hypot(u, v) > 0 and self.raster.is_free((place[0] - ACROSS, place[1]), 3):
                eighth = round(math.atan2(v * up, u * across) / (math.pi / 4)) % 8
                self.raster.mark(place, self.signs.arrows[eighth], None)
        if arrows.label:
            self.legend.append(
                [(self.signs.arrows[1], None, None), (f" {arrows.label}", None, None)]
            )

    @draw.register
    def _(self, field: Contour) -> None:
        low, high = scale.value_limits(field)
        found = scale.levels(field, 8)
        for number, (level, lines) in enumerate(contours(field, found)):
            part = number / max(len(found) - 1, 1)
            colour = viridis(0.15 + 0.8 * part) if self.look.colour else None
            for line in lines:
                self.raster.curve((self.at(x, y) for x, y in line), colour)
            self._level(lines, scale.label(level), colour)
        if self.look.colour:
            self._ramp(low, high, field.label)

    @draw.register
    def _(self, field: Heatmap) -> None:
        low, high = scale.value_limits(field)
        for column in range(self.raster.width):
            for row in range(self.raster.height):
                halves = [
                    self._value(field, column, (row + part) / self.raster.height)
                    for part in (0.75, 0.25)
                ]
                self._shade(column, row, [(one - low) / (high - low) for one in halves])
        self._ramp(low, high, field.label)

    # Their parts ----------------------------------------------------------------------------------

    @property
    def _is_linear(self) -> bool:
        return LOG not in (self.figure.x.scale, self.figure.y.scale)

    def _curve(self, points: Iterator[Point], series: Series) -> None:
        self.raster.curve(points, self.tint(series), series.dash or SOLID)

    def _line_sign(self, series: Series) -> str:
        return self.signs.lines[series.dash or SOLID]

    def _entry(self, sign: str, series: Series) -> None:
        if series.label:
            self.legend.append([(sign, self.tint(series), None), (f" {series.label}", None, None)])

    def _draw_zero(self) -> None:
        """Where y is 0, if that is within: a faint line behind everything."""
        if self.figure.y.scale == LOG or not self.y[0] < 0 < self.y[1]:
            return
        if any(isinstance(layer, Field) for layer in self.figure.layers):
            return
        self.raster.curve([self.at(end, 0.0) for end in self.x], FAINT, DOTTED)

    def _level(self, lines: Sequence[Sequence[Point]], label: str, colour: Colour | None) -> None:
        """The value of a contour, written on its longest line where there is room."""
        for line in sorted(lines, key=len, reverse=True):
            for part in (0.5, 0.25, 0.75):
                x, y = self.at(*line[int(part * (len(line) - 1))])
                place = (x - len(label) * ACROSS / 2, y)
                inside = 0 <= place[0] <= self.raster.across - (len(label) + 1) * ACROSS
                if inside and self.raster.is_free((place[0] - ACROSS, y), len(label) + 2):
                    self.raster.write(place, label, colour)
                    return

    def _value(self, field: Field, column: int, height: float) -> float:
        """The value nearest to a place in the area."""
        x = _unplace((column + 0.5) / self.raster.width, self.x, self.figure.x.scale)
        y = _unplace(height, self.y, self.figure.y.scale)
        return field.z[_nearest(field.y, y)][_nearest(field.x, x)]

    def _shade(self, column: int, row: int, halves: Sequence[float]) -> None:
        if self.look.colour and self.look.unicode:
            if all(map(math.isfinite, halves)):
                self.raster.ground(column, row, viridis(halves[0]), viridis(halves[1]))
            return
        mean = sum(halves) / 2
        if not math.isnan(mean):
            shades = SHADES[self.look.unicode]
            sign = shades[min(int(min(max(mean, 0), 1) * len(shades)), len(shades) - 1)]
            colour = viridis(mean) if self.look.colour else None
            self.raster.mark((column * ACROSS, row * DOWN), sign, colour)

    def _ramp(self, low: float, high: float, label: str) -> None:
        """The colours or shades from the lowest value to the highest."""
        self.legend.append(ramp((low, high), label, self.look))

    # The whole ------------------------------------------------------------------------------------

    def lines(self) -> Iterator[list[Piece]]:
        pad = " " * self.margin
        yield from _wrapped_title(self.figure.title, self.margin, self.look)
        if self.figure.y.label:
            yield [(_fitted(self.figure.y.label, self.look.width), None, None)]
        names = {
            self.raster.height - 1 - round(self._up(value)) // DOWN: name
            for value, name in self.y_ticks
        }
        for row, pieces in enumerate(self.raster.lines()):
            name = names.get(row, "")
            side = self.signs.left_tick if row in names else self.signs.left
            yield [
                (name.rjust(self.margin - 1) + " ", None, None),
                (side, FAINT, None),
                *(self._presented(*piece) for piece in pieces),
            ]
        yield [(pad, None, None), *self._bottom()]
        yield [(self._bottom_names(), None, None)]
        if self.figure.x.label:
            label = _fitted(self.figure.x.label, self.look.width)
            room = self.margin + 1 + (self.raster.width + width_of(label)) // 2
            yield [(label.rjust(min(room, self.look.width)), None, None)]
        yield from arranged(self.legend, self.look.width)

    def _presented(self, sign: str, colour: Colour | None, ground: Colour | None) -> Piece:
        if self.look.unicode or not "\u2800" <= sign <= "\u28ff":
            return sign, colour, ground
        return ascii_shape(sign), colour, ground

    def _bottom(self) -> list[Piece]:
        line = [self.signs.bottom] * self.raster.width
        for value, _ in self.x_ticks:
            line[round(self._across(value)) // ACROSS] = self.signs.bottom_tick
        return [(self.signs.corner + "".join(line), FAINT, None)]

    def _bottom_names(self) -> str:
        found = ""
        for value, name in self.x_ticks:
            column = self.margin + 1 + round(self._across(value)) // ACROSS
            start = column - width_of(name) // 2
            start = max(0, min(start, self.margin + 1 + self.raster.width - width_of(name)))
            if not found or start > len(found):
                found = found.ljust(start) + name
        return found


class _Surface:
    """A surface, as it is drawn: a net of lines, of which the front hides the back."""

    def __init__(self, figure: Figure, look: Look) -> None:
        self.figure, self.look = figure, look
        self.field = next(one for one in figure.layers if isinstance(one, Surface))
        self.limits = figure.z.limits or scale.value_limits(self.field)
        width = min(look.width, WIDEST) - 2
        height = _height(look.width)
        self.raster = Raster(max(width, NARROWEST), height)
        corners = [project(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
        self._left, right = min(c[0] for c in corners), max(c[0] for c in corners)
        self._low, top = min(c[1] for c in corners), max(c[1] for c in corners)
        self._size = min(
            (self.raster.across - 1) / (right - self._left),
            (self.raster.down - 1) / (top - self._low),
        )
        self._shift = (self.raster.across - 1 - self._size * (right - self._left)) / 2
        self._draw()

    def _place(self, across: float, up: float) -> Point:
        return (
            self._shift + (across - self._left) * self._size,
            (up - self._low) * self._size,
        )

    def _draw(self) -> None:
        cells = max(8, min(28, self.raster.across // 6))
        for face in quadrilaterals(self.field, *self.limits, cells):
            corners = [self._place(*corner) for corner in face.corners]
            self.raster.fill(corners, None)
            colour = viridis(face.height) if self.look.colour else None
            self.raster.curve([*corners, corners[0]], colour)

    def lines(self) -> Iterator[list[Piece]]:
        yield from _wrapped_title(self.figure.title, 2, self.look)
        for pieces in self.raster.lines():
            yield [(" ", None, None), *(self._presented(*piece) for piece in pieces)]
        shown = ramp(self.limits, self.figure.z.label or self.field.label, self.look)
        sides: list[list[Piece]] = [
            [(f"{axis.label or name}: {_short(row[0]):g} to {_short(row[-1]):g}", None, None)]
            for axis, name, row in (
                (self.figure.x, "x", self.field.x),
                (self.figure.y, "y", self.field.y),
            )
        ]
        yield from arranged([*sides, shown], self.look.width)

    def _presented(self, sign: str, colour: Colour | None, ground: Colour | None) -> Piece:
        if self.look.unicode or not "\u2800" <= sign <= "\u28ff":
            return sign, colour, ground
        return ascii_shape(sign), colour, ground


# Sizes and places ---------------------------------------------------------------------------------


def _height(width: int) -> int:
    """The lines for a picture of so many columns: some two fifths of its width, on the eye."""
    return min(max(round(min(width, WIDEST) * 0.21), LOWEST), HIGHEST)


def _equal(area: int, x: Limits, y: Limits) -> tuple[int, int]:
    """The columns and lines in which units are equally long on both axes, as far as they go."""
    ratio = (y[1] - y[0]) / (x[1] - x[0])
    height = round(area * ACROSS * ratio / DOWN)
    if height > HIGHEST:
        return max(round(HIGHEST * DOWN / ratio / ACROSS), NARROWEST), HIGHEST
    return area, max(height, LOWEST)


def _placing(limits: Limits, kind: str, size: int) -> Callable[[float], float]:
    """The place of a number on an axis of so many dots."""
    low, high = limits

    def linear(number: float) -> float:
        return (number - low) / (high - low) * size

    def logarithmic(number: float) -> float:
        if not number > 0:
            return math.nan
        return math.log(number / low) / math.log(high / low) * size

    return logarithmic if kind == LOG else linear


def _unplace(part: float, limits: Limits, kind: str) -> float:
    low, high = limits
    return low * (high / low) ** part if kind == LOG else low + part * (high - low)


def _spaced(limits: Limits, kind: str, count: int) -> list[float]:
    return [_unplace(number / (count - 1), limits, kind) for number in range(count)]


def _nearest(ordered: Sequence[float], number: float) -> int:
    from bisect import bisect

    place = bisect(ordered, number)
    around = [one for one in (place - 1, place) if 0 <= one < len(ordered)]
    return min(around, key=lambda one: abs(ordered[one] - number))


def _labelled(limits: Limits, axis: Axis, count: int) -> list[tuple[float, str]]:
    found = scale.ticks(limits, axis.scale, count)
    return [(tick, scale.label(tick, () if axis.scale == LOG else found)) for tick in found]


# Text ---------------------------------------------------------------------------------------------


def _short(number: float) -> float:
    return float(f"{number:.3g}")


def _fitted(label: str, width: int) -> str:
    label = visible(label)
    return label if width_of(label) <= width else label[: max(width - 1, 1)] + "…"


def _wrapped_title(title: str, margin: int, look: Look) -> Iterator[list[Piece]]:
    if title:
        yield [(" " * margin + " " + _fitted(title, look.width - margin - 1), None, None)]


def ramp(limits: Limits, label: str, look: Look) -> list[Piece]:
    """The colours or shades of values, between the lowest and the highest."""
    low, high = (scale.label(_short(end), limits) for end in limits)
    steps: list[Piece] = [(SHADES[look.unicode], None, None)]
    if look.colour:
        full = "█" if look.unicode else "#"
        steps = [(full, viridis(number / 11), None) for number in range(12)]
    end = f" {high} {label}".rstrip()
    return [(f"{low} ", None, None), *steps, (end, None, None)]


def arranged(entries: Sequence[list[Piece]], width: int) -> Iterator[list[Piece]]:
    """The entries of a legend, as many in a line as there is room for."""
    line: list[Piece] = []
    used = 0
    for entry in entries:
        size = sum(width_of(piece[0]) for piece in entry)
        if line and used + 3 + size > width:
            yield line
            line, used = [], 0
        gap = "   " if line else "  "
        line += [(gap, None, None), *entry]
        used += len(gap) + size
    if line:
        yield line


def _line(pieces: Sequence[Piece], look: Look) -> str:
    """A line with its escape codes, and without spaces at its end."""
    if not look.colour:
        return "".join(sign for sign, _, _ in pieces).rstrip() + "\n"
    while pieces and not pieces[-1][0].strip() and pieces[-1][2] is None:
        pieces = pieces[:-1]
    found, before = [], ""
    for sign, colour, ground in pieces:
        code = _code(colour, 38, look) + _code(ground, 48, look)
        if code != before:
            found.append(f"\x1b[0m{code}" if before else code)
            before = code
        found.append(sign)
    return "".join([*found, "\x1b[0m" if before else "", "\n"])


def _code(colour: Colour | None, kind: int, look: Look) -> str:
    if colour is None:
        return ""
    if look.truecolour:
        return f"\x1b[{kind};2;{colour[0]};{colour[1]};{colour[2]}m"
    return f"\x1b[{kind};5;{_of_256(colour)}m"


def _of_256(colour: Colour) -> int:
    """The nearest of the 216 colours and 24 greys that terminals agree on."""
    steps = (0, 95, 135, 175, 215, 255)
    near = [min(range(6), key=lambda step: abs(steps[step] - part)) for part in colour]
    cube = 16 + 36 * near[0] + 6 * near[1] + near[2]
    grey = min(max(round((sum(colour) / 3 - 8) / 10), 0), 23)
    distance = sum((steps[step] - part) ** 2 for step, part in zip(near, colour, strict=True))
    return 232 + grey if sum((8 + 10 * grey - p) ** 2 for p in colour) < distance else cube
