"""The way of a descent, from the records of its steps: NDJSON as `agx fit` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_cli.errors import FileError, UsageError

MOST_STEPS = 1_000_000
EXAMPLE = 'agx fit minimize "x**2 + y**2" --start x=1,y=1 --format ndjson > run.ndjson'


@dataclass(frozen=True, kw_only=True)
class DescentPath:
    """Where a descent was after each of its steps: a row for each variable asked for."""

    places: Sequence[Sequence[float]]
    losses: Sequence[float]
    label: str = ""


def read_paths(lines: Iterable[str], names: Sequence[str], file: str) -> list[DescentPath]:
    """The paths of the variables `names`: one, or one for each optimizer that was compared.

    Each line is an object with `step`, `loss` and `parameters`; others, such as the result at the
    end, are passed over. Raises: FileError where it is not NDJSON or holds no steps, UsageError
    where it has other variables.
    """
    found: dict[str, list[tuple[list[float], float]]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _record(line, number, file)
        parameters = record.get("parameters")
        if "step" not in record or not isinstance(parameters, dict):
            continue
        if number > MOST_STEPS:
            raise FileError(f"{file} has more than {MOST_STEPS:,} steps")
        place = [_number(parameters.get(name), name, parameters, file) for name in names]
        rate = record.get("sweep")
        label = str(record.get("optimizer") or ("" if rate is None else f"rate {rate}"))
        found.setdefault(label, []).append((place, _loss(record.get("loss"))))
    if not found:
        raise FileError(
            f"{file} has no steps of a descent: no line has 'step' and 'parameters'",
            hint=f"for example {EXAMPLE}",
        )
    return [
        DescentPath(
            places=list(zip(*(place for place, _ in steps), strict=True)),
            losses=[loss for _, loss in steps],
            label=label,
        )
        for label, steps in found.items()
    ]


def _record(line: str, number: int, file: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise FileError(
            f"{file} is not NDJSON: line {number} is no JSON object", hint=f"for example {EXAMPLE}"
        )
    return record


def _number(value: object, name: str, parameters: dict[str, Any], file: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if value in _NOT_FINITE:
        return float("nan")
    if name in parameters:
        raise UsageError(f"'{name}' is not a number in {file}", hint="a path is one of numbers")
    known = ", ".join(map(str, parameters)) or "none"
    raise UsageError(
        f"{file} is the path of other variables: it has no '{name}'",
        hint=f"its variables: {known}",
    )


def _loss(value: object) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else float("nan")  # type: ignore[arg-type]


_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
