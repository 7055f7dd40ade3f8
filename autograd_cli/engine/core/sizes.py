"""How large results are, known before they are computed: by the shapes of operands, and by what the
function table says of a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.data import room
from autograd_cli.engine.core.context import Context
from autograd_cli.language.functions import Function

Shape = Sequence[int]

LARGE = 1 << 23  # elements from which on a result is measured before it is made
NEVER = 1 << 62  # of a function whose result is smaller than its operands


def threshold(row: Function) -> int:
    """From how many elements on, those of all operands multiplied, a result may be LARGE."""
    if row.size == "diagonal":
        return math.isqrt(LARGE)
    return LARGE if row.elementwise or row.size else NEVER


def need(shape: Shape, dtype: torch.dtype, device: torch.device, what: str) -> None:
    """Raises NoRoomError where a tensor of this shape does not fit into memory."""
    elements = math.prod(shape)
    if elements >= LARGE:
        room.need(elements * dtype.itemsize, what, _left_on(device))


def need_result(row: Function, operands: Sequence[Any], name: str) -> None:
    """Raises NoRoomError where what the function of a row makes of its operands does not fit."""
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    try:
        shape = _SHAPES[row.size or "broadcast"]([tuple(tensor.shape) for tensor in tensors])
    except (RuntimeError, IndexError, ValueError):  # they do not fit together, as torch will say
        return
    dtype = _dtype_of(row, tensors)
    need((_points(tensors), *shape), dtype, tensors[0].device, f"the result of {name}")


def need_constant(context: Context, options: Mapping[str, Any], name: str) -> None:
    """Raises NoRoomError where a constant of this context does not fit into memory."""
    need(constant_shape(options), context.dtype, context.device, name)


def constant_shape(options: Mapping[str, Any]) -> Shape:
    """The shape of a constant, by the options that say it."""
    if "size" in options:
        size = options["size"]
        return (size,) if isinstance(size, int) else size or ()
    if "n" in options:
        columns = options.get("m")
        return (options["n"], options["n"] if columns is None else columns)
    if "steps" in options:
        return (options["steps"],)
    start, end, step = options["start"], options.get("end"), options.get("step")
    if end is None:
        start, end = 0, start
    span = (end - start) / (1 if step is None else step or math.inf)
    return (math.ceil(span) if 0 < span < math.inf else 0,)


def _dtype_of(row: Function, tensors: Sequence[Tensor]) -> torch.dtype:
    if row.is_condition:
        return torch.bool
    widest = max((tensor.dtype for tensor in tensors), key=lambda dtype: dtype.itemsize)
    return widest if widest.is_floating_point else torch.get_default_dtype()


def _points(tensors: Sequence[Tensor]) -> int:
    """How many points are computed at once, where torch.vmap hides their axis."""
    most = 1
    for tensor in tensors:
        inner = tensor
        while torch._C._functorch.is_functorch_wrapped_tensor(inner):
            inner = torch._C._functorch.get_unwrapped(inner)
        most = max(most, inner.numel() // max(tensor.numel(), 1))
    return most


def _left_on(device: torch.device) -> int | None:
    """What is left on a device that says so; None for the memory of the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None


# The shapes of results ------------------------------------------------------------------------


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    return torch.broadcast_shapes(*shapes)  # type: ignore[no-any-return,no-untyped-call]


def _same(shapes: Sequence[Shape]) -> Shape:
    return shapes[0]


def _diagonal(shapes: Sequence[Shape]) -> Shape:
    (shape,) = shapes
    return (*shape, *shape) if len(shape) == 1 else (min(shape),)


def _outer(shapes: Sequence[Shape]) -> Shape:
    """Every element of one by every element of the other, however they are arranged."""
    return [size for shape in shapes for size in shape]


def _inner(shapes: Sequence[Shape]) -> Shape:
    first, second = shapes
    return [*first[:-1], *second[:-1]] if first and second else _broadcast(shapes)


def _product(shapes: Sequence[Shape]) -> Shape:
    first, second = shapes
    if len(first) == 1 or len(second) == 1:
        return [*first[:-1], *second[:-2], *second[-1:]][: max(len(first), len(second)) - 1]
    return [*_broadcast([first[:-2], second[:-2]]), first[-2], second[-1]]


_SHAPES: dict[str, Callable[[Sequence[Shape]], Shape]] = {
    "broadcast": _broadcast,
    "same": _same,
    "diagonal": _diagonal,
    "outer": _outer,
    "inner": _inner,
    "product": _product,
}
