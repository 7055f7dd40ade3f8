"""Derivatives of SymPy expressions, by SymPy's rules and some of autograd's.

All expressions are taken as real, and step functions as having the derivative 0, which is what
autograd says of them. SymPy's own `diff` leaves both open, in terms that cannot be evaluated.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import sympy

from autograd_cli.language.symbolic.forms import NoClosedForm

MAX_TIDY = 80  # nodes of a formula that is short enough to gain by tidying


def differentiate(expression: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> sympy.Expr:
    """The derivative by each of the symbols in turn.

    Raises: NoClosedForm if SymPy has none, or only a formal one.
    """
    for symbol in symbols:
        try:
            expression = sympy.diff(expression, symbol)
        except (sympy.core.function.ArgumentIndexError, NotImplementedError) as error:
            raise NoClosedForm("no closed form for a derivative of this expression") from error
    return expression


def presentable(expression: sympy.Expr) -> sympy.Expr:
    """The expression as it is shown, with common factors taken out.

    Raises: NoClosedForm for formal derivatives and for what is not real.
    """
    if expression.has(sympy.Derivative, sympy.Subs, sympy.Integral, sympy.meijerg, sympy.hyper):
        raise NoClosedForm("no closed form for a derivative of this expression")
    if expression.has(sympy.I, sympy.zoo, sympy.re, sympy.im, sympy.conjugate, sympy.arg):
        raise NoClosedForm("no closed form among the real numbers")
    if expression is sympy.nan:
        raise NoClosedForm("no closed form: it is undefined")
    return _tidy(expression)


def _tidy(expression: sympy.Expr) -> sympy.Expr:
    """The shorter of the expression and itself with common factors taken out."""
    parts = itertools.islice(sympy.preorder_traversal(expression), MAX_TIDY)
    if sum(1 for _ in parts) == MAX_TIDY:
        return expression
    expression = expression.replace(lambda part: part.is_Mul, _unsigned)
    factored = sympy.factor_terms(expression)
    return factored if len(str(factored)) < len(str(expression)) else expression


def _unsigned(product: sympy.Mul) -> sympy.Expr:
    """sign(x)/|x| as 1/x, which comes of log|x|."""
    for factor in product.args:
        if isinstance(factor, sympy.sign) and 1 / sympy.Abs(factor.args[0]) in product.args:
            rest = [a for a in product.args if a not in (factor, 1 / sympy.Abs(factor.args[0]))]
            return sympy.Mul(*rest, 1 / factor.args[0])
    return product


# Rules -------------------------------------------------------------------------------------------


def _no_derivative(self: sympy.Function, argindex: int = 1) -> sympy.Expr:
    return sympy.S.Zero


def _mod(self: sympy.Mod, argindex: int = 1) -> sympy.Expr:
    x, y = self.args
    return sympy.S.One if argindex == 1 else -sympy.floor(x / y)


def _frac(self: sympy.frac, argindex: int = 1) -> sympy.Expr:
    return sympy.S.One


def _abs(self: sympy.Abs, symbol: sympy.Symbol) -> sympy.Expr:
    (x,) = self.args
    return sympy.sign(x) * x.diff(symbol)


def _sign(self: sympy.sign, symbol: sympy.Symbol) -> sympy.Expr:
    (x,) = self.args
    return 2 * sympy.DiracDelta(x) * x.diff(symbol)


def _bessel(down: int, up: int) -> Any:
    """The derivative without a higher order than the function's own.

    DLMF 10.6 and 10.29: C0' = up*C1 and Cn' = down*C(n-1) - n*Cn/x.
    """

    def fdiff(self: sympy.Function, argindex: int = 2) -> sympy.Expr:
        order, x = self.args
        kind = self.func
        if argindex != 2 or not order.is_Integer:
            raise sympy.core.function.ArgumentIndexError(self, argindex)
        if order == 0:
            return up * kind(1, x)
        return down * kind(order - 1, x) - order * kind(order, x) / x

    return fdiff


_RULES: tuple[tuple[type, str, Any], ...] = (
    (sympy.floor, "fdiff", _no_derivative),
    (sympy.ceiling, "fdiff", _no_derivative),
    (sympy.frac, "fdiff", _frac),
    (sympy.Mod, "fdiff", _mod),
    (sympy.Abs, "_eval_derivative", _abs),
    (sympy.sign, "_eval_derivative", _sign),
    (sympy.besselj, "fdiff", _bessel(1, -1)),
    (sympy.bessely, "fdiff", _bessel(1, -1)),
    (sympy.besseli, "fdiff", _bessel(1, 1)),
    (sympy.besselk, "fdiff", _bessel(-1, -1)),
)


@contextlib.contextmanager
def rules_of_autograd() -> Iterator[None]:
    """SymPy with these rules in place of its own, for as long as the context lasts."""
    missing = object()
    before = [(kind, name, kind.__dict__.get(name, missing)) for kind, name, _ in _RULES]
    for kind, name, rule in _RULES:
        setattr(kind, name, rule)
    sympy.core.cache.clear_cache()  # SymPy remembers derivatives
    try:
        yield
    finally:
        for kind, name, own in before:
            if own is missing:
                delattr(kind, name)
            else:
                setattr(kind, name, own)
        sympy.core.cache.clear_cache()
