"""What `agx fit quadratic` certifies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograd_cli.results import Value
from autograd_cli.results.fit import Fit

# The kinds of a quadratic, by the signs of its curvature and whether its gradient vanishes.
MINIMUM, VALLEY, CONSTANT = "minimum", "valley", "constant"
SADDLE, MAXIMUM, RIDGE, SLOPE = "saddle", "maximum", "ridge", "slope"
WITH_MINIMUM = (MINIMUM, VALLEY, CONSTANT)


@dataclass(frozen=True, kw_only=True)
class QuadraticFit(Fit):
    """A descent of a quadratic, and what is known of it without descending.

    `kind` is one of the words above. `stationary` is where the gradient vanishes, of several points
    the one nearest to the start, and `exact` the same as formulas; both are None where there is no
    such point, `exact` too where SymPy did not find it. `eigenvalues` are the Hessian's, ascending.
    A rate is the factor on the distance to that point at every step: `predicted_rate` by the
    eigenvalues, in the directions that the start excites; `observed_rate` over the last half of
    the steps. Learning rates below `stable_learning_rate` converge; `best_learning_rate` is the
    fastest of gradient descent. `behaviour` is fast, slow, oscillating or diverging. None is what
    is not known or does not exist.
    """

    kind: str
    stationary: Mapping[str, Value] | None
    exact: Mapping[str, Value] | None
    stationary_value: float | None
    distance: float | None
    eigenvalues: list[float]
    exact_eigenvalues: tuple[str, ...] = ()
    definiteness: str
    condition_number: float | None
    learning_rate: float | None
    predicted_rate: float | None
    observed_rate: float | None
    stable_learning_rate: float | None
    best_learning_rate: float | None
    behaviour: str

    def certified(self) -> dict[str, Any]:
        has_minimum = self.kind in WITH_MINIMUM
        return {
            "kind": self.kind,
            "minimum": _plain(self.stationary if has_minimum else None),
            "minimum_exact": _plain(self.exact if has_minimum else None),
            "minimum_value": self.stationary_value if has_minimum else None,
            "stationary_point": _plain(self.stationary),
            "distance": self.distance,
            "eigenvalues": self.eigenvalues,
            "definiteness": self.definiteness,
            "condition_number": self.condition_number,
            "learning_rate": self.learning_rate,
            "predicted_rate": self.predicted_rate,
            "observed_rate": self.observed_rate,
            "stable_learning_rate": self.stable_learning_rate,
            "best_learning_rate": self.best_learning_rate,
            "behaviour": self.behaviour,
        }


def _plain(point: Mapping[str, Value] | None) -> dict[str, Value] | None:
    return None if point is None else dict(point)
