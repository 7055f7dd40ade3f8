"""The data of a fit as tensors, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.fit.design import design
from autograd_cli.engine.fit.request import Cells, Request
from autograd_cli.engine.special.double_double import DoubleDouble
from autograd_cli.errors import EvaluationError, UsageError


@dataclass(frozen=True)
class Observations:
    """The columns of the model, the response and the weights, each of shape (m,).

    `target` is the response in double-double; `weights` is None where all are 1; `count` leaves out
    what has no weight.
    """

    inputs: Mapping[str, Tensor]
    target: DoubleDouble
    weights: Tensor | None
    count: int


def observations(request: Request, context: Context) -> Observations:
    """The observations of a request.

    Raises: EvaluationError for cells and responses that are not finite, and for negative weights;
    UsageError where there are fewer observations than parameters.
    """
    columns = tensors(request.columns)
    for name, column in columns.items():
        _check_finite(f"the column '{name}'", column, "leave such rows out of the file")
    inputs = {name: columns[name] for name in request.inputs}
    target = design(request.response, (), columns, context).offset
    _check_finite(
        f"the response {request.response.source}",
        target.hi,
        "a response needs a value in every row: leave the others out of the file",
    )
    weights = columns[request.weights] if request.weights else None
    count = len(target.hi)
    if weights is not None:
        negative = (weights < 0).nonzero().flatten().tolist()
        if negative:
            raise EvaluationError(
                f"the weight is {weights[negative[0]].item()} in row {negative[0] + 1}",
                hint="weights are not negative: 1/variance of each observation",
            )
        count = int((weights > 0).sum())
    if count < len(request.parameters):
        raise UsageError(
            f"{_counted(count, 'observation')} cannot determine"
            f" {_counted(len(request.parameters), 'parameter')}",
            hint="use more data or a model with fewer parameters",
        )
    return Observations(inputs, target, weights, count)


def tensors(cells: Cells) -> dict[str, Tensor]:
    """Columns as float64 vectors."""
    return {name: torch.tensor(list(one), dtype=torch.float64) for name, one in cells.items()}


def _check_finite(what: str, column: Tensor, hint: str) -> None:
    bad = (~column.isfinite()).nonzero().flatten().tolist()
    if bad:
        value = column[bad[0]].item()
        word = "nan" if math.isnan(value) else f"{value}"
        raise EvaluationError(f"{what} is {word} in row {bad[0] + 1}", hint=hint)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
