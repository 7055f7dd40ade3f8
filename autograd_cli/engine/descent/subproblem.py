"""The step of a trust region: the minimum of a quadratic model in a ball, and in a box.

The ball's is exact, by the eigenvalues of the Hessian (Moré & Sorensen, 1983; Conn, Gould & Toint,
"Trust-region methods", 2000, section 7.3).
"""

from __future__ import annotations

import torch
from torch import Tensor

from autograd_cli.engine.descent.bounds import Box

ROOTS = 60  # iterations at most on the secular equation, which usually takes five
NEAR = 1e-6  # of the radius: how exactly the step reaches the boundary
FIXED = 20  # times at most that parameters are fixed at the bounds they hit
CAUCHY = 0.1  # of the decrease along the projected gradient, what a projected step brings at least


def step_in_ball(slope: Tensor, matrix: Tensor, radius: float) -> Tensor:
    """The p of norm at most `radius` that minimises slope·p + p·Hp/2, shape (size,)."""
    values, vectors = torch.linalg.eigh(matrix)
    parts = vectors.T @ slope
    size = torch.finfo(values.dtype).eps * len(values)
    zero = size * float(values.abs().max())
    lowest = float(values[0])
    if lowest > zero:
        newton = -parts / values
        if float(newton.norm()) <= radius:
            return _combined(vectors, newton)
    least = max(0.0, -lowest)  # of the shift that makes the matrix positive semidefinite
    flat = values - values[0] <= zero
    if float(parts[flat].norm()) <= size * float(parts.norm()):
        # The hard case: the slope has no part along the lowest eigenvectors.
        rest = torch.where(flat, 0.0, -parts / torch.where(flat, 1.0, values + least))
        length = float(rest.norm())
        if length <= radius:
            if lowest < -zero:  # and that is where the model falls
                rest = rest.clone()
                rest[0] = (radius**2 - length**2) ** 0.5
            return _combined(vectors, rest)
    return _combined(vectors, _on_boundary(values, parts, radius, least))


def _combined(vectors: Tensor, parts: Tensor) -> Tensor:
    """The vector with these parts along the columns."""
    return torch.mv(vectors, parts)


def _on_boundary(values: Tensor, parts: Tensor, radius: float, least: float) -> Tensor:
    """The step of norm `radius`, by Newton's method on 1/radius - 1/|p(shift)| between bounds."""
    norm = float(parts.norm())
    low, high = least, least + norm / radius  # the root is between them
    shift = high
    step = -parts / (values + shift)
    for _ in range(ROOTS):
        length = float(step.norm())
        if abs(length - radius) <= NEAR * radius:
            break
        if length > radius:
            low = max(low, shift)
        else:
            high = min(high, shift)
        growth = float((step * step / (values + shift)).sum())
        following = shift + (length / radius - 1) * length**2 / growth if growth > 0 else high
        if not low < following < high:
            following = (low + high) / 2
        if following in (shift, low, high) or following == least:
            break
        shift = following
        step = -parts / (values + shift)
    return step


def step_in_box(point: Tensor, slope: Tensor, matrix: Tensor, radius: float, box: Box) -> Tensor:
    """A step that keeps to the box and, about, to the ball.

    Parameters at a bound that the descent pushes against are held; those that the step would take
    over a bound are fixed there, and the others minimised anew. The step is at least as good as a
    share of the best one along the projected gradient (Bertsekas, 1982; Conn, Gould & Toint, 1988).
    """
    if box.is_everything:
        return step_in_ball(slope, matrix, radius)
    free = ~box.held(point, slope)
    step = torch.zeros_like(point)
    for _ in range(FIXED):
        if not bool(free.any()):
            break
        own = matrix[free][:, free]
        step[free] = step_in_ball((slope + matrix @ (step * ~free))[free], own, radius)
        inside = box.project(point + step) - point
        over = free & (inside != step)
        step = inside
        if not bool(over.any()):
            break
        free = free & ~over
    cauchy = _cauchy(point, slope, matrix, radius, box)
    if model(slope, matrix, step) > CAUCHY * model(slope, matrix, cauchy):
        return cauchy
    return step


def _cauchy(point: Tensor, slope: Tensor, matrix: Tensor, radius: float, box: Box) -> Tensor:
    """The best of some steps along the projected gradient, within the ball."""
    best = torch.zeros_like(point)
    length = radius / max(float(slope.norm()), 1e-300)
    for power in range(12):
        step = box.project(point - slope * (length / 4**power)) - point
        if model(slope, matrix, step) < model(slope, matrix, best):
            best = step
    return best


def model(slope: Tensor, matrix: Tensor, step: Tensor) -> float:
    """The change of the loss that the quadratic model promises."""
    return float(slope @ step + step @ matrix @ step / 2)
