"""The reports of quadratics, minimisations, networks and comparisons, in every format."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from cli_runner import run
from golden_files import Golden, rounded

from autograd_cli.console import Console
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.descent.bounds import box_of
from autograd_cli.engine.descent.minimize import Minimizing
from autograd_cli.engine.descent.network import draw
from autograd_cli.engine.descent.quadratic import QuadraticDescent
from autograd_cli.engine.descent.starts import ManyStarts, Starts
from autograd_cli.engine.descent.training import Training
from autograd_cli.errors import columns
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.quadratic import quadratic
from autograd_cli.render import FORMATS, Output, emit, emit_run
from autograd_cli.render.live import frame
from autograd_cli.render.run import Run
from autograd_cli.render.sparkline import sparkline
from autograd_cli.render.steps import StepTable
from autograd_cli.render.style import Style
from autograd_cli.results.comparison import BY_OPTIMIZER, BY_RATE, Comparison, Contender
from autograd_cli.results.fit import Fit, Fitting, Step, numbers
from autograd_cli.settings import Descent, Settings

GOLDEN = Golden("descent", key=rounded)
SETTINGS = Settings(seed=42)
ROSENBROCK = "100*(y-x**2)**2 + (1-x)**2"


@dataclass(frozen=True)
class Replay:
    """A fit that has ended, to be shown as often as wanted."""

    taken: tuple[Step, ...]
    fit: Fit
    introduction: object = None

    def steps(self) -> Iterator[Step]:
        yield from self.taken

    def result(self, interrupted: bool = False) -> Fit:
        return self.fit


def recorded(fitting: Fitting) -> Replay:
    taken = tuple(fitting.steps())
    return Replay(taken, fitting.result(), getattr(fitting, "introduction", None))


def bowl(source: str, descent: Descent, **start: float | list[float]) -> Replay:
    context = resolve(SETTINGS)
    tensors = {name: context.tensor(value) for name, value in start.items()}
    shapes = {name: list(value.shape) for name, value in tensors.items()}
    reply = quadratic({"source": source, "shapes": shapes})
    return recorded(QuadraticDescent(read(source), tensors, descent, context, reply))


def minimum(source: str, **start: float | list[float]) -> Replay:
    context = resolve(SETTINGS)
    tensors = {name: context.tensor(start[name]) for name in read(source).variables}
    box = box_of({}, tensors, context)
    descent = Descent(steps=100, optimizer="")
    return recorded(Minimizing(read(source), tensors, box, descent, context))


def starts() -> Replay:
    context = resolve(SETTINGS)
    source = "(x**2+y-11)**2 + (x+y**2-7)**2"
    tensors = {"x": context.tensor(0.0), "y": context.tensor(0.0)}
    several = Starts(tensors, box_of({}, tensors, context), 6, False)
    return recorded(ManyStarts(read(source), several, Descent(steps=100, optimizer=""), context))


def network(hidden: tuple[int, ...], activation: str) -> Replay:
    context = resolve(SETTINGS)
    drawn = draw("regression", hidden, activation, 4, SETTINGS, context)
    return recorded(Training("regression", drawn, Descent(steps=10, learning_rate=0.1), context))


def contender(label: str | float, replay: Replay) -> Contender:
    return Contender(label=label, fit=replay.fit, losses=[step.loss for step in replay.taken])


def comparison() -> Comparison:
    source = "(x-3)**2 + 4*(y-2)**2"
    found = []
    for name in ("gd", "momentum", "newton"):
        descent = Descent(steps=20, optimizer=name)
        found.append(contender(name, bowl(source, descent, x=0.0, y=0.0)))
    return Comparison.of(BY_OPTIMIZER, found)


def sweep() -> Comparison:
    found = []
    for rate in (0.01, 0.2, 0.9, 1.1):
        descent = Descent(steps=20, learning_rate=rate)
        found.append(contender(rate, bowl("(x-3)**2 + (y-2)**2", descent, x=0.0, y=0.0)))
    return Comparison.of(BY_RATE, found)


CASES: Mapping[str, Any] = {
    "quadratic": lambda: bowl("x**2 + x*y + 2*y**2 - 3*x", Descent(steps=10), x=0.0, y=5.0),
    "diverging": lambda: bowl(
        "(x-3)**2 + (y-2)**2", Descent(steps=10, learning_rate=1.1), x=0.0, y=0.0
    ),
    "saddle": lambda: bowl("x**2 - y**2", Descent(steps=10), x=1.0, y=0.0),
    "vector": lambda: bowl("sum(v**2) - 3*sum(v)", Descent(steps=10), v=[0.0] * 30),
    "minimize": lambda: minimum(ROSENBROCK, x=-1.2, y=1.0),
    "unbounded": lambda: minimum("x**3 - y", x=1.0, y=1.0),
    "starts": starts,
    "mlp": lambda: network((5,), "relu"),
    "vanishing": lambda: network((4, 4, 4, 4, 4, 4), "sigmoid"),
    "comparison": comparison,
    "sweep": sweep,
}
VARIANTS: dict[str, tuple[str, int, bool]] = {
    "table": ("table", 80, True),
    "table-40": ("table", 40, True),
    "ascii": ("table", 80, False),
    "plain": ("plain", 80, True),
    "json": ("json", 80, True),
    "ndjson": ("ndjson", 80, True),
    "csv": ("csv", 80, True),
    "markdown": ("markdown", 80, True),
    "latex": ("latex", 80, True),
}


@cache
def case(name: str) -> Any:
    return CASES[name]()


def shown(name: str, variant: str) -> tuple[str, str]:
    """What a case writes on stdout and stderr."""
    format_name, width, unicode = VARIANTS[variant]
    out, err = io.StringIO(), io.StringIO()
    console = Console(
        stdin=io.StringIO(), stdout=out, stderr=err, width=width, unicode=unicode, environ={}
    )
    output = Output(format=FORMATS[format_name])
    found = case(name)
    if isinstance(found, Comparison):
        emit(found, console, output)
    else:
        emit_run(Run(found, lambda step: step % 2 == 0), console, output)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, variant: str) -> None:
    text = "".join(shown(name, variant))
    GOLDEN.holds(name, variant, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(CASES, VARIANTS))


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", CASES)
def test_no_line_is_wider_than_the_terminal(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "wide", ("table", width, True))
    text, _ = shown(name, "wide")
    assert max(map(columns, text.splitlines())) <= width


@pytest.mark.parametrize("name", CASES)
def test_ascii_is_ascii(name: str) -> None:
    text, _ = shown(name, "ascii")
    assert text.isascii()


# Sparklines and frames ----------------------------------------------------------------------------


def test_sparklines() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8, unicode=False) == "_.-=+*#@"
    assert sparkline([1e-6, 1e-3, 1], 9) == "▁▅█"  # over many powers of ten, the logarithm
    assert sparkline([1, 1e-3, 1e-6, 0], 9) == "█▅▁▁"
    assert sparkline([5, 5, 5], 9) == "▁▁▁"
    assert sparkline([1, float("nan"), 2], 9) == "▁?█"
    assert sparkline([float("inf")] * 3, 9) == "???"
    assert sparkline([], 9) == ""
    assert len(sparkline(range(1000), 20)) == 20
    assert sparkline(range(1000), 20)[-1] == "█"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_frame_fits(width: int) -> None:
    step = Step(step=31, loss=0.5, parameters={"x": 1.25, "v": [1.0] * 40})
    style = Style(width=width)
    lines = frame([13.0, 2.0, 0.5], step, 50, style)
    for line in lines:
        assert sum(columns(text) for text, _ in line) <= max(width, 24)
    assert "31/50" in "".join(text for text, _ in lines[1])


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_table_of_steps_fits_and_says_what_is_left_out(width: int) -> None:
    step = Step(step=3, loss=-1.23456e-05, parameters={"v": [-1.23456e-05] * 40}, gradient_norm=1.0)
    table = StepTable(step, Style(width=width))
    heading = "".join(text for text, _ in table.heading())
    assert ("more" in heading) == (width >= 80)
    if width >= 40:
        assert columns(heading) <= width
        assert sum(columns(text) for text, _ in table.row(step)) <= width


@pytest.mark.parametrize(
    "words",
    [
        ("quadratic", "x**2+y**2", "--start", "x=1,y=2"),
        ("minimize", "x**2+y**2", "--start", "x=1,y=2"),
        ("mlp", "--steps", "2"),
    ],
    ids=lambda words: str(words[0]),
)
def test_csv_without_steps_has_the_parameters(words: tuple[str, ...]) -> None:
    found = run("fit", *words, "-q", "-f", "csv").out
    content = json.loads(run("fit", *words, "-f", "json").out)
    header, *rows = csv.reader(io.StringIO(found))
    assert header == ["parameter", "value"]
    assert [(name, float(value)) for name, value in rows] == list(numbers(content["parameters"]))
