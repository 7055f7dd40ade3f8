"""Answers to the questions of a lesson: expressions of agx's language without variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd_cli.errors import UnknownNameError
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

TOLERANCE = 1e-3  # relative: an answer of three digits or four is right


def value_of(answer: str) -> Any:
    """The value of an answer: a number, or lists of them. Imports torch. Raises AgxError."""
    expression = read(answer)
    if expression.variables:
        name = next(iter(expression.variables))
        raise UnknownNameError(
            f"an answer is a number, and {name!r} has no value here",
            hint="for example: 4, 2*cos(1), [2, 4, 6] or sqrt(2)/2",
        )
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.gradients import evaluation

    return evaluation(expression, {}, resolve(Settings())).value


def agrees(answer: Any, truth: Any) -> bool:
    """Whether an answer is the truth, to three digits; `[4]` and `4` are the same answer."""
    one, other = _flat(answer), _flat(truth)
    if len(one) > 1 and _shape(answer) != _shape(truth):
        return False
    return len(one) == len(other) and all(map(_close, one, other))


def _close(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE**3)


def _flat(value: Any) -> list[float]:
    pending, found = [value], []
    while pending:
        item = pending.pop()
        if isinstance(item, Sequence) and not isinstance(item, str):
            pending += reversed(item)
        else:
            found.append(_number(item))
    return found


def _number(item: Any) -> float:
    try:
        return float(item)
    except (TypeError, ValueError):
        return math.nan


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, Sequence) and not isinstance(value, str):
        shape.append(len(value))
        value = value[0] if value else None
    return shape
