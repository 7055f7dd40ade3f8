"""`agx fit curve`: a model with parameters, fitted to data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.commands.completing import function_calls
from autograd_cli.commands.fit.data import (
    CONFIDENCE,
    PANEL,
    Columns,
    Confidence,
    Predict,
    Response,
    Weights,
    Y,
    open_columns,
    read_model,
    read_response,
)
from autograd_cli.commands.fit.options import Options
from autograd_cli.errors import UnknownNameError, UsageError
from autograd_cli.settings import OPTIMIZERS, Descent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograd_cli.engine.fit.request import Request
    from autograd_cli.language.expression import Expression
    from autograd_cli.results.fit import Fitting

EXAMPLES = """
agx fit curve "a*exp(-b*x) + c" --data decay.csv --start a=1,b=1,c=0
agx fit curve "b0 + b1*x + b2*x**2" --data points.csv
agx fit curve "b1 - b2*x1*exp(-b3*x2)" --data aging.csv --response "log(y)" --start b1=2,b2=1,b3=0
agx fit curve "a*x/(b + x)" --data - --start a=1,b=1 --predict new.csv --json < points.csv
"""

EXACT, TRUST_REGION = "exact", "lm"
DEFAULTS = Descent(steps=1000, optimizer=TRUST_REGION)

ModelText = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="the model: names of columns are data, all other names are parameters; @FILE reads"
        " it from a file",
        autocompletion=function_calls,
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="FILE",
        help="CSV, TSV or NDJSON with a column for every variable; - is standard input",
        rich_help_panel=PANEL,
    ),
]
Start = Annotated[
    list[str] | None,
    typer.Option(
        "--start",
        metavar="NAME=VALUE",
        help="where the parameters begin: a=1,b=0.5; not needed for a model linear in them",
        rich_help_panel=PANEL,
    ),
]


def curve(
    ctx: typer.Context,
    options: Options,
    model: ModelText,
    data: Data = "",
    start: Start = None,
    y: Y = "",
    response: Response = "",
    weights: Weights = "",
    predict: Predict = "",
    confidence: Confidence = CONFIDENCE,
) -> int:
    """Fit a curve to data: parameters with standard errors and confidence intervals.

    Nonlinear least squares with the Jacobian by autograd. A model that is linear in its parameters
    is solved exactly, and needs no start.
    """
    from autograd_cli.commands.fit.running import run
    from autograd_cli.commands.source import source_text
    from autograd_cli.language.points import read_values

    printing = options.printing(ctx)
    settings = options.settings()
    descent = options.descent(DEFAULTS, "curve", OPTIMIZERS)
    if not data:
        raise UsageError("a curve needs data", hint="add --data FILE.csv, or --data - for stdin")
    starts = read_values(start, "--start") if start else {}
    columns = open_columns(data, printing.console)
    expression = read_model(source_text(model, printing.console), columns, starts)
    request = _request(
        expression, columns, starts, y, response, weights, predict, confidence, printing.console
    )
    most = options.steps

    def begin(optimizer: str) -> Fitting:
        from dataclasses import replace

        from autograd_cli.engine.context import resolve
        from autograd_cli.engine.fit.curve import CurveFitting, problem
        from autograd_cli.engine.fit.descending import descending
        from autograd_cli.engine.fit.exact import ExactFitting

        context = resolve(settings)
        if optimizer == EXACT:
            return ExactFitting(request, "curve", context)
        if optimizer == TRUST_REGION:
            return CurveFitting(problem(request, context), context, most, options.tol)
        asked = replace(descent, optimizer=optimizer)
        return descending(request, asked, context)

    chosen = EXACT if _solved_at_once(request, options) else descent.optimizer
    return run(begin, chosen, descent.steps, options, printing)


def _request(
    model: Expression,
    columns: Columns,
    start: Mapping[str, Expression],
    y: str,
    response: str,
    weights: str,
    predict: str,
    confidence: float,
    console: object,
) -> Request: ...


def _solved_at_once(request: Request, options: Options) -> bool: ...
