"""What is seen of a fit while it goes on: how far it is, its loss, its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from autograd_cli.render.layout import Line, wrap
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import HEADING, NAME, NUMBER, line_width, shown
from autograd_cli.render.sparkline import sparkline
from autograd_cli.render.style import Style
from autograd_cli.results.fit import Step, numbers

BAR = 32  # columns of the progress bar, at most
DIGITS = 4
MOST = 12  # parameters


def frame(losses: Sequence[float], step: Step, total: int | None, style: Style) -> list[Line]:
    """The lines of one moment: at `step` of `total` steps, or of nobody knows how many."""
    room = line_width(style)
    lines: list[Line] = [[], _progress(step.step, total, room, style)]
    first, last = short(losses[0], DIGITS), short(losses[-1], DIGITS)
    curve = sparkline(losses, max(room - len(first) - len(last) - 9, 8), unicode=style.unicode)
    lines.append([("loss  ", HEADING), (f"{first} ", ""), (curve, "cyan"), (f" {last}", NUMBER)])
    values: Line = []
    for name, value in islice(numbers(step.parameters), MOST):
        values += [(shown(name, style), NAME), (f" = {short(value, DIGITS)}   ", "")]
    return [*lines, *wrap(values, room)[:2]]


def _progress(done: int, total: int | None, room: int, style: Style) -> Line:
    if not total:
        return [("step  ", HEADING), (str(done), NUMBER)]
    count = f" {done}/{total}"
    width = max(min(BAR, room - len(count) - 6), 4)
    full = round(width * min(done / total, 1.0))
    block, empty = ("━", "─") if style.unicode else ("#", "-")
    return [
        ("step  ", HEADING),
        (block * full, "green"),
        (empty * (width - full), "dim"),
        (count, NUMBER),
    ]
