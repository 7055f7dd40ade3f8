"""SymPy objects as text that agx and SymPy read alike, and as LaTeX."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from autograd_cli.language.latex_symbols import symbol_latex

_FIXED = {"full_prec": False, "min": -5, "max": 17}  # beyond: 1.0e+30, as Python writes floats


class _TextPrinter(StrPrinter):  # type: ignore[misc]
    """SymPy's `str`, but for what that prints ambiguously."""

    def __init__(self, given: Collection[str]) -> None:
        super().__init__(_FIXED)
        self.given = given

    def _print_Exp1(self, expression: sympy.Expr) -> str:  # noqa: N802
        return "exp(1)" if "E" in self.given else "E"

    def _print_Pi(self, expression: sympy.Expr) -> str:  # noqa: N802
        return "acos(-1)" if "pi" in self.given else "pi"

    def _print_Infinity(self, expression: sympy.Expr) -> str:  # noqa: N802
        return "inf" if "oo" in self.given else "oo"

    def _print_Xor(self, expression: sympy.Basic) -> str:  # noqa: N802 - ^ is the power in agx
        return f"logical_xor({', '.join(sorted(map(self._print, expression.args)))})"

    def _print_besselj(self, expression: sympy.Expr) -> str:
        order, x = expression.args
        name = expression.func.__name__
        if order in (0, 1):
            return f"{name[-1]}{order}({self._print(x)})"
        return f"{name}({order}, {self._print(x)})"

    _print_bessely = _print_besseli = _print_besselk = _print_besselj


def text(expression: sympy.Basic, given: Collection[str] = ()) -> str:
    """The expression as text.

    `given` are the names that are variables: a constant is not written by a name among them.
    """
    return str(_TextPrinter(given).doprint(expression))


def latex(expression: sympy.Basic) -> str:
    """The expression in LaTeX; elements of arrays have their indices as subscripts."""
    names = {symbol: symbol_latex(symbol.name) for symbol in expression.free_symbols}
    settings: dict[str, Any] = {"symbol_names": names, **_FIXED}
    return str(LatexPrinter(settings).doprint(expression))
