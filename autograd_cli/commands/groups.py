"""The options that commands share, in groups, and what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from autograd_cli.commands import deadline
from autograd_cli.commands.completing import assignments, function_calls
from autograd_cli.commands.options import (
    COMPUTATION,
    INPUT,
    OUTPUT,
    argument,
    choice,
    number,
    option,
    switch,
    whole,
)
from autograd_cli.commands.printing import Printing
from autograd_cli.console import COLOUR_CHOICES, Console
from autograd_cli.language.foreign import SYNTAXES
from autograd_cli.points.on_error import ON_ERROR, STOP
from autograd_cli.render import AUTO, BINARY, FORMATS, GENERAL
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.settings import DEVICES, DTYPES, Settings

if TYPE_CHECKING:
    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.points.table_input import TableInput

EXPRESSION = "the expression, such as 'x**2 + sin(y)'; @FILE reads it from a file, - from stdin"
MANY_POINTS, DERIVATIVES = "Many points", "Derivatives"  # panels
MOST_DIGITS = 17  # a float64 has no more
LONGEST = 10_000_000  # seconds: more than a system's clock takes is no limit

# What is asked -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values of the variables, and what the expression is written in."""

    at: list[str] | None = option(
        None,
        "NAME=VALUE",
        "the values of the variables: x=2,y=pi/4 or v=[1,2,3] or @values.json; repeatable",
        panel=INPUT,
        short="-a",
        complete=assignments,
    )
    syntax: str = option(
        "agx",
        "LANGUAGE",
        f"what EXPR is written in: {', '.join(SYNTAXES)}",
        panel=INPUT,
        callback=choice("syntax", SYNTAXES),
        complete=SYNTAXES,
    )

    def read(
        self,
        expressions: Sequence[str],
        console: Console,
        grid: Sequence[str] | None = None,
        table: TableInput | None = None,
        *,
        marked: bool = False,
    ) -> list[Inputs]:
        """Expressions over these values, read. Raises as `read_together`."""
        from autograd_cli.commands.inputs import read_together

        return read_together(
            *(expressions, self.at or [], grid or [], self.syntax, console, table), marked=marked
        )


@dataclass(frozen=True, kw_only=True)
class Reading(Values):
    """An expression and its values."""

    expression: str = argument("EXPR", EXPRESSION, complete=function_calls)

    def inputs(
        self,
        console: Console,
        grid: Sequence[str] | None = None,
        table: TableInput | None = None,
        *,
        marked: bool = False,
    ) -> Inputs:
        """What was typed, read. Raises as `read_together`."""
        (found,) = self.read([self.expression], console, grid, table, marked=marked)
        return found


