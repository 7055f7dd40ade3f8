"""The options that all tasks of `agx fit` share, in one place.

A task is written as `def curve(ctx, options: Options, model: Expr, ...)`, and `task` makes of it
the function that Typer reads, with all of its options.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, get_type_hints

import typer

from autograd_cli.commands.options import (
    Colour,
    Debug,
    Device,
    Dtype,
    File,
    FormatName,
    Json,
    Precision,
    Printing,
    Seed,
    Timeout,
    number,
    whole,
    words,
)
from autograd_cli.errors import UsageError
from autograd_cli.render import AUTO, unknown
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.settings import OPTIMIZERS, SCHEDULES, SEARCHING, Descent, Settings

PANEL = "Descent"


def optimizer_name(value: str | None) -> str | None:
    if value is not None and value not in OPTIMIZERS:
        raise unknown("optimizer", value, list(OPTIMIZERS))
    return value


def schedule_text(value: str) -> str:
    from autograd_cli.engine.descent.schedules import schedule

    schedule(value, 1)  # it says what is wrong
    return value


def names_of(text: str) -> tuple[str, ...]:
    """The names of a list with commas; none of an empty text."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


def optimizer_names(value: str) -> str:
    names = names_of(value)
    for name in names:
        optimizer_name(name)
    if len(set(names)) < len(names):
        raise UsageError("--compare names an optimizer twice", hint="name every one once")
    return value


Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        help="at most so many steps (for linear: epochs)",
        rich_help_panel=PANEL,
        callback=whole("--steps", 1, 100_000_000),
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="RATE",
        help="the learning rate, greater than zero",
        rich_help_panel=PANEL,
        callback=number("--lr", above=0, example="0.1"),
    ),
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        metavar="NAME",
        help=", ".join(OPTIMIZERS),
        rich_help_panel=PANEL,
        callback=optimizer_name,
        autocompletion=words(OPTIMIZERS),
    ),
]
Schedule = Annotated[
    str,
    typer.Option(
        "--schedule",
        metavar="NAME[:NUMBER]",
        help=f"how the learning rate goes on: {', '.join(SCHEDULES)}; their numbers follow a"
        " colon, as in step:30:0.5",
        rich_help_panel=PANEL,
        callback=schedule_text,
        autocompletion=words(SCHEDULES),
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tol",
        metavar="SIZE",
        help="the gradient norm at which the fit has converged",
        rich_help_panel=PANEL,
        callback=number("--tol", above=0, example="1e-8"),
    ),
]
Compare = Annotated[
    str,
    typer.Option(
        "--compare",
        metavar="NAMES",
        help="the same with several optimizers, side by side: gd,momentum,adam,lbfgs",
        rich_help_panel=PANEL,
        callback=optimizer_names,
    ),
]
Every = Annotated[
    int | None,
    typer.Option(
        "--every",
        metavar="N",
        help="show every N-th step",
        rich_help_panel="Output",
        callback=whole("--every", 1),
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="no steps, the result alone", rich_help_panel="Output"),
]
Plot = Annotated[
    str,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="draw the fit into FILE: .png .svg .pdf",
        rich_help_panel="Output",
    ),
]
Show = Annotated[
    bool, typer.Option("--show", help="draw the fit in the terminal", rich_help_panel="Output")
]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The values of the shared options, as Typer hands them over."""

    steps: Steps = None
    lr: LearningRate = None
    optimizer: Optimizer = None
    schedule: Schedule = "constant"
    tol: Tolerance = None
    compare: Compare = ""
    seed: Seed = 42
    device: Device = "cpu"
    dtype: Dtype = "float64"
    every: Every = None
    quiet: Quiet = False
    plot: Plot = ""
    show: Show = False
    precision: Precision = DEFAULT_PRECISION
    format: FormatName = AUTO
    json: Json = False
    output: File = ""
    color: Colour = "auto"
    timeout: Timeout = None
    debug: Debug = False

    @property
    def compared(self) -> tuple[str, ...]:
        """The optimizers to be compared; none where that is not wanted."""
        return names_of(self.compare)

    def printing(self, ctx: typer.Context) -> Printing:
        """Where the result goes. Raises UsageError where the options contradict each other."""
        return Printing.of_options(
            ctx.obj, self.format, self.json, self.output, self.color, self.precision
        )

    def settings(self) -> Settings:
        """Where and how to compute. Raises UsageError."""
        return Settings.checked(self.device, self.dtype, self.seed)

    def descent(self, defaults: Descent, task: str, suited: tuple[str, ...]) -> Descent:
        """How to go down: what was asked for, and the task's defaults for the rest.

        `suited` are the optimizers that can do the task. Raises UsageError for another one.
        """
        for name in (self.optimizer, *self.compared):
            if name is not None and name not in suited:
                raise UsageError(
                    f"the optimizer {name!r} does not fit the task {task!r}{_WHY.get(name, '')}",
                    hint=f"it has: {', '.join(suited)}",
                )
        asked: dict[str, Any] = {
            "steps": self.steps,
            "optimizer": self.optimizer,
            "learning_rate": self.lr,
            "tolerance": self.tol,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        default = {field.name: getattr(defaults, field.name) for field in fields(Descent)}
        if "optimizer" in given and "learning_rate" not in given:
            default["learning_rate"] = None  # the default belongs to the default's optimizer
        return Descent(**{**default, **given, "schedule": self.schedule})

    def without_descent(self, task: str) -> None:
        """Raises UsageError for options of gradient descent, which this fit does without."""
        unused = {
            "--lr": self.lr is not None,
            "--schedule": self.schedule != "constant",
            f"--dtype {self.dtype}": self.dtype not in ("float64", "double", "torch.float64"),
            f"--device {self.device}": self.device not in ("cpu", "auto"),
        }
        for option, is_given in unused.items():
            if is_given:
                raise UsageError(
                    f"{option} is for gradient descent, and 'fit {task}' does least squares here,"
                    " in float64 on the CPU",
                    hint="leave it out, or choose an optimizer: --optimizer adam",
                )

    def with_optimizer(self, descent: Descent, name: str) -> Descent:
        """The same descent with another optimizer, at its own learning rate unless one was given.

        In a comparison, a learning rate that was given is for those that have no line search.
        """
        if name == descent.optimizer and not self.compare:
            return descent
        rate = None if name in SEARCHING else self.lr
        return replace(descent, optimizer=name, learning_rate=rate)


_WHY = {
    "lm": ": it needs residuals, the squares of which are summed",
    "newton": ": it needs a Hessian of few parameters",
}


def task(function: Callable[..., int]) -> Callable[..., int]:
    """The function as Typer reads it: with the fields of `options`, and of any other parameter that
    is a dataclass of options, as parameters of its own."""
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation
        for name, one in signature.parameters.items()
        if is_dataclass(one.annotation)
    }
    ordered = sorted(signature.parameters.values(), key=lambda one: one.name == "options")
    parameters = [
        part.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in ordered
        for part in (_fields_of(groups[one.name]) if one.name in groups else [one])
    ]

    def called(**values: Any) -> int:
        for name, group in groups.items():
            values[name] = group(**{one.name: values.pop(one.name) for one in fields(group)})
        return function(**values)

    called.__name__, called.__doc__ = function.__name__, function.__doc__
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _fields_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=hints[one.name],
        )
        for one in fields(group)
    ]
