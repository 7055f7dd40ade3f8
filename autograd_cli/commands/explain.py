"""`agx explain`: the chain rule, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.groups import Computing, Output, Reading, grad_output_option
from autograd_cli.commands.options import choice, option, switch
from autograd_cli.errors import UsageError
from autograd_cli.results.explanation import FORWARD, MODES, REVERSE

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


@dataclass(frozen=True, kw_only=True)
class Explaining:
    """Which chain rule is shown, and how."""

    mode: str = option(
        REVERSE,
        "MODE",
        "reverse: from the output down, as autograd works;"
        " forward: from the inputs up, a pass for each variable",
        panel=PANEL,
        callback=choice("mode", MODES),
        complete=MODES,
    )
    along: str | None = option(
        None, "NAME=VALUE", "in forward mode, the direction of the tangents: x=1,y=0", panel=PANEL
    )
    grad_output: str | None = grad_output_option()
    step: bool = switch("one step at a time on a terminal: any key goes on, q ends", panel=PANEL)


def explain(
    ctx: typer.Context, reading: Reading, asked: Explaining, computing: Computing, output: Output
) -> None:
    """Show the chain rule, step by step.

    First the value of every operation, then the derivative of the output by each of them: local
    derivative times what comes from above.
    """
    from autograd_cli.language.request import read_request

    printing = output.printing(ctx)
    settings = computing.settings()
    if asked.step:
        from autograd_cli.commands import stepping

        stepping.check(printing)
    if asked.along is not None and asked.mode != FORWARD:
        raise UsageError(
            "--along is a direction for forward mode; reverse mode finds the derivatives in all"
            " directions at once",
            hint="add --mode forward, or leave --along out",
        )
    inputs = reading.inputs(printing.console)
    inputs.check_variables()
    request = read_request(inputs.expression, along=asked.along, grad_output=asked.grad_output)
    inputs.check()

    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.nodewise.explain import explain as explanation

    context = resolve(settings)
    values, _ = inputs.tensors(context)
    found: Explanation = explanation(inputs.expression, values, context, request, asked.mode)
    if asked.step:
        stepping.play(found, printing)
        return
    printing.emit(found)
