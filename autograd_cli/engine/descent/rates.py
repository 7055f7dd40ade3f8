"""How fast descent converges on a quadratic, by the eigenvalues of its Hessian.

In the basis of eigenvectors every component of the error moves by itself: gradient descent
multiplies it by 1 - rate*λ at every step, and momentum turns it with the previous one by a matrix
of two rows, whose spectral radius counts (Polyak, 1964; Goh, "Why momentum really works", 2017).
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping, Sequence

from autograd_cli.engine.descent.optimizers import MOMENTUM


def _gradient_descent(curvature: float, rate: float) -> float:
    return 1 - rate * curvature


def _momentum(curvature: float, rate: float) -> float:
    return _radius(1 + MOMENTUM - rate * curvature, MOMENTUM)


def _nesterov(curvature: float, rate: float) -> float:
    left = 1 - rate * curvature
    return _radius((1 + MOMENTUM) * left, MOMENTUM * left)


def _radius(trace: float, determinant: float) -> float:
    """The largest size of a root of z² - trace z + determinant."""
    root = cmath.sqrt(trace * trace - 4 * determinant)
    return max(abs(trace + root), abs(trace - root)) / 2


# The factor on the error along an eigenvector, by its eigenvalue and the learning rate: with its
# sign for gradient descent, the size alone for the others.
FACTORS: Mapping[str, Callable[[float, float], float]] = {
    "gd": _gradient_descent,
    "sgd": _gradient_descent,
    "momentum": _momentum,
    "nesterov": _nesterov,
}


def slowest(optimizer: str, curvatures: Sequence[float], rate: float) -> float | None:
    """The factor of largest size among those of some eigenvalues; None where there is no theory."""
    factor = FACTORS.get(optimizer)
    if factor is None or not curvatures:
        return None
    return max((factor(curvature, rate) for curvature in curvatures), key=abs)


def best_rate(curvatures: Sequence[float]) -> float | None:
    """The learning rate of gradient descent whose slowest factor is least, 2/(λmin + λmax)."""
    positive = [curvature for curvature in curvatures if curvature > 0]
    if not positive or len(positive) < len(curvatures):
        return None
    return 2 / (min(positive) + max(positive))


def observed(errors: Sequence[float], floor: float) -> float | None:
    """The mean factor on a positive error per step over the last half of the steps.

    Errors at or below `floor` are rounding and do not count. None where fewer than two are left.
    """
    count = next((k for k, error in enumerate(errors) if not floor < error < float("inf")), None)
    usable = errors[:count]
    last = len(usable) - 1
    first = last // 2
    if last < 1:
        return None
    return float((usable[last] / usable[first]) ** (1 / (last - first)))


FAST, SLOW, OSCILLATING, DIVERGING = "fast", "slow", "oscillating", "diverging"


def behaviour(factor: float | None, converged: bool, diverged: bool) -> str:
    """What a descent does, by its slowest factor where there is one, and by how it ended.

    A negative factor is an error that changes sides at every step.
    """
    if diverged or (factor is not None and abs(factor) > 1):
        return DIVERGING
    if factor is not None and factor < 0:
        return OSCILLATING
    return FAST if converged else SLOW
