"""Numbers of autograd that stand beside formulas, and what has to be said where they differ.

A formula is evaluated in as many digits as it takes (`language.symbolic.evaluated`). A number may
differ from that by what rounding makes of it: by half of its digits, by what the formula itself
moves when every input is off by a unit of rounding, and, where even that does not explain it, by
what the number moves when autograd computes it at inputs that are off by a unit (the smallest
changes of the data stand for the roundings of the operations, as in stochastic arithmetic: Vignes
1993). There it is told only if the number has hardly a digit left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autograd_cli.errors import AgxError

SMOOTH, SWITCH, UNDEFINED = "smooth", "switch", "undefined"  # kinds of place, as the worker has it

SAMPLES = 4  # of the numbers at inputs that are off by a unit
TIMES = 16  # how far beyond the samples rounding may go
SCATTER = 64  # roundings that a gradient may have of each operation's
DIGIT = 1e-3  # a relative difference with which hardly a digit is right


class Entry(NamedTuple):
    """A number with its key among the formulas, and the words for it: `by x`."""

    key: str
    label: str
    number: float


@dataclass(frozen=True)
class Difference:
    """A number that is not what the formula is, and the words for why."""

    label: str
    formula: float | None
    number: float
    reason: str

    def __str__(self) -> str:
        if self.formula is None:
            return f"{self.label}: the formula is undefined here, and autograd has {self.number:g}"
        formula, number = _told_apart(self.formula, self.number)
        return (
            f"{self.label}: the formula is {formula} here, and autograd has {number}{self.reason}"
        )


CONVENTION = ": at a kink or a jump, either is a convention"
ROUNDING = ": rounding has cost it its digits"
WRONG = " (agx check tells more)"


def differences(
    entries: Iterable[Entry],
    findings: Mapping[str, Sequence[Any]],
    dtype: torch.dtype,
    again: Callable[[], Iterator[Mapping[str, float]]],
    *,
    is_undefined: bool = False,
) -> Iterator[Difference]:
    """The numbers that differ from their formulas by more than rounding allows.

    `findings` are those of `evaluated`, and `again` gives the numbers at inputs that are off by a
    unit of rounding. Where the function itself `is_undefined`, nan is no surprise.
    """
    entries = list(entries)
    samples: list[Mapping[str, float]] | None = None
    unit = torch.finfo(dtype).eps / 2
    largest = _largest(entries)
    for entry in entries:
        kind, exact, spread = findings.get(entry.key, ("", None, None))
        number = entry.number
        if is_undefined and not (kind in (SMOOTH, SWITCH) and math.isfinite(number)):
            continue
        if kind == UNDEFINED and math.isfinite(number):
            yield Difference(entry.label, None, number, "")
        if kind not in (SMOOTH, SWITCH):
            continue
        rounded = torch.tensor(exact, dtype=torch.float64).to(dtype).item()
        off = abs(rounded - number)
        allowed = math.sqrt(unit) * abs(rounded) + SCATTER * spread + _least(dtype)
        if number == rounded or off <= allowed:
            continue
        if not math.isfinite(number):
            yield Difference(entry.label, exact, number, "")
            continue
        if kind == SWITCH:
            yield Difference(entry.label, exact, number, CONVENTION)
            continue
        if samples is None:
            samples = list(again())
        scatter = max((abs(one[entry.key] - number) for one in samples), default=0.0)
        if not off <= TIMES * scatter + SCATTER * unit * largest[_array(entry)]:
            yield Difference(entry.label, exact, number, WRONG)
        elif off > DIGIT * abs(rounded) > 0 and off > SCATTER * unit * largest[_array(entry)]:
            yield Difference(entry.label, exact, number, ROUNDING)


def _array(entry: Entry) -> str:
    """The name of the array whose element it is."""
    return entry.key.partition("[")[0]


def _largest(entries: Iterable[Entry]) -> dict[str, float]:
    """The size of the largest finite number of each array: its elements round together."""
    found: dict[str, float] = {}
    for entry in entries:
        if math.isfinite(entry.number):
            found[_array(entry)] = max(found.get(_array(entry), 0.0), abs(entry.number))
    return found


def moved(values: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The values off by about a unit of rounding, up or down at random."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(SAMPLES):
        yield {name: _moved(value, generator) for name, value in values.items()}


def _moved(value: Tensor, generator: torch.Generator) -> Tensor:
    steps = torch.randint(1, 4, value.shape, generator=generator).to(value.dtype)
    signs = 2 * torch.randint(0, 2, value.shape, generator=generator).to(value.dtype) - 1
    unit = torch.finfo(value.dtype).eps / 2
    return value * (1 + (signs * steps * 2 * unit).to(value.device))


def numbers_at(
    points: Iterable[Mapping[str, Tensor]],
    entries: Callable[[Mapping[str, Tensor]], Iterable[Entry]],
) -> Iterator[dict[str, float]]:
    """The numbers at points, by their keys; where there are none, none."""
    for point in points:
        try:
            yield {entry.key: entry.number for entry in entries(point)}
        except AgxError:
            return


def _least(dtype: torch.dtype) -> float:
    """What underflow may cost, some of the least numbers above zero."""
    info = torch.finfo(dtype)
    return SCATTER * info.smallest_normal * info.eps


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as show that they differ, six at least."""
    for digits in range(6, 18):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
