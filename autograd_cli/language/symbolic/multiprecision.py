"""SymPy expressions evaluated by mpmath, at whatever precision is in force.

Several expressions become one tape on which every common subexpression stands once. Running it is
one loop, and the text of a formula is never turned into code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from autograd_cli.language.symbolic.tails import steady

GUARD = 8  # bits: a sum that keeps no more of its largest term is nothing but rounding


@dataclass(frozen=True)
class Run:
    """What a tape came to at one place.

    `pairs` are the values of its pairs of expressions and `beside` those of the others, None where
    one is not a finite real number; `tied` says of each pair whether a switch stands among its
    operations, and `lost` whether a sum that the precision cannot resolve.
    """

    pairs: Sequence[tuple[Any, Any]]
    tied: Sequence[bool]
    lost: Sequence[bool]
    beside: Sequence[Any]


class Tape:
    """Expressions as one list of operations, operands before their uses: pairs that belong
    together, and others."""

    def __init__(
        self,
        pairs: Sequence[tuple[sympy.Basic, sympy.Basic]],
        beside: Sequence[sympy.Basic] = (),
    ) -> None:
        self._steps: list[tuple[Operation | str | None, tuple[int, ...], sympy.Basic]] = []
        expressions = [*(item for pair in pairs for item in pair), *beside]
        position: dict[sympy.Basic, int] = {}
        for expression in expressions:
            pending = [expression]
            while pending:
                node = pending[-1]
                form = steady(node)
                parts = () if _is_leaf(node) else (form,) if form is not node else node.args
                missing = [part for part in parts if part not in position]
                if node in position or missing:
                    if node in position:
                        pending.pop()
                    else:
                        pending += missing
                    continue
                pending.pop()
                if form is not node:
                    position[node] = position[form]
                    continue
                position[node] = len(self._steps)
                args = tuple(position[part] for part in parts)
                self._steps.append((_operation(node), args, node))
        self._sums = [
            isinstance(node, sympy.Add) and not all(map(_is_exact, node.args))
            for _, _, node in self._steps
        ]
        self._roots = [position[expression] for expression in expressions]
        self._pairs = len(pairs)
        self._reach = [
            frozenset(self._reached(self._roots[i]) + self._reached(self._roots[i + 1]))
            for i in range(0, 2 * self._pairs, 2)
        ]

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

    def run(self, place: Mapping[str, Number]) -> Run:
        """The values of the expressions."""
        values: list[Any] = []
        tied: set[int] = set()
        lost: set[int] = set()
        for number, (operation, args, node) in enumerate(self._steps):
            operands = [values[arg] for arg in args]
            try:
                if isinstance(operation, str):
                    value: Any = place[operation]
                elif operation is None:
                    value = _by_sympy(node, operands)
                else:
                    value = operation(*operands)
                if self._sums[number] and _is_lost(value, operands):
                    lost.add(number)
            except Tied as signal:
                tied.add(number)
                value = signal.value
            except (ZeroDivisionError, ValueError, OverflowError, TypeError, libmp.NoConvergence):
                value = None  # None operands end here too, as TypeErrors
            values.append(_real(value))
        found = [_finite(values[root]) for root in self._roots]
        count = 2 * self._pairs
        return Run(
            pairs=list(zip(found[:count:2], found[1:count:2], strict=True)),
            tied=[not tied.isdisjoint(reach) for reach in self._reach],
            lost=[not lost.isdisjoint(reach) for reach in self._reach],
            beside=found[count:],
        )


def _finite(value: Any) -> Any:
    if isinstance(value, (bool, tuple)) or value is None:
        return value
    return value if mp.isfinite(value) else None


def _is_exact(term: sympy.Basic) -> bool:
    """Whether a term is an input, a number that a binary one can be, or such a multiple of one."""
    factor, rest = term.as_coeff_Mul()
    is_binary = not factor.is_Rational or int(factor.q).bit_count() == 1
    return is_binary and bool(rest.is_Symbol or rest is sympy.S.One)


def _is_lost(total: Any, terms: Sequence[Any]) -> bool:
    """Whether a sum is nothing but rounding, or one of its terms has left no trace in it."""
    sizes = [abs(term) for term in terms if term]
    if not sizes:
        return False
    unit = mp.ldexp(1, GUARD - mp.prec)
    return bool(abs(total) <= unit * max(sizes) or min(sizes) <= unit * abs(total))


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
