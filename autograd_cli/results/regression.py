"""What a fit to data came to, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_cli.results import Scalar, Value
from autograd_cli.results.fit import Fit, Step, Table, numbers


@dataclass(frozen=True)
class Prediction:
    """The model at another place.

    `standard_error` is that of the fitted curve; `confidence_interval` holds the curve there, and
    `prediction_interval` a further observation, both at the fit's level of confidence.
    """

    at: Mapping[str, float]
    value: float
    standard_error: float
    confidence_interval: tuple[float, float]
    prediction_interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "at": dict(self.at),
            "value": self.value,
            "standard_error": self.standard_error,
            "confidence_interval": list(self.confidence_interval),
            "prediction_interval": list(self.prediction_interval),
        }

    def columns(self) -> tuple[str, ...]:
        bounds = ("confidence_low", "confidence_high", "prediction_low", "prediction_high")
        return (*self.at, "value", "standard_error", *bounds)

    def row(self) -> tuple[Scalar, ...]:
        return (
            *self.at.values(),
            self.value,
            self.standard_error,
            *self.confidence_interval,
            *self.prediction_interval,
        )


@dataclass(frozen=True)
class Statistics:
    """How good a least-squares fit is, and how sure its parameters are.

    The standard errors are those of least squares with errors of one unknown variance (or, with
    weights, of variances inversely proportional to them), s² = rss / (n - p) for n `observations`
    and p parameters; for a nonlinear model they come from its linearisation at the estimate. The
    intervals are those of Student's t with n - p `degrees_of_freedom` at the level `confidence`.
    `covariance` and `correlation` have a row and a column for each parameter. `rss` is the
    (weighted) residual sum of squares; `r_squared` is 1 - rss / tss, with the total sum of squares
    about the mean, or about zero (`about_zero`) for a linear model without a constant;
    `aic` is n log(rss/n) + 2 p and `bic` n log(rss/n) + p log(n). `condition_number` is that of the
    Jacobian with its columns scaled to length 1.
    """

    standard_errors: Mapping[str, float]
    confidence: float
    confidence_intervals: Mapping[str, tuple[float, float]]
    covariance: Sequence[Sequence[float]]
    correlation: Sequence[Sequence[float]]
    rss: float
    residual_standard_error: float
    degrees_of_freedom: int
    observations: int
    r_squared: float
    about_zero: bool
    aic: float
    bic: float
    condition_number: float

    def to_dict(self) -> dict[str, Any]:
        intervals = {name: list(pair) for name, pair in self.confidence_intervals.items()}
        return {
            "standard_errors": dict(self.standard_errors),
            "confidence": self.confidence,
            "confidence_intervals": intervals,
            "covariance": [list(row) for row in self.covariance],
            "correlation": [list(row) for row in self.correlation],
            "rss": self.rss,
            "residual_standard_error": self.residual_standard_error,
            "degrees_of_freedom": self.degrees_of_freedom,
            "observations": self.observations,
            "r_squared": self.r_squared,
            "aic": self.aic,
            "bic": self.bic,
            "condition_number": self.condition_number,
        }


@dataclass(frozen=True)
class Sample:
    """A fit beside its data, for a figure.

    With one input column, its name, its values `at` the observations, and the `curve` along it;
    with several, the name is empty, and the observed response stands against the fitted one. Where
    a descent learned other parameters than least squares has, `learned` is its curve.
    """

    input: str
    at: Sequence[float]
    observed: Sequence[float]
    fitted: Sequence[float]
    curve: Sequence[Prediction]
    learned: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Regression(Fit):
    """A model fitted to data.

    `response` is what the model is fitted to, as an expression; `method` says how. `exact` are the
    parameters of exact least squares, for a model that is linear in them; `true` those that the
    data were drawn with, for a demonstration. The statistics belong to `exact` where it is there,
    and otherwise to `parameters`. The `sample` is for figures alone.
    """

    response: str
    method: str
    statistics: Statistics
    exact: Mapping[str, Value] | None = None
    true: Mapping[str, Value] | None = None
    predictions: tuple[Prediction, ...] | None = None
    sample: Sample | None = None

    def certified(self) -> dict[str, Any]:
        found: dict[str, Any] = {"response": self.response, "method": self.method}
        if self.true is not None:
            found["true"] = dict(self.true)
        if self.exact is not None:
            found["exact"] = dict(self.exact)
        found |= self.statistics.to_dict()
        if self.predictions is not None:
            found["predictions"] = [one.to_dict() for one in self.predictions]
        return found

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """NAME VALUE of every parameter, then a line for every prediction."""
        yield from super().records()
        yield from (one.row() for one in self.predictions or ())

    def table(self, steps: Sequence[Step]) -> Table:
        """The predictions, if there are any; the steps of a descent; or else the parameters."""
        if self.predictions:
            return self.predictions[0].columns(), [one.row() for one in self.predictions]
        if len(steps) > 1 and self.exact is not None:
            return super().table(steps)
        statistics = self.statistics
        columns = ("parameter", "value", "standard_error", "confidence_low", "confidence_high")
        rows: list[tuple[Scalar, ...]] = [
            (
                name,
                value,
                statistics.standard_errors[name],
                *statistics.confidence_intervals[name],
            )
            for name, value in numbers(self.parameters)
        ]
        return columns, rows
