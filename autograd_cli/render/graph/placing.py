"""Where the boxes of each layer stand from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from autograd_cli.errors import MissingExtraError
from autograd_cli.render.graph.geometry import GAP, WAY

SWEEPS = 12  # down and up again
STRAIGHT = 4.0  # how much more a long arrow wants to be straight than a box wants its place


def order(count: int, edges: Sequence[tuple[int, int]], levels: Sequence[int]) -> list[float]:
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


def spread(
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
