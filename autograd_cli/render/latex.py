"""LaTeX for papers and slides: equations, and what tables and words say; it needs amsmath.

Kinds of results that have a page (`render.pages`) are written by `formats.latex`; the others
register their equations with `lines.register`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import TextIO

from autograd_cli.language.latex_symbols import symbol_latex
from autograd_cli.render.document import Page
from autograd_cli.render.formats.latex import aligned, page_blocks
from autograd_cli.render.numbers import exact
from autograd_cli.render.pages import page_of, page_of_run
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.render.typesetting import derivative, formula, known, number, text
from autograd_cli.results import Evaluation, Gradient, Result
from autograd_cli.results.check import Check
from autograd_cli.results.explanation import Explanation
from autograd_cli.results.matrices import Hessian, Jacobian


def write(result: Result, out: TextIO, style: Style) -> None:
    page = page_of(result)
    if page is not None:
        _write_page(page, out, style)
        return
    equations = lines(result, style)
    if equations is None:
        _write_table(result, out)
        return
    rows = [" &= ".join(_sides(equation)) for equation in equations]
    out.write(aligned(rows) + "\n")


def _write_page(page: Page, out: TextIO, style: Style) -> None:
    out.write("\n\n".join(page_blocks(page, style)) + "\n")


def write_points(points: Points, out: TextIO, style: Style) -> None:
    """A table of the points, as an array."""
    rows: list[str] = []
    for point in points.points:
        if not rows:
            rows.append(" & ".join(symbol_latex(name) for name in point.columns()) + r" \\ \hline")
        rows.append(" & ".join(number(value, style) for value in point.row()) + r" \\")
    columns = "r" * (rows[0].count(" & ") + 1) if rows else "r"
    block = [r"\[", rf"\begin{{array}}{{{columns}}}", *rows, r"\end{array}", r"\]", ""]
    out.write("\n".join(block))


def write_run(run: Run, out: TextIO, style: Style) -> None:
    page = page_of_run(run)
    if page is None:
        write(run.result, out, style)
    else:
        _write_page(page, out, style)


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
    from autograd_cli.render.align import equations

    return equations(result, style)


@lines.register
def _(result: Check, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.check_latex import check_equations

    return check_equations(result, style)


@lines.register
def _(result: Jacobian, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.latex_matrices import jacobian_equations

    return jacobian_equations(result, style)


@lines.register
def _(result: Hessian, style: Style) -> Iterator[Sequence[str]]:
    from autograd_cli.render.latex_matrices import hessian_equations

    return hessian_equations(result, style)


def _sides(line: Sequence[str]) -> list[str]:
    # One alignment mark a line: the first equals sign has it.
    return [line[0], " = ".join(line[1:])] if len(line) > 1 else [line[0]]


def _write_table(result: Result, out: TextIO) -> None:
    rows = [[text(exact(value)) for value in record] for record in result.records()]
    columns = "l" * max(map(len, rows), default=1)
    body = "".join(f"  {' & '.join(row)} \\\\\n" for row in rows)
    out.write(f"\\begin{{tabular}}{{{columns}}}\n{body}\\end{{tabular}}\n")
