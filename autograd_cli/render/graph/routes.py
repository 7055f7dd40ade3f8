"""Where the arrows of a diagram run, and where their labels stand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from autograd_cli.render.graph.diagram import DiagramArrow
from autograd_cli.render.graph.geometry import (
    ABOVE,
    ASIDE,
    GAP,
    LAYER_GAP,
    PADDING,
    Layer,
    Place,
    Point,
)

PORTS = 70  # between arrows at one box, if it is that wide


@dataclass(frozen=True)
class Routes:
    """Where arrows run, between placed boxes; `ways` are the layers that each one passes."""

    arrows: Sequence[DiagramArrow]
    places: Mapping[str, Place]
    layers: Mapping[str, Layer]
    ways: Mapping[tuple[str, str], Sequence[tuple[float, Layer]]]
    beside: Collection[str]

    def heading(self, number: int) -> float:
        """In which direction an arrow leaves: where it is in the next layer."""
        arrow = self.arrows[number]
        way = self.ways.get((arrow.source, arrow.target))
        return way[0][0] if way else self.places[arrow.target].x

    def coming(self, number: int) -> float:
        """From which direction an arrow arrives."""
        arrow = self.arrows[number]
        way = self.ways.get((arrow.source, arrow.target))
        return way[-1][0] if way else self.places[arrow.source].x

    def labels(
        self, sent: Mapping[str, Sequence[int]], sizes: Sequence[tuple[float, float]]
    ) -> list[Place | None]:
        """Side by side below the box, in the order of where the arrows go."""
        found: list[Place | None] = [None] * len(self.arrows)
        for name, numbers in sent.items():
            x = self.places[name].x - sum(sizes[number][0] for number in numbers) / 2
            top = self.layers[name].bottom + ABOVE
            for number in sorted(numbers, key=self.heading):
                width, height = sizes[number]
                if width:
                    found[number] = Place(x + width / 2, top + height / 2, width, height)
                x += width
        return found

    def routes(
        self, sent: Mapping[str, Sequence[int]], labels: Sequence[Place | None], right: float
    ) -> tuple[list[tuple[Point, ...]], float]:
        """The way of every arrow, and how far to the right they go."""
        incoming: dict[str, list[int]] = {}
        for number, arrow in enumerate(self.arrows):
            if arrow.target not in self.beside:
                incoming.setdefault(arrow.target, []).append(number)
        starts = _ports(sent, self.places, self.heading)
        ends = _ports(incoming, self.places, self.coming)
        found: list[tuple[Point, ...]] = []
        for number, arrow in enumerate(self.arrows):
            source, target = self.places[arrow.source], self.places[arrow.target]
            if arrow.target in self.beside:
                start = target.x - target.width / 2
                found.append(((start - ASIDE, target.y), (start + PADDING / 2, target.y)))
                continue
            label = labels[number]
            x = label.x if label else starts[number]
            row = self.layers[arrow.source]
            points = [(starts[number], source.y + source.height / 2)]
            points += [(x, row.bottom + ABOVE), (x, row.end)] if row.end > row.bottom else []
            last = (ends[number], target.y - target.height / 2)
            way = self.ways.get((arrow.source, arrow.target))
            if way is None:
                right += GAP / 2
                points += [(right, row.end + LAYER_GAP), (right, last[1] - LAYER_GAP)]
            else:
                points += [(x, y) for x, one in way for y in (one.top, one.end)]
            found.append((*points, last))
        return found, right


def _ports(
    by_box: Mapping[str, Sequence[int]],
    places: Mapping[str, Place],
    where: Callable[[int], float],
) -> dict[int, float]:
    """Where arrows touch a box: side by side, in the order of where they come from or go to."""
    found: dict[int, float] = {}
    for name, numbers in by_box.items():
        place = places[name]
        room = min(place.width - 2 * PADDING, PORTS * (len(numbers) - 1))
        for position, number in enumerate(sorted(numbers, key=where)):
            share = position / (len(numbers) - 1) - 0.5 if len(numbers) > 1 else 0.0
            found[number] = place.x + room * share
    return found
