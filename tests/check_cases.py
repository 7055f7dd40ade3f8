"""The points that gradient checks are measured on, and the truth about them, from mpmath alone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpmath import mp, mpf
from reference import REFERENCES

from autograd_cli.engine.check.examination import Examination, Question
from autograd_cli.engine.check.verdict import Evidence
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import point
from autograd_cli.language.expression import NUMBER, VARIABLE, Expression
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.worker import respond
from autograd_cli.settings import Settings

FILE = Path(__file__).parent / "data" / "check_points.tsv"
SINGULAR = ("kink", "jump", "edge", "infinite slope")


@dataclass(frozen=True)
class Case:
    """An expression at a point, and the kind of the place."""

    kind: str
    expression: str
    at: str

    @property
    def name(self) -> str:
        return f"{self.expression} at {self.at}"

    @property
    def is_smooth(self) -> bool:
        return self.kind not in SINGULAR


def cases() -> list[Case]:
    """The rows of the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines()[1:]
    return [Case(*line.split("\t")) for line in lines]


class InProcess:
    """The referee without its process."""

    def __init__(self, knows: bool = True) -> None:
        self._knows = knows
        self._jobs: Sequence[Mapping[str, Any]] = ()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def ask(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        self._jobs = jobs

    def replies(self) -> Sequence[Mapping[str, Any]]:
        if not self._knows:
            return []
        return respond({"task": "referee", "jobs": self._jobs})["jobs"]


def examined(source: str, at: str, dtype: str = "float64", **question: Any) -> Examination:
    """An examination of an expression at one point."""
    context = resolve(Settings.checked("cpu", dtype))
    given = read_values([at])
    expression = read(source, given=list(given))
    points = {name: tensor[None] for name, tensor in point(given, context).items()}
    return Examination(expression, points, context, Question(**question))


def evidence(examination: Examination, *, referee: bool) -> list[Evidence]:
    """What is found at the one point."""
    asked = InProcess(referee)
    asked.ask(examination.jobs())
    (found,) = examination.evidence(*asked.replies())
    return found


def truth(source: str, place: Mapping[str, float], name: str) -> Any:
    """The derivative by `name`, by central differences at 1000 digits and a step of 1e-300."""
    expression = read(source, given=list(place))
    with mp.workdps(1000):
        step = mpf(10) ** -300 * (abs(mpf(place[name])) or 1)
        values = {key: mpf(value) for key, value in place.items()}
        above, below = (
            _value(expression, {**values, name: values[name] + sign * step}) for sign in (1, -1)
        )
        slope = (above - below) / (2 * step)
        rounding = mpf(10) ** -600 * max(abs(above), abs(below)) / step
        left = rounding + mpf(10) ** (-500 if place[name] else -290)  # of a slope that is 0
        return slope if abs(slope) > left else mpf(0)


def _value(expression: Expression, values: Mapping[str, Any]) -> Any:
    """The value by definition; numbers are those that torch computes with."""
    found: list[Any] = []
    for node in expression.nodes:
        operands = [found[i] for i in node.operands]
        if node.op == NUMBER:
            found.append(mpf(node.value))
        elif node.op == VARIABLE:
            found.append(values[str(node.value)])
        else:
            made = REFERENCES[node.op].value(*operands, **dict(node.options))
            found.append(mpf(made) if isinstance(made, bool) else made)
    return found[expression.root]


ATOMS = ("x", "y", "0.5", "3", "1.7")
UNARY = (
    *("sin({})", "cos({})", "exp({})", "tanh({})", "log({})", "sqrt({})", "atan({})", "abs({})"),
    *("({})**2", "({})**3", "1/({})", "-({})", "relu({})", "sigmoid({})", "floor({})", "erf({})"),
    *("log1p({})", "expm1({})", "softplus({})", "cosh({})"),
)
BINARY = (
    *("({} + {})", "({} - {})", "({})*({})", "({})/({})", "maximum({}, {})", "atan2({}, {})"),
    *("hypot({}, {})", "where({} > {}, x, y)"),
)


def random_expression(generator: random.Random, depth: int = 4) -> str:
    """An expression of x and y, of functions that have a definition in `reference`."""
    if depth == 0 or generator.random() < 0.1:
        return generator.choice(ATOMS)
    if generator.random() < 0.5:
        return generator.choice(UNARY).format(random_expression(generator, depth - 1))
    parts = (random_expression(generator, depth - 1) for _ in range(2))
    return generator.choice(BINARY).format(*parts)


def random_case(generator: random.Random) -> Case:
    """A random expression at a random point, in all orders of magnitude."""
    source = f"{random_expression(generator)} + x*y"
    sizes = [generator.choice((1, 1, 1, 1e-3, 1e3, 1e-8, 1e8)) for _ in range(2)]
    x, y = (generator.uniform(-3, 3) * size for size in sizes)
    return Case("random", source, f"x={x!r},y={y!r}")
