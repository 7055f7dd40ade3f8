"""Other places to begin at, for a curve that was not found from its start.

The sizes and signs of the nonlinear parameters are varied; the parameters in which the model is
linear are then solved for (G. Golub & V. Pereyra, "The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate", 1973), so that one look at the residuals
tells a promising place from a hopeless one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.fit.model import Model
from autograd_cli.engine.fit.trust_region import State, state_at
from autograd_cli.language.linearity import linear_among

FACTORS = [sign * 10.0**power for power in range(-4, 5) for sign in (1, -1)]
FEW = 2  # nonlinear parameters of which all combinations are tried
MOST = 4  # places that are worth a descent
ALIKE = 0.99  # ratio of two sums of squares that are taken for the same place


def places(model: Model, start: Tensor) -> list[State]:
    """The most promising states, the best first; shape (n,) for the start."""
    linear = linear_among(model.expression, model.names)
    solved = [number for number, name in enumerate(model.names) if name in linear]
    varied = [number for number, name in enumerate(model.names) if name not in linear]
    found: list[State] = []
    for point in _variations(start, varied):
        state = _solved(model, point, solved)
        if state is not None:
            found.append(state)
    found.sort(key=lambda state: state.squares)
    chosen: list[State] = []
    for state in found:
        if not chosen or chosen[-1].squares < ALIKE * state.squares:
            chosen.append(state)
    return chosen[:MOST]


def _variations(start: Tensor, varied: Sequence[int]) -> Iterator[Tensor]:
    base = torch.where(start == 0, torch.ones_like(start), start)
    if len(varied) <= FEW:
        choices = list(itertools.product(FACTORS, repeat=len(varied)))
    else:
        ones = [1.0] * len(varied)
        alone = [
            (*ones[:number], factor, *ones[number + 1 :])
            for number in range(len(varied))
            for factor in FACTORS
        ]
        choices = [*((factor,) * len(varied) for factor in FACTORS), *alone]
    for factors in choices:
        point = base.clone()
        for number, factor in zip(varied, factors, strict=True):
            point[number] *= factor
        yield point


def _solved(model: Model, point: Tensor, solved: Sequence[int]) -> State | None:
    """The state at a point, with the linear parameters solved for."""
    state = state_at(point, model.jacobian)
    if state is None or not solved:
        return state
    columns = state.jacobian[:, list(solved)]
    lengths = columns.norm(dim=0)
    lengths = torch.where(lengths == 0, torch.ones_like(lengths), lengths)
    step = torch.linalg.lstsq(
        columns / lengths, -state.residuals[:, None], rcond=1e-12, driver="gelsd"
    ).solution[:, 0]
    better = point.clone()
    better[list(solved)] += step / lengths
    return state_at(better, model.jacobian)
