"""Oscillations that are finer than the steps of a ladder, which no difference quotient can see.

sin(x) at 1e20 has many periods between one float and the next: its values are samples of noise, and
a ladder may settle on anything. The phase of every periodic operation is known at every place,
though, and its adjoint says how steep what the ladder misses may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.check.ladder import RUNGS, Ladder

FINEST = 3  # rungs at whose places the adjoints are asked: of an oscillation, any one may be 0
LOST = 1 / 16  # radians that the phase may turn over the finest step, for a ladder to follow it
ALIASED = 2.0  # over any other step: beyond half a period, differences may be those of another wave

CIRCULAR = ("sin", "cos", "tan", "cot", "sec", "csc", "sinc")
BESSEL = ("j0", "j1", "y0", "y1", "besselj", "bessely")
WHOLE = ("frac",)  # with the period 1
DIVIDING = ("mod", "fmod")  # with a period of their second operand

# How many operands of a periodic operation make its phase.
PERIODIC: Mapping[str, int] = {
    **dict.fromkeys((*CIRCULAR, *BESSEL, *WHOLE), 1),
    **dict.fromkeys(DIVIDING, 2),
}


@dataclass(frozen=True)
class Phase:
    """An operand of a periodic operation at many points; all of shape (points, elements).

    `turned` is the phase of the operation in radians, and `adjoint` the derivative of the output by
    the operand.
    """

    turned: Tensor
    operand: Tensor
    adjoint: Tensor


def unseen(ladder: Ladder, phases: Sequence[Phase]) -> Tensor:
    """How much the values at the places of a ladder would be off had they been the straight lines
    that a ladder takes them for; shape of `ladder.places`, 0 where every phase is resolved."""
    count, width = ladder.places.shape
    away = (ladder.places - ladder.x[:, None]).abs()
    halves = [_half(0), _half(RUNGS)]
    finest = torch.cat([half[:, -FINEST:].reshape(-1) for half in halves])
    slope = torch.zeros_like(away)
    for phase in phases:
        turned, operand, adjoint = (
            one.reshape(count, width, -1)
            for one in (phase.turned, phase.operand, phase.adjoint.abs())
        )
        reach = (operand[:, finest] - operand[:, -1:]).abs() / away[:, finest, None]
        steep = torch.maximum(_finite(adjoint[:, finest]).amax(1), adjoint[:, -1])
        missed = _finite(_finite(reach).amax(1) * steep)
        turns = (turned - turned[:, -1:]).abs()
        for half in halves:
            places = half.reshape(-1)
            lost = turns[:, half[:, -1]].amax(1, keepdim=True) > LOST
            aliased = (turns[:, places] > ALIASED) | lost
            slope[:, places] += torch.where(aliased, missed[:, None], 0.0).sum(2)
    return slope * away


def _finite(tensor: Tensor) -> Tensor:
    return tensor.nan_to_num(0.0, 0.0, 0.0)


def _half(start: int) -> Tensor:
    """The places of one of the two ladders: (2, rungs), upwards and downwards."""
    above = torch.arange(start, start + RUNGS)
    return torch.stack([above, above + 2 * RUNGS])
