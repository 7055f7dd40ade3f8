"""Where a derivative that torch gives is a convention: at kinks and at jumps.

Whether there may be one is asked cheaply: the gradient on either side of the point, in a random
direction that leaves every kink through it, and again much nearer. Of a smooth function the two
sides approach each other. What stays apart, where an operation stands exactly on a switch, is
examined as a gradient check does it, element by element, and told in its words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from autograd_cli.engine.check.switches import on_a_switch
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.core.vectorised import FAULTS, Vectorised
from autograd_cli.language.expression import Expression

FAR, NEAR = 2.0**-20, 2.0**-30  # of a coordinate, or of 1: how far the two sides are looked at
STAYS = 0.5  # of a difference between the sides: it is not that of a smooth function
NOTICED = 1e-9  # of the size of what differs
MOST_ELEMENTS = 100_000  # of the variables: more are not looked at
MOST_EXAMINED, WORK = 16, 100_000  # elements that are examined, and as many times the variables
MOST_TOLD = 5


def conventions(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    wrt: Sequence[str] = (),
) -> tuple[str, ...]:
    """What is to be said of the derivatives by `wrt` (empty means all) at a point: a sentence for
    each that is a convention, none where all of them are derivatives.

    `at` holds a tensor of any shape for every variable. Only a scalar output is looked at.
    """
    size = sum(at[name].numel() for name in expression.variables)
    if not 0 < size <= MOST_ELEMENTS:
        return ()
    state = context.generator.get_state()
    try:
        return tuple(_told(expression, at, context, wrt))
    except FAULTS:  # what cannot be evaluated beside the point cannot be judged there
        return ()
    finally:
        context.generator.set_state(state)


def _told(
    expression: Expression, at: Mapping[str, Tensor], context: Context, wrt: Sequence[str]
) -> list[str]:
    with torch.no_grad():
        values = evaluate(expression, at, context)
    if output(expression, values, context).dim() or not on_a_switch(expression, values, context):
        return []
    suspects = _suspects(expression, at, context)
    names = [name for name in suspects if not wrt or name in wrt]
    if not any(bool(suspects[name].any()) for name in names):
        return []
    return _examined(expression, at, context, names, suspects)


def _examined(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    names: Sequence[str],
    suspects: Mapping[str, Tensor],
) -> list[str]:
    """What a gradient check finds at the suspects, or at some of very many."""
    from autograd_cli.engine.check.examination import Examination, Question
    from autograd_cli.engine.check.ladder import INFINITE, JUMPING, KINKED
    from autograd_cli.engine.check.verdict import judge

    points = {name: value.detach()[None] for name, value in at.items()}
    examination = Examination(expression, points, context, Question(wrt=tuple(names)))
    suspected = [one for one in examination.every if bool(suspects[one.name].flatten()[one.flat])]
    most = min(MOST_EXAMINED, max(1, WORK // sum(value.numel() for value in at.values())))
    examination.keep(suspected[:most])
    (found,) = examination.evidence({})
    told: dict[str, list[str]] = {}
    for element, evidence in zip(examination.elements, found, strict=True):
        slopes = evidence.slopes
        if math.isnan(slopes.before + slopes.after):  # next to the edge of the domain
            continue
        if slopes.kind in (KINKED, JUMPING, INFINITE) and math.isfinite(evidence.autograd):
            told.setdefault(judge(evidence)[1], []).append(element.label)
    texts = [f"no derivative by {_listed(labels)}: {note}" for note, labels in told.items()]
    if texts and len(suspected) > most:
        texts.append(f"{len(suspected) - most} more elements may have no derivative either")
    return texts


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - MOST_TOLD
    if more <= 1:
        return ", ".join(labels)
    return f"{', '.join(labels[:MOST_TOLD])} and {more} more"


def _suspects(
    expression: Expression, at: Mapping[str, Tensor], context: Context
) -> dict[str, Tensor]:
    """For every element of a variable, whether its derivative may differ from side to side."""
    reference = replace(context, device=torch.device("cpu"), dtype=torch.float64)
    here = {name: at[name].detach().cpu().double() for name in expression.variables}
    generator = torch.Generator().manual_seed(0)
    sides = {}
    for name, value in here.items():
        draws = torch.rand((2, *value.shape), generator=generator, dtype=torch.float64)
        direction = (0.5 + draws[0] / 2) * torch.where(draws[1] < 0.5, -1.0, 1.0)
        step = direction * value.abs().clamp(min=1.0)
        sides[name] = torch.stack(
            [value + sign * share * step for share in (FAR, NEAR) for sign in (1, -1)]
        )
    vectorised = Vectorised(expression, here, reference, rounded=context.dtype)
    value, gradients = vectorised.gradients(sides)
    jumps = bool(_stays_apart(value.double()))
    return {
        name: _stays_apart(gradient.double()) | jumps
        for name, gradient in zip(vectorised.names, gradients, strict=True)
    }


def _stays_apart(sides: Tensor) -> Tensor:
    """Whether what was found far and near, each on both sides (shape (4, *shape)), is apart."""
    far, near = (sides[0] - sides[1]).abs(), (sides[2] - sides[3]).abs()
    size = sides.abs().amax(0)
    return (near > STAYS * far) & (near > NOTICED * size) | ~sides.isfinite().all(0)
