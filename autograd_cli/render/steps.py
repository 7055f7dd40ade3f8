"""The table of the steps of a fit, whose rows are printed as they come."""

from __future__ import annotations

from autograd_cli.render.layout import GUTTER, Line
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import BROKEN, HEADING, NUMBER, line_width, shown
from autograd_cli.render.style import Style
from autograd_cli.results import Scalar, is_finite
from autograd_cli.results.fit import Step, numbers

COUNT = 6  # columns of the number of a step
NOTE = 14  # columns of the heading that says how many parameters are left out
SIGN, POINT, POWER = 1, 1, 4  # what a number takes beside its digits: -1.23456e-05


class StepTable:
    """The columns that fit the width: the step, the loss, parameters, the gradient's norm.

    `counted` is what the first column counts. Of the parameters that do not fit, only the number
    is told, in the heading, if that fits.
    """

    def __init__(self, first: Step, style: Style, counted: str = "step") -> None:
        self._style = style
        self._counted = counted
        self._digits = style.precision or 6
        self._size = self._digits + SIGN + POINT + POWER
        names = [name for name, _ in numbers(first.parameters)]
        self._has_slope = first.gradient_norm is not None
        room = line_width(style) - COUNT - GUTTER - self._size
        if self._has_slope:
            room -= self._size + GUTTER
        self._count = min(len(names), max(room // (self._size + GUTTER), 0))
        left_out = len(names) - self._count
        if left_out and self._count and self._left(room) < NOTE:
            self._count -= 1  # the heading that says so needs room as well
            left_out += 1
        self._names = [shown(name, style) for name in names[: self._count]]
        self._more = f"+{left_out} more" if left_out and self._left(room) >= NOTE else ""

    def _left(self, room: int) -> int:
        return room - self._count * (self._size + GUTTER)

    def heading(self) -> Line:
        """The names of the columns."""
        slope = ["gradient"] if self._has_slope else []
        names = ("loss", *self._names, *slope)
        cells = [
            self._counted.rjust(COUNT),
            *(name[: self._size].rjust(self._size) for name in names),
        ]
        if self._more:
            cells.append(self._more)
        return [((" " * GUTTER).join(cells), HEADING)]

    def row(self, step: Step) -> Line:
        """The cells of a step."""
        values = [value for _, value in numbers(step.parameters)][: self._count]
        cells: list[Scalar] = [step.loss, *values]
        cells += [step.gradient_norm] if self._has_slope else []
        line: Line = [(str(step.step).rjust(COUNT), HEADING)]
        for value in cells:
            look = NUMBER if is_finite(value) else BROKEN
            line.append((" " * GUTTER + short(value, self._digits).rjust(self._size), look))
        return line
