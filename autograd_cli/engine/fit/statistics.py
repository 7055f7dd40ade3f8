"""Standard errors and all that: what a least-squares fit says of itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.fit.student import quantile
from autograd_cli.results.regression import Prediction, Statistics


def statistics(
    names: Sequence[str],
    parameters: Tensor,
    residuals: Tensor,
    inverse: Tensor,
    total: float,
    about_zero: bool,
    observations: int,
    condition: float,
    confidence: float,
    determined: int | None = None,
) -> Statistics:
    """The statistics of a fit.

    parameters (n,), weighted residuals (m,), the inverse (n, n) of J'WJ, `total` the sum of squares
    that the model is to explain, `observations` those of a weight above zero. Without degrees of
    freedom, the errors are nan. `determined` says how many parameters the data determine, if not
    all of them.
    """
    rss = math.fsum(value * value for value in residuals.tolist())
    degrees = observations - (len(names) if determined is None else determined)
    variance = rss / degrees if degrees else math.nan
    covariance = inverse * variance
    errors = inverse.diagonal().sqrt() * math.sqrt(variance)
    spread = inverse.diagonal().sqrt()
    correlation = (inverse / spread[:, None] / spread).clamp(-1, 1)
    correlation.fill_diagonal_(1)
    half = half_width(confidence, degrees)
    values = dict(zip(names, parameters.tolist(), strict=True))
    standard = dict(zip(names, errors.tolist(), strict=True))
    likelihood = observations * math.log(rss / observations) if rss else -math.inf
    return Statistics(
        standard_errors=standard,
        confidence=confidence,
        confidence_intervals={
            name: (value - half * standard[name], value + half * standard[name])
            for name, value in values.items()
        },
        covariance=plain(covariance),
        correlation=plain(correlation),
        rss=rss,
        residual_standard_error=math.sqrt(variance),
        degrees_of_freedom=degrees,
        observations=observations,
        r_squared=1 - rss / total if total else math.nan,
        about_zero=about_zero,
        aic=likelihood + 2 * len(names),
        bic=likelihood + math.log(observations) * len(names),
        condition_number=condition,
    )


def half_width(confidence: float, degrees: int) -> float:
    """Half the width of an interval of this level, in standard errors."""
    return quantile(0.5 + confidence / 2, degrees) if degrees else math.nan


def total_squares(target: Tensor, weights: Tensor | None, about_zero: bool) -> float:
    """The (weighted) sum of squares of the response, about its (weighted) mean or about zero."""
    values = target.tolist()
    sizes = [1.0] * len(values) if weights is None else weights.tolist()
    pairs = list(zip(sizes, values, strict=True))
    mean = 0.0 if about_zero else math.fsum(w * v for w, v in pairs) / math.fsum(sizes)
    return math.fsum(w * (v - mean) ** 2 for w, v in pairs)


def predictions(
    at: Mapping[str, Sequence[float]],
    values: Tensor,
    gradients: Tensor,
    triangle: Tensor,
    found: Statistics,
) -> tuple[Prediction, ...]:
    """The model at other places: `values` (k,) and their derivatives by the parameters (k, n).

    `triangle` is R with R'R = J'WJ: the covariance itself would lose the digits of those variances
    that are small beside its entries.
    """
    roots = torch.linalg.solve_triangular(triangle.T, gradients.T, upper=False)
    variances = roots.norm(dim=0) ** 2 * found.residual_standard_error**2
    half = half_width(found.confidence, found.degrees_of_freedom)
    noise = found.residual_standard_error**2
    rows = zip(*at.values(), strict=True) if at else [()] * len(values)
    result = []
    for row, value, variance in zip(rows, values.tolist(), variances.tolist(), strict=True):
        error = math.sqrt(variance)
        wide = half * math.sqrt(variance + noise)
        result.append(
            Prediction(
                at=dict(zip(at, row, strict=True)),
                value=value,
                standard_error=error,
                confidence_interval=(value - half * error, value + half * error),
                prediction_interval=(value - wide, value + wide),
            )
        )
    return tuple(result)
