"""`agx fit quadratic`: gradient descent where everything about it is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from autograd_cli.commands.completing import function_calls
from autograd_cli.commands.fit.options import PANEL, Options
from autograd_cli.commands.fit.start import StartOption, read_start, start_tensors
from autograd_cli.commands.options import argument, option
from autograd_cli.errors import UsageError
from autograd_cli.settings import OPTIMIZERS, Descent

if TYPE_CHECKING:
    from autograd_cli.results.fit import Fitting

EXAMPLES = """
agx fit quadratic
agx fit quadratic --lr 1.1
agx fit quadratic --sweep-lr 0.01:1.2:12
agx fit quadratic "10*x**2 + x*y + y**2" --start x=1,y=10 --lr 0.05 --optimizer momentum
agx fit quadratic "sum(([[2,1],[1,3]]@v - [1,2])**2)/2" --start "v=[0,0]"
"""

DEFAULTS = Descent(steps=50, learning_rate=0.1)
SUITED = tuple(name for name in OPTIMIZERS if name != "lm")
BOWL = "(x-3)**2 + (y-2)**2"
MOST_RATES = 10_000


@dataclass(frozen=True, kw_only=True)
class Bowl(StartOption):
    """The quadratic, and the learning rates."""

    expression: str = argument(
        "[EXPR]", f"any quadratic; by default {BOWL}", default=BOWL, complete=function_calls
    )
    sweep_lr: str = option(
        "",
        "START:STOP:COUNT",
        "the same at evenly spaced learning rates: which are slow, fast, oscillate, diverge",
        panel=PANEL,
    )


def quadratic(ctx: typer.Context, asked: Bowl, options: Options) -> int:
    """Descend a quadratic, and compare with what its Hessian predicts.

    It shows the path, the exact minimum, the eigenvalues and condition number of the Hessian, the
    rate of convergence as predicted and as observed, and the largest learning rate that is stable.
    Variables without a start begin at 0.
    """
    from autograd_cli.commands.fit.running import compare, run
    from autograd_cli.commands.source import source_text
    from autograd_cli.language.symbolic import Worker
    from autograd_cli.results.comparison import BY_RATE

    printing = options.printing(ctx)
    settings = options.settings()
    descent = options.descent(DEFAULTS, "quadratic", SUITED)
    rates = read_sweep(asked.sweep_lr) if asked.sweep_lr else ()
    read, values = read_start(source_text(asked.expression, ctx.obj), asked.start or ())
    with Worker.start() as worker:

        def ask(tensors: dict[str, Any]) -> None:
            from autograd_cli.engine.core.batches import plain
            from autograd_cli.results.fit import numbers

            begun = numbers({name: plain(value) for name, value in tensors.items()})
            worker.ask(
                {
                    "task": "quadratic",
                    "source": read.source,
                    "given": list(values),
                    "shapes": {name: list(value.shape) for name, value in tensors.items()},
                    "start": {name: repr(value) for name, value in begun},
                }
            )

        def begin(descent: Descent) -> Fitting:
            from autograd_cli.engine.core.context import resolve
            from autograd_cli.engine.descent.quadratic import QuadraticDescent

            context = resolve(settings)
            tensors = start_tensors(read, values, context)
            ask(tensors)
            return QuadraticDescent(read, tensors, descent, context, worker.reply())

        if rates:
            begun = [
                (rate, lambda rate=rate: begin(replace(descent, learning_rate=rate)))
                for rate in rates
            ]
            return compare(BY_RATE, begun, descent.steps, options, printing)
        return run(
            lambda name: begin(options.with_optimizer(descent, name)),
            descent.optimizer,
            descent.steps,
            options,
            printing,
            demonstration=True,
        )


def read_sweep(text: str) -> tuple[float, ...]:
    """The learning rates of START:STOP:COUNT, evenly spaced. Raises: UsageError."""
    hint = "for example --sweep-lr 0.01:1.2:12"
    parts = text.split(":")
    if len(parts) != 3:
        raise UsageError(f"--sweep-lr is START:STOP:COUNT, not {text!r}", hint=hint)
    try:
        first, last = (float(part) for part in parts[:2])
    except ValueError:
        raise UsageError(
            f"--sweep-lr needs two numbers and a count, not {text!r}", hint=hint
        ) from None
    if not (0 < first < float("inf") and 0 < last < float("inf")):
        raise UsageError(f"--sweep-lr needs positive learning rates, not {text!r}", hint=hint)
    count = parts[2].strip()
    if not (count.isascii() and count.isdigit() and 1 <= int(count[:9]) <= MOST_RATES):
        raise UsageError(
            f"--sweep-lr needs a count from 1 to {MOST_RATES:,}, not {count!r}", hint=hint
        )
    number = int(count)
    if number == 1:
        return (first,)
    return tuple(first + (last - first) * k / (number - 1) for k in range(number))
