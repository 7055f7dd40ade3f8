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
    return json.dumps(finite(value), indent=indent, ensure_ascii=not style.utf, allow_nan=False)


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else NON_FINITE[repr(value)]
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value
