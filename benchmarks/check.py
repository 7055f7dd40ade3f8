"""Gradient checks: agx against torch's gradcheck, scipy.differentiate and numdifftools.

The points are those of tests/data/check_points.tsv, the truth is mpmath's at 1000 digits. Packages
that are not installed are left out.
"""

from __future__ import annotations

import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.measure import machine, report

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

PLANTED = (1e-2, 5e-4, 1e-5)
RIGHT = 1e-6

Estimate = tuple[float, float | None]  # a derivative and its error bar, if there is one


@dataclass(frozen=True)
class Problem:
    """A function of one number (the others held fixed), its derivative by autograd, the truth."""

    name: str
    function: Callable[[Tensor], Tensor]  # of any shape
    x: float
    autograd: float
    truth: Any
    evidence: Any  # agx's own, with formulas
    alone: Any  # and without


def run(*, quick: bool) -> None:
    """Prints accuracy, coverage, false alarms, misses and times."""
    problems, singular, seconds = _problems(quick)
    right = [one for one in problems if abs(one.autograd - one.truth) <= RIGHT * abs(one.truth)]
    lines = [
        "# Gradient checks",
        "",
        f"{machine()}.",
        "",
        f"{len(problems)} derivatives of smooth, oscillating, cancelling, saturated and flat"
        " functions:",
        "",
        "| numerical derivative | within 1e-6 | within 1e-2 | error bar holds | median ms |",
        "|---|---:|---:|---:|---:|",
        *_accuracy(problems, seconds),
        "",
        f"{len(right)} of them where autograd is right to 1e-6, and planted errors:",
        "",
        "| verdict | false alarms | inconclusive | 1% missed | 0.05% | 0.001% | median ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *_verdicts(right, seconds),
        "",
        f"Kinks, jumps, edges and infinite slopes called what they are: {singular}.",
    ]
    report("check", lines, keep=not quick)


def _problems(quick: bool) -> tuple[list[Problem], str, list[float]]:
    from check_cases import cases, evidence, examined, truth

    found: list[Problem] = []
    named = total = 0
    seconds: list[float] = []
    for number, case in enumerate(cases()):
        if quick and number % 4:
            continue
        start = time.perf_counter()
        examination = examined(case.expression, case.at)
        alone = evidence(examination, referee=False)
        seconds.append(time.perf_counter() - start)
        known = evidence(examination, referee=True)
        if not case.is_smooth:
            total += 2
            named += sum(one[0].kind() == case.kind for one in (known, alone))
            continue
        place = {name: tensor.item() for name, tensor in examination.points.items()}
        for position, element in enumerate(examination.elements):
            found.append(
                Problem(
                    name=f"{case.name} by {element.label}",
                    function=_along(examination, element.name),
                    x=place[element.name],
                    autograd=known[position].autograd,
                    truth=truth(case.expression, place, element.label),
                    evidence=known[position],
                    alone=alone[position],
                )
            )
    return found, f"{named} of {total} (with and without formulas)", seconds


def _along(examination: Any, name: str) -> Callable[[Tensor], Tensor]:
    from autograd_cli.engine.core.evaluate import evaluate, output

    fixed = {key: tensor[0] for key, tensor in examination.points.items()}

    def function(x: Tensor) -> Tensor:
        values = evaluate(examination.expression, {**fixed, name: x}, examination.context)
        return output(examination.expression, values, examination.context) + 0 * x

    return function


# Numerical derivatives ---------------------------------------------------------------------------


def _accuracy(problems: Sequence[Problem], seconds: Sequence[float]) -> Iterator[str]:
    def agx(problem: Problem) -> Estimate:
        return problem.alone.slopes.central.value, problem.alone.error_bar

    yield _accuracy_row("**agx check**", agx, problems, seconds)
    for name, make in ESTIMATORS.items():
        try:
            estimate = make()
        except ImportError:
            yield f"| {name} | not installed | | | |"
            continue
        yield _accuracy_row(name, estimate, problems, None)


