"""LaTeX of what equations are made of: symbols, numbers, matrices, derivatives, words."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby, zip_longest
from typing import Any

from autograd_cli.errors import visible
from autograd_cli.language.latex_symbols import escaped, symbol_latex
from autograd_cli.render.grid import ends, shape
from autograd_cli.render.numbers import short
from autograd_cli.render.style import Style
from autograd_cli.results import Gradient, Scalar, Value
from autograd_cli.results.array import LISTS

DOTS = r"\dots"
WIDEST = 58  # signs that a line of a page has room for
GAP = 2  # signs between two columns
_WORD = re.compile(r"\\(a?(?:sin|cos|tan)h?|arc[a-z]+|log|ln|exp|det|max|min)\b")
_COMMAND = re.compile(r"\\(?!left|right|frac|text|math|operator|begin|end|small|bar|dot\b)[a-z]+")
_NO_SIGN = re.compile(r"\\[a-z]+|[{}_^\\ ]")
WORDS = {"nan": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}


def derivative(result: Gradient, name: str) -> str:
    """The sign of a derivative: `\\frac{\\partial^{2} f}{\\partial x^{2}}`."""
    if result.along:
        return r"\nabla_{v} f" if result.order == 1 else rf"\nabla_{{v}}^{{{result.order}}} f"
    variables = result.partial or (name,) * result.order
    runs = [(variable, len(list(run))) for variable, run in groupby(variables)]
    below = r" \, ".join(
        rf"\partial {symbol_latex(variable)}{_power(count)}" for variable, count in runs
    )
    return rf"\frac{{\partial{_power(len(variables))} f}}{{{below}}}"


def formula(found: Value) -> str:
    """LaTeX formulas, a vector as a column and a matrix as a matrix."""
    return _arranged(found, str)


def text(source: str) -> str:
    """Any text as LaTeX shows it letter by letter."""
    return rf"\texttt{{{prose(source)}}}"


def words(sentence: str) -> str:
    """A sentence between equations."""
    return rf"\text{{\small {prose(sentence)}}}"


def prose(source: str) -> str:
    """Text on one line in which LaTeX finds no command."""
    return escaped(visible(source.replace("\n", " ").expandtabs(4)))


def known(value: Value, style: Style) -> list[str]:
    return [] if value is None else [_arranged(value, lambda entry: number(entry, style))]


def _arranged(value: Any, show: Callable[[Any], str]) -> str:
    # The middle of a long axis is left out; amsmath has no matrix of more than ten columns anyway.
    return _drawn(ends(value, shape(value), DOTS), lambda v: DOTS if v == DOTS else show(v))


def _drawn(value: Any, show: Callable[[Any], str]) -> str:
    if not isinstance(value, LISTS):
        return show(value)
    rows = [row if isinstance(row, LISTS) else [row] for row in value]
    drawn = [" & ".join(_drawn(entry, show) for entry in row) for row in rows]
    return r"\begin{pmatrix} " + r" \\ ".join(drawn) + r" \end{pmatrix}"


def number(value: Scalar, style: Style) -> str:
    shown = short(value, style.precision)
    shown = "0" if shown == "-0" else shown
    if isinstance(value, (bool, str)) or value is None:
        return rf"\text{{{shown}}}"
    if shown in WORDS:
        return WORDS[shown]
    mantissa, _, exponent = shown.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def width(typeset: str) -> int:
    """About how many signs wide a formula or a matrix is; fractions count twice."""
    inside = typeset.removeprefix(r"\begin{pmatrix}").removesuffix(r"\end{pmatrix}")
    columns = zip_longest(*(row.split(" & ") for row in inside.split(r" \\ ")), fillvalue="")
    return sum(GAP + max(map(_signs, column)) for column in columns)


def _signs(typeset: str) -> int:
    return len(_NO_SIGN.sub("", _COMMAND.sub("m", _WORD.sub(r"\1", typeset))))


def _power(number: int) -> str:
    return "" if number == 1 else f"^{{{number}}}"
