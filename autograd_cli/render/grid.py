"""Values and formulas laid out as lines of text: numbers, vectors, matrices, derivative signs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from autograd_cli.render.numbers import align, short
from autograd_cli.render.style import EXACT, Style
from autograd_cli.results import Scalar, Value
from autograd_cli.results.array import LISTS

MOST = 10  # entries of a vector, rows or columns of a matrix, that are all shown
EDGE = 3  # entries shown at each end of a longer one

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def shape(value: Value) -> tuple[int, ...]:
    """The shape of a value: () for a number, (3,) for a vector."""
    sizes: list[int] = []
    while isinstance(value, LISTS):
        sizes.append(len(value))
        value = value[0] if len(value) else None
    return tuple(sizes)


def block(value: Value, style: Style, width: int) -> list[str]:
    """The lines of a value.

    A vector is one line and a matrix is drawn with its brackets where that fits into `width`;
    otherwise both are written as lists, for the reader of the lines to wrap. Long ones show their
    ends and their shape.
    """
    sizes = shape(value)
    if len(sizes) == 2 and min(sizes) > 0 and style.precision != EXACT:
        lines = _matrix(ends(value, sizes, _ellipsis(style)), style)
        if _is_cut(sizes):
            lines[-1] += f" {_times(style).join(map(str, sizes))}"
        if max(map(len, lines)) <= width:
            return lines
    return [linear(value, style)]


def linear(value: Value, style: Style) -> str:
    """The value on one line, vectors and matrices as lists."""
    if style.precision == EXACT:
        return _nested(value, style)
    sizes = shape(value)
    text = _nested(ends(value, sizes, _ellipsis(style)), style)
    return f"{text} ({_times(style).join(map(str, sizes))})" if _is_cut(sizes) else text


def _is_cut(sizes: tuple[int, ...]) -> bool:
    return any(size > MOST for size in sizes)


def _times(style: Style) -> str:
    return "×" if style.unicode else "x"


def _ellipsis(style: Style) -> str:
    return "…" if style.unicode else "..."


def ends(value: Any, sizes: tuple[int, ...], sign: str) -> Any:
    """The value with the middle of every long axis left out, where `sign` stands instead."""
    if not sizes:
        return value
    if len(value) > MOST:
        gap: Any = sign
        if len(sizes) > 1:
            width = sizes[1] if sizes[1] <= MOST else 2 * EDGE + 1
            gap = [sign] * width if len(sizes) == 2 else gap
        first = [ends(part, sizes[1:], sign) for part in value[:EDGE]]
        return [*first, gap, *(ends(part, sizes[1:], sign) for part in value[-EDGE:])]
    return [ends(part, sizes[1:], sign) for part in value]


def _nested(value: Any, style: Style) -> str:
    if isinstance(value, LISTS):
        return "[" + ", ".join(_nested(item, style) for item in value) + "]"
    return short(value, style.precision)


def _matrix(rows: Sequence[Sequence[Scalar]], style: Style) -> list[str]:
    columns = [
        align([short(entry, style.precision) for entry in column])
        for column in zip(*rows, strict=True)
    ]
    lines = ["  ".join(entries) for entries in zip(*columns, strict=True)]
    if not style.unicode or len(lines) == 1:
        return [f"[{line}]" for line in lines]
    middle = [("⎢", "⎥")] * (len(lines) - 2)
    brackets = [("⎡", "⎤"), *middle, ("⎣", "⎦")]
    return [left + line + right for line, (left, right) in zip(lines, brackets, strict=True)]


def derivative_sign(of: str, variables: Sequence[str], style: Style) -> str:
    """`∂f/∂x`, `∂²f/∂x²`, `∂³f/∂x²∂y`; `df/dx` and `d3f/dx2dy` in ASCII."""
    sign = "∂" if style.unicode else "d"
    runs = [(name, len(list(run))) for name, run in groupby(variables)]
    below = "".join(f"{sign}{name}{_power(count, style)}" for name, count in runs)
    return f"{sign}{_power(len(variables), style)}{of}/{below}"


def _power(number: int, style: Style) -> str:
    return "" if number == 1 else raised(number, style)


def raised(number: int, style: Style) -> str:
    """A number as an exponent: ², or 2 in ASCII."""
    return str(number).translate(SUPERSCRIPTS) if style.unicode else str(number)
