"""Minimise a loss that has kinks on the way or at its end.

BFGS with a line search for the weak Wolfe conditions, which does not mind kinks: it learns the
directions in which the loss bends sharply as very large curvatures (A. S. Lewis and M. L. Overton,
"Nonsmooth optimization via quasi-Newton methods", 2013). Where it ends, a step against the
gradients around the point shows whether that was too early (see `subdifferential`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.subdifferential import around, radii
from autograd_cli.errors import AgxError
from autograd_cli.results.fit import Step

DECREASE, CURVATURE = 1e-4, 0.9  # of the slope: the weak Wolfe conditions
TRIALS = 60  # of one line search
PATIENCE = 20  # steps, and one for each parameter, in which the loss has to fall beyond rounding
ROUNDING = 8.0  # units of it
RESTARTS = 40
DEEPEST = -1e20  # a loss that falls below this, beside its size at the start, has no least value


class NonsmoothDescent:
    """A descent under way, from where the parameters are; the steps are counted on from `begun`."""

    def __init__(self, problem: Problem, limit: int, tolerance: float, begun: int) -> None:
        self._problem = problem
        self._limit = limit
        self._tolerance = tolerance
        self._steps = begun
        self._point = problem.point()
        self._loss, self._slope = self._look(self._point)
        self._first = self._loss

    def steps(self) -> Iterator[Step]:
        """The steps that were taken; the parameters are at the last of them."""
        for number in range(RESTARTS):
            least = self._loss - self._rounding()
            yield from self._quasi_newton()
            if self._is_over() or (number and not self._loss < least) or not self._leave():
                break
            yield self._record()
        self._problem.place(self._point)

    def _is_over(self) -> bool:
        return self._steps >= self._limit or self._loss < DEEPEST * (1 + abs(self._first))

    def _rounding(self) -> float:
        """Of the loss."""
        return ROUNDING * torch.finfo(self._point.dtype).eps * max(abs(self._loss), 1e-3)

    def _record(self) -> Step:
        self._problem.place(self._point)
        return Step(
            step=self._steps,
            loss=self._loss,
            parameters=self._problem.plain(),
            gradient_norm=float(self._slope.norm()),
        )

    def _look(self, point: Tensor) -> tuple[float, Tensor]:
        """The loss and its gradient elsewhere; infinite where one of them is not there."""
        self._problem.place(point)
        try:
            loss = float(self._problem.differentiate())
        except AgxError:
            loss = math.inf
        slope = self._problem.gradient()
        if not (math.isfinite(loss) and bool(slope.isfinite().all())):
            return math.inf, slope
        return loss, slope

    def _quasi_newton(self) -> Iterator[Step]:
        """BFGS, until no step lowers the loss or none changes the point any more."""
        size = len(self._point)
        identity = torch.eye(size, dtype=self._point.dtype, device=self._point.device)
        inverse = identity / max(float(self._slope.norm()), 1.0)
        fresh = True
        patience = PATIENCE + size
        falls: list[float] = []
        while not self._is_over():
            falls.append(self._loss)
            if len(falls) > patience and not self._loss < falls[-patience] - self._rounding():
                return
            direction = -(inverse @ self._slope)
            origin, before = self._point, self._slope
            if not self._search(direction):
                if fresh:
                    return
                inverse, fresh = identity / max(float(self._slope.norm()), 1.0), True
                continue
            yield self._record()
            step, change = self._point - origin, self._slope - before
            along = float(step @ change)
            if along > 0:
                if fresh:  # the size of the first curvature (Nocedal & Wright, equation 6.20)
                    inverse = identity * (along / float(change @ change))
                inverse, fresh = _updated(inverse, step, change, along), False

    def _search(self, direction: Tensor) -> bool:
        """Go along a direction to a point of the weak Wolfe conditions, by bisection, or at least
        to a lower one; False where there is none."""
        promised = float(self._slope @ direction)
        if not promised < 0:
            return False
        low, high, rate = 0.0, math.inf, 1.0
        best: tuple[Tensor, float, Tensor] | None = None
        for _ in range(TRIALS):
            point = self._point + rate * direction
            loss, slope = self._look(point)
            if not loss < self._loss + DECREASE * rate * promised:
                high = rate
            else:
                best, low = (point, loss, slope), rate
                if float(slope @ direction) >= CURVATURE * promised:
                    break
            rate = (low + high) / 2 if high < math.inf else 2 * low
            if not math.isfinite(rate):
                break
        if best is None or bool((best[0] == self._point).all()):
            return False
        self._point, self._loss, self._slope = best
        self._steps += 1
        return True

    def _leave(self) -> bool:
        """Go down against the gradients around the point; False where they agree on no way."""
        everything = torch.ones_like(self._point, dtype=torch.bool)
        for radius in radii(self._point.dtype):
            self._problem.place(self._point)
            found = around(self._problem, radius, everything, self._tolerance)
            if found is None or found.norm <= self._tolerance:
                return False
            way = -found.nearest.to(self._point) / found.norm
            rate = 1.0
            for _ in range(TRIALS):
                loss, slope = self._look(self._point + rate * way)
                if loss < self._loss - DECREASE * rate * found.norm:
                    self._point, self._loss, self._slope = self._point + rate * way, loss, slope
                    self._steps += 1
                    return True
                rate /= 2
        return False


def _updated(inverse: Tensor, step: Tensor, change: Tensor, along: float) -> Tensor:
    """The BFGS update of the inverse Hessian, (n, n)."""
    image = inverse @ change
    factor = (1 + float(change @ image) / along) / along
    mixed = torch.outer(image, step)
    return inverse + factor * torch.outer(step, step) - (mixed + mixed.T) / along
