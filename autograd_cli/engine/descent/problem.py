"""A loss and its parameters while they are being changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.descent.objective import Objective, Rows
from autograd_cli.results import Value


class Problem:
    """The parameters as leaves that require a gradient, changed in place, and the loss at them."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.parameters = {
            name: value.detach().clone().requires_grad_() for name, value in objective.start.items()
        }
        self.tensors = list(self.parameters.values())
        self._sizes = [tensor.numel() for tensor in self.tensors]
        self.size = sum(self._sizes)

    @property
    def residuals(self) -> Callable[[], Tensor] | None:
        """The residuals at the parameters, where the loss is made of them."""
        function = self.objective.residuals
        return None if function is None else lambda: function(self.parameters)

    def loss(self, rows: Rows = None) -> Tensor:
        """The loss at the parameters, attached to its graph."""
        return self.objective.loss(self.parameters, rows)

    def differentiate(self, rows: Rows = None) -> Tensor:
        """The loss, detached; its gradient is left in the parameters' `.grad`."""
        value = self.loss(rows)
        for tensor, part in zip(self.tensors, gradients(value, self.tensors), strict=True):
            tensor.grad = part
        return value.detach()

    def gradient(self) -> Tensor:
        """The gradient that `differentiate` left, shape (size,)."""
        return flat([torch.zeros_like(t) if t.grad is None else t.grad for t in self.tensors])

    def point(self) -> Tensor:
        """The parameters one after another, shape (size,), detached."""
        return flat([tensor.detach() for tensor in self.tensors])

    def place(self, point: Tensor) -> None:
        """Put the parameters at a point of shape (size,)."""
        with torch.no_grad():
            for tensor, part in zip(self.tensors, torch.split(point, self._sizes), strict=True):
                tensor.copy_(part.view(tensor.shape))

    def plain(self) -> dict[str, Value]:
        """The parameters as numbers and lists."""
        return {name: plain(tensor.detach()) for name, tensor in self.parameters.items()}

    def named(self, point: Tensor) -> dict[str, Any]:
        """A vector of shape (size,) as numbers and lists in the shapes of the parameters."""
        parts = zip(self.parameters.items(), torch.split(point, self._sizes), strict=True)
        return {name: plain(part.view(tensor.shape) + 0.0) for (name, tensor), part in parts}


def gradients(
    loss: Tensor,
    tensors: Sequence[Tensor],
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
) -> list[Tensor]:
    """The gradient of a scalar by each tensor; zero where no path leads to it."""
    if not loss.requires_grad:
        return [torch.zeros_like(tensor) for tensor in tensors]
    found = vector_jacobian_product(
        loss, tensors, create_graph=create_graph, retain_graph=retain_graph
    )
    return [
        torch.zeros_like(tensor) if one is None else one
        for one, tensor in zip(found, tensors, strict=True)
    ]


def flat(parts: Sequence[Tensor]) -> Tensor:
    """Tensors one after another, as one vector."""
    return torch.cat([part.reshape(-1) for part in parts])
