"""LaTeX: an align* block for papers and slides; it needs amsmath.

A new kind of result registers its lines with `lines.register`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import singledispatch
from itertools import groupby, zip_longest
from typing import Any, TextIO

from autograd_cli.errors import visible
from autograd_cli.render.grid import ends, shape
from autograd_cli.render.numbers import exact, short
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation, Gradient, Result, Scalar, Value
from autograd_cli.results.array import LISTS
from autograd_cli.results.check import Check
from autograd_cli.results.explanation import Explanation
from autograd_cli.results.matrices import Hessian, Jacobian
from autograd_cli.results.regression import Regression

SMALL_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
    "omega",
)
LARGE_GREEK = (
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
)
GREEK = {*SMALL_GREEK, *LARGE_GREEK}
SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{character: "\\" + character for character in "{}$&#_%"},
}
SPECIAL |= {
    unicodedata.lookup(f"GREEK SMALL LETTER {name.replace('lambda', 'lamda')}"): rf"$\{name}$"
    for name in SMALL_GREEK
}
DOTS = r"\dots"
WIDEST = 58  # signs that a line of a page has room for
GAP = 2  # signs between two columns
_WORD = re.compile(r"\\(a?(?:sin|cos|tan)h?|arc[a-z]+|log|ln|exp|det|max|min)\b")
_COMMAND = re.compile(r"\\(?!left|right|frac|text|math|operator|begin|end|small|bar|dot\b)[a-z]+")
_NO_SIGN = re.compile(r"\\[a-z]+|[{}_^\\ ]")
PAGE = 24  # rows that stand together; more may go on over the page
WORDS = {"nan": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}


def write(result: Result, out: TextIO, style: Style) -> None:
    equations = lines(result, style)
    if equations is None:
        _write_table(result, out)
        return
    rows = [f"  {' &= '.join(_sides(equation))}" for equation in equations]
    end = r" \\" if len(rows) <= PAGE else r" \displaybreak[0] \\"
    body = f"{end}\n".join(rows)
    out.write(f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n")


def write_points(points: Points, out: TextIO, style: Style) -> None:
    """A table of the points, as an array."""
    rows: list[str] = []
    for point in points.points:
        if not rows:
            rows.append(" & ".join(symbol(name) for name in point.columns()) + r" \\ \hline")
        rows.append(" & ".join(number(value, style) for value in point.row()) + r" \\")
    columns = "r" * (rows[0].count(" & ") + 1) if rows else "r"
    block = [r"\[", rf"\begin{{array}}{{{columns}}}", *rows, r"\end{array}", r"\]", ""]
    out.write("\n".join(block))


def write_run(run: Run, out: TextIO, style: Style) -> None:
    write(run.result, out, style)


def write_note(note: str, out: TextIO, style: Style) -> None:
    out.write("".join(f"% {line}\n" for line in note.splitlines()))


@singledispatch
def lines(result: Result, style: Style) -> Iterator[Sequence[str]] | None:
    """The equations, each a sequence of equal sides; None for a kind that has no equations."""
    return None


@lines.register
def _(result: Evaluation, style: Style) -> Iterator[Sequence[str]]:
    yield [text(result.expression), *known(result.value, style)]


@lines.register
def _(result: Gradient, style: Style) -> Iterator[Sequence[str]]:
    typeset = result.latex or {}
    source = typeset.get("")
    expression = formula(source) if source is not None else text(result.expression)
    yield ["f", expression, *known(result.value, style)]
    for name in result.gradient or typeset:
        if name:
            found = typeset.get(name)
            sides = [derivative(result, name)]
            sides += [formula(found)] if found is not None else []
            yield [*sides, *known(result.gradient.get(name), style)]


@lines.register
def _(result: Explanation, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.align import equations  # only explanations need it

    return equations(result, style)


@lines.register
def _(result: Check, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.check_latex import check_equations  # built on this module

    return check_equations(result, style)


@lines.register
def _(result: Jacobian, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.latex_matrices import jacobian_equations  # built on this module

    return jacobian_equations(result, style)


@lines.register
def _(result: Hessian, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.latex_matrices import hessian_equations

    return hessian_equations(result, style)


@lines.register
def _(result: Regression, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.regression_latex import regression_equations  # built on this module

    return regression_equations(result, style)


def derivative(result: Gradient, name: str) -> str:
    """The sign of a derivative: `\\frac{\\partial^{2} f}{\\partial x^{2}}`."""
    if result.along:
        return r"\nabla_{v} f" if result.order == 1 else rf"\nabla_{{v}}^{{{result.order}}} f"
    variables = result.partial or (name,) * result.order
    runs = [(variable, len(list(run))) for variable, run in groupby(variables)]
    below = r" \, ".join(rf"\partial {symbol(variable)}{_power(count)}" for variable, count in runs)
    return rf"\frac{{\partial{_power(len(variables))} f}}{{{below}}}"


def formula(found: Value) -> str:
    """LaTeX formulas, a vector as a column and a matrix as a matrix."""
    return _arranged(found, str)


def text(source: str) -> str:
    """Any text as LaTeX shows it letter by letter."""
    return rf"\texttt{{{_escaped(source)}}}"


def words(sentence: str) -> str:
    """A sentence between equations."""
    return rf"\text{{\small {_escaped(sentence)}}}"


def _escaped(source: str) -> str:
    shown = visible(source.replace("\n", " ").expandtabs(4))
    return "".join(SPECIAL.get(character, character) for character in shown)


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


def symbol(name: str) -> str:
    """A variable as one would write it: `x_{1}`, `\\theta`, `\\mathit{speed}`; `A_{0,1}`."""
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+)?(?:\[([\d,]+)\])?", name)
    if match is None:
        return SPECIAL[name].strip("$") if name in SPECIAL else text(name)
    letters, *indices = match.groups()
    base = letters if len(letters) == 1 else rf"\mathit{{{letters}}}"
    base = rf"\{letters}" if letters in GREEK else base
    below = ",".join(index for index in indices if index)
    return f"{base}_{{{below}}}" if below else base


def width(typeset: str) -> int:
    """About how many signs wide a formula or a matrix is; fractions count twice."""
    inside = typeset.removeprefix(r"\begin{pmatrix}").removesuffix(r"\end{pmatrix}")
    columns = zip_longest(*(row.split(" & ") for row in inside.split(r" \\ ")), fillvalue="")
    return sum(GAP + max(map(_signs, column)) for column in columns)


def _signs(typeset: str) -> int:
    return len(_NO_SIGN.sub("", _COMMAND.sub("m", _WORD.sub(r"\1", typeset))))


def _power(number: int) -> str:
    return "" if number == 1 else f"^{{{number}}}"


def _sides(line: Sequence[str]) -> list[str]:
    # One alignment mark a line: the first equals sign has it.
    return [line[0], " = ".join(line[1:])] if len(line) > 1 else [line[0]]


def _write_table(result: Result, out: TextIO) -> None:
    rows = [[text(exact(value)) for value in record] for record in result.records()]
    columns = "l" * max(map(len, rows), default=1)
    body = "".join(f"  {' & '.join(row)} \\\\\n" for row in rows)
    out.write(f"\\begin{{tabular}}{{{columns}}}\n{body}\\end{{tabular}}\n")
