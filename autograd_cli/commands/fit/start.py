"""Where a descent begins: the option `--start`, and the tensors it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograd_cli.commands.completing import assignments
from autograd_cli.commands.options import INPUT, option
from autograd_cli.errors import UnknownNameError, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import read_values, unknown_variable
from autograd_cli.language.reader import read

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.engine.core.context import Context

OPTION = "--start"


@dataclass(frozen=True, kw_only=True)
class StartOption:
    """Where a descent begins."""

    start: list[str] | None = option(
        None,
        "NAME=VALUE",
        "where to begin: x=-1.2,y=1 or v=[1,2,3] or @values.json; repeatable",
        panel=INPUT,
        complete=assignments,
    )


def read_start(text: str, start: Sequence[str]) -> tuple[Expression, dict[str, Expression]]:
    """The expression and the start of its variables.

    Raises: UnknownNameError for a start that is no variable of the expression, UsageError for an
    expression without variables; as `read` and `read_values`.
    """
    values = read_values(start, OPTION)
    expression = read(text, given=list(values))
    for name in values:
        if name not in expression.variables:
            raise unknown_variable(name, expression, OPTION)
    if not expression.variables:
        raise UsageError(
            "there is no variable to change in the expression",
            hint="for its value: agx eval",
        )
    return expression, values


def check_start(expression: Expression, values: Mapping[str, Expression]) -> None:
    """That every variable has a start. Raises: UnknownNameError for the first that has none."""
    missing = [name for name in expression.variables if name not in values]
    if missing:
        blanks = ",".join(f"{name}=…" for name in missing)
        raise UnknownNameError(
            f"no start for '{missing[0]}'",
            hint=f"add {OPTION} {blanks}",
            span=expression.nodes[expression.variables[missing[0]]].span,
            source=expression.source,
        )


def start_tensors(
    expression: Expression, values: Mapping[str, Expression], context: Context
) -> dict[str, Tensor]:
    """The tensors to begin with, 0 where nothing is said."""
    from autograd_cli.engine.core.evaluate import constants

    given = constants(values, context)
    return {
        name: given[name] if name in given else context.tensor(0.0) for name in expression.variables
    }
