"""The words of a drawing: numbers, previews of vectors and matrices, excerpts of the expression."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from autograd_cli.errors import Span, visible
from autograd_cli.render.graph.folding import Run
from autograd_cli.render.numbers import exact, short
from autograd_cli.render.style import Style
from autograd_cli.results import Scalar, Value
from autograd_cli.results.array import LISTS
from autograd_cli.results.graph import Graph, GraphConstant
from autograd_cli.results.graph_parts import GraphNode
from autograd_cli.results.ledgers import Contribution

LONGEST = 36  # characters of an excerpt for people
FEW = 3  # entries of an axis that are all shown


@dataclass(frozen=True)
class Words:
    """How a graph is put into words.

    `unicode` allows signs beyond ASCII; `longest` is the length of an excerpt; `number` writes a
    number.
    """

    graph: Graph
    number: Callable[[Scalar], str]
    unicode: bool = True
    longest: int = LONGEST

    @classmethod
    def for_people(cls, graph: Graph, style: Style, longest: int = LONGEST) -> Words:
        return cls(graph, lambda value: short(value, style.precision), style.unicode, longest)

    @classmethod
    def for_programs(cls, graph: Graph, style: Style, longest: int = 200) -> Words:
        return cls(graph, exact, style.unicode, longest)

    @cached_property
    def nodes(self) -> dict[str, GraphNode]:
        return {node.id: node for node in self.graph.nodes}

    def sign(self, sign: str) -> str:
        """A sign, or what stands for it in ASCII."""
        return sign if self.unicode else _IN_ASCII[sign]

    def shown(self, text: str) -> str:
        """User text on one line, in characters that can be shown."""
        line = visible(" ".join(text.split()))
        return line if self.unicode else line.encode("ascii", "backslashreplace").decode()

    def excerpt(self, span: Span, longest: int = 0) -> str:
        """The text of a span; the middle of a long one is left out."""
        longest = longest or self.longest
        start, end = span
        source = self.graph.expression
        if end - start > 4 * longest:  # most of it will not be shown: do not touch it
            source = f"{source[start : start + 2 * longest]}{source[end - 2 * longest : end]}"
            text = " ".join(source.split())
        else:
            text = " ".join(source[start:end].split())
        if len(text) > longest or end - start > 4 * longest:
            keep = longest // 2
            text = f"{text[:keep]}{'…' if self.unicode else '...'}{text[-keep:]}"
        return self.shown(text)

    def text(self, node: GraphNode) -> str:
        """What a node computes, as typed; `u = x**2` for a step, the name for a variable."""
        if node.is_leaf:
            return self.shown(node.name or "")
        text = self.excerpt(node.span)
        if node.phase == "backward":
            of = f"{node.partner} " if node.partner else ""
            return f"backward of {of}{text}"
        if node.inner:
            return f"in {text}"
        return f"{self.shown(node.name)} = {text}" if node.name else text

    def source(self, contribution: Contribution) -> str:
        """Where a contribution comes from: the term of the sum, or a node of the backward pass."""
        node = self.nodes[contribution.source]
        if node.phase == "backward":
            return f"{node.id} {self.text(node)}"
        return self.shown(contribution.step or "") or self.excerpt(contribution.span)

    def constant(self, constant: GraphConstant) -> str:
        """A constant as typed, and its value where that says more."""
        text = self.excerpt(constant.span)
        value = self.value(constant.value)
        return text if text.strip("()") == value else f"{text} = {value}"

    def run(self, run: Run) -> str:
        ops = ", ".join(run.ops)
        ops = f"({ops})" if len(run.ops) > 1 else ops
        return f"{ops} {self.sign('×')} {run.count}"

    def range(self, run: Run) -> str:
        """The nodes on the path of a run, and how many variables are in it."""
        count = len(run.variables)
        variables = f", with {count} variable{'s' * (count > 1)}" if count else ""
        return f"{run.path[0].id} {self.sign('…')} {run.path[-1].id}{variables}"

    def shape(self, shape: tuple[int, ...]) -> str:
        """`3`, `2×3`; nothing for a number."""
        return self.sign("×").join(map(str, shape))

    def value(self, value: Value) -> str:
        """A number, or a short preview: the first entries and the last of every axis."""
        if not isinstance(value, LISTS):
            return self.number(value)  # type: ignore[arg-type]
        return self._preview(value)

    def _preview(self, value: Any) -> str:
        if not isinstance(value, LISTS):
            return self.number(value)
        parts = [self._preview(part) for part in (value if len(value) <= FEW else value[:2])]
        if len(value) > FEW:
            parts += [self.sign("…"), self._preview(value[-1])]
        return f"[{', '.join(parts)}]"

    def norm(self, value: Value) -> str:
        """The Euclidean norm of a vector or matrix; nothing for a number."""
        if not isinstance(value, LISTS):
            return ""
        numbers = [float(entry) for entry in entries(value) if isinstance(entry, (int, float))]
        return self.number(math.hypot(*numbers))

    def with_norm(self, value: Value) -> str:
        """A value with its norm, if it has one."""
        norm = self.norm(value)
        return f"{self.value(value)} norm {norm}" if norm else self.value(value)

    def brief(self, value: Value) -> str:
        """A value for a small place: of vectors and matrices that are not short, the norm."""
        text = self.value(value)
        return text if len(text) <= BRIEF or not self.norm(value) else f"norm {self.norm(value)}"

    def shorter(self, longest: int) -> Words:
        return replace(self, longest=longest)


BRIEF = 24

_IN_ASCII = {"×": "x", "…": "...", "↑": "^", "↓": "v", "⋮": ":", "✂": "%", "–": "-", "·": "*"}


def entries(value: Value) -> Iterator[Scalar]:
    """Every number of a value."""
    pending: list[Any] = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, LISTS):
            pending += reversed(one)
        else:
            yield one
