"""Where a Hessian can be other than zero, from the expression alone.

Two inputs interact if an operation is not linear in them jointly. Which inputs each element depends
on is carried along the nodes, and each nonlinear operation adds pairs (Walther, "Computing sparse
Hessians with automatic differentiation", ACM TOMS 34, 2008). The pattern never misses an entry; it
may have some that are zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.derive.dependence import LINEAR_REDUCTIONS, NONE, Dependences, TooMany
from autograd_cli.language.expression import Expression

MOST_PER_INPUT = 64  # interactions, on average, of a matrix that is worth compressing


def interactions(
    expression: Expression,
    values: Sequence[NodeValue],
    names: Sequence[str],
    context: Context,
    most: int = MOST_PER_INPUT,
) -> Tensor | None:
    """The pairs of inputs that interact, shape (pairs, 2), both orders; None if they are more than
    `most` for each input.

    `values` are those of the nodes. The inputs are numbered through the variables `names`.
    """
    try:
        return _Interactions(expression, values, names, context, most).pairs()
    except TooMany:
        return None


class _Interactions(Dependences):
    """The pairs that the nonlinear operations add."""

    def __init__(
        self,
        expression: Expression,
        values: Sequence[NodeValue],
        names: Sequence[str],
        context: Context,
        most: int,
    ) -> None:
        super().__init__(expression, values, names, context, 0)
        self.limit = most * self.inputs
        self._keys: list[Tensor] = []
        self._count = 0

    def pairs(self) -> Tensor:
        root = self.expression.root
        is_linear = self.expression.nodes[root].op in LINEAR_REDUCTIONS
        self.find(root if is_linear else None)  # on what the output depends, nobody asks
        keys = [key for key in self._keys if key.numel()]
        if not keys:
            return torch.zeros(0, 2, dtype=torch.long)
        unique = torch.unique(torch.cat(keys))
        if len(unique) > self.limit:
            raise TooMany
        return torch.stack([unique // self.inputs, unique % self.inputs], dim=1)

    def interact(self, left: Tensor, right: Tensor) -> None:
        self._count += left.numel() * right.shape[-1]
        if self._count > self.limit:
            raise TooMany
        rows = left.unsqueeze(-1).expand(*left.shape, right.shape[-1])
        columns = right.unsqueeze(-2).expand_as(rows)
        if NONE in left or NONE in right:
            real = (rows != NONE) & (columns != NONE)
            rows, columns = rows[real], columns[real]
        self._keys.append((rows * self.inputs + columns).flatten())
        if left is not right:
            self._keys.append((columns * self.inputs + rows).flatten())
