"""`agx fit minimize`: the minimum of any function, claimed only where the derivatives show one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.completing import assignments, function_calls
from autograd_cli.commands.fit.options import Options
from autograd_cli.commands.fit.start import StartOption, check_start, read_start, start_tensors
from autograd_cli.commands.groups import EXPRESSION
from autograd_cli.commands.options import INPUT, argument, option, whole
from autograd_cli.settings import OPTIMIZERS, Descent

if TYPE_CHECKING:
    from autograd_cli.results.fit import Fitting

EXAMPLES = """
agx fit minimize "100*(y-x**2)**2 + (1-x)**2" --start x=-1.2,y=1
agx fit minimize "sum((x-arange(5))**2 + cos(x))" --start "x=zeros(5)"
agx fit minimize "(x**2+y-11)**2 + (x+y**2-7)**2" --starts 20
agx fit minimize "x*exp(-x)" --start x=1 --bounds x=0:5
"""

DEFAULTS = Descent(steps=10_000, optimizer="")  # the optimizer by the number of variables
SUITED = tuple(name for name in OPTIMIZERS if name != "lm")
MOST_STARTS = 100_000


@dataclass(frozen=True, kw_only=True)
class Minimized(StartOption):
    """The function, and where its minimum is looked for."""

    expression: str = argument("EXPR", EXPRESSION, complete=function_calls)
    bounds: list[str] | None = option(
        None,
        "NAME=LOW:HIGH",
        "where to stay: x=0:1,y=-5:5, or x=0: without an upper bound",
        panel=INPUT,
        complete=assignments,
    )
    starts: int = option(
        1,
        "N",
        "try N starts, drawn at random beside --start, and list the distinct minima",
        panel=INPUT,
        callback=whole("--starts", 1, MOST_STARTS),
    )


def minimize(ctx: typer.Context, asked: Minimized, options: Options) -> int:
    """Find a minimum of a function, and show that it is one.

    Up to 100 variables by Newton's method in a trust region, beyond by L-BFGS, and past kinks, as
    those of abs(x), by BFGS. A minimum is claimed only where the gradient vanishes and the
    eigenvalues of the Hessian are positive: saddles, flat points, kinks, functions without a lower
    bound and runs that did not converge are called so.
    """
    from autograd_cli.commands.fit.running import run
    from autograd_cli.commands.source import source_text
    from autograd_cli.errors import UsageError
    from autograd_cli.language.bounds import read_bounds
    from autograd_cli.language.points import unknown_variable

    printing = options.printing(ctx)
    settings = options.settings()
    descent = options.descent(DEFAULTS, "minimize", SUITED)
    read, values = read_start(source_text(asked.expression, ctx.obj), asked.start or ())
    limits = read_bounds(asked.bounds or ())
    for name in limits:
        if name not in read.variables:
            raise unknown_variable(name, read, "--bounds")
    named = {descent.optimizer, *options.compared} - {"", "newton"}
    if limits and named:
        raise UsageError(
            f"the optimizer {min(named)!r} knows no bounds",
            hint="leave --optimizer out: the trust region keeps to them",
        )
    if asked.starts == 1:
        check_start(read, values)

    def begin(descent: Descent) -> Fitting:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.descent.bounds import box_of
        from autograd_cli.engine.descent.minimize import Minimizing
        from autograd_cli.engine.descent.starts import ManyStarts, Starts

        context = resolve(settings)
        tensors = start_tensors(read, values, context)
        box = box_of(limits, tensors, context)
        if asked.starts == 1:
            return Minimizing(read, tensors, box, descent, context)
        given = set(read.variables) <= set(values)
        return ManyStarts(read, Starts(tensors, box, asked.starts, given), descent, context)

    return run(
        lambda name: begin(options.with_optimizer(descent, name)),
        descent.optimizer,
        None if asked.starts == 1 else asked.starts,
        options,
        printing,
    )
