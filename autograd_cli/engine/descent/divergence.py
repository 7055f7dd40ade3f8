"""Why a descent diverged: the learning rate against what the curvature allows."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from autograd_cli.engine.descent.curvature import largest_eigenvalue
from autograd_cli.engine.descent.optimizers import Optimizer
from autograd_cli.engine.descent.problem import Problem


def why_diverged(
    problem: Problem, row: Optimizer, states: Sequence[tuple[Tensor, float]]
) -> tuple[str, ...]:
    """At most one sentence; none for an optimiser whose stability has no such rule.

    `states` are the first states of the descent, shape (size,), with the learning rates that led on
    from them. The first whose curvature does not allow its learning rate speaks, or else the one
    that curves most.
    """
    if row.stable is None or not states:
        return ()
    here = problem.point()
    sharpest, number, rate = 0.0, 0, states[0][1]
    for step, (state, used) in enumerate(states):
        if bool(state.isfinite().all()):
            problem.place(state)
            found = largest_eigenvalue(problem)
            if found > sharpest:
                sharpest, number, rate = found, step, used
        if sharpest and rate > row.stable(sharpest):
            break
    problem.place(here)
    if not sharpest:
        return ("the loss curves upwards in no direction: nothing stops the descent",)
    limit = row.stable(sharpest)
    where = "at the start" if number == 0 else f"at step {number}"
    curvature = f"{sharpest:.4g}, the largest eigenvalue of the Hessian {where}"
    rule = f"{limit:.4g} = {limit * sharpest:.3g} / {curvature}"
    if rate > limit:
        advice = f"is beyond {rule}: try --lr {limit / 2:.2g}"
    else:
        advice = f"is within {rule}, but the curvature grows on the way: try --lr {rate / 10:.2g}"
    return (f"the learning rate {rate:g} {advice}",)
