"""A graph as a film: the forward pass node by node, then the backward pass in torch's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd_cli.render.graph.diagram import Diagram, DiagramArrow
from autograd_cli.render.graph.folding import Run
from autograd_cli.render.graph.words import Words
from autograd_cli.results import Value
from autograd_cli.results.array import LISTS
from autograd_cli.results.graph_parts import GraphNode


@dataclass(frozen=True)
class Step:
    """One moment: a box, the direction of the pass (`forward` or `backward`), and words.

    `arrived` are the boxes that something is sent to in this step, each with the text of what has
    arrived there so far.
    """

    box: str
    direction: str
    text: str
    arrived: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "box": self.box,
            "pass": self.direction,
            "text": self.text,
            "arrived": [list(one) for one in self.arrived],
        }


def steps(drawn: Diagram, words: Words) -> list[Step]:
    """The steps of a diagram; a run is one step in each pass."""
    forward = [box.box for box in drawn.boxes if isinstance(box.box, (GraphNode, Run))]
    moments = {one.id: _moment(one) for one in forward}
    executed = sorted(
        (one for one in forward if moments[one.id] is not None),
        key=lambda one: moments[one.id] or 0,
    )
    outgoing: dict[str, list[DiagramArrow]] = {}
    for arrow in drawn.arrows:
        outgoing.setdefault(arrow.source, []).append(arrow)
    found = []
    for number, one in enumerate(forward, start=1):
        text = f"Forward {number} of {len(forward)}: {_value(one, words)}"
        found.append(Step(one.id, "forward", text))
    running: dict[str, Value] = {}
    for number, one in enumerate(executed, start=1):
        arrived, sentences = _sent(outgoing.get(one.id, ()), running, words)
        text = f"Backward {number} of {len(executed)}: {_gradient(one, words)}"
        found.append(Step(one.id, "backward", text + "".join(sentences), tuple(arrived)))
    return found


def _moment(box: GraphNode | Run) -> int | None:
    if isinstance(box, GraphNode):
        return box.executed
    moments = [node.executed for node in box.path if node.executed is not None]
    return min(moments, default=None)


def _value(box: GraphNode | Run, words: Words) -> str:
    if isinstance(box, Run):
        return f"{words.run(box)}."
    value = "" if box.value is None else f" has the value {words.with_norm(box.value)}"
    return f"{box.id} {words.text(box)}{value}."


def _gradient(box: GraphNode | Run, words: Words) -> str:
    if isinstance(box, Run):
        return f"{words.run(box)}."
    gradient = "" if box.grad is None else f" has the gradient {words.with_norm(box.grad)}"
    return f"{box.op} {box.id} {words.text(box)}{gradient}."


def _sent(
    arrows: Sequence[DiagramArrow], running: dict[str, Value], words: Words
) -> tuple[list[tuple[str, str]], list[str]]:
    arrived: list[tuple[str, str]] = []
    sentences: list[str] = []
    for arrow in arrows:
        sent = arrow.arrow.contribution
        if arrow.arrow.edge is None and arrow.arrow.count == 1:
            continue
        before = running.get(arrow.target)
        running[arrow.target] = total = sent if before is None else _add(before, sent)
        shown = "" if total is None else words.brief(total)
        arrived.append((arrow.target, shown))
        if sent is not None:
            sum_ = f", which makes {shown} there" if before is not None else ""
            sentences.append(f" It sends {words.value(sent)} to {arrow.target}{sum_}.")
    return arrived, sentences


def _add(left: Value, right: Value) -> Value:
    """The sum of two values of the same shape; None where one is not known."""
    if left is None or right is None:
        return None
    if isinstance(left, LISTS) and isinstance(right, LISTS):
        return [_add(one, other) for one, other in zip(left, right, strict=True)]
    return left + right  # type: ignore[operator]
