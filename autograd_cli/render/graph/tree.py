"""A graph as a tree of rows: each node once, and a reference wherever else it is an operand."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.render.graph.folding import Run
from autograd_cli.render.graph.sketch import Arrow, Box, Sketch
from autograd_cli.render.style import Style
from autograd_cli.results.graph import GraphConstant


@dataclass(frozen=True)
class Row:
    """One line of the tree.

    `guides` stand before its first line, `hang` before its further ones. `arrow` is the edge from
    the row above it in the tree. A `reference` is drawn in full at another place; a row that
    `continues` has its operands in a tree of its own, whose first row is a reference's target.
    """

    guides: str
    hang: str
    box: Box
    arrow: Arrow | None = None
    reference: bool = False
    continues: bool = False


@dataclass(frozen=True)
class Guides:
    """The lines of a tree, each two columns wide."""

    child: str
    last: str
    through: str
    above: str = "  "

    @classmethod
    def of(cls, style: Style) -> Guides:
        return cls("├ ", "└ ", "│ ") if style.unicode else cls("|-", "`-", "| ")


def trees(sketch: Sketch, guides: Guides, levels: int) -> list[list[Row]]:
    """The rows of the graph, depth first.

    What is more than `levels` deep continues in a tree of its own, so that lines do not wander off
    to the right.
    """
    roots = deque([sketch.root])
    drawn: set[str] = set()
    found: list[list[Row]] = []
    while roots:
        rows: list[Row] = []
        start = roots.popleft()
        pending: list[tuple[str, Arrow | None, str, bool, int]] = [(start, None, "", True, 0)]
        while pending:
            one, arrow, before, is_last, level = pending.pop()
            box = sketch.boxes[one]
            own = "" if level == 0 else guides.last if is_last else guides.child
            below = before if level == 0 else before + (guides.above if is_last else guides.through)
            operands: Sequence[Arrow] = sketch.arrows.get(one, ())
            if one in drawn and level > 0:
                rows.append(Row(before + own, below + "  ", box, arrow, reference=True))
                continue
            drawn.add(one)
            continues = level >= levels and _is_deep(sketch, operands)
            hang = below + (guides.through if operands and not continues else "  ")
            rows.append(Row(before + own, hang, box, arrow, continues=continues))
            if continues:
                roots.append(one)
                continue
            for number, operand in reversed(list(enumerate(operands, start=1))):
                pending.append((operand.target, operand, below, number == len(operands), level + 1))
        found.append(rows)
    return found


def _is_deep(sketch: Sketch, operands: Sequence[Arrow]) -> bool:
    """Whether anything but constants and leaves is below."""
    return any(sketch.arrows.get(operand.target) for operand in operands)


def is_constant(box: Box) -> bool:
    return isinstance(box, GraphConstant)


def is_run(box: Box) -> bool:
    return isinstance(box, Run)
