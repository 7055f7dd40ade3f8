"""A model on data with a start: what a curve fit is given."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import constants
from autograd_cli.engine.fit.model import Model
from autograd_cli.engine.fit.observations import Observations, observations
from autograd_cli.engine.fit.request import Request
from autograd_cli.errors import ShapeError


@dataclass(frozen=True)
class Problem:
    """A model on data, and where to start: the data as tensors, `start` of shape (n,)."""

    request: Request
    data: Observations
    model: Model
    start: Tensor

    @property
    def names(self) -> tuple[str, ...]:
        return self.request.parameters


def problem(request: Request, context: Context) -> Problem:
    """The problem of a request. Raises: ShapeError for a start that is no number, and as
    `observations`."""
    data = observations(request, context)
    starts = constants(request.start, context)
    for name, value in starts.items():
        if value.dim():
            raise ShapeError(f"the start of '{name}' is a number", hint=f"--start {name}=1").within(
                request.start[name].source
            )
    model = Model(
        request.model, request.parameters, data.inputs, data.target.value, data.weights, context
    )
    return Problem(request, data, model, torch.stack([starts[name] for name in request.parameters]))
