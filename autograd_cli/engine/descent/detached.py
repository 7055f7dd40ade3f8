"""Where `detach` makes the gradient that a descent follows another one than that of the loss."""

from __future__ import annotations

from dataclasses import replace

import torch

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.descent.bounds import Box
from autograd_cli.engine.descent.objective import expression_objective
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.verdict import Verdict
from autograd_cli.language.detached import holds, released
from autograd_cli.language.expression import Expression
from autograd_cli.results.minimum import UNBOUNDED, UNKNOWN

SAME = 1e-9  # of their length: what two gradients that are one may differ by


def with_detach(
    verdict: Verdict,
    expression: Expression,
    problem: Problem,
    box: Box,
    context: Context,
    tolerance: float,
) -> Verdict:
    """The verdict, which names `detach` where it is the reason: the gradient vanishes only with
    something held fixed, or led nowhere because something is."""
    held = holds(expression)
    if not held or verdict.word == UNBOUNDED:
        return verdict
    problem.differentiate()
    followed = problem.gradient()
    whole = Problem(expression_objective(released(expression), problem.parameters, context))
    whole.differentiate()
    own = whole.gradient()
    if not float((own - followed).norm()) > max(tolerance, SAME * float(own.norm())):
        return verdict
    if not verdict.converged:
        reason = f"{verdict.reason}; {held}: the gradient is not that of the loss"
        return replace(verdict, reason=reason)
    slope = float(torch.where(box.held(whole.point(), own), 0.0, own).norm())
    if slope <= tolerance:
        return verdict
    reason = f"{held}: {verdict.reason}; the loss itself has a gradient of norm {slope:.2g} here"
    return Verdict(UNKNOWN, False, reason, verdict.spectrum)
