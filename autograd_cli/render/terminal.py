"""For reading on a terminal: calm tables that keep to the width.

Kinds of results that have a page (`render.pages`) are written by `formats.lines`; the others
register their view with `view.register`: lines of styled text.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import singledispatch
from itertools import groupby, islice
from typing import TextIO

from autograd_cli.render.check import page as check_page
from autograd_cli.render.explanation.page import page
from autograd_cli.render.explanation.result import Block
from autograd_cli.render.formats.lines import page_lines
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.grid import block, derivative_sign, linear, raised
from autograd_cli.render.layout import (
    GUTTER,
    INDENT,
    Cell,
    Line,
    Table,
    cell,
    hanging,
    width_of,
    wrap,
)
from autograd_cli.render.listings import FunctionEntry, FunctionList, Info
from autograd_cli.render.matrices import hessian_page, jacobian_page
from autograd_cli.render.numbers import align, short
from autograd_cli.render.pages import page_of
from autograd_cli.render.parts import (
    HEADING,
    NAME,
    NOTE,
    NUMBER,
    TITLE,
    given,
    heading,
    line_width,
    paragraph,
    shown,
    value_cells,
)
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.steps import StepTable
from autograd_cli.render.style import Style
from autograd_cli.render.terminal_lines import Printer, print_lines, printer_of
from autograd_cli.results import Evaluation, Gradient, Result, Scalar
from autograd_cli.results.check import Check
from autograd_cli.results.explanation import Explanation
from autograd_cli.results.lessons import LessonList, LessonRun
from autograd_cli.results.matrices import Hessian, Jacobian

LABELS = 12  # columns that the labels of a gradient take where it is not a table
SAMPLE = 200  # points that decide how wide the columns of a table of points are


def write(result: Result, out: TextIO, style: Style) -> None:
    """Print a result; no line exceeds the width, and nothing is cut off."""
    print_lines([[], *_lines(result, style), []], out, style)


def _lines(result: Result, style: Style) -> list[Line]:
    page = page_of(result)
    return view(result, style) if page is None else page_lines(page, style)


def write_points(points: Points, out: TextIO, style: Style) -> None:
    """A table whose rows are printed as they come; the first of them decide the widths."""
    header = points.header
    lines = [*paragraph([(shown(header.expression, style), TITLE)], line_width(style))]
    lines += [*given(header.at, style, "at"), *_shared_formulas(header, style)]
    print_lines([[], *lines, []], out, style)
    rows = (_moving(point, header) for point in points.points)
    sample = list(islice(rows, SAMPLE))
    names = [shown(name, style) for name, _ in sample[0]]
    columns = [
        align([short(row[number][1], style.precision) for row in sample])
        for number in range(len(names))
    ]
    sizes = [max(map(len, (name, *column))) for name, column in zip(names, columns, strict=True)]
    if sum(sizes) + GUTTER * len(sizes) > line_width(style):
        sizes = [0] * len(sizes)  # too wide for columns: the lines are wrapped
    print_lines(_columns(names, sizes, HEADING, style), out, style)
    for texts in zip(*columns, strict=True):
        print_lines(_columns(texts, sizes, NUMBER, style), out, style)
    for row in rows:
        texts = tuple(short(value, style.precision) for _, value in row)
        print_lines(_columns(texts, sizes, NUMBER, style), out, style)
    print_lines([[]], out, style)


def write_run(run: Run, out: TextIO, style: Style) -> None:
    """A table of the steps, each row as it comes, then the report.

    On a terminal the moment is drawn below the table while the fit goes on.
    """
    introduction = page_of(run.introduction)
    if introduction is not None:
        print_lines([[], *page_lines(introduction, style)], out, style)
    printer = printer_of(out, style, live=run.live)
    with _live(run, printer, style):
        table: StepTable | None = None
        for step in run.steps():
            if table is None:
                table = StepTable(step, style, run.counted)
                print_lines([[], table.heading()], out, style, printer)
            print_lines([table.row(step)], out, style, printer)
            out.flush()
        result = run.result
    write(result, out, style)


def _live(run: Run, printer: Printer, style: Style) -> AbstractContextManager[object]:
    if not run.live:
        return nullcontext()
    from autograd_cli.render.live.terminal import LiveView  # only terminals need it

    return LiveView(run, printer, style)


def _moving(point: Evaluation, header: Evaluation) -> list[tuple[str, Scalar]]:
    """The columns of a point that differ from those of the others."""
    fixed = {name for name, _ in header.inputs()}
    return [
        (name, value)
        for name, value in zip(point.columns(), point.row(), strict=True)
        if name not in fixed and not name.startswith("symbolic_")
    ]


def _columns(texts: Sequence[str], sizes: Sequence[int], look: str, style: Style) -> list[Line]:
    line = [text.rjust(size) for text, size in zip(texts, sizes, strict=True)]
    joined = (" " * GUTTER).join(line if any(sizes) else (text.strip() for text in line))
    return wrap([(joined, look)], line_width(style))


def _shared_formulas(header: Evaluation, style: Style) -> list[Line]:
    if not isinstance(header, Gradient):
        return []
    lines = [*_asked(header, style), *([[]] if header.symbolic else [])]
    for name in header.symbolic or {}:
        lines += _formula_cell(header, name, style, line_width(style)).fitted(line_width(style))
    return lines


def write_note(note: str, out: TextIO, style: Style) -> None:
    print_lines([*wrap([(shown(note, style), NOTE)], line_width(style)), []], out, style)


def write_block(block: Block, out: TextIO, style: Style) -> None:
    """Print a part of a page."""
    print_lines(block, out, style)


@singledispatch
def view(result: Result, style: Style) -> list[Line]:
    """The lines that show a result; those of a kind without a view are its records."""
    return [
        [("  ".join(short(value, style.precision) for value in record), "")]
        for record in result.records()
    ]


view.register(Check, check_page)
view.register(Jacobian, jacobian_page)
view.register(Hessian, hessian_page)


@view.register
def _(result: Evaluation, style: Style) -> list[Line]:
    return [*heading(result, style), *given(result.at, style, "at")]


@view.register
def _(result: Gradient, style: Style) -> list[Line]:
    named = not (result.partial or result.along)  # each derivative belongs to a variable
    names = list(result.gradient or result.symbolic or {})
    rest = {name: value for name, value in result.at.items() if not (named and name in names)}
    lines = [*heading(result, style), *given(rest, style, "at"), *_asked(result, style), []]
    room = line_width(style)
    for width in (room, room // 2):  # matrices drawn, and large ones written as lists
        table = _derivatives(result, names, named, style, width)
        if widths := table.widths(room):
            return [*lines, *table.lines(widths, HEADING)]
    table = _derivatives(result, names, named, style, room - INDENT - LABELS)
    return [*lines, *table.records(room, HEADING)]


@view.register
def _(drawing: Drawing, style: Style) -> list[Line]:
    from autograd_cli.render.graph.text import heading_of, sections  # only drawings need it
    from autograd_cli.render.graph.words import Words

    graph, words = drawing.graph, Words.for_people(drawing.graph, style)
    lines = [*heading(heading_of(graph, words), style), *given(graph.at, style, "at"), []]
    return [*lines, *sections(drawing, style, words, line_width(style))]


@view.register
def _(result: Explanation, style: Style) -> list[Line]:
    return page(result, style)


@view.register
def _(listing: FunctionList, style: Style) -> list[Line]:
    room = line_width(style)
    lines: list[Line] = []
    if listing.detailed:
        for entry in listing.functions:
            lines += _details(entry, style)
        return lines
    headings = ("function", "meaning", "derivative", "also")
    rows = {entry.name: _function_row(entry, style) for entry in listing.functions}
    widths = Table(headings, list(rows.values())).widths(room)
    if widths:
        lines += Table(headings, []).lines(widths, HEADING)
    for family, entries in groupby(listing.functions, lambda entry: entry.family):
        table = Table(headings, [rows[entry.name] for entry in entries], spaced=False)
        lines += [*([[]] if lines else []), [(shown(family, style), TITLE)]]
        lines += table.lines(widths, HEADING)[1:] if widths else table.records(room, HEADING)
    return lines


@view.register
def _(listing: LessonList, style: Style) -> list[Line]:
    from autograd_cli.render.lesson.list import list_page  # only lessons need it

    return list_page(listing, style)


@view.register
def _(run: LessonRun, style: Style) -> list[Line]:
    from autograd_cli.render.lesson.page import run_page

    return run_page(run, style)


@view.register
def _(info: Info, style: Style) -> list[Line]:
    pairs = [*info.versions.items(), ("platform", info.platform)]
    pairs += [(f"device {one.device}", one.name) for one in info.devices]
    pairs += [("dtypes", ", ".join(info.dtypes))]
    for extra in info.extras:
        state = "installed" if extra.installed else f"not installed: {extra.install}"
        pairs.append((f"extra {extra.extra}", state))
    return _pairs(pairs, style)


def _asked(result: Gradient, style: Style) -> list[Line]:
    lines = given(result.along, style, "along")
    if result.grad_output is not None:
        weights = cell(linear(result.grad_output, style))
        lines += hanging([("weighted with ", HEADING)], weights, line_width(style))
    return lines


def _derivatives(
    result: Gradient, names: Sequence[str], named: bool, style: Style, width: int
) -> Table:
    """The table of a gradient; values are drawn for columns of `width` at most."""
    columns: dict[str, list[Cell]] = {}
    if named and result.gradient:
        columns["variable"] = [cell(shown(name, style), NAME, solid=True) for name in names]
        columns["value"] = value_cells([result.at.get(name) for name in names], style, width)
    columns["derivative"] = [_formula_cell(result, name, style, width) for name in names]
    if result.gradient:
        columns["autograd"] = value_cells([result.gradient[name] for name in names], style, width)
    return Table(list(columns), list(zip(*columns.values(), strict=True)))


def _formula_cell(result: Gradient, name: str, style: Style, width: int) -> Cell:
    sign = shown(_sign(result, name, style), style)
    formula = (result.symbolic or {}).get(name)
    if formula is None:
        return cell(sign)
    equals = f"{sign} = "
    lines = [shown(line, style) for line in block(formula, style, width - len(equals))]
    first: Line = [(equals, ""), (lines[0], "")]
    more: list[Line] = [[(" " * width_of([(equals, "")]) + line, "")] for line in lines[1:]]
    return Cell((first, *more), solid=len(lines) > 1, hang=len(equals))


def _sign(result: Gradient, name: str, style: Style) -> str:
    if result.partial:
        return derivative_sign("f", result.partial, style)
    if result.along:
        gradient = "∇f·v" if style.unicode else "grad f . v"
        return gradient if result.order == 1 else f"D{raised(result.order, style)} f along v"
    return derivative_sign("f", [name] * result.order, style)


def _function_row(entry: FunctionEntry, style: Style) -> list[Cell]:
    return [
        cell(shown(entry.usage, style), NAME),
        cell(shown(entry.help, style)),
        cell(shown(",  ".join(entry.derivatives), style)),
        cell(shown(", ".join(_other_names(entry)), style), HEADING),
    ]


def _details(entry: FunctionEntry, style: Style) -> list[Line]:
    lines: list[Line] = [[(shown(entry.usage, style), TITLE)]]
    lines += paragraph([(shown(entry.help, style), "")], line_width(style))
    pairs = [("derivative", text) for text in entry.derivatives[:1]]
    pairs += [("", text) for text in entry.derivatives[1:]]
    pairs += [("where", entry.domain)] if entry.domain else []
    others = _other_names(entry)
    pairs += [("also", ", ".join(others))] if others else []
    pairs += [("note", entry.note)] if entry.note else []
    return [*lines, [], *_pairs([*pairs, ("family", entry.family)], style)]


def _other_names(entry: FunctionEntry) -> list[str]:
    """What else can be typed: for an operator, which is shown by its sign, its name as well."""
    own = [] if entry.usage.startswith(f"{entry.name}(") else [entry.name]
    return [*own, *entry.aliases]


def _pairs(pairs: Sequence[tuple[str, str]], style: Style) -> list[Line]:
    """A list of labels and texts."""
    width = max(len(label) for label, _ in pairs) + GUTTER
    return [
        line
        for label, text in pairs
        for line in hanging(
            [(shown(label, style).ljust(width), HEADING)],
            cell(shown(text, style)),
            line_width(style),
        )
    ]
