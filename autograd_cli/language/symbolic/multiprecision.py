"""SymPy expressions evaluated by mpmath, at whatever precision is in force.

Several expressions become one tape on which every common subexpression stands once. Running it is
one loop, and the text of a formula is never turned into code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from mpmath import libmp, mp

from autograd_cli.language.symbolic.multiprecision_functions import (
    BY_NAME,
    OPERATIONS,
    Number,
    Operation,
    Tied,
)


class Tape:
    """Expressions as one list of operations, operands before their uses."""

    def __init__(self, expressions: Sequence[sympy.Basic]) -> None:
        self._steps: list[tuple[Operation | str | None, tuple[int, ...], sympy.Basic]] = []
        position: dict[sympy.Basic, int] = {}
        for expression in expressions:
            pending = [expression]
            while pending:
                node = pending[-1]
                missing = [arg for arg in node.args if arg not in position]
                if node in position or (missing and not _is_leaf(node)):
                    if node in position:
                        pending.pop()
                    else:
                        pending += missing
                    continue
                pending.pop()
                position[node] = len(self._steps)
                args = () if _is_leaf(node) else tuple(position[arg] for arg in node.args)
                self._steps.append((_operation(node), args, node))
        self._roots = [position[expression] for expression in expressions]
        self._reach = [self._reached(root) for root in self._roots]

    def _reached(self, root: int) -> list[int]:
        """The steps that a root is made of."""
        seen = {root}
        pending = [root]
        while pending:
            for arg in self._steps[pending.pop()][1]:
                if arg not in seen:
                    seen.add(arg)
                    pending.append(arg)
        return sorted(seen)

    def run(self, place: Mapping[str, Number]) -> tuple[list[Any], list[bool]]:
        """The values of the expressions, None where one is not a finite real number; and for each
        pair of them (2i, 2i + 1) whether a switch stands among its operations."""
        values: list[Any] = []
        tied: set[int] = set()
        for number, (operation, args, node) in enumerate(self._steps):
            try:
                if isinstance(operation, str):
                    value: Any = place[operation]
                elif operation is None:
                    value = _by_sympy(node, [values[arg] for arg in args])
                else:
                    value = operation(*[values[arg] for arg in args])
            except Tied as signal:
                tied.add(number)
                value = signal.value
            except (ZeroDivisionError, ValueError, OverflowError, TypeError, libmp.NoConvergence):
                value = None  # None operands end here too, as TypeErrors
            values.append(_real(value))
        found = [values[root] for root in self._roots]
        finite = [value if value is not None and mp.isfinite(value) else None for value in found]
        pairs = zip(self._reach[::2], self._reach[1::2], strict=True)
        return finite, [
            not tied.isdisjoint(first) or not tied.isdisjoint(second) for first, second in pairs
        ]


def _is_leaf(node: sympy.Basic) -> bool:
    return not node.args or isinstance(node, (sympy.Number, sympy.Symbol))


def _real(value: Any) -> Any:
    if isinstance(value, (bool, tuple)) or value is None:
        return value
    if isinstance(value, mp.mpc):
        return value.real if value.imag == 0 else None
    return None if mp.isnan(value) else value


def _operation(node: sympy.Basic) -> Operation | str | None:
    """The operation of a node, the name of a variable, or None if SymPy has to evaluate it."""
    if isinstance(node, sympy.Symbol):
        return str(node.name)
    if node is sympy.true or node is sympy.false:
        return lambda: node is sympy.true
    if isinstance(node, sympy.Rational):
        return lambda: mp.mpf(int(node.p)) / int(node.q)
    if isinstance(node, sympy.Float):
        return lambda: mp.make_mpf(node._mpf_)
    if node in _CONSTANTS:
        return lambda: +_CONSTANTS[node]
    for kind, operation in OPERATIONS.items():
        if isinstance(node, kind):
            return operation
    return BY_NAME.get(type(node).__name__)


def _by_sympy(node: sympy.Basic, args: Sequence[Any]) -> Any:
    """Functions without a rule here: SymPy's own evaluation at these numbers."""
    if any(arg is None for arg in args):
        return None
    numbers = [_for_sympy(arg) for arg in args]
    value = node.func(*numbers).evalf(mp.dps)
    if not value.is_number:
        raise ValueError
    return value._to_mpmath(mp.prec)


def _for_sympy(arg: Any) -> sympy.Expr:
    if mp.isint(arg) and abs(arg) < 1000:  # an order is an Integer
        return sympy.Integer(int(arg))
    return sympy.Float._new(arg._mpf_, mp.prec)


_CONSTANTS = {
    sympy.pi: mp.pi,
    sympy.E: mp.e,
    sympy.EulerGamma: mp.euler,
    sympy.GoldenRatio: mp.phi,
    sympy.oo: mp.inf,
    sympy.S.NegativeInfinity: -mp.inf,
}
