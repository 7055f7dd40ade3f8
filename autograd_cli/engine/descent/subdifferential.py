"""The gradients around a point: what stands for the derivative where a loss has a kink.

The convex hull of the gradients within a small distance is Goldstein's subdifferential. Its element
nearest to zero is the steepest way down that all of them agree on, and where it vanishes the point
is stationary: of a convex loss, the minimum (A. A. Goldstein, "Optimization of Lipschitz continuous
functions", 1977; J. V. Burke, A. S. Lewis and M. L. Overton, "A robust gradient sampling algorithm
for nonsmooth, nonconvex optimization", 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.descent.problem import Problem
from autograd_cli.errors import AgxError

NARROWER = 16.0  # times: so much nearer, the jump of the gradient at a kink is still the same
CROSSINGS = 4  # random lines through a point: each crosses all kinks that go through it
MOST_PAIRS = 400  # of points that are sampled
MOST_ROUNDS = 1000  # of the search in the hull
SHARP = 1e-14  # of the longest gradient squared, to which the nearest element is found


@dataclass(frozen=True)
class Around:
    """The gradients within `radius` of a point, relative to the size of its coordinates.

    nearest   the element of their convex hull that is nearest to zero, shape (size,)
    longest   the length of the longest of them
    """

    radius: float
    nearest: Tensor
    longest: float

    @property
    def norm(self) -> float:
        return float(self.nearest.norm())


def radii(dtype: torch.dtype) -> tuple[float, ...]:
    """Neighbourhoods to look at, the smallest first: 4e-10, 2e-8 and 5e-7 in float64."""
    rounding = torch.finfo(dtype).eps
    return tuple(rounding**power for power in (0.6, 0.5, 0.4))


def around(problem: Problem, radius: float, free: Tensor, enough: float) -> Around | None:
    """What the gradients around the parameters say; None where there are none to be had.

    An element of the hull that is as short as `enough` is as good as the shortest.

    They are taken at pairs of points on opposite sides, so that both sides of a kink are there:
    along every free parameter, and in random directions.
    """
    point = problem.point()
    size = len(point)
    ways = _directions(min(size + 2, MOST_PAIRS), size, point)
    if size <= MOST_PAIRS:
        ways = torch.cat([torch.eye(size, dtype=point.dtype, device=point.device), ways])
    found = _gradients(problem, radius, free, torch.cat([ways, -ways]))
    if not len(found):
        return None
    return Around(radius, nearest_to_zero(found, enough), float(found.norm(dim=1).max()))


def jump(problem: Problem, free: Tensor) -> Tensor:
    """The largest jump of the gradient seen from one side of the parameters to the other, (size,).

    It is 0 where it gets shorter as one comes nearer, as that of a smooth loss does.
    """
    radius = radii(problem.point().dtype)[0]
    size = len(free)
    found = []
    for near in (radius, radius / NARROWER):
        ways = _directions(CROSSINGS, size, problem.point())
        sides = _gradients(problem, near, free, torch.stack([ways, -ways], dim=1).flatten(0, 1))
        if len(sides) < 2 * CROSSINGS:
            break
        leaps = sides[::2] - sides[1::2]
        found.append(leaps[leaps.norm(dim=1).argmax()])
    nothing = torch.zeros(size, dtype=torch.float64)
    if len(found) < 2 or not found[1].norm() > found[0].norm() / 2:
        return nothing
    return found[1]


def _directions(count: int, size: int, like: Tensor) -> Tensor:
    """Random ones, of which the largest entry is 1 or -1, shape (count, size)."""
    generator = torch.Generator().manual_seed(0)
    ways = torch.randn(count, size, generator=generator, dtype=torch.float64).to(like)
    return ways / ways.abs().amax(dim=1, keepdim=True)


def _gradients(problem: Problem, radius: float, free: Tensor, ways: Tensor) -> Tensor:
    """The finite gradients at so many points as there are ways, in the free parameters (k, n)."""
    point = problem.point()
    moves = torch.where(free, radius * (1 + point.abs()) * ways, 0.0)
    rows = []
    for move in moves:
        problem.place(point + move)
        try:
            value = problem.differentiate()
        except AgxError:
            continue
        slope = torch.where(free, problem.gradient(), 0.0).to(torch.float64)
        if bool(value.isfinite()) and bool(slope.isfinite().all()):
            rows.append(slope)
    problem.place(point)
    return torch.stack(rows) if rows else torch.empty(0, len(point), dtype=torch.float64)


def nearest_to_zero(points: Tensor, enough: float = 0.0) -> Tensor:
    """The point of the convex hull of the rows (k, n) that is nearest to zero, shape (n,), or one
    that is no longer than `enough`.

    P. Wolfe, "Finding the nearest point in a polytope" (1976): the nearest point of the affine hull
    of a few rows, of which those are dropped that it would weigh less than zero.
    """
    slack = SHARP * float((points**2).sum(dim=1).max())
    chosen = [int((points**2).sum(dim=1).argmin())]
    weights = torch.ones(1, dtype=points.dtype)
    nearest = points[chosen[0]]
    for _ in range(MOST_ROUNDS):
        if float(nearest.norm()) <= enough:
            break
        products = points @ nearest
        entering = int(products.argmin())
        if entering in chosen or float(nearest @ nearest - products[entering]) <= slack:
            break
        chosen.append(entering)
        weights = torch.cat([weights, weights.new_zeros(1)])
        while True:
            affine = _affine_weights(points[chosen])
            if bool((affine > 0).all()):
                weights = affine
                break
            leaving = affine <= 0
            shares = weights[leaving] / (weights[leaving] - affine[leaving])
            share = float(shares.nan_to_num(0.0).min())
            weights = (1 - share) * weights + share * affine
            kept = weights > 1e-14
            kept[leaving.nonzero()[int(shares.nan_to_num(0.0).argmin())]] = False
            chosen = [one for one, keep in zip(chosen, kept.tolist(), strict=True) if keep]
            weights = weights[kept] / weights[kept].sum()
        nearest = weights @ points[chosen]
    return nearest


def _affine_weights(points: Tensor) -> Tensor:
    """The weights, of sum 1, of the nearest point to zero in the affine hull of the rows."""
    first, others = points[0], points[1:] - points[0]
    if not len(others):
        return torch.ones(1, dtype=points.dtype)
    found = torch.linalg.lstsq(others.T, -first[:, None], driver="gelsy").solution[:, 0]
    return torch.cat([1 - found.sum()[None], found])
