"""`agx fit linear`: linear regression, as a demonstration and on data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.fit.options import Options
from autograd_cli.settings import Descent

if TYPE_CHECKING:
    from autograd_cli.engine.descent.loop import Ending
    from autograd_cli.results.fit import Fit, Fitting

EXAMPLES = """
agx fit linear
agx fit linear --samples 1000 --noise 1 --optimizer adam
"""

DEFAULTS = Descent(steps=100, learning_rate=0.1)
SUITED = ("gd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs", "newton", "lm")


def linear(ctx: typer.Context, options: Options) -> int:
    """Fit a line by gradient descent, and compare it with exact least squares.

    Without arguments it draws 100 points of y = 2 x + 1 with noise.
    """
    from autograd_cli.commands.fit.running import run

    printing = options.printing(ctx)
    settings = options.settings()
    descent = options.descent(DEFAULTS, "linear", SUITED)

    def start(optimizer: str) -> Fitting:
        from autograd_cli.engine.context import resolve
        from autograd_cli.engine.descent.loop import Descending
        from autograd_cli.engine.fit.demonstration import Line, draw, objective

        context = resolve(settings)
        x, y, initial = draw(Line(), context)

        def conclude(ending: Ending) -> Fit:
            from autograd_cli.results.fit import Fit

            return Fit(
                expression="w*x + b",
                at=ending.parameters,
                dtype=context.dtype_name,
                device=str(context.device),
                value=ending.loss,
                task="linear",
                parameters=ending.parameters,
                initial=ending.initial,
                loss=ending.loss,
                steps=ending.steps,
                converged=ending.converged,
                reason=ending.reason,
                warnings=ending.warnings,
            )

        return Descending(
            objective(x, y, initial), options.with_optimizer(descent, optimizer), context, conclude
        )

    return run(start, descent.optimizer, descent.steps, options, printing)
