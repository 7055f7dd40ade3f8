"""`agx check`: is this gradient right?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from autograd_cli.commands.completing import assignments, function_calls
from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Json,
    Precision,
    Printing,
    Seed,
    Syntax,
    format_option,
    output_option,
    whole,
)
from autograd_cli.commands.point_options import STOP, Map, OnError, PointsOption
from autograd_cli.commands.points import Many
from autograd_cli.errors import AgxError, ExitCode, ReadError, UsageError
from autograd_cli.language.symbolic import Worker
from autograd_cli.render import AUTO, GENERAL
from autograd_cli.render.check import warnings
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.results.check import Check
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.engine.check import Question
    from autograd_cli.language.expression import Expression

EXAMPLES = """
agx check "x**2*sin(y)" --at x=2,y=3
agx check "x**2*y" --at x=2,y=3 --against "x: 2*x*y; y: x**2"
agx check "log(x)*y" --samples 20 --domain x=0:1,y=-5:5
agx check "log(x)*y" --points data.csv
agx check "sum(A@A)" --at "A=[[1,2],[3,4]]" --order 2 -o check.xml
"""

FORMATS = (*GENERAL, "junit")
PANEL = "Check"
SECONDS = 5.0  # for the exact derivatives; a share of it for those of many points
SECONDS_FOR_ALL = 60.0  # for those of every function
REACH = 2.0  # variables without a domain are drawn from -REACH to REACH
MOST_ASKED = 50_000  # characters of a question to the referee


def _number(option: str) -> Callable[[Any], float | None]:
    def parse(value: Any) -> float | None:
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            raise UsageError(f"{option} needs a number of at least 0, not {value!r}")
        return number

    return parse


Expression_ = Annotated[
    str | None,
    typer.Argument(
        metavar="EXPR",
        help="the expression, such as 'x**2 + sin(y)'; @FILE reads it from a file, - from stdin",
        autocompletion=function_calls,
    ),
]
Wrt = Annotated[
    str | None,
    typer.Option("--wrt", metavar="NAMES", help="only by these variables", rich_help_panel=PANEL),
]
Order = Annotated[
    int,
    typer.Option(
        "--order",
        metavar="N",
        help="2 checks the second derivatives as well",
        rich_help_panel=PANEL,
        callback=whole("--order", 1, 2),
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="FORMULAS",
        help='check your own derivatives instead: "x: 2*x*y; y: x**2"',
        rich_help_panel=PANEL,
    ),
]
SamplesOption = Annotated[
    int | None,
    typer.Option(
        "--samples",
        metavar="N",
        help="check at N random points",
        rich_help_panel=PANEL,
        callback=whole("--samples", 1, 100_000),
    ),
]
Domain = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="NAME=LOW:HIGH",
        help=f"where random points are: x=0:1,y=-5:5; from {-REACH:g} to {REACH:g} if left out",
        rich_help_panel=PANEL,
        autocompletion=assignments,
    ),
]
Rtol = Annotated[
    float | None,
    typer.Option(
        "--rtol",
        metavar="R",
        help="judge by a plain tolerance: |error| <= atol + rtol*|exact|",
        rich_help_panel=PANEL,
        callback=_number("--rtol"),
    ),
]
Atol = Annotated[
    float | None,
    typer.Option(
        "--atol",
        metavar="A",
        help="the absolute part of that tolerance",
        rich_help_panel=PANEL,
        callback=_number("--atol"),
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="exit with 1 where it is inconclusive", rich_help_panel=PANEL),
]
Functions = Annotated[
    bool,
    typer.Option("--functions", help="check every function that agx knows", rich_help_panel=PANEL),
]


def check(
    ctx: typer.Context,
    expression: Expression_ = None,
    at: At = None,
    syntax: Syntax = "agx",
    wrt: Wrt = None,
    order: Order = 1,
    against: Against = None,
    points: PointsOption = None,
    map: Map = None,
    on_error: OnError = STOP,
    samples: SamplesOption = None,
    domain: Domain = None,
    rtol: Rtol = None,
    atol: Atol = None,
    strict: Strict = False,
    functions: Functions = False,
    device: Device = "cpu",
    dtype: Dtype = "float64",
    seed: Seed = 0,
    precision: Precision = DEFAULT_PRECISION,
    format: Annotated[str, format_option(FORMATS)] = AUTO,
    json: Json = False,
    output: Annotated[str, output_option(FORMATS)] = "",
    color: Colour = "auto",
    debug: Debug = False,
) -> int:
    """Check whether autograd is right: three independent answers, and a verdict.

    Autograd is held against a numerical derivative with an error bar, and against the formula of
    the derivative in 50 digits. The exit code is 1 if they disagree.
    """
    from autograd_cli.commands.inputs import read_inputs

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision, among=FORMATS)
    settings = Settings.checked(device, dtype, seed)
    if functions:
        if expression is not None or at or samples or domain or against or points:
            raise UsageError("--functions checks agx's own functions: it takes no expression")
        return _tell(_functions(settings), printing, strict)
    if expression is None:
        raise UsageError("missing EXPR", hint=EXAMPLES.strip().splitlines()[0])
    many = Many.of_options(
        *(points, map, on_error, None, False, False),
        grid=None,
        expression=expression,
        printing=printing,
    )
    table = many.open(ctx)
    inputs = read_inputs(expression, at or [], [], syntax, printing.console, table)
    if not inputs.expression.variables:
        raise UsageError(
            "nothing to check: the expression has no variables", hint="for its value, use agx eval"
        )
    question = _Asked(inputs.expression, wrt, order, against, rtol, atol)
    if table is not None:
        if samples is not None or domain:
            raise UsageError("--points says already where: leave out --samples and --domain")
        inputs.check()
        return _at_rows(inputs, question, settings, many, printing, strict)
    if samples is None and domain:
        raise UsageError("--domain is for random points", hint="add --samples 100")
    if samples is None:
        inputs.check()
        found = _at_point(inputs, question, settings)
    else:
        found = _at_samples(inputs, question, settings, samples, domain or [])
    return _tell(found, printing, strict)


def _tell(found: Check, printing: Printing, strict: bool) -> int:
    found = replace(found, strict=strict)
    told = warnings(found, for_people=printing.for_people)
    printing.emit(replace(found, warnings=(*found.warnings, *told)))
    return ExitCode.FINDING if found.failed else ExitCode.OK


def _at_point(inputs: Inputs, asked: _Asked, settings: Settings) -> Check:
    with Referee() as referee:  # started before torch is imported
        from autograd_cli.engine import check as engine
        from autograd_cli.engine.context import resolve

        context = resolve(settings)
        values, _ = inputs.tensors(context)
        return engine.check(inputs.expression, values, context, asked.question(), referee)


def _at_rows(
    inputs: Inputs,
    asked: _Asked,
    settings: Settings,
    many: Many,
    printing: Printing,
    strict: bool,
) -> int:
    """Checks at the rows of a table: how they come out, and the worst of them."""
    with Referee() as referee:
        from autograd_cli.engine.check import Survey
        from autograd_cli.engine.context import resolve

        context = resolve(settings)
        values, _ = inputs.tensors(context)
        survey = Survey(inputs.expression, values, context, asked.question(), referee)
        left_out, error = many.survey(inputs, values, context, survey, printing.console)
        if error is None or survey.count:
            code = _tell(survey.result({}), printing, strict)
        if error is not None:
            raise error
    return max(code, ExitCode.FINDING if left_out else ExitCode.OK)


def _at_samples(
    inputs: Inputs, asked: _Asked, settings: Settings, count: int, domain: Sequence[str]
) -> Check:
    intervals = _intervals(inputs.expression, domain)
    for name in inputs.values:
        if name not in inputs.expression.variables:
            inputs.check()  # it has the words for this
    with Referee() as referee:
        from autograd_cli.engine import check as engine
        from autograd_cli.engine.context import resolve
        from autograd_cli.engine.derivatives import point
        from autograd_cli.errors import ShapeError

        context = resolve(settings)
        values, _ = inputs.tensors(context)
        ends = {}
        for name in inputs.expression.variables:
            if name in intervals:
                low, high = (point({name: one}, context)[name] for one in intervals[name])
                if low.dim() or high.dim():
                    raise ShapeError("the ends of a domain are numbers")
                ends[name] = (low.item(), high.item())
            elif name not in values:
                ends[name] = (-REACH, REACH)
        for name, (low_end, high_end) in ends.items():
            if not -math.inf < low_end <= high_end < math.inf:
                raise UsageError(
                    f"--domain {name}={low_end:g}:{high_end:g} is no interval",
                    hint=f"from the lower to the higher end: --domain {name}=0:1",
                )
        return engine.check_samples(
            inputs.expression, values, ends, count, context, asked.question(), referee
        )


def _functions(settings: Settings) -> Check:
    with Referee(SECONDS_FOR_ALL) as referee:
        from autograd_cli.engine.context import resolve
        from autograd_cli.engine.vouch import check_functions

        return check_functions(resolve(settings), referee)


def _intervals(
    expression: Expression, texts: Sequence[str]
) -> Mapping[str, tuple[Expression, Expression]]:
    """The ends of `x=0:1,y=-5:5`. Raises ReadError, UsageError and UnknownNameError."""
    from autograd_cli.language.points import read_grid, unknown_variable

    if not texts:
        return {}
    text = ",".join(texts)
    try:
        axes = read_grid(text)
    except AgxError as error:  # the words for axes, turned into words for intervals
        error.message = error.message.replace("--grid", "--domain").replace(
            "an axis is written NAME=START:STOP:COUNT", "a domain is written NAME=LOW:HIGH"
        )
        error.hint = error.hint.replace("--grid x=-2:2:41", "--domain x=-2:2")
        raise
    if any(part.count(":") > 1 for part in text.split(",")):
        raise ReadError("a domain is written NAME=LOW:HIGH", hint="for example --domain x=-2:2")
    for axis in axes:
        if axis.name not in expression.variables:
            raise unknown_variable(axis.name, expression, "--domain")
    return {axis.name: (axis.start, axis.stop) for axis in axes}


class _Asked:
    """The options that say what is checked: read at once, turned into a question when torch is
    there."""

    def __init__(
        self,
        expression: Expression,
        wrt: str | None,
        order: int,
        against: str | None,
        rtol: float | None,
        atol: float | None,
    ) -> None:
        from autograd_cli.language.claims import read_claims
        from autograd_cli.language.points import read_names

        self._wrt = read_names(wrt, expression, "--wrt") if wrt is not None else ()
        self._order = order
        self._tolerance = None if rtol is None and atol is None else (rtol or 0.0, atol or 0.0)
        self._claims = read_claims(against, expression) if against is not None else {}
        if self._claims and (order > 1 or wrt is not None):
            raise UsageError("--against says already what is checked: leave out --order and --wrt")

    def question(self) -> Question:
        from autograd_cli.engine.check import Question
        from autograd_cli.engine.claim import Claims
        from autograd_cli.engine.verdict import Tolerance

        tolerance = None if self._tolerance is None else Tolerance(*self._tolerance)
        return Question(self._wrt, self._order, tolerance, Claims(self._claims))


class Referee:
    """The symbolic worker as the one who knows exact derivatives."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._worker = Worker.start(seconds)
        self._seconds = seconds

    def ask(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Asks about as many points as fit into one question."""
        size = sum(len(str(job)) for job in jobs)
        if size > MOST_ASKED:
            share = MOST_ASKED / size
            jobs = [
                {**job, "points": job["points"][: max(1, int(share * len(job["points"])))]}
                for job in jobs
            ]
        self._worker.ask({"task": "referee", "seconds": 0.6 * self._seconds, "jobs": list(jobs)})

    def replies(self) -> Sequence[Mapping[str, Any]]:
        jobs: Sequence[Mapping[str, Any]] = self._worker.reply().get("jobs") or ()
        return jobs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._worker.close()
