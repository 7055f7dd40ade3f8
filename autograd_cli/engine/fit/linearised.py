"""What a curve fit says of itself: that of its linearisation where it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
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
INVOLVED = 1e-4  # the least part of a parameter in a direction that the data leave open


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
    lost = _undetermined(state)
    return [f"'{name}'" for name, one in zip(names, lost.tolist(), strict=True) if one]


def _undetermined(state: State) -> Tensor:
    """Which parameters have a part in a direction that changes no residual, boolean (n,)."""
    _, values, right = _decomposed(state)
    return (right[values == 0].abs() > INVOLVED).any(dim=0)


def _decomposed(state: State) -> tuple[Tensor, Tensor, Tensor]:
    """The lengths of the columns of the Jacobian (1 for one that vanishes), and the singular values
    (n,) and right vectors (n, n) of what is scaled by them; a value is 0 where it is lost in
    rounding."""
    lengths = state.jacobian.norm(dim=0)
    lengths = torch.where(lengths == 0, 1.0, lengths)
    triangle = torch.linalg.qr(state.jacobian / lengths, mode="r")[1]
    missing = len(lengths) - len(triangle)
    triangle = torch.nn.functional.pad(triangle, (0, 0, 0, missing))
    _, values, right = torch.linalg.svd(triangle)
    return lengths, torch.where(values * UNDETERMINED > values[0], values, 0.0), right


def rank(state: State) -> int:
    """How many parameters, or combinations of them, the data determine."""
    return int((_decomposed(state)[1] > 0).sum())


def _triangle(state: State) -> tuple[Tensor, Tensor]:
    """R of the column-scaled Jacobian, and the lengths of its columns."""
    lengths = state.jacobian.norm(dim=0)
    return torch.linalg.qr(state.jacobian / lengths, mode="r")[1], lengths


def _inverse(state: State) -> Tensor:
    """The inverse of J'J, by the inverse of R (n, n).

    Where the data leave parameters undetermined, those have an infinite variance, and the others
    that which they would have if as many of those were fixed as to determine the rest.
    """
    lost = _undetermined(state)
    if not bool(lost.any()):
        triangle, lengths = _triangle(state)
        identity = torch.eye(len(lengths), dtype=torch.float64)
        root = torch.linalg.solve_triangular(triangle, identity, upper=True) / lengths[:, None]
        inverse: Tensor = root @ root.T
        return inverse
    lengths, values, right = _decomposed(state)
    known = values > 0
    root = right[known].T / values[known] / lengths[:, None]
    found: Tensor = root @ root.T
    found[lost] = found[:, lost] = math.nan
    found.diagonal()[lost] = math.inf
    return found


def standard_errors(state: State, count: int) -> Tensor:
    degrees = count - rank(state)
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
        rank(state) if triangle.isfinite().all() or state.jacobian.isfinite().all() else None,
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
