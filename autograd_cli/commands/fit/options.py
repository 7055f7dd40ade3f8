"""The options that all tasks of `agx fit` share, in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from autograd_cli.commands.groups import Computing, Output, seed_option
from autograd_cli.commands.options import OUTPUT, number, option, switch, whole
from autograd_cli.errors import UsageError
from autograd_cli.render import unknown
from autograd_cli.settings import OPTIMIZERS, SCHEDULES, SEARCHING, Descent

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


@dataclass(frozen=True, kw_only=True)
class Descending:
    """How to go down."""

    steps: int | None = option(
        None,
        "N",
        "at most so many steps (for linear: epochs)",
        panel=PANEL,
        callback=whole("--steps", 1, 100_000_000),
    )
    lr: float | None = option(
        None,
        "RATE",
        "the learning rate, greater than zero",
        panel=PANEL,
        callback=number("--lr", above=0, example="0.1"),
    )
    optimizer: str | None = option(
        None,
        "NAME",
        ", ".join(OPTIMIZERS),
        panel=PANEL,
        callback=optimizer_name,
        complete=OPTIMIZERS,
    )
    schedule: str = option(
        "constant",
        "NAME[:NUMBER]",
        f"how the learning rate goes on: {', '.join(SCHEDULES)}; their numbers follow a"
        " colon, as in step:30:0.5",
        panel=PANEL,
        callback=schedule_text,
        complete=SCHEDULES,
    )
    tol: float | None = option(
        None,
        "SIZE",
        "the gradient norm at which the fit has converged",
        panel=PANEL,
        callback=number("--tol", above=0, example="1e-8"),
    )
    compare: str = option(
        "",
        "NAMES",
        "the same with several optimizers, side by side: gd,momentum,adam,lbfgs",
        panel=PANEL,
        callback=optimizer_names,
    )


@dataclass(frozen=True, kw_only=True)
class SeededComputing(Computing):
    """Where and how to compute, from other random numbers."""

    seed: int = seed_option(42, before="device")


@dataclass(frozen=True, kw_only=True)
class Watching:
    """What is shown of the steps."""

    every: int | None = option(
        None, "N", "show every N-th step", panel=OUTPUT, callback=whole("--every", 1)
    )
    quiet: bool = switch("no steps, the result alone", panel=OUTPUT, short="-q")
    plot: str = option("", "FILE", "draw the fit into FILE: .png .svg .pdf", panel=OUTPUT)
    show: bool = switch("draw the fit in the terminal", panel=OUTPUT)


@dataclass(frozen=True, kw_only=True)
class Options(Output, Watching, SeededComputing, Descending):
    """The options that all tasks share; their help has the last group first."""

    @property
    def compared(self) -> tuple[str, ...]:
        """The optimizers to be compared; none where that is not wanted."""
        return names_of(self.compare)

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
        for named, is_given in unused.items():
            if is_given:
                raise UsageError(
                    f"{named} is for gradient descent, and 'fit {task}' does least squares here,"
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
