"""The report of a fit for a terminal."""

from __future__ import annotations

from autograd_cli.render.layout import Line, Table, cell
from autograd_cli.render.parts import HEADING, NAME, line_width, paragraph, shown, value_cells
from autograd_cli.render.style import Style
from autograd_cli.results import Scalar
from autograd_cli.results.fit import Fit, numbers


def fit_page(result: Fit, style: Style) -> list[Line]:
    """Why it ended, and every parameter at the start and at the end."""
    room = line_width(style)
    names = [shown(name, style) for name, _ in numbers(result.parameters)]
    starts: list[Scalar] = [value for _, value in numbers(result.initial)]
    ends: list[Scalar] = [value for _, value in numbers(result.parameters)]
    rows = zip(
        [cell(name, NAME, solid=True) for name in names],
        value_cells(starts, style, room),
        value_cells(ends, style, room),
        strict=True,
    )
    table = Table(("parameter", "start", "fitted"), list(rows))
    return [*paragraph([(verdict(result), "")], room), [], *table.drawn(room, HEADING)]


def verdict(result: Fit) -> str:
    """Whether it converged, and why it ended."""
    steps = "step" if result.steps == 1 else "steps"
    return f"{result.ended} {result.steps} {steps}: {result.reason}"
