"""Verdicts in LaTeX: the equations of an align* block."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from autograd_cli.language.latex_symbols import symbol_latex
from autograd_cli.render import typesetting as tex
from autograd_cli.render.check import BAR_DIGITS, separate
from autograd_cli.render.style import Style
from autograd_cli.results.check import Check, Component

WIDTH = 62  # letters of a reason on one line


def check_equations(result: Check, style: Style) -> Iterator[Sequence[str]]:
    """The expression, then every derivative by each of the ways, its verdict and the reason."""
    if result.expression:
        yield ["f", tex.text(result.expression), *tex.known(result.value, style)]
    for one in result.components:
        tested = one.autograd if one.claimed is None else one.claimed
        told = [rf"\text{{{one.verdict}}}"]
        if one.numerical is not None:
            bar = tex.number(one.error_bar, Style(precision=BAR_DIGITS))
            told.append(rf"\text{{numerical }} {tex.number(one.numerical, style)} \pm {bar}")
        if one.exact is not None:
            told.append(rf"\text{{exact }} {tex.number(one.exact, style)}")
        line = tex.number(tested, style) + rf" \quad {', '.join(told)}"
        if tex.width(line) <= tex.WIDEST:
            yield [_sign(one), line]
        else:
            yield [_sign(one), tex.number(tested, style) + rf" \quad {told[0]}"]
            yield ["& " + ", ".join(told[1:])]
        for line in textwrap.wrap(one.note, WIDTH):
            yield ["& " + tex.words(line)]


def _sign(component: Component) -> str:
    names = separate(component.input)
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    power = f"^{{{len(names)}}}" if len(names) > 1 else ""
    below = r" \, ".join(
        rf"\partial {symbol_latex(name)}" + (f"^{{{count}}}" if count > 1 else "")
        for name, count in runs
    )
    what = tex.text(component.where) if component.where else "f"
    return rf"\frac{{\partial{power} {what}}}{{{below}}}"
