"""The nodes of a recorded graph, what they keep, and the edges between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from autograd_cli.errors import Span
from autograd_cli.results import Value


class GraphNode(NamedTuple):
    """A node of the grad_fn graph.

    id          `n1`, `n2`, … in evaluation order
    op          torch's name: `MulBackward0`, `AccumulateGrad`
    span        where the sub-expression that it computes stands in the source
    inner       whether it is only a part of that: torch records some operations as several nodes
    name        the variable of an AccumulateGrad, or the name of a step
    shape       of its value
    value       of the forward pass; None inside a composed operation
    grad        d output / d value, or None where the output does not depend on it
    executed    when the backward pass ran it: 0 first; None for leaves
    saved       what it keeps for the backward pass
    arity       how many next functions torch gives it; those without an edge are constants
    phase       `forward`, or `backward` for a node of the gradient's own graph
    partner     for a `backward` node the forward node whose derivative it computes
    """

    id: str
    op: str
    span: Span
    inner: bool
    name: str | None
    shape: tuple[int, ...]
    value: Value
    grad: Value
    executed: int | None = None
    saved: tuple[Saved, ...] = ()
    phase: str = "forward"
    partner: str | None = None
    arity: int = 0

    @property
    def is_leaf(self) -> bool:
        return self.op == "AccumulateGrad"

    def to_dict(self, text: Callable[[Span], str]) -> dict[str, Any]:
        return {
            "id": self.id,
            "op": self.op,
            "expression": None if self.inner else text(self.span),
            "span": list(self.span),
            "name": self.name,
            "shape": list(self.shape),
            "value": self.value,
            "grad": self.grad,
            "executed": self.executed,
        }


class Saved(NamedTuple):
    """A tensor that a node keeps for its backward pass: `role` is torch's name for it."""

    role: str
    shape: tuple[int, ...]
    bytes: int
    source: str  # "leaf x", "value of an operation", "new buffer"

    def to_dict(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "shape": list(self.shape),
            "bytes": self.bytes,
            "source": self.source,
        }


class GraphEdge(NamedTuple):
    """An edge as torch keeps it: from a node to its `input`-th next function, and there to its
    result number `output` (most nodes have one).

    `contribution` is what the backward pass really sent along it; `local` the derivative of the
    node by that operand alone (for an elementwise or a scalar node; None otherwise).
    """

    source: str
    target: str
    input: int
    local: Value
    contribution: Value
    output: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "to": self.target,
            "input": self.input,
            "local": self.local,
            "contribution": self.contribution,
        }
