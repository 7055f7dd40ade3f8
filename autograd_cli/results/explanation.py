"""What `agx explain` found: an evaluation trace, as in the literature on automatic differentiation.

The notation is that of Griewank & Walther (2008) and of tables 2 and 3 of Baydin et al. (2018):
v₋₁, v₀ are the inputs, v₁, v₂, … the operations, v̄ₖ adjoints and v̇ₖ tangents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograd_cli.errors import Span
from autograd_cli.results import Evaluation, Scalar, Value, components


@dataclass(frozen=True)
class PrimalStep:
    """One line of the forward trace.

    `formula` is the operation on steps (`v1*v2`), `operands` the steps it takes, `tangents` the
    derivative of the step by each direction in forward mode.
    """

    step: str
    span: Span
    expression: str
    formula: str
    operands: tuple[str, ...]
    value: Value
    name: str | None = None
    tangents: Mapping[str, Value] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "step": self.step,
            "expression": self.expression,
            "operands": list(self.operands),
            "value": self.value,
            "formula": self.formula,
            "name": self.name,
            "span": list(self.span),
        }
        if self.tangents:
            found["tangents"] = dict(self.tangents)
        return found


@dataclass(frozen=True)
class AdjointTerm:
    """What one consumer adds to an adjoint: the local derivative, as a formula in steps and as a
    number, times the consumer's own adjoint. `local` is None where it is no elementwise number."""

    source: str
    formula: str
    local: Value
    upstream: Value
    contribution: Value

    def to_dict(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "local": self.local,
            "upstream": self.upstream,
            "contribution": self.contribution,
            "formula": self.formula,
        }


@dataclass(frozen=True)
class AdjointStep:
    """One line of the reverse trace: the adjoint of a step and the terms it is the sum of."""

    step: str
    expression: str
    adjoint: Value
    terms: tuple[AdjointTerm, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "expression": self.expression,
            "adjoint": self.adjoint,
            "terms": [term.to_dict() for term in self.terms],
        }


@dataclass(frozen=True, kw_only=True)
class Explanation(Evaluation):
    """The chain rule, step by step: the primal trace, then the adjoints (or the tangents)."""

    mode: str
    forward: tuple[PrimalStep, ...]
    backward: tuple[AdjointStep, ...]
    gradient: Mapping[str, Value]
    chain: str = ""
    command: str = "explain"

    def findings(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "forward": [step.to_dict() for step in self.forward],
            "backward": [step.to_dict() for step in self.backward],
            "gradient": dict(self.gradient),
            "chain": self.chain or None,
        }

    def derivatives(self) -> Iterator[tuple[str, Scalar]]:
        """Every number of the gradient with its name."""
        for name, value in self.gradient.items():
            yield from components(name, value)
