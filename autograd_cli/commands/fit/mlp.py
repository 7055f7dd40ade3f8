"""`agx fit mlp`: the training of a small network, one step in its stages and then many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from autograd_cli.commands.fit.options import Options
from autograd_cli.commands.options import choice, whole, words
from autograd_cli.errors import UsageError
from autograd_cli.settings import NETWORK_ACTIVATIONS, OPTIMIZERS, Descent

if TYPE_CHECKING:
    from autograd_cli.results.fit import Fitting

EXAMPLES = """
agx fit mlp
agx fit mlp --task xor --hidden 8 --activation tanh --optimizer adam
agx fit mlp --task moons --compare gd,momentum,adam
agx fit mlp --hidden 8,8,8,8,8,8 --activation sigmoid     # the gradient vanishes
"""


class Defaults(NamedTuple):
    """Of a task: the hidden layers, the activation, the samples, the descent."""

    hidden: tuple[int, ...]
    activation: str
    samples: int
    descent: Descent


TASKS = {
    "regression": Defaults((5,), "relu", 4, Descent(steps=100, optimizer="sgd", learning_rate=0.1)),
    "moons": Defaults(
        (16, 16), "tanh", 200, Descent(steps=500, optimizer="sgd", learning_rate=0.5)
    ),
    "xor": Defaults((8,), "tanh", 4, Descent(steps=1000, optimizer="sgd", learning_rate=0.1)),
}
NAMES = tuple(TASKS)
MOST_UNITS, MOST_LAYERS = 4096, 100


def sizes(value: Any) -> Any:
    """A callback that reads the sizes of hidden layers."""
    if not isinstance(value, str) or not value:
        return value
    parts = [part.strip() for part in value.split(",")]
    good = all(
        part.isascii() and part.isdigit() and 0 < int(part[:9]) <= MOST_UNITS for part in parts
    )
    if not good or len(parts) > MOST_LAYERS:
        raise UsageError(
            f"--hidden needs sizes from 1 to {MOST_UNITS} with commas, not {value!r}",
            hint="for example --hidden 16,16",
        )
    return value


PANEL = "Network"
Hidden = Annotated[
    str,
    typer.Option(
        "--hidden",
        metavar="SIZES",
        help="the hidden layers: 16,16",
        rich_help_panel=PANEL,
        callback=sizes,
    ),
]
Activation = Annotated[
    str,
    typer.Option(
        "--activation",
        metavar="NAME",
        help=", ".join(NETWORK_ACTIVATIONS),
        rich_help_panel=PANEL,
        callback=lambda value: value and choice("activation", NETWORK_ACTIVATIONS)(value),
        autocompletion=words(NETWORK_ACTIVATIONS),
    ),
]
TaskName = Annotated[
    str,
    typer.Option(
        "--task",
        metavar="NAME",
        help=f"what is learned: {', '.join(NAMES)}",
        rich_help_panel=PANEL,
        callback=choice("task", NAMES),
        autocompletion=words(NAMES),
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples",
        metavar="N",
        help="how many samples; 4 by default, 200 for moons",
        rich_help_panel=PANEL,
        callback=whole("--samples", 1, 1_000_000),
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        help="samples of one update; all of them by default",
        rich_help_panel=PANEL,
        callback=whole("--batch-size", 1),
    ),
]


def mlp(
    ctx: typer.Context,
    options: Options,
    task: TaskName = "regression",
    hidden: Hidden = "",
    activation: Activation = "",
    samples: Samples = None,
    batch_size: BatchSize = None,
) -> int:
    """Train a small network, and watch the gradients flow.

    By default the network of textbooks: 3 inputs, 5 hidden units with ReLU, 2 outputs, a batch of 4
    and the mean squared error. The first step is shown in its five stages, forward, loss, backward,
    update and zero; then the training, with the gradient of every layer.
    """
    from dataclasses import replace

    from autograd_cli.commands.fit.running import run

    defaults = TASKS[task]
    printing = options.printing(ctx)
    settings = options.settings()
    suited = OPTIMIZERS if task != "moons" else tuple(one for one in OPTIMIZERS if one != "lm")
    descent = options.descent(defaults.descent, "mlp", suited)
    descent = replace(descent, batch_size=batch_size)
    layers = tuple(int(part) for part in hidden.split(",")) if hidden else defaults.hidden

    def begin(descent: Descent) -> Fitting:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.descent.network import draw
        from autograd_cli.engine.descent.training import Training

        context = resolve(settings)
        network = draw(
            task,
            layers,
            activation or defaults.activation,
            samples or defaults.samples,
            settings,
            context,
        )
        return Training(task, network, descent, context)

    return run(
        lambda name: begin(options.with_optimizer(descent, name)),
        descent.optimizer,
        descent.steps,
        options,
        printing,
        demonstration=True,
    )
