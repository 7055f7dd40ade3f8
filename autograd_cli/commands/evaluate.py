"""`agx eval`: the value of an expression."""

from __future__ import annotations

import typer

from autograd_cli.commands.groups import Computing, ManyPoints, PointsOutput, Reading
from autograd_cli.commands.points import Many

EXAMPLES = """
agx eval "sqrt(2)*pi"
agx eval "A @ v" --at "A=[[1,2],[3,4]],v=[1,1]"
agx eval "u = x**2; sin(u)/u" --at x=0.5 --json
agx eval "sin(x)" --grid x=0:2*pi:9 -o sine.csv
agx eval "sqrt(x**2 + y**2)" --points data.csv --map x=east,y=north
"""


def evaluate(
    ctx: typer.Context,
    reading: Reading,
    rows: ManyPoints,
    computing: Computing,
    output: PointsOutput,
) -> int | None:
    """Evaluate an expression."""
    printing, settings = output.printing(ctx), computing.settings()
    many = Many.of_options(rows, reading.expression, printing)
    inputs = reading.inputs(printing.console, rows.grid, many.open(ctx))
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
