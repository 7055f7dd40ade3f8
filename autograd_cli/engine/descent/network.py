"""A multilayer perceptron: its parameters as torch.nn draws them, its forward pass, its tasks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from autograd_cli.data import room
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.descent.objective import Objective, Parameters, Rows
from autograd_cli.settings import NETWORK_ACTIVATIONS, Settings

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "elu": functional.elu,
    "softplus": functional.softplus,
    "leaky_relu": functional.leaky_relu,
    "identity": lambda x: x,
}
assert tuple(ACTIVATIONS) == NETWORK_ACTIVATIONS

Draw = Callable[[int, torch.dtype], tuple[Tensor, Tensor]]  # inputs and targets of so many samples


class Task(NamedTuple):
    """A row of the table: the sizes of input and output, the data, the loss."""

    inputs: int
    outputs: int
    draw: Draw
    loss: Callable[[Tensor, Tensor], Tensor]
    loss_name: str
    classifies: bool


def _regression(samples: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    return torch.randn(samples, 3, dtype=dtype), torch.randn(samples, 2, dtype=dtype)


def _xor(samples: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The four corners of the unit square, over and over."""
    corners = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=dtype)
    x = corners[torch.arange(samples) % 4]
    return x, (x.sum(1, keepdim=True) == 1).to(dtype)


def _moons(samples: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two half circles that reach into each other, with noise of 0.1, as scikit-learn's."""
    upper = samples - samples // 2
    one = torch.linspace(0, math.pi, upper, dtype=dtype)
    two = torch.linspace(0, math.pi, samples - upper, dtype=dtype)
    x = torch.cat(
        [
            torch.stack([one.cos(), one.sin()], 1),
            torch.stack([1 - two.cos(), 0.5 - two.sin()], 1),
        ]
    )
    y = torch.cat([torch.zeros(upper, 1, dtype=dtype), torch.ones(samples - upper, 1, dtype=dtype)])
    return x + 0.1 * torch.randn(samples, 2, dtype=dtype), y


TASKS: Mapping[str, Task] = {
    "regression": Task(3, 2, _regression, functional.mse_loss, "mean squared error", False),
    "moons": Task(
        2, 1, _moons, functional.binary_cross_entropy_with_logits, "binary cross-entropy", True
    ),
    "xor": Task(2, 1, _xor, functional.mse_loss, "mean squared error", True),
}


@dataclass(frozen=True)
class Network:
    """A network and its data: sizes of the layers, the start of its parameters, inputs, targets.

    The parameters are W1, b1, W2, b2, …: those of layer k have the shapes (sizes[k], sizes[k-1])
    and (sizes[k],), as torch.nn.Linear's.
    """

    task: Task
    sizes: tuple[int, ...]
    activation: str
    start: Parameters
    x: Tensor
    y: Tensor

    @property
    def layers(self) -> range:
        """The numbers of the layers, from 1."""
        return range(1, len(self.sizes))

    def activities(self, parameters: Parameters, x: Tensor) -> list[tuple[str, str, Tensor]]:
        """The tensors of a forward pass: names, operations, values; the last is the output."""
        act = ACTIVATIONS[self.activation]
        found = [("X", "the inputs", x)]
        for layer in self.layers:
            before, value = found[-1][0], found[-1][2]
            value = functional.linear(value, parameters[f"W{layer}"], parameters[f"b{layer}"])
            found.append((f"Z{layer}", f"{before} @ W{layer}.T + b{layer}", value))
            if layer < self.layers[-1]:
                found.append((f"A{layer}", f"{self.activation}(Z{layer})", act(value)))
        return found

    def output(self, parameters: Parameters, x: Tensor) -> Tensor:
        """What the network makes of inputs, shape (samples, outputs)."""
        return self.activities(parameters, x)[-1][2]

    def objective(self) -> Objective:
        """The loss over the samples."""

        def loss(parameters: Parameters, rows: Rows) -> Tensor:
            x, y = (self.x, self.y) if rows is None else (self.x[rows], self.y[rows])
            return self.task.loss(self.output(parameters, x), y)

        def residuals(parameters: Parameters) -> Tensor:
            return (self.output(parameters, self.x) - self.y).reshape(-1)

        squares = self.task.loss is functional.mse_loss
        return Objective(self.start, loss, len(self.x), residuals if squares else None)

    def accuracy(self, parameters: Parameters) -> float | None:
        """The share of samples classified right; None where nothing is classified."""
        if not self.task.classifies:
            return None
        middle = 0.5 if self.task.loss is functional.mse_loss else 0.0  # a logit of 0 is one half
        with torch.no_grad():
            right = (self.output(parameters, self.x) > middle) == (self.y > 0.5)
        return float(right.double().mean())


def draw(
    task: str,
    hidden: Sequence[int],
    activation: str,
    samples: int,
    settings: Settings,
    context: Context,
) -> Network:
    """The network and the data that a script would draw after `torch.manual_seed(seed)`.

    First the layers, from the input on, each by torch.nn.Linear; then the inputs and the targets
    (regression), or the noise on the inputs (moons). Torch's own generator is left as it was.
    """
    row = TASKS[task]
    sizes = (row.inputs, *hidden, row.outputs)
    weights = sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))
    copies = 2 * context.dtype.itemsize  # each has a gradient
    room.need(copies * weights, f"a network of {weights:,} parameters")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        start = {}
        for layer, (before, after) in enumerate(itertools.pairwise(sizes), 1):
            linear = torch.nn.Linear(before, after, dtype=context.dtype)
            start[f"W{layer}"] = linear.weight.detach()
            start[f"b{layer}"] = linear.bias.detach()
        x, y = row.draw(samples, context.dtype)
    device = context.device
    moved = {name: value.to(device) for name, value in start.items()}
    return Network(row, sizes, activation, moved, x.to(device), y.to(device))
