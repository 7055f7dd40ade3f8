"""The loss around a descent, over two parameters."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.sampled.sampling import over
from autograd_cli.language.expression import Expression
from autograd_cli.results.plot import Grid

COUNT = 161  # places along each axis
FEWER = 61  # where every place is evaluated by itself


def landscape(
    expression: Expression, ends: Mapping[str, tuple[float, float]], context: Context
) -> Grid:
    """The values of an expression over a rectangle of its two numbers.

    `ends` has the names of two variables, or of the two elements of one (`v[0]`, `v[1]`).
    """
    count = COUNT if set(ends) <= set(expression.variables) else FEWER
    axes = {
        name: torch.linspace(*pair, count, dtype=context.dtype, device=context.device)
        for name, pair in ends.items()
    }
    if count == COUNT:
        return over(expression, {}, axes, context)
    (vector,) = expression.variables
    x, y = axes.values()
    shape = (2,) if "," not in next(iter(ends)) else (1, 2)
    with torch.no_grad():
        rows = [
            [_value(expression, vector, torch.stack([a, b]).reshape(shape), context) for a in x]
            for b in y
        ]
    return Grid(x=x.tolist(), y=y.tolist(), z=rows)


def _value(expression: Expression, name: str, value: torch.Tensor, context: Context) -> float:
    state = context.generator.get_state()
    found = output(expression, evaluate(expression, {name: value}, context), context)
    context.generator.set_state(state)
    return float(found)
