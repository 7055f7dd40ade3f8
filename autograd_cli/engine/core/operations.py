"""The operations that the function table calls `engine.…`, and how a row finds its operation.

Most rows name a torch function; here stand the ones that need a word more: options that torch
spells differently for a part and for the whole of a tensor, results that come in pairs, constants.
"""

from __future__ import annotations

import functools
import importlib
import math
import operator
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from autograd_cli.engine.core.context import Context
from autograd_cli.errors import DomainError, EvaluationError, ShapeError
from autograd_cli.language.functions import Function

Operation = Callable[..., Any]
Dims = int | tuple[int, ...] | None


@functools.cache
def operation(row: Function, accurate: bool = False) -> Operation:
    """The callable of a row: `torch.sin`, `operator.add`, `special.gamma`, `engine.sum_`.

    The `accurate` one has the same value; its derivatives hold their digits where torch's do not.
    """
    return operation_at(row.accurate if accurate and row.accurate else row.torch)


def operation_at(path: str) -> Operation:
    """The callable that a path of the function table stands for."""
    module, _, name = path.rpartition(".")
    if module == "torch" or module.startswith("torch."):
        return cast(Operation, functools.reduce(getattr, path.split(".")[1:], torch))
    if module.startswith("special"):  # imported at first use: most expressions do without
        return cast(Operation, getattr(importlib.import_module(f"{_HERE}.{module}"), name))
    return cast(Operation, getattr(operator, name) if module == "operator" else globals()[name])


_HERE = "autograd_cli.engine"


# Elementwise ------------------------------------------------------------------------------------


def sec(x: Tensor) -> Tensor:
    return 1 / torch.cos(x)


def csc(x: Tensor) -> Tensor:
    return 1 / torch.sin(x)


def cot(x: Tensor) -> Tensor:
    return 1 / torch.tan(x)


def log_base(x: Tensor | float, base: Tensor | float) -> Tensor:
    """log(x)/log(base); the bases 2 and 10 have functions that are exact at their powers."""
    if isinstance(x, Tensor) and not isinstance(base, Tensor):
        if base == 2:
            return torch.log2(x)
        if base == 10:
            return torch.log10(x)
        return torch.log(x) / (math.log(base) if base > 0 else math.nan)
    if not isinstance(x, Tensor):
        assert isinstance(base, Tensor)
        x = torch.tensor(x, dtype=base.dtype, device=base.device)
    assert isinstance(base, Tensor)
    return torch.log(x) / torch.log(base)


def heaviside(x: Tensor, at_zero: Tensor | None = None) -> Tensor:
    """The unit step: 0, `at_zero` (1/2 by default), 1; nan at nan. It carries no gradient by x."""
    step = torch.where(x.isnan(), x.detach(), (x > 0).to(x.dtype))
    return torch.where(x == 0, 0.5 if at_zero is None else at_zero, step)


def _both(x: Tensor | float, y: Tensor | float) -> tuple[Tensor, Tensor]:
    """Two operands as tensors, one of which is one."""
    like = x if isinstance(x, Tensor) else y
    assert isinstance(like, Tensor)
    first, second = (
        part if isinstance(part, Tensor) else torch.full_like(like, part) for part in (x, y)
    )
    return first, second


def fmod(x: Tensor | float, y: Tensor | float) -> Tensor:
    return torch.fmod(*_both(x, y)) if not isinstance(x, Tensor) else torch.fmod(x, y)


def clamp(
    x: Tensor | float, min: Tensor | float | None = None, max: Tensor | float | None = None
) -> Tensor:
    """torch.clamp, which takes numbers or tensors as limits but not one of each."""
    if isinstance(x, Tensor) and not isinstance(min, Tensor) and not isinstance(max, Tensor):
        return torch.clamp(x, min, max)
    given = [part for part in (x, min, max) if part is not None]
    like = next(part for part in given if isinstance(part, Tensor))
    tensors = [part if isinstance(part, Tensor) else torch.full_like(like, part) for part in given]
    # All in one shape: torch cannot differentiate twice through limits that it broadcasts.
    shape = torch.broadcast_shapes(*(tensor.shape for tensor in tensors))  # type: ignore[no-untyped-call]
    alike = iter([t if t.shape == shape else t.expand(shape) for t in tensors])
    return torch.clamp(
        next(alike), None if min is None else next(alike), None if max is None else next(alike)
    )


def floor_divide(x: Tensor | float, y: Tensor | float) -> Tensor:
    """The quotient rounded down; torch's own has no backward pass."""
    return cast(Tensor, importlib.import_module(f"{_HERE}.special").floor_divide(*_both(x, y)))


def dirac_delta(x: Tensor, k: int = 0) -> Tensor:
    """Zero away from 0, infinite there (undefined, for its derivatives); no gradient."""
    at_zero = torch.inf if k == 0 else torch.nan
    return torch.where(x == 0, at_zero, torch.zeros_like(x).detach())


MAX_POLYGAMMA = 170  # its factorial is the last within float64


