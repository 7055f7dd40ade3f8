"""Curves: models that are not linear in their parameters, fitted from a start."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.fit import trust_region
from autograd_cli.engine.fit.elsewhere import places
from autograd_cli.engine.fit.linearised import regression, standard_errors, undetermined
from autograd_cli.engine.fit.problem import Problem
from autograd_cli.engine.fit.trust_region import (
    APPROACHES,
    SPENT,
    Approach,
    Descent,
    State,
    gauss_newton,
)
from autograd_cli.errors import EvaluationError
from autograd_cli.results.fit import INTERRUPTED, Fit, Step

MOST_STEPS = 500  # of one approach
LONG = 1000  # steps after which no further approach is tried
FLAT = 1e-12  # a parameter whose effect is smaller than this, beside the data, has none
AT_REST = 1e-8  # a Gauss-Newton step shorter than this, beside what it changes, is none
HALVINGS = 40  # of a start at which the model overflows


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
            if self._is_hopeless():
                break
            if self._count >= LONG:
                break
        final = self._polished()
        if not (self._verdict(final)[0] or self._is_spent() or self._is_hopeless()):
            yield from self._look_elsewhere()
            final = self._polished()
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
            if self._is_spent() or (found_from is place and self._verdict(self._polished())[0]):
                break
        if found_from is not None:
            at = ", ".join(f"{name} = {one:.3g}" for name, one in self._named(found_from).items())
            self._warnings.append(f"begun anew at {at}: there was no way from the given start")

    def _is_hopeless(self) -> bool:
        """Whether the data leave the same parameters open wherever one begins, as in `a*b*x`."""
        names = self._problem.names
        lost = undetermined(self._best, names)
        if not lost or lost != undetermined(self._begun, names):
            return False
        elsewhere = places(self._problem.model, self._begun.parameters)
        return all(undetermined(state, names) == lost for state in elsewhere)

    def _is_spent(self) -> bool:
        return self._count == self._most

    def _polished(self) -> State:
        return trust_region.polished(self._best, self._problem.model.jacobian)

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
        errors = standard_errors(state, self._problem.data.count)
        far = (step.abs() / torch.maximum(state.parameters.abs(), errors)).max()
        if far <= AT_REST or state.cosine <= self._tolerance:
            return (
                True,
                f"the residuals are orthogonal to the derivatives (cosine {state.cosine:.1e})",
            )
        if self._why == SPENT:
            return False, f"{self._count} steps taken (cosine {state.cosine:.1e})"
        return False, f"no step makes the residuals smaller (cosine {state.cosine:.1e})"
