"""Nonlinear least squares by a trust region, and a polish to the last digit.

J. J. Moré, "The Levenberg-Marquardt algorithm: implementation and theory" (1978): the step
minimises |r + J p| with |D p| <= Δ, where D grows with the columns of J. The damping of that step
is found by Newton's method on the secular equation, from one singular value decomposition for each
Jacobian.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

Residuals = Callable[[Tensor], Tensor]  # (n,) -> (m,)
Jacobian = Callable[[Tensor], tuple[Tensor, Tensor]]  # (n,) -> (m,), (m, n)

STATIONARY = 1e-13  # cosine between the residuals and the columns of J at which it is done
SHORTEST = 1e-15  # relative length of a step below which nothing moves
MOST_TRIALS = 60  # of one step
TINY = 1e-300

# Why a descent ended.
ORTHOGONAL = "orthogonal"  # the residuals to the columns of the Jacobian
EXACT = "exact"  # the residuals are zero
STILL = "still"  # the parameters no longer move
STUCK = "stuck"  # no step makes it better, not even a short one
SPENT = "spent"  # all steps taken


class State(NamedTuple):
    """A point on the way: parameters (n,), residuals (m,), Jacobian (m, n), sum of squares."""

    parameters: Tensor
    residuals: Tensor
    jacobian: Tensor
    squares: float

    @property
    def cosine(self) -> float:
        """The largest cosine between the residuals and a column of the Jacobian."""
        lengths = self.jacobian.norm(dim=0) * math.sqrt(self.squares)
        return float(((self.jacobian.T @ self.residuals).abs() / lengths.clamp(min=TINY)).max())

    @property
    def gradient_norm(self) -> float:
        """That of the sum of squares."""
        return 2 * float((self.jacobian.T @ self.residuals).norm())


@dataclass(frozen=True)
class Approach:
    """How to set out: `remembering` lets D never shrink; `radius` is the first Δ over |D b|."""

    remembering: bool
    radius: float


# A fit that goes astray at first is begun anew with the next one.
APPROACHES = (
    Approach(remembering=True, radius=100.0),
    Approach(remembering=False, radius=1.0),
    Approach(remembering=True, radius=0.1),
    Approach(remembering=False, radius=0.01),
)


def state_at(parameters: Tensor, jacobian: Jacobian) -> State | None:
    """The state at a point; None where the model or its derivatives are not finite."""
    residuals, derivatives = jacobian(parameters)
    squares = float(residuals @ residuals)
    if not (math.isfinite(squares) and bool(derivatives.isfinite().all())):
        return None
    return State(parameters, residuals, derivatives, squares)


class Descent:
    """A descent from `state`: `steps` yields every state that is better; then `why` it ended."""

    def __init__(
        self,
        state: State,
        residuals: Residuals,
        jacobian: Jacobian,
        approach: Approach,
        most: int,
        tolerance: float = STATIONARY,
    ) -> None:
        self.state = state
        self.why = SPENT
        self._residuals = residuals
        self._jacobian = jacobian
        self._approach = approach
        self._most = most
        self._tolerance = tolerance

    def steps(self) -> Iterator[State]:
        scale = torch.zeros_like(self.state.parameters)
        radius: float | None = None
        still = 0
        for _ in range(self._most):
            state = self.state
            if state.squares == 0:
                self.why = EXACT
                return
            if state.cosine < self._tolerance:
                self.why = ORTHOGONAL
                return
            lengths = state.jacobian.norm(dim=0)
            scale = torch.maximum(scale, lengths) if self._approach.remembering else lengths
            scale = torch.where(scale == 0, torch.ones_like(scale), scale)
            if radius is None:
                radius = self._approach.radius * (float((scale * state.parameters).norm()) or 1.0)
            found, radius = self._step(state, scale, radius)
            if found is None:
                self.why = STUCK
                return
            moved = (found.parameters - state.parameters).abs() / (found.parameters.abs() + TINY)
            still = still + 1 if moved.max() < STATIONARY else 0
            self.state = found
            yield found
            if still >= 2:
                self.why = STILL
                return

    def _step(self, state: State, scale: Tensor, radius: float) -> tuple[State | None, float]:
        """The next state, and the radius after it; None where no step makes it better."""
        secular = Secular(state.jacobian / scale, state.residuals)
        for _ in range(MOST_TRIALS):
            scaled, damping = secular.step(radius)
            step = scaled / scale
            length = float(scaled.norm())
            linear = float(((state.jacobian @ step) ** 2).sum())
            predicted = linear + 2 * damping * length**2
            trial = state.parameters + step
            squares = self._squares(trial)
            ratio = -1.0
            if predicted > 0 and math.isfinite(squares):
                ratio = (state.squares - squares) / predicted
            if ratio < 0.25:
                wild = not (math.isfinite(squares) and squares < 100 * state.squares)
                radius = min(radius, length) * (0.1 if wild else 0.5)
            elif ratio > 0.75 or damping == 0:
                radius = 2 * length
            if ratio > 1e-4:
                found = state_at(trial, self._jacobian)
                if found is not None:
                    return found, radius
                radius = 0.1 * length  # where there are no derivatives, there is no going on
            relative = (step.abs() / (state.parameters.abs() + TINY)).max()
            if relative < SHORTEST or predicted < 1e-16 * state.squares:
                break
        return None, radius

    def _squares(self, parameters: Tensor) -> float:
        residuals = self._residuals(parameters)
        return float(residuals @ residuals)


class Secular:
    """The damped steps of one Jacobian, J D^-1 of shape (m, n): |J q + r|² + λ|q|² at its least."""

    def __init__(self, jacobian: Tensor, residuals: Tensor) -> None:
        if len(jacobian) > 2 * jacobian.shape[1]:  # the triangle has the same singular values
            orthogonal, jacobian = torch.linalg.qr(jacobian)
            residuals = orthogonal.T @ residuals
        left, self._values, self._right = torch.linalg.svd(jacobian, full_matrices=False)
        self._target = -(left.T @ residuals)

    def step(self, radius: float) -> tuple[Tensor, float]:
        """q with |q| about `radius` or less, and its λ; 0 where the Gauss-Newton step is inside."""
        q = self._undamped()
        if not float(q.norm()) > 1.1 * radius:
            return self._right.T @ q, 0.0
        low, high = 0.0, float((self._values * self._target).norm()) / radius
        damping = 1e-3 * high
        for _ in range(60):
            divisor = self._values**2 + damping
            q = self._values * self._target / divisor
            length = float(q.norm())
            if abs(length - radius) <= 0.1 * radius:
                break
            low, high = (damping, high) if length > radius else (low, damping)
            slope = -float(((self._values * self._target) ** 2 / divisor**3).sum()) / length
            proposed = (
                damping - (length / radius) * (length - radius) / slope if slope else math.nan
            )
            if not low < proposed < high:
                proposed = math.sqrt(low * high) if low > 0 else 1e-3 * high
            damping = proposed
        return self._right.T @ q, damping

    def _undamped(self) -> Tensor:
        known = self._values > self._values[0] * 1e-15
        return torch.where(known, self._target / torch.where(known, self._values, 1.0), 0.0)


def polished(state: State, jacobian: Jacobian, most: int = 30, patience: int = 6) -> State:
    """Undamped Gauss-Newton steps, keeping the state of the lowest cosine.

    Near the minimum the sum of squares no longer tells points apart, and its derivatives do.
    """
    best, best_cosine, worse = state, state.cosine, 0
    for _ in range(most):
        step = gauss_newton(state)
        if step is None or (step.abs() / (state.parameters.abs() + TINY)).max() > 1e-2:
            break
        found = state_at(state.parameters + step, jacobian)
        if found is None or found.squares > best.squares * (1 + 1e-8):
            break
        state = found
        cosine = state.cosine
        if cosine < best_cosine:
            best, best_cosine, worse = state, cosine, 0
        else:
            worse += 1
        if worse >= patience:
            break
    return best


def gauss_newton(state: State) -> Tensor | None:
    """The undamped step, by column-scaled QR; None where the Jacobian does not determine it."""
    lengths = state.jacobian.norm(dim=0)
    if not lengths.all():
        return None
    orthogonal, triangle = torch.linalg.qr(state.jacobian / lengths)
    if not triangle.diagonal().all():
        return None
    right = -(orthogonal.T @ state.residuals)
    step = torch.linalg.solve_triangular(triangle, right[:, None], upper=True)[:, 0] / lengths
    return step if bool(step.isfinite().all()) else None
