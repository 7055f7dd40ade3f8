"""What a fit found: one step of it, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autograd_cli.errors import ExitCode
from autograd_cli.results import SCHEMA, Evaluation, Scalar, Value, components

INTERRUPTED = "interrupted"  # the reason of a fit that Ctrl-C ended


@dataclass(frozen=True, kw_only=True)
class Step:
    """The state after `step` steps (0 is the start): the loss there, and how it got there.

    `gradient_norm` is the Euclidean norm of the loss's gradient at `parameters`; `learning_rate`
    is that of the step that led here. None where a method has no such thing. Where optimizers are
    compared, `optimizer` says whose step it is, and where learning rates are, `sweep`.
    """

    step: int
    loss: float
    parameters: Mapping[str, Value]
    gradient_norm: float | None = None
    learning_rate: float | None = None
    optimizer: str | None = None
    sweep: float | None = None

    def to_dict(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "schema": SCHEMA,
            "command": "fit",
            "step": self.step,
            "loss": self.loss,
            "parameters": dict(self.parameters),
            "gradient_norm": self.gradient_norm,
            "learning_rate": self.learning_rate,
        }
        whose = {"optimizer": self.optimizer, "sweep": self.sweep}
        return record | {key: value for key, value in whose.items() if value is not None}

    def record(self) -> tuple[Scalar, ...]:
        """STEP LOSS PARAMETER…, for plain text."""
        return (self.step, self.loss, *(value for _, value in numbers(self.parameters)))

    def columns(self) -> tuple[str, ...]:
        names = (name for name, _ in numbers(self.parameters))
        return ("step", "loss", *names, "gradient_norm", "learning_rate")

    def row(self) -> tuple[Scalar, ...]:
        return (*self.record(), self.gradient_norm, self.learning_rate)


@dataclass(frozen=True, kw_only=True)
class Fit(Evaluation):
    """What a fit came to.

    `expression` is the model or the function, `at` the parameters where it ended and `value` the
    loss there: the same as `parameters` and `loss`, because every result begins with those keys.
    `reason` says in words why it ended. A kind of fit adds what it certifies in `certified`.
    """

    task: str
    parameters: Mapping[str, Value]
    initial: Mapping[str, Value]
    loss: float
    steps: int
    converged: bool
    reason: str
    command: str = "fit"

    @property
    def ended(self) -> str:
        """How it ended, in words that its steps follow."""
        return "converged after" if self.converged else "not converged after"

    @property
    def exit_code(self) -> ExitCode:
        if self.reason == INTERRUPTED:
            return ExitCode.INTERRUPTED
        return ExitCode.OK if self.converged else ExitCode.FINDING

    def findings(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "parameters": dict(self.parameters),
            "initial": dict(self.initial),
            "loss": self.loss,
            "steps": self.steps,
            "converged": self.converged,
            "reason": self.reason,
            **self.certified(),
        }

    def certified(self) -> dict[str, Any]:
        """The keys of this kind of fit."""
        return {}

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """NAME VALUE of every parameter; the steps have come before."""
        yield from numbers(self.parameters)

    def table(self, steps: Sequence[Step]) -> Table:
        """The header and the rows of this fit as CSV: its steps, or without any its parameters."""
        if not steps:
            return ("parameter", "value"), list(numbers(self.parameters))
        return steps[0].columns(), [step.row() for step in steps]


Table = tuple[tuple[str, ...], list[tuple[Scalar, ...]]]


class Fitting(Protocol):
    """A fit under way: its steps as they are taken, then what it came to.

    `steps` begins with step 0, the start. Whoever iterates may stop at any step, and then asks for
    the result with `interrupted`.
    """

    def steps(self) -> Iterator[Step]: ...

    def result(self, interrupted: bool = False) -> Fit: ...


def numbers(parameters: Mapping[str, Value]) -> Iterator[tuple[str, Scalar]]:
    """Every number of the parameters with its name: `w`, `b`, `A[0,1]`."""
    for name, value in parameters.items():
        yield from components(name, value)
