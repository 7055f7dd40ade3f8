"""`agx eval`: the value of an expression."""

from __future__ import annotations

from typing import Annotated

import typer

from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Expr,
    Grid,
    Json,
    Precision,
    Printing,
    Seed,
    Syntax,
    Timeout,
    format_option,
    output_option,
)
from autograd_cli.commands.point_options import (
    Append,
    Jobs,
    Map,
    OnError,
    PointsOption,
    Resume,
)
from autograd_cli.commands.points import FORMATS, Many
from autograd_cli.points.on_error import STOP
from autograd_cli.render import AUTO
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.settings import Settings

EXAMPLES = """
agx eval "sqrt(2)*pi"
agx eval "A @ v" --at "A=[[1,2],[3,4]],v=[1,1]"
agx eval "u = x**2; sin(u)/u" --at x=0.5 --json
agx eval "sin(x)" --grid x=0:2*pi:9 -o sine.csv
agx eval "sqrt(x**2 + y**2)" --points data.csv --map x=east,y=north
"""


def evaluate(
    ctx: typer.Context,
    expression: Expr,
    at: At = None,
    grid: Grid = None,
    points: PointsOption = None,
    map: Map = None,
    on_error: OnError = STOP,
    jobs: Jobs = None,
    append: Append = False,
    resume: Resume = False,
    syntax: Syntax = "agx",
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
) -> int | None:
    """Evaluate an expression."""
    from autograd_cli.commands.inputs import read_inputs

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision, among=FORMATS)
    settings = Settings.checked(device, dtype, seed)
    many = Many.of_options(
        *(points, map, on_error, jobs, append, resume),
        grid=grid,
        expression=expression,
        printing=printing,
    )
    table = many.open(ctx)
    inputs = read_inputs(expression, at or [], grid or [], syntax, printing.console, table)
    inputs.check()

    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.gradients import evaluation
    from autograd_cli.points.many import Evaluations

    context = resolve(settings)
    values, axes = inputs.tensors(context)
    if not inputs.is_many:
        printing.emit(evaluation(inputs.expression, values, context))
        return None
    compute = Evaluations(inputs.expression, values, context)
    return many.run(inputs, values, axes, context, compute, printing, command=inputs.told("eval"))
