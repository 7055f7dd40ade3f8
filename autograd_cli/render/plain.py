"""Plain text for pipes: one record a line, tab-separated, at full precision, never wrapped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from typing import TextIO

from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.numbers import exact
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Gradient, Result, Scalar, components
from autograd_cli.results.array import PIECE, Array, pieces
from autograd_cli.results.explanation import Explanation

SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}
BREAKS = {"Cc", "Zl", "Zp"}  # control characters, and what else ends a line somewhere


def write(result: Result, out: TextIO, style: Style) -> None:
    for text in lines(result, style):
        out.write(text)


@singledispatch
def lines(result: Result, style: Style) -> Iterator[str]:
    """The lines of a result, each with its end; most are records."""
    for record in result.records():
        if len(record) > PIECE:
            yield from _long_line(record)
        else:
            yield line(record)


@lines.register
def _(result: Gradient, style: Style) -> Iterator[str]:
    if result.symbolic is not None:
        yield from map(line, result.records())
        return
    for name, value in result.gradient.items():
        if isinstance(value, Array) and value.is_flat:
            yield from _named(name, value)
        else:
            yield from map(line, components(name, value))


def _named(name: str, values: Array) -> Iterator[str]:
    """`x[0] VALUE` for every number of a long vector, many lines at once."""
    number = 0
    for piece in values.pieces():
        yield "".join([f"{name}[{at}]\t{value!r}\n" for at, value in enumerate(piece, number)])
        number += len(piece)


def _long_line(record: Sequence[Scalar]) -> Iterator[str]:
    """What `line` gives, in pieces."""
    between = ""
    for piece in pieces(record):
        yield between + "\t".join(map(cell, piece))
        between = "\t"
    yield "\n"


@lines.register
def _(drawing: Drawing, style: Style) -> Iterator[str]:
    from autograd_cli.render.graph.text import plain_lines  # only drawings need it

    return plain_lines(drawing, style)


@lines.register
def _(result: Explanation, style: Style) -> Iterator[str]:
    from autograd_cli.render.explanation.columns import plain_style  # only explanations need it
    from autograd_cli.render.explanation.page import page  # only explanations need it

    for one in page(result, plain_style(style)):
        yield "".join(text for text, _ in one).rstrip() + "\n"


def write_points(points: Points, out: TextIO, style: Style) -> None:
    for point in points.points:
        out.write(line(point.row()))


def write_run(run: Run, out: TextIO, style: Style) -> None:
    for step in run.steps():
        out.write(line(step.record()))
        out.flush()
    write(run.result, out, style)


def line(record: Iterable[Scalar]) -> str:
    return "\t".join([cell(value) for value in record]) + "\n"


def cell(value: Scalar) -> str:
    """The text of one cell, which never holds a tab or a line end."""
    if type(value) is float:
        return repr(value)
    text = value if type(value) is str else exact(value)
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if character in SHORT_ESCAPES:
        return SHORT_ESCAPES[character]
    if unicodedata.category(character) in BREAKS:
        return character.encode("unicode_escape").decode()
    return character
