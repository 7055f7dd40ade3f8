"""A picture of characters: lines of Braille dots, marks and coloured grounds, as text.

The dots are plotille's; which colour a character has is kept here, so that what the process's own
environment says about colours makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from autograd_cli.errors import MissingExtraError
from autograd_cli.figures.figure import DASHDOT, DASHED, DOTTED, SOLID
from autograd_cli.figures.look import Piece, Signs
from autograd_cli.figures.palette import Colour

Point: TypeAlias = tuple[float, float]

ACROSS, DOWN = 2, 4  # dots in a character
BRAILLE = 0x2800
# The bits of the dots in a character, by rows from the top.
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
# How many dots are drawn and left out, in turn.
DASH_DOTS = {SOLID: (), DASHED: (6, 4), DOTTED: (1, 2), DASHDOT: (6, 3, 1, 3)}


class Raster:
    """A rectangle of `width` by `height` characters; dots are counted from its lower left corner.

    Raises: MissingExtraError where plotille is not installed.
    """

    def __init__(self, width: int, height: int, *, unicode: bool = True) -> None:
        try:
            from plotille import Canvas
        except ImportError:
            raise MissingExtraError(
                "drawing in the terminal needs plotille, which is not installed",
                hint='pip install "autograd-cli[plot]"',
            ) from None
        self.width, self.height = width, height
        self._unicode = unicode
        self.across, self.down = width * ACROSS, height * DOWN
        self._canvas = Canvas(width, height, 0, 0, self.across, self.down)
        self._colours: dict[tuple[int, int], Colour | None] = {}
        self._marks: dict[tuple[int, int], tuple[str, Colour | None]] = {}
        self._behind: dict[tuple[int, int], tuple[str, Colour | None]] = {}
        self._grounds: dict[tuple[int, int], tuple[Colour, Colour]] = {}

    def curve(self, points: Iterable[Point], colour: Colour | None, dash: str = SOLID) -> None:
        """A line through points, given in dots; those that are not finite are gaps."""
        for start, end in _dashed(self._segments(points), DASH_DOTS[dash]):
            self._line(start, end, colour)

    def dot(self, point: Point, colour: Colour | None) -> None:
        if self._is_inside(point):
            self._line(point, point, colour)

    def mark(self, point: Point, sign: str, colour: Colour | None) -> bool:
        """A character at a point, in front of the dots; whether there was room inside."""
        if not self._is_inside(point):
            return False
        self._marks[_cell(point)] = (sign, colour)
        return True

    def shade(self, column: int, row: int, sign: str, colour: Colour | None) -> None:
        """A character behind the dots."""
        self._behind[column, row] = (sign, colour)

    def path(self, points: Sequence[Point], colour: Colour | None, signs: Signs) -> None:
        """A line with its points, as far as they can be told apart, and its two ends marked."""
        self.curve(points, colour)
        for point in points if len(points) <= self.width else ():
            self.mark(point, signs.point, colour)
        if points:
            self.mark(points[0], signs.start, colour)
            self.mark(points[-1], signs.end, colour)

    def write(self, point: Point, text: str, colour: Colour | None) -> None:
        """A text that begins at a point."""
        for number, sign in enumerate(text):
            self.mark((point[0] + number * ACROSS, point[1]), sign, colour)

    def is_free(self, point: Point, length: int = 1) -> bool:
        """Whether no mark is within the next characters."""
        column, row = _cell(point)
        return not any((column + one, row) in self._marks for one in range(length))

    def ground(self, column: int, row: int, top: Colour, bottom: Colour) -> None:
        """The colours behind the upper and the lower half of a character."""
        self._grounds[column, row] = top, bottom

    def fill(self, corners: Sequence[Point], colour: Colour | None, *, draw: bool = False) -> None:
        """Draw all dots within a convex polygon, or take them away."""
        xs = [x for x, _ in corners]
        for x in range(max(0, math.ceil(min(xs))), min(self.across - 1, math.floor(max(xs))) + 1):
            ys = list(_crossings(corners, x))
            if ys:
                low, high = max(min(ys), 0), min(max(ys), self.down - 1)
                if low <= high:
                    self._line((x, low), (x, high), colour, draw=draw)

    def lines(self) -> Iterator[list[Piece]]:
        """The rows from the top: every character with its colour and that of its ground."""
        rows = self._canvas.plot(linesep="\n").split("\n")
        for index, text in enumerate(rows):
            row = self.height - 1 - index
            yield [self._character(column, row, sign) for column, sign in enumerate(text)]

    def _character(self, column: int, row: int, dots: str) -> Piece:
        cell = column, row
        top, bottom = self._grounds.get(cell, (None, None))
        ground = bottom if top is None or bottom is None else _mean(top, bottom)
        if cell in self._marks:
            return (*self._marks[cell], ground)
        if ord(dots) != BRAILLE:
            sign = dots if self._unicode else ascii_shape(dots)
            return sign, self._colours.get(cell), ground
        if top is not None:
            return "▀", top, bottom
        return (*self._behind.get(cell, (" ", None)), None)

    def _segments(self, points: Iterable[Point]) -> Iterator[tuple[Point, Point]]:
        """The parts of a polyline that are inside."""
        before: Point | None = None
        for point in points:
            if not all(map(math.isfinite, point)):
                before = None
                continue
            inside = _clipped(before or point, point, self.across - 1, self.down - 1)
            if inside:
                yield inside
            before = point

    def _line(self, start: Point, end: Point, colour: Colour | None, *, draw: bool = True) -> None:
        (x0, y0), (x1, y1) = ((round(x), round(y)) for x, y in (start, end))
        self._canvas.line(x0, y0, x1, y1, set_=draw)
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1 if draw else 0):  # the same dots
            x, y = x0 + round((x1 - x0) / steps * step), y0 + round((y1 - y0) / steps * step)
            self._colours[x // ACROSS, y // DOWN] = colour

    def _is_inside(self, point: Point) -> bool:
        x, y = point
        return 0 <= x < self.across - 0.5 and 0 <= y < self.down - 0.5


def _cell(point: Point) -> tuple[int, int]:
    return round(point[0]) // ACROSS, round(point[1]) // DOWN


def _mean(one: Colour, other: Colour) -> Colour:
    red, green, blue = ((a + b) // 2 for a, b in zip(one, other, strict=True))
    return red, green, blue


def _clipped(start: Point, end: Point, right: float, top: float) -> tuple[Point, Point] | None:
    """The part of a line within the rectangle from (0, 0); Liang & Barsky (1984)."""
    enter, leave = 0.0, 1.0
    (x0, y0), (x1, y1) = start, end
    for change, room_low, room_high in ((x1 - x0, x0, right - x0), (y1 - y0, y0, top - y0)):
        if change == 0:
            if room_low < 0 or room_high < 0:
                return None
            continue
        first, last = sorted((-room_low / change, room_high / change))
        enter, leave = max(enter, first), min(leave, last)
    if enter > leave:
        return None
    return (
        (x0 + (x1 - x0) * enter, y0 + (y1 - y0) * enter),
        (x0 + (x1 - x0) * leave, y0 + (y1 - y0) * leave),
    )


def _dashed(
    segments: Iterable[tuple[Point, Point]], pattern: Sequence[int]
) -> Iterator[tuple[Point, Point]]:
    """The pieces of the segments that a pattern of drawn and left out lengths leaves."""
    part, rest = 0, float(pattern[0]) if pattern else 0.0
    for start, end in segments:
        if not pattern:
            yield start, end
            continue
        length = math.hypot(end[0] - start[0], end[1] - start[1])
        done = 0.0
        while done < length:
            step = min(rest, length - done)
            if part % 2 == 0:
                yield (
                    _between(start, end, done / length),
                    _between(start, end, (done + step) / length),
                )
            done += step
            rest -= step
            if rest <= 0:
                part = (part + 1) % len(pattern)
                rest = float(pattern[part])


def _between(start: Point, end: Point, part: float) -> Point:
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _crossings(corners: Sequence[Point], x: float) -> Iterator[float]:
    """Where the edges of a polygon cross a vertical line."""
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if x0 == x1 == x:
            yield from (y0, y1)
        elif min(x0, x1) <= x <= max(x0, x1):
            yield y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def ascii_shape(braille: str) -> str:
    """The ASCII character that looks most like a pattern of dots."""
    bits = ord(braille) - BRAILLE
    left = [row for row in range(DOWN) if bits & BITS[row][0]]
    right = [row for row in range(DOWN) if bits & BITS[row][1]]
    both = left + right
    if not both:
        return " "
    if len(both) >= 7:
        return "#"
    if not left or not right:
        if len(both) >= 3:
            return "|"
    elif abs(sum(left) / len(left) - sum(right) / len(right)) >= 1:
        return "/" if sum(left) / len(left) > sum(right) / len(right) else "\\"
    elif min(len(left), len(right)) >= 3:
        return "|"
    middle = sum(both) / len(both)
    return "'" if middle < 1 else "." if middle > 2.5 else "-"
