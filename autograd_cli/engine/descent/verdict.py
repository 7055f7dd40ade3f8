"""What the derivatives show of the point where a minimisation ended.

A minimum is claimed only where the gradient vanishes and all eigenvalues of the Hessian are
positive beyond doubt: positive beyond rounding, and not about to vanish themselves, as those of x⁴
are wherever one stops near 0. At a kink there is no gradient: what counts there is whether those
around it agree on a way down.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.derive.critical_points import is_critical, spectrum
from autograd_cli.engine.descent.bounds import Box
from autograd_cli.engine.descent.curvature import hessian
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.subdifferential import around, jump, radii
from autograd_cli.errors import AgxError
from autograd_cli.results import components
from autograd_cli.results.matrices import INDEFINITE, NEGATIVE, POSITIVE, Spectrum
from autograd_cli.results.minimum import FLAT, KINK, MAXIMUM, MINIMUM, SADDLE, UNKNOWN

MOST = 2000  # parameters whose Hessian is looked at
STEADY = 0.6  # of the least eigenvalue, what is left of it a Newton step away from a real minimum
PROBES = 16  # random directions to look for a lower value in
DISTANCES = (1e-6, 1e-4, 1e-2, 0.1, 0.3)  # of the size of the point, at which to look
NAMED = 6  # parameters in a sentence, at most
SMALLEST = 32.0  # units of rounding of the longest gradient: a combination so short is zero
STEEP = 1e3  # times the tolerance, how far the gradient jumps at a kink, at least
NEVER_LESS = 1e-11  # of the loss: a difference that small is rounding


@dataclass(frozen=True)
class Verdict:
    """The word, whether the point counts as converged, and the sentence that says why."""

    word: str
    converged: bool
    reason: str
    spectrum: Spectrum | None


def judge(problem: Problem, box: Box, tolerance: float) -> Verdict:
    """The verdict on the parameters where they are."""
    point = problem.point()
    value = float(problem.differentiate())
    slope = problem.gradient()
    free = ~box.held(point, slope)
    norm = float(torch.where(free, slope, 0.0).norm())
    where = "" if bool(free.all()) else ", apart from the bounds"
    small = f"the gradient norm is {norm:.2g}{where}"
    if not bool(free.any()):
        return Verdict(MINIMUM, True, "every parameter is held at a bound by the gradient", None)
    if problem.size > MOST:
        if norm <= tolerance:
            return Verdict(
                FLAT, True, f"{small}; too many parameters to look at all eigenvalues", None
            )
        return Verdict(UNKNOWN, False, f"{small}, not {tolerance:g}", None)
    matrix = hessian(problem)[free][:, free]
    # A curvature that changes the loss by less than its rounding, over a step as long as the point.
    unseen = torch.finfo(point.dtype).eps * abs(value) / max(1.0, float(point.norm())) ** 2
    found = spectrum(matrix, unseen)
    if norm > tolerance and not is_critical(slope[free], matrix, [point[free]]):
        return Verdict(UNKNOWN, False, f"{small}, not {tolerance:g}", found)
    if found.eigenvalues is None:
        return Verdict(UNKNOWN, False, f"{small}, but second derivatives are not finite", found)
    least, most = found.eigenvalues[0], found.eigenvalues[-1]
    if found.definiteness == POSITIVE and _is_steady(problem, point, slope, free, least):
        return Verdict(
            MINIMUM, True, f"{small} and all eigenvalues are positive, from {least:.3g}", found
        )
    if found.definiteness == INDEFINITE:
        signs = f"eigenvalues from {least:.3g} to {most:.3g}"
        return Verdict(SADDLE, False, f"{small}, but this is a saddle: {signs}", found)
    if found.definiteness == NEGATIVE:
        return Verdict(MAXIMUM, False, f"{small}, but this is a maximum", found)
    curved = "all second derivatives vanish" if most == least == 0 else "the curvature vanishes"
    return Verdict(
        FLAT,
        True,
        f"{small}, but {curved} in a direction, so that it shows no strict minimum;"
        " no lower value was found nearby",
        found,
    )


def _is_steady(problem: Problem, point: Tensor, slope: Tensor, free: Tensor, least: float) -> bool:
    """Whether the least eigenvalue is about the same a Newton step away, where the minimum is."""
    matrix = hessian(problem)[free][:, free]
    step = torch.zeros_like(point)
    step[free] = -torch.linalg.solve(matrix, slope[free])
    if bool((point + step == point).all()):
        return True
    problem.place(point + step)
    try:
        there = hessian(problem)[free][:, free]
    except AgxError:
        return False
    finally:
        problem.place(point)
    if not bool(there.isfinite().all()):
        return False
    return float(torch.linalg.eigvalsh(there)[0]) > STEADY * least


def judge_kink(problem: Problem, box: Box, tolerance: float) -> Verdict | None:
    """The verdict where the loss has a kink, so that its derivatives do not show what it is; None
    where no kink is seen.

    It counts as converged where the gradients nearby agree on no way down, which is a minimum where
    the loss is convex.
    """
    point = problem.point()
    free = (point > box.low) & (point < box.high)
    if problem.size > MOST:
        return None
    leap = jump(problem, free)
    if not leap.norm() > STEEP * tolerance:
        return None
    names = [label for name, part in problem.plain().items() for label, _ in components(name, part)]
    sharp = (leap.abs() > STEEP * tolerance).tolist()
    bent = [name for name, one in zip(names, sharp, strict=True) if one]
    more = f" and {len(bent) - NAMED} more" if len(bent) > NAMED else ""
    kink = f"the loss has a kink here in {', '.join(bent[:NAMED])}{more}"
    least: float | None = None
    for radius in radii(point.dtype):
        found = around(problem, radius, free, tolerance)
        if found is None:
            break
        least = found.norm
        zero = max(tolerance, SMALLEST * torch.finfo(point.dtype).eps * found.longest)
        if least > zero:
            continue
        if lower_nearby(problem, box, tolerance) is not None:
            return Verdict(UNKNOWN, False, f"{kink}, but lower values were found nearby", None)
        why = (
            f"the gradients within {radius:.0e} of it have a convex combination of norm"
            f" at most {zero:.0e}, so that no direction descends by all of them"
        )
        return Verdict(KINK, True, f"{kink}: {why}; of a convex loss, this is the minimum", None)
    said = (
        ""
        if least is None
        else f", and the gradients around it agree on a way down, with slope {least:.2g}"
    )
    return Verdict(UNKNOWN, False, f"{kink}{said}", None)


def lower_nearby(problem: Problem, box: Box, slope: float = 0.0) -> Tensor | None:
    """The lowest point found near the parameters where the loss is lower, or None.

    It is lower by more than `slope` times the distance, and looked for along the eigenvectors of
    the Hessian and in random directions, both ways.
    """
    point = problem.point()
    with torch.no_grad():
        value = float(problem.loss())
    slack = NEVER_LESS * abs(value)
    size = len(point)
    generator = torch.Generator().manual_seed(0)
    ways = torch.randn(PROBES, size, generator=generator, dtype=torch.float64).to(point)
    ways = ways / ways.norm(dim=1, keepdim=True)
    if size <= MOST:
        matrix = hessian(problem)
        if bool(matrix.isfinite().all()):
            _, vectors = torch.linalg.eigh(matrix)
            ways = torch.cat([vectors.T[:PROBES], ways])
    scale = 1 + float(point.norm())
    best, lowest = None, value - slack
    for way in ways:
        for distance in DISTANCES:
            for sign in (1.0, -1.0):
                there = box.project(point + sign * distance * scale * way)
                found = _value(problem, there)
                if found < lowest - slope * distance * scale:
                    best, lowest = there, found
    problem.place(point)
    return best


def _value(problem: Problem, point: Tensor) -> float:
    problem.place(point)
    try:
        with torch.no_grad():
            return float(problem.loss())
    except AgxError:
        return float("nan")
