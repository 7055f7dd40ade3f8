"""`agx graph`: the grad_fn graph, with every value and gradient in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.collector import collector_paused
from autograd_cli.commands.grad import GradOutput
from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Expr,
    Json,
    Precision,
    Printing,
    Seed,
    Syntax,
    Timeout,
    format_option,
    output_option,
    whole,
)
from autograd_cli.errors import UsageError
from autograd_cli.progress import Progress
from autograd_cli.render import AUTO
from autograd_cli.render.graph.drawing import MOST_NODES, Drawing
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.language.expression import Expression
    from autograd_cli.language.request import DerivativeRequest

EXAMPLES = """
agx graph "x**2 + 2*x*y + y**2" --at x=2,y=3
agx graph "u = sin(x); u*detach(u)" --at x=1 --why x
agx graph "sum(softplus(A@v))" --at "A=[[1,2],[3,4]],v=[1,1]" --saved
agx graph "exp(-x**2)" --at x=0.5 --order 2
agx graph "x**2 + 2*x*y + y**2" --at x=2,y=3 -o graph.html
"""

FORMATS = ("plain", "table", "json", "ndjson", "dot", "mermaid", "svg", "html")
PANEL = "Graph"

Wrt = Annotated[
    str | None,
    typer.Option(
        "--wrt",
        metavar="NAMES",
        help="the variables that require a gradient: x,y; all if left out",
        rich_help_panel=PANEL,
    ),
]
Order = Annotated[
    int,
    typer.Option(
        "--order",
        metavar="N",
        help="2 is the graph of the gradient itself, by the variable of --wrt",
        rich_help_panel=PANEL,
        callback=whole("--order", 1, 2),
    ),
]
Why = Annotated[
    str | None,
    typer.Option(
        "--why",
        metavar="NAME",
        help="every path from the output to a variable, with the product of the derivatives",
        rich_help_panel=PANEL,
    ),
]
Saved = Annotated[
    bool,
    typer.Option(
        "--saved", help="what each node keeps for the backward pass", rich_help_panel=PANEL
    ),
]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw", help="torch's graph alone: names and next_functions", rich_help_panel=PANEL
    ),
]
HideConstants = Annotated[
    bool,
    typer.Option(
        "--hide-constants", help="without operands that are numbers", rich_help_panel=PANEL
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="N",
        help="draw N levels below the output",
        rich_help_panel=PANEL,
        callback=whole("--depth", 0),
    ),
]
MaxNodes = Annotated[
    int,
    typer.Option(
        "--max-nodes",
        metavar="N",
        help=f"draw N nodes at most, those nearest to the output; {MOST_NODES} if left out."
        " JSON always has all",
        rich_help_panel=PANEL,
        callback=whole("--max-nodes", 1),
    ),
]


def graph(
    ctx: typer.Context,
    expression: Expr,
    at: At = None,
    syntax: Syntax = "agx",
    grad_output: GradOutput = None,
    wrt: Wrt = None,
    order: Order = 1,
    why: Why = None,
    saved: Saved = False,
    raw: Raw = False,
    hide_constants: HideConstants = False,
    depth: Depth = None,
    max_nodes: MaxNodes = MOST_NODES,
    device: Device = "cpu",
    dtype: Dtype = "float64",
    seed: Seed = 0,
    precision: Precision = DEFAULT_PRECISION,
    format: Annotated[str, format_option(FORMATS)] = AUTO,
    json: Json = False,
    output: Annotated[str, output_option(FORMATS)] = "",
    color: Colour = "auto",
    timeout: Timeout = None,
    debug: Debug = False,
) -> None:
    """Show the graph that autograd records, with every value and gradient in it.

    From the output down: torch's node, the text it came from, its value, its gradient, the local
    derivative of the node above by this one, and what the node receives along that edge. Then how
    the gradient of every variable adds up.
    """
    from autograd_cli.commands.inputs import read_inputs
    from autograd_cli.language.request import read_request

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision, among=FORMATS)
    settings = Settings.checked(device, dtype, seed)
    inputs = read_inputs(expression, at or [], [], syntax, printing.console)
    if not inputs.expression.variables:
        raise UsageError(
            "nothing to differentiate: the expression has no variables",
            hint="for its value, use agx eval",
        )
    request = read_request(inputs.expression, wrt, order, grad_output=grad_output)
    request = _by_one_variable(inputs.expression, request)
    _check_why(inputs.expression, why, request)
    inputs.check()

    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.tape.recording import record

    context = resolve(settings)
    values, _ = inputs.tensors(context)
    with collector_paused():
        with Progress(printing.console) as progress:
            found = record(
                inputs.expression, values, context, request, progress.at, saved=saved, why=why
            )
        printing.emit(
            Drawing(graph=found, depth=depth, most=max_nodes, constants=not hide_constants, raw=raw)
        )


def _by_one_variable(expression: Expression, request: DerivativeRequest) -> DerivativeRequest:
    """The request; a second order is by one variable, the only one if nothing was said."""
    names = request.wrt or tuple(expression.variables)
    if request.order == 1:
        return request
    if len(names) != 1:
        raise UsageError(
            "--order 2 is the graph of one gradient: say by which variable",
            hint=f"add --wrt {names[0]}",
        )
    return replace(request, wrt=names)


def _check_why(expression: Expression, why: str | None, request: DerivativeRequest) -> None:
    from autograd_cli.language.points import unknown_variable

    if why is None:
        return
    if why not in expression.variables:
        raise unknown_variable(why, expression, "--why")
    if request.order == 1 and request.wrt and why not in request.wrt:
        raise UsageError(
            f"--why {why} asks for a variable that --wrt leaves out", hint=f"add {why} to --wrt"
        )
