"""Jacobians and Hessians in LaTeX: the equations of an align* block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autograd_cli.language.latex_symbols import symbol_latex
from autograd_cli.render import typesetting as tex
from autograd_cli.render.style import Style
from autograd_cli.results import components
from autograd_cli.results.array import LISTS
from autograd_cli.results.matrices import Hessian, Jacobian, Matrix

MOST_FORMULAS = 16  # that are written one by one beside a matrix of numbers


def jacobian_equations(result: Jacobian, style: Style) -> Iterator[Sequence[str]]:
    """The equations of a Jacobian; the matrix as a pmatrix."""
    yield _definition(result, style)
    below = ", ".join(symbol_latex(name) for name in _variables(result))
    below = f"({below})" if len(_variables(result)) > 1 else below
    sign = rf"\frac{{\partial f}}{{\partial {below}}}"
    if result.vjp is not None:
        row = tex.known([result.vjp], style)
        yield [rf"w^{{\mathsf{{T}}}} {sign}", *row]
    elif result.jvp is not None:
        yield [rf"{sign} v", *tex.known(result.jvp, style)]
    else:
        yield from _both(sign, result, style)
    signs = {"det": rf"\det {sign}", "cond": r"\kappa", "singular_values": r"\sigma"}
    for name, value in result.extras().items():
        shown_as = [value] if isinstance(value, LISTS) else value
        yield [signs[name], *tex.known(shown_as, style)]


def hessian_equations(result: Hessian, style: Style) -> Iterator[Sequence[str]]:
    """The equations of a Hessian; the matrix as a pmatrix."""
    yield _definition(result, style)
    if result.gradient:
        slope = [entry for value in result.gradient.values() for _, entry in components("", value)]
        yield [r"\nabla f", *tex.known(slope, style)]
    if result.hvp is not None:
        yield [r"\nabla^{2} f \, v", *tex.known(result.hvp, style)]
        return
    if result.hessian is not None or result.symbolic is not None:
        yield from _both(r"\nabla^{2} f", result, style)
    if result.spectrum is not None and result.spectrum.eigenvalues is not None:
        yield [r"\lambda", *tex.known([result.spectrum.eigenvalues], style)]
    signs = {"diag": r"\operatorname{diag} \nabla^{2} f", "trace": r"\Delta f"}
    for name, value in result.extras().items():
        shown_as = [value] if isinstance(value, LISTS) else value
        yield [signs[name], *tex.known(shown_as, style)]


def _variables(result: Matrix) -> list[str]:
    """The variables that the columns belong to, in order."""
    return list(dict.fromkeys(name.partition("[")[0] for name in result.input_names))


def _definition(result: Matrix, style: Style) -> list[str]:
    typeset = result.latex_expression
    expression = tex.text(result.expression) if typeset is None else tex.formula(typeset)
    return ["f", expression, *tex.known(result.value, style)]


def _both(sign: str, result: Matrix, style: Style) -> Iterator[Sequence[str]]:
    """The matrix of formulas and that of numbers: in one line if a page is wide enough, or in two,
    or the formulas one by one. What nobody asked for and has no room is left out."""
    numbers = tex.known(result.rows, style)
    table: Any = result.latex  # rows of formulas
    if table is None:
        yield [sign, *numbers]
        return
    formulas = tex.formula(table)
    room = tex.WIDEST - tex.width(sign)
    width = tex.width(formulas)
    if width + sum(map(tex.width, numbers)) <= room:
        yield [sign, formulas, *numbers]
        return
    entries = [entry for row in table for entry in row]
    fit = len(entries) <= MOST_FORMULAS and max(map(tex.width, entries)) <= room
    if width <= room:
        yield [sign, formulas]
    elif fit or result.asks_symbolic or not numbers:
        for row, found in enumerate(table, 1):
            for column, entry in enumerate(found, 1):
                yield [rf"\left({sign}\right)_{{{row},{column}}}", entry]
    if numbers:
        yield [sign, *numbers]
