"""`agx graph`: the grad_fn graph, with every value and gradient in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from autograd_cli.collector import collector_paused
from autograd_cli.commands.groups import (
    Computing,
    Output,
    Reading,
    format_option,
    grad_output_option,
    output_option,
)
from autograd_cli.commands.options import option, switch, whole
from autograd_cli.errors import UsageError
from autograd_cli.progress import Progress
from autograd_cli.render.graph.drawing import MOST_NODES, Drawing

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


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What is recorded, and what of it is drawn."""

    grad_output: str | None = grad_output_option()
    wrt: str | None = option(
        None, "NAMES", "the variables that require a gradient: x,y; all if left out", panel=PANEL
    )
    order: int = option(
        1,
        "N",
        "2 is the graph of the gradient itself, by the variable of --wrt",
        panel=PANEL,
        callback=whole("--order", 1, 2),
    )
    why: str | None = option(
        None,
        "NAME",
        "every path from the output to a variable, with the product of the derivatives",
        panel=PANEL,
    )
    saved: bool = switch("what each node keeps for the backward pass", panel=PANEL)
    raw: bool = switch("torch's graph alone: names and next_functions", panel=PANEL)
    hide_constants: bool = switch("without operands that are numbers", panel=PANEL)
    depth: int | None = option(
        None, "N", "draw N levels below the output", panel=PANEL, callback=whole("--depth", 0)
    )
    max_nodes: int = option(
        MOST_NODES,
        "N",
        f"draw N nodes at most, those nearest to the output; {MOST_NODES} if left out."
        " JSON always has all",
        panel=PANEL,
        callback=whole("--max-nodes", 1),
    )


@dataclass(frozen=True, kw_only=True)
class GraphOutput(Output):
    """The options about output, with the formats of graphs."""

    formats = FORMATS

    format: str = format_option(FORMATS)
    output: str = output_option(FORMATS)


def graph(
    ctx: typer.Context, reading: Reading, asked: Drawn, computing: Computing, output: GraphOutput
) -> None:
    """Show the graph that autograd records, with every value and gradient in it.

    From the output down: torch's node, the text it came from, its value, its gradient, the local
    derivative of the node above by this one, and what the node receives along that edge. Then how
    the gradient of every variable adds up.
    """
    from autograd_cli.language.request import read_request

    printing = output.printing(ctx)
    settings = computing.settings()
    inputs = reading.inputs(printing.console)
    inputs.check_variables()
    request = read_request(inputs.expression, asked.wrt, asked.order, grad_output=asked.grad_output)
    request = _by_one_variable(inputs.expression, request)
    _check_why(inputs.expression, asked.why, request)
    inputs.check()

    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.tape.recording import record

    context = resolve(settings)
    values, _ = inputs.tensors(context)
    with collector_paused():
        with Progress(printing.console) as progress:
            found = record(
                inputs.expression,
                values,
                context,
                request,
                progress.at,
                saved=asked.saved,
                why=asked.why,
            )
        printing.emit(
            Drawing(
                graph=found,
                depth=asked.depth,
                most=asked.max_nodes,
                constants=not asked.hide_constants,
                raw=asked.raw,
            )
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
