"""The reverse trace: the terms of every adjoint, with the running sum."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_cli.render import notation
from autograd_cli.render.explanation.columns import formula_cell, table_of, values_of
from autograd_cli.render.layout import Cell, Line, Table, cell, width_of
from autograd_cli.render.parts import HEADING, NAME, line_width, shown
from autograd_cli.render.style import Style
from autograd_cli.results import Value, components
from autograd_cli.results.explanation import AdjointStep, AdjointTerm, Explanation
from autograd_cli.results.formula import ADJOINT

OUTPUT, NO_PATH = "the output", "no path from the output"


def adjoint_table(result: Explanation, style: Style) -> tuple[str, Table]:
    """The table of the terms; where it is too wide, every term says which adjoint it is for."""
    title, table = _adjoints(result, style, repeated=False)
    if table.widths(line_width(style)) is None:
        return _adjoints(result, style, repeated=True)
    return title, table


def _adjoints(result: Explanation, style: Style, *, repeated: bool) -> tuple[str, Table]:
    adjoint = "v\u0304 = ∂f/∂v" if style.unicode else "vbar = df/dv"
    title = f"Backward: the adjoint {adjoint} of every step, from the output to the inputs"
    pairs = [(one, term) for one in result.backward for term in one.terms or (None,)]
    firsts = [repeated or term is None or term is one.terms[0] for one, term in pairs]
    sign = "×" if style.unicode else "*"
    contributions = [one.adjoint if term is None else term.contribution for one, term in pairs]
    totals = [one.adjoint if term is None else term.total for one, term in pairs]
    columns = {
        "adjoint": [
            _adjoint(one, style) if first else cell("")
            for (one, _), first in zip(pairs, firsts, strict=True)
        ],
        "local derivative": [_local(one, term, style) for one, term in pairs],
        "value": _present([None if term is None else term.local for _, term in pairs], style),
        f"{sign} upstream": _upstreams([term for _, term in pairs], style),
        "contribution": [
            cell("") if term is None else one
            for (_, term), one in zip(pairs, values_of(contributions, style), strict=True)
        ],
        "sum": values_of(totals, style),
    }
    return title, table_of(columns)


def _adjoint(one: AdjointStep, style: Style) -> Cell:
    sign = notation.step(ADJOINT, one.number, style)
    if not one.variable:
        return cell(sign, NAME, solid=True)
    return Cell(([(sign, NAME), (f"  {shown(one.variable, style)}", HEADING)],), solid=True)


def _local(one: AdjointStep, term: AdjointTerm | None, style: Style) -> Cell:
    """`∂v₄/∂v₀ = cos(v₀)`; the product of vectors where there is no such number."""
    if term is None:
        reached = one.variable == "" or any(x for _, x in components("", one.adjoint))
        return cell(OUTPUT if reached else NO_PATH, HEADING)
    sign = notation.partial(term.source, one.number, style)
    if term.formula is not None and term.local is not None:
        return formula_cell(f"{sign} = {notation.text(term.formula, style)}", style)
    if term.product.is_sign:
        return formula_cell(
            sign if term.local is not None else notation.text(term.product, style), style
        )
    return formula_cell(f"{sign}: {notation.text(term.product, style)}", style)


def _present(values: Sequence[Value], style: Style) -> list[Cell]:
    """Values with gaps, where the value is None."""
    cells = iter(values_of([value for value in values if value is not None], style))
    return [cell("", right=True) if value is None else next(cells) for value in values]


def _upstreams(terms: Sequence[AdjointTerm | None], style: Style) -> list[Cell]:
    """`v̄₄ = -1`"""
    values = _present([None if term is None else term.upstream for term in terms], style)
    found = []
    for term, value in zip(terms, values, strict=True):
        if term is None:
            found.append(cell(""))
            continue
        sign = f"{notation.step(ADJOINT, term.source, style)} = "
        first, *others = value.lines
        blank = " " * width_of([(sign, "")])
        lines: list[Line] = [[(sign, ""), *_stripped(first)]]
        lines += [[(blank, ""), *line] for line in others]
        found.append(Cell(tuple(lines), solid=value.solid, hang=len(blank)))
    return found


def _stripped(line: Line) -> Line:
    return [(text.strip(" "), look) for text, look in line] if len(line) == 1 else line
