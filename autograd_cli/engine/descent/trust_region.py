"""Newton's method in a trust region, in a box if there are bounds.

Conn, Gould & Toint, "Trust-region methods" (2000), algorithm 6.1.1, with exact Hessians.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from autograd_cli.engine.derive.critical_points import is_critical
from autograd_cli.engine.descent.bounds import Box
from autograd_cli.engine.descent.curvature import hessian
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.subproblem import model, step_in_box
from autograd_cli.errors import AgxError
from autograd_cli.results.fit import Step

ACCEPTED = 1e-4  # of the promised decrease, what a step must bring to be taken
POOR, GOOD = 0.25, 0.75  # of it, for which the radius shrinks and grows
SHRINKS = 80  # trials at most for one step
ROUNDING = 64.0  # units of rounding of the loss within which its changes say nothing
SMALL_STEP = 1e-4  # of the size of the point: a Newton step that long is near its end
RUNAWAY = 1e20  # times the size at the start: beyond that a loss or a point runs away
LEVEL = 40  # steps with a small gradient that do not get shorter: the loss levels off
SHORT, CRAWL = 1e-5, 20  # of the size of the point: so many steps as short as that in a row crawl
POLISH = 10  # steps at most after the tolerance is reached, as long as the gradient falls

# Why it stopped.
CRITICAL, STUCK, FALLING, LEVELLING, LIMIT = "critical", "stuck", "falling", "levelling", "limit"


class TrustRegion:
    """A minimisation under way: `steps` takes it; then `stop` says why it ended.

    `tolerance` is the norm of the projected gradient at which a point counts as critical; one that
    is zero as far as rounding goes counts as well. The steps are counted on from `begun`, up to
    `limit`.
    """

    def __init__(
        self, problem: Problem, box: Box, limit: int, tolerance: float, begun: int = 0
    ) -> None:
        self._problem = problem
        self._box = box
        self._limit = limit
        self._tolerance = tolerance
        self._steps = begun
        self.stop = ""
        problem.place(box.project(problem.point()))
        self._look()
        self._first_loss, self._first_size = self.loss, float(self.point.norm())
        self._radius = max(1.0, self._first_size)

    def _look(self) -> None:
        """The loss, gradient and Hessian at the parameters."""
        self.point = self._problem.point()
        self.loss = float(self._problem.differentiate())
        self.slope = self._problem.gradient()
        self.matrix = hessian(self._problem)

    def steps(self) -> Iterator[Step]:
        """The steps that were taken, from step 0; may be called again, to go on from elsewhere."""
        if self._steps == 0:
            yield self._record()
        level = polish = crawl = 0
        before = math.inf
        self.stop = ""
        while not self.stop:
            size = self.projected_norm()
            if not self._is_small(size):
                level = 0
            elif self._is_near() or size == 0:
                polish += 1
                if polish > POLISH or size == 0 or not size < before / 2:
                    self.stop = CRITICAL
            else:
                level += 1
                if level > LEVEL:
                    self.stop = LEVELLING
            if self._has_run_away():
                self.stop = FALLING
            if self.stop == CRITICAL and self._falls_somewhere():
                self.stop = ""
            if not self.stop and self._steps >= self._limit:
                self.stop = LIMIT
            if self.stop:
                return
            before, origin = size, self.point
            if crawl > CRAWL or not self._advance():
                self.stop = CRITICAL if self._is_small(size) else STUCK
                return
            moved = float((self.point - origin).norm())
            is_short = moved <= SHORT * (1 + float(origin.norm()))
            crawl = crawl + 1 if is_short and not self._is_small(self.projected_norm()) else 0
            yield self._record()

    def _record(self) -> Step:
        return Step(
            step=self._steps,
            loss=self.loss,
            parameters=self._problem.plain(),
            gradient_norm=self.projected_norm(),
        )

    def projected_norm(self) -> float:
        """The norm of the gradient, without what pushes against a bound."""
        return float(torch.where(self._held(), 0.0, self.slope).norm())

    def free(self) -> Tensor:
        """Which parameters are not held at a bound."""
        return ~self._held()

    def _held(self) -> Tensor:
        return self._box.held(self.point, self.slope)

    def _is_small(self, size: float) -> bool:
        if size <= self._tolerance:
            return True
        free = self.free()
        return is_critical(self.slope[free], self.matrix[free][:, free], [self.point[free]])

    def _is_near(self) -> bool:
        """Whether the Newton step is short: a small gradient alone is a matter of scale."""
        return float(self.newton().norm()) <= SMALL_STEP * (1 + float(self.point.norm()))

    def newton(self) -> Tensor:
        """The Newton step in the free parameters where the curvature is not zero, shape (size,)."""
        free = self.free()
        step = torch.zeros_like(self.point)
        if bool(free.any()):
            values, vectors = torch.linalg.eigh(self.matrix[free][:, free])
            zero = torch.finfo(values.dtype).eps * len(values) * float(values.abs().max())
            flat = values.abs() <= zero
            parts = vectors.T @ self.slope[free]
            step[free] = vectors @ torch.where(flat, 0.0, -parts / torch.where(flat, 1.0, values))
        return step

    def _falls_somewhere(self) -> bool:
        """Whether the matrix curves downwards in the free parameters."""
        free = self.free()
        if not bool(free.any()):
            return False
        values = torch.linalg.eigvalsh(self.matrix[free][:, free])
        slack = 1e-9 * float(values.abs().max())
        return float(values[0]) < -max(slack, 1e-300)

    def _has_run_away(self) -> bool:
        fell = self.loss < -RUNAWAY * (1 + abs(self._first_loss))
        return fell or float(self.point.norm()) > RUNAWAY * (1 + self._first_size)

    def _advance(self) -> bool:
        """Take one step; False where no trial lowers the loss."""
        size = self.projected_norm()
        for _ in range(SHRINKS):
            step = step_in_box(self.point, self.slope, self.matrix, self._radius, self._box)
            length = float(step.norm())
            if length == 0 or bool((self.point + step == self.point).all()):
                return False
            promised = -model(self.slope, self.matrix, step)
            trial = self._box.project(self.point + step)
            gain = self.loss - self._value(trial)
            noise = ROUNDING * torch.finfo(self.point.dtype).eps * abs(self.loss)
            if abs(gain) <= noise and promised <= noise:
                # Rounding decides: the gradient tells better whether this is nearer.
                if self._move(trial, size):
                    return True
                self._radius = length / 4
                continue
            ratio = gain / promised if promised > 0 else -1.0
            if not ratio >= POOR:
                self._radius = length / 4
            elif ratio > GOOD and length >= 0.8 * self._radius:
                self._radius *= 4 if ratio > 0.9 else 2
            if ratio >= ACCEPTED:
                return self._move(trial, None)
        return False

    def _value(self, point: Tensor) -> float:
        """The loss elsewhere; infinite where there is none."""
        self._problem.place(point)
        try:
            with torch.no_grad():
                value = float(self._problem.loss())
        except AgxError:
            value = math.inf
        self._problem.place(self.point)
        return value if not math.isnan(value) else math.inf

    def _move(self, point: Tensor, most: float | None) -> bool:
        """Go to a point where the derivatives are finite, and the gradient less than `most`."""
        before = (self.point, self.loss, self.slope, self.matrix)
        self._problem.place(point)
        self._look()
        finite = bool(self.slope.isfinite().all() and self.matrix.isfinite().all())
        if finite and (most is None or self.projected_norm() < most):
            self._steps += 1
            return True
        self.point, self.loss, self.slope, self.matrix = before
        self._problem.place(self.point)
        self._radius /= 4
        return False

    def jump(self, point: Tensor) -> None:
        """Go on from another point."""
        self._problem.place(point)
        self.resume(self._steps + 1)

    def resume(self, steps: int) -> None:
        """Go on from where the parameters are, after so many steps."""
        self._look()
        self._steps = steps
        self._radius = max(1.0, float(self.point.norm()))
