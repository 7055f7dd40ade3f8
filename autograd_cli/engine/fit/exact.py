"""Models that are linear in their parameters: solved at once, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.fit.design import design
from autograd_cli.engine.fit.least_squares import Solution, solve
from autograd_cli.engine.fit.observations import Observations, observations, tensors
from autograd_cli.engine.fit.request import Cells, Request
from autograd_cli.engine.fit.sample import Predictor, sample
from autograd_cli.engine.fit.statistics import predictions, statistics, total_squares
from autograd_cli.engine.special.double_double import DoubleDouble, stack
from autograd_cli.results.fit import Fit, Step
from autograd_cli.results.regression import Prediction, Regression, Sample, Statistics

METHOD = "exact least squares"
ILL_CONDITIONED = 1e12  # from here on, the data's own digits do not determine the parameters
CONSTANT = 1e-12  # the relative distance of 1 from what the columns span, to count as among them


@dataclass(frozen=True)
class Exact:
    """The least-squares solution of a request: its parameters, and what is said of them."""

    parameters: Mapping[str, float]
    statistics: Statistics
    predictions: tuple[Prediction, ...] | None
    sample: Sample
    warnings: tuple[str, ...]


def least_squares(request: Request, data: Observations, context: Context) -> Exact:
    """The solution for a model that is linear in its parameters. Raises EvaluationError."""
    names = request.parameters
    parts = design(request.model, names, data.inputs, context)
    matrix = stack([parts.coefficients[name] for name in names])
    terms = [_term(parts.coefficients[name], data.inputs) for name in names]
    target = data.target - parts.offset
    if data.weights is not None:
        roots = DoubleDouble(data.weights).sqrt()
        matrix = matrix * roots[:, None]
        target = target * roots
    found = solve(matrix, target, names, terms)
    about_zero = not _has_constant(matrix.hi, data.weights)
    said = statistics(
        names,
        found.parameters,
        found.residuals,
        found.inverse,
        total_squares((data.target - parts.offset).value, data.weights, about_zero),
        about_zero,
        data.count,
        found.condition,
        request.confidence,
    )
    predictor = _predictor(request, found, said, context)
    return Exact(
        parameters=dict(zip(names, found.parameters.tolist(), strict=True)),
        statistics=said,
        predictions=None if request.elsewhere is None else predictor(request.elsewhere),
        sample=sample(request, data, -found.residuals, predictor),
        warnings=(*request.model.warnings, *_warnings(data, names, found)),
    )


def _term(coefficient: DoubleDouble, inputs: Mapping[str, Tensor]) -> str:
    """What multiplies a parameter, in words, where that is a column of the data."""
    for name, column in inputs.items():
        if bool((coefficient.hi == column).all()) and not bool(coefficient.lo.any()):
            is_constant = len(column) > 1 and bool((column == column[0]).all())
            return f"the column '{name}'" + (f", {column[0].item():g} everywhere" * is_constant)
    return ""


def _has_constant(matrix: Tensor, weights: Tensor | None) -> bool:
    """Whether a constant is among what the columns span."""
    ones = torch.ones(len(matrix), dtype=torch.float64) if weights is None else weights.sqrt()
    scale = matrix.abs().amax(dim=0)
    orthogonal = torch.linalg.qr(matrix / scale)[0]
    rest = ones - orthogonal @ (orthogonal.T @ ones)
    return float(rest.norm()) <= CONSTANT * len(matrix) * float(ones.norm())


def _predictor(request: Request, found: Solution, said: Statistics, context: Context) -> Predictor:
    def predictor(at: Cells) -> tuple[Prediction, ...]:
        parts = design(request.model, request.parameters, tensors(at), context)
        total = parts.offset
        for name, value in zip(request.parameters, found.parameters, strict=True):
            total = total + parts.coefficients[name] * DoubleDouble(value.expand_as(total.hi))
        matrix = stack([parts.coefficients[name] for name in request.parameters]).value
        return predictions(at, total.value, matrix, found.triangle, said)

    return predictor


def _warnings(data: Observations, names: tuple[str, ...], found: Solution) -> Iterator[str]:
    if found.condition > ILL_CONDITIONED:
        yield (
            f"ill-conditioned (condition number {found.condition:.1e}): the parameters are exact"
            " for these data, but other last digits of the data would give others"
        )
    if data.count == len(names):
        yield "as many parameters as observations: there are no standard errors"


class ExactFitting:
    """A fit that needs no steps."""

    def __init__(self, request: Request, task: str, context: Context) -> None:
        self._request = request
        self._task = task
        self._context = context

    def steps(self) -> Iterator[Step]:
        return iter(())

    def result(self, interrupted: bool = False) -> Fit:
        request, context = self._request, self._context
        data = observations(request, context)
        found = least_squares(request, data, context)
        rss = found.statistics.rss
        loss = rss if self._task == "curve" else rss / len(data.target.hi)
        return Regression(
            expression=request.model.source,
            at=found.parameters,
            dtype=context.dtype_name,
            device=str(context.device),
            value=loss,
            task=self._task,
            parameters=found.parameters,
            initial={},
            loss=loss,
            steps=0,
            converged=True,
            reason="solved exactly: the model is linear in its parameters",
            response=request.response.source,
            method=METHOD,
            statistics=found.statistics,
            exact=found.parameters,
            predictions=found.predictions,
            sample=found.sample,
            warnings=found.warnings,
        )
