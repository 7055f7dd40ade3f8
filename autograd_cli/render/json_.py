"""JSON: one object, for programs; the order of its keys is fixed."""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Result

INDENT = 2
NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def write(result: Result, out: TextIO, style: Style) -> None:
    out.write(dumps(result.to_dict(), style, indent=INDENT) + "\n")


def write_points(points: Points, out: TextIO, style: Style) -> None:
    """The object of the points, each written as it comes."""
    shared = dumps(points.shared(), style, indent=INDENT)
    out.write(shared.removesuffix("\n}") + ',\n  "points": [')
    separator = "\n    "
    for point in points.points:
        out.write(separator + dumps(points.own(point), style))
        separator = ",\n    "
    out.write("\n  ]" if separator[0] == "," else "]")
    out.write(f',\n  "warnings": {dumps(list(points.warnings), style)}\n}}\n')


def write_run(run: Run, out: TextIO, style: Style) -> None:
    write(run.result, out, style)


def dumps(value: object, style: Style, indent: int | None = None) -> str:
    """JSON text, in which numbers that are not finite are strings.

    Anything beyond ASCII is escaped where the stream is not Unicode.
    """
    value = finite(value)
    if indent is None:
        return json.dumps(value, ensure_ascii=not style.utf, allow_nan=False)
    return _indented(value, style, indent, "\n")


def _indented(value: Any, style: Style, indent: int, margin: str) -> str:
    """The text that json.dumps gives with `indent`, lists without lists in them in one go.

    With an indent the standard encoder is Python code, slow for a matrix of millions; without
    one it is C code, and the line break can be part of its separator.
    """
    inner = margin + " " * indent
    if isinstance(value, dict) and value:
        lines = [
            f"{dumps(key, style)}: {_indented(item, style, indent, inner)}"
            for key, item in value.items()
        ]
        return "{" + inner + ("," + inner).join(lines) + margin + "}"
    if not isinstance(value, list) or not value:
        return dumps(value, style)
    if any(isinstance(item, (dict, list)) for item in value):
        lines = [_indented(item, style, indent, inner) for item in value]
        return "[" + inner + ("," + inner).join(lines) + margin + "]"
    flat = json.dumps(
        value,
        ensure_ascii=not style.utf,
        allow_nan=False,
        separators=("," + inner, ": "),
    )
    return "[" + inner + flat[1:-1] + margin + "]"


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else NON_FINITE[repr(value)]
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value
