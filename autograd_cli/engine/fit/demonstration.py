"""The data of the classic demonstration: points along a line, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.descent.objective import Objective, Parameters, Rows


@dataclass(frozen=True)
class Line:
    """What is drawn: `samples` points of y = true_w x + true_b + noise N(0, 1)."""

    samples: int = 100
    true_w: float = 2.0
    true_b: float = 1.0
    noise: float = 0.3


def draw(line: Line, context: Context) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """x and y, each of shape (samples,), and the start of w and b.

    The draws of a textbook's script, in its order and from the same stream of random numbers:

        torch.manual_seed(seed)
        x = torch.randn(samples)
        y = true_w * x + true_b + noise * torch.randn(samples)
        w = torch.randn(())
        b = torch.randn(())
    """

    def randn(*size: int) -> Tensor:
        return torch.randn(size, dtype=context.dtype, generator=context.generator)

    x = randn(line.samples)
    y = line.true_w * x + line.true_b + line.noise * randn(line.samples)
    start = {"w": randn(), "b": randn()}
    device = context.device
    return x.to(device), y.to(device), {name: value.to(device) for name, value in start.items()}


def objective(x: Tensor, y: Tensor, start: Parameters) -> Objective:
    """The mean squared error of w x + b."""

    def residuals(parameters: Parameters, rows: Rows = None) -> Tensor:
        inputs, targets = (x, y) if rows is None else (x[rows], y[rows])
        return parameters["w"] * inputs + parameters["b"] - targets

    def loss(parameters: Parameters, rows: Rows) -> Tensor:
        return (residuals(parameters, rows) ** 2).mean()

    return Objective(start, loss, len(x), residuals)
