"""Many points in batches: the points of a grid, or those that are listed one after another."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import batch_layout as layout
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import Around, evaluate, output
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.results import Value
from autograd_cli.results.array import Array

CHUNK = 65_536  # numbers of a column; more would leave the cache, fewer would be all overhead
WIDER = 2  # times as many, where each point has several
LEAST = 1_024  # points, however many numbers each has
CHUNK_ELEMENTS = 4_194_304
LISTED = 131_072  # numbers of a value that are made lists at once


class Listed(dict[str, Tensor]):
    """Points one after another, column by column: every tensor has an axis of points in front.

    Where a plain mapping stands for the axes of a grid, this stands for points as they are.
    """


def batches(
    expression: Expression,
    at: Mapping[str, Tensor],
    places: Mapping[str, Tensor],
    most: int = CHUNK,
) -> Iterator[dict[str, Tensor]]:
    """The variables at consecutive points, each of shape (points, ...), `most` of them at once.

    `at` has the values that do not vary; `places` the coordinates along each axis of a grid, of
    which the last one varies fastest, or Listed points.
    """
    total = count_of(places)
    chunk = min(most, rows_of(at, places))
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


def forward(
    expression: Expression, batch: Mapping[str, Tensor], context: Context, *, singly: bool = False
) -> Tensor:
    """The outputs at every point of a batch, shape (points, ...).

    What is elementwise in scalars is evaluated as it stands; anything else is vectorised by
    torch.vmap, and what cannot be, or is to be computed `singly`, point by point. Raises: as
    `evaluate`.
    """
    names = list(expression.variables)
    tensors = [batch[name] for name in names]
    if tensors and not singly and is_pointwise(expression, batch):
        value = output(
            expression, evaluate(expression, batch, context, layout.among_points), context
        )
        return value if value.dim() else value.expand(len(tensors[0]))

    def single(*tensors: Tensor, around: Around | None = None) -> Tensor:
        at = dict(zip(names, tensors, strict=True))
        return output(expression, evaluate(expression, at, context, around), context)

    if not singly:
        # Some operations cannot be vectorised; if it is not that, the loop raises the same again.
        vectorised = torch.vmap(partial(single, around=layout.under_vmap), randomness="same")
        # Nor do all points at once fit into memory where each has a large matrix of its own.
        with contextlib.suppress(AgxError, MemoryError):
            return vectorised(*tensors)
    # A clone begins where memory of its own would: of some sums the order depends on that.
    rows = zip(*tensors, strict=True)
    return torch.stack([single(*(x.clone() for x in row)) for row in rows])


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
    """A tensor as a number or nested lists of numbers; very many of them become lists later."""
    if not value.dim():
        return value.item()
    if value._is_zerotensor():  # torch's promise of zeros, which has no memory to read
        value = torch.zeros(value.shape, dtype=value.dtype)
    if value.numel() > LISTED:
        return Array(value.detach().to("cpu", copy=True))  # what becomes of the tensor is its own
    return value.tolist()
