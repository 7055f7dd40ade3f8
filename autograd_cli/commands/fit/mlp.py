"""`agx fit mlp`: the training of a small network, one step in its stages and then many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from autograd_cli.commands.fit.options import Options
from autograd_cli.commands.options import choice, option, whole
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


@dataclass(frozen=True, kw_only=True)
class Learning:
    """The network, and what it learns."""

    task: str = option(
        "regression",
        "NAME",
        f"what is learned: {', '.join(NAMES)}",
        panel=PANEL,
        callback=choice("task", NAMES),
        complete=NAMES,
    )
    hidden: str = option("", "SIZES", "the hidden layers: 16,16", panel=PANEL, callback=sizes)
    activation: str = option(
        "",
        "NAME",
        ", ".join(NETWORK_ACTIVATIONS),
        panel=PANEL,
        callback=lambda value: value and choice("activation", NETWORK_ACTIVATIONS)(value),
        complete=NETWORK_ACTIVATIONS,
    )
    samples: int | None = option(
        None,
        "N",
        "how many samples; 4 by default, 200 for moons",
        panel=PANEL,
        callback=whole("--samples", 1, 1_000_000),
    )
    batch_size: int | None = option(
        None,
        "N",
        "samples of one update; all of them by default",
        panel=PANEL,
        callback=whole("--batch-size", 1),
    )


def mlp(ctx: typer.Context, asked: Learning, options: Options) -> int:
    """Train a small network, and watch the gradients flow.

    By default the network of textbooks: 3 inputs, 5 hidden units with ReLU, 2 outputs, a batch of 4
    and the mean squared error. The first step is shown in its five stages, forward, loss, backward,
    update and zero; then the training, with the gradient of every layer.
    """
    from autograd_cli.commands.fit.running import run

    defaults = TASKS[asked.task]
    printing = options.printing(ctx)
    settings = options.settings()
    suited = (
        OPTIMIZERS if asked.task != "moons" else tuple(one for one in OPTIMIZERS if one != "lm")
    )
    descent = options.descent(defaults.descent, "mlp", suited)
    descent = replace(descent, batch_size=asked.batch_size)
    layers = (
        tuple(int(part) for part in asked.hidden.split(",")) if asked.hidden else defaults.hidden
    )

    def begin(descent: Descent) -> Fitting:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.descent.network import draw
        from autograd_cli.engine.descent.training import Training

        context = resolve(settings)
        network = draw(
            asked.task,
            layers,
            asked.activation or defaults.activation,
            asked.samples or defaults.samples,
            settings,
            context,
        )
        return Training(asked.task, network, descent, context)

    return run(
        lambda name: begin(options.with_optimizer(descent, name)),
        descent.optimizer,
        descent.steps,
        options,
        printing,
        demonstration=True,
    )
