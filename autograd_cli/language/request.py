"""Which derivatives are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd_cli.errors import UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import read_names, read_values, unknown_variable
from autograd_cli.language.reader import read


class Component(NamedTuple):
    """A variable, or one element of it: `x`, `v[0]`, `A[0,1]`."""

    name: str
    element: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}[{','.join(map(str, self.element))}]" if self.element else self.name


@dataclass(frozen=True)
class DerivativeRequest:
    """What `agx grad` is asked: by which variables, of what order, in what direction.

    wrt          the variables; empty means all
    order        the order of the pure derivative by each variable, or of the one along a direction
    partial      a mixed partial derivative: one entry for each differentiation
    along        the direction of a directional derivative, by variable; not normalised
    grad_output  the weights of the outputs in a vector-Jacobian product
    """

    wrt: tuple[str, ...] = ()
    order: int = 1
    partial: tuple[Component, ...] = ()
    along: Mapping[str, Expression] = field(default_factory=dict)
    grad_output: Expression | None = None


def read_request(
    expression: Expression,
    wrt: str | None = None,
    order: int = 1,
    partial: str | None = None,
    along: str | None = None,
    grad_output: str | None = None,
) -> DerivativeRequest:
    """The request of the command line's texts.

    Raises: UsageError for an order below 1 and for options that contradict each other,
    UnknownNameError for names that are not in the expression, ReadError for unreadable text.
    """
    if order < 1:
        raise UsageError(
            f"the order is at least 1, not {order}", hint="for the value, use agx eval"
        )
    if order > MAX_ORDER:
        raise UsageError(f"the order is at most {MAX_ORDER}, not {order}")
    chosen = [
        option
        for option, text in (("--partial", partial), ("--along", along), ("--wrt", wrt))
        if text is not None
    ]
    if len(chosen) > 1:
        raise UsageError(
            f"{chosen[0]} and {chosen[1]} exclude each other",
            hint=f"{chosen[0]} says already by what to differentiate",
        )
    if partial is not None and order != 1:
        raise UsageError(
            "--partial and --order exclude each other",
            hint="repeat a variable for a higher order: --partial x,x,y",
        )
    direction = read_values([along], "--along") if along is not None else {}
    for name in direction:
        if name not in expression.variables:
            raise unknown_variable(name, expression, "--along")
    weights = None
    if grad_output is not None:
        text = grad_output.strip()
        weights = read(text if text.startswith("[") or "," not in text else f"[{text}]")
        if weights.variables:
            raise UsageError(
                "--grad-output is made of constants", hint="for example --grad-output 1,0,2"
            )
    return DerivativeRequest(
        wrt=read_names(wrt, expression, "--wrt") if wrt is not None else (),
        order=order,
        partial=_components(partial, expression) if partial is not None else (),
        along=direction,
        grad_output=weights,
    )


MAX_ORDER = 50

_COMPONENT = re.compile(r"([^\[\],]+?)\s*(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?\s*(?:,|$)")


def _components(text: str, expression: Expression) -> tuple[Component, ...]:
    found: list[Component] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        match = _COMPONENT.match(stripped, position)
        if match is None:
            break
        name, index = match.group(1).strip(), match.group(2)
        if name not in expression.variables:
            raise unknown_variable(name, expression, "--partial")
        found.append(Component(name, tuple(map(int, index.split(","))) if index else ()))
        position = match.end()
    if position < len(stripped) or not found or stripped.endswith(","):
        raise UsageError(
            f"--partial '{text}' is not a list of variables", hint="for example --partial x,x,y"
        )
    if len(found) > MAX_ORDER:
        raise UsageError(f"the order is at most {MAX_ORDER}, not {len(found)}")
    return tuple(found)
