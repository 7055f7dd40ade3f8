"""The descent loop: steps as they are taken, and what they came to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.descent.divergence import why_diverged
from autograd_cli.engine.descent.objective import Objective
from autograd_cli.engine.descent.optimizers import Update, check_fit, optimizer
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.schedules import schedule
from autograd_cli.results import Value
from autograd_cli.results.fit import INTERRUPTED, Fit, Step
from autograd_cli.settings import Descent

FALLEN = 1e-3  # of its norm at the start: a gradient that small has converged, without a tolerance
WATCHED = 4  # states at the beginning whose curvature explains a divergence


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Where a descent ended, and why."""

    parameters: Mapping[str, Value]
    initial: Mapping[str, Value]
    loss: float
    steps: int
    converged: bool
    reason: str
    diverged: bool = False
    gradient_norm: float | None = None
    warnings: tuple[str, ...] = ()


class Descending:
    """A descent under way; `conclude` makes of its ending the result of the task.

    `problem` holds the parameters where they are, `first` and `last` are the steps at the start and
    so far. Raises: UsageError for an optimiser that does not fit the objective and for an
    unreadable schedule.
    """

    def __init__(
        self,
        objective: Objective,
        descent: Descent,
        context: Context,
        conclude: Callable[[Ending], Fit],
    ) -> None:
        self.row = optimizer(descent.optimizer)
        check_fit(self.row, objective, descent.batch_size)
        self.problem = Problem(objective)
        self.first: Step | None = None
        self.last: Step | None = None
        self.rate = self.row.rate if descent.learning_rate is None else descent.learning_rate
        self._descent = descent
        self._factor = schedule(descent.schedule, descent.steps)
        self._context = context
        self._conclude = conclude
        self._watched: list[tuple[Tensor, float]] = []  # states, and the rates that led on
        self._at_rest = False

    def steps(self) -> Iterator[Step]:
        """Step 0, the start, and then every step as it is taken."""
        yield self._record(0, None)
        if self._is_over():
            return
        update = self.row.make(self.problem)
        for number in range(1, self._descent.steps + 1):
            rate = self.rate * self._factor(number - 1)
            origin = self.problem.point()
            if len(self._watched) < WATCHED:
                self._watched.append((origin, rate))
            self._take(update, rate)
            self._at_rest = bool((self.problem.point() == origin).all())
            yield self._record(number, rate)
            if self._is_over():
                return

    def result(self, interrupted: bool = False) -> Fit:
        """What it came to so far; `interrupted` says that it was stopped from outside."""
        return self._conclude(self.ending(interrupted))

    def _take(self, update: Update, rate: float) -> None:
        """One step: an update, or one for each batch of the observations, drawn anew."""
        size = self._descent.batch_size
        if size is None:
            update(rate)  # the gradient is there from the last record
            return
        count = self.problem.objective.observations
        order = torch.randperm(count, generator=self._context.generator)
        for rows in torch.split(order.to(self._context.device), size):
            self.problem.differentiate(rows)
            update(rate)

    def _record(self, number: int, rate: float | None) -> Step:
        loss = self.problem.differentiate()
        step = Step(
            step=number,
            loss=float(loss),
            parameters=self.problem.plain(),
            gradient_norm=float(torch.linalg.vector_norm(self.problem.gradient())),
            learning_rate=rate,
        )
        self.first, self.last = self.first or step, step
        return step

    def _is_over(self) -> bool:
        assert self.last is not None
        norm = self.last.gradient_norm or 0.0
        if not math.isfinite(self.last.loss) or not math.isfinite(norm):
            return True
        if self._descent.tolerance is not None and norm <= self._descent.tolerance:
            return True
        if self.row.whole:  # these have a line search: at rest, they are at the end
            return self._at_rest or norm == 0
        return norm == 0 and (self._at_rest or self.last.step == 0)

    # How it ended ---------------------------------------------------------------------------------

    def ending(self, interrupted: bool = False) -> Ending:
        """Where it ended so far, and why."""
        assert self.first is not None
        assert self.last is not None
        converged, reason = (False, INTERRUPTED) if interrupted else self._verdict()
        diverged = not converged and not interrupted and self._has_diverged()
        return Ending(
            parameters=self.last.parameters,
            initial=self.first.parameters,
            loss=self.last.loss,
            steps=self.last.step,
            converged=converged,
            reason=reason,
            diverged=diverged,
            gradient_norm=self.last.gradient_norm,
            warnings=why_diverged(self.problem, self.row, self._watched) if diverged else (),
        )

    def _has_diverged(self) -> bool:
        assert self.first is not None
        assert self.last is not None
        return self.last.step > 0 and not self.last.loss <= self.first.loss

    def _verdict(self) -> tuple[bool, str]:
        """Whether it converged, and why it stopped."""
        assert self.first is not None
        assert self.last is not None
        first, last, tolerance = self.first, self.last, self._descent.tolerance
        norm, start = last.gradient_norm or 0.0, first.gradient_norm or 0.0
        if not math.isfinite(last.loss):
            return False, f"the loss is {last.loss:g} at step {last.step}"
        if not math.isfinite(norm):
            return False, f"the gradient is {norm:g} at step {last.step}"
        if tolerance is not None and norm <= tolerance:
            return True, f"the gradient norm is at most {tolerance:g}"
        if norm == 0:
            return True, "the gradient is zero"
        if self._has_diverged():
            return False, f"diverged: the loss rose from {first.loss:.4g} to {last.loss:.4g}"
        small = norm <= FALLEN * start if tolerance is None else False
        fell = f"the gradient norm went from {start:.3g} to {norm:.3g}"
        if self.row.whole and self._at_rest:
            return small, f"no step lowers the loss further: {fell}"
        if tolerance is not None:
            return False, f"the gradient norm is {norm:.3g}, not {tolerance:g}"
        return small, fell
