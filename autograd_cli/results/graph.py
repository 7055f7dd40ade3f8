"""What `agx graph` found: the recorded graph as a plain model that every drawing starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from autograd_cli.errors import Span
from autograd_cli.results import Evaluation, Value
from autograd_cli.results.excerpts import excerpt
from autograd_cli.results.graph_parts import GraphEdge, GraphNode
from autograd_cli.results.ledgers import Ledger, ledgers

MANY = 10_000  # nodes, beyond which texts are short
LONGEST_TEXT, SHORT_TEXT = 2_000, 200


class GraphConstant(NamedTuple):
    """An operand without a gradient: a number, or a part that `detach` or the like cut off.

    `source` is the node that takes it; empty for an output that is a constant itself.
    """

    source: str
    input: int
    span: Span
    value: Value
    cut: bool = False

    def to_dict(self, text: Callable[[Span], str]) -> dict[str, Any]:
        return {
            "from": self.source or None,
            "input": self.input,
            "expression": text(self.span),
            "span": list(self.span),
            "value": self.value,
            "cut": self.cut,
        }


class PathStep(NamedTuple):
    """One node of a path from the output to a variable, and its derivative by the next one."""

    node: str
    span: Span
    local: Value


@dataclass(frozen=True)
class Path:
    """A path from the output to a variable: its steps and the product of the local derivatives,
    which is what the path contributes to the gradient (in the variable's shape).

    Where the path was cut, `cut` says by what, and the product is 0.
    """

    steps: tuple[PathStep, ...]
    product: Value
    cut: str = ""

    def to_dict(self, text: Callable[[Span], str]) -> dict[str, Any]:
        return {
            "nodes": [step.node for step in self.steps],
            "expressions": [text(step.span) for step in self.steps],
            "locals": [step.local for step in self.steps],
            "product": self.product,
            "cut": self.cut or None,
        }


@dataclass(frozen=True, kw_only=True)
class Graph(Evaluation):
    """The grad_fn graph of an expression, with every value and gradient in it.

    `nodes` are in evaluation order, `gradient` is that of every variable, `paths` is what `--why`
    asked for. Where autograd records nothing, the output is a constant: there are no nodes, and
    `root` is empty.
    """

    root: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    constants: tuple[GraphConstant, ...]
    gradient: Mapping[str, Value]
    why: str | None = None
    paths: tuple[Path, ...] = ()
    more_paths: bool = False
    saved: bool = False
    order: int = 1
    by: str | None = None  # of which variable's gradient this is the graph, if the order is 2
    command: str = "graph"

    @cached_property
    def leaves(self) -> Mapping[str, Ledger]:
        """A ledger for every variable, also where no path leads to it."""
        return {
            name: self._ledgers.get(name, Ledger(grad, ())) for name, grad in self.gradient.items()
        }

    @cached_property
    def shared(self) -> Mapping[str, Ledger]:
        """A ledger for every inner node that more than one edge leads to, by its id."""
        return {name: ledger for name, ledger in self._ledgers.items() if name not in self.gradient}

    @cached_property
    def _ledgers(self) -> Mapping[str, Ledger]:
        return ledgers(self.nodes, self.edges)

    def text(self, span: Span) -> str:
        """The text of a sub-expression, as much of it as a graph of this size can afford."""
        longest = LONGEST_TEXT if len(self.nodes) <= MANY else SHORT_TEXT
        return excerpt(self.expression, span, longest)

    def findings(self) -> dict[str, Any]:
        text = self.text
        nodes = [node.to_dict(text) for node in self.nodes]
        for found, node in zip(nodes, self.nodes, strict=True):
            if self.saved:
                found["saved"] = [saved.to_dict() for saved in node.saved]
            if self.order > 1:
                found |= {"phase": node.phase, "partner": node.partner}
        result: dict[str, Any] = {
            "root": self.root or None,
            "nodes": nodes,
            "edges": [edge.to_dict() for edge in self.edges],
            "leaves": {name: ledger.to_dict(text) for name, ledger in self.leaves.items()},
            "shared": {name: ledger.to_dict(text) for name, ledger in self.shared.items()},
            "constants": [constant.to_dict(text) for constant in self.constants],
        }
        if self.order > 1:
            result["order"] = self.order
            result["wrt"] = self.by
        if self.why is not None:
            paths = [path.to_dict(text) for path in self.paths]
            result["why"] = {"variable": self.why, "paths": paths, "complete": not self.more_paths}
        return result
