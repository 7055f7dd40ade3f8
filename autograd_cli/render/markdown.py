"""Markdown: tables for notes, issues and pull requests, in GitHub's flavour.

Kinds of results that have a page (`render.pages`) are written by `formats.markdown`; the others
register their sections with `sections.register`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import singledispatch
from typing import TextIO, TypeAlias

from autograd_cli.render.formats.markdown import code, page_sections, prose, table, table_line
from autograd_cli.render.grid import linear
from autograd_cli.render.layout import Cell, Table
from autograd_cli.render.listings import FunctionList, Info
from autograd_cli.render.matrices import verdict
from autograd_cli.render.numbers import short
from autograd_cli.render.pages import page_of, page_of_run
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation, Gradient, Result, Scalar
from autograd_cli.results.check import Check
from autograd_cli.results.explanation import Explanation
from autograd_cli.results.matrices import Hessian, Matrix

Rows: TypeAlias = Iterable[Sequence[str]]


def write(result: Result, out: TextIO, style: Style) -> None:
    page = page_of(result)
    parts = sections(result, style) if page is None else page_sections(page, style)
    out.write("\n\n".join(parts) + "\n")


def write_points(points: Points, out: TextIO, style: Style) -> None:
    for number, point in enumerate(points.points):
        if number == 0:
            out.write(f"{code(points.header.expression)}\n\n")
            out.writelines(f"{line}\n" for line in _head(point.columns(), point.row()))
        out.write(table_line(_scalar(value, style) for value in point.row()) + "\n")


def write_run(run: Run, out: TextIO, style: Style) -> None:
    page = page_of_run(run)
    if page is None:
        write(run.result, out, style)
    else:
        out.write("\n\n".join(page_sections(page, style)) + "\n")


def write_note(note: str, out: TextIO, style: Style) -> None:
    out.write(f"\n_{prose(note)}_\n")


@singledispatch
def sections(result: Result, style: Style) -> Iterator[str]:
    """The parts of a result, each a paragraph or a table."""
    yield table(result.columns(), ([_scalar(value, style) for value in result.row()],))


@sections.register(FunctionList)
@sections.register(Info)
def _(listing: FunctionList | Info, style: Style) -> Iterator[str]:
    rows = [[_scalar(value, style) for value in row] for row in listing.rows()]
    yield table(listing.columns(), rows)


@sections.register
def _(result: Evaluation, style: Style) -> Iterator[str]:
    value = "" if result.value is None else f" = {linear(result.value, style)}"
    yield f"{code(result.expression)}{value}"
    if result.at:
        yield table(("variable", "value"), _named(result.at, style))


@sections.register
def _(result: Gradient, style: Style) -> Iterator[str]:
    yield from sections.dispatch(Evaluation)(result, style)
    rows = []
    formulas = dict(result.formulas())
    derivatives = dict(result.derivatives())
    for name in derivatives or formulas:
        cells = [code(name)] if name else [""]
        if formulas:
            cells.append(code(str(formulas[name])) if formulas.get(name) is not None else "")
        if derivatives:
            cells.append(_scalar(derivatives[name], style))
        rows.append(cells)
    head = ["by", *(["derivative"] if formulas else []), *(["autograd"] if derivatives else [])]
    yield table(head, rows)


@sections.register
def _(result: Matrix, style: Style) -> Iterator[str]:
    yield from sections.dispatch(Evaluation)(result, style)
    header, *rows = [result.csv_header(), *result.csv_rows()]
    shown = [[code(name) for name in header]]
    labelled = result.vector() is None  # the first column has the names of the rows
    for row in rows:
        names = [code(str(row[0]))] if labelled else []
        shown.append([*names, *(_scalar(value, style) for value in row[labelled:])])
    yield table(shown[0], shown[1:])
    if isinstance(result, Hessian) and result.kind is not None:
        yield prose(verdict(result, style))


@sections.register
def _(result: Check, style: Style) -> Iterator[str]:
    from autograd_cli.render.check import conclusion

    if result.expression:
        yield from sections.dispatch(Evaluation)(result, style)
    rows = [
        [code(one.label), *(_scalar(value, style) for value in (*record, one.note))]
        for one, (_, *record) in zip(result.components, result.records(), strict=True)
    ]
    yield table([name.replace("_", " ") for name in result.columns()], rows)
    yield prose(conclusion(result))


@sections.register
def _(result: Explanation, style: Style) -> Iterator[str]:
    from autograd_cli.render.explanation.columns import FULL_WIDTH
    from autograd_cli.render.explanation.page import tables
    from autograd_cli.render.explanation.result import chain_rows, result_rows

    style = replace(style, width=FULL_WIDTH)
    yield from sections.dispatch(Evaluation)(result, style)
    if result.along:
        yield table(("along", "value"), _named(result.along, style))
    if result.grad_output is not None:
        yield f"weighted with {code(linear(result.grad_output, style))}"
    for title, trace in tables(result, style):
        yield f"### {title}"
        yield _trace(trace)
    for chain in result.chains:
        yield f"### Chain rule for {code(chain.variable)}"
        rows = chain_rows(chain, style)
        yield table(("factor", *(code(sign) for sign in rows[0])), _labelled(rows[1:]))
    yield "### Result"
    rows_of_result = [
        [code(label), _cell_text(value)] for label, value in result_rows(result, style)
    ]
    yield table(("derivative", "value"), rows_of_result)


def _named(values: object, style: Style) -> Rows:
    assert isinstance(values, dict)
    return [[code(name), linear(value, style)] for name, value in values.items()]


def _labelled(rows: Sequence[Sequence[str]]) -> Rows:
    labels = ("local derivative", "value")
    return [[label, *(code(one) for one in row)] for label, row in zip(labels, rows, strict=True)]


def _trace(trace: Table) -> str:
    """A table of cells."""
    rights = [any(row[place].right for row in trace.rows) for place in range(len(trace.headings))]
    heads = [code(head) if "/" in head else head for head in trace.headings]
    return table(heads, [[_cell_text(one) for one in row] for row in trace.rows], rights)


def _cell_text(one: Cell) -> str:
    """A number as it is, a remark as text, all else as code."""
    from autograd_cli.render.explanation.adjoints import NO_PATH, OUTPUT

    shown = " ".join("".join(text for text, _ in line).strip() for line in one.lines)
    return (
        shown
        if one.right or (one.solid and _is_number(shown)) or shown in (NO_PATH, OUTPUT)
        else code(shown)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("true", "false")
    return True


def _head(headings: Sequence[str], row: Sequence[Scalar]) -> list[str]:
    rule = " | ".join("---" if isinstance(value, str) else "---:" for value in row)
    return [table_line(code(heading) for heading in headings), f"| {rule} |"]


def _scalar(value: Scalar, style: Style) -> str:
    shown = short(value, style.precision)
    return prose(shown) if isinstance(value, str) else shown
