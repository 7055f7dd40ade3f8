"""What SymPy's functions are in mpmath, with the points where they switch between formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from mpmath import mp

from autograd_cli.language.symbolic import elementwise

Number = Any  # an mpmath number, a bool for a condition, or None where it is undefined
Operation = Callable[..., Any]

HUGE = mp.mpf(10) ** 400  # beyond it exp has an exponent that takes too long
MANY = mp.mpf(10) ** 12  # factors that a power is not multiplied out of
FAR = mp.mpf(10) ** 2000  # beyond it no argument of a circular function is worth reducing


class Tied(Exception):  # noqa: N818 - a signal with a value, not a fault
    """The value of an operation at a point where it switches from one formula to another."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _sum(*terms: Number) -> Number:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _product(*factors: Number) -> Number:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _power(base: Number, exponent: Number) -> Number:
    if mp.isint(exponent):
        if base == 0 and exponent < 0:
            raise Tied(None)
        return mp.power(base, int(exponent)) if abs(exponent) < MANY else base**exponent
    if base == 0:
        raise Tied(mp.zero if exponent > 0 else None)
    if base < 0:
        return None
    if exponent == mp.mpf(1) / 2:
        return mp.sqrt(base)
    return _exp(exponent * mp.log(base)) if abs(exponent) > MANY else mp.power(base, exponent)


def _exp(x: Number) -> Number:
    if abs(x) > HUGE:
        return mp.inf if x > 0 else mp.zero
    return mp.exp(x)


def _x_log_y(x: Number, y: Number) -> Number:
    if x == 0 and y <= 0:  # beside it, the logarithm counts
        raise Tied(mp.zero)
    return x * mp.log(y) if y > 0 else None


def _at_bounds(function: Operation, *bounds: int) -> Operation:
    """A real function with an end of its domain, or a pole, at each of the bounds."""

    def apply(x: Number) -> Number:
        if x in bounds:
            try:
                value = function(x)
            except (ZeroDivisionError, ValueError):
                value = None
            raise Tied(None if value is None or not mp.isfinite(value) else value)
        return function(x)

    return apply


def _circular(function: Operation) -> Operation:
    def apply(x: Number) -> Number:
        return None if abs(x) > FAR else function(x)

    return apply


def _hyperbolic(function: Operation) -> Operation:
    def apply(x: Number) -> Number:
        return function(x) if abs(x) < HUGE else function(mp.sign(x) * HUGE)

    return apply


def _corner(function: Operation) -> Operation:
    """A function that switches at 0."""

    def apply(x: Number) -> Number:
        if x == 0:
            raise Tied(function(x))
        return function(x)

    return apply


def _staircase(function: Operation, offset: Number = 0) -> Operation:
    """A function that switches at the integers (plus an offset)."""

    def apply(x: Number) -> Number:
        if mp.isint(x + offset):
            raise Tied(function(x))
        return function(x)

    return apply


def _trunc(x: Number) -> Number:
    return mp.floor(x) if x > 0 else mp.ceil(x)


def _trunc_switching(x: Number) -> Number:
    if mp.isint(x) and x != 0:
        raise Tied(_trunc(x))
    return _trunc(x)


def _round(x: Number) -> Number:
    return mp.nint(x)


def _modulo(x: Number, y: Number) -> Number:
    quotient = x / y
    if mp.isint(quotient):
        raise Tied(mp.zero)
    return x - y * mp.floor(quotient)


def _extreme(pick: Callable[[list[Any]], Any]) -> Operation:
    def apply(*items: Number) -> Number:
        values = list(items)
        best = pick(values)
        if sum(1 for value in values if value == best) > 1:
            raise Tied(best)
        return best

    return apply


def _compare(holds: Callable[[Any, Any], bool]) -> Operation:
    def apply(x: Number, y: Number) -> bool:
        if x == y:
            raise Tied(holds(x, y))
        return holds(x, y)

    return apply


def _piecewise(*branches: tuple[Any, bool]) -> Number:
    for value, condition in branches:
        if condition is None:
            return None
        if condition:
            return value
    return None


