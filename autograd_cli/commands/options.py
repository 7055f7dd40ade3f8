"""The options that commands share, and what their texts mean.

An option is an `Annotated` type, so that it has the same names, help and checks wherever it is
used. Its callback turns the text into a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from autograd_cli.commands import deadline
from autograd_cli.commands.completing import assignments, function_calls
from autograd_cli.console import COLOUR_CHOICES, Console
from autograd_cli.errors import UsageError
from autograd_cli.language.foreign import SYNTAXES
from autograd_cli.render import AUTO, FORMATS, GENERAL, Output, choose, emit, unknown
from autograd_cli.render.notes import Noted
from autograd_cli.render.points import Points
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.results import Result
from autograd_cli.settings import DEVICES, DTYPES

MOST_DIGITS = 17  # a float64 has no more


def choice(what: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise unknown(what, value, list(choices))
        return value

    return check


def whole(option: str, least: int | None = None, most: int | None = None) -> Callable[[Any], Any]:
    """A callback that reads a whole number, within bounds if there are any."""
    bounds = {
        (True, True): "",
        (False, True): f" of at least {least}",
        (False, False): f" from {least} to {most}",
    }[least is None, most is None]

    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        digits = value.strip().removeprefix("-").removeprefix("+")
        if digits.isascii() and digits.isdigit() and len(digits) < 100:
            number = int(value)
            if (least is None or number >= least) and (most is None or number <= most):
                return number
        raise UsageError(f"{option} needs a whole number{bounds}, not {value!r}")

    return parse


def number(
    option: str, *, above: float = -math.inf, least: float = -math.inf, example: str
) -> Callable[[Any], Any]:
    """A callback that reads a finite number greater than `above`, and at least `least`."""

    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if math.isfinite(found) and found > above and found >= least:
            return found
        kind = "a positive number" if above == 0 else "a number"
        kind += f" of at least {least:g}" if least > -math.inf else ""
        raise UsageError(
            f"{option} needs {kind}, not {value!r}", hint=f"for example {option} {example}"
        )

    return parse


def words(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


# What is asked -----------------------------------------------------------------------------------

Expr = Annotated[
    str,
    typer.Argument(
        metavar="EXPR",
        help="the expression, such as 'x**2 + sin(y)'; @FILE reads it from a file, - from stdin",
        autocompletion=function_calls,
    ),
]
Syntax = Annotated[
    str,
    typer.Option(
        "--syntax",
        metavar="LANGUAGE",
        help=f"what EXPR is written in: {', '.join(SYNTAXES)}",
        rich_help_panel="Input",
        callback=choice("syntax", SYNTAXES),
        autocompletion=words(SYNTAXES),
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        "-a",
        metavar="NAME=VALUE",
        help="the values of the variables: x=2,y=pi/4 or v=[1,2,3] or @values.json; repeatable",
        rich_help_panel="Input",
        autocompletion=assignments,
    ),
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="NAME=START:STOP:COUNT",
        help="many points: every combination of evenly spaced values, x=-2:2:41,y=0:1:3",
        rich_help_panel="Input",
        autocompletion=assignments,
    ),
]

# How it is computed ------------------------------------------------------------------------------

Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help=f"where to compute: {', '.join(DEVICES)}, cuda:1",
        rich_help_panel="Computation",
        autocompletion=words(DEVICES),
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        metavar="DTYPE",
        help=f"in what precision: {', '.join(DTYPES)}",
        rich_help_panel="Computation",
        autocompletion=words(DTYPES),
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        help="the seed of rand and randn",
        rich_help_panel="Computation",
        callback=whole("--seed"),
    ),
]
Order = Annotated[
    int,
    typer.Option(
        "--order",
        metavar="N",
        help="the order of the derivatives: 2 for the second",
        rich_help_panel="Derivatives",
        callback=whole("--order", 1),
    ),
]

LONGEST = 10_000_000  # seconds: more than a system's clock takes is no limit


def _limited(ctx: typer.Context, value: Any) -> Any:
    seconds = number("--timeout", above=0, example="10")(value)
    if seconds is not None and not ctx.resilient_parsing:
        deadline.watch(ctx, min(seconds, LONGEST))
    return seconds


Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="how long it may take: after that, exit code 3",
        rich_help_panel="Computation",
        callback=_limited,
    ),
]

# How it is printed -------------------------------------------------------------------------------

Symbolic = Annotated[
    bool | None,
    typer.Option(
        "--symbolic/--no-symbolic",
        help="formulas as well as numbers; table and latex have them anyway",
        rich_help_panel="Output",
    ),
]
Precision = Annotated[
    int,
    typer.Option(
        "--precision",
        metavar="N",
        help="significant digits in table and latex; the other formats are exact",
        rich_help_panel="Output",
        callback=whole("--precision", 1, MOST_DIGITS),
    ),
]


def format_option(formats: tuple[str, ...]) -> Any:
    """The option `--format` of a command that has these formats."""
    return typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"{AUTO} (table on a terminal, plain in a pipe), {', '.join(formats)}",
        rich_help_panel="Output",
        autocompletion=words((AUTO, *formats)),
    )


def output_option(formats: tuple[str, ...]) -> Any:
    """The option `--output` of a command that has these formats."""
    endings = dict.fromkeys(one for name in formats for one in FORMATS[name].endings)
    return typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help=f"write to FILE; its ending decides the format: {' '.join(endings)},"
        " plain for any other",
        rich_help_panel="Output",
    )


FormatName = Annotated[str, format_option(GENERAL)]
Json = Annotated[
    bool, typer.Option("--json", help="the same as --format json", rich_help_panel="Output")
]
File = Annotated[str, output_option(GENERAL)]
Colour = Annotated[
    str,
    typer.Option(
        "--color",
        metavar="WHEN",
        help=f"colour in tables: {', '.join(COLOUR_CHOICES)}",
        rich_help_panel="Output",
        callback=choice("colour setting", COLOUR_CHOICES),
        autocompletion=words(COLOUR_CHOICES),
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="show the traceback of an error", rich_help_panel="Output"),
]


@dataclass(frozen=True)
class Printing:
    """Where a command's result goes, and how it looks there."""

    console: Console
    output: Output

    @classmethod
    def of_options(
        cls,
        console: Console,
        format: str = AUTO,
        json: bool = False,
        file: str = "",
        colour: str = "auto",
        precision: int = DEFAULT_PRECISION,
        among: Collection[str] = GENERAL,
    ) -> Printing:
        """What the options ask for. Raises UsageError where they contradict each other."""
        if json:
            if format not in (AUTO, "json"):
                raise UsageError(
                    f"--json and --format {format} exclude each other", hint="leave one of them out"
                )
            format = "json"
        file = "" if file == "-" else file
        chosen = choose(format, file, terminal=console.terminal, among=among)
        output = Output(format=chosen, file=file, precision=precision)
        return cls(console.with_colour(colour), output)

    @property
    def for_people(self) -> bool:
        """Whether the format is for people, who get the formulas without asking."""
        return self.output.format.for_people

    def emit(self, result: Result | Points | Noted) -> None:
        emit(result, self.console, self.output)
