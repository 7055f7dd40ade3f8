"""An explanation as a page: the forward trace, the adjoints, the chain rule, the result.

The page is made of blocks, one for every step of the calculation, so that it can be printed at once
or be played block by block.
"""

from __future__ import annotations

from autograd_cli.render.explanation.adjoints import adjoint_table
from autograd_cli.render.explanation.primal import primal_table
from autograd_cli.render.explanation.result import Block, chain_blocks, result_block
from autograd_cli.render.explanation.tangents import tangent_tables
from autograd_cli.render.grid import linear
from autograd_cli.render.layout import Line, Table, cell, hanging, wrap
from autograd_cli.render.parts import HEADING, TITLE, given, heading, line_width
from autograd_cli.render.style import Style
from autograd_cli.results.explanation import REVERSE, Explanation


def page(result: Explanation, style: Style) -> list[Line]:
    """All lines of an explanation."""
    return [line for block in blocks(result, style) for line in block]


def blocks(result: Explanation, style: Style) -> list[Block]:
    """An explanation in the order in which one would calculate."""
    found: list[Block] = [_title(result, style)]
    for title, table in tables(result, style):
        found += _section(title, table, style)
    for chain in result.chains:
        found += chain_blocks(chain, style)
    return [*found, result_block(result, style)]


def tables(result: Explanation, style: Style) -> list[tuple[str, Table]]:
    """The traces of an explanation, each a table with its title."""
    if result.mode == REVERSE:
        return [primal_table(result, style), adjoint_table(result, style)]
    return tangent_tables(result, style)


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
