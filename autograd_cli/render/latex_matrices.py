"""Jacobians and Hessians in LaTeX: the equations of an align* block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograd_cli.render import latex
from autograd_cli.render.style import Style
from autograd_cli.results import components
from autograd_cli.results.matrices import Hessian, Jacobian, Matrix


def jacobian_equations(result: Jacobian, style: Style) -> Iterator[Sequence[str]]:
    """The equations of a Jacobian; the matrix as a pmatrix."""
    yield _definition(result, style)
    below = ", ".join(latex.symbol(name) for name in _variables(result))
    below = f"({below})" if len(_variables(result)) > 1 else below
    sign = rf"\frac{{\partial f}}{{\partial {below}}}"
    if result.vjp is not None:
        row = latex.known([result.vjp], style)
        yield [rf"w^{{\mathsf{{T}}}} {sign}", *row]
    elif result.jvp is not None:
        yield [rf"{sign} v", *latex.known(result.jvp, style)]
    else:
        yield [sign, *_both(result, style)]
    signs = {"det": rf"\det {sign}", "cond": r"\kappa", "singular_values": r"\sigma"}
    for name, value in result.extras().items():
        shown_as = [value] if isinstance(value, list) else value
        yield [signs[name], *latex.known(shown_as, style)]


def hessian_equations(result: Hessian, style: Style) -> Iterator[Sequence[str]]:
    """The equations of a Hessian; the matrix as a pmatrix."""
    yield _definition(result, style)
    if result.gradient:
        slope = [entry for value in result.gradient.values() for _, entry in components("", value)]
        yield [r"\nabla f", *latex.known(slope, style)]
    if result.hvp is not None:
        yield [r"\nabla^{2} f \, v", *latex.known(result.hvp, style)]
        return
    if result.hessian is not None or result.symbolic is not None:
        yield [r"\nabla^{2} f", *_both(result, style)]
    if result.spectrum is not None and result.spectrum.eigenvalues is not None:
        yield [r"\lambda", *latex.known([result.spectrum.eigenvalues], style)]
    signs = {"diag": r"\operatorname{diag} \nabla^{2} f", "trace": r"\Delta f"}
    for name, value in result.extras().items():
        shown_as = [value] if isinstance(value, list) else value
        yield [signs[name], *latex.known(shown_as, style)]


def _variables(result: Matrix) -> list[str]:
    """The variables that the columns belong to, in order."""
    return list(dict.fromkeys(name.partition("[")[0] for name in result.input_names))


def _definition(result: Matrix, style: Style) -> list[str]:
    typeset = result.latex_expression
    expression = latex.text(result.expression) if typeset is None else latex.formula(typeset)
    return ["f", expression, *latex.known(result.value, style)]


def _both(result: Matrix, style: Style) -> list[str]:
    formulas = [] if result.latex is None else [latex.formula(result.latex)]
    return [*formulas, *latex.known(result.rows, style)]
