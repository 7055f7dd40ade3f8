"""`agx check`: is this gradient right?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.check_options import (
    REACH,
    Checked,
    CheckOutput,
    CheckRows,
    Judged,
    MaybeReading,
)
from autograd_cli.commands.groups import Computing
from autograd_cli.commands.points import SURVEYED, Many
from autograd_cli.commands.printing import Printing
from autograd_cli.commands.referee import Referee
from autograd_cli.errors import AgxError, ExitCode, ReadError, UsageError
from autograd_cli.progress import Progress
from autograd_cli.render.check import warnings
from autograd_cli.results.check import Check
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.console import Console
    from autograd_cli.engine.check.examination import Question
    from autograd_cli.language.expression import Expression

EXAMPLES = """
agx check "x**2*sin(y)" --at x=2,y=3
agx check "x**2*y" --at x=2,y=3 --against "x: 2*x*y; y: x**2"
agx check "log(x)*y" --samples 20 --domain x=0:1,y=-5:5
agx check "x**y" --grid x=1:3:9,y=0:2:3
agx check "log(x)*y" --points data.csv
agx check "sum(A@A)" --at "A=[[1,2],[3,4]]" --order 2 -o check.xml
"""

SECONDS_FOR_ALL = 60.0  # for those of every function


def check(
    ctx: typer.Context,
    reading: MaybeReading,
    asked: Checked,
    rows: CheckRows,
    judged: Judged,
    computing: Computing,
    output: CheckOutput,
) -> int:
    """Check whether autograd is right: three independent answers, and a verdict.

    Autograd is held against a numerical derivative with an error bar, and against the formula of
    the derivative in 50 digits. The exit code is 1 if they disagree.
    """
    printing = output.printing(ctx)
    settings = computing.settings()
    if judged.functions:
        if (
            reading.expression is not None
            or reading.at
            or judged.samples
            or judged.domain
            or asked.against
            or rows.points
            or rows.grid
        ):
            raise UsageError("--functions checks agx's own functions: it takes no expression")
        return _tell(_functions(settings), printing, judged.strict)
    if reading.expression is None:
        raise UsageError("missing EXPR", hint=EXAMPLES.strip().splitlines()[0])
    many = Many.of_options(rows, reading.expression, printing)
    table = many.open(ctx)
    (inputs,) = reading.read([reading.expression], printing.console, rows.grid, table)
    if not inputs.expression.variables:
        raise UsageError(
            "nothing to check: the expression has no variables", hint="for its value, use agx eval"
        )
    question = _Asked(
        inputs.expression, asked.wrt, asked.order, asked.against, judged.rtol, judged.atol
    )
    if (rows.points is not None or rows.grid) and (judged.samples is not None or judged.domain):
        named = "--grid" if rows.grid else "--points"
        raise UsageError(f"{named} says already where: leave out --samples and --domain")
    if table is not None:
        inputs.check()
        return _at_rows(inputs, question, settings, many, printing, judged.strict)
    if judged.samples is None and judged.domain:
        raise UsageError("--domain is for random points", hint="add --samples 100")
    if judged.samples is None:
        inputs.check()
        found = (
            _on_grid(inputs, question, settings, printing.console)
            if inputs.axes
            else _at_point(inputs, question, settings)
        )
    else:
        found = _at_samples(inputs, question, settings, judged.samples, judged.domain or [])
    return _tell(found, printing, judged.strict)


def _tell(found: Check, printing: Printing, strict: bool) -> int:
    found = replace(found, strict=strict)
    with_notes = printing.output.format.name != "plain"
    told = warnings(found, for_people=printing.for_people, with_notes=with_notes)
    printing.emit(replace(found, warnings=(*found.warnings, *told)))
    return ExitCode.FINDING if found.failed else ExitCode.OK


def _at_point(inputs: Inputs, asked: _Asked, settings: Settings) -> Check:
    with Referee() as referee:  # started before torch is imported
        from autograd_cli.engine.check import examination as engine
        from autograd_cli.engine.core.context import resolve

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
        from autograd_cli.engine.check.examination import Survey
        from autograd_cli.engine.core.context import resolve

        context = resolve(settings)
        values, _ = inputs.tensors(context)
        survey = Survey(inputs.expression, values, context, asked.question(), referee)
        left_out, error = many.survey(inputs, values, context, survey, printing.console)
        if error is None or survey.count:
            code = _tell(survey.result({}), printing, strict)
        if error is not None:
            raise error
    return max(code, ExitCode.FINDING if left_out else ExitCode.OK)


def _on_grid(inputs: Inputs, asked: _Asked, settings: Settings, console: Console) -> Check:
    """Checks at every combination of the coordinates: how they come out, and the worst of them."""
    with Referee() as referee:
        from autograd_cli.engine.check.examination import Survey
        from autograd_cli.engine.core.batches import batch, count_of
        from autograd_cli.engine.core.context import resolve

        context = resolve(settings)
        values, axes = inputs.tensors(context)
        survey = Survey(inputs.expression, values, context, asked.question(), referee)
        total = count_of(axes)
        with Progress(console) as progress:
            for start in range(0, total, SURVEYED):
                stop = min(start + SURVEYED, total)
                survey.add(batch(inputs.expression, values, axes, start, stop), list(axes))
                progress.rate(stop, stop / total)
        ends = {name: (axis.min().item(), axis.max().item()) for name, axis in axes.items()}
        return survey.result(ends)


def _at_samples(
    inputs: Inputs, asked: _Asked, settings: Settings, count: int, domain: Sequence[str]
) -> Check:
    intervals = _intervals(inputs.expression, domain)
    for name in inputs.values:
        if name not in inputs.expression.variables:
            inputs.check()  # it has the words for this
    with Referee() as referee:
        from autograd_cli.engine.check import examination as engine
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.derive.gradients import point
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
        from autograd_cli.engine.check.all_functions import check_functions
        from autograd_cli.engine.core.context import resolve

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
        from autograd_cli.engine.check.claimed_gradient import Claims
        from autograd_cli.engine.check.examination import Question
        from autograd_cli.engine.check.verdict import Tolerance

        tolerance = None if self._tolerance is None else Tolerance(*self._tolerance)
        return Question(self._wrt, self._order, tolerance, Claims(self._claims))
