"""The forward trace with tangents: primal and tangent side by side."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_cli.render import notation
from autograd_cli.render.explanation.columns import (
    as_typed,
    formula_cell,
    operations,
    step_names,
    table_of,
    values_of,
)
from autograd_cli.render.layout import GUTTER, INDENT, Cell, Table, cell
from autograd_cli.render.parts import HEADING, line_width, shown
from autograd_cli.render.style import Style
from autograd_cli.results.explanation import Explanation, PrimalStep
from autograd_cli.results.formula import TANGENT

DIRECTION = "the direction"


def tangent_tables(result: Explanation, style: Style) -> list[tuple[str, Table]]:
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
        "step": step_names(steps, style),
        "operation": operations(steps, style),
        "as typed": as_typed(steps, style),
        "value": values_of([one.value for one in steps], style),
        sign: [_tangent(one, style) for one in steps],
    }
    for name in directions:
        head = _direction(result, name, style)
        columns[head] = values_of([one.tangents[name] for one in steps], style)
    whole = table_of(columns)
    if _is_roomy(whole, style):
        return whole
    del columns["as typed"]  # the operations are there
    return table_of(columns)


def _tangent(one: PrimalStep, style: Style) -> Cell:
    sign = notation.step(TANGENT, one.number, style)
    formula = DIRECTION if one.tangent is None else notation.text(one.tangent, style)
    if one.tangent is None:
        return Cell(([(f"{sign} = ", ""), (formula, HEADING)],), hang=INDENT)
    return formula_cell(f"{sign} = {formula}", style)


def _direction(result: Explanation, name: str, style: Style) -> str:
    if result.along:
        return "along"
    return shown(f"{'∂' if style.unicode else 'd'}/{'∂' if style.unicode else 'd'}{name}", style)
