"""`agx explain`: the chain rule, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.commands.grad import GradOutput
from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Expr,
    File,
    FormatName,
    Json,
    Precision,
    Printing,
    Seed,
    Syntax,
    Timeout,
)
from autograd_cli.errors import UsageError
from autograd_cli.render import AUTO, unknown
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.results.explanation import FORWARD, MODES, REVERSE
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.results.explanation import Explanation

EXAMPLES = """
agx explain "ln(x1) + x1*x2 - sin(x2)" --at x1=2,x2=5
agx explain "ln(x1) + x1*x2 - sin(x2)" --at x1=2,x2=5 --mode forward
agx explain "sin(x**2)" --at x=2
agx explain "u = A@v; sum(u*u)" --at "A=[[1,2],[3,4]],v=[1,-1]"
agx explain "x*y" --at x=2,y=3 --mode forward --along x=1,y=-1 --json
"""

PANEL = "Explanation"


def _mode(value: str) -> str:
    if value not in MODES:
        raise unknown("mode", value, list(MODES))
    return value


def _modes(incomplete: str) -> list[str]:
    return [mode for mode in MODES if mode.startswith(incomplete)]


Mode = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="reverse: from the output down, as autograd works;"
        " forward: from the inputs up, a pass for each variable",
        rich_help_panel=PANEL,
        callback=_mode,
        autocompletion=_modes,
    ),
]
Along = Annotated[
    str | None,
    typer.Option(
        "--along",
        metavar="NAME=VALUE",
        help="in forward mode, the direction of the tangents: x=1,y=0",
        rich_help_panel=PANEL,
    ),
]
Step = Annotated[
    bool,
    typer.Option(
        "--step",
        help="one step at a time on a terminal: any key goes on, q ends",
        rich_help_panel=PANEL,
    ),
]


def explain(
    ctx: typer.Context,
    expression: Expr,
    at: At = None,
    syntax: Syntax = "agx",
    mode: Mode = REVERSE,
    along: Along = None,
    grad_output: GradOutput = None,
    step: Step = False,
    device: Device = "cpu",
    dtype: Dtype = "float64",
    seed: Seed = 0,
    precision: Precision = DEFAULT_PRECISION,
    format: FormatName = AUTO,
    json: Json = False,
    output: File = "",
    color: Colour = "auto",
    timeout: Timeout = None,
    debug: Debug = False,
) -> None:
    """Show the chain rule, step by step.

    First the value of every operation, then the derivative of the output by each of them: local
    derivative times what comes from above.
    """
    from autograd_cli.commands.inputs import read_inputs
    from autograd_cli.language.request import read_request

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision)
    settings = Settings.checked(device, dtype, seed)
    if step:
        from autograd_cli.commands import stepping

        stepping.check(printing)
    if along is not None and mode != FORWARD:
        raise UsageError(
            "--along is a direction for forward mode; reverse mode finds the derivatives in all"
            " directions at once",
            hint="add --mode forward, or leave --along out",
        )
    inputs = read_inputs(expression, at or [], [], syntax, printing.console)
    if not inputs.expression.variables:
        raise UsageError(
            "nothing to differentiate: the expression has no variables",
            hint="for its value, use agx eval",
        )
    request = read_request(inputs.expression, along=along, grad_output=grad_output)
    inputs.check()

    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.nodewise.explain import explain as explanation

    context = resolve(settings)
    values, _ = inputs.tensors(context)
    found: Explanation = explanation(inputs.expression, values, context, request, mode)
    if step:
        stepping.play(found, printing)
        return
    printing.emit(found)