def polygamma(x: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma. Raises: EvaluationError for an order out of range."""
    if not 0 <= n <= MAX_POLYGAMMA:
        raise EvaluationError(f"the order of polygamma is from 0 to {MAX_POLYGAMMA}, not {n}")
    return cast(Tensor, importlib.import_module(f"{_HERE}.special").polygamma(n, x))


def factorial(x: Tensor) -> Tensor:
    """gamma(x + 1)."""
    return cast(Tensor, importlib.import_module(f"{_HERE}.special").gamma(x + 1))


def detach(x: Tensor) -> Tensor:
    return x.detach()


def where(condition: Tensor | bool, x: Tensor | float, y: Tensor | float) -> Tensor:
    """torch.where, with constant conditions and with numbers on both sides."""
    tensor = next(part for part in (x, y, condition) if isinstance(part, Tensor))
    if not isinstance(condition, Tensor):
        condition = torch.tensor(bool(condition), device=tensor.device)
    if condition.dtype != torch.bool:
        raise EvaluationError(
            "where needs a condition first", hint="for example where(x > 0, x, 0)"
        )
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        x = torch.tensor(x, dtype=torch.get_default_dtype(), device=tensor.device)
    return torch.where(condition, x, y)


def gelu_tanh(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


# Reductions -------------------------------------------------------------------------------------
# A reduction of the whole is called as `torch.sum(x)`, which records another node than
# `torch.sum(x, dim)` does; the graph should be that of the line the user typed.


def _reduction(whole: Operation, part: Operation | None = None) -> Operation:
    def reduce(x: Tensor, dim: Dims = None, keepdim: bool = False, **options: Any) -> Tensor:
        if dim is None and not keepdim:
            return cast(Tensor, whole(x, **options))
        if dim is None:
            dim = tuple(range(x.dim()))
        return cast(Tensor, (part or whole)(x, dim=dim, keepdim=keepdim, **options))

    return reduce


def _values(function: Operation) -> Operation:
    """The values of a torch function that returns values and indices."""

    def values(x: Tensor, dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
        if isinstance(dim, tuple):  # keepdim over the whole tensor
            return cast(Tensor, function(x.flatten(), dim=0).values.reshape((1,) * x.dim()))
        return cast(Tensor, function(x, dim=dim, keepdim=keepdim).values)

    return values


def _product_over(x: Tensor, dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
    if isinstance(dim, tuple):
        return torch.prod(x).reshape((1,) * x.dim())
    return torch.prod(x, dim=dim, keepdim=keepdim)


sum_ = _reduction(torch.sum)
mean = _reduction(torch.mean)
prod = _reduction(torch.prod, _product_over)
max_ = _reduction(torch.max, _values(torch.max))
min_ = _reduction(torch.min, _values(torch.min))
amax = _reduction(torch.amax)
amin = _reduction(torch.amin)
median = _reduction(torch.median, _values(torch.median))
var = _reduction(torch.var)
std = _reduction(torch.std)
logsumexp = _reduction(lambda x: torch.logsumexp(x, dim=tuple(range(x.dim()))), torch.logsumexp)


def numel(x: Tensor) -> int:
    return x.numel()


def sort(x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    return torch.sort(x, dim=dim, descending=descending).values


def flip(x: Tensor, dim: Dims = None) -> Tensor:
    dims = tuple(range(x.dim())) if dim is None else (dim,) if isinstance(dim, int) else dim
    return torch.flip(x, dims)


# Matrices ---------------------------------------------------------------------------------------


def transpose(a: Tensor, dim0: int | None = None, dim1: int | None = None) -> Tensor:
    """`A.T` of a matrix; a vector stays as it is, as in NumPy; two dimensions by number."""
    if dim0 is not None and dim1 is not None:
        return torch.transpose(a, dim0, dim1)
    if a.dim() < 2:
        return a
    return a.T if a.dim() == 2 else a.mT


def matrix_transpose(a: Tensor) -> Tensor:
    return a.mT


def classes(input: Tensor, target: Tensor) -> Tensor:
    """The targets of a cross-entropy: class numbers as integers (they have the shape of the logits
    without the axis of classes), probabilities (of the same shape) as they are."""
    if target.dim() >= input.dim():
        return target
    numbers = target.long()
    if not torch.equal(numbers.to(target.dtype), target):
        raise ShapeError("a class is a whole number", hint="probabilities have as many as input")
    count = input.shape[1 if input.dim() > 1 else 0]
    if ((numbers < 0) | (numbers >= count)).any():
        raise DomainError(f"a class is out of range: there are {count}, counted from 0")
    return numbers


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return functional.cross_entropy(input, classes(input, target), reduction=reduction)


# Constants --------------------------------------------------------------------------------------
# These take the context: their dtype and device, and the generator of the random ones.


def zeros(context: Context, size: tuple[int, ...]) -> Tensor:
    return torch.zeros(size, dtype=context.dtype, device=context.device)


def ones(context: Context, size: tuple[int, ...]) -> Tensor:
    return torch.ones(size, dtype=context.dtype, device=context.device)


def full(context: Context, size: Dims, fill: float) -> Tensor:
    shape = (size,) if isinstance(size, int) else size or ()
    return torch.full(shape, fill, dtype=context.dtype, device=context.device)


def eye(context: Context, n: int, m: int | None = None) -> Tensor:
    return torch.eye(n, n if m is None else m, dtype=context.dtype, device=context.device)


def rand(context: Context, size: tuple[int, ...]) -> Tensor:
    drawn = torch.rand(size, dtype=torch.float64, generator=context.generator)
    return drawn.to(context.device, context.dtype)


def randn(context: Context, size: tuple[int, ...]) -> Tensor:
    drawn = torch.randn(size, dtype=torch.float64, generator=context.generator)
    return drawn.to(context.device, context.dtype)


def linspace(context: Context, start: float, end: float, steps: int) -> Tensor:
    return torch.linspace(start, end, steps, dtype=context.dtype, device=context.device)


def arange(
    context: Context, start: float, end: float | None = None, step: float | None = None
) -> Tensor:
    if end is None:
        start, end = 0, start
    step = 1 if step is None else step
    return torch.arange(start, end, step, dtype=context.dtype, device=context.device)
