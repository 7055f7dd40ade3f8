"""Numerical derivatives with an error bar: an extrapolated ladder of difference quotients.

Steps from a quarter of the coordinate down to where nothing is left are all taken at once, on both
sides. Neville's scheme extrapolates central, forward and backward quotients to step 0, and of all
entries the one with the least sum of truncation estimate (Ridders 1982) and rounding bound is
taken. The sides' own derivatives are evidence of kinks, edges, jumps and infinite slopes.

Ridders, C. J. F. (1982), "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Softw. 4(2).
Neville's recursion for polynomial extrapolation: Numerical Recipes, section 5.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

UNIT = 2.0**-53  # of the rounding of values
RUNGS = 22
RATIO = 4.0  # from step to step
DEPTH = 5  # columns of Neville's scheme
STRETCH = 4  # rungs that are judged together
EVIDENCE = (8, 11, 14)  # the rungs between which the growth of a slope is measured
JUMP, STEEP = 0.9, 0.05  # a slope growing like h**-p: a jump from p = 0.9 on, steep from 0.05 on
APART = 10.0  # two derivatives differ by more than this many times their errors: a kink, if ...
KINK = 1e-6  # ... it is more than this share of themselves as well
KNOWN = 1e-3  # a derivative known better than this is no jump and not steep
ABOVE_NOISE = 100.0

SMOOTH, KINKED, EDGE, JUMPING, INFINITE, UNDEFINED = (
    "smooth",
    "kink",
    "edge",
    "jump",
    "infinite slope",
    "undefined",
)


@dataclass(frozen=True)
class Ladder:
    """The places where a function is evaluated: for each of n coordinates, a row of `places`.

    `x` has shape (n,), `steps` (n, 2*RUNGS) and `places` (n, 4*RUNGS + 1): forward, backward, and
    the point itself.
    """

    x: Tensor
    steps: Tensor
    places: Tensor

    @classmethod
    def at(cls, x: Tensor) -> Ladder:
        """Two ladders for each coordinate: one from max(|x|, 1)/4 down, one from |x|/4."""
        x = x.to(torch.float64)
        rungs = RATIO ** -torch.arange(RUNGS, dtype=torch.float64)
        size = x.abs()
        own = torch.where((size == 0) | ~size.isfinite(), 1.0, size)
        tops = [_power_of_two(own.clamp(min=1.0)), _power_of_two(own)]
        steps = torch.cat([top[:, None] / 4 * rungs for top in tops], 1)
        here = x[:, None]
        return cls(x, steps, torch.cat([here + steps, here - steps, here], 1))


@dataclass(frozen=True)
class Slope:
    """A derivative and the bound of its error, infinite where there is none."""

    value: float
    error: float

    @property
    def exists(self) -> bool:
        return math.isfinite(self.error)


@dataclass(frozen=True)
class Slopes:
    """What a ladder found at one coordinate.

    `kind` is one of SMOOTH, KINKED, EDGE, JUMPING, INFINITE and UNDEFINED. `before` and `after` are
    values close by on each side; `steep` says that the slope grows without bound; `scale` is how
    steep the function is at large, beside which a derivative counts as zero, and `terms` how steep
    it would be if what it is made of did not cancel.
    """

    kind: str
    central: Slope
    left: Slope
    right: Slope
    value: float
    before: float
    after: float
    steep: bool
    scale: float
    terms: float = 0.0


def slopes(
    ladder: Ladder, values: Tensor, noise: Tensor, strayed: Tensor | None = None
) -> list[Slopes]:
    """The derivatives of functions with these values at the places of a ladder.

    `values` and `noise`, the bound of their rounding errors, have the shape of `ladder.places`, and
    so has `strayed`: how far a value is off because a step of a staircase lies in between.
    """
    count = 2 * RUNGS
    above, below, here = values[:, :count], values[:, count:-1], values[:, -1:]
    noise_above, noise_below = noise[:, :count], noise[:, count:-1]
    noise_here = noise[:, -1:]
    up = ladder.places[:, :count] - ladder.x[:, None]  # the steps that rounding left of them
    down = ladder.x[:, None] - ladder.places[:, count:-1]
    quotients = {
        "central": ((above - below) / (up + down), (noise_above + noise_below) / (up + down), 2),
        "right": ((above - here) / up, (noise_above + noise_here) / up, 1),
        "left": ((here - below) / down, (noise_below + noise_here) / down, 1),
    }
    off = torch.zeros_like(noise) if strayed is None else strayed
    off_above, off_below = off[:, :count] / up, off[:, count:-1] / down
    off_central = (off[:, :count] + off[:, count:-1]) / (up + down)
    strays = {"central": off_central, "right": off_above, "left": off_below}
    best = {
        name: _extrapolate(quotient, error + strays[name], order)
        for name, (quotient, error, order) in quotients.items()
    }
    growth = torch.maximum(
        _growth(quotients["right"], up), _growth(quotients["left"], down)
    ).tolist()
    ratio = (here[:, 0] / ladder.x).abs().nan_to_num(0.0, 0.0, 0.0)
    chord = quotients["right"][0][:, 0].abs().nan_to_num(0.0, 0.0, 0.0)
    scales = torch.maximum(ratio, chord).tolist()
    size = torch.where(ladder.x == 0, 1.0, ladder.x.abs())
    terms = (noise_here[:, 0] / UNIT / size).nan_to_num(0.0, 0.0, 0.0).tolist()
    last = EVIDENCE[-1]
    found = []
    for row in range(len(ladder.x)):
        central, left, right = (
            Slope(best[name][0][row].item(), best[name][1][row].item())
            for name in ("central", "left", "right")
        )
        value = here[row, 0].item()
        sides = below[row, last].item(), above[row, last].item()
        nearest = below[row, -1].item(), above[row, -1].item()
        kind = _kind(value, nearest, central, left, right, growth[row])
        steep = growth[row] > STEEP
        beside = (*sides, steep, scales[row], terms[row])
        found.append(Slopes(kind, central, left, right, value, *beside))
    return found


def _power_of_two(size: Tensor) -> Tensor:
    return torch.exp2(torch.floor(torch.log2(size)))


def _extrapolate(quotient: Tensor, noise: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """The best entry of Neville's scheme over both ladders, and its error; shapes (n,).

    `order` is the power of the step that the quotients' errors go up in: 2 for central ones.
    """
    found = [
        _climbed(quotient[:, start : start + RUNGS], noise[:, start : start + RUNGS], order)
        for start in (0, RUNGS)
    ]
    return _nearer(*found)


def _climbed(entry: Tensor, error: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """The best entry of one ladder."""
    rungs = entry.shape[1]
    values: list[list[Tensor]] = [[] for _ in range(rungs)]
    errors: list[list[Tensor]] = [[] for _ in range(rungs)]
    for column in range(1, DEPTH + 1):
        weight = RATIO ** (order * column)
        further = entry[:, 1:] + (entry[:, 1:] - entry[:, :-1]) / (weight - 1)
        error = (error[:, 1:] * weight + error[:, :-1]) / (weight - 1)
        change = (further - entry[:, 1:]).abs()
        beside = torch.full_like(further, math.inf)
        beside[:, :-1] = (further[:, 1:] - further[:, :-1]).abs()
        total = torch.maximum(change, beside) + error
        total = torch.where(total.isfinite() & further.isfinite(), total, math.inf)
        for rung in range(further.shape[1]):
            values[rung].append(further[:, rung])
            errors[rung].append(total[:, rung])
        entry = further
    best: tuple[Tensor, Tensor] | None = None
    for start in range(0, rungs, STRETCH):
        group = range(start, min(start + STRETCH, rungs - 1))
        every = [one for rung in group for one in values[rung]]
        if not every:
            continue
        bounds = torch.stack([one for rung in group for one in errors[rung]], 1)
        least, place = bounds.min(1)
        here = torch.stack(every, 1).gather(1, place[:, None])[:, 0], least
        best = here if best is None else _nearer(best, here)
    assert best is not None
    return best


def _nearer(wide: tuple[Tensor, Tensor], narrow: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The better of two estimates, of wide and of narrow steps.

    It is the one with the smaller error, unless they contradict each other: wide steps may have
    crossed a pole or a corner and settled on something else.
    """
    contradiction = (wide[0] - narrow[0]).abs() > APART * (wide[1] + narrow[1])
    take = (narrow[1] < wide[1]) | (contradiction & narrow[1].isfinite())
    return torch.where(take, narrow[0], wide[0]), torch.where(take, narrow[1], wide[1])


