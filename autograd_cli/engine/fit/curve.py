"""Curves: models that are not linear in their parameters, fitted from a start."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import constants
from autograd_cli.engine.fit import trust_region
from autograd_cli.engine.fit.elsewhere import places
from autograd_cli.engine.fit.model import Model
from autograd_cli.engine.fit.observations import Observations, observations
from autograd_cli.engine.fit.request import Request
from autograd_cli.engine.fit.statistics import predictions, statistics, total_squares
from autograd_cli.engine.fit.trust_region import (
    APPROACHES,
    SPENT,
    Approach,
    Descent,
    State,
    gauss_newton,
)
from autograd_cli.errors import EvaluationError, ShapeError
from autograd_cli.results import Value
from autograd_cli.results.fit import INTERRUPTED, Fit, Step
from autograd_cli.results.regression import Prediction, Regression, Statistics

METHOD = "nonlinear least squares"
MOST_STEPS = 500  # of one approach
LONG = 1000  # steps after which no further approach is tried
FLAT = 1e-12  # a parameter whose effect is smaller than this, beside the data, has none
AT_REST = 1e-8  # a Gauss-Newton step shorter than this, beside what it changes, is none
UNDETERMINED = 1e14  # condition number of the scaled Jacobian
HALVINGS = 40  # of a start at which the model overflows


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


class CurveFitting:
    """A curve on its way: trust-region steps from one start, begun anew where they go astray."""

    def __init__(
        self, problem: Problem, context: Context, most: int | None, tolerance: float | None
    ) -> None:
        self._problem = problem
        self._context = context
        self._most = most
        self._tolerance = tolerance or trust_region.STATIONARY
        self._count = 0
        self._why = SPENT
        self._warnings: list[str] = []
        self._begun = self._first_state()
        self._best = self._begun

    def steps(self) -> Iterator[Step]:
        yield self._step(self._begun)
        for approach in APPROACHES:
            ending = yield from self._descend(self._begun, approach)
            if self._is_spent() or (ending.why != SPENT and not self._flat(ending.state)):
                break
            if self._count >= LONG:
                break
        if not self._is_done() and not self._is_spent():
            yield from self._look_elsewhere()
        final = trust_region.polished(self._best, self._problem.model.jacobian)
        if final is not self._best:
            self._count += 1
            self._best = final
            yield self._step(final)

    def _descend(self, state: State, approach: Approach) -> Generator[Step, None, Descent]:
        model = self._problem.model
        left = MOST_STEPS if self._most is None else self._most - self._count
        descent = Descent(state, model.residuals, model.jacobian, approach, left, self._tolerance)
        for found in descent.steps():
            self._count += 1
            self._take(found)
            yield self._step(found)
        self._take(descent.state, descent.why)
        return descent

    def _look_elsewhere(self) -> Iterator[Step]:
        """Begin anew at other places, until a descent from one of them finds a minimum."""
        found_from: State | None = None
        for place in places(self._problem.model, self._begun.parameters):
            before = self._best
            yield from self._descend(place, APPROACHES[0])
            if self._best is not before:
                found_from = place
            if self._is_spent() or (found_from is place and self._is_done()):
                break
        if found_from is not None:
            at = ", ".join(f"{name} = {one:.3g}" for name, one in self._named(found_from).items())
            self._warnings.append(f"begun anew at {at}: there was no way from the given start")

    def _is_spent(self) -> bool:
        return self._count == self._most

    def _is_done(self) -> bool:
        """Whether the best state is a minimum, up to the polish."""
        polished = trust_region.polished(self._best, self._problem.model.jacobian)
        return self._verdict(polished)[0]

    def result(self, interrupted: bool = False) -> Fit:
        converged, reason = self._verdict(self._best)
        if interrupted:
            converged, reason = False, INTERRUPTED
        return regression(
            self._problem,
            self._best,
            self._context,
            parameters=self._named(self._best),
            initial=self._named(self._begun),
            loss=self._best.squares,
            steps=self._count,
            converged=converged,
            reason=reason,
            warnings=tuple(self._warnings),
        )

    def _take(self, state: State, why: str = SPENT) -> None:
        if state.squares <= self._best.squares * (1 - 1e-12) or state is self._best:
            self._best, self._why = state, why

    def _step(self, state: State) -> Step:
        return Step(
            step=self._count,
            loss=state.squares,
            parameters=self._named(state),
            gradient_norm=state.gradient_norm,
        )

    def _named(self, state: State) -> dict[str, float]:
        return dict(zip(self._problem.names, state.parameters.tolist(), strict=True))

    def _flat(self, state: State) -> bool:
        """Whether a parameter has no effect any more: the curve has gone where there is none."""
        size = max(1.0, float(self._problem.data.target.hi.norm()))
        effects = state.jacobian.norm(dim=0) * state.parameters.abs()
        return bool((effects < FLAT * size).any())

    def _first_state(self) -> State:
        """The state at the start, or at a part of it where the model overflows there."""
        model, start = self._problem.model, self._problem.start
        overflows = False
        for halving in range(HALVINGS + 1):
            parameters = start * 0.5**halving
            found = trust_region.state_at(parameters, model.jacobian)
            if found is not None:
                if halving:
                    factor = f"1/{2**halving}"
                    self._warnings.append(
                        f"the model overflows at the start: begun at {factor} of it"
                    )
                return found
            if not overflows and not (overflows := self._overflows(parameters)):
                break
        raise self._no_start()

    def _overflows(self, parameters: Tensor) -> bool:
        """Whether the model, or its derivatives alone, are too large for float64."""
        model = self._problem.model
        return model.overflows(parameters) or model.explain(parameters) is None

    def _no_start(self) -> EvaluationError:
        model, start = self._problem.model, self._problem.start
        found = model.explain(start)
        if found is None:
            return EvaluationError(
                "the model has no finite derivative at the start",
                hint="choose another --start, away from where it has a kink or an edge",
            )
        row, why = found
        at = ", ".join(f"{name} = {column[row].item():g}" for name, column in model.data.items())
        return EvaluationError(
            f"the model has no value at the start, in row {row + 1} ({at}): {why}",
            hint="choose a --start within the model's domain",
        )

    def _verdict(self, state: State) -> tuple[bool, str]:
        names = self._problem.names
        if state.squares == 0:
            return True, "the model goes through every observation"
        lost = undetermined(state, names)
        if lost:
            return False, f"the data do not determine {' and '.join(lost)}"
        step = gauss_newton(state)
        assert step is not None
        errors = _standard_errors(state, self._problem.data.count)
        far = (step.abs() / torch.maximum(state.parameters.abs(), errors)).max()
        if far <= AT_REST or state.cosine <= self._tolerance:
            return (
                True,
                f"the residuals are orthogonal to the derivatives (cosine {state.cosine:.1e})",
            )
        if self._why == SPENT:
            return False, f"{self._count} steps taken (cosine {state.cosine:.1e})"
        return False, f"no step makes the residuals smaller (cosine {state.cosine:.1e})"


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
    said, predicted = _said(problem, state)
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
        predictions=predicted,
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


def _standard_errors(state: State, count: int) -> Tensor:
    degrees = count - len(state.parameters)
    variance = state.squares / degrees if degrees else 0.0
    return _inverse(state).diagonal().sqrt() * math.sqrt(variance)


def _said(
    problem: Problem, state: State | None
) -> tuple[Statistics, tuple[Prediction, ...] | None]:
    request, data = problem.request, problem.data
    size = len(problem.names)
    nowhere = torch.full((size,), math.nan, dtype=torch.float64)
    if state is None:
        parameters, residuals = nowhere, torch.full_like(data.target.hi, math.nan)
        inverse, triangle, condition = (
            nowhere.expand(size, size),
            nowhere.expand(size, size),
            math.nan,
        )
    else:
        parameters, residuals, inverse = state.parameters, state.residuals, _inverse(state)
        triangle, lengths = _triangle(state)
        condition = float(torch.linalg.cond(triangle)) if triangle.isfinite().all() else math.inf
        triangle = triangle * lengths
    total = total_squares(data.target.value, data.weights, about_zero=False)
    said = statistics(
        problem.names,
        parameters,
        residuals,
        inverse,
        total,
        False,
        data.count,
        condition,
        request.confidence,
    )
    if request.elsewhere is None:
        return said, None
    columns = {
        name: torch.tensor(list(cells), dtype=torch.float64)
        for name, cells in request.elsewhere.items()
    }
    values, gradients = problem.model.gradients(parameters, columns)
    return said, predictions(request.elsewhere, values, gradients, triangle, said)
