"""What of a graph is drawn: its nodes with runs folded, down to a depth, up to a number."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.folding import Run, runs
from autograd_cli.results import Value
from autograd_cli.results.graph import Graph, GraphConstant
from autograd_cli.results.graph_parts import GraphEdge, GraphNode


@dataclass(frozen=True)
class Rest:
    """Stands for operands that are not drawn."""

    id: str


Box: TypeAlias = GraphNode | Run | GraphConstant | Rest


@dataclass(frozen=True)
class Arrow:
    """From a box to one of its operands.

    From a run, `count` edges are drawn as one, and `contribution` is their sum (None where they
    are not numbers). `edge` is None for constants and for the rest.
    """

    source: str
    target: str
    edge: GraphEdge | None = None
    count: int = 1
    contribution: Value = None


@dataclass(frozen=True)
class Sketch:
    """The boxes that are drawn, each after everything that leads to it for the first time; the
    arrows from each box, in the order of its operands; how many nodes are left out."""

    graph: Graph
    root: str
    boxes: Mapping[str, Box]
    arrows: Mapping[str, Sequence[Arrow]]
    left_out: int


def sketch(drawing: Drawing) -> Sketch:
    """The part of a graph that a drawing shows."""
    graph = drawing.graph
    folded = runs(graph)
    inside = {node: run for run in folded for node in run.nodes}
    every: dict[str, Box] = {
        **{node.id: node for node in graph.nodes if node.id not in inside},
        **{run.id: run for run in folded},
    }
    arrows: dict[str, list[Arrow]] = {}
    gathered: dict[tuple[str, str], list[GraphEdge]] = {}
    for edge in graph.edges:
        source, target = inside.get(edge.source), inside.get(edge.target)
        if source is not None and source is target:
            continue
        start = source.id if source else edge.source
        end = target.id if target else edge.target
        if source is None:
            arrows.setdefault(start, []).append(Arrow(start, end, edge, 1, edge.contribution))
        else:
            gathered.setdefault((start, end), []).append(edge)
    for (start, end), edges in gathered.items():
        run = every[start]
        assert isinstance(run, Run)
        one = edges[0] if len(edges) == 1 else None
        total = one.contribution if one else _total(edge.contribution for edge in edges)
        arrow = Arrow(start, end, one, len(edges), total)
        beside = arrows.setdefault(start, [])
        leads_on = end == run.next or (isinstance(every[end], Run) and run.next in inside)
        beside.insert(0 if leads_on else len(beside), arrow)
    _add_constants(drawing, every, arrows, inside)
    return _within_limits(drawing, every, arrows, inside)


def _total(values: Iterable[Value]) -> Value:
    numbers = list(values)
    if not all(isinstance(value, float) for value in numbers):
        return None
    return sum(numbers) if not all(map(math.isfinite, numbers)) else math.fsum(numbers)  # type: ignore[arg-type]


def _add_constants(
    drawing: Drawing,
    every: dict[str, Box],
    arrows: dict[str, list[Arrow]],
    inside: Mapping[str, Run],
) -> None:
    """Constants take their places among the operands; cuts are drawn in any case."""
    taken: dict[str, dict[int, str]] = {}
    for number, constant in enumerate(drawing.graph.constants, start=1):
        if constant.source not in inside and (drawing.constants or constant.cut):
            every[f"c{number}"] = constant
            taken.setdefault(constant.source, {})[constant.input] = f"c{number}"
    for source, places in taken.items():
        others = iter(arrows.get(source, []))
        merged: list[Arrow] = []
        for place in range(len(arrows.get(source, [])) + max(places) + 1):
            if place in places:
                merged.append(Arrow(source, places[place]))
            elif (other := next(others, None)) is not None:
                merged.append(other)
        arrows[source] = merged


def _within_limits(
    drawing: Drawing,
    every: Mapping[str, Box],
    arrows: Mapping[str, Sequence[Arrow]],
    inside: Mapping[str, Run],
) -> Sketch:
    """Breadth first, so that what is nearest to the output is drawn."""
    graph = drawing.graph
    if graph.root:
        root = inside[graph.root].id if graph.root in inside else graph.root
    else:  # a constant, which is all there is
        root = arrows[""][0].target
    level = {root: 0}
    pending = deque([root])
    nodes = 0
    shown: set[str] = set()
    while pending and nodes < drawing.most:
        one = pending.popleft()
        shown.add(one)
        box = every[one]
        nodes += not isinstance(box, GraphConstant)
        if drawing.depth is not None and level[one] >= drawing.depth:
            continue
        for arrow in arrows.get(one, ()):
            if arrow.target not in level:
                level[arrow.target] = level[one] + 1
                pending.append(arrow.target)
    boxes = {name: box for name, box in every.items() if name in shown}
    kept: dict[str, Sequence[Arrow]] = {}
    for one in list(boxes):
        leading = arrows.get(one, ())
        mine = [arrow for arrow in leading if arrow.target in shown]
        missing = [every[arrow.target] for arrow in leading if arrow.target not in shown]
        if not all(isinstance(box, GraphConstant) for box in missing):
            rest = Rest(f"m{one}")
            boxes[rest.id] = rest
            mine.append(Arrow(one, rest.id))
        kept[one] = mine
    drawn = sum(
        len(box.nodes) if isinstance(box, Run) else isinstance(box, GraphNode)
        for box in boxes.values()
    )
    return Sketch(graph, root, boxes, kept, len(graph.nodes) - drawn)