def _accuracy_row(
    name: str,
    estimate: Callable[[Problem], Estimate],
    problems: Sequence[Problem],
    seconds: Sequence[float] | None,
) -> str:
    near = {1e-6: 0, 1e-2: 0}
    covered = bars = 0
    took = []
    for problem in problems:
        start = time.perf_counter()
        value, bar = estimate(problem)
        took.append(time.perf_counter() - start)
        error = abs(value - problem.truth)
        for share in near:
            near[share] += bool(error <= share * abs(problem.truth))
        if bar is not None and not math.isinf(bar):  # an infinite one claims nothing
            bars += 1
            covered += bool(error <= bar)
    holds = f"{covered} of {bars}" if bars else "none"
    median = statistics.median(seconds or took) * 1e3
    return f"| {name} | {near[1e-6]} | {near[1e-2]} | {holds} | {median:.1f} |"


def _numpy_function(problem: Problem) -> Callable[[Any], Any]:
    import numpy as np

    def function(x: Any) -> Any:
        with torch.no_grad():
            return problem.function(torch.as_tensor(np.asarray(x, dtype=np.float64))).numpy()

    return function


def _central() -> Callable[[Problem], Estimate]:
    def estimate(problem: Problem) -> Estimate:
        points = torch.tensor([problem.x + 1e-6, problem.x - 1e-6], dtype=torch.float64)
        above, below = problem.function(points).tolist()
        return (above - below) / 2e-6, None

    return estimate


def _scipy() -> Callable[[Problem], Estimate]:
    differentiate = importlib.import_module("scipy.differentiate")

    def estimate(problem: Problem) -> Estimate:
        found = differentiate.derivative(_numpy_function(problem), problem.x)
        return float(found.df), float(found.error)

    return estimate


def _numdifftools() -> Callable[[Problem], Estimate]:
    numdifftools = importlib.import_module("numdifftools")

    def estimate(problem: Problem) -> Estimate:
        derivative = numdifftools.Derivative(_numpy_function(problem), full_output=True)
        try:
            found = derivative(problem.x)
        except Exception:  # it fails where values are not finite
            return float("nan"), float("nan")
        value = found.estimate if hasattr(found, "estimate") else found[0]
        error = getattr(found, "error_estimate", None)
        error = found[1].error_estimate if error is None else error
        return value.item(), error.item()

    return estimate


ESTIMATORS: dict[str, Callable[[], Callable[[Problem], Estimate]]] = {
    "numdifftools": _numdifftools,
    "scipy.differentiate": _scipy,
    "central difference, 1e-6": _central,
}


# Verdicts ----------------------------------------------------------------------------------------


def _verdicts(problems: Sequence[Problem], seconds: Sequence[float]) -> Iterator[str]:
    from autograd_cli.engine.check.verdict import judge

    def with_formulas(problem: Problem, gradient: float) -> str:
        return judge(replace(problem.evidence, autograd=gradient))[0]

    def alone(problem: Problem, gradient: float) -> str:
        return judge(replace(problem.alone, autograd=gradient))[0]

    yield _verdict_row("**agx check**", with_formulas, problems, seconds)
    yield _verdict_row("agx check, without formulas", alone, problems, seconds)
    yield _verdict_row("torch.autograd.gradcheck", _gradcheck, problems, None)


def _verdict_row(
    name: str,
    verdict: Callable[[Problem, float], str],
    problems: Sequence[Problem],
    seconds: Sequence[float] | None,
) -> str:
    took = []
    verdicts = []
    for problem in problems:
        start = time.perf_counter()
        verdicts.append(verdict(problem, problem.autograd))
        took.append(time.perf_counter() - start)
    steep = [one for one in problems if float(one.truth) != 0]
    missed = [
        sum(verdict(one, one.autograd * (1 + share)) == "agree" for one in steep)
        for share in PLANTED
    ]
    median = statistics.median(seconds or took) * 1e3
    counts = f"{verdicts.count('disagree')} | {verdicts.count('inconclusive')}"
    return f"| {name} | {counts} | {' | '.join(map(str, missed))} | {median:.1f} |"


def _gradcheck(problem: Problem, gradient: float) -> str:
    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return problem.function(x.detach())

        @staticmethod
        def backward(ctx: Any, upstream: Tensor) -> Tensor:  # type: ignore[override]
            return upstream * gradient

    x = torch.tensor(problem.x, dtype=torch.float64, requires_grad=True)
    passed = torch.autograd.gradcheck(Planted.apply, (x,), raise_exception=False)
    return "agree" if passed else "disagree"
