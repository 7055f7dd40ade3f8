"""Where a derivative is 0 for certain, and not by underflow or rounding.

No numerical derivative can tell 0 from 1e-30. The expression can: what a `relu` cuts off, or `max`
does not choose, has no influence, and a factor that is exactly 0 lets nothing through. An element
of an operation's operand is `alive` where it may have an influence on the output, by one sweep
backwards over the nodes. That 1 - tanh(20)**2 is 0 is rounding, and cuts off nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node, evaluate
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.derive.dependence import LINEAR, LINEAR_REDUCTIONS, SELECTIONS
from autograd_cli.language.expression import INDEX, LIST, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.reader import read

CHOICES = {"max", "min", "amax", "amin", "median", "sort"}  # which element depends on the values
# Linear in each operand, with no factor that is negative: nothing can cancel.
ADDITIVE = (SELECTIONS | LINEAR_REDUCTIONS | LINEAR | {INDEX, LIST}) - CHOICES
NEXT = 1e-9  # of their size, or of 1: operands that close to a step may lie beyond it
PRODUCTS = {"matmul", "mv", "outer", "kron", "dot"}


def vanishing(
    expression: Expression, at: Mapping[str, Tensor], context: Context, *, around: bool = False
) -> dict[str, Tensor]:
    """Where the first derivatives are 0 for certain at a point: a mask for every variable.

    With `around`, where they are 0 in a neighbourhood of the point, and so are higher ones.
    Raises: as `evaluate`.
    """
    with torch.no_grad():
        values = evaluate(expression, at, context)
    return _Sweep(expression, values, context, around).found()


class _Sweep:
    """The sweeps at one point: which elements are 0 for certain, and then which are alive."""

    def __init__(
        self, expression: Expression, values: Sequence[NodeValue], context: Context, around: bool
    ) -> None:
        self._expression = expression
        self._context = context
        self._absent = {position for position, value in enumerate(values) if value is None}
        self._values = [self._as_tensor(value) for value in values]
        self._locals: dict[int, list[Tensor]] = {}
        self._zero: list[Tensor] = []
        for position, node in enumerate(expression.nodes):
            value = self._values[position]
            exact = not around or not expression.varying[position]
            zero = self._is_zero(position, node) if exact else torch.tensor(False)
            self._zero.append(zero & (value == 0))

    def found(self) -> dict[str, Tensor]:
        """Where the variables are not alive."""
        nodes = self._expression.nodes
        alive = [torch.zeros_like(value, dtype=torch.bool) for value in self._values]
        alive[self._expression.root] = ~alive[self._expression.root]
        for position in reversed(range(len(nodes))):
            if not nodes[position].operands or not alive[position].any():
                continue
            for operand, mask in zip(
                nodes[position].operands,
                self._operands_alive(position, nodes[position], alive[position]),
                strict=True,
            ):
                alive[operand] = alive[operand] | mask
        return {name: ~alive[place] for name, place in self._expression.variables.items()}

    def _as_tensor(self, value: NodeValue) -> Tensor:
        return value if isinstance(value, Tensor) else self._context.tensor(value or 0.0)

    # Forwards -------------------------------------------------------------------------------------

    def _is_zero(self, position: int, node: Node) -> Tensor:
        """Which elements of a value are 0 for certain, if they are 0."""
        value = self._values[position]
        if not node.operands:
            return torch.ones_like(value, dtype=torch.bool)
        if node.op in ADDITIVE or node.op in PRODUCTS:
            return self._run(node, self._not_zero(node)) == 0
        if not _is_elementwise(node.op):
            return torch.zeros_like(value, dtype=torch.bool)
        zeros = [self._zero[operand].expand(value.shape) for operand in node.operands]
        if node.op == "mul":
            return zeros[0] | zeros[1]
        cut = [
            self._is_level(position, node, place) if _is_stepwise(node.op, place) else zero
            for place, zero in enumerate(zeros)
        ]
        return functools.reduce(
            torch.logical_and, [one | two for one, two in zip(zeros, cut, strict=True)]
        )

    # Backwards ------------------------------------------------------------------------------------

    def _operands_alive(self, position: int, node: Node, mask: Tensor) -> list[Tensor]:
        values = [self._values[i] for i in node.operands]
        if _is_elementwise(node.op):
            return [
                _gathered(mask & ~self._is_cut(position, node, place), value)
                for place, value in enumerate(values)
            ]
        if node.op in PRODUCTS:  # what meets a factor 0 has no influence
            values = self._not_zero(node)
        if node.op in PRODUCTS or node.op in ADDITIVE or node.op in CHOICES:
            cotangent = mask.to(self._context.dtype)
            return [part != 0 for part in self._vjp(node, values, cotangent)]
        return [torch.ones_like(value, dtype=torch.bool) for value in values]

    def _is_cut(self, position: int, node: Node, place: int) -> Tensor:
        """Where an elementwise operation lets nothing through from an operand: its derivative is 0,
        and made of nothing but conditions, or of operands that are exact."""
        if _is_stepwise(node.op, place):
            return self._is_level(position, node, place)
        local = self._local(position, node, place)
        mentioned = _mentioned(node.op, place)
        if mentioned is None:
            return torch.zeros_like(local, dtype=torch.bool)
        exact = [self._is_exact(node.operands[other]).expand(local.shape) for other in mentioned]
        return functools.reduce(torch.logical_and, exact, local == 0)

    def _is_level(self, position: int, node: Node, place: int) -> Tensor:
        """Where a derivative that changes in steps is 0, and not next to a step: on which side of
        it an operand lies may be rounding."""
        level = self._local(position, node, place) == 0
        for other in _mentioned(node.op, place) or ():
            value = self._values[node.operands[other]]
            if not value.is_floating_point() or node.operands[other] in self._absent:
                continue
            for sign in (1, -1):
                values = self._spread(position, node)
                values[other] = values[other] + sign * NEXT * values[other].abs().clamp(min=1.0)
                local = self._vjp(node, values, torch.ones(level.shape, dtype=self._context.dtype))
                level = level & (local[place] == 0)
        return level

    def _not_zero(self, node: Node) -> list[Tensor]:
        """The operands of a node, with 0 for what is 0 for certain and 1 for all else."""
        return [(~self._zero[operand]).to(self._context.dtype) for operand in node.operands]

    def _is_exact(self, position: int) -> Tensor:
        """Where a value is a 0 for certain, or a constant that has not underflowed."""
        constant = not self._expression.varying[position]
        return self._zero[position] | (constant & (self._values[position] != 0))

    def _local(self, position: int, node: Node, place: int) -> Tensor:
        """The derivative of an elementwise operation by an operand, in the shape of its value."""
        if position not in self._locals:
            ones = torch.ones(self._values[position].shape, dtype=self._context.dtype)
            self._locals[position] = self._vjp(node, self._spread(position, node), ones)
        return self._locals[position][place]

    def _spread(self, position: int, node: Node) -> list[Tensor]:
        """The operands of an elementwise operation in the shape of its value."""
        shape = self._values[position].shape
        return [self._values[operand].expand(shape) for operand in node.operands]

    def _vjp(self, node: Node, values: Sequence[Tensor], cotangent: Tensor) -> list[Tensor]:
        """The operation's vector-Jacobian product by each operand, 0 where it has none."""
        leaves = [
            value.clone().requires_grad_() if value.is_floating_point() else value
            for value in values
        ]
        result = self._run(node, leaves)
        if not result.requires_grad:
            return [torch.zeros_like(value, dtype=cotangent.dtype) for value in values]
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        found = iter(vector_jacobian_product(result, wanted, cotangent))
        parts = [next(found) if leaf.requires_grad else None for leaf in leaves]
        return [
            torch.zeros_like(value, dtype=cotangent.dtype) if part is None else part
            for value, part in zip(values, parts, strict=True)
        ]

    def _run(self, node: Node, values: Sequence[Tensor]) -> Tensor:
        """The operation at other values; an operand that was left out stays so."""
        given = [
            None if operand in self._absent else value
            for operand, value in zip(node.operands, values, strict=True)
        ]
        return cast(Tensor, apply_node(node, given, self._context))


