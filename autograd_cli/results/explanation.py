"""What `agx explain` found: an evaluation trace, as in the literature on automatic differentiation.

The notation is that of Griewank & Walther (2008) and of tables 2 and 3 of Baydin et al. (2018):
v₋₁, v₀ are the inputs, v₁, v₂, … the operations, v̄ₖ adjoints and v̇ₖ tangents. In JSON the steps
are named `v-1`, `v0`, `v1`; in its formulas, where that would read as a difference, `v[-1]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograd_cli.errors import Span
from autograd_cli.results import Evaluation, Scalar, Value, components
from autograd_cli.results.formula import Formula, step_name

REVERSE, FORWARD = "reverse", "forward"
MODES = (REVERSE, FORWARD)


@dataclass(frozen=True)
class PrimalStep:
    """One line of the forward trace.

    `expression` is what was typed, `formula` the operation on steps, `operands` what it takes.
    In forward mode, `tangent` is the formula of its tangent, and `tangents` its values, one for
    every direction.
    """

    number: int
    span: Span
    expression: str
    formula: Formula
    operands: tuple[str, ...]
    value: Value
    name: str | None = None
    tangent: Formula | None = None
    tangents: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_input(self) -> bool:
        return self.number <= 0

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "step": step_name(self.number),
            "expression": self.expression,
            "operands": list(self.operands),
            "value": self.value,
            "formula": str(self.formula),
            "name": self.name,
            "span": list(self.span),
        }
        if self.tangents:
            found["tangent"] = None if self.tangent is None else str(self.tangent)
            found["tangents"] = dict(self.tangents)
        return found


@dataclass(frozen=True)
class AdjointTerm:
    """What one consumer adds to an adjoint, and the running sum `total` after it.

    `source` is the consumer and `input` the place at which it takes the step. `formula` is the
    local derivative, `local` its value (None where it is no number for each element), `product` the
    contribution as a formula: the adjoint of the consumer times that.
    """

    source: int
    input: int
    formula: Formula | None
    product: Formula
    local: Value
    upstream: Value
    contribution: Value
    total: Value

    def to_dict(self) -> dict[str, Any]:
        return {
            "from": step_name(self.source),
            "local": self.local,
            "upstream": self.upstream,
            "contribution": self.contribution,
            "formula": None if self.formula is None else str(self.formula),
            "product": str(self.product),
            "input": self.input,
            "sum": self.total,
        }


@dataclass(frozen=True)
class AdjointStep:
    """One line of the reverse trace: the adjoint of a step and the terms it is the sum of.

    `variable` is the name of the variable that the step is, if it is one.
    """

    number: int
    expression: str
    adjoint: Value
    terms: tuple[AdjointTerm, ...]
    variable: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": step_name(self.number),
            "expression": self.expression,
            "adjoint": self.adjoint,
            "terms": [term.to_dict() for term in self.terms],
        }


@dataclass(frozen=True)
class Link:
    """One factor of a chain: the derivative of step `upper` by step `lower`."""

    upper: int
    lower: int
    formula: Formula
    local: Value

    def to_dict(self) -> dict[str, Any]:
        return {
            "of": step_name(self.upper),
            "by": step_name(self.lower),
            "formula": str(self.formula),
            "local": self.local,
        }


@dataclass(frozen=True)
class Chain:
    """The chain rule for a variable that a single path leads to, from the output down.

    `is_total` says that the expression has no other variable: d instead of ∂.
    """

    variable: str
    links: tuple[Link, ...]
    derivative: Value
    is_total: bool

    def factors(self) -> Iterator[tuple[Link, int | str, int | str]]:
        """Every link with what is above and below in its sign: f, a step's number, or a name."""
        for place, link in enumerate(self.links):
            below = self.variable if place == len(self.links) - 1 else link.lower
            yield link, "f" if place == 0 else link.upper, below

    def to_dict(self) -> dict[str, Any]:
        signs = [f"d{_shown(above)}/d{_shown(below)}" for _, above, below in self.factors()]
        return {
            "variable": self.variable,
            "formula": f"df/d{self.variable} = {' * '.join(signs)}",
            "factors": [link.to_dict() for link in self.links],
            "derivative": self.derivative,
        }


def _shown(step: int | str) -> str:
    return step if isinstance(step, str) else step_name(step)


@dataclass(frozen=True, kw_only=True)
class Explanation(Evaluation):
    """The chain rule, step by step: the primal trace, then the adjoints (or the tangents).

    In forward mode `directions` are what the tangents are along, by name: the variables' elements
    in turn, or `along` alone.
    """

    mode: str
    forward: tuple[PrimalStep, ...]
    backward: tuple[AdjointStep, ...]
    gradient: Mapping[str, Value]
    chains: tuple[Chain, ...] = ()
    directions: tuple[str, ...] = ()
    along: Mapping[str, Value] = field(default_factory=dict)
    grad_output: Value = None
    command: str = "explain"

    def findings(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "mode": self.mode,
            "forward": [step.to_dict() for step in self.forward],
            "backward": [step.to_dict() for step in self.backward],
            "gradient": dict(self.gradient),
            "chain": [chain.to_dict() for chain in self.chains],
        }
        if self.along:
            found["along"] = dict(self.along)
        if self.grad_output is not None:
            found["grad_output"] = self.grad_output
        return found

    def derivatives(self) -> Iterator[tuple[str, Scalar]]:
        """Every number of the gradient with its name."""
        for name, value in self.gradient.items():
            yield from components(name, value)

    def cells(self) -> Iterator[tuple[str, Scalar]]:
        yield from super().cells()
        yield from ((f"d_{name}", value) for name, value in self.derivatives())
