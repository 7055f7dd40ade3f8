"""Where a Hessian can be other than zero, from the expression alone, and how few products give it.

Two inputs interact if an operation is not linear in them jointly. Which inputs each element depends
on is carried along the nodes, and each nonlinear operation adds pairs (Walther, "Computing sparse
Hessians with automatic differentiation", ACM TOMS 34, 2008). The pattern never misses an entry; it
may have some that are zero.

Columns without a common row can be computed together, in one Hessian-vector product (Curtis, Powell
& Reid, "On the estimation of sparse Jacobian matrices", IMA J. Appl. Math. 13, 1974): which columns
go together is a colouring of a graph (Gebremedhin, Manne & Pothen, "What color is your Jacobian?",
SIAM Review 47, 2005). A few full rows, as of a parameter that every term has, would forbid all of
that; they get a product each, and by symmetry that gives their columns too (Powell & Toint, "On the
estimation of sparse Hessian matrices", SIAM J. Numer. Anal. 16, 1979).
"""

from __future__ import annotations

import functools
import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import NodeValue, apply_node
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS, Function

MOST_PER_INPUT = 64  # interactions, on average, of a matrix that is worth compressing
MOST_PRODUCTS = 0.25  # of the inputs: above that, rows in batches are as fast

# Linear operations that move elements or leave them out.
_SELECTIONS = {"flip", "transpose", "diag", "tril", "triu", "clone"}
# Sums, or choices, of elements: linear.
_LINEAR_REDUCTIONS = {"sum", "mean", "max", "min", "amax", "amin", "median"}
# Other reductions: all elements that they take together interact.
_REDUCTIONS = {"prod", "var", "std", "logsumexp"}
_LINEAR = {"cumsum", "sort", "trace"}
_BILINEAR = {"matmul", "mv", "outer", "kron", "cross"}
_LOSSES = {"mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "bce_loss", "bce_with_logits"}

NONE = -1  # fills the last axis where an element depends on fewer inputs than another


class _Dense(Exception):  # noqa: N818 - it is a finding, not a fault
    """Too many pairs for a sparse matrix."""


def interactions(
    expression: Expression,
    values: Sequence[NodeValue],
    names: Sequence[str],
    context: Context,
) -> Tensor | None:
    """The pairs of inputs that interact, shape (pairs, 2), both orders; None if they are many.

    `values` are those of the nodes. The inputs are numbered through the variables `names`.
    """
    try:
        return _Interactions(expression, values, names, context).find()
    except _Dense:
        return None


class _Interactions:
    """Dependences are tensors of input numbers, of the shape of a node's value and one axis more,
    which lists the inputs that an element depends on; None is a node that depends on none."""

    def __init__(
        self,
        expression: Expression,
        values: Sequence[NodeValue],
        names: Sequence[str],
        context: Context,
    ) -> None:
        self.expression = expression
        self.context = context
        self.values = values
        self.starts: dict[str, int] = {}
        self.inputs = 0
        for name in names:
            value = values[expression.variables[name]]
            assert isinstance(value, Tensor)
            self.starts[name] = self.inputs
            self.inputs += value.numel()
        self.limit = MOST_PER_INPUT * self.inputs
        self.pairs: list[Tensor] = []
        self.count = 0

    def find(self) -> Tensor:
        found: list[Tensor | None] = []
        for position, node in enumerate(self.expression.nodes):
            if position == self.expression.root and node.op in _LINEAR_REDUCTIONS:
                break  # on what the output depends, nobody asks
            found.append(self._node(position, node, [found[i] for i in node.operands]))
        keys = [pair for pair in self.pairs if pair.numel()]
        if not keys:
            return torch.zeros(0, 2, dtype=torch.long)
        unique = torch.unique(torch.cat(keys))
        if len(unique) > self.limit:
            raise _Dense
        return torch.stack([unique // self.inputs, unique % self.inputs], dim=1)

    def _node(self, position: int, node: Node, operands: list[Tensor | None]) -> Tensor | None:
        if node.op == VARIABLE:
            return self._variable(position, str(node.value))
        if node.op == NUMBER or all(operand is None for operand in operands):
            return None
        if node.op == LIST:
            return self._list(node, operands)
        row = FUNCTIONS.get(node.op)
        if row is not None and row.elementwise:
            return self._elementwise(row, node, operands)
        first = operands[0]
        if node.op in _SELECTIONS or node.op == INDEX:
            assert first is not None
            return self._selection(node, first)
        if node.op in _LINEAR_REDUCTIONS or node.op in _REDUCTIONS:
            assert first is not None
            reduced = self._reduced(node, first)
            if node.op in _REDUCTIONS:
                self._interact(reduced, reduced)
            return reduced
        if node.op == "dot":
            return self._dot(operands)
        if node.op in _LOSSES:
            return self._loss(node, operands)
        return self._anything(position, node, operands)

    def _variable(self, position: int, name: str) -> Tensor | None:
        if name not in self.starts:
            return None
        value = self.values[position]
        assert isinstance(value, Tensor)
        start = self.starts[name]
        return torch.arange(start, start + value.numel()).reshape(*value.shape, 1)

    def _list(self, node: Node, operands: Sequence[Tensor | None]) -> Tensor:
        width = max(one.shape[-1] for one in operands if one is not None)
        shape = next(one.shape[:-1] for one in operands if one is not None)
        parts = [
            torch.full((*shape, width), NONE)
            if one is None
            else torch.nn.functional.pad(one, (0, width - one.shape[-1]), value=NONE)
            for one in operands
        ]
        return torch.stack(parts)

    def _elementwise(
        self, row: Function, node: Node, operands: Sequence[Tensor | None]
    ) -> Tensor | None:
        """The table's derivatives say which operands interact: x*y has y and x, so x with y."""
        names = _operand_names(row)
        active = {
            names[number]: one
            for number, one in enumerate(operands)
            if one is not None and _derivative(row, number) != "0"
        }
        if not active:
            return None
        shape = _broadcast(
            *(one.shape[:-1] for one in active.values()),
            *(self._shape(operand) for operand in node.operands),
        )
        spread = {name: one.expand(*shape, -1) for name, one in active.items()}
        for number, name in enumerate(names[: len(operands)]):
            if name not in spread:
                continue
            formula = _derivative(row, number)
            mentioned = set(_NAMES.findall(formula)) if formula else set(spread)
            for other in mentioned & set(spread):
                self._interact(spread[name], spread[other])
        return self._joined(list(spread.values()))

    def _shape(self, position: int) -> tuple[int, ...]:
        value = self.values[position]
        return tuple(value.shape) if isinstance(value, Tensor) else ()

    def _selection(self, node: Node, operand: Tensor) -> Tensor:
        """Runs the operation on the elements' places instead of their values."""
        shape = operand.shape[:-1]
        places = torch.arange(1, operand[..., 0].numel() + 1).reshape(shape)
        selected = apply_node(node, [places], self.context)
        assert isinstance(selected, Tensor)
        flat = operand.reshape(-1, operand.shape[-1])
        nothing = torch.full((1, operand.shape[-1]), NONE)
        return torch.cat([nothing, flat])[selected]

    def _reduced(self, node: Node, operand: Tensor) -> Tensor:
        """What the elements that are taken together depend on together."""
        options = dict(node.options)
        rank = operand.dim() - 1
        dim: Any = options.get("dim")
        dims = range(rank) if dim is None else (dim,) if isinstance(dim, int) else dim
        taken = sorted({axis % rank for axis in dims}) if rank else []
        kept = [axis for axis in range(rank) if axis not in taken]
        moved = operand.permute(*kept, *taken, rank)
        result = moved.reshape(*(operand.shape[axis] for axis in kept), -1)
        if options.get("keepdim"):
            for axis in taken:
                result = result.unsqueeze(axis)
        return self._tidy(result)

    def _dot(self, operands: Sequence[Tensor | None]) -> Tensor:
        parts = [one for one in operands if one is not None]
        if len(parts) == 2:
            self._interact(*parts)
        return self._tidy(torch.cat([part.reshape(-1) for part in parts]))

    def _loss(self, node: Node, operands: Sequence[Tensor | None]) -> Tensor:
        """A loss of each element, and their mean."""
        shape = _broadcast(*(self._shape(operand) for operand in node.operands))
        parts = [one.expand(*shape, -1) for one in operands if one is not None]
        joined = self._joined(parts)
        self._interact(joined, joined)
        if dict(node.options).get("reduction") == "none":
            return joined
        return self._tidy(joined.reshape(-1))

    def _anything(self, position: int, node: Node, operands: Sequence[Tensor | None]) -> Tensor:
        """Every element of the result depends on everything, and unless it is linear, all of that
        interacts."""
        sets = [self._tidy(one.reshape(-1)) for one in operands if one is not None]
        together = self._tidy(torch.cat(sets))
        if node.op in _BILINEAR:
            if len(sets) == 2:
                self._interact(*sets)
        elif node.op not in _LINEAR:
            self._interact(together, together)
        shape = self._shape(position)
        count = 1
        for size in shape:
            count *= size
        if count * len(together) > 4 * self.limit:
            raise _Dense
        return together.expand(*shape, -1)

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return parts[0] if len(parts) == 1 else self._tidy(torch.cat(list(parts), dim=-1))

    def _tidy(self, dependence: Tensor) -> Tensor:
        """Every input once, and the last axis as short as it can be."""
        if dependence.numel() > 4 * self.limit:
            raise _Dense
        if dependence.shape[-1] <= 1:
            return dependence
        ordered = dependence.sort(dim=-1, descending=True).values
        again = torch.zeros_like(ordered, dtype=torch.bool)
        again[..., 1:] = ordered[..., 1:] == ordered[..., :-1]
        if again.any():
            ordered = ordered.masked_fill(again, NONE).sort(dim=-1, descending=True).values
        longest = int((ordered != NONE).sum(-1).max()) if ordered.numel() else 0
        return ordered[..., : max(longest, 1)]

    def _interact(self, left: Tensor, right: Tensor) -> None:
        """Each input of an element on the left with each of the same element on the right."""
        self.count += left.numel() * right.shape[-1]
        if self.count > self.limit:
            raise _Dense
        rows = left.unsqueeze(-1).expand(*left.shape, right.shape[-1])
        columns = right.unsqueeze(-2).expand_as(rows)
        if NONE in left or NONE in right:
            real = (rows != NONE) & (columns != NONE)
            rows, columns = rows[real], columns[real]
        self.pairs.append((rows * self.inputs + columns).flatten())
        if left is not right:
            self.pairs.append((columns * self.inputs + rows).flatten())


_NAMES = re.compile(r"[A-Za-z_]\w*(?!\w*\s*\()")


@functools.cache
def _operand_names(row: Function) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in row.operands)


def _derivative(row: Function, number: int) -> str:
    """The table's local derivative by an operand; "" where it has none."""
    return row.derivatives[number] if number < len(row.derivatives) else ""


def _broadcast(*shapes: Sequence[int]) -> tuple[int, ...]:
    return tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]


# Compression -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compression:
    """Which columns of a symmetric matrix are computed together, and what is read from where.

    colours  the product in which each column is, shape (inputs,)
    count    the number of products
    full     the inputs whose rows are full; their products come first
    entries  the pairs of inputs that interact, shape (pairs, 2), those with full rows left out
    """

    colours: Tensor
    count: int
    full: Tensor
    entries: Tensor

    def seeds(self, like: Tensor) -> Iterator[Tensor]:
        """The directions of the products: the columns of each colour added up."""
        for colour in range(self.count):
            yield (self.colours == colour).to(like)

    def expand(self, products: Tensor) -> tuple[Tensor, float]:
        """The matrix, averaged with its transpose, of the products in the shape (products,
        inputs); and the largest difference between an entry and its mirror image."""
        size = products.shape[1]
        rows, columns = self.entries.T.to(products.device)
        colours, full = self.colours.to(products.device), self.full.to(products.device)
        entries = products[colours[columns], rows]
        mirrored = entries[(columns * size + rows).argsort()]  # the entries are in order
        matrix = _zeros(size, products)
        matrix[rows, columns] = _averaged(entries, mirrored)
        differences = [(entries - mirrored).abs()]
        if len(full):
            corner = products[: len(full), full]
            matrix[:, full] = products[: len(full)].T + 0.0
            matrix[full, :] = products[: len(full)] + 0.0
            matrix[full[:, None], full] = _averaged(corner, corner.T)
            differences.append((corner - corner.T).abs().flatten())
        different = torch.cat(differences).nan_to_num(nan=0.0)  # inf - inf
        return matrix, different.max().item() if len(different) else 0.0

    def diagonal(self, products: Tensor) -> Tensor:
        """The diagonal of the matrix."""
        size = products.shape[1]
        places = torch.arange(size, device=products.device)
        found = products[self.colours.to(products.device), places]
        return torch.where(self._on_diagonal(size).to(products.device), found, 0.0)

    def _on_diagonal(self, size: int) -> Tensor:
        real = torch.zeros(size, dtype=torch.bool)
        real[self.entries[self.entries[:, 0] == self.entries[:, 1], 0]] = True
        real[self.full] = True
        return real


def _averaged(entries: Tensor, mirrored: Tensor) -> Tensor:
    """The mean of entries and their mirror images; no -0.0, whose image may be 0.0."""
    return torch.where(entries == mirrored, entries, (entries + mirrored) / 2) + 0.0


def _zeros(size: int, like: Tensor) -> Tensor:
    """A square matrix of zeros. On the CPU its memory is fresh from the system, which zeroes a page
    when it is first written: in a sparse matrix most never are."""
    count = size * size
    if like.device.type != "cpu" or not count:
        return like.new_zeros(size, size)
    memory = mmap.mmap(-1, count * like.element_size())
    return torch.frombuffer(memory, dtype=like.dtype, count=count).reshape(size, size)


def compress(pairs: Tensor, size: int) -> Compression | None:
    """The compression for a symmetric pattern; None if it would save little."""
    rows, columns = pairs.T
    degrees = torch.bincount(rows, minlength=size)
    full = _full_rows(degrees)
    is_full = torch.zeros(size, dtype=torch.bool)
    is_full[full] = True
    kept = ~(is_full[rows] | is_full[columns])
    entries = pairs[kept]
    colours = _colour(entries, size, int(MOST_PRODUCTS * size) - len(full))
    if colours is None:
        return None
    colours = colours + len(full)
    colours[full] = torch.arange(len(full))
    used = int(colours.max()) + 1 if size else 0
    return Compression(colours, used, full, entries)


def _full_rows(degrees: Tensor) -> Tensor:
    """The rows that are so much longer than the others that they cost less by themselves.

    A row of k entries forces k products; with the f longest rows apart, f and the next row's length
    bound the number of products from below.
    """
    lengths, order = degrees.sort(descending=True)
    total = torch.arange(len(lengths)) + lengths
    return order[: int(total.argmin())]


def _colour(entries: Tensor, size: int, most: int) -> Tensor | None:
    """A greedy colouring in which no two columns with a common row share a colour.

    Columns are taken in their order, which is best for bands; None where more than `most` colours
    would be needed.
    """
    if most < 1:
        return None
    width = int((entries[:, 0] - entries[:, 1]).abs().max()) if len(entries) else 0
    longest = int(torch.bincount(entries[:, 0], minlength=1).max()) if len(entries) else 1
    if 2 * width + 1 <= min(longest, most):  # a band: no colouring has fewer
        return torch.arange(size) % (2 * width + 1)
    neighbours: list[list[int]] = [[] for _ in range(size)]
    for row, column in entries.tolist():
        neighbours[row].append(column)
    taken = [0] * size  # for each row, the colours of its columns so far, as bits
    colours = [0] * size
    for column in range(size):
        forbidden = 0
        for row in neighbours[column]:
            forbidden |= taken[row]
        free = ~forbidden & (forbidden + 1)
        if free.bit_length() > most:
            return None
        colours[column] = free.bit_length() - 1
        for row in neighbours[column]:
            taken[row] |= free
    return torch.tensor(colours)
