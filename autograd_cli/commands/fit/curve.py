"""`agx fit curve`: a model with parameters, fitted to data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.completing import function_calls
from autograd_cli.commands.fit.data import DataOptions, open_columns, request
from autograd_cli.commands.fit.options import Options
from autograd_cli.commands.fit.start import StartOption
from autograd_cli.commands.options import argument
from autograd_cli.errors import UsageError
from autograd_cli.settings import OPTIMIZERS, Descent

if TYPE_CHECKING:
    from autograd_cli.results.fit import Fitting

EXAMPLES = """
agx fit curve "a*exp(-b*x) + c" --data decay.csv --start a=1,b=1,c=0
agx fit curve "b0 + b1*x + b2*x**2" --data points.csv
agx fit curve "p - q*x1*exp(r*x2)" --data aging.csv --response "log(y)" --start p=3,q=0.01,r=1
agx fit curve "a*x/(b + x)" --data points.csv --start a=1,b=1 --predict new.csv --json
"""

EXACT, TRUST_REGION = "exact", "lm"
DEFAULTS = Descent(steps=1000, optimizer=TRUST_REGION)


@dataclass(frozen=True, kw_only=True)
class Model(StartOption):
    """The model."""

    model: str = argument(
        "MODEL",
        "the model: names of columns are data, all other names are parameters; @FILE reads"
        " it from a file",
        complete=function_calls,
    )


def curve(ctx: typer.Context, data: DataOptions, asked: Model, options: Options) -> int:
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
    at_once = options.optimizer is None and not options.compare
    if descent.optimizer == TRUST_REGION and not options.compare:
        options.without_descent("curve")
    if not data.data:
        raise UsageError("a curve needs data", hint="add --data FILE.csv, or --data - for stdin")
    columns = open_columns(data.data, printing.console)
    wanted = request(
        source_text(asked.model, printing.console),
        read_values(asked.start, "--start") if asked.start else {},
        data,
        columns,
        printing.console,
        needs_start=lambda linear: not (linear and at_once),
    )

    def begin(optimizer: str) -> Fitting:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.fit.curve import CurveFitting
        from autograd_cli.engine.fit.descending import curve_descent
        from autograd_cli.engine.fit.exact import ExactFitting
        from autograd_cli.engine.fit.problem import problem
        from autograd_cli.settings import Settings

        context, fine = resolve(settings), resolve(Settings())
        if optimizer == EXACT:
            return ExactFitting(wanted, "curve", fine)
        if optimizer == TRUST_REGION:
            return CurveFitting(problem(wanted, fine), fine, options.steps, options.tol)
        return curve_descent(wanted, options.with_optimizer(descent, optimizer), context, fine)

    chosen = EXACT if wanted.linear and at_once else descent.optimizer
    steps = None if chosen in (EXACT, TRUST_REGION) else descent.steps
    return run(begin, chosen, steps, options, printing)
