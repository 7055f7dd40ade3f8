"""Which inputs each element of an expression depends on, from the expression alone.

Dependences are tensors of input numbers, of the shape of a node's value and one axis more, which
lists the inputs that an element depends on; None is a node that depends on none. No dependence is
ever missed; some may be of derivatives that are zero.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS, Function

# Linear operations that move elements or leave them out.
SELECTIONS = {"flip", "transpose", "diag", "tril", "triu", "clone"}
# Sums, or choices, of elements: linear.
LINEAR_REDUCTIONS = {"sum", "mean", "max", "min", "amax", "amin", "median"}
# Other reductions: all elements that they take together interact.
REDUCTIONS = {"prod", "var", "std", "logsumexp"}
LINEAR = {"cumsum", "sort", "trace"}
BILINEAR = {"matmul", "mv", "outer", "kron", "cross"}
LOSSES = {"mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "bce_loss", "bce_with_logits"}

NONE = -1  # fills the last axis where an element depends on fewer inputs than another


class TooMany(Exception):  # noqa: N818 - it is a finding, not a fault
    """More dependences, or interactions, than are worth knowing."""


class Dependences:
    """The dependences of every node, by one loop over the nodes.

    `values` are those of the nodes. The inputs are numbered through the variables `names`; `limit`
    is how many entries a dependence may have. Raises: TooMany.
    """

    def __init__(
        self,
        expression: Expression,
        values: Sequence[NodeValue],
        names: Sequence[str],
        context: Context,
        limit: int,
    ) -> None:
        self.expression = expression
        self.context = context
        self.values = values
        self.limit = limit
        self.starts: dict[str, int] = {}
        self.inputs = 0
        for name in names:
            value = values[expression.variables[name]]
            assert isinstance(value, Tensor)
            self.starts[name] = self.inputs
            self.inputs += value.numel()

    def find(self, stop: int | None = None) -> list[Tensor | None]:
        """The dependence of every node, or of those before `stop`."""
        found: list[Tensor | None] = []
        for position, node in enumerate(self.expression.nodes[:stop]):
            found.append(self._node(position, node, [found[i] for i in node.operands]))
        return found

    def interact(self, left: Tensor, right: Tensor) -> None:
        """Each input of an element on the left meets each of the same element on the right in an
        operation that is not linear in them: of no interest here."""

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
        if node.op in SELECTIONS or node.op == INDEX:
            assert first is not None
            return self._selection(node, first)
        if node.op in LINEAR_REDUCTIONS or node.op in REDUCTIONS:
            assert first is not None
            reduced = self._reduced(node, first)
            if node.op in REDUCTIONS:
                self.interact(reduced, reduced)
            return reduced
        if node.op == "dot":
            return self._dot(operands)
        if node.op in LOSSES:
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
                self.interact(spread[name], spread[other])
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
            self.interact(*parts)
        return self._tidy(torch.cat([part.reshape(-1) for part in parts]))

    def _loss(self, node: Node, operands: Sequence[Tensor | None]) -> Tensor:
        """A loss of each element, and their mean."""
        shape = _broadcast(*(self._shape(operand) for operand in node.operands))
        parts = [one.expand(*shape, -1) for one in operands if one is not None]
        joined = self._joined(parts)
        self.interact(joined, joined)
        if dict(node.options).get("reduction") == "none":
            return joined
        return self._tidy(joined.reshape(-1))

    def _anything(self, position: int, node: Node, operands: Sequence[Tensor | None]) -> Tensor:
        """Every element of the result depends on everything, and unless it is linear, all of that
        interacts."""
        sets = [self._tidy(one.reshape(-1)) for one in operands if one is not None]
        together = self._tidy(torch.cat(sets))
        if node.op in BILINEAR:
            if len(sets) == 2:
                self.interact(*sets)
        elif node.op not in LINEAR:
            self.interact(together, together)
        shape = self._shape(position)
        count = 1
        for size in shape:
            count *= size
        if count * len(together) > 4 * self.limit:
            raise TooMany
        return together.expand(*shape, -1)

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return parts[0] if len(parts) == 1 else self._tidy(torch.cat(list(parts), dim=-1))

    def _tidy(self, dependence: Tensor) -> Tensor:
        """Every input once, and the last axis as short as it can be."""
        if dependence.numel() > 4 * self.limit:
            raise TooMany
        if dependence.shape[-1] <= 1:
            return dependence
        ordered = dependence.sort(dim=-1, descending=True).values
        again = torch.zeros_like(ordered, dtype=torch.bool)
        again[..., 1:] = ordered[..., 1:] == ordered[..., :-1]
        if again.any():
            ordered = ordered.masked_fill(again, NONE).sort(dim=-1, descending=True).values
        longest = int((ordered != NONE).sum(-1).max()) if ordered.numel() else 0
        return ordered[..., : max(longest, 1)]


_NAMES = re.compile(r"[A-Za-z_]\w*(?!\w*\s*\()")


@functools.cache
def _operand_names(row: Function) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in row.operands)


def _derivative(row: Function, number: int) -> str:
    """The table's local derivative by an operand; "" where it has none."""
    return row.derivatives[number] if number < len(row.derivatives) else ""


def _broadcast(*shapes: Sequence[int]) -> tuple[int, ...]:
    return tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]


def independent(
    expression: Expression,
    values: Sequence[NodeValue],
    names: Sequence[str],
    context: Context,
    roots: Sequence[int],
) -> Tensor | None:
    """Where the elements of the nodes `roots`, one after another, do not depend on an input: a mask
    of shape (elements, inputs); None if it is too much to find out."""
    sizes = [value.numel() if isinstance(value := values[root], Tensor) else 1 for root in roots]
    inputs = sum(
        value.numel()
        for name in names
        if isinstance(value := values[expression.variables[name]], Tensor)
    )
    limit = max(sum(sizes), 1) * max(inputs, 1)
    try:
        found = Dependences(expression, values, names, context, limit).find()
    except TooMany:
        return None
    mask = torch.ones(sum(sizes), inputs + 1, dtype=torch.bool)  # the last column is that of NONE
    start = 0
    for root, size in zip(roots, sizes, strict=True):
        dependence = found[root]
        if dependence is not None:
            places = dependence.reshape(size, -1) % (inputs + 1)
            mask[start : start + size] = mask[start : start + size].scatter(1, places, False)
        start += size
    return mask[:, :inputs]
