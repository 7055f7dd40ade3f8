"""The classic demonstration of gradient descent: points along a line, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context, resolve
from autograd_cli.engine.descent.loop import Descending
from autograd_cli.engine.fit.descending import linear_descent
from autograd_cli.engine.fit.request import Request
from autograd_cli.language.reader import read
from autograd_cli.settings import Descent, Settings


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
    return x, y, {"w": randn(), "b": randn()}


def demonstration(line: Line, descent: Descent, context: Context) -> Descending:
    """A descent of the mean squared error of w x + b."""
    x, y, start = draw(line, context)
    request = Request(
        model=read("w*x + b", given=("w", "x", "b")),
        parameters=("w", "b"),
        linear=True,
        response=read("y"),
        columns={"x": plain(x), "y": plain(y)},
    )
    moved = {name: value.to(context.device) for name, value in start.items()}
    true = {"w": line.true_w, "b": line.true_b}
    return linear_descent(request, moved, descent, context, resolve(Settings()), true)
