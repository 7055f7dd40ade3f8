"""The softmax family with torch's values and derivatives that keep their digits.

Where one element has nearly all the weight, its derivative by itself is the small rest, 1 - y, and
autograd subtracts. As the weights add up to 1, the same number may be taken from all cotangents:
that of this element, which leaves y times the sum of the others. The logarithm's derivative there
is g (1 - y) less y times the other cotangents, and 1 - y the sum of the other weights.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from autograd_cli.engine.core.operations import classes
from autograd_cli.engine.special.node import Function, differentiable

NEARLY_ALL = 0.99
LARGE = 16.0  # a sum's logarithm whose rounding is more than that of the weights exp(x - sum)

aten = torch.ops.aten


def _dominated(p: Tensor, dim: int) -> Tensor:
    return p.amax(dim, keepdim=True) > NEARLY_ALL


def _any(mask: Tensor) -> bool:
    """Whether any element is true, or may be."""
    try:
        return bool(mask.any())
    except RuntimeError:  # within torch.vmap there is no telling
        return True


def _softmax_node(value: Callable[[Tensor], Tensor], dim: int) -> Function:
    """Of given values, whose derivatives keep their digits."""

    def pull(g: Tensor, y: Tensor) -> Tensor:
        is_dominated = _dominated(y, dim)
        if _any(is_dominated):
            largest = torch.take_along_dim(g, y.argmax(dim, keepdim=True), dim)
            g = g - torch.where(is_dominated, largest, 0)
        slope: Tensor = aten._softmax_backward_data(g, y, dim, y.dtype)
        return slope

    return differentiable(
        "Softmax", value, lambda y: y, wide=False, pull=pull, of_result=True, elementwise=False
    )


@functools.cache
def _softmax(dim: int) -> Function:
    return _softmax_node(lambda x: torch.softmax(x, dim), dim)


@functools.cache
def _log_softmax(dim: int) -> Function:
    def pull(g: Tensor, x: Tensor) -> Tensor:
        p = _softmax(dim)(x)
        own: Tensor = aten._log_softmax_backward_data(g, node(x), dim, x.dtype)
        is_dominated = _dominated(p, dim)
        if not _any(is_dominated):
            return own
        top = p.argmax(dim, keepdim=True)
        most, g_most = (torch.take_along_dim(one, top, dim) for one in (p, g))
        rest, g_rest = (one.scatter(dim, top, 0).sum(dim, keepdim=True) for one in (p, g))
        return torch.where(is_dominated, own.scatter(dim, top, g_most * rest - most * g_rest), own)

    node = differentiable(
        "LogSoftmax",
        lambda x: torch.log_softmax(x, dim),
        lambda x: x,
        wide=False,
        pull=pull,
        elementwise=False,
    )
    return node


@functools.cache
def _weights(dim: int) -> Function:
    """The softmax as torch has it in the derivative of logsumexp, where that holds its digits: it
    has the absolute rounding of the logarithm."""

    def value(x: Tensor) -> Tensor:
        p, total = torch.softmax(x, dim), torch.logsumexp(x, dim, keepdim=True)
        size = total.abs()
        is_rough = _dominated(p, dim) | ((size > LARGE) & size.isfinite())
        return torch.where(is_rough, p, torch.exp(x - total))

    return _softmax_node(value, dim)


@functools.cache
def _logsumexp(dim: int) -> Function:
    weights = _weights(dim)
    return differentiable(
        "Logsumexp",
        lambda x: torch.logsumexp(x, dim, keepdim=True),
        lambda x: x,
        wide=False,
        pull=lambda g, x: g * weights(x),
        elementwise=False,
    )


def _has(x: Tensor, dim: int) -> bool:
    return -x.dim() <= dim < x.dim() and x.shape[dim] > 0


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    return _softmax(dim)(x) if _has(x, dim) else torch.softmax(x, dim)


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    return _log_softmax(dim)(x) if _has(x, dim) else torch.log_softmax(x, dim)


def logsumexp(x: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> Tensor:
    """Along one dimension, or over the whole; over some dimensions it is torch's.

    torch's derivative, exp(x - logsumexp(x)), has the absolute rounding of the logarithm: at
    x = 1e6 it keeps 10 digits. The softmax keeps them all.
    """
    if dim is None and x.numel():
        whole = _logsumexp(0)(x.reshape(-1))
        return whole.reshape((1,) * x.dim() if keepdim else ())
    if isinstance(dim, tuple) and len(dim) == 1:
        (dim,) = dim
    if isinstance(dim, int) and _has(x, dim):
        along = _logsumexp(dim)(x)
        return along if keepdim else along.squeeze(dim)
    return torch.logsumexp(x, tuple(range(x.dim())) if dim is None else dim, keepdim)


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Of class numbers or of probabilities."""
    target = classes(input, target)
    dim = 1 if input.dim() > 1 else 0
    if not _has(input, dim):
        return functional.cross_entropy(input, target, reduction=reduction)
    logs = log_softmax(input, dim)
    if not target.is_floating_point():
        return functional.nll_loss(logs, target, reduction=reduction)
    if reduction == "none":
        return -(logs * target).sum(dim)
    total = -(logs * target).sum()
    return total if reduction == "sum" else total / (input.numel() / input.shape[dim])
