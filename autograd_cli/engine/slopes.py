"""Local derivatives: each node's by its operands, as numbers.

They are the node's own answer to a gradient of ones. For an elementwise node that is the
elementwise derivative; for one whose result is a single number, the gradient. Otherwise the
derivative is no such tensor.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.sweep import PORTION, Progress
from autograd_cli.engine.tape import Tape, is_leaf
from autograd_cli.results import Value

Probes = Callable[[torch.Size, torch.dtype, torch.device], tuple[Tensor, Tensor]]


def measure(tape: Tape, grads: Sequence[Value], progress: Progress) -> None:
    """Gives the tape the local derivatives; `grads` are the gradients at its nodes as numbers.

    A node that got the gradient 1 in the backward pass has answered already.
    """
    probes = functools.cache(_probes)  # most nodes of a graph have the same shape
    with torch.no_grad():
        for position, node in enumerate(tape.nodes):
            if grads[position] == 1.0 and tape.edges[position]:
                tape.local.append(tape.sent[position])
            elif is_leaf(node):
                tape.local.append(())
            else:
                tape.local.append(_local(tape, position, probes))
            if position % PORTION == 0:
                progress(position, len(tape.nodes), "local derivatives")


def _probes(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ones, and numbers between 1 and 2 no two of which are equal (multiples of a root)."""
    ones = torch.ones(shape, dtype=dtype, device=device)
    multiples = torch.arange(1, shape.numel() + 1, dtype=torch.float64) * 2**0.5
    return ones, (1 + multiples.frac()).reshape(shape).to(device, dtype)


def _local(tape: Tape, position: int, probes: Probes) -> tuple[Tensor | None, ...]:
    """A node is elementwise if it answers to other gradients with their product with the answer to
    ones."""
    upstream = tape.upstream[position]
    if upstream is not None and not upstream.dim():
        return tape.answer(position, probes(upstream.shape, upstream.dtype, upstream.device)[0])
    made = tape.nodes[position]._input_metadata[tape.result.get(position, 0)]
    shape = torch.Size(made.shape)
    ones, others = probes(shape, made.dtype, made.device)
    unknown = (None,) * len(tape.edges[position])
    try:
        found = tape.answer(position, ones)
        if shape.numel() == 1:
            return found
        if not any(part is not None and part.shape == shape for part in found):
            return unknown
        again = tape.answer(position, others)
    except (RuntimeError, NotImplementedError):  # a node that the backward pass did not reach
        return unknown
    return tuple(
        part if part is not None and _is_elementwise(part, other, others) else None
        for part, other in zip(found, again, strict=True)
    )


def _is_elementwise(local: Tensor, answer: Tensor | None, upstream: Tensor) -> bool:
    if local.shape != upstream.shape or answer is None:
        return False
    tolerance = 16 * torch.finfo(local.dtype).eps
    return torch.allclose(local * upstream, answer, tolerance, tolerance, equal_nan=True)