def _growth(quotients: tuple[Tensor, Tensor, int], steps: Tensor) -> Tensor:
    """The power p with which a slope grows like h**-p, -inf where it is all rounding.

    It is measured on the ladder of the coordinate's own size, unless that shows only rounding; and
    twice, as a slope that has settled after the first time does not grow.
    """
    slope, noise, _ = quotients
    found = torch.full((len(slope),), -math.inf, dtype=slope.dtype)
    for start in (0, RUNGS):
        wide, middle, narrow = (start + rung for rung in EVIDENCE)
        powers = [
            torch.log(slope[:, near].abs() / slope[:, far].abs()) / ((near - far) * math.log(RATIO))
            for far, near in ((wide, middle), (middle, narrow))
        ]
        power = torch.minimum(*powers)
        heard = slope[:, narrow].abs() > ABOVE_NOISE * noise[:, narrow]
        found = torch.where(heard & power.isfinite(), power, found)
    return found


def _kind(
    value: float,
    nearest: tuple[float, float],
    central: Slope,
    left: Slope,
    right: Slope,
    growth: float,
) -> str:
    if not math.isfinite(value):
        return UNDEFINED
    if math.isfinite(nearest[0]) != math.isfinite(nearest[1]):
        return EDGE
    uncertain = not central.error <= KNOWN * abs(central.value)
    if uncertain and growth > STEEP:
        if left.exists != right.exists:
            return EDGE
        return JUMPING if growth > JUMP else INFINITE
    if left.exists != right.exists:
        return EDGE
    apart = abs(right.value - left.value)
    if apart > APART * (left.error + right.error) and apart > KINK * (
        abs(left.value) + abs(right.value)
    ):
        return KINKED
    return SMOOTH
