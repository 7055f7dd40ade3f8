"""Where the boxes of a diagram stand: layers from the output down, by igraph's Sugiyama layout."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autograd_cli.errors import columns
from autograd_cli.render.graph.diagram import Diagram
from autograd_cli.render.graph.geometry import (
    ABOVE,
    ASIDE,
    LAYER_GAP,
    LINE,
    PADDING,
    SMALL_LINE,
    WAY,
    Layer,
    Place,
    Point,
)
from autograd_cli.render.graph.placing import order, spread
from autograd_cli.render.graph.routes import Routes

CHARACTER = 7.25  # pixels that one column of 12-pixel monospace text takes
SMALL = 6.05  # and one of 10-pixel text
LONGEST = 60  # layers that an arrow passes through before it goes around everything
MARGIN = 20


@dataclass(frozen=True)
class Layout:
    """Places by box; for every arrow the points that it passes through, its ends included, and the
    place of its label, if it has one."""

    places: Mapping[str, Place]
    routes: Sequence[tuple[Point, ...]]
    labels: Sequence[Place | None]
    width: float
    height: float


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
    xs = spread(order(len(levels), edges, levels), levels, widths, edges)
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
    found = Routes(diagram.arrows, places, {n: layers[levels_of[n]] for n in names}, ways, beside)
    put = found.labels(sent, labels)
    routes, right = found.routes(sent, put, right)
    return Layout(places, routes, put, right + MARGIN, layers[-1].end + MARGIN)


def _rows(
    levels: Sequence[int],
    names: Sequence[str],
    sizes: Mapping[str, tuple[float, float]],
    sent: Mapping[str, Sequence[int]],
    labels: Sequence[tuple[float, float]],
) -> list[Layer]:
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
        found.append(Layer(top, top + height, end))
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
