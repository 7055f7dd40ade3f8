"""Formulas evaluated at points by mpmath, in as many digits as it takes.

What is evaluated are the formulas themselves, as SymPy holds them, and not their texts, in which
decimals are rounded.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

import sympy
from mpmath import mp

from autograd_cli.language.symbolic.multiprecision import Tape
from autograd_cli.results import components

FIRST, LAST = 120, 3000  # bits: where it begins, and where it is given up
SAME = mp.mpf(2) ** -60  # what two precisions may differ by
TRIES = 2  # moved points
SHARE = 0.8  # of the time there is, as running out of it is the end of the process

SMOOTH, SWITCH, UNDEFINED, UNKNOWN = "smooth", "switch", "undefined", "unknown"

Finding = list[Any]  # what kind of place it is for a formula, its value, and how far that moves


def evaluated(
    formulas: Mapping[str, sympy.Expr], question: Mapping[str, Any], seconds: float
) -> list[dict[str, Finding]]:
    """What every formula is at every point, as far as the time goes.

    The question has the values `at` which all points are, and the `axes` of a grid, of which the
    last varies fastest; `unit` is the relative rounding error of the numbers. A finding says
    `smooth`, or `switch` where the formula passes from one piece to another (a kink, a jump, the
    end of a domain), then the value, and by how much it moves when all values of variables are off
    by a unit. Where it is `undefined` (a division by zero, say) or `unknown`, the value is None.
    """
    deadline = time.process_time() + SHARE * seconds
    evaluator = _Evaluator(formulas, float(question["unit"]))
    found = []
    for place in _places(question):
        if time.process_time() > deadline:
            break
        found.append(evaluator.at(place))
    return found


def _places(question: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    axes = question.get("axes") or {}
    fixed = {
        name: value
        for key, nested in question["at"].items()
        for name, value in components(key, nested)
    }
    for coordinates in itertools.product(*axes.values()):
        yield {**fixed, **dict(zip(axes, coordinates, strict=True))}  # type: ignore[dict-item]


class _Evaluator:
    def __init__(self, formulas: Mapping[str, sympy.Expr], unit: float) -> None:
        self._names = list(formulas)
        self._tape = Tape([(formula, formula) for formula in formulas.values()])
        self._unit = mp.mpf(unit)

    def at(self, place: Mapping[str, float]) -> dict[str, Finding]:
        if not all(map(math.isfinite, place.values())):
            return {name: [UNKNOWN, None, None] for name in self._names}
        exact = {name: mp.mpf(value) for name, value in place.items()}
        values, switches, settled, bits = self._settled(exact)
        near = [self._run(one, bits)[0] for one in self._moved(exact)]
        found: dict[str, Finding] = {}
        for number, (name, value) in enumerate(zip(self._names, values, strict=True)):
            if not settled[number] or value is None:  # without a switch it may be out of range
                is_undefined = settled[number] and switches[number]
                found[name] = [UNDEFINED if is_undefined else UNKNOWN, None, None]
                continue
            moved = [one[number] for one in near]
            spread = max(
                (mp.inf if one is None else abs(one - value) for one in moved), default=mp.zero
            )
            kind = SWITCH if switches[number] else SMOOTH
            found[name] = [kind, float(value), float(spread)]  # nearest; beyond float64 it is inf
        return found

    def _run(self, place: Mapping[str, Any], bits: int) -> tuple[list[Any], list[bool]]:
        with mp.workprec(bits):
            run = self._tape.run(place)
        return [value for value, _ in run.pairs], list(run.tied)

    def _settled(self, place: Mapping[str, Any]) -> tuple[list[Any], list[bool], list[bool], int]:
        """The values, at which of them there is a switch, which of them are no longer moved by
        more digits, and in how many bits that is so. What only ever gets smaller is zero."""
        # Terms of a formula may be as large as 1/x**2, and cancel.
        bits = min(FIRST + 2 * max((abs(mp.mag(x)) for x in place.values() if x), default=0), LAST)
        last, switches = self._run(place, bits)
        while True:
            bits = LAST if any(map(_may_be_rounded, last, switches)) else 2 * bits
            values, switches = self._run(place, bits)
            settled = [_same(one, other) for one, other in zip(last, values, strict=True)]
            if bits >= LAST or (all(settled) and not any(map(_may_be_rounded, values, switches))):
                break
            last = values
        for number, value in enumerate(values):
            if not settled[number] and value is not None and abs(value) < mp.mpf(2) ** (-bits // 2):
                values[number], settled[number] = mp.zero, True
        return values, switches, settled, bits

    def _moved(self, place: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Points whose coordinates are off by a unit, up or down at random."""
        draw = random.Random(0)
        for _ in range(TRIES):
            signs = [draw.choice((-1, 1)) for _ in place]
            with mp.workprec(FIRST):
                yield {
                    name: value * (1 + sign * self._unit)
                    for sign, (name, value) in zip(signs, place.items(), strict=True)
                }


def _may_be_rounded(value: Any, is_switch: bool) -> bool:
    """Whether it is 0, or a division by it: few digits make that of what is not quite 0."""
    return is_switch if value is None else not value


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool(abs(one - other) <= SAME * abs(other))
