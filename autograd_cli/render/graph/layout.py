"""Where the boxes of a diagram stand: layers from the output down, by igraph's Sugiyama layout."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autograd_cli.errors import MissingExtraError, columns
from autograd_cli.render.graph.diagram import Diagram, DiagramArrow

CHARACTER = 7.25  # pixels that one column of 12-pixel monospace text takes
SMALL = 6.05  # and one of 10-pixel text
LINE = 16
SMALL_LINE = 12
PADDING = 10
GAP = 24  # between boxes of one layer
PORTS = 70  # between arrows at one box, if it is that wide
ASIDE = 22  # between a box and a constant beside it
WAY = 4  # that an arrow takes where it passes a layer
ABOVE = 12  # between a box and the label of an arrow
LAYER_GAP = 40
LONGEST = 60  # layers that an arrow passes through before it goes around everything
MARGIN = 20

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """The centre and the size of a box."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Places by box; for every arrow the points that it passes through, its ends included, and the
    place of its label, if it has one."""

    places: Mapping[str, Place]
    routes: Sequence[tuple[Point, ...]]
    labels: Sequence[Place | None]
    width: float
    height: float


@dataclass(frozen=True)
class _Layer:
    """From `top` to `bottom` there are boxes; the labels of their arrows reach down to `end`."""

    top: float
    bottom: float
    end: float


def layout(diagram: Diagram) -> Layout:
    """Sugiyama, Tagawa & Toda (1981). Raises MissingExtraError without igraph.

    The labels of arrows stand right below the box that they come from, which has room for them, so
    that no two overlap; what passes a layer passes it straight.
    """
    levels_of = _layers(diagram)
    sizes = {box.id: _size(box.lines) for box in diagram.boxes}
    aside = _aside(diagram)
    beside = {name for names in aside.values() for name in names}
    names = [name for name in sizes if name not in beside]
    index = {name: number for number, name in enumerate(names)}
    levels = [levels_of[name] for name in names]
    sent = _sent(diagram, beside)
    labels = [_label_size(arrow.label) for arrow in diagram.arrows]
    halves = [_halves(name, sizes, aside, sent, labels) for name in names]
    widths = [left + right for left, right in halves]
    edges: list[tuple[int, int]] = []
    through: dict[tuple[str, str], list[int]] = {}
    for arrow in diagram.arrows:
        pair = (arrow.source, arrow.target)
        first, last = levels_of[arrow.source], levels_of[arrow.target]
        if pair in through or last - first > LONGEST or arrow.target in beside:
            continue
        passed = list(range(len(levels), len(levels) + last - first - 1))
        levels += range(first + 1, last)
        widths += [WAY] * len(passed)
        through[pair] = passed
        edges += pairwise([index[arrow.source], *passed, index[arrow.target]])
    xs = _spread(_positions(len(levels), edges, levels), levels, widths, edges)
    left = min(x - width / 2 for x, width in zip(xs, widths, strict=True)) - MARGIN
    xs = [x - left for x in xs]
    layers = _rows(levels, names, sizes, sent, labels)
    places = {}
    for number, name in enumerate(names):
        row, (before, after) = layers[levels[number]], halves[number]
        x = xs[number] - (after - before) / 2
        places[name] = Place(x, (row.top + row.bottom) / 2, *sizes[name])
    for name, constants in aside.items():
        edge = places[name].x + places[name].width / 2
        for one in constants:
            edge += ASIDE + sizes[one][0]
            places[one] = Place(edge - sizes[one][0] / 2, places[name].y, *sizes[one])
    right = max(x + width / 2 for x, width in zip(xs, widths, strict=True))
    ways = {pair: [(xs[i], layers[levels[i]]) for i in passed] for pair, passed in through.items()}
    found = _Routes(diagram.arrows, places, {n: layers[levels_of[n]] for n in names}, ways, beside)
    put = found.labels(sent, labels)
    routes, right = found.routes(sent, put, right)
    return Layout(places, routes, put, right + MARGIN, layers[-1].end + MARGIN)


def _rows(
    levels: Sequence[int],
    names: Sequence[str],
    sizes: Mapping[str, tuple[float, float]],
    sent: Mapping[str, Sequence[int]],
    labels: Sequence[tuple[float, float]],
) -> list[_Layer]:
    """The layers below each other, each as high as what stands in it."""
    heights = [0.0] * (max(levels) + 1)
    texts = [0.0] * (max(levels) + 1)
    for name, level in zip(names, levels, strict=False):
        heights[level] = max(heights[level], sizes[name][1])
        texts[level] = max([texts[level], *(labels[number][1] for number in sent.get(name, ()))])
    found = []
    top = float(MARGIN)
    for height, text in zip(heights, texts, strict=True):
        end = top + height + (ABOVE + text if text else 0.0)
        found.append(_Layer(top, top + height, end))
        top = end + LAYER_GAP
    return found


def _sent(diagram: Diagram, beside: Collection[str]) -> dict[str, list[int]]:
    """The numbers of the arrows that leave each box, but for those to a constant beside it."""
    found: dict[str, list[int]] = {}
    for number, arrow in enumerate(diagram.arrows):
        if arrow.target not in beside:
            found.setdefault(arrow.source, []).append(number)
    return found


def _halves(
    name: str,
    sizes: Mapping[str, tuple[float, float]],
    aside: Mapping[str, Sequence[str]],
    sent: Mapping[str, Sequence[int]],
    labels: Sequence[tuple[float, float]],
) -> tuple[float, float]:
    """The room that a box needs at the left and at the right of its centre."""
    half = sizes[name][0] / 2
    below = sum(labels[number][0] for number in sent.get(name, ())) / 2
    constants = sum(ASIDE + sizes[one][0] for one in aside.get(name, ()))
    return max(half, below), max(half + constants, below)


def _layers(diagram: Diagram) -> dict[str, int]:
    """The longest way from the output to each box."""
    layers = {box.id: 0 for box in diagram.boxes}
    waiting = {box.id: 0 for box in diagram.boxes}
    below: dict[str, list[str]] = {}
    for arrow in diagram.arrows:
        waiting[arrow.target] += 1
        below.setdefault(arrow.source, []).append(arrow.target)
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        one = ready.pop()
        for target in below.get(one, ()):
            layers[target] = max(layers[target], layers[one] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return layers


def _aside(diagram: Diagram) -> dict[str, list[str]]:
    """The constants of each box, which stand beside it."""
    constants = {box.id for box in diagram.boxes if box.kind in ("constant", "cut")}
    found: dict[str, list[str]] = {}
    for arrow in diagram.arrows:
        if arrow.target in constants:
            found.setdefault(arrow.source, []).append(arrow.target)
    return found


def _size(lines: Sequence[str]) -> tuple[float, float]:
    width = max(map(columns, lines)) * CHARACTER + 2 * PADDING
    return width, len(lines) * LINE + 2 * PADDING - 6


def _label_size(lines: Sequence[str]) -> tuple[float, float]:
    if not lines:
        return 0.0, 0.0
    return max(map(columns, lines)) * SMALL + PADDING, len(lines) * SMALL_LINE + 2


def _positions(count: int, edges: Sequence[tuple[int, int]], levels: Sequence[int]) -> list[float]:
    try:
        import igraph
    except ImportError:
        raise MissingExtraError(
            "drawing a graph as svg or html needs igraph, which is not installed",
            hint='pip install "autograd-cli[svg]"; dot and mermaid need nothing',
        ) from None
    graph: Any = igraph.Graph(n=count, edges=edges, directed=True)
    placed = graph.layout_sugiyama(layers=list(levels), hgap=1, vgap=1)
    return [float(x) for x, _ in placed.coords]


SWEEPS = 12  # down and up again
STRAIGHT = 4.0  # how much more a long arrow wants to be straight than a box wants its place


def _spread(
    xs: Sequence[float],
    levels: Sequence[int],
    widths: Sequence[float],
    edges: Sequence[tuple[int, int]],
) -> list[float]:
    """The positions with room for the boxes: in every layer they keep their order.

    Layer by layer, down and up again, each is moved to the middle of what it is joined to, as far
    as its neighbours allow (the priority layout of Sugiyama, Tagawa & Toda, 1981).
    """
    rows: dict[int, list[int]] = {}
    for number, level in enumerate(levels):
        rows.setdefault(level, []).append(number)
    above: list[list[int]] = [[] for _ in levels]
    below: list[list[int]] = [[] for _ in levels]
    for source, target in edges:
        below[source].append(target)
        above[target].append(source)
    found = list(xs)
    offsets = [0.0] * len(xs)  # from the first of the layer, all as near as they may be
    for row in rows.values():
        row.sort(key=lambda number: (xs[number], number))
        for one, other in pairwise(row):
            gap = GAP / 2 if max(widths[one], widths[other]) == WAY else GAP
            offsets[other] = offsets[one] + (widths[one] + widths[other]) / 2 + gap
        middle = offsets[row[-1]] / 2
        for number in row:
            found[number] = offsets[number] - middle
    weights = [STRAIGHT if width == WAY else 1.0 for width in widths]
    down, up = sorted(rows), sorted(rows, reverse=True)
    for order, joined in [(down, above), (up, below)] * SWEEPS:
        for level in order:
            row = rows[level]
            wanted = [
                sum(found[other] for other in joined[number]) / len(joined[number])
                if joined[number]
                else found[number]
                for number in row
            ]
            _settle(row, wanted, offsets, weights, found)
    return found


def _settle(
    row: Sequence[int],
    wanted: Sequence[float],
    offsets: Sequence[float],
    weights: Sequence[float],
    found: list[float],
) -> None:
    """Puts a layer as near to the wanted places as the distances allow: the weighted least squares
    of isotonic regression, by pooling adjacent violators (Ayer et al., 1955)."""
    blocks: list[tuple[float, float, int]] = []  # (start, weight, how many)
    for number, place in zip(row, wanted, strict=True):
        start, weight, count = place - offsets[number], weights[number], 1
        while blocks and blocks[-1][0] > start:
            before, more, others = blocks.pop()
            start = (before * more + start * weight) / (more + weight)
            weight, count = weight + more, count + others
        blocks.append((start, weight, count))
    rest = iter(row)
    for start, _, count in blocks:
        for _ in range(count):
            number = next(rest)
            found[number] = start + offsets[number]


@dataclass(frozen=True)
class _Routes:
    """Where arrows run, between placed boxes; `ways` are the layers that each one passes."""

    arrows: Sequence[DiagramArrow]
    places: Mapping[str, Place]
    layers: Mapping[str, _Layer]
    ways: Mapping[tuple[str, str], Sequence[tuple[float, _Layer]]]
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