def _is_elementwise(op: str) -> bool:
    return op in FUNCTIONS and FUNCTIONS[op].elementwise


def _gathered(mask: Tensor, value: Tensor) -> Tensor:
    """A mask of a broadcast shape, where any of it is set, in the shape of the value."""
    return mask.to(torch.float64).sum_to_size(value.shape) > 0


@functools.cache
def _formula(op: str, place: int) -> Expression | None:
    """The table's derivative of an elementwise operation by an operand; None where it has none."""
    row = FUNCTIONS[op]
    text = row.derivatives[place] if place < len(row.derivatives) else ""
    return read(text, given=[one.name for one in row.parameters]) if text else None


@functools.cache
def _mentioned(op: str, place: int) -> tuple[int, ...] | None:
    """The operands that the derivative by one of them is made of; None where that is unknown."""
    formula = _formula(op, place)
    names = [one.name for one in FUNCTIONS[op].operands]
    if formula is None:
        return None
    return tuple(names.index(name) for name in formula.variables if name in names)


@functools.cache
def _is_stepwise(op: str, place: int) -> bool:
    """Whether the derivative by an operand changes in steps only, as that of `relu` does."""
    formula = _formula(op, place)
    if formula is None:
        return False
    steady: list[bool] = []  # which nodes are constant between steps
    for node in formula.nodes:
        if node.op == VARIABLE:
            steady.append(str(node.value) in {one.name for one in FUNCTIONS[op].options})
        else:
            steady.append(all(steady[i] or _steps(node.op, k) for k, i in enumerate(node.operands)))
    return steady[formula.root]


def _steps(op: str, place: int) -> bool:
    """Whether an operation of a formula is constant between steps in an operand."""
    derivatives = FUNCTIONS[op].derivatives if op in FUNCTIONS else ()
    return place < len(derivatives) and derivatives[place] == "0"
