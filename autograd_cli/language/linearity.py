"""Which parts of a model depend on its parameters, and how.

A node is free of the parameters, affine in them, or neither.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autograd_cli.language.expression import NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS

FREE, AFFINE, NONLINEAR = range(3)


def degrees(expression: Expression, parameters: Collection[str]) -> list[int]:
    """How every node depends on the parameters: FREE, AFFINE or NONLINEAR.

    A node whose operands are not taken element by element is NONLINEAR.
    """
    found: list[int] = []
    for node in expression.nodes:
        operands = [found[i] for i in node.operands]
        if node.op == VARIABLE:
            found.append(AFFINE if node.value in parameters else FREE)
        elif node.op == NUMBER:
            found.append(FREE)
        elif NONLINEAR in operands or not _is_elementwise(node):
            found.append(NONLINEAR)
        elif AFFINE not in operands:
            found.append(FREE)
        else:
            found.append(AFFINE if _keeps_affine(node, operands) else NONLINEAR)
    return found


def is_linear(expression: Expression, parameters: Collection[str]) -> bool:
    return degrees(expression, parameters)[expression.root] < NONLINEAR


def linear_among(expression: Expression, parameters: Sequence[str]) -> tuple[str, ...]:
    """Parameters in which the model is linear when the others are held: as many as come first."""
    chosen: list[str] = []
    for name in parameters:
        if is_linear(expression, [*chosen, name]):
            chosen.append(name)
    return tuple(chosen)


def reduction_of_a_number(expression: Expression) -> int | None:
    """The position of the first reduction whose operand is a number if all variables are; None
    where there is none."""
    numbers: list[bool] = []
    for position, node in enumerate(expression.nodes):
        row = FUNCTIONS.get(node.op)
        alike = all(numbers[i] for i in node.operands)
        if row is not None and row.family == "reduction" and alike:
            return position
        if row is None:
            numbers.append(node.op in (VARIABLE, NUMBER))
        else:
            numbers.append(row.family == "reduction" or (row.elementwise and alike))
    return None


def first_nonlinear(expression: Expression, parameters: Collection[str]) -> int:
    """The position of the first node that is not affine, in evaluation order."""
    return degrees(expression, parameters).index(NONLINEAR)


def _is_elementwise(node: Node) -> bool:
    return node.op in FUNCTIONS and FUNCTIONS[node.op].elementwise


def _keeps_affine(node: Node, operands: Sequence[int]) -> bool:
    if node.op == "mul":
        return FREE in operands
    if node.op == "div":
        return operands[1] == FREE
    if node.op == "where":
        return operands[0] == FREE
    return node.op in ("neg", "add", "sub")
