"""What a curve fit says of itself: that of its linearisation where it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.fit.observations import tensors
from autograd_cli.engine.fit.problem import Problem
from autograd_cli.engine.fit.request import Cells
from autograd_cli.engine.fit.sample import Predictor, sample
from autograd_cli.engine.fit.statistics import predictions, statistics, total_squares
from autograd_cli.engine.fit.trust_region import State
from autograd_cli.results import Value
from autograd_cli.results.regression import Prediction, Regression, Statistics

METHOD = "nonlinear least squares"
UNDETERMINED = 1e14  # condition number of the scaled Jacobian


def regression(
    problem: Problem,
    state: State | None,
    context: Context,
    *,
    parameters: Mapping[str, Value],
    initial: Mapping[str, Value],
    loss: float,
    steps: int,
    converged: bool,
    reason: str,
    warnings: tuple[str, ...],
    method: str = METHOD,
) -> Regression:
    """The result of a curve fit that ended at `state`; None where that is nowhere finite."""
    request = problem.request
    said, predictor = _said(problem, state or _nowhere(problem))
    if problem.data.count == len(problem.names):
        warnings = (*warnings, "as many parameters as observations: there are no standard errors")
    return Regression(
        expression=request.model.source,
        at=parameters,
        dtype=context.dtype_name,
        device=str(context.device),
        value=loss,
        task="curve",
        parameters=parameters,
        initial=initial,
        loss=loss,
        steps=steps,
        converged=converged,
        reason=reason,
        response=request.response.source,
        method=method,
        statistics=said,
        predictions=None if request.elsewhere is None else predictor(request.elsewhere),
        sample=None if state is None else sample(request, problem.data, state.residuals, predictor),
        warnings=(*request.model.warnings, *warnings),
    )


def undetermined(state: State, names: tuple[str, ...]) -> list[str]:
    """The parameters that could be otherwise without any effect on the residuals."""
    lengths = state.jacobian.norm(dim=0)
    if not lengths.all():
        return [f"'{name}'" for name, one in zip(names, lengths.tolist(), strict=True) if not one]
    _, values, right = torch.linalg.svd(state.jacobian / lengths, full_matrices=False)
    if values[-1] * UNDETERMINED > values[0]:
        return []
    return [
        f"'{name}'" for name, part in zip(names, right[-1].tolist(), strict=True) if abs(part) > 0.1
    ]


def _triangle(state: State) -> tuple[Tensor, Tensor]:
    """R of the column-scaled Jacobian, and the lengths of its columns."""
    lengths = state.jacobian.norm(dim=0)
    return torch.linalg.qr(state.jacobian / lengths, mode="r")[1], lengths


def _inverse(state: State) -> Tensor:
    """The inverse of J'J, by the inverse of R (n, n)."""
    triangle, lengths = _triangle(state)
    identity = torch.eye(len(lengths), dtype=torch.float64)
    root = torch.linalg.solve_triangular(triangle, identity, upper=True) / lengths[:, None]
    inverse: Tensor = root @ root.T
    return inverse


def standard_errors(state: State, count: int) -> Tensor:
    degrees = count - len(state.parameters)
    variance = state.squares / degrees if degrees else 0.0
    return _inverse(state).diagonal().sqrt() * math.sqrt(variance)


def _said(problem: Problem, state: State) -> tuple[Statistics, Predictor]:
    request, data = problem.request, problem.data
    triangle, lengths = _triangle(state)
    said = statistics(
        problem.names,
        state.parameters,
        state.residuals,
        _inverse(state),
        total_squares(data.target.value, data.weights, about_zero=False),
        False,
        data.count,
        float(torch.linalg.cond(triangle)) if triangle.isfinite().all() else math.inf,
        request.confidence,
    )

    def predictor(at: Cells) -> tuple[Prediction, ...]:
        values, gradients = problem.model.gradients(state.parameters, tensors(at))
        return predictions(at, values, gradients, triangle * lengths, said)

    return said, predictor


def _nowhere(problem: Problem) -> State:
    """What stands for a state where the model is not finite."""
    size, count = len(problem.names), len(problem.data.target.hi)
    nan = torch.tensor(math.nan, dtype=torch.float64)
    return State(nan.expand(size), nan.expand(count), nan.expand(count, size), math.nan)
