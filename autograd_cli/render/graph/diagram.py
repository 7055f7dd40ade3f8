"""A graph as boxes and arrows with the words on them: what dot, Mermaid, SVG and HTML draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.folding import Run
from autograd_cli.render.graph.sketch import Arrow, Box, Rest, sketch
from autograd_cli.render.graph.words import Words
from autograd_cli.results.graph import GraphConstant
from autograd_cli.results.graph_parts import GraphNode


@dataclass(frozen=True)
class DiagramBox:
    """A box: its lines of text, and its kind: `operation`, `variable`, `backward` (a node of the
    gradient's own graph), `constant`, `cut`, `run` or `rest`."""

    id: str
    kind: str
    lines: tuple[str, ...]
    box: Box


@dataclass(frozen=True)
class DiagramArrow:
    """An arrow from a box to an operand; `label` has the lines about the derivative."""

    source: str
    target: str
    label: tuple[str, ...]
    arrow: Arrow


@dataclass(frozen=True)
class Diagram:
    """`note` says what is not shown."""

    boxes: Sequence[DiagramBox]
    arrows: Sequence[DiagramArrow]
    root: str
    note: str = ""


def diagram(drawing: Drawing, words: Words) -> Diagram:
    """The boxes in evaluation order (of a run, that of its first operation), and their arrows."""
    drawn = sketch(drawing)
    order = {node.id: position for position, node in enumerate(drawing.graph.nodes)}

    def place(name: str) -> tuple[int, str]:
        box = drawn.boxes[name]
        if isinstance(box, GraphNode):
            return order[box.id], ""
        if isinstance(box, Run):
            return order[box.path[-1].id], ""
        return order.get(box.source, 0) if isinstance(box, GraphConstant) else len(order), name

    names = sorted(drawn.boxes, key=place)
    boxes = [
        DiagramBox(
            name,
            _kind(drawn.boxes[name]),
            tuple(_lines(drawn.boxes[name], words, drawing.raw)),
            drawn.boxes[name],
        )
        for name in names
    ]
    arrows = [
        DiagramArrow(arrow.source, arrow.target, () if drawing.raw else _label(arrow, words), arrow)
        for name in names
        for arrow in drawn.arrows.get(name, ())
    ]
    total = len(drawing.graph.nodes)
    note = f"{drawn.left_out} of {total} nodes are not shown" if drawn.left_out else ""
    return Diagram(boxes, arrows, drawn.root, note)


def _kind(box: Box) -> str:
    if isinstance(box, GraphNode):
        if box.is_leaf:
            return "variable"
        return "operation" if box.phase == "forward" else "backward"
    if isinstance(box, GraphConstant):
        return "cut" if box.cut else "constant"
    return "run" if isinstance(box, Run) else "rest"


def _lines(box: Box, words: Words, raw: bool) -> list[str]:
    if isinstance(box, Rest):
        return [words.sign("…")]
    if isinstance(box, Run):
        return [words.run(box), words.range(box)]
    if isinstance(box, GraphConstant):
        return [words.constant(box), *(["no gradient flows"] if box.cut else [])]
    head = f"{box.op} {words.shown(box.name or '')}" if box.is_leaf and raw else box.op
    if raw:
        return [head]
    lines = [head, words.text(box)]
    if box.shape:
        lines.append(f"shape {words.shape(box.shape)}")
    if box.value is not None:
        lines.append(f"value {words.brief(box.value)}")
    if box.grad is not None:
        lines.append(f"gradient {words.brief(box.grad)}")
    return lines


def _label(arrow: Arrow, words: Words) -> tuple[str, ...]:
    """`local 3`, `sends 6`; from a run, how many edges it stands for and what they send in all."""
    if arrow.count > 1:
        total = "" if arrow.contribution is None else f" = {words.brief(arrow.contribution)}"
        return (f"{words.sign('×')} {arrow.count}{total}",)
    edge = arrow.edge
    if edge is None:
        return ()
    parts = []
    if edge.local is not None:
        parts.append(f"local {words.brief(edge.local)}")
    if edge.contribution is not None:
        parts.append(f"sends {words.brief(edge.contribution)}")
    return tuple(parts)
