"""Models that are linear in their parameters, taken apart.

Every affine node is a sum of free coefficients, one for each parameter and one alone; those of the
root are the columns of the design matrix. Arithmetic on the data is done in double-double, because
the powers of a polynomial would otherwise be rounded before the fit begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import apply_node
from autograd_cli.engine.special.double_double import DoubleDouble, exact
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import VARIABLE, Expression, Node
from autograd_cli.language.linearity import FREE, degrees

LARGEST_POWER = 1024


@dataclass(frozen=True)
class Design:
    """A linear model on data: prediction = offset + the sum of coefficient x parameter.

    offset        shape (m,)
    coefficients  by parameter, each of shape (m,)
    """

    offset: DoubleDouble
    coefficients: Mapping[str, DoubleDouble]


def design(
    expression: Expression,
    parameters: Sequence[str],
    data: Mapping[str, Tensor],
    context: Context,
) -> Design:
    """The coefficients of a model that is linear in its parameters.

    `data` holds float64 vectors of one length, for every other variable. Raises: EvaluationError.
    """
    like = next(iter(data.values()))
    found: list[Any] = []  # of free nodes (value, DoubleDouble), of others a sum by parameter
    with context.defaults():
        for node, degree in zip(expression.nodes, degrees(expression, parameters), strict=True):
            operands = [found[i] for i in node.operands]
            if degree == FREE:
                try:
                    found.append(_free(node, operands, data, like, context))
                except AgxError as error:
                    raise error.within(expression.source, node.span) from None
            else:
                found.append(_affine(node, operands, like))
    root = found[expression.root]
    total: Sum = {"": root[1]} if isinstance(root, tuple) else root
    nothing = exact(0.0, like)
    return Design(total.get("", nothing), {name: total.get(name, nothing) for name in parameters})


Sum = dict[str, DoubleDouble]  # coefficients by parameter; "" is the part without one
Free = tuple[Any, DoubleDouble]


def _free(
    node: Node,
    operands: Sequence[Free],
    data: Mapping[str, Tensor],
    like: Tensor,
    context: Context,
) -> Free:
    """What does not depend on the parameters: its value as torch has it, and a finer one."""
    if node.op == VARIABLE:
        column = data[str(node.value)]
        return column, DoubleDouble(column)
    value = apply_node(node, [one for one, _ in operands], context)
    finer = _finer(node, operands, like)
    if finer is None:
        tensor = value if isinstance(value, Tensor) else context.tensor(value)
        finer = DoubleDouble(tensor.to(torch.float64).expand_as(like))
    return value, finer


def _finer(node: Node, operands: Sequence[Free], like: Tensor) -> DoubleDouble | None:
    """Arithmetic in double-double; None for any other operation."""
    parts = [finer for _, finer in operands]
    if node.op == "neg":
        return -parts[0]
    if node.op == "add":
        return parts[0] + parts[1]
    if node.op == "sub":
        return parts[0] - parts[1]
    if node.op == "mul":
        return parts[0] * parts[1]
    if node.op == "div":
        return parts[0] / parts[1]
    if node.op == "square":
        return parts[0] * parts[0]
    if node.op == "pow":
        exponent = operands[1][0]
        whole = isinstance(exponent, (int, float)) and float(exponent).is_integer()
        if whole and abs(exponent) <= LARGEST_POWER:
            return parts[0].power(int(exponent))
    return None


def _affine(node: Node, operands: Sequence[Any], like: Tensor) -> Sum:
    """The sum that an affine node is."""
    if node.op == VARIABLE:
        return {str(node.value): exact(1.0, like)}
    if node.op == "mul":
        factor, rest = operands if isinstance(operands[0], tuple) else operands[::-1]
        return {name: one * factor[1] for name, one in rest.items()}
    if node.op == "div":
        return {name: one / operands[1][1] for name, one in operands[0].items()}
    if node.op == "where":
        nothing = exact(0.0, like)
        condition = operands[0][0]
        first, second = map(_sum, operands[1:])
        names = dict.fromkeys([*first, *second])
        return {
            name: _chosen(condition, first.get(name, nothing), second.get(name, nothing))
            for name in names
        }
    total = _sum(operands[0])
    if node.op == "neg":
        return {name: -one for name, one in total.items()}
    for name, one in _sum(operands[1]).items():
        signed = -one if node.op == "sub" else one
        total[name] = total[name] + signed if name in total else signed
    return total


def _sum(operand: Free | Sum) -> Sum:
    return {"": operand[1]} if isinstance(operand, tuple) else dict(operand)


def _chosen(condition: Any, one: DoubleDouble, other: DoubleDouble) -> DoubleDouble:
    if not isinstance(condition, Tensor):
        return one if condition else other
    return DoubleDouble(
        torch.where(condition, one.hi, other.hi), torch.where(condition, one.lo, other.lo)
    )
