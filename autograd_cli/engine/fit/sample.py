"""A fit beside its data, to be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from autograd_cli.engine.fit.observations import Observations
from autograd_cli.engine.fit.request import Cells, Request
from autograd_cli.results.regression import Prediction, Sample

Predictor: TypeAlias = Callable[[Cells], tuple[Prediction, ...]]

MOST_POINTS = 1000  # observations that are drawn; of more, some
CURVE = 201  # points of the curve


def sample(request: Request, data: Observations, residuals: Tensor, predictor: Predictor) -> Sample:
    """What a figure of the fit shows; `residuals` are weighted, prediction minus response."""
    observed = data.target.value
    left = residuals if data.weights is None else residuals / data.weights.sqrt()
    chosen = torch.arange(0, len(observed), -(-len(observed) // MOST_POINTS))
    name, places = "", []
    curve: tuple[Prediction, ...] = ()
    if len(request.inputs) == 1:
        (name,) = request.inputs
        column = data.inputs[name]
        places = column[chosen].tolist()
        ends = column.min().item(), column.max().item()
        along = torch.linspace(*ends, CURVE, dtype=torch.float64).tolist()
        curve = predictor({name: along})
    return Sample(
        input=name,
        at=places,
        observed=observed[chosen].tolist(),
        fitted=(observed + left)[chosen].tolist(),
        curve=curve,
    )
