"""A fit to data as LaTeX equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograd_cli.language.latex_symbols import symbol_latex
from autograd_cli.render.style import Style
from autograd_cli.render.typesetting import number, text
from autograd_cli.results.fit import numbers
from autograd_cli.results.regression import Regression


def regression_equations(result: Regression, style: Style) -> Iterator[Sequence[str]]:
    """The model; every parameter with its standard error; how good the fit is."""
    statistics = result.statistics
    yield [text(result.response), text(result.expression)]
    exact = result.exact or {}
    for name, value in numbers(result.parameters):
        sides = [symbol_latex(name), number(value, style)]
        if exact.get(name, value) != value:
            sides.append(rf"{number(exact[name], style)}_{{\text{{exact}}}}")  # type: ignore[arg-type]
        sides[-1] += rf" \pm {number(statistics.standard_errors[name], style)}"
        yield sides
    yield [r"\sum r^2", number(statistics.rss, style)]
    yield ["s", number(statistics.residual_standard_error, style)]
    yield ["R^2", number(statistics.r_squared, style)]
