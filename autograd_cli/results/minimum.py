"""What `agx fit minimize` certifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autograd_cli.results import Scalar, Value
from autograd_cli.results.fit import Fit, numbers

# What the derivatives show of a point.
MINIMUM, MAXIMUM, SADDLE = "minimum", "maximum", "saddle"
FLAT = "flat"  # the gradient vanishes, and the second derivatives do not decide
KINK = "kink"  # there are no derivatives, and the gradients around it agree on no way down
UNBOUNDED = "unbounded"
UNKNOWN = "not converged"


@dataclass(frozen=True, kw_only=True)
class Basin:
    """Where some of the starts ended: the same point, up to rounding."""

    loss: float
    parameters: Mapping[str, Value]
    verdict: str
    found: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "parameters": dict(self.parameters),
            "verdict": self.verdict,
            "found": self.found,
        }


@dataclass(frozen=True, kw_only=True)
class MinimumFit(Fit):
    """Where a minimisation ended, and what the derivatives show there.

    `method` is how it went there. `gradient` is that of the loss, and `gradient_norm` the norm of
    what is left of it where no bound holds a parameter. `eigenvalues`, `definiteness` and
    `condition_number` are those of the Hessian in the parameters that no bound holds, None where
    there are too many or none. `at_bounds` names those that one holds. With several starts,
    `basins` are the distinct ends, the lowest first.
    """

    verdict: str
    method: str
    gradient: Mapping[str, Value]
    gradient_norm: float
    eigenvalues: list[float] | None
    definiteness: str | None
    condition_number: float | None
    at_bounds: tuple[str, ...] = ()
    basins: tuple[Basin, ...] = ()
    starts: int = 1

    def certified(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "verdict": self.verdict,
            "method": self.method,
            "gradient": dict(self.gradient),
            "gradient_norm": self.gradient_norm,
            "eigenvalues": self.eigenvalues,
            "definiteness": self.definiteness,
            "condition_number": self.condition_number,
            "at_bounds": list(self.at_bounds),
        }
        if self.basins:
            found |= {"starts": self.starts, "minima": [one.to_dict() for one in self.basins]}
        return found

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """NAME VALUE of every parameter; with several starts, LOSS FOUND VERDICT VALUE… of every
        distinct end before."""
        for one in self.basins:
            values = (value for _, value in numbers(one.parameters))
            yield (one.loss, one.found, one.verdict, *values)
        yield from super().records()
