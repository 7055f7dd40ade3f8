"""The rows of a Jacobian, however many are wanted, by plain backward passes.

Reverse mode computes a row in one pass. Forward mode needs no other machinery: the vector-Jacobian
product as a function of its weights is linear, and its Jacobian is the transpose of J; so the
columns of J are the rows of another Jacobian (J. Townsend, "A new trick for calculating Jacobian
vector products", 2017). See Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3.

Rows come in batches: the backward pass, not the function, is vectorised by torch.vmap over its
cotangents, so that the values it reads are there once for all rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.faults import explain_backward
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression

ELEMENTS = 262_144  # of a batch of cotangents: fewer need more passes, more leave the cache
FEW = 4  # rows that are computed one by one: a batch is not worth its preparation


def rows_of(
    parts: Sequence[Tensor], leaves: Sequence[Tensor], expression: Expression, width: int
) -> Iterator[Tensor]:
    """The rows of the Jacobian of `parts` by `leaves`, in blocks of shape (rows, inputs).

    The parts are vectors, attached to their graph; `width` is the number of elements of the largest
    tensor in it. A block is valid until the next one is asked for. Raises: DerivativeError where
    torch has no derivative.
    """
    elements = [(part, number) for part in parts for number in range(len(part))]
    count = len(elements)
    if count <= FEW:
        for part, number in elements:
            yield product(part[number], leaves, None, expression)[None]
        return
    value = parts[0] if len(parts) == 1 else torch.cat(list(parts))
    if not value.requires_grad:
        yield value.new_zeros(count, sum(leaf.numel() for leaf in leaves))
        return
    pullback = _Pullback(value, leaves, expression)
    size = min(count, max(FEW, ELEMENTS // max(width, 1)))
    for start in range(0, count, size):
        block = pullback.rows(start, min(start + size, count))
        if len(parts) > 1:
            _again(block, elements[start:], leaves, expression)
        yield block


def _again(
    rows: Tensor,
    elements: Sequence[tuple[Tensor, int]],
    leaves: Sequence[Tensor],
    expression: Expression,
) -> None:
    """Computes rows that are not finite by themselves: other parts took part in them with the
    weight 0, and 0 times an infinite slope is nan."""
    for row in (~rows.isfinite()).any(1).nonzero().flatten().tolist():
        part, number = elements[row]
        rows[row] = product(part[number], leaves, None, expression)


class _Pullback:
    """The vector-Jacobian product at a point, for many cotangents at once.

    A hook puts the cotangents into the backward pass. (`torch.autograd.grad` has arguments for
    them, but imports SymPy when they are used first, which takes half a second.)
    """

    def __init__(self, value: Tensor, leaves: Sequence[Tensor], expression: Expression) -> None:
        self._value = value
        self._leaves = leaves
        self._expression = expression
        self._cotangent = torch.zeros_like(value).detach()
        seeded = value.view_as(value)
        seeded.register_hook(lambda _: self._cotangent)  # type: ignore[no-untyped-call]
        self._target = seeded.sum()
        self._seeds = value.new_empty(0, len(value)).detach()
        self._marked = self._seeds.diagonal()
        self._is_batched = True

    def rows(self, start: int, stop: int) -> Tensor:
        """Rows of the Jacobian, shape (stop - start, inputs)."""
        seeds = self._unit_vectors(start, stop)
        if self._is_batched:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of operations that it takes one by one
                    found: Tensor = torch.vmap(self._row)(seeds)
                return found
            except (AgxError, RuntimeError, MemoryError):
                self._is_batched = False  # some operations cannot be vectorised
        return torch.stack([self._row(seed) for seed in seeds])

    def _unit_vectors(self, start: int, stop: int) -> Tensor:
        """Unit vectors, always in the same memory: fresh zeros for each block would cost as much
        as several operations."""
        if len(self._seeds) < stop - start:
            self._seeds = self._value.new_zeros(stop - start, len(self._value)).detach()
        else:
            self._marked.fill_(0)
        seeds = self._seeds[: stop - start]
        self._marked = seeds.diagonal(start)
        self._marked.fill_(1)
        return seeds

    def _row(self, cotangent: Tensor) -> Tensor:
        self._cotangent = cotangent
        return product(self._target, self._leaves, None, self._expression)


def matrix_of(
    parts: Sequence[Tensor], leaves: Sequence[Tensor], expression: Expression, width: int
) -> Tensor:
    """The Jacobian in reverse mode, shape (outputs, inputs). As `rows_of`."""
    inputs = sum(leaf.numel() for leaf in leaves)
    matrix = parts[0].detach().new_empty(sum(map(len, parts)), inputs)
    start = 0
    for block in rows_of(parts, leaves, expression, width):
        matrix[start : start + len(block)] = block
        start += len(block)
    return matrix


def columns_of(
    parts: Sequence[Tensor], leaves: Sequence[Tensor], expression: Expression, width: int
) -> Tensor:
    """The Jacobian in forward mode, shape (outputs, inputs). As `rows_of`."""
    value = torch.cat(list(parts))
    weights = torch.zeros_like(value).detach().requires_grad_()
    pulled = product(value, leaves, weights, expression, create_graph=True)
    matrix = matrix_of([pulled], [weights], expression, width).T
    elements = [(part, number) for part in parts for number in range(len(part))]
    _again(matrix, elements, leaves, expression)
    return matrix


def tangents(
    value: Tensor,
    leaves: Sequence[Tensor],
    direction: Sequence[Tensor],
    expression: Expression,
) -> Tensor:
    """The Jacobian-vector product along one direction, in the shape of `value`.

    That shape is (*batch, outputs), and the leaves have the batch's axis too; the direction, a
    tensor for each leaf, has none. Raises: as `rows_of`.
    """
    upstream = torch.zeros_like(value).detach().requires_grad_()
    parts = _backward(value, leaves, upstream, expression, create_graph=True)
    total = sum(
        (part * step).sum() for part, step in zip(parts, direction, strict=True) if part is not None
    )
    if not isinstance(total, Tensor) or not total.requires_grad:
        return torch.zeros_like(value).detach()
    return product(total, [upstream], None, expression).reshape(value.shape)


def product(
    target: Tensor,
    leaves: Sequence[Tensor],
    upstream: Tensor | None,
    expression: Expression,
    *,
    batch: bool = False,
    create_graph: bool = False,
) -> Tensor:
    """The gradient of the sum of `target`, weighed by `upstream`, shape (*batch, inputs).

    The graph is kept. Raises: as `rows_of`.
    """
    parts = _backward(target, leaves, upstream, expression, create_graph=create_graph)
    found = [
        torch.zeros_like(leaf).detach() if part is None else part
        for part, leaf in zip(parts, leaves, strict=True)
    ]
    if batch:
        return torch.cat([part.reshape(len(part), part[0].numel()) for part in found], dim=1)
    flat = [part.reshape(-1) for part in found]
    return flat[0] if len(flat) == 1 else torch.cat(flat)  # a copy of a large one costs


def _backward(
    target: Tensor,
    leaves: Sequence[Tensor],
    upstream: Tensor | None,
    expression: Expression,
    *,
    create_graph: bool,
) -> list[Tensor | None]:
    if not target.requires_grad:
        return [None] * len(leaves)
    try:
        return vector_jacobian_product(
            target, leaves, upstream, create_graph=create_graph, retain_graph=True
        )
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error


def batched(
    single: Callable[..., tuple[Tensor, ...]], tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """`single` of each element along the first axes of `tensors`, by torch.vmap if possible."""
    try:
        found: tuple[Tensor, ...] = torch.vmap(single, randomness="same")(*tensors)
    except (AgxError, RuntimeError, MemoryError):
        # Some operations cannot be vectorised; if it is not that, the loop raises the same again.
        rows = [single(*row) for row in zip(*tensors, strict=True)]
        found = tuple(torch.stack(part) for part in zip(*rows, strict=True))
    return found
