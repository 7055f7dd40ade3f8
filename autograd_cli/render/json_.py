"""JSON: one object, for programs; the order of its keys is fixed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, TextIO

from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Result

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
    """The text that json.dumps gives with INDENT, in pieces, as large ones do not fit in memory.

    A list of numbers is one piece. With an indent the standard encoder is Python code, slow for a
    matrix of millions; without one it is C code, and the line break can be part of its separator.
    """
    inner = margin + " " * INDENT
    if isinstance(value, dict) and value:
        before = "{" + inner
        for key, item in value.items():
            yield f"{before}{dumps(key, style)}: "
            yield from indented(item, style, inner)
            before = "," + inner
        yield margin + "}"
    elif not isinstance(value, (list, tuple)) or not value:
        yield dumps(value, style)
    elif any(isinstance(item, (dict, list, tuple)) for item in value):
        before = "[" + inner
        for item in value:
            yield before
            yield from indented(item, style, inner)
            before = "," + inner
        yield margin + "]"
    else:
        flat = json.dumps(
            finite(value),
            ensure_ascii=not style.utf,
            allow_nan=False,
            separators=("," + inner, ": "),
        )
        yield "[" + inner + flat[1:-1] + margin + "]"


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else NON_FINITE[repr(value)]
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value
