"""Several fits of the same, side by side: by optimiser, or by learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_cli.errors import ExitCode
from autograd_cli.results import Scalar
from autograd_cli.results.descent import QuadraticFit
from autograd_cli.results.fit import Fit, Step, Table

BY_OPTIMIZER, BY_RATE = "optimizer", "learning_rate"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of the fits, with its label and its loss at every step from 0."""

    label: str | float
    fit: Fit
    losses: Sequence[float]

    def cells(self, by: str) -> dict[str, Scalar]:
        """What is compared, by name."""
        found: dict[str, Scalar] = {
            by: self.label,
            "loss": self.fit.loss,
            "steps": self.fit.steps,
            "converged": self.fit.converged,
        }
        if by == BY_RATE and isinstance(self.fit, QuadraticFit):
            found |= {
                "behaviour": self.fit.behaviour,
                "predicted_rate": self.fit.predicted_rate,
                "observed_rate": self.fit.observed_rate,
            }
        return {**found, "reason": self.fit.reason}


@dataclass(frozen=True, kw_only=True)
class Comparison(Fit):
    """Several fits; the fields of a fit are those of the best one, whose label is `best`.

    The best one has the least loss among those that converged, or among all where none did.
    """

    by: str
    best: str | float
    contenders: tuple[Contender, ...]

    @classmethod
    def of(cls, by: str, contenders: Sequence[Contender]) -> Comparison:
        """The comparison of at least one contender."""
        ranked = sorted(contenders, key=lambda one: (not one.fit.converged, _rank(one.fit.loss)))
        best = ranked[0].fit
        return cls(
            expression=best.expression,
            at=best.at,
            dtype=best.dtype,
            device=best.device,
            value=best.value,
            warnings=tuple(_warnings(contenders)) if by == BY_OPTIMIZER else (),
            task=best.task,
            parameters=best.parameters,
            initial=best.initial,
            loss=best.loss,
            steps=best.steps,
            converged=best.converged,
            reason=best.reason,
            by=by,
            best=ranked[0].label,
            contenders=tuple(contenders),
        )

    @property
    def exit_code(self) -> ExitCode:
        codes = [one.fit.exit_code for one in self.contenders]
        return ExitCode.INTERRUPTED if ExitCode.INTERRUPTED in codes else super().exit_code

    def table(self, steps: Sequence[Step]) -> Table:
        """The header and the rows of what is compared, as CSV."""
        return self.columns(), list(self.records())

    def certified(self) -> dict[str, Any]:
        rows = [
            {**one.cells(self.by), "parameters": dict(one.fit.parameters)}
            for one in self.contenders
        ]
        return {"best": self.best, "compared": rows}

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """A line for each: its label, its loss, its steps, whether it converged, why it ended."""
        yield from (tuple(one.cells(self.by).values()) for one in self.contenders)

    def columns(self) -> tuple[str, ...]:
        return tuple(self.contenders[0].cells(self.by))


def _warnings(contenders: Sequence[Contender]) -> Iterator[str]:
    """What was said of all of them, as it is; of some, with their labels before it."""
    texts = dict.fromkeys(text for one in contenders for text in one.fit.warnings)
    for text in texts:
        labels = [str(one.label) for one in contenders if text in one.fit.warnings]
        yield text if len(labels) == len(contenders) else f"{', '.join(labels)}: {text}"


def _rank(loss: float) -> float:
    return loss if loss == loss else float("inf")
