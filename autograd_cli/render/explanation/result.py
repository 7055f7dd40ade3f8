"""The chain rule as factors, and the derivatives."""

from __future__ import annotations

from typing import TypeAlias

from autograd_cli.render import notation
from autograd_cli.render.explanation.columns import share
from autograd_cli.render.grid import linear
from autograd_cli.render.layout import Cell, Line, cell, hanging, width_of, wrap
from autograd_cli.render.parts import TITLE, line_width, shown, value_cell, value_cells
from autograd_cli.render.style import Style
from autograd_cli.results.explanation import Chain, Explanation
from autograd_cli.results.formula import ADJOINT

Block: TypeAlias = list[Line]


def chain_rows(chain: Chain, style: Style) -> tuple[list[str], list[str], list[str]]:
    """The factors of the chain rule as signs, as formulas and as numbers."""
    signs, formulas, numbers = [], [], []
    for place, (link, above, below) in enumerate(chain.factors()):
        signs.append(notation.partial(above, below, style, is_total=chain.is_total))
        formulas.append(notation.factor(link, style, first=place == 0))
        number = linear(link.local, style)
        numbers.append(f"({number})" if place and number.startswith("-") else number)
    return signs, formulas, numbers


def chain_blocks(chain: Chain, style: Style) -> list[Block]:
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
    values = value_cells(list(result.gradient.values()), style, share(style, 2))
    return list(zip(labels, values, strict=True))


def result_block(result: Explanation, style: Style) -> Block:
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
