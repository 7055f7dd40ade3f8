"""The pieces of a text as plain text, before a format dresses them."""

from __future__ import annotations

from dataclasses import replace

from autograd_cli.render.document import (
    Code,
    Curve,
    Inline,
    Interval,
    Number,
    Remark,
    Symbol,
    Text,
    inlines,
)
from autograd_cli.render.grid import linear
from autograd_cli.render.numbers import short
from autograd_cli.render.sparkline import sparkline
from autograd_cli.render.style import Style

ASCII = str.maketrans({"…": "...", "×": "x", "→": "->", "²": "^2"})  # of agx's own words


def digits(number: Number, style: Style) -> Style:
    """The style with the precision of a number; EXACT remains exact."""
    if number.digits is None:
        return style
    return replace(style, precision=min(style.precision, number.digits))


def plain(one: Inline, style: Style) -> str:
    match one:
        case Number(decimals=int() as decimals):
            return f"{one.value:.{decimals}f}"
        case Number():
            return linear(one.value, digits(one, style))
        case Interval():
            between = " … " if style.unicode else " ... "
            return between.join(short(end, style.precision) for end in (one.low, one.high))
        case Symbol():
            return one.name
        case Code():
            return linear(one.text, style)
        case Curve():
            return sparkline(one.values, one.width, unicode=style.unicode)
        case Remark():
            return plain(one.text, style)
        case str():
            return one if style.unicode else one.translate(ASCII)


def plain_text(text: Text, style: Style) -> str:
    return "".join(plain(one, style) for one in inlines(text))
