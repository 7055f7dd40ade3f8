"""The largest, the smallest and the middle element of a whole tensor.

Elements that are equal share the gradient, as in torch: there under torch.vmap, too, where torch's
own gives it to one of them.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import operations
from autograd_cli.engine.core.operations import Operation


class _Shared(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(pick: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return pick(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1], output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        x, value = ctx.saved_tensors
        chosen = torch.where(value.isnan(), x.isnan(), x == value)
        return None, torch.where(chosen, grad / chosen.sum(), 0.0)


def _shared(pick: Callable[[Tensor], Tensor], own: Operation) -> Operation:
    def statistic(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None and not keepdim:
            return _Shared.apply(pick, x)  # type: ignore[no-untyped-call]
        return own(x, dim, keepdim)

    return statistic


max_ = _shared(torch.max, operations.max_)
min_ = _shared(torch.min, operations.min_)
median = _shared(torch.median, operations.median)
