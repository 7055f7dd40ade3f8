"""The forward trace: the value of every step."""

from __future__ import annotations

from autograd_cli.render.explanation.columns import (
    as_typed,
    operations,
    share,
    step_names,
    table_of,
)
from autograd_cli.render.layout import Table
from autograd_cli.render.parts import value_cells
from autograd_cli.render.style import Style
from autograd_cli.results.explanation import Explanation


def primal_table(result: Explanation, style: Style) -> tuple[str, Table]:
    """The forward trace with its title."""
    columns = {
        "step": step_names(result.forward, style),
        "operation": operations(result.forward, style),
        "as typed": as_typed(result.forward, style),
        "value": value_cells([one.value for one in result.forward], style, share(style, 2)),
    }
    title = "Forward: the value of every step, from the inputs to the output"
    return title, table_of(columns)
