"""How the numbers of a batch lie in memory, so that its results are to the bit those of its points.

Of some functions torch has two kernels, one for vectors and one for what is left over at their ends
and for single numbers; the last bit can differ. Where the points of a batch lie side by side, a
vector reaches over several of them. With a gap between them torch takes each by itself, as it would
alone, and every number meets the kernel that it would meet there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.language.expression import LIST, Expression

Operation = Callable[..., Any]

# The operations with two kernels that differ, and those with such operations among them.
TWO_KERNELS = frozenset(
    (
        *("pow", "mod", "fmod", "hypot", "exp2", "logaddexp", "atan2", "sinh", "cosh", "atanh"),
        *("maximum", "minimum", "sigmoid", "softplus", "relu6", "elu", "selu", "celu"),
        *("gelu", "gelu_tanh", "silu", "mish"),
        *("hardswish", "hardtanh", "softshrink", "hardshrink"),
    )
)
EXACT = (1, 2, 3, 0.5)  # exponents whose powers are products and roots to torch, in either kernel

# What torch computes in another order for many points than for one: products of matrices and what
# is differentiated by them, sums of its own, products with a zero, the choice of 0 or -0, complex
# numbers; and logit has a kernel for what lies side by side and one for all else.
REORDERED = frozenset(
    (
        *("matmul", "dot", "vdot", "inner", "mv", "trace", "det", "logdet", "inv", "pinv", "solve"),
        *("cholesky", "matrix_exp", "matrix_power", "eigvalsh", "svdvals"),
        *("prod", "cumprod", "var", "std", "max", "min", "median"),
        *("mse_loss", "huber_loss", "smooth_l1_loss", "bce_with_logits"),
        *("j0", "j1", "y0", "y1", "besselj", "bessely", "logit"),
    )
)


def is_reordered(expression: Expression) -> bool:
    """Whether only a graph for each point gives every point's own result to the bit."""
    return any(node.op in REORDERED for node in expression.nodes)


def among_points(name: str, operation: Operation) -> Operation:
    """An operation on tensors of shape (points,), each of which it takes by itself."""
    return _alone(name, operation, lambda x: 0 if x.dim() else None)


def under_vmap(name: str, operation: Operation) -> Operation:
    """An operation on the tensors of one point under torch.vmap, as if it were by itself."""
    if name == LIST:
        return lambda items: _Stack.apply((None,) * len(items), *items)  # type: ignore[no-untyped-call]
    return _alone(name, operation, lambda x: None)


def _alone(name: str, operation: Operation, axis: Callable[[Tensor], int | None]) -> Operation:
    if name not in TWO_KERNELS:
        return operation

    def apply(*operands: Any, **options: Any) -> Any:
        if name == "pow" and not isinstance(operands[1], Tensor) and operands[1] in EXACT:
            return operation(*operands)
        axes = tuple(axis(x) if isinstance(x, Tensor) else None for x in operands)
        return _Alone.apply(operation, options, axes, *operands)  # type: ignore[no-untyped-call]

    return apply


class _Alone(torch.autograd.Function):
    """An elementwise operation and its derivatives, on operands with gaps between the points.

    `axes` are the axes of points, None for operands that are the same at all points. It is one node
    of the graph, as the operation itself is: so gradients are added up in the same order.
    """

    @staticmethod
    def forward(
        operation: Operation, options: Any, axes: Sequence[int | None], *operands: Any
    ) -> Tensor:
        placed = [
            x if axis is None else _gapped(x)
            for x, axis in zip(aligned(operands, axes), axes, strict=True)
        ]
        result: Tensor = operation(*placed, **options)
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.call = inputs[:3]
        operands = inputs[3:]
        ctx.numbers = [None if isinstance(x, Tensor) else x for x in operands]
        ctx.save_for_backward(*(x for x in operands if isinstance(x, Tensor)))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[3:]
        again = torch.is_grad_enabled()  # it is to be differentiated once more
        tensors = iter(ctx.saved_tensors)
        operands = [next(tensors) if x is None else x for x in ctx.numbers]
        with torch.enable_grad():
            # Each under a new name: one may depend on another, and this is about them alone.
            own = [
                (x.view_as(x) if again else x.detach().requires_grad_()) if is_needed else x
                for x, is_needed in zip(operands, needed, strict=True)
            ]
            wanted = [x for x, is_needed in zip(own, needed, strict=True) if is_needed]
            result = _Alone.forward(*ctx.call, *own)
            # The gradient as it is, and not a product with it: sums of it depend on its layout.
            hook = result.register_hook(lambda _: grad)  # type: ignore[no-untyped-call]
            found = iter(vector_jacobian_product(result.sum(), wanted, create_graph=again))
            hook.remove()
        return None, None, None, *(next(found) if is_needed else None for is_needed in needed)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> tuple[Tensor, int]:
        operation, options, _, *operands = inputs
        found = _Alone.apply(operation, options, tuple(in_dims[3:]), *operands)  # type: ignore[no-untyped-call]
        return found, 0


class _Stack(torch.autograd.Function):
    """torch.stack at every point, as one node, which torch.vmap would make several of."""

    @staticmethod
    def forward(axes: Sequence[int | None], *items: Tensor) -> Tensor:
        points = [x.shape[axis] for x, axis in zip(items, axes, strict=True) if axis is not None]
        if not points:
            return torch.stack(items)
        placed = [
            x.expand(points[0], *x.shape) if axis is None else x.movedim(axis, 0)
            for x, axis in zip(items, axes, strict=True)
        ]
        return torch.stack(placed, dim=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.axes = inputs[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        is_many = any(axis is not None for axis in ctx.axes)
        parts = grad.unbind(1 if is_many else 0)
        return None, *(
            part.movedim(0, axis) if axis is not None else part.sum(0) if is_many else part
            for part, axis in zip(parts, ctx.axes, strict=True)
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> tuple[Tensor, int]:
        return _Stack.apply(tuple(in_dims[1:]), *inputs[1:]), 0  # type: ignore[no-untyped-call]


def aligned(operands: Sequence[Any], axes: Sequence[int | None]) -> list[Any]:
    """Operands that broadcast, with their axes of points in front of those of one point."""
    rank = max(
        x.dim() - (axis is not None)
        for x, axis in zip(operands, axes, strict=True)
        if isinstance(x, Tensor)
    )
    placed = []
    for x, axis in zip(operands, axes, strict=True):
        if axis:
            x = x.movedim(axis, 0)
        if axis is not None and x.dim() <= rank:
            x = x[(slice(None), *[None] * (rank + 1 - x.dim()))]
        placed.append(x)
    return placed


def _gapped(x: Tensor) -> Tensor:
    """The same numbers, with gaps between the points along the first axis."""
    strides = x.stride()[1:]
    width = math.prod(x.shape[1:])
    if not _is_dense(x.shape[1:], strides) or x.stride(0) > width:
        return x  # there are gaps already
    memory = torch.empty_strided(x.shape, (width + 1, *strides), dtype=x.dtype, device=x.device)
    return memory.copy_(x)


def _is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the numbers of a point fill their memory, in whatever order."""
    extent = 1
    for stride, size in sorted(zip(strides, shape, strict=True)):
        if size != 1:
            if stride != extent:
                return False
            extent *= size
    return True
