"""The rules for reductions and running totals, with torch's meaning of `dim` and `keepdim`.

A rule takes the operands as forms (conditions already made numbers) and the options by name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import sympy

from autograd_cli.language.symbolic.forms import (
    Form,
    NoClosedForm,
    at,
    elementwise,
    form,
    indices,
    items_of,
    shape_of,
)

Dims: TypeAlias = "int | Sequence[int] | None"
Rule: TypeAlias = Callable[..., Form]
Items: TypeAlias = "Sequence[sympy.Expr]"


def axes_of(value: Form, dim: Dims) -> tuple[int, ...]:
    """The axes that `dim` names; None and an empty list name all."""
    rank = len(shape_of(value))
    if dim is None or dim == ():
        return tuple(range(rank))
    named = (dim,) if isinstance(dim, int) else tuple(dim)
    if any(not -max(rank, 1) <= axis < max(rank, 1) for axis in named):
        raise NoClosedForm("no closed form: dim is out of range")
    return tuple(sorted(axis % rank for axis in named)) if rank else ()


def _reduce(
    value: Form, dim: Dims, keepdim: bool, function: Callable[[Items], sympy.Basic]
) -> Form:
    """`function` of the elements along `dim`, for every index into the other dimensions."""
    shape = shape_of(value)
    axes = axes_of(value, dim)
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    ranges = [range(size) if axis in axes else (0,) for axis, size in enumerate(shape)]
    reduced = [
        function([at(value, *map(sum, zip(index, step, strict=True)))
                  for step in itertools.product(*ranges)])
        for index in indices(kept)
    ]  # fmt: skip
    left = kept if keepdim else [size for axis, size in enumerate(shape) if axis not in axes]
    return form(left, reduced)


def _along(value: Form, dim: int, function: Callable[[Items], Items]) -> Form:
    """Every line of elements along `dim` replaced by `function` of it."""
    shape = shape_of(value)
    if not shape:
        axes_of(value, dim)
        return function([value])[0]
    (axis,) = axes_of(value, dim)
    found: dict[tuple[int, ...], sympy.Basic] = {}
    for index in indices([1 if i == axis else size for i, size in enumerate(shape)]):
        line = [(*index[:axis], i, *index[axis + 1 :]) for i in range(shape[axis])]
        found |= zip(line, function([at(value, *place) for place in line]), strict=True)
    return form(shape, [found[index] for index in indices(shape)])


def _mean(items: Items) -> sympy.Expr:
    if not items:
        raise NoClosedForm("no closed form: the mean of nothing")
    return sympy.Add(*items) / len(items)


def _extreme(function: Callable[..., sympy.Expr]) -> Rule:
    def rule(x: Form, *, dim: Dims = None, keepdim: bool = False) -> Form:
        return _reduce(x, dim, keepdim, lambda items: function(*items))

    return rule


def _sum(x: Form, *, dim: Dims = None, keepdim: bool = False) -> Form:
    return _reduce(x, dim, keepdim, lambda items: sympy.Add(*items))


def _mean_of(x: Form, *, dim: Dims = None, keepdim: bool = False) -> Form:
    return _reduce(x, dim, keepdim, _mean)


def _prod(x: Form, *, dim: Dims = None, keepdim: bool = False) -> Form:
    return _reduce(x, dim, keepdim, lambda items: sympy.Mul(*items))


def _var(x: Form, *, dim: Dims = None, correction: int = 1, keepdim: bool = False) -> Form:
    def variance(items: Items) -> sympy.Expr:
        if len(items) <= correction:
            raise NoClosedForm(f"no closed form: the variance of {len(items)} with correction")
        mean = _mean(items)
        return sympy.Add(*((item - mean) ** 2 for item in items)) / (len(items) - correction)

    return _reduce(x, dim, keepdim, variance)


def _std(x: Form, **options: Any) -> Form:
    return elementwise(sympy.sqrt, _var(x, **options))


def _logsumexp(x: Form, *, dim: Dims = None, keepdim: bool = False) -> Form:
    return _reduce(
        x, dim, keepdim, lambda items: sympy.log(sympy.Add(*(sympy.exp(item) for item in items)))
    )


def _softmax(x: Form, *, dim: int = -1) -> Form:
    def line(items: Items) -> Items:
        exponentials = [sympy.exp(item) for item in items]
        total = sympy.Add(*exponentials)
        return [exponential / total for exponential in exponentials]

    return _along(x, dim, line)


def _log_softmax(x: Form, *, dim: int = -1) -> Form:
    def line(items: Items) -> Items:
        total = sympy.log(sympy.Add(*(sympy.exp(item) for item in items)))
        return [item - total for item in items]

    return _along(x, dim, line)


def _cumulative(function: Callable[[sympy.Expr, sympy.Expr], sympy.Expr]) -> Rule:
    def rule(x: Form, *, dim: int = 0) -> Form:
        return _along(x, dim, lambda items: list(itertools.accumulate(items, function)))

    return rule


def _flip(x: Form, *, dim: Dims = None) -> Form:
    for axis in axes_of(x, dim):
        x = _along(x, axis, lambda items: items[::-1])
    return x


def _numel(x: Form) -> Form:
    return sympy.Integer(len(items_of(x)))


# Norms -------------------------------------------------------------------------------------------


def _norm(
    x: Form, *, ord: float | str | None = None, dim: Dims = None, keepdim: bool = False
) -> Form:
    """torch.linalg.norm: of a matrix, or of two dimensions, an `ord` is an induced norm."""
    rank = len(shape_of(x))
    axes = axes_of(x, dim)
    induced = ord is not None and (len(axes) == 2 if dim is not None else rank == 2)
    if ord is None or ord == "fro" or (not induced and ord == 2):
        return _reduce(x, dim, keepdim, lambda items: _p_norm(items, 2))
    if isinstance(ord, str) or (induced and abs(ord) not in (1, math.inf)):
        raise NoClosedForm(f"no closed form for norm with ord={ord}")
    if not induced:
        return _reduce(x, dim, keepdim, lambda items: _p_norm(items, ord))
    rows, columns = (axis % rank for axis in (dim if isinstance(dim, Sequence) else (0, 1)))
    summed, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
    lengths = _sum(elementwise(sympy.Abs, x), dim=summed, keepdim=True)
    extreme = _extreme(sympy.Max if ord > 0 else sympy.Min)
    found = extreme(lengths, dim=compared, keepdim=True)
    return found if keepdim else _sum(found, dim=(summed, compared))


def _p_norm(items: Items, p: float) -> sympy.Expr:
    if p == 2:
        return sympy.sqrt(sympy.Add(*(item**2 for item in items)))
    sizes = [sympy.Abs(item) for item in items]
    if math.isinf(p):
        return (sympy.Max if p > 0 else sympy.Min)(*sizes)
    if p == 0:
        return sympy.Add(*(sympy.Piecewise((1, sympy.Ne(item, 0)), (0, True)) for item in items))
    power = sympy.Integer(int(p)) if p == int(p) else sympy.Float(p)
    return sympy.Add(*(size**power for size in sizes)) ** (1 / power)


# Losses ------------------------------------------------------------------------------------------


def _cross_entropy(input: Form, target: Form, *, reduction: str = "mean") -> Form:
    """Logits (C) or (N, C), with class numbers () or (N), or probabilities like the logits."""
    logarithms = _log_softmax(input, dim=-1)
    shape = shape_of(input)
    if shape_of(target) == shape:
        losses = _sum(elementwise(lambda p, q: -p * q, target, logarithms), dim=-1)
    elif shape_of(target) == shape[:-1] and all(item.is_Integer for item in items_of(target)):
        rows = items_of(logarithms)
        size = shape[-1]
        places = [int(item) for item in items_of(target)]
        if any(not 0 <= place < size for place in places):
            raise NoClosedForm("no closed form: a class number is out of range")
        losses = form(shape[:-1], [-rows[i * size + k] for i, k in enumerate(places)])
    else:
        raise NoClosedForm("no closed form for cross_entropy with classes that are not constants")
    return losses if reduction == "none" else {"mean": _mean_of, "sum": _sum}[reduction](losses)


RULES: Mapping[str, Rule] = {
    "sum": _sum,
    "mean": _mean_of,
    "prod": _prod,
    "max": _extreme(sympy.Max),
    "min": _extreme(sympy.Min),
    "amax": _extreme(sympy.Max),
    "amin": _extreme(sympy.Min),
    "norm": _norm,
    "var": _var,
    "std": _std,
    "numel": _numel,
    "cumsum": _cumulative(lambda a, b: a + b),
    "cumprod": _cumulative(lambda a, b: a * b),
    "flip": _flip,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "cross_entropy": _cross_entropy,
}
