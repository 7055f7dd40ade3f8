"""Where the boxes of a diagram stand: layers from the output down, by igraph's Sugiyama layout."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autograd_cli.errors import MissingExtraError, columns
from autograd_cli.render.graph.diagram import Diagram, DiagramArrow

CHARACTER = 7.25  # pixels that one column of 12-pixel monospace text takes
LINE = 16
PADDING = 10
GAP = 30  # between boxes of one layer
PORTS = 70  # between arrows at one box, if it is that wide
ASIDE = 22  # between a box and a constant beside it
LAYER_GAP = 58
LONGEST = 8  # layers that an arrow passes through before it goes around everything
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
    """Places by box, and for every arrow the points that it passes through, its ends included."""

    places: Mapping[str, Place]
    routes: Sequence[tuple[Point, ...]]
    width: float
    height: float


def layout(diagram: Diagram) -> Layout:
    """Sugiyama, Tagawa & Toda (1981). Raises MissingExtraError without igraph."""
    layers = _layers(diagram)
    sizes = {box.id: _size(box.lines) for box in diagram.boxes}
    aside = _aside(diagram)
    beside = {name for names in aside.values() for name in names}
    names = [name for name in sizes if name not in beside]
    index = {name: number for number, name in enumerate(names)}
    levels = [layers[name] for name in names]
    extra = [sum(ASIDE + sizes[one][0] for one in aside.get(name, ())) for name in names]
    widths = [sizes[name][0] + more for name, more in zip(names, extra, strict=True)]
    edges: list[tuple[int, int]] = []
    through: dict[tuple[str, str], list[int]] = {}
    for arrow in diagram.arrows:
        pair = (arrow.source, arrow.target)
        first, last = layers[arrow.source], layers[arrow.target]
        if pair in through or last - first > LONGEST or arrow.target in beside:
            continue
        passed = list(range(len(levels), len(levels) + last - first - 1))
        levels += range(first + 1, last)
        widths += [LINE] * len(passed)
        through[pair] = passed
        stops = [index[arrow.source], *passed, index[arrow.target]]
        edges += pairwise(stops)
    xs = _spread(_positions(len(levels), edges, levels), levels, widths)
    heights = [0.0] * (max(levels) + 1)
    for name in names:
        heights[layers[name]] = max(heights[layers[name]], sizes[name][1])
    tops: list[float] = []
    top = float(MARGIN)
    for height in heights:
        tops.append(top)
        top += height + LAYER_GAP
    centres = [tops[level] + heights[level] / 2 for level in levels]
    left = min(x - width / 2 for x, width in zip(xs, widths, strict=True)) - MARGIN
    xs = [x - left for x in xs]
    places = {
        name: Place(xs[i] - extra[i] / 2, centres[i], *sizes[name]) for i, name in enumerate(names)
    }
    for name, constants in aside.items():
        edge = places[name].x + places[name].width / 2
        for one in constants:
            edge += ASIDE + sizes[one][0]
            places[one] = Place(edge - sizes[one][0] / 2, places[name].y, *sizes[one])
    right = max(x + width / 2 for x, width in zip(xs, widths, strict=True))
    points = {pair: [(xs[i], centres[i]) for i in passed] for pair, passed in through.items()}
    routes, right = _routes(diagram.arrows, places, points, beside, right)
    return Layout(places, routes, right + MARGIN, top - LAYER_GAP + MARGIN)


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


def _spread(xs: Sequence[float], levels: Sequence[int], widths: Sequence[float]) -> list[float]:
    """The positions with room for the boxes: a layer at a time, neighbours keep their distance,
    and every one stays as near to where it was as that allows."""
    rows: dict[int, list[int]] = {}
    for number, level in enumerate(levels):
        rows.setdefault(level, []).append(number)
    unit = sum(widths) / len(widths) * 0.75 + GAP
    found = [x * unit for x in xs]
    for row in rows.values():
        row.sort(key=lambda number: (xs[number], number))
        blocks: list[tuple[float, list[int]]] = []  # pool adjacent violators: (centre, members)
        offsets: dict[int, float] = {}
        for number in row:
            offsets[number] = 0.0
            blocks.append((found[number], [number]))
            while len(blocks) > 1:
                (left, before), (right, after) = blocks[-2:]
                reach = (widths[before[-1]] + widths[after[0]]) / 2 + GAP
                apart = (right + offsets[after[0]]) - (left + offsets[before[-1]])
                if apart >= reach:
                    break
                shift = offsets[before[-1]] + reach - offsets[after[0]]
                for member in after:
                    offsets[member] += shift
                members = before + after
                centre = sum(found[m] - offsets[m] for m in members) / len(members)
                blocks[-2:] = [(centre, members)]
        for centre, members in blocks:
            for member in members:
                found[member] = centre + offsets[member]
    return found


def _routes(
    arrows: Sequence[DiagramArrow],
    places: Mapping[str, Place],
    points: Mapping[tuple[str, str], Sequence[Point]],
    beside: Collection[str],
    right: float,
) -> tuple[list[tuple[Point, ...]], float]:
    """The way of every arrow; parallel ones keep apart, very long ones pass at the right."""
    often: dict[tuple[str, str], int] = {}
    for arrow in arrows:
        often[arrow.source, arrow.target] = often.get((arrow.source, arrow.target), 0) + 1
    met: dict[tuple[str, str], int] = {}
    outgoing: dict[str, list[int]] = {}
    incoming: dict[str, list[int]] = {}
    for number, arrow in enumerate(arrows):
        if arrow.target in beside:
            continue
        outgoing.setdefault(arrow.source, []).append(number)
        incoming.setdefault(arrow.target, []).append(number)
    starts = _ports(outgoing, places, lambda n: places[arrows[n].target].x)
    ends = _ports(incoming, places, lambda n: places[arrows[n].source].x)
    routes: list[tuple[Point, ...]] = []
    for number, arrow in enumerate(arrows):
        pair = (arrow.source, arrow.target)
        source, target = places[arrow.source], places[arrow.target]
        if arrow.target in beside:
            start, end = target.x - target.width / 2 - ASIDE, target.x - target.width / 2
            routes.append(((start, target.y), (end + PADDING, target.y)))
            continue
        first = (starts[number], source.y + source.height / 2)
        last = (ends[number], target.y - target.height / 2)
        between = list(points.get(pair, ()))
        if pair not in points:
            right += GAP
            between = [
                (right, first[1] + LAYER_GAP / 2),
                (right, last[1] - LAYER_GAP / 2),
            ]
        elif often[pair] > 1:
            shift = (met.get(pair, 0) - (often[pair] - 1) / 2) * GAP
            between = between or [((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)]
            between = [(x + 2 * shift, y) for x, y in between]
        met[pair] = met.get(pair, 0) + 1
        routes.append((first, *between, last))
    return routes, right


def _ports(
    by_box: Mapping[str, list[int]], places: Mapping[str, Place], where: Any
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
