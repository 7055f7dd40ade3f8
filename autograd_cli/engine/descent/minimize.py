"""Minimise any function: the method for its size, and the verdict on where it ended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate
from autograd_cli.engine.descent.bounds import Box
from autograd_cli.engine.descent.detached import with_detach
from autograd_cli.engine.descent.landscape import landscape
from autograd_cli.engine.descent.loop import Descending, Ending
from autograd_cli.engine.descent.nonsmooth import NonsmoothDescent
from autograd_cli.engine.descent.objective import expression_objective
from autograd_cli.engine.descent.plateau import LEVEL, is_plateau
from autograd_cli.engine.descent.problem import Problem, flat
from autograd_cli.engine.descent.trust_region import (
    FALLING,
    LEVELLING,
    LIMIT,
    STUCK,
    TrustRegion,
)
from autograd_cli.engine.descent.verdict import (
    Verdict,
    judge,
    judge_kink,
    lower_nearby,
)
from autograd_cli.engine.nodewise.nonfinite import explain_gradient, explain_value
from autograd_cli.errors import EvaluationError
from autograd_cli.language.expression import Expression
from autograd_cli.results import components
from autograd_cli.results.fit import INTERRUPTED, Fit, Step
from autograd_cli.results.minimum import FLAT, MINIMUM, UNBOUNDED, UNKNOWN, MinimumFit
from autograd_cli.results.plot import Grid
from autograd_cli.settings import Descent

DENSE = 100  # parameters up to which the trust region is the default
FINISHED, FINISH = 1000, 5  # parameters up to which L-BFGS is finished, in so many Newton steps
ESCAPES = 8  # times that a lower value nearby is followed
NEWTON, LBFGS = "newton", "lbfgs"
METHODS = {NEWTON: "trust-region Newton", LBFGS: "L-BFGS with a strong Wolfe line search"}
PAST_KINKS = ", then BFGS with a weak one past kinks"


def method_for(size: int, box: Box) -> str:
    """The optimiser by default; only the trust region knows bounds."""
    return NEWTON if size <= DENSE or not box.is_everything else LBFGS


class Minimizing:
    """A minimisation under way, from one start.

    Raises: EvaluationError where there is no finite value or gradient at the start, with the cause.
    """

    def __init__(
        self,
        expression: Expression,
        start: Mapping[str, Tensor],
        box: Box,
        descent: Descent,
        context: Context,
    ) -> None:
        self._expression = expression
        self._context = context
        self._box = box
        self._tolerance = 1e-8 if descent.tolerance is None else descent.tolerance
        self._most = descent.steps
        self._objective = expression_objective(expression, start, context)
        self.first: Step | None = None
        self.last: Step | None = None
        self._lowest = math.inf
        problem = Problem(self._objective)
        self._name = descent.optimizer or method_for(problem.size, box)
        problem.place(box.project(problem.point()))
        _check_start(expression, problem, context)
        self._problem = problem
        self._region: TrustRegion | None = None
        self._descending: Descending | None = None
        self._bends = False  # whether kinks were met on the way
        if self._name == NEWTON:
            self._region = TrustRegion(problem, box, descent.steps, self._tolerance)
        else:
            plan = replace(descent, optimizer=self._name, tolerance=self._tolerance)
            self._descending = Descending(self._objective, plan, context, _not_asked)
            self._problem = self._descending.problem

    def steps(self) -> Iterator[Step]:
        """The steps from step 0; from a flat point with something lower nearby it goes on."""
        for step in self._steps():
            self.first, self.last = self.first or step, step
            self._lowest = min(self._lowest, step.loss)
            yield step

    def _steps(self) -> Iterator[Step]:
        if self._descending is not None:
            yield from self._descending.steps()
            yield from self._finish()
            return
        region = self._region
        assert region is not None
        yield from region.steps()
        for _ in range(ESCAPES):
            if region.stop in (FALLING, LEVELLING, LIMIT):
                return
            if region.stop != STUCK and self._judge().word == MINIMUM:
                return
            least = region.loss - torch.finfo(self._context.dtype).eps * (1 + abs(region.loss))
            if region.stop == STUCK:
                yield from self._past_kinks(region)
            if not region.loss < least:
                lower = lower_nearby(self._problem, self._box)
                if lower is None:
                    return
                region.jump(lower)
            yield from region.steps()

    def _past_kinks(self, region: TrustRegion) -> Iterator[Step]:
        """Go on where a kink stops the trust region; bounds are not kept to, so not with any."""
        assert self.last is not None
        begun = self.last.step
        if self._box.is_everything and self._problem.size <= FINISHED:
            yield from NonsmoothDescent(self._problem, self._most, self._tolerance, begun).steps()
            if self.last.step > begun:
                self._bends = True
                region.resume(self.last.step)

    def _finish(self) -> Iterator[Step]:
        """A few steps of Newton's method where L-BFGS ended by the rounding of the loss."""
        last, size = self.last, self._problem.size
        if self._name != LBFGS or last is None or size > FINISHED or not math.isfinite(last.loss):
            return
        if (last.gradient_norm or 0.0) > self._tolerance and last.step < self._most:
            limit = last.step + FINISH
            region = TrustRegion(self._problem, self._box, limit, self._tolerance, last.step)
            yield from region.steps()
            self._region, self._descending = region, None
            if region.stop in (STUCK, LIMIT):
                yield from self._past_kinks(region)

    def _judge(self) -> Verdict:
        kink = judge_kink(self._problem, self._box, self._tolerance)
        return kink or judge(self._problem, self._box, self._tolerance)

    def result(self, interrupted: bool = False) -> MinimumFit:
        """Where it ended so far."""
        assert self.first is not None
        assert self.last is not None
        problem = self._problem
        if interrupted:  # a step may be half taken
            problem.place(flat(_tensors(self.last.parameters, problem)))
        verdict, warnings = self._verdict()
        value = float(problem.differentiate())
        slope = problem.gradient()
        held = self._box.held(problem.point(), slope)
        spectrum = verdict.spectrum
        pairs = zip(self._labels(), held.tolist(), strict=True)
        at_bounds = tuple(name for name, one in pairs if one)
        parameters = problem.plain()
        return MinimumFit(
            expression=self._expression.source,
            at=parameters,
            dtype=self._context.dtype_name,
            device=str(self._context.device),
            value=value,
            warnings=(*self._expression.warnings, *warnings),
            task="minimize",
            parameters=parameters,
            initial=self.first.parameters,
            loss=value,
            steps=self.last.step,
            converged=verdict.converged and not interrupted,
            reason=INTERRUPTED if interrupted else verdict.reason,
            verdict=verdict.word,
            method=METHODS.get(self._name, self._name) + (PAST_KINKS if self._bends else ""),
            gradient=problem.named(slope),
            gradient_norm=float(torch.where(held, 0.0, slope).norm()),
            eigenvalues=None if spectrum is None else spectrum.eigenvalues,
            definiteness=None if spectrum is None else spectrum.definiteness,
            condition_number=None if spectrum is None else spectrum.condition_number,
            at_bounds=at_bounds,
        )

    def _labels(self) -> list[str]:
        """The name of every number of the parameters."""
        plain = self._problem.plain()
        return [label for name, part in plain.items() for label, _ in components(name, part)]

    def landscape(self, ends: Mapping[str, tuple[float, float]]) -> Grid:
        """The loss between these ends of the two parameters."""
        return landscape(self._expression, ends, self._context)

    def _verdict(self) -> tuple[Verdict, tuple[str, ...]]:
        """The verdict, after a look at whether there was anything to go by."""
        assert self.first is not None
        verdict, warnings = self._ended()
        expression, problem, box = self._expression, self._problem, self._box
        start = dict(zip(problem.parameters, _tensors(self.first.parameters, problem), strict=True))
        lowest = min(self._lowest, float(problem.differentiate()))  # a jump is no step
        level = is_plateau(expression, start, box, self._context, lowest)
        if level and verdict.word != UNBOUNDED:
            verdict = replace(verdict, word=FLAT, converged=False, reason=LEVEL)
        told = with_detach(verdict, expression, problem, box, self._context, self._tolerance)
        return told, warnings

    def _ended(self) -> tuple[Verdict, tuple[str, ...]]:
        """The verdict, with why it stopped where it is not for a critical point."""
        stop = "" if self._region is None else self._region.stop
        assert self.last is not None
        if self._descending is not None:
            ending: Ending = self._descending.ending()
            if not math.isfinite(ending.loss) or ending.diverged:
                word = UNBOUNDED if ending.loss == -math.inf else UNKNOWN
                return Verdict(word, False, ending.reason, None), ending.warnings
            verdict = self._judge()
            if verdict.word == UNKNOWN:
                verdict = replace(verdict, reason=ending.reason)
            return verdict, ()
        if stop == FALLING:
            size = float(self._problem.point().norm())
            reason = f"the loss falls without end: {self.last.loss:.3g} at a distance of {size:.3g}"
            return Verdict(UNBOUNDED, False, reason, None), ()
        verdict = self._judge()
        if stop == LEVELLING:
            reason = (
                f"the loss levels off towards {self.last.loss:.6g}: the gradient norm is"
                f" {self.last.gradient_norm or 0:.2g}, but the steps do not get shorter, so that no"
                " minimum is near"
            )
            return replace(verdict, word=FLAT, converged=False, reason=reason), ()
        if verdict.word == UNKNOWN and stop == STUCK:
            reason = f"{verdict.reason}, but no step was found that lowers the loss further"
            return replace(verdict, reason=reason), ()
        if verdict.word == UNKNOWN and stop == LIMIT:
            reason = f"{self.last.step} steps were not enough: {verdict.reason}"
            return replace(verdict, reason=reason), ()
        return verdict, ()


def _not_asked(ending: Ending) -> Fit:
    raise AssertionError("the result of a minimisation is its own")


def _tensors(parameters: Mapping[str, Any], problem: Problem) -> list[Tensor]:
    return [
        torch.tensor(parameters[name], dtype=own.dtype, device=own.device)
        for name, own in problem.parameters.items()
    ]


def _check_start(expression: Expression, problem: Problem, context: Context) -> None:
    value = problem.differentiate()
    slope = problem.gradient()
    if bool(value.isfinite()) and bool(slope.isfinite().all()):
        return
    nodes = evaluate(expression, problem.parameters, context)
    reasons = explain_value(expression, nodes, context)
    if not reasons:
        reasons = explain_gradient(expression, nodes, problem.parameters, None, context)
    why = f": {reasons[0]}" if reasons else ""
    raise EvaluationError(
        f"the start is outside the domain{why}",
        hint="choose another one with --start",
        span=expression.nodes[expression.root].span,
        source=expression.source,
    )
