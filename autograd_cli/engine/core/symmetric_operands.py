"""Functions of symmetric matrices, such as `eigvalsh`: torch reads one triangle of their operand.

Its gradient is the one among symmetric matrices. A numerical derivative is of the same thing only
where the function is taken at (M + M.T)/2 of its operand M, and only where M is symmetric to begin
with: elsewhere torch's value is that of another matrix.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.language.expression import Expression
from autograd_cli.language.functions import FUNCTIONS

ROUNDING = 1e-12  # of the largest entry: what two triangles of a symmetric matrix may differ by
ASIDE = 2.0**-10  # of its size, or of 1: how far an element is moved to see what it does
LONGEST = 40  # characters of an operand that is quoted
AMONG = "on symmetric matrices"

_NAME = re.compile(r"\w+")


@dataclass(frozen=True)
class Symmetry:
    """What an input does to the operands of functions of symmetric matrices.

    broken   what is wrong and how to mend it, where an operand is not symmetric at the point; ""
             where all are
    concerns whether the input moves that operand
    leaves   whether the operands are symmetric here, but not beside the point
    """

    broken: str = ""
    concerns: bool = False
    leaves: bool = False


def together(one: Symmetry | None, other: Symmetry | None) -> Symmetry | None:
    """Of two inputs that are moved one after the other."""
    if one is None or other is None:
        return None
    return Symmetry(one.broken, one.concerns or other.concerns, one.leaves or other.leaves)


def symmetric_nodes(expression: Expression) -> list[int]:
    """The positions of the functions of symmetric matrices that depend on a variable."""
    return [
        position
        for position, node in enumerate(expression.nodes)
        if node.op in FUNCTIONS and FUNCTIONS[node.op].symmetric and expression.varying[position]
    ]


def mean_with_transpose(matrix: Tensor) -> Tensor:
    """(M + M.T)/2 of matrices of shape (..., n, n)."""
    return (matrix + matrix.mT) / 2


def asymmetric(matrices: Tensor) -> Tensor:
    """Which of many matrices differ from their transposes beyond rounding; shape (points,)."""
    if matrices.dim() < 3 or not matrices.numel():
        return matrices.new_zeros(len(matrices), dtype=torch.bool)
    flat = matrices.flatten(1)
    apart = (matrices - matrices.mT).flatten(1).abs().amax(1)
    return apart > ROUNDING * flat.abs().amax(1)


class Symmetries:
    """The symmetry of the operands at some points, and what becomes of it beside them.

    `values` gives, for points of shape (points, *shape), those of the nodes `operands`.
    """

    def __init__(
        self,
        expression: Expression,
        points: Mapping[str, Tensor],
        values: Callable[[Mapping[str, Tensor], Sequence[int]], Sequence[Tensor]],
    ) -> None:
        self._expression = expression
        self._points = points
        self._values = values
        self._nodes = symmetric_nodes(expression)
        self._operands = [expression.nodes[position].operands[0] for position in self._nodes]
        here = values(points, self._operands) if self._nodes else ()
        self._broken = [asymmetric(matrices).tolist() for matrices in here]

    def by(self, elements: Sequence[tuple[str, int]]) -> list[list[Symmetry | None]]:
        """For every point, that by each element, a variable and a place in it; None where there is
        nothing to say. What one element of a variable does is said of all of them."""
        count = len(next(iter(self._points.values())))
        if not self._nodes:
            return [[None] * len(elements)] * count
        leaving: dict[str, Tensor] = {}
        for name, flat in elements:
            moved = self._asymmetric_beside(name, flat)
            leaving[name] = leaving[name] | moved if name in leaving else moved
        below = {name: self._expression.depends_on(name) for name in leaving}
        found: list[list[Symmetry | None]] = []
        for number in range(count):
            bad = [place for place, broken in enumerate(self._broken) if broken[number]]
            text = cure(self._expression, self._nodes[bad[0]]) if bad else ""
            found.append([
                Symmetry(
                    text,
                    concerns=any(below[name][self._operands[place]] for place in bad),
                    leaves=not bad and bool(leaving[name][number]),
                )
                for name, _ in elements
            ])  # fmt: skip
        return found

    def _asymmetric_beside(self, name: str, flat: int) -> Tensor:
        """At which points an operand is not symmetric when an element has moved a little."""
        moved = self._points[name].clone()
        column = moved.view(len(moved), -1)[:, flat]
        column += ASIDE * column.abs().clamp(min=1.0)
        matrices = self._values({**self._points, name: moved}, self._operands)
        return torch.stack([asymmetric(one) for one in matrices]).any(0)


def cure(expression: Expression, position: int) -> str:
    """What is wrong where the operand of a function is not symmetric, and how to write it."""
    name, operand = expression.nodes[position].op, expression.nodes[position].operands[0]
    text = expression.steps.get(operand) or expression.text(operand)
    said, named, inner = text, "", text if _NAME.fullmatch(text) else f"({text})"
    if len(text) > LONGEST:
        said, named, text, inner = "its operand", "name it M and ", "M", "M"
    return (
        f"{name} is of symmetric matrices, and {said} is not symmetric here:"
        f" {named}write {name}(({text}+{inner}.T)/2)"
    )
