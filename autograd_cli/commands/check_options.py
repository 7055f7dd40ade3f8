"""The options of `agx check`: what is checked, where, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

import typer

from autograd_cli.commands.completing import assignments, function_calls
from autograd_cli.commands.options import whole
from autograd_cli.errors import UsageError

PANEL = "Check"
REACH = 2.0  # variables without a domain are drawn from -REACH to REACH


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
