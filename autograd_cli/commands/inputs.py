"""What the commands about an expression have in common: the text, the values, the many points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_cli.commands.source import source_text
from autograd_cli.console import Console
from autograd_cli.errors import UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.foreign import read_all
from autograd_cli.language.points import Axis, check_values, read_grid, read_values

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.engine.core.context import Context
    from autograd_cli.points.table_input import TableInput


@dataclass(frozen=True)
class Inputs:
    """An expression, the values of its variables, and the axes of a grid or the table of points if
    there is one."""

    expression: Expression
    values: Mapping[str, Expression]
    axes: tuple[Axis, ...] = ()
    table: TableInput | None = None

    @property
    def is_many(self) -> bool:
        """Whether there are many points."""
        return bool(self.axes) or self.table is not None

    @property
    def names(self) -> list[str]:
        """The names that are given values."""
        return [*self.values, *(axis.name for axis in self.axes)]

    def check(self) -> None:
        """Every variable has a value and every value a variable. Raises UnknownNameError."""
        options = dict.fromkeys(self.values, "--at")
        options |= {axis.name: "--grid" for axis in self.axes}
        if self.table is not None:
            options |= dict.fromkeys(self.table.variables(self.expression, self.values), "--points")
        check_values(self.expression, options, options)

    def check_variables(self) -> None:
        """That there is something to differentiate by. Raises UsageError."""
        if not self.expression.variables:
            raise UsageError(
                "nothing to differentiate: the expression has no variables",
                hint="for its value, use agx eval",
            )

    def told(self, command: str, **more: Any) -> dict[str, Any]:
        """What was asked, in a form in which it can be compared: a run that is continued has to be
        of the same command."""
        return {
            "command": command,
            "expression": self.expression.source,
            "at": {name: value.source for name, value in self.values.items()},
            "axes": [[one.name, one.start.source, one.stop.source, one.count] for one in self.axes],
            **more,
        }

    def blanks(self) -> str:
        """What `--at` would have to say: `x=...,y=...`."""
        return ",".join(f"{name}=..." for name in self.expression.variables)

    def tensors(self, context: Context) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The fixed values, and the coordinates along each axis."""
        from autograd_cli.engine.derive.gradients import axis, point

        return point(self.values, context), {one.name: axis(one, context) for one in self.axes}


def read_together(
    arguments: Sequence[str],
    at: Sequence[str],
    grid: Sequence[str],
    syntax: str,
    console: Console,
    table: TableInput | None = None,
    *,
    marked: bool = False,
) -> list[Inputs]:
    """Read expressions over the same values; `marked` allows a value on an axis of the grid.

    Raises ReadError, UnknownNameError, UsageError and FileError.
    """
    texts = [source_text(argument, console) for argument in arguments]
    values = read_values(at)
    axes = read_grid(",".join(grid)) if grid else ()
    for axis in axes:
        if axis.name in values and not marked:
            raise UsageError(
                f"{axis.name!r} has both a value in --at and an axis in --grid",
                hint="leave one of them out",
            )
    names = [*values, *(axis.name for axis in axes), *(table.names() if table else ())]
    return [Inputs(one, values, axes, table) for one in read_all(texts, syntax, names)]
