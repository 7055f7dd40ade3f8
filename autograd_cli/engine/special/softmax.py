"""The softmax family with torch's values and derivatives that keep their digits.

Where one element has nearly all the weight, its derivative by itself is the small rest, 1 - y, and
autograd subtracts. Written over pairs, y_j times the sum over k of (g_j - g_k) y_k, it does not.
"""

import functools

import torch
from torch import Tensor
from torch.nn import functional

from autograd_cli.engine.operations import classes
from autograd_cli.engine.special.node import Function, differentiable

MOST = 256  # elements along the dimension: pairs have its square
NEARLY_ALL = 0.99
LARGE = 16.0  # a sum's logarithm whose rounding is more than that of the weights exp(x - sum)

aten = torch.ops.aten


def _dominated(p: Tensor, dim: int) -> Tensor:
    return p.amax(dim, keepdim=True) > NEARLY_ALL


def _over_pairs(g: Tensor, y: Tensor, dim: int) -> Tensor:
    """The sum over k of (g_j - g_k) y_k, along `dim`."""
    g, y = (x.movedim(dim, -1) for x in (g, y))
    pairs = (g[..., :, None] - g[..., None, :]) * y[..., None, :]
    return pairs.sum(-1).movedim(-1, dim)


@functools.cache
def _softmax(dim: int) -> Function:
    def pull(g: Tensor, x: Tensor) -> Tensor:
        y = node(x)
        own = aten._softmax_backward_data(g, y, dim, x.dtype)
        return torch.where(_dominated(y, dim), y * _over_pairs(g, y, dim), own)

    node = differentiable(
        "Softmax", lambda x: torch.softmax(x, dim), lambda x: x, wide=False, pull=pull
    )
    return node


@functools.cache
def _log_softmax(dim: int) -> Function:
    def pull(g: Tensor, x: Tensor) -> Tensor:
        p = _softmax(dim)(x)
        own = aten._log_softmax_backward_data(g, node(x), dim, x.dtype)
        pairs = g.movedim(dim, -1)[..., :, None] * p.movedim(dim, -1)[..., None, :]
        over_pairs = (pairs - pairs.mT).sum(-1).movedim(-1, dim)  # the sum of g_j p_k - g_k p_j
        return torch.where(_dominated(p, dim), over_pairs, own)

    node = differentiable(
        "LogSoftmax", lambda x: torch.log_softmax(x, dim), lambda x: x, wide=False, pull=pull
    )
    return node


@functools.cache
def _logsumexp(dim: int) -> Function:
    def pull(g: Tensor, x: Tensor) -> Tensor:
        p = _softmax(dim)(x)
        total = node(x)
        size = total.abs()
        is_rough = _dominated(p, dim) | ((size > LARGE) & size.isfinite())
        return g * torch.where(is_rough, p, torch.exp(x - total))

    node = differentiable(
        "Logsumexp",
        lambda x: torch.logsumexp(x, dim, keepdim=True),
        lambda x: x,
        wide=False,
        pull=pull,
    )
    return node


@functools.cache
def _long_logsumexp(dim: int) -> Function:
    """Of any number of elements. One pass over them gives its second derivative."""

    def pull(g: Tensor, x: Tensor) -> Tensor:
        capped = x.clamp(max=torch.finfo(x.dtype).max)  # inf takes all the weight
        return g * torch.softmax(capped, dim)

    return differentiable(
        "Logsumexp",
        lambda x: torch.logsumexp(x, dim, keepdim=True),
        lambda x: x,
        wide=False,
        pull=pull,
    )


def _fits(x: Tensor, dim: int) -> bool:
    return -x.dim() <= dim < x.dim() and 0 < x.shape[dim] <= MOST


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    return _softmax(dim)(x) if _fits(x, dim) else torch.softmax(x, dim)


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    return _log_softmax(dim)(x) if _fits(x, dim) else torch.log_softmax(x, dim)


def logsumexp(x: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> Tensor:
    """Along one dimension, or over the whole; over some dimensions it is torch's.

    torch's derivative, exp(x - logsumexp(x)), has the absolute rounding of the logarithm: at
    x = 1e6 it keeps 10 digits. The softmax keeps them all.
    """
    if dim is None and x.numel():
        whole = _logsumexp_along(x.reshape(-1), 0)
        return whole.reshape((1,) * x.dim() if keepdim else ())
    if isinstance(dim, tuple) and len(dim) == 1:
        (dim,) = dim
    if isinstance(dim, int) and -x.dim() <= dim < x.dim() and x.shape[dim]:
        along = _logsumexp_along(x, dim)
        return along if keepdim else along.squeeze(dim)
    return torch.logsumexp(x, tuple(range(x.dim())) if dim is None else dim, keepdim)


def _logsumexp_along(x: Tensor, dim: int) -> Tensor:
    return (_logsumexp if _fits(x, dim) else _long_logsumexp)(dim)(x)


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Of class numbers or of probabilities."""
    target = classes(input, target)
    dim = 1 if input.dim() > 1 else 0
    if not _fits(input, dim):
        return functional.cross_entropy(input, target, reduction=reduction)
    logs = log_softmax(input, dim)
    if not target.is_floating_point():
        return functional.nll_loss(logs, target, reduction=reduction)
    if reduction == "none":
        return -(logs * target).sum(dim)
    total = -(logs * target).sum()
    return total if reduction == "sum" else total / (input.numel() / input.shape[dim])
