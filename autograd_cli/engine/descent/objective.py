"""What is made small: a loss of named parameters, over data or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.derive.hessian import hessian_matrix
from autograd_cli.errors import DerivativeError, ShapeError
from autograd_cli.language.expression import Expression

Parameters: TypeAlias = Mapping[str, Tensor]
Rows: TypeAlias = "Tensor | None"  # positions of a batch's observations; None is all of them


@dataclass(frozen=True)
class Objective:
    """A loss and where to start.

    start         the parameters by name, of any shapes
    loss          (parameters, rows) -> a scalar tensor: the loss over a batch of the observations
    observations  how many there are; 0 for a function without data, whose `rows` is always None
    residuals     for least squares: parameters -> shape (observations,), attached to the graph
    hessian       parameters -> shape (size, size), where there is a better way than row by row
    """

    start: Parameters
    loss: Callable[[Parameters, Rows], Tensor]
    observations: int = 0
    residuals: Callable[[Parameters], Tensor] | None = None
    hessian: Callable[[Parameters], Tensor] | None = None


def expression_objective(expression: Expression, start: Parameters, context: Context) -> Objective:
    """An expression to be minimised from `start`, a tensor for every variable.

    The loss raises ShapeError where the output is no scalar, DerivativeError where it is a
    condition, and as `evaluate`.
    """
    state = context.generator.get_state()

    def loss(parameters: Parameters, rows: Rows) -> Tensor:
        context.generator.set_state(state)  # random constants are the same at every step
        value = output(expression, evaluate(expression, parameters, context), context)
        if value.dim() or not value.is_floating_point():
            value = _scalar(expression, value, context)
        return value

    def hessian(parameters: Parameters) -> Tensor:
        context.generator.set_state(state)
        return hessian_matrix(expression, parameters, context)

    begun = {name: start[name] for name in expression.variables}
    return Objective(begun, loss, hessian=hessian)


def _scalar(expression: Expression, value: Tensor, context: Context) -> Tensor:
    root = expression.nodes[expression.root]
    if value.dtype == torch.bool:
        raise DerivativeError(
            "a condition has no minimum",
            hint="where(condition, a, b) chooses between two values",
            span=root.span,
            source=expression.source,
        )
    if value.numel() != 1:
        raise ShapeError(
            f"what is minimised is one number, and this is {shape_text(value)}",
            hint="for example sum(…) or mean(…) of it",
            span=root.span,
            source=expression.source,
        )
    return value.reshape(()).to(context.dtype)
