"""The loss around a descent, over two parameters."""

from __future__ import annotations

import torch

from autograd_cli.engine.context import Context
from autograd_cli.engine.sampling import over
from autograd_cli.errors import EvaluationError
from autograd_cli.language.expression import Expression
from autograd_cli.results.plot import Grid

COUNT = 81  # places along each axis


def landscape(
    expression: Expression, x: tuple[float, float], y: tuple[float, float], context: Context
) -> Grid:
    """The values of an expression over a rectangle of its two numbers.

    Those are two variables, or the two elements of one.
    """
    columns = [torch.linspace(*ends, COUNT, dtype=context.dtype) for ends in (x, y)]
    axes = {
        name: column.to(context.device)
        for name, column in zip(expression.variables, columns, strict=False)
    }
    if len(expression.variables) != 2:
        raise EvaluationError("the loss of a vector is not drawn")
    return over(expression, {}, axes, context)