def _step(x: Number, at_zero: Number = None) -> Number:
    if x == 0:
        raise Tied(mp.mpf("0.5") if at_zero is None else at_zero)
    return mp.mpf(x > 0)


def _impulse(x: Number, order: Number = None) -> Number:
    if x == 0:
        raise Tied(None)
    return mp.zero


def _log_gamma(x: Number) -> Number:
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


def _angle(y: Number, x: Number) -> Number:
    if y == 0 and x <= 0:
        raise Tied(None if x == 0 else mp.atan2(y, x))
    return mp.atan2(y, x)


def _cube_root(x: Number) -> Number:
    return mp.sign(x) * mp.cbrt(abs(x))


def _lower(a: Number, x: Number) -> Number:
    return mp.gammainc(a, 0, x, regularized=True)


def _upper(a: Number, x: Number) -> Number:
    return mp.gammainc(a, x, mp.inf, regularized=True)


OPERATIONS: Mapping[type, Operation] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.exp: _exp,
    sympy.Piecewise: _piecewise,
    sympy.functions.elementary.piecewise.ExprCondPair: lambda value, condition: (value, condition),
    sympy.Max: _extreme(max),
    sympy.Min: _extreme(min),
    sympy.Abs: _corner(abs),
    sympy.sign: _corner(mp.sign),
    sympy.floor: _staircase(mp.floor),
    sympy.ceiling: _staircase(mp.ceil),
    sympy.frac: _staircase(lambda x: x - mp.floor(x)),
    sympy.Mod: _modulo,
    sympy.Heaviside: _step,
    sympy.DiracDelta: _impulse,
    sympy.StrictLessThan: _compare(lambda x, y: bool(x < y)),
    sympy.LessThan: _compare(lambda x, y: bool(x <= y)),
    sympy.StrictGreaterThan: _compare(lambda x, y: bool(x > y)),
    sympy.GreaterThan: _compare(lambda x, y: bool(x >= y)),
    sympy.Equality: _compare(lambda x, y: bool(x == y)),
    sympy.Unequality: _compare(lambda x, y: bool(x != y)),
    sympy.And: lambda *items: all(items),
    sympy.Or: lambda *items: any(items),
    sympy.Not: lambda item: not item,
    sympy.Xor: lambda *items: sum(map(bool, items)) % 2 == 1,
    sympy.log: _at_bounds(lambda x: mp.log(x) if x > 0 else None, 0),
    elementwise.detach: lambda x: x,
    elementwise.xlogy: _x_log_y,
    elementwise.cbrt: _corner(_cube_root),
    elementwise.round: _staircase(_round, mp.mpf("0.5")),
    elementwise.trunc: _trunc_switching,
    elementwise.gammaincc: _upper,
    elementwise.gammainc: _lower,
}

BY_NAME: Mapping[str, Operation] = {
    **{name: _circular(getattr(mp, name)) for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{name: _hyperbolic(getattr(mp, name)) for name in ("sinh", "cosh", "tanh", "coth")},
    "asin": _at_bounds(mp.asin, -1, 1),
    "acos": _at_bounds(mp.acos, -1, 1),
    "atanh": _at_bounds(mp.atanh, -1, 1),
    "acosh": _at_bounds(mp.acosh, 1),
    "erfinv": _at_bounds(mp.erfinv, -1, 1),
    "atan": mp.atan,
    "atan2": _angle,
    "asinh": mp.asinh,
    "log1p": _at_bounds(lambda x: mp.log1p(x) if x > -1 else None, -1),
    "expm1": lambda x: mp.expm1(x) if abs(x) < HUGE else _exp(x) - 1,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "gamma": mp.gamma,
    "factorial": mp.factorial,
    "loggamma": _log_gamma,
    "beta": mp.beta,
    "besselj": mp.besselj,
    "bessely": mp.bessely,
    "besseli": mp.besseli,
    "besselk": mp.besselk,
    "zeta": mp.zeta,
    "polygamma": lambda n, x: mp.polygamma(int(n), x),
    "digamma": mp.digamma,
}
