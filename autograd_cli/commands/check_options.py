"""The options of `agx check`: what is checked, where, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograd_cli.commands.completing import assignments, function_calls
from autograd_cli.commands.groups import (
    EXPRESSION,
    Output,
    Rows,
    Values,
    format_option,
    grid_option,
    output_option,
    wrt_option,
)
from autograd_cli.commands.options import argument, option, switch, whole
from autograd_cli.errors import UsageError
from autograd_cli.render import GENERAL

PANEL = "Check"
FORMATS = (*GENERAL, "junit")
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


@dataclass(frozen=True, kw_only=True)
class MaybeReading(Values):
    """An expression, unless every function is checked."""

    expression: str | None = argument("EXPR", EXPRESSION, default=None, complete=function_calls)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is checked."""

    wrt: str | None = wrt_option("only by these variables", PANEL)
    order: int = option(
        1,
        "N",
        "2 checks the second derivatives as well",
        panel=PANEL,
        callback=whole("--order", 1, 2),
    )
    against: str | None = option(
        None, "FORMULAS", 'check your own derivatives instead: "x: 2*x*y; y: x**2"', panel=PANEL
    )


@dataclass(frozen=True, kw_only=True)
class CheckRows(Rows):
    """Many points."""

    grid: list[str] | None = grid_option(after="against")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """At which random points, and how it is judged."""

    samples: int | None = option(
        None, "N", "check at N random points", panel=PANEL, callback=whole("--samples", 1, 100_000)
    )
    domain: list[str] | None = option(
        None,
        "NAME=LOW:HIGH",
        f"where random points are: x=0:1,y=-5:5; from {-REACH:g} to {REACH:g} if left out",
        panel=PANEL,
        complete=assignments,
    )
    rtol: float | None = option(
        None,
        "R",
        "judge by a plain tolerance: |error| <= atol + rtol*|exact|",
        panel=PANEL,
        callback=_number("--rtol"),
    )
    atol: float | None = option(
        None, "A", "the absolute part of that tolerance", panel=PANEL, callback=_number("--atol")
    )
    strict: bool = switch("exit with 1 where it is inconclusive", panel=PANEL)
    functions: bool = switch("check every function that agx knows", panel=PANEL)


@dataclass(frozen=True, kw_only=True)
class CheckOutput(Output):
    """The options about output, with the format of test reports."""

    formats = FORMATS

    format: str = format_option(FORMATS)
    output: str = output_option(FORMATS)
