"""NDJSON: one JSON object a line, each written as it comes."""

from __future__ import annotations

import time
from typing import TextIO

from autograd_cli.render.json_ import compact, dumps
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Result

DELAY = 0.1  # seconds that a finished record may wait for company


def write(result: Result, out: TextIO, style: Style) -> None:
    out.writelines(compact(result.to_dict(), style))
    out.write("\n")


def write_run(run: Run, out: TextIO, style: Style) -> None:
    for step in run.steps():
        out.write(dumps(step.to_dict(), style) + "\n")
        out.flush()
    write(run.result, out, style)


def write_points(points: Points, out: TextIO, style: Style) -> None:
    sent = time.monotonic() - DELAY
    for point in points.points:
        write(point, out, style)
        if time.monotonic() - sent >= DELAY:
            out.flush()
            sent = time.monotonic()
