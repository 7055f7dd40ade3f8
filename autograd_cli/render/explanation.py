"""An explanation as a page: the forward trace, the adjoints, the chain rule, the result.

The page is made of blocks, one for every step of the calculation, so that it can be printed at once
or be played block by block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from autograd_cli.render import notation
from autograd_cli.render.grid import linear
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
from autograd_cli.render.parts import (
    HEADING,
    NAME,
    TITLE,
    given,
    heading,
    line_width,
    shown,
    value_cell,
    value_cells,
)
from autograd_cli.render.style import EXACT, Style
from autograd_cli.results import Value, components
from autograd_cli.results.explanation import (
    REVERSE,
    AdjointStep,
    AdjointTerm,
    Chain,
    Explanation,
    PrimalStep,
)
from autograd_cli.results.formula import ADJOINT, PRIMAL, TANGENT

Block: TypeAlias = list[Line]

OUTPUT, NO_PATH, DIRECTION = "the output", "no path from the output", "the direction"
LONGEST = 60  # characters of a sub-expression as typed; the formula says the same
FULL_WIDTH = 1_000_000  # for text that is not wrapped


def page(result: Explanation, style: Style) -> list[Line]:
    """All lines of an explanation."""
    return [line for block in blocks(result, style) for line in block]


def plain_style(style: Style) -> Style:
    """The style of plain text: full width, every digit, no colour."""
    return replace(style, width=FULL_WIDTH, precision=EXACT, colour=False)


def blocks(result: Explanation, style: Style) -> list[Block]:
    """An explanation in the order in which one would calculate."""
    found: list[Block] = [_title(result, style)]
    for title, table in tables(result, style):
        found += _section(title, table, style)
    for chain in result.chains:
        found += _chain(chain, style)
    return [*found, _result(result, style)]


def tables(result: Explanation, style: Style) -> list[tuple[str, Table]]:
    """The traces of an explanation, each a table with its title."""
    if result.mode == REVERSE:
        return [_forward(result, style), _backward(result, style)]
    return _tangents(result, style)


def _title(result: Explanation, style: Style) -> Block:
    lines = [*heading(result, style), *given(result.at, style, "at")]
    lines += given(result.along, style, "along")
    if result.grad_output is not None:
        weights = cell(linear(result.grad_output, style))
        lines += hanging([("weighted with ", HEADING)], weights, line_width(style))
    return lines


def _section(title: str, table: Table, style: Style) -> list[Block]:
    """A table under its title: the first block has the headings, every other one a row."""
    width = line_width(style)
    found: list[Block] = []
    widths = table.widths(width)
    for row in table.rows:
        one = Table(table.headings, [row])
        if widths:
            found.append(one.lines(widths, HEADING)[1:])
        else:
            found.append([*([[]] if found else []), *one.records(width, HEADING)])
    above: Block = [[], *wrap([(title, TITLE)], width)]
    above += table.lines(widths, HEADING)[:1] if widths else []
    return [[*above, *found[0]], *found[1:]]


# The forward trace ------------------------------------------------------------------------------


def _forward(result: Explanation, style: Style) -> tuple[str, Table]:
    columns = {
        "step": _names(result.forward, style),
        "operation": _operations(result.forward, style),
        "as typed": _typed(result.forward, style),
        "value": value_cells([one.value for one in result.forward], style, _share(style, 2)),
    }
    title = "Forward: the value of every step, from the inputs to the output"
    return title, _table(columns)


def _names(steps: Sequence[PrimalStep], style: Style) -> list[Cell]:
    return [cell(notation.step(PRIMAL, one.number, style), NAME, solid=True) for one in steps]


def _operations(steps: Sequence[PrimalStep], style: Style) -> list[Cell]:
    return [_formula(notation.text(one.formula, style), style) for one in steps]


def _formula(text: str, style: Style) -> Cell:
    """A formula, whose further lines are indented where it has to be wrapped."""
    return replace(cell(shown(text, style)), hang=INDENT)


def _typed(steps: Sequence[PrimalStep], style: Style) -> list[Cell]:
    """What was typed, except for the inputs, which say so already."""
    dots = "…" if style.unicode else "..."
    texts = []
    for one in steps:
        text = " ".join(one.expression.split())
        if style.precision != EXACT and len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} {dots} {text[-LONGEST // 2 :]}"
        named = f"{one.name} = {text}" if one.name else text
        texts.append("" if one.is_input else shown(named, style))
    return [replace(cell(text, HEADING), hang=INDENT) for text in texts]


def _share(style: Style, parts: int) -> int:
    """The columns that a drawn matrix may take; none where there are no lines to draw it on."""
    return 0 if style.width == FULL_WIDTH else line_width(style) // parts


def _table(columns: dict[str, list[Cell]]) -> Table:
    return Table(list(columns), list(zip(*columns.values(), strict=True)))


# The reverse trace ------------------------------------------------------------------------------


def _backward(result: Explanation, style: Style) -> tuple[str, Table]:
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
            for (_, term), one in zip(pairs, _values(contributions, style), strict=True)
        ],
        "sum": _values(totals, style),
    }
    return title, _table(columns)


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
        return _formula(f"{sign} = {notation.text(term.formula, style)}", style)
    if term.product.is_sign:
        return _formula(
            sign if term.local is not None else notation.text(term.product, style), style
        )
    return _formula(f"{sign}: {notation.text(term.product, style)}", style)


def _values(values: Sequence[Value], style: Style) -> list[Cell]:
    return value_cells(values, style, _share(style, 4))


def _present(values: Sequence[Value], style: Style) -> list[Cell]:
    """Values with gaps, where the value is None."""
    cells = iter(_values([value for value in values if value is not None], style))
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


# The tangents -----------------------------------------------------------------------------------


def _tangents(result: Explanation, style: Style) -> list[tuple[str, Table]]:
    """Primal and tangent side by side: in one table as far as the directions fit into it."""
    directions = list(result.directions)
    size = len(directions)
    while size > 1:
        tables = [
            _tangent_table(result, directions[i : i + size], style)
            for i in range(0, len(directions), size)
        ]
        if all(_is_roomy(table, style) for table in tables):
            break
        size -= 1
    else:
        tables = [_tangent_table(result, [one], style) for one in directions]
    tangent = "v\u0307" if style.unicode else "vdot"
    title = f"Forward: the value of every step, and its tangent {tangent}"
    found = []
    for number, table in enumerate(tables):
        names = (
            directions[number * size : (number + 1) * size] if size > 1 else [directions[number]]
        )
        more = f" for {', '.join(names)}" if len(tables) > 1 else ""
        found.append((shown(title + more, style), table))
    return found


def _is_roomy(table: Table, style: Style) -> bool:
    """Whether a table fits without wrapping."""
    every = zip(table.headings, zip(*table.rows, strict=True), strict=True)
    widths = [max(cell(head).width, *(one.width for one in column)) for head, column in every]
    needed: int = sum(widths) + GUTTER * (len(widths) - 1)
    return needed <= line_width(style)


def _tangent_table(result: Explanation, directions: Sequence[str], style: Style) -> Table:
    steps = result.forward
    sign = "tangent"
    columns = {
        "step": _names(steps, style),
        "operation": _operations(steps, style),
        "as typed": _typed(steps, style),
        "value": _values([one.value for one in steps], style),
        sign: [_tangent(one, style) for one in steps],
    }
    for name in directions:
        head = _direction(result, name, style)
        columns[head] = _values([one.tangents[name] for one in steps], style)
    whole = _table(columns)
    if _is_roomy(whole, style):
        return whole
    del columns["as typed"]  # the operations are there
    return _table(columns)


def _tangent(one: PrimalStep, style: Style) -> Cell:
    sign = notation.step(TANGENT, one.number, style)
    formula = DIRECTION if one.tangent is None else notation.text(one.tangent, style)
    if one.tangent is None:
        return Cell(([(f"{sign} = ", ""), (formula, HEADING)],), hang=INDENT)
    return _formula(f"{sign} = {formula}", style)


def _direction(result: Explanation, name: str, style: Style) -> str:
    if result.along:
        return "along"
    return shown(f"{'∂' if style.unicode else 'd'}/{'∂' if style.unicode else 'd'}{name}", style)


# The chain rule and the result ------------------------------------------------------------------


def chain_rows(chain: Chain, style: Style) -> tuple[list[str], list[str], list[str]]:
    """The factors of the chain rule as signs, as formulas and as numbers."""
    signs, formulas, numbers = [], [], []
    for place, (link, above, below) in enumerate(chain.factors()):
        signs.append(notation.partial(above, below, style, is_total=chain.is_total))
        formulas.append(notation.factor(link, style, first=place == 0))
        number = linear(link.local, style)
        numbers.append(f"({number})" if place and number.startswith("-") else number)
    return signs, formulas, numbers


def _chain(chain: Chain, style: Style) -> list[Block]:
    dot = notation.times(style)
    sign = notation.partial("f", chain.variable, style, is_total=chain.is_total)
    width = line_width(style)
    found: list[Block] = []
    label = f"{shown(sign, style)} = "
    for texts in chain_rows(chain, style):
        content = cell(shown(dot.join(texts), style))
        found.append(hanging([(label, "")], content, width))
        label = " " * (width_of([(label, "")]) - 2) + "= "
    found.append(hanging([(label, "")], value_cell(chain.derivative, style, width), width))
    title = shown(f"Chain rule for {chain.variable}", style)
    return [[[], *wrap([(title, TITLE)], width), *found[0]], *found[1:]]


def result_rows(result: Explanation, style: Style) -> list[tuple[str, Cell]]:
    """The derivatives: their signs and their values."""
    adjoints = {one.variable: one.number for one in result.backward if one.variable}
    labels = []
    for name in result.gradient:
        label = notation.partial("f", name, style)
        if result.along:
            label = "∇f·v" if style.unicode else "grad f . v"
        if name in adjoints:
            label += f" = {notation.step(ADJOINT, adjoints[name], style)}"
        labels.append(shown(label, style))
    values = value_cells(list(result.gradient.values()), style, _share(style, 2))
    return list(zip(labels, values, strict=True))


def _result(result: Explanation, style: Style) -> Block:
    width = line_width(style)
    rows = result_rows(result, style)
    widest = max((width_of([(label, "")]) for label, _ in rows), default=0)
    lines: Block = [[]]
    lines += wrap([("Result", TITLE)], width)
    for label, value in rows:
        padded = label + " " * (widest - width_of([(label, "")])) + " = "
        fits = widest + 3 + value.width <= width
        lines += hanging([(padded, "")], value if fits else value.left_aligned(), width)
    return lines
