"""Local derivatives: each node's by its operands, as numbers.

They are the node's own answer to a gradient of ones. For an elementwise node that is the
elementwise derivative; for one whose result is a single number, the gradient. Otherwise the
derivative is no such tensor.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.tape.nodes import Tape
from autograd_cli.results import Value


class Slopes:
    """The local derivatives of a tape's nodes; `one` is a number 1 on its device."""

    def __init__(self, tape: Tape, one: Tensor) -> None:
        self.tape = tape
        self.one = one

    def of(self, position: int, upstream: Tensor | None) -> list[Value]:
        """Those of one node, which got the gradient `upstream` in the backward pass."""
        if upstream is None or upstream.dim():
            found = self._tested(position)
        else:
            if upstream.dtype is not self.one.dtype:
                self.one = torch.ones_like(upstream)
            found = self.tape.answer(position, self.one)
        return [None if part is None else plain(part) for part in found]

    def _tested(self, position: int) -> tuple[Tensor | None, ...]:
        """A node is elementwise if it answers to other gradients with their product with the answer
        to ones."""
        shape, dtype, device = self.tape.made(position)
        ones, others = _probes(shape, dtype, device)
        unknown = (None,) * len(self.tape.edges[position])
        try:
            found = self.tape.answer(position, ones)
            if shape.numel() == 1:
                return found
            if not any(part is not None and part.shape == shape for part in found):
                return unknown
            again = self.tape.answer(position, others)
        except (RuntimeError, NotImplementedError):  # a node that the backward pass did not reach
            return unknown
        return tuple(
            part if part is not None and _is_elementwise(part, other, others) else None
            for part, other in zip(found, again, strict=True)
        )


@functools.lru_cache(1)  # most nodes of a graph have the same shape
def _probes(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ones, and numbers between 1 and 2 no two of which are equal (multiples of a root)."""
    ones = torch.ones(shape, dtype=dtype, device=device)
    multiples = torch.arange(1, shape.numel() + 1, dtype=torch.float64) * 2**0.5
    return ones, (1 + multiples.frac()).reshape(shape).to(device, dtype)


def _is_elementwise(local: Tensor, answer: Tensor | None, upstream: Tensor) -> bool:
    if local.shape != upstream.shape or answer is None:
        return False
    tolerance = 16 * torch.finfo(local.dtype).eps
    return torch.allclose(local * upstream, answer, tolerance, tolerance, equal_nan=True)
