"""Elementwise rows that SymPy has no function or formula for: rules of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy

# Functions ---------------------------------------------------------------------------------------
# Each is printed by its name, which is the row's: what is printed can be read again.


class detach(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """A value that derivatives do not go through, as in torch: constant, but not replaced by it."""

    nargs = 1

    @classmethod
    def eval(cls, x: sympy.Expr) -> sympy.Expr | None:
        return None if x.free_symbols else x

    def _eval_derivative(self, symbol: sympy.Symbol) -> sympy.Expr:
        return sympy.S.Zero

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real  # type: ignore[no-any-return]


class cbrt(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """The real cube root; SymPy's is the principal one, complex for negative numbers."""

    nargs = 1

    @classmethod
    def eval(cls, x: sympy.Expr) -> sympy.Expr | None:
        return sympy.real_root(x, 3) if x.is_Number else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return 1 / (3 * self**2)

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real  # type: ignore[no-any-return]

    def _eval_evalf(self, prec: int) -> sympy.Expr:
        return sympy.real_root(self.args[0]._eval_evalf(prec), 3)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        root = rf"\sqrt[3]{{{printer._print(self.args[0])}}}"
        return root if exp is None else rf"{root}^{{{exp}}}"


class trunc(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """The integer part: constant between its jumps."""

    nargs = 1

    @classmethod
    def eval(cls, x: sympy.Expr) -> sympy.Expr | None:
        return sympy.sign(x) * sympy.floor(abs(x)) if x.is_Number else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.S.Zero

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real  # type: ignore[no-any-return]


class round(trunc):  # noqa: N801
    """The nearest integer, halves to even."""

    @classmethod
    def eval(cls, x: sympy.Expr) -> sympy.Expr | None:
        if not x.is_Rational:
            return sympy.Float(x.round()) if x.is_Float else None
        return sympy.Integer(Fraction(int(x.p), int(x.q)).__round__())


class gammainc(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """The regularised lower incomplete gamma function, lowergamma(a, x)/gamma(a)."""

    nargs = 2
    sign = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        if argindex != 2:
            raise sympy.core.function.ArgumentIndexError(self, argindex)
        a, x = self.args
        return self.sign * x ** (a - 1) * sympy.exp(-x) / sympy.gamma(a)

    def _eval_evalf(self, prec: int) -> sympy.Expr:
        a, x = self.args
        incomplete = sympy.lowergamma if self.sign > 0 else sympy.uppergamma
        return (incomplete(a, x) / sympy.gamma(a))._eval_evalf(prec)


class gammaincc(gammainc):  # noqa: N801
    """The regularised upper incomplete gamma function, uppergamma(a, x)/gamma(a)."""

    sign = -1


class xlogy(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """x*log(y), and 0 where x is 0, whatever y is."""

    nargs = 2

    @classmethod
    def eval(cls, x: sympy.Expr, y: sympy.Expr) -> sympy.Expr | None:
        if x.is_zero:
            return sympy.S.Zero
        return x * sympy.log(y) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        x, y = self.args
        return sympy.log(y) if argindex == 1 else x / y


# Rules -------------------------------------------------------------------------------------------


def _where(condition: sympy.Basic, x: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
    """SymPy's Piecewise; a chain of them is one Piecewise with all the branches."""
    if y is sympy.nan:  # Piecewise without a last branch
        return sympy.Piecewise((x, condition))
    rest = y.args if isinstance(y, sympy.Piecewise) else ((y, True),)
    return sympy.Piecewise((x, condition), *rest)


def _clamp(
    x: sympy.Expr, low: sympy.Expr | None = None, high: sympy.Expr | None = None
) -> sympy.Expr:
    if low is not None:
        x = sympy.Max(x, low)
    return x if high is None else sympy.Min(x, high)


def _sinc(x: sympy.Expr) -> sympy.Expr:
    """torch's and NumPy's sinc, which has pi in it; SymPy's has not."""
    return sympy.Piecewise((sympy.sin(sympy.pi * x) / (sympy.pi * x), sympy.Ne(x, 0)), (1, True))


def _fmod(x: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
    return x - y * trunc(x / y)


def _scaled_bessel(order: int) -> Callable[[sympy.Expr], sympy.Expr]:
    return lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(order, x)


NATIVE: Mapping[str, Callable[..., sympy.Expr]] = {
    "where": _where,
    "clamp": _clamp,
    "detach": detach,
    "sinc": _sinc,
    "cbrt": cbrt,
    "trunc": trunc,
    "round": round,
    "log_base": sympy.log,
    "frac": lambda x: x - trunc(x),
    "fmod": _fmod,
    "i0e": _scaled_bessel(0),
    "i1e": _scaled_bessel(1),
    "lgamma": sympy.loggamma,
    "gammainc": gammainc,
    "gammaincc": gammaincc,
}

# The rows whose forms have no value where the row has one: for evaluation, not for print.
WITH_ENDS: Mapping[str, Callable[..., sympy.Expr]] = {
    "xlogy": xlogy,
    "xlog1py": lambda x, y: xlogy(x, 1 + y),
    "entr": lambda x: -xlogy(x, x),
}
