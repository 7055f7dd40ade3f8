"""The tool vouching for itself: every function of the table, checked where it is differentiable."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from autograd_cli.engine.check.examination import Examination, Job, Question, Referee
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.errors import AgxError
from autograd_cli.language.detached import DETACH
from autograd_cli.language.expression import Expression
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.functions.row import Function, Parameter
from autograd_cli.language.reader import read
from autograd_cli.results.check import VERDICTS, Check, Component

POINTS = 2  # for every function of numbers
POOL = (0.7, -0.6, 1.7, 2.3, -1.4, 3.6, 0.2)  # where a function is tried, if it is defined there
WITHOUT = ("constructor",)  # families that have nothing to differentiate

# What stands for an operand or an option that is a setting, or has to be of a certain kind.
SETTINGS: Mapping[str, str] = {"n": "2", "condition": "0.5 > 0", "order": "2", "size": "2"}

VECTOR, OTHER_VECTOR = (0.7, -0.6, 1.7), (0.3, 0.9, -0.4)
LIKELY, TARGET = (0.6, 0.2, 0.8), (0.3, 0.1, 0.6)  # probabilities
MATRIX = ((2.1, 0.4), (0.7, 1.3))
OTHER_MATRIX = ((0.5, -0.3), (0.8, 1.1))
SHORT = (0.7, -0.6)

# The operands of rows that do not work element by element, by the names of their parameters.
ARRAYS: Mapping[str, tuple[object, ...]] = {
    "x": VECTOR,
    "y": OTHER_VECTOR,
    "A": MATRIX,
    "B": OTHER_MATRIX,
    "b": SHORT,
    "input": LIKELY,
    "target": TARGET,
}
SPECIAL_ARRAYS: Mapping[str, Mapping[str, tuple[object, ...]]] = {"mv": {"x": SHORT}}


@dataclass(frozen=True)
class Trial:
    """An expression that tries a function, at some points, by some variables."""

    row: Function
    expression: Expression
    points: Mapping[str, Tensor]
    wrt: tuple[str, ...]


def check_functions(context: Context, referee: Referee) -> Check:
    """The verdict on every function of the table that has derivatives, one component for each
    operand: that of its worst element at the worst of its points."""
    found = [trial for row in FUNCTIONS.values() for trial in _trials(row, context)]
    examinations = [
        Examination(trial.expression, trial.points, context, Question(trial.wrt)) for trial in found
    ]
    jobs: list[Job] = [one.job() for one in examinations]
    referee.ask(jobs)
    for examination in examinations:
        examination.prepare()
    replies = list(referee.replies())
    replies += [{}] * (len(examinations) - len(replies))
    components: list[Component] = []
    for trial, examination, reply in zip(found, examinations, replies, strict=True):
        at_points = list(examination.components(reply))
        for operand in trial.wrt:
            worst, number = max(
                (
                    (component, number)
                    for number, found_there in enumerate(at_points)
                    for component in found_there
                    if component.input.partition("[")[0] == operand
                ),
                key=lambda one: _badness(one[0]),
            )
            at = {name: tensor[number].tolist() for name, tensor in trial.points.items()}
            components.append(replace(worst, where=trial.expression.source, at=at))
    tried = {trial.row.name for trial in found}
    return Check(
        expression="",
        at={},
        dtype=context.dtype_name,
        device=str(context.device),
        value=None,
        components=tuple(components),
        checked=len(tried),
        skipped=tuple(name for name in FUNCTIONS if name not in tried),
    )


def _badness(component: Component) -> tuple[int, float]:
    """The worse the verdict, and then the larger the difference from the best reference."""
    difference = component.difference
    return VERDICTS.index(component.verdict), math.inf if difference is None else abs(difference)


def _trials(row: Function, context: Context) -> Iterator[Trial]:
    if row.family in WITHOUT or row.name == DETACH or not row.operands:
        return
    make = _of_numbers if row.elementwise else _of_arrays
    trial = make(row, context)
    if trial is not None:
        yield trial


def _of_numbers(row: Function, context: Context) -> Trial | None:
    operands = [one for one in row.operands if one.name not in SETTINGS]
    if not operands or not row.derivatives:
        return None
    names = [one.name for one in operands]
    expression = read(_call(row, {}), given=names)
    places = list(itertools.islice(_defined(row, names, expression, context), POINTS))
    if not places:
        return None
    points = {
        name: torch.tensor([place[name] for place in places], dtype=context.dtype) for name in names
    }
    wrt = tuple(
        one.name
        for one, formula in zip(row.operands, row.derivatives, strict=False)
        if formula and one.name in names
    )
    return Trial(row, expression, points, wrt)


def _defined(
    row: Function, names: Sequence[str], expression: Expression, context: Context
) -> Iterator[dict[str, float]]:
    """Places from the pool where the row is defined and differentiable; where it has a gradient."""
    exactly = Context(torch.device("cpu"), torch.float64, context.generator)
    settings = {one.name: float(one.default or 0) for one in row.options if _is_number(one)}
    condition = read(row.domain, given=[*names, *settings]) if row.domain else None
    for chosen in itertools.permutations(POOL, len(names)):
        place = dict(zip(names, chosen, strict=True))
        at = {
            name: torch.tensor(value, dtype=torch.float64)
            for name, value in {**settings, **place}.items()
        }
        try:
            if condition is not None and not bool(
                output(condition, evaluate(condition, at, exactly), exactly)
            ):
                continue
            value = output(expression, evaluate(expression, at, exactly), exactly)
        except AgxError:
            continue
        if value.dtype == torch.bool:
            return
        if value.isfinite().all():
            yield place


def _is_number(parameter: Parameter) -> bool:
    return parameter.type in ("number", "int") and parameter.default not in (None, "None")


def _of_arrays(row: Function, context: Context) -> Trial | None:
    given = {**ARRAYS, **SPECIAL_ARRAYS.get(row.name, {})}
    names = [one.name for one in row.operands if one.name in given]
    symmetric = {name: f"({name} + {name}.T)" for name in names if row.symmetric}
    # Squared, so that softmax and the like do not add up to a constant.
    expression = read(f"sum({_call(row, symmetric)}**2)", given=names)
    points = {name: torch.tensor(given[name], dtype=context.dtype)[None] for name in names}
    wrt = ("input",) if row.family == "loss" else tuple(names)
    return Trial(row, expression, points, wrt)


def _call(row: Function, instead: Mapping[str, str]) -> str:
    """A call with its parameters as variables, or with something `instead`."""
    wanted = [one.name for one in row.parameters if one.is_operand or one.default is None]
    words = [instead.get(name, SETTINGS.get(name, name)) for name in wanted]
    if row.symbol and len(words) == 2:
        return f"({words[0]} {row.symbol} {words[1]})"
    if row.symbol:
        return f"({row.symbol} {words[0]})"
    return f"{row.name}({', '.join(words)})"
