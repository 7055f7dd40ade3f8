"""Fits to data by gradient descent, and what exact or linearised least squares says of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.descent.loop import Descending, Ending
from autograd_cli.engine.descent.objective import Objective, Parameters, Rows
from autograd_cli.engine.fit.design import design
from autograd_cli.engine.fit.exact import Exact, least_squares
from autograd_cli.engine.fit.linearised import regression
from autograd_cli.engine.fit.model import Model
from autograd_cli.engine.fit.observations import Observations, observations, tensors
from autograd_cli.engine.fit.problem import problem
from autograd_cli.engine.fit.request import Request
from autograd_cli.engine.fit.trust_region import state_at
from autograd_cli.results import Value
from autograd_cli.results.fit import Fit, numbers
from autograd_cli.results.regression import Regression, Sample
from autograd_cli.settings import Descent


def objective(model: Model, start: Parameters, mean: bool) -> Objective:
    """The sum of the squared residuals of a model, or their mean."""

    def residuals(parameters: Parameters, rows: Rows = None) -> Tensor:
        target = model.target if rows is None else model.target[rows]
        return model.weighted(model.predict(parameters, rows) - target, rows)

    def loss(parameters: Parameters, rows: Rows) -> Tensor:
        squares = residuals(parameters, rows) ** 2
        return squares.mean() if mean else squares.sum()

    return Objective(start, loss, len(model.target), residuals)


def linear_descent(
    request: Request,
    start: Mapping[str, Tensor],
    descent: Descent,
    context: Context,
    fine: Context,
    true: Mapping[str, Value] | None = None,
) -> Descending:
    """A descent of the mean squared error of a model that is linear in its parameters.

    It computes in `context`, and exact least squares in `fine`, which has float64. Raises: as
    `observations`, and as `Descending`.
    """
    data = observations(request, fine)
    model = _coarse(request, data, context)

    def conclude(ending: Ending) -> Fit:
        found = least_squares(request, data, fine)
        converged, reason = _judged(ending, descent, found)
        return Regression(
            expression=request.model.source,
            at=ending.parameters,
            dtype=context.dtype_name,
            device=str(context.device),
            value=ending.loss,
            task="linear",
            parameters=ending.parameters,
            initial=ending.initial,
            loss=ending.loss,
            steps=ending.steps,
            converged=converged,
            reason=reason,
            response=request.response.source,
            method=descent.optimizer,
            statistics=found.statistics,
            exact=found.parameters,
            true=true,
            predictions=found.predictions,
            sample=_learned(request, found.sample, ending.parameters, fine),
            warnings=(*ending.warnings, *found.warnings),
        )

    return Descending(objective(model, start, mean=True), descent, context, conclude)


def _judged(ending: Ending, descent: Descent, found: Exact) -> tuple[bool, str]:
    """Whether a descent of a linear model converged, and why it ended.

    The gradient of the whole loss does not vanish under steps on batches of it: their noise moves
    the parameters about the minimum for ever. They have arrived where that is less than what the
    data leave open, within the confidence intervals of exact least squares.
    """
    all_taken = ending.steps == descent.steps and not ending.diverged
    if ending.converged or descent.batch_size is None or descent.tolerance or not all_taken:
        return ending.converged, ending.reason
    intervals = found.statistics.confidence_intervals
    if not all(map(math.isfinite, itertools.chain(*intervals.values()))):
        return ending.converged, ending.reason
    level = f"{found.statistics.confidence:.0%}"
    outside = [
        name
        for name, value in numbers(ending.parameters)
        if not intervals[name][0] <= float(value or 0.0) <= intervals[name][1]
    ]
    if not outside:
        return True, (
            f"all parameters are within the {level} confidence intervals of exact least squares,"
            " about which the noise of the batches moves them"
        )
    is_are = "is" if len(outside) == 1 else "are"
    return False, (
        f"{', '.join(outside)} {is_are} outside the {level} confidence interval of exact least"
        " squares: more steps, larger batches or a --schedule with a falling rate bring it closer"
    )


def _learned(
    request: Request, sample: Sample, parameters: Mapping[str, Value], fine: Context
) -> Sample:
    """The sample with the curve of the parameters that were learned."""
    if not sample.curve:
        return sample
    at = {sample.input: [one.at[sample.input] for one in sample.curve]}
    parts = design(request.model, request.parameters, tensors(at), fine)
    total = parts.offset.value
    for name, value in numbers(parameters):
        total = total + parts.coefficients[name].value * float(value or 0.0)
    return replace(sample, learned=total.tolist())


def curve_descent(
    request: Request, descent: Descent, context: Context, fine: Context
) -> Descending:
    """A descent of the sum of squared residuals; the statistics are those of the model linearised
    where it ends, in `fine`, which has float64."""
    whole = problem(request, fine)
    model = _coarse(request, whole.data, context)
    start = {
        name: value.to(context.device, context.dtype)
        for name, value in zip(request.parameters, whole.start.unbind(), strict=True)
    }

    def conclude(ending: Ending) -> Fit:
        values = [ending.parameters[name] for name in request.parameters]
        state = state_at(torch.tensor(values, dtype=torch.float64), whole.model.jacobian)
        warnings = ending.warnings
        if state is not None and not ending.converged:
            warnings = (*warnings, "the standard errors are those of a minimum, and this is none")
        return regression(
            whole,
            state,
            context,
            parameters=ending.parameters,
            initial=ending.initial,
            loss=ending.loss,
            steps=ending.steps,
            converged=ending.converged,
            reason=ending.reason,
            warnings=warnings,
            method=descent.optimizer,
        )

    return Descending(objective(model, start, mean=False), descent, context, conclude)


def _coarse(request: Request, data: Observations, context: Context) -> Model:
    """The model on its data in the dtype and on the device of a descent."""

    def moved(value: Tensor) -> Tensor:
        return value.to(context.device, context.dtype)

    return Model(
        request.model,
        request.parameters,
        {name: moved(column) for name, column in data.inputs.items()},
        moved(data.target.value),
        None if data.weights is None else moved(data.weights),
        context,
    )
