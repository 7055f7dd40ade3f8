"""The vector-Jacobian product, which every derivative here is made of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def vector_jacobian_product(
    target: Tensor,
    inputs: Sequence[Tensor],
    upstream: Tensor | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
) -> list[Tensor | None]:
    """The gradient of the sum of `target`, weighed by `upstream` (of its shape; None is ones).

    One tensor for each input, in its shape, or None where no path leads to it. The weights go into
    a weighted sum instead of `torch.autograd.grad`'s own argument, because that imports SymPy at
    its first use, which takes half a second; the numbers are the same, if
    not always their layout. Raises: RuntimeError and
    NotImplementedError, as torch.
    """
    if upstream is not None:
        target = (target * upstream).sum()
    elif target.dim():
        target = target.sum()
    found = torch.autograd.grad(
        target,
        inputs,
        create_graph=create_graph,
        retain_graph=retain_graph or create_graph,
        allow_unused=True,
    )
    return [part if part is None else with_memory(part) for part in found]


def with_memory(part: Tensor) -> Tensor:
    """Zeros that torch only promised, as the numbers they are: reading the promise raises, and
    reading an element of it crashes."""
    return part.clone() if part._is_zerotensor() else part
