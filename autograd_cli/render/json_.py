"""JSON: one object, for programs; the order of its keys is fixed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Result
from autograd_cli.results.array import LISTS, Array, pieces

INDENT = 2
NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def write(result: Result, out: TextIO, style: Style) -> None:
    out.writelines(indented(result.to_dict(), style))
    out.write("\n")


def write_points(points: Points, out: TextIO, style: Style) -> None:
    """The object of the points, each written as it comes."""
    shared = "".join(indented(points.shared(), style))
    out.write(shared.removesuffix("\n}") + ',\n  "points": [')
    separator = "\n    "
    for point in points.points:
        out.write(separator + dumps(points.own(point), style))
        separator = ",\n    "
    out.write("\n  ]" if separator[0] == "," else "]")
    out.write(f',\n  "warnings": {dumps(list(points.warnings), style)}\n}}\n')


def write_run(run: Run, out: TextIO, style: Style) -> None:
    write(run.result, out, style)


def dumps(value: object, style: Style) -> str:
    """JSON text on one line, in which numbers that are not finite are strings.

    Anything beyond ASCII is escaped where the stream is not Unicode.
    """
    return json.dumps(finite(value), ensure_ascii=not style.utf, allow_nan=False)


def indented(value: Any, style: Style, margin: str = "\n") -> Iterator[str]:
    """The text that json.dumps gives with INDENT, in pieces: large ones do not fit in memory.

    Many numbers of a list are one piece. With an indent the standard encoder is Python code, slow
    for a matrix of millions; without one it is C code, and the line break can be part of its
    separator.
    """
    inner = margin + " " * INDENT
    if isinstance(value, dict) and value:
        before = "{" + inner
        for key, item in value.items():
            yield f"{before}{dumps(key, style)}: "
            yield from indented(item, style, inner)
            before = "," + inner
        yield margin + "}"
    elif not isinstance(value, LISTS) or not value:
        yield dumps(value, style)
    elif not _is_flat(value):
        before = "[" + inner
        for item in value:
            yield before
            yield from indented(item, style, inner)
            before = "," + inner
        yield margin + "]"
    else:
        yield from _flat(value, style, "," + inner, "[" + inner, margin + "]")


def compact(value: Any, style: Style) -> Iterator[str]:
    """The text of `dumps`, in pieces."""
    if isinstance(value, dict) and value:
        before = "{"
        for key, item in value.items():
            yield f"{before}{dumps(key, style)}: "
            yield from compact(item, style)
            before = ", "
        yield "}"
    elif not isinstance(value, Array):
        yield dumps(value, style)
    elif value.is_flat:
        yield from _flat(value, style, ", ", "[", "]")
    else:
        before = "["
        for item in value:
            yield before
            yield from compact(item, style)
            before = ", "
        yield "]"


def _is_flat(value: Sequence[Any]) -> bool:
    """Whether a list has no lists or objects in it."""
    if isinstance(value, Array):
        return value.is_flat
    return not any(isinstance(item, (dict, *LISTS)) for item in value)


def _flat(
    values: Sequence[Any], style: Style, between: str, opening: str, closing: str
) -> Iterator[str]:
    """A list of numbers or texts, many at once."""
    before = opening
    for piece in pieces(values):
        text = json.dumps(
            finite(piece),
            ensure_ascii=not style.utf,
            allow_nan=False,
            separators=(between, ": "),
        )
        yield before + text[1:-1]
        before = between
    yield closing


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else NON_FINITE[repr(value)]
    if isinstance(value, LISTS):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value
