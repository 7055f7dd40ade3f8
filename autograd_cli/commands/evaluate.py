"""`agx eval`: the value of an expression."""

from __future__ import annotations

import typer

from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Expr,
    File,
    FormatName,
    Grid,
    Json,
    Precision,
    Printing,
    Seed,
    Syntax,
)
from autograd_cli.render import AUTO
from autograd_cli.render.points import Points
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.settings import Settings

EXAMPLES = """
agx eval "sqrt(2)*pi"
agx eval "A @ v" --at "A=[[1,2],[3,4]],v=[1,1]"
agx eval "u = x**2; sin(u)/u" --at x=0.5 --json
agx eval "sin(x)" --grid x=0:2*pi:9 -o sine.csv
"""


def evaluate(
    ctx: typer.Context,
    expression: Expr,
    at: At = None,
    grid: Grid = None,
    syntax: Syntax = "agx",
    device: Device = "cpu",
    dtype: Dtype = "float64",
    seed: Seed = 0,
    precision: Precision = DEFAULT_PRECISION,
    format: FormatName = AUTO,
    json: Json = False,
    output: File = "",
    color: Colour = "auto",
    debug: Debug = False,
) -> None:
    """Evaluate an expression."""
    from autograd_cli.commands.inputs import read_inputs

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision)
    settings = Settings.checked(device, dtype, seed)
    inputs = read_inputs(expression, at or [], grid or [], syntax, printing.console)
    inputs.check()

    from autograd_cli.engine.context import resolve
    from autograd_cli.engine.derivatives import evaluation, evaluations

    context = resolve(settings)
    values, axes = inputs.tensors(context)
    if not axes:
        printing.emit(evaluation(inputs.expression, values, context))
        return
    points = evaluations(inputs.expression, values, axes, context)
    printing.emit(Points.of(points, values))
