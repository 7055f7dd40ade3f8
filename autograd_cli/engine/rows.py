"""The rows of a Jacobian, however many are wanted, by plain backward passes.

Reverse mode computes a row in one pass. Forward mode needs no other machinery: the vector-Jacobian
product as a function of its weights is linear, and its Jacobian is the transpose of J; so the
columns of J are the rows of another Jacobian (J. Townsend, "A new trick for calculating Jacobian
vector products", 2017). See Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3.

Rows come in batches: the forward pass of so many copies of the point is vectorised by torch.vmap,
and each copy gets a row of one backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.faults import explain_backward
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression

# Leaves to vectors, the parts of one. With True, each leaf has one more axis in front, and so has
# each part.
Map = Callable[[Sequence[Tensor], bool], Sequence[Tensor]]

ROWS = 64  # rows in a batch, at least
ELEMENTS = 131_072  # of the copies in a batch: fewer need more passes, more leave the cache
FEW = 4  # rows that are computed one by one: a batch is not worth its preparation


def rows_of(
    function: Map, leaves: Sequence[Tensor], parts: Sequence[Tensor], expression: Expression
) -> Iterator[Tensor]:
    """The rows of the Jacobian of `function` by `leaves`, in blocks of shape (rows, inputs).

    `parts` is the value of the function at the leaves, attached to its graph. Raises:
    DerivativeError where torch has no derivative.
    """
    elements = [(part, number) for part in parts for number in range(len(part))]
    count = len(elements)
    if count <= FEW:
        for part, number in elements:
            yield product(part[number], leaves, None, expression)[None]
        return
    if not any(part.requires_grad for part in parts):
        yield parts[0].new_zeros(count, sum(leaf.numel() for leaf in leaves))
        return
    size = min(count, max(ROWS, ELEMENTS // sum(leaf.numel() for leaf in leaves)))
    copies = [leaf.detach().expand((size, *leaf.shape)).clone().requires_grad_() for leaf in leaves]
    values = torch.cat(list(function(copies, True)), dim=1)
    for start in range(0, count, size):
        picked = values[:, start : start + size].diagonal()  # the k-th copy's (start + k)-th entry
        block = product(picked, copies, None, expression, batch=True)[: len(picked)]
        if len(parts) > 1:
            # The other parts took part with the weight 0, and 0 times an infinite slope is nan.
            for row in (~block.isfinite()).any(1).nonzero().flatten().tolist():
                part, number = elements[start + row]
                block[row] = product(part[number], leaves, None, expression)
        yield block


def matrix_of(
    function: Map, leaves: Sequence[Tensor], parts: Sequence[Tensor], expression: Expression
) -> Tensor:
    """The Jacobian in reverse mode, shape (outputs, inputs). As `rows_of`."""
    width = sum(leaf.numel() for leaf in leaves)
    matrix = parts[0].detach().new_empty(sum(map(len, parts)), width)
    start = 0
    for block in rows_of(function, leaves, parts, expression):
        matrix[start : start + len(block)] = block
        start += len(block)
    return matrix


def transposed(function: Map, leaves: Sequence[Tensor], expression: Expression) -> Map:
    """The vector-Jacobian product by the weights: a linear map whose Jacobian is the transpose."""

    def weighted(weights: Sequence[Tensor], batch: bool) -> list[Tensor]:
        (upstream,) = weights
        copies = [
            leaf.detach().expand((*upstream.shape[: int(batch)], *leaf.shape)).clone()
            for leaf in leaves
        ]
        copies = [copy.requires_grad_() for copy in copies]
        value = torch.cat(list(function(copies, batch)), dim=int(batch))
        return [product(value, copies, upstream, expression, batch=batch, create_graph=True)]

    return weighted


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
    return torch.cat([part.reshape(-1) for part in found])


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
    except (AgxError, RuntimeError):
        # Some operations cannot be vectorised; if it is not that, the loop raises the same again.
        rows = [single(*row) for row in zip(*tensors, strict=True)]
        found = tuple(torch.stack(part) for part in zip(*rows, strict=True))
    return found
