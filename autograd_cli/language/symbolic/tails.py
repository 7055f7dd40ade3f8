"""Sums that cancel in the tails of a function, in forms that keep their digits there.

1 + erf(u) is below 2**-1000 at u = -27, which no usual precision resolves; erfc(-u) is the same
number. The forms are for evaluation only: SymPy would turn some of them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy


class erfc(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """SymPy's own makes 2 - erfc(u) of erfc(-u)."""

    nargs = 1


class expm1(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """exp(u) - 1."""

    nargs = 1


class log1p(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """log(1 + u)."""

    nargs = 1


def _logistic(u: sympy.Expr) -> sympy.Expr:
    return 1 / (1 + sympy.exp(-u))


# What 1 + share*f(u) is, by the function f and the share; of powers, by the exponent as well.
_COMPLEMENTS: Mapping[tuple[type, int, sympy.Rational], Callable[[sympy.Expr], sympy.Expr]] = {
    (sympy.erf, 1, sympy.S.One): lambda u: erfc(-u),
    (sympy.erf, 1, sympy.S.NegativeOne): erfc,
    (sympy.erfc, 1, sympy.S.NegativeOne): sympy.erf,
    (sympy.erfc, 1, -sympy.S.Half): lambda u: erfc(-u) / 2,
    (sympy.exp, 1, sympy.S.NegativeOne): lambda u: -expm1(u),
    (sympy.tanh, 1, sympy.S.One): lambda u: 2 * _logistic(2 * u),
    (sympy.tanh, 1, sympy.S.NegativeOne): lambda u: 2 * _logistic(-2 * u),
    (sympy.tanh, 2, sympy.S.NegativeOne): lambda u: sympy.cosh(u) ** -2,
}


def steady(node: sympy.Basic) -> sympy.Basic:
    """The node in a form that does not cancel, or itself."""
    if isinstance(node, sympy.Add):
        return _sum(node)
    if isinstance(node, sympy.log) and isinstance(node.args[0], sympy.Add):
        one, rest = node.args[0].as_coeff_Add()
        if _rational(one) == 1 and _sum(node.args[0]) is node.args[0]:
            return log1p(rest)
    return node


def _sum(node: sympy.Add) -> sympy.Expr:
    constant, rest = node.as_coeff_Add()
    if not _rational(constant):
        return node
    for term in sympy.Add.make_args(rest):
        factor, function = term.as_coeff_Mul()
        complement = _complement(function, _rational(factor) / _rational(constant))
        if complement is not None:
            return sympy.Add(constant * complement, rest - term)
    return node


def _rational(number: sympy.Expr) -> sympy.Rational:
    """A number of the expression, of decimals the binary one; 0 for what is none, such as pi."""
    return sympy.Rational(number) if number.is_Rational or number.is_Float else sympy.S.Zero


def _complement(function: sympy.Expr, share: sympy.Rational) -> sympy.Expr | None:
    """1 + share*function without the cancellation, if there is such a form."""
    base, exponent = (function, 1) if isinstance(function, sympy.exp) else function.as_base_exp()
    if exponent == -1 and share == -1 and isinstance(base, sympy.Add):  # of the logistic function
        one, power = base.as_coeff_Add()
        is_logistic = _rational(one) == 1 and isinstance(power, sympy.exp)
        return _logistic(power.args[0]) if is_logistic else None
    if not base.args:
        return None
    found = _COMPLEMENTS.get((base.func, exponent, share))
    return None if found is None else found(base.args[0])
