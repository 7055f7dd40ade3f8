"""Many points in batches: the points of a grid, or those that are listed one after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import evaluate, output
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.results import Value

CHUNK = 65_536  # numbers of a column; more would leave the cache, fewer would be all overhead
WIDER = 2  # times as many, where each point has several
LEAST = 1_024  # points, however many numbers each has
CHUNK_ELEMENTS = 4_194_304


class Listed(dict[str, Tensor]):
    """Points one after another, column by column: every tensor has an axis of points in front.

    Where a plain mapping stands for the axes of a grid, this stands for points as they are.
    """


def batches(
    expression: Expression, at: Mapping[str, Tensor], places: Mapping[str, Tensor]
) -> Iterator[dict[str, Tensor]]:
    """The variables at consecutive points, each of shape (points, ...).

    `at` has the values that do not vary; `places` the coordinates along each axis of a grid, of
    which the last one varies fastest, or Listed points.
    """
    total = count_of(places)
    chunk = rows_of(at, places)
    for start in range(0, total, chunk):
        yield batch(expression, at, places, start, min(start + chunk, total))


def count_of(places: Mapping[str, Tensor]) -> int:
    """The number of points."""
    if isinstance(places, Listed):
        return len(next(iter(places.values())))
    return math.prod(len(coordinates) for coordinates in places.values())


def rows_of(at: Mapping[str, Tensor], places: Mapping[str, Tensor]) -> int:
    """How many points a batch has."""
    elements = sum(value.numel() for value in at.values())
    widest = max([1, *(value.numel() for value in at.values())])
    for column in places.values():
        width = math.prod(column.shape[1:]) if isinstance(places, Listed) else 1
        elements += width
        widest = max(widest, width)
    return max(
        1, min(CHUNK, max(WIDER * CHUNK // widest, LEAST), CHUNK_ELEMENTS // max(elements, 1))
    )


def batch(
    expression: Expression,
    at: Mapping[str, Tensor],
    places: Mapping[str, Tensor],
    start: int,
    stop: int,
) -> dict[str, Tensor]:
    """The variables at the points from `start` to `stop`."""
    found = {name: value.expand(stop - start, *value.shape) for name, value in at.items()}
    if isinstance(places, Listed):
        found |= {name: column[start:stop] for name, column in places.items()}
    else:
        found |= coordinates(places, start, stop)
    return {name: found[name] for name in expression.variables}


def coordinates(axes: Mapping[str, Tensor], start: int, stop: int) -> dict[str, Tensor]:
    """The points of a grid from `start` to `stop`, of which the last axis varies fastest."""
    rows = torch.arange(start, stop)
    stride = count_of(axes)
    found = {}
    for name, axis in axes.items():
        stride //= len(axis)
        found[name] = axis[(rows // stride) % len(axis)]
    return found


def forward(expression: Expression, batch: Mapping[str, Tensor], context: Context) -> Tensor:
    """The outputs at every point of a batch, shape (points, ...).

    What is elementwise in scalars is evaluated as it stands; anything else is vectorised by
    torch.vmap, and what cannot be, point by point. Raises: as `evaluate`.
    """
    names = list(expression.variables)
    tensors = [batch[name] for name in names]
    if tensors and is_pointwise(expression, batch):
        value = output(expression, evaluate(expression, batch, context, SCALAR), context)
        return value if value.dim() else value.expand(len(tensors[0]))

    def single(*tensors: Tensor) -> Tensor:
        at = dict(zip(names, tensors, strict=True))
        return output(expression, evaluate(expression, at, context), context)

    try:
        result: Tensor = torch.vmap(single, randomness="same")(*tensors)
    except AgxError:
        # Some operations cannot be vectorised; if it is not that, the loop raises the same again.
        result = torch.stack([single(*row) for row in zip(*tensors, strict=True)])
    return result


class _Apart(torch.autograd.Function):
    """The same numbers, not side by side in memory: torch then takes one at a time.

    Of some functions torch has two kernels, one for vectors and one for what is left over at their
    ends, and for single numbers; the last bit can differ. With the numbers apart, a batch has that
    of a single number, wherever it stands.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.empty(*x.shape, 2, dtype=x.dtype, device=x.device)[..., 0].copy_(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


def _apart(operands: list[Any]) -> list[Any]:
    return [
        _Apart.apply(x) if isinstance(x, Tensor) and x.dim() == 1 and x.is_floating_point() else x  # type: ignore[no-untyped-call]
        for x in operands
    ]


def _apart_for_power(operands: list[Any]) -> list[Any]:
    """Squares, cubes and roots are products to torch, and the same in either kernel."""
    exponent = operands[1]
    is_plain = not isinstance(exponent, Tensor) and exponent in (1, 2, 3, 0.5)
    return operands if is_plain else _apart(operands)


# The operations with two kernels that differ, and with operations among them.
SCALAR: dict[str, Callable[[list[Any]], list[Any]]] = {
    **dict.fromkeys(
        (
            *("exp2", "sinh", "cosh", "atanh", "atan2", "logaddexp", "sigmoid", "softplus", "gelu"),
            *("gelu_tanh", "mish", "silu"),
        ),
        _apart,
    ),
    "pow": _apart_for_power,
}


def is_pointwise(expression: Expression, batch: Mapping[str, Tensor]) -> bool:
    """Whether an axis of points goes through the expression unnoticed."""
    return all(batch[name].dim() == 1 for name in expression.variables) and all(
        node.op in (NUMBER, VARIABLE)
        or (node.op not in (LIST, INDEX) and FUNCTIONS[node.op].elementwise)
        for node in expression.nodes
    )


def rows_at(
    batch: Mapping[str, Tensor], places: Mapping[str, Tensor], at: Mapping[str, Tensor]
) -> Iterator[dict[str, Value]]:
    """The `at` of every point of a batch."""
    fixed = {name: plain(value) for name, value in at.items()}
    columns = [plain(batch[name]) for name in places]
    for coordinates in zip(*columns, strict=True):
        moving = dict(zip(places, coordinates, strict=True))
        yield {name: moving[name] if name in moving else fixed[name] for name in batch}


def plain(value: Tensor) -> Any:
    """A tensor as a number or nested lists of numbers."""
    if not value.dim():
        return value.item()
    if value._is_zerotensor():  # torch's promise of zeros, which has no memory to read
        value = torch.zeros(value.shape, dtype=value.dtype)
    return value.tolist()
