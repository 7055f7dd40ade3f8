"""A figure with two axes drawn with characters."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import singledispatchmethod

from autograd_cli.errors import columns as width_of
from autograd_cli.figures import scale
from autograd_cli.figures.basins import contour_levels
from autograd_cli.figures.contours import Polyline, contours
from autograd_cli.figures.figure import (
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
    Row,
    Scatter,
    Series,
)
from autograd_cli.figures.look import (
    FAINT,
    INDENT,
    Look,
    Piece,
    arranged,
    entry,
    fitted,
    ramp,
    readable,
    tint,
    title_lines,
)
from autograd_cli.figures.palette import Colour, viridis
from autograd_cli.figures.raster import ACROSS, DOWN, Point, Raster
from autograd_cli.figures.values import Values

WIDEST = 120  # columns of a picture
NARROWEST = 12  # columns of the area that is drawn in
LOWEST, HIGHEST = 8, 24  # lines of that area
SHARE = 0.21  # lines for a column
TALLEST = 0.36  # of them where there is room
TICK_COLUMNS, TICK_LINES = 12, 3  # between ticks
LEVELS = 6  # contours
BAR = 0.35  # of the distance between two bars, on either side
BENT = 100  # points of a straight line on a logarithmic axis


class Plane:
    """A figure with two axes, as it is drawn, over at most `room` lines between the axes."""

    def __init__(self, figure: Figure, look: Look, room: int | None = None) -> None:
        self._figure, self._look, self._signs = figure, look, look.signs
        self._x = scale.x_limits(figure.layers, figure.x)
        self._y = scale.y_limits(figure.layers, figure.y)
        columns = min(look.width, max(WIDEST, round((room or 0) / TALLEST)))
        height = min(max(round(columns * SHARE), LOWEST), HIGHEST)
        if room is not None:
            height = min(room, round(columns * TALLEST))
        self._y_ticks = _labelled(self._y, figure.y, max(2, height // TICK_LINES))
        self._margin = max((width_of(name) for _, name in self._y_ticks), default=0) + 1
        width = max(columns - self._margin - 1, NARROWEST)
        if figure.equal:
            width, height = _equal(width, HIGHEST if room is None else room, self._x, self._y)
        self._raster = Raster(width, height, unicode=look.unicode)
        self._across = _placing(self._x, figure.x.scale, self._raster.across - 1)
        self._up = _placing(self._y, figure.y.scale, self._raster.down - 1)
        self._x_ticks = self._named() or _labelled(self._x, figure.x, max(1, width // TICK_COLUMNS))
        self._legend: list[list[Piece]] = []
        self._draw_zero()
        for layer in figure.layers:
            self._draw(layer)

    @property
    def rows(self) -> int:
        """The lines between the axes."""
        return self._raster.height

    def lines(self) -> Iterator[list[Piece]]:
        yield from title_lines(self._figure.title, self._margin + 1, self._look)
        yield from title_lines(self._figure.y.label, 0, self._look)
        names = {
            self._raster.height - 1 - round(self._up(value)) // DOWN: name
            for value, name in self._y_ticks
        }
        for row, pieces in enumerate(self._raster.lines()):
            side = self._signs.left_tick if row in names else self._signs.left
            name = names.get(row, "").rjust(self._margin - 1)
            yield [(f"{name} ", None, None), (side, FAINT, None), *pieces]
        yield [(" " * self._margin, None, None), (self._bottom(), FAINT, None)]
        yield [(self._bottom_names(), None, None)]
        if self._figure.x.label:
            label = fitted(self._figure.x.label, self._look.width, self._look)
            end = self._margin + 1 + (self._raster.width + width_of(label)) // 2
            yield [(label.rjust(min(end, self._look.width)), None, None)]
        yield from arranged(self._legend, self._look)
        yield from title_lines(self._figure.note, INDENT, self._look)

    # Layers ---------------------------------------------------------------------------------------

    @singledispatchmethod
    def _draw(self, layer: object) -> None:
        raise TypeError(layer)

    @_draw.register
    def _(self, curve: Curve) -> None:
        self._curve(map(self._at, curve.x, curve.y), curve)
        self._entry(self._signs.lines[curve.dash or SOLID], curve)

    @_draw.register
    def _(self, line: Line) -> None:
        if math.isinf(line.slope):
            points = [self._at(line.x, end) for end in self._y]
        else:
            count = BENT if LOG in (self._figure.x.scale, self._figure.y.scale) else 2
            places = [_unplace(n / (count - 1), self._x, self._figure.x) for n in range(count)]
            points = [self._at(x, line.y + line.slope * (x - line.x)) for x in places]
        self._curve(points, line)
        sign = self._signs.lines[line.dash or SOLID]
        if line.marked:
            self._raster.mark(self._at(line.x, line.y), self._signs.touch, tint(line))
            sign = sign[:-1] + self._signs.touch
        self._entry(sign, line)

    @_draw.register
    def _(self, scatter: Scatter) -> None:
        sparse = len(scatter.x) <= self._raster.width
        for point in map(self._at, scatter.x, scatter.y):
            if sparse or not self._look.unicode:
                self._raster.mark(point, self._signs.point, tint(scatter))
            else:
                self._raster.dot(point, tint(scatter))
        self._entry(self._signs.point, scatter)

    @_draw.register
    def _(self, band: Band) -> None:
        sign = self._signs.band
        lows, highs = map(self._at, band.x, band.low), map(self._at, band.x, band.high)
        edges = [(*low, high) for low, (_, high) in zip(lows, highs, strict=True)]
        for column in range(self._raster.width):
            between = _interpolated(edges, (column + 0.5) * ACROSS)
            if between:
                low, high = (min(max(end, 0), self._raster.down - 1) for end in between)
                for row in range(round(low) // DOWN, round(high) // DOWN + 1):
                    self._raster.shade(column, row, sign, FAINT)
        if band.label:
            self._legend.append(entry(sign * 2, FAINT, band.label, self._look))

    @_draw.register
    def _(self, bars: Bars) -> None:
        is_log = self._figure.y.scale == LOG
        base = 0.0 if is_log else self._up(min(max(0.0, self._y[0]), self._y[1]))
        for number, height in enumerate(bars.heights):
            (left, top), (right, _) = (self._at(number + side, height) for side in (-BAR, BAR))
            if math.isfinite(top):
                box = [(left, base), (right, base), (right, top), (left, top)]
                self._raster.fill(box, tint(bars), draw=True)
        self._entry(self._signs.bar * 2, bars)

    @_draw.register
    def _(self, path: Path) -> None:
        self._raster.path(list(map(self._at, path.x, path.y)), tint(path), self._signs)
        self._entry(f"{self._signs.start}{self._signs.bottom}{self._signs.end}", path)

    @_draw.register
    def _(self, arrows: Arrows) -> None:
        across = (self._raster.across - 1) / (self._x[1] - self._x[0])
        up = (self._raster.down - 1) / (self._y[1] - self._y[0])
        sizes = Values.of_numbers(map(math.hypot, arrows.u, arrows.v))
        is_coloured = arrows.by_size and self._look.colour
        for x, y, u, v in zip(arrows.x, arrows.y, arrows.u, arrows.v, strict=True):
            point, size = self._at(x, y), math.hypot(u, v)
            if 0 < size < math.inf and self._raster.is_free((point[0] - ACROSS, point[1]), 3):
                eighth = round(math.atan2(v * up, u * across) / (math.pi / 4)) % 8
                colour = readable(sizes.part(size)) if is_coloured else None
                self._raster.mark(point, self._signs.arrows[eighth], colour)
        if is_coloured:
            self._legend.append(ramp(sizes, arrows.size or arrows.label, self._look))
        if arrows.label and (arrows.size or not is_coloured):
            self._legend.append(entry(self._signs.arrows[0], None, arrows.label, self._look))

    @_draw.register
    def _(self, field: Contour) -> None:
        values = Values.of(field)
        for level, lines in contours(field, values, contour_levels(field, values, LEVELS)):
            colour = self._look.line_colour(values.part(level))
            for line in lines:
                self._raster.curve((self._at(x, y) for x, y in line), colour)
            self._write_level(lines, scale.label(level), colour)
        if self._look.colour:
            self._legend.append(ramp(values, field.label, self._look))

    @_draw.register
    def _(self, field: Heatmap) -> None:
        values = Values.of(field)
        xs = self._nearest(field.x, self._raster.width, self._x, self._figure.x)
        ys = self._nearest(field.y, 2 * self._raster.height, self._y, self._figure.y)
        for column, i in enumerate(xs):
            for row in range(self._raster.height):
                bottom, top = (values.part(field.z[j][i]) for j in ys[2 * row : 2 * row + 2])
                self._shade(column, row, top, bottom)
        self._legend.append(ramp(values, field.label, self._look, viridis))

    # Their parts ----------------------------------------------------------------------------------

    def _at(self, x: float, y: float) -> Point:
        """Where a point is, in dots."""
        return self._across(x), self._up(y)

    def _curve(self, points: Iterable[Point], series: Series) -> None:
        self._raster.curve(points, tint(series), series.dash or SOLID)

    def _entry(self, sign: str, series: Series) -> None:
        if series.label:
            self._legend.append(entry(sign, tint(series), series.label, self._look))

    def _draw_zero(self) -> None:
        """Where y is 0, if that is within: a faint line behind everything."""
        has_field = any(isinstance(layer, Field) for layer in self._figure.layers)
        if not has_field and self._figure.y.scale != LOG and self._y[0] < 0 < self._y[1]:
            self._raster.curve([self._at(end, 0.0) for end in self._x], FAINT, DOTTED)

    def _write_level(self, lines: Sequence[Polyline], label: str, colour: Colour | None) -> None:
        """The value of a contour, written on its longest line where there is room."""
        for line in sorted(lines, key=len, reverse=True):
            for part in (0.5, 0.25, 0.75):
                x, y = self._at(*line[int(part * (len(line) - 1))])
                start = x - len(label) * ACROSS / 2
                is_inside = 0 <= start <= self._raster.across - (len(label) + 1) * ACROSS
                if is_inside and self._raster.is_free((start - ACROSS, y), len(label) + 2):
                    self._raster.write((start, y), label, colour)
                    return

    def _nearest(self, row: Row, count: int, limits: Limits, axis: Axis) -> list[int]:
        """For `count` places along an axis, where the nearest number of the row is."""
        found = []
        for number in range(count):
            place = _unplace((number + 0.5) / count, limits, axis)
            after = bisect(row, place)
            around = [one for one in (after - 1, after) if 0 <= one < len(row)]
            found.append(min(around, key=lambda one: abs(row[one] - place)))
        return found

    def _shade(self, column: int, row: int, top: float, bottom: float) -> None:
        """Colours for the two halves of a character, or one shade."""
        if math.isnan(top) or math.isnan(bottom):
            return
        if self._look.colour and self._look.unicode:
            self._raster.ground(column, row, viridis(top), viridis(bottom))
            return
        mean = (top + bottom) / 2
        shades = self._signs.shades
        sign = shades[min(int(mean * len(shades)), len(shades) - 1)]
        self._raster.shade(column, row, sign, viridis(mean) if self._look.colour else None)

    # Axes -----------------------------------------------------------------------------------------

    def _named(self) -> list[tuple[float, str]]:
        """The names under bars, as ticks."""
        bars = next((one for one in self._figure.layers if isinstance(one, Bars)), None)
        if bars is None:
            return []
        room = max(self._raster.width // max(len(bars.names), 1) - 1, 1)
        return [
            (float(number), fitted(name, room, self._look))
            for number, name in enumerate(bars.names)
        ]

    def _bottom(self) -> str:
        line = [self._signs.bottom] * self._raster.width
        for value, _ in self._x_ticks:
            line[round(self._across(value)) // ACROSS] = self._signs.bottom_tick
        return self._signs.corner + "".join(line)

    def _bottom_names(self) -> str:
        found = ""
        end = self._margin + 1 + self._raster.width
        for value, name in self._x_ticks:
            column = self._margin + 1 + round(self._across(value)) // ACROSS
            start = max(0, min(column - width_of(name) // 2, end - width_of(name)))
            if not found or start > width_of(found):
                found += " " * (start - width_of(found)) + name
        return found


def _equal(width: int, highest: int, x: Limits, y: Limits) -> tuple[int, int]:
    """The columns and lines in which units are equally long on both axes, as far as they go."""
    ratio = (y[1] - y[0]) / (x[1] - x[0])
    height = round(width * ACROSS * ratio / DOWN)
    if height > highest:
        return max(round(highest * DOWN / ratio / ACROSS), NARROWEST), highest
    return width, max(height, min(LOWEST, highest))


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


def _unplace(part: float, limits: Limits, axis: Axis) -> float:
    """The number at `part` of an axis."""
    low, high = limits
    return low * (high / low) ** part if axis.scale == LOG else low + part * (high - low)


def _labelled(limits: Limits, axis: Axis, count: int) -> list[tuple[float, str]]:
    found = scale.ticks(limits, axis.scale, count)
    return [(tick, scale.label(tick, () if axis.scale == LOG else found)) for tick in found]


def _interpolated(
    edges: Sequence[tuple[float, float, float]], place: float
) -> tuple[float, float] | None:
    """The low and the high end of a band at a place, between the two of its points around it."""
    after = bisect(edges, place, key=lambda edge: edge[0])
    if not 0 < after < len(edges):
        return None
    (x0, low0, high0), (x1, low1, high1) = edges[after - 1], edges[after]
    part = (place - x0) / (x1 - x0)
    found = low0 + (low1 - low0) * part, high0 + (high1 - high0) * part
    return found if all(map(math.isfinite, found)) else None
