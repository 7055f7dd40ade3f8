"""How gradients come together: what arrives at each variable and each shared node, and whence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd_cli.errors import Span
from autograd_cli.results import Value
from autograd_cli.results.graph_parts import GraphEdge, GraphNode


class Contribution(NamedTuple):
    """One term of a ledger: what arrived from `source`.

    `span` is the term of the sum that it stands in: `2*x*y` for the x in `x**2 + 2*x*y`.
    `step` is the name of the step that is that term, whose span is its definition elsewhere.
    """

    source: str
    span: Span
    value: Value
    step: str | None = None

    def to_dict(self, text: Callable[[Span], str]) -> dict[str, Any]:
        return {
            "from": self.source,
            "expression": self.step or text(self.span),
            "value": self.value,
        }


@dataclass(frozen=True)
class Ledger:
    """How a gradient came together: the contributions in evaluation order, and their sum."""

    grad: Value
    contributions: tuple[Contribution, ...]

    def to_dict(self, text: Callable[[Span], str]) -> dict[str, Any]:
        contributions = [contribution.to_dict(text) for contribution in self.contributions]
        return {"grad": self.grad, "contributions": contributions}


SUMS = {"AddBackward0", "SubBackward0", "RsubBackward1", "StackBackward0"}


def ledgers(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> dict[str, Ledger]:
    """For each leaf (by its variable) and each shared node (by its id): what arrived from where.

    The edges are in evaluation order of their sources.
    """
    by_id = {node.id: node for node in nodes}
    arriving: dict[str, list[GraphEdge]] = {}
    for edge in edges:
        arriving.setdefault(edge.target, []).append(edge)
    terms = _terms(nodes, by_id, arriving)
    found: dict[str, Ledger] = {}
    for target, incoming in arriving.items():
        node = by_id[target]
        if not node.is_leaf and len(incoming) < 2:
            continue
        spans = [
            node.span if by_id[edge.source].op in SUMS else terms[edge.source] for edge in incoming
        ]
        often = Counter(spans)
        step = None if node.is_leaf else node.name
        contributions = tuple(
            Contribution(
                edge.source,
                span if often[span] == 1 else by_id[edge.source].span,
                edge.contribution,
                step if span == node.span and often[span] == 1 else None,
            )
            for edge, span in zip(incoming, spans, strict=True)
        )
        name = node.name if node.is_leaf and node.name else target
        found[name] = Ledger(node.grad, contributions)
    return found


def _terms(
    nodes: Sequence[GraphNode],
    by_id: Mapping[str, GraphNode],
    arriving: Mapping[str, Sequence[GraphEdge]],
) -> dict[str, Span]:
    """For each node the largest expression around it that is one term of a sum."""
    terms: dict[str, Span] = {}
    for node in reversed(nodes):
        consumers = arriving.get(node.id, ())
        is_term = len(consumers) != 1 or by_id[consumers[0].source].op in SUMS
        terms[node.id] = node.span if is_term else terms[consumers[0].source]
    return terms
