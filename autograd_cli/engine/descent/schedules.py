"""Learning-rate schedules: the factor on the learning rate at every step.

They are torch.optim.lr_scheduler's of the same names, in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from autograd_cli.errors import UsageError

Factor = Callable[[int], float]  # of the step about to be taken, counted from 0


class Argument(NamedTuple):
    """A number that a schedule takes, after its name and a colon."""

    name: str
    default: Callable[[int], float]  # of the number of steps
    least: float
    most: float = math.inf


class Schedule(NamedTuple):
    """A row of the table: its arguments, and its factor given them and the number of steps."""

    name: str
    arguments: tuple[Argument, ...]
    factor: Callable[..., Factor]
    help: str


def _constant(steps: int) -> Factor:
    return lambda step: 1.0


def _step(steps: int, size: float, gamma: float) -> Factor:
    return lambda step: gamma ** (step // size)


def _exponential(steps: int, gamma: float) -> Factor:
    return lambda step: gamma**step


def _cosine(steps: int, floor: float) -> Factor:
    return lambda step: floor + (1 - floor) * (1 + math.cos(math.pi * step / steps)) / 2


def _linear(steps: int, floor: float) -> Factor:
    return lambda step: 1 + (floor - 1) * min(step / steps, 1)


def _inverse(steps: int, scale: float) -> Factor:
    return lambda step: 1 / math.sqrt(1 + step / scale)


def _warmup(steps: int, length: float) -> Factor:
    return lambda step: min((step + 1) / length, 1.0)


def _warmup_cosine(steps: int, length: float) -> Factor:
    after = _cosine(max(steps - int(length), 1), 0.0)
    return lambda step: (step + 1) / length if step < length else after(step - int(length))


def _floor(default: float) -> Argument:
    return Argument("floor", lambda steps: default, 0.0, 1.0)


_TENTH = Argument("steps", lambda steps: max(steps // 10, 1), 1)

SCHEDULES: Mapping[str, Schedule] = {
    row.name: row
    for row in (
        Schedule("constant", (), _constant, "the same at every step"),
        Schedule(
            "step",
            (
                Argument("size", lambda steps: max(steps // 3, 1), 1),
                Argument("gamma", lambda steps: 0.1, 0.0, 1.0),
            ),
            _step,
            "times GAMMA after every SIZE steps",
        ),
        Schedule(
            "exponential",
            (Argument("gamma", lambda steps: 0.01 ** (1 / max(steps, 1)), 0.0, 1.0),),
            _exponential,
            "times GAMMA after every step",
        ),
        Schedule("cosine", (_floor(0.0),), _cosine, "down to FLOOR along half a cosine"),
        Schedule("linear", (_floor(0.0),), _linear, "down to FLOOR along a line"),
        Schedule(
            "inverse",
            (Argument("scale", lambda steps: 1.0, 1e-300),),
            _inverse,
            "as 1/sqrt(1 + step/SCALE)",
        ),
        Schedule("warmup", (_TENTH,), _warmup, "up along a line for STEPS steps, then constant"),
        Schedule("warmup-cosine", (_TENTH,), _warmup_cosine, "up for STEPS steps, then down to 0"),
    )
}


def schedule(text: str, steps: int) -> Factor:
    """The factor of `NAME[:ARGUMENT[:ARGUMENT]]` in a run of so many steps.

    Raises: UsageError for an unknown name, too many arguments, or one that is no number in range.
    """
    name, *given = text.split(":")
    row = SCHEDULES.get(name)
    if row is None:
        near = get_close_matches(name.lower(), SCHEDULES, n=1)
        known = f"known: {', '.join(SCHEDULES)}"
        hint = f"did you mean {near[0]!r}? {known}" if near else known
        raise UsageError(f"unknown schedule {name!r}", hint=hint)
    if len(given) > len(row.arguments):
        raise UsageError(
            f"the schedule {name!r} takes {_counted(len(row.arguments))}, not {len(given)}",
            hint=f"write {usage(row)}",
        )
    values = [argument.default(steps) for argument in row.arguments]
    for place, (word, argument) in enumerate(zip(given, row.arguments, strict=False)):
        values[place] = _number(word, argument, row)
    return row.factor(max(steps, 1), *values)


def usage(row: Schedule) -> str:
    """How a schedule is written: `step[:SIZE[:GAMMA]]`."""
    inner = ""
    for argument in reversed(row.arguments):
        inner = f"[:{argument.name.upper()}{inner}]"
    return row.name + inner


def _counted(count: int) -> str:
    return {0: "no argument", 1: "one argument"}.get(count, f"{count} arguments")


def _number(word: str, argument: Argument, row: Schedule) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if argument.least <= value <= argument.most and math.isfinite(value):
        return value
    span = f"from {argument.least:g} to {argument.most:g}"
    if argument.most == math.inf:
        span = f"of at least {argument.least:g}" if argument.least >= 1 else "above 0"
    raise UsageError(
        f"{argument.name.upper()} of the schedule {row.name!r} is a number {span}, not {word!r}",
        hint=f"write {usage(row)}",
    )