def grid_option(after: str = "at") -> Any:
    """The option `--grid`."""
    return option(
        None,
        "NAME=START:STOP:COUNT",
        "many points: every combination of evenly spaced values, x=-2:2:41,y=0:1:3",
        panel=INPUT,
        complete=assignments,
        after=after,
    )


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Many points: on a grid, or in the rows of a table."""

    grid: list[str] | None = grid_option()
    points: str | None = option(
        None,
        "FILE",
        "a table of points: CSV, TSV, NDJSON, Parquet or Arrow, a column for each variable; - is"
        " stdin",
        panel=MANY_POINTS,
    )
    map: list[str] | None = option(
        None,
        "NAME=COLUMN",
        "the column of a variable, where it has another name; repeatable",
        panel=MANY_POINTS,
    )
    on_error: str = option(
        STOP,
        "WHAT",
        f"what a row that cannot be used does: {', '.join(ON_ERROR)} (its results are empty)",
        panel=MANY_POINTS,
        callback=choice("--on-error", ON_ERROR),
        complete=ON_ERROR,
    )


@dataclass(frozen=True, kw_only=True)
class ManyPoints(Rows):
    """Many points, and how the work at them is done and kept."""

    jobs: int | None = option(
        None,
        "N",
        "worker threads, beside which others read and write; 1: a single thread does all; by"
        " default as many as there are cores",
        panel=MANY_POINTS,
        callback=whole("--jobs", 1, 1_000),
    )
    append: bool = switch("add the rows to the file of -o", panel=MANY_POINTS)
    resume: bool = switch(
        "continue a run into -o that was interrupted; without it, nothing is written over the"
        " rows of such a run",
        panel=MANY_POINTS,
    )


def wrt_option(help: str = "only by these variables: x,y", panel: str = DERIVATIVES) -> Any:
    """The option `--wrt`."""
    return option(None, "NAMES", help, panel=panel)


def grad_output_option() -> Any:
    """The option `--grad-output`."""
    return option(
        None,
        "WEIGHTS",
        "weights of the outputs, for an expression that has several: 1,0,2",
        panel=DERIVATIVES,
    )


# How it is computed ------------------------------------------------------------------------------


def seed_option(default: int, before: str = "") -> Any:
    """The option `--seed`."""
    return option(
        default,
        "N",
        "the seed of rand and randn",
        panel=COMPUTATION,
        callback=whole("--seed"),
        before=before,
    )


@dataclass(frozen=True, kw_only=True)
class Computing:
    """Where, in what precision, and from which random numbers."""

    device: str = option(
        "cpu",
        "DEVICE",
        f"where to compute: {', '.join(DEVICES)}, cuda:1",
        panel=COMPUTATION,
        complete=DEVICES,
    )
    dtype: str = option(
        "float64",
        "DTYPE",
        f"in what precision: {', '.join(DTYPES)}",
        panel=COMPUTATION,
        complete=DTYPES,
    )
    seed: int = seed_option(0)

    def settings(self) -> Settings:
        """What they ask for. Raises UsageError."""
        return Settings.checked(self.device, self.dtype, self.seed)


def _limited(ctx: typer.Context, value: Any) -> Any:
    seconds = number("--timeout", above=0, example="10")(value)
    if seconds is not None and not ctx.resilient_parsing:
        deadline.watch(ctx, min(seconds, LONGEST))
    return seconds


# How it is printed -------------------------------------------------------------------------------


def format_option(formats: tuple[str, ...]) -> Any:
    """The option `--format` of a command that has these formats."""
    return option(
        AUTO,
        "FORMAT",
        f"{AUTO} (table on a terminal, plain in a pipe), {', '.join(formats)}",
        panel=OUTPUT,
        short="-f",
        complete=(AUTO, *formats),
    )


def output_option(formats: tuple[str, ...], help: str = "") -> Any:
    """The option `--output` of a command that has these formats."""
    endings = dict.fromkeys(one for name in formats for one in FORMATS[name].endings)
    said = f"write to FILE; its ending decides the format: {' '.join(endings)}, plain for any other"
    return option("", "FILE", help or said, panel=OUTPUT, short="-o")


def debug_option() -> Any:
    """The option `--debug`, which every command has."""
    return switch("show the traceback of an error", panel=OUTPUT)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """The format of what is found, its file and its colours.

    A command with formats of its own names them in `formats`, and declares `format` and `output`.
    """

    formats: ClassVar[tuple[str, ...]] = GENERAL

    format: str = format_option(GENERAL)
    json: bool = switch("the same as --format json", panel=OUTPUT)
    output: str = output_option(GENERAL)
    color: str = option(
        "auto",
        "WHEN",
        f"colour in tables: {', '.join(COLOUR_CHOICES)}",
        panel=OUTPUT,
        callback=choice("colour setting", COLOUR_CHOICES),
        complete=COLOUR_CHOICES,
    )
    debug: bool = debug_option()

    def printing(self, ctx: typer.Context) -> Printing:
        """Where the result goes. Raises UsageError where the options contradict each other."""
        return Printing.of_options(
            *(ctx.obj, self.format, self.json, self.output, self.color, self.digits()),
            among=self.formats,
        )

    def digits(self) -> int:
        """Significant digits in formats for people."""
        return DEFAULT_PRECISION


@dataclass(frozen=True, kw_only=True)
class LimitedWriting(Writing):
    """The same, within a limit of time."""

    timeout: float | None = option(
        None,
        "SECONDS",
        "how long it may take: after that, exit code 3",
        panel=COMPUTATION,
        callback=_limited,
        before="debug",
    )


@dataclass(frozen=True, kw_only=True)
class Output(LimitedWriting):
    """The same for numbers, which are rounded for people."""

    precision: int = option(
        DEFAULT_PRECISION,
        "N",
        "significant digits in table and latex; the other formats are exact",
        panel=OUTPUT,
        callback=whole("--precision", 1, MOST_DIGITS),
        before="format",
    )

    def digits(self) -> int:
        return self.precision


@dataclass(frozen=True, kw_only=True)
class PointsOutput(Output):
    """The same for many points, which have formats that are no text as well."""

    formats = (*GENERAL, *BINARY)

    format: str = format_option(formats)
    output: str = output_option(formats)


@dataclass(frozen=True, kw_only=True)
class FormulasOutput(PointsOutput):
    """The same for numbers and formulas."""

    symbolic: bool | None = option(
        None,
        None,
        "formulas as well as numbers; table and latex have them anyway",
        panel=OUTPUT,
        name="--symbolic/--no-symbolic",
        before="precision",
    )
