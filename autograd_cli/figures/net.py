"""A surface drawn with characters: a net of lines, of which the front hides the back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from autograd_cli.figures.figure import Figure, Path, Surface
from autograd_cli.figures.look import (
    Look,
    Piece,
    arranged,
    entry,
    fitted,
    ramp,
    rounded,
    tint,
    title_lines,
)
from autograd_cli.figures.raster import Point, Raster
from autograd_cli.figures.scale import label as number_label
from autograd_cli.figures.surface import Box, quadrilaterals
from autograd_cli.figures.values import Values

WIDEST = 120  # columns
LOWEST, HIGHEST = 10, 24  # lines
NARROWEST = 12
SHARE = 0.35  # lines for a column
TALLEST = 0.45  # of them where there is room
STRETCH = 1.4  # how much wider than high a unit may become
DOTS = 6  # across a face, at least
FEWEST, MOST = 8, 24  # faces along an axis


class Net:
    """A figure with a surface, as it is drawn, over at most `room` lines."""

    def __init__(self, figure: Figure, look: Look, room: int | None = None) -> None:
        self._figure, self._look = figure, look
        self._field = next(one for one in figure.layers if isinstance(one, Surface))
        self._values = Values.of(self._field)
        self._raster = Raster(
            max(min(look.width, max(WIDEST, round((room or 0) / TALLEST))) - 2, NARROWEST),
            min(max(round(look.width * SHARE), LOWEST), HIGHEST)
            if room is None
            else min(room, round(look.width * TALLEST)),
            unicode=look.unicode,
        )
        self._box = Box.of(self._field, self._values.limits)
        left, right, low, high = self._box.extent
        self._origin = left, low
        self._tall = (self._raster.down - 1) / (high - low)
        self._wide = min((self._raster.across - 1) / (right - left), STRETCH * self._tall)
        self._shift = (self._raster.across - 1 - self._wide * (right - left)) / 2
        self._legend: list[list[Piece]] = []
        self._draw_faces()
        for path in figure.layers:
            if isinstance(path, Path):
                self._draw_path(path)

    def lines(self) -> Iterator[list[Piece]]:
        yield from title_lines(self._figure.title, 2, self._look)
        for pieces in self._drawn:
            yield [(" ", None, None), *pieces]
        names = [
            (self._figure.x.label or "x", self._field.x),
            (self._figure.y.label or "y", self._field.y),
        ]
        sides: list[list[Piece]] = []
        for name, row in names:
            sides.append(self._range(name, row[0], row[-1]))
        label = self._figure.z.label or self._field.label or "z"
        shown = self._range(label, *self._values.limits)
        if self._look.colour:
            shown = ramp(self._values, label, self._look)
        yield from arranged([*sides, shown, *self._legend], self._look)

    @property
    def rows(self) -> int:
        """The lines of the net itself."""
        return len(self._drawn)

    @cached_property
    def _drawn(self) -> list[list[Piece]]:
        rows = list(self._raster.lines())
        drawn = [number for number, row in enumerate(rows) if any(sign.strip() for sign, *_ in row)]
        return rows[drawn[0] : drawn[-1] + 1] if drawn else []

    def _range(self, name: str, *ends: float) -> list[Piece]:
        low, high = map(number_label, rounded(ends))
        name = fitted(name, self._look.width // 3, self._look)
        return [(f"{name} from {low} to {high}", None, None)]

    def _at(self, x: float, y: float, z: float) -> Point:
        across, up, _ = self._box.project(x, y, z)
        left, low = self._origin
        return self._shift + (across - left) * self._wide, (up - low) * self._tall

    def _draw_faces(self) -> None:
        cells = max(FEWEST, min(MOST, self._raster.across // DOTS))
        for face in quadrilaterals(self._field, self._box, cells):
            corners = [self._at(*corner) for corner in face.corners]
            self._raster.fill(corners, None)
            colour = self._look.line_colour(self._values.part(face.height))
            self._raster.curve([*corners, corners[0]], colour)

    def _draw_path(self, path: Path) -> None:
        points = [self._at(*one) for one in zip(path.x, path.y, path.z, strict=True)]
        self._raster.path(points, tint(path), self._look.signs)
        if path.label:
            signs = self._look.signs
            sign = f"{signs.start}{signs.bottom}{signs.end}"
            self._legend.append(entry(sign, tint(path), path.label, self._look))
