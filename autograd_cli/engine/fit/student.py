"""Quantiles of Student's t distribution, for confidence intervals."""

from __future__ import annotations

import math
from statistics import NormalDist

LARGE = 1000  # degrees of freedom, from which the expansion is exact to float64
MOST_STEPS = 200


def quantile(probability: float, degrees: int) -> float:
    """The t of which the distribution with so many degrees of freedom is `probability`.

    probability is in (1/2, 1). For few degrees the probability is a finite sum (Abramowitz & Stegun
    26.7.3 and 26.7.4), which is inverted by bisection and Newton's method; for many it is the
    expansion about the normal quantile (26.7.5).
    """
    if degrees >= LARGE:
        return _expansion(NormalDist().inv_cdf(probability), degrees)
    low, high, t = 0.0, 1.0, 0.0
    while upper_tail(high, degrees) > 1 - probability:
        low, high = high, 2 * high
    t = (low + high) / 2
    for _ in range(MOST_STEPS):
        excess = upper_tail(t, degrees) - (1 - probability)
        low, high = (t, high) if excess > 0 else (low, t)
        proposed = t + excess / density(t, degrees)
        if not low < proposed < high:
            proposed = (low + high) / 2
        if abs(proposed - t) <= 4e-16 * t:
            return proposed
        t = proposed
    return t


def upper_tail(t: float, degrees: int) -> float:
    """The probability of more than t, for a positive t."""
    angle = math.atan2(t, math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    square = cosine * cosine
    if degrees % 2:
        term, total = cosine, cosine if degrees > 1 else 0.0
        for k in range(3, degrees - 1, 2):
            term *= (k - 1) / k * square
            total += term
        return 0.5 - (angle + sine * total) / math.pi
    term, total = 1.0, 1.0
    for k in range(2, degrees - 1, 2):
        term *= (k - 1) / k * square
        total += term
    return 0.5 - sine * total / 2


def density(t: float, degrees: int) -> float:
    half = degrees / 2
    logarithm = math.lgamma(half + 0.5) - math.lgamma(half) - math.log(degrees * math.pi) / 2
    return math.exp(logarithm - (half + 0.5) * math.log1p(t * t / degrees))


def _expansion(z: float, degrees: float) -> float:
    s = z * z
    terms = (
        z * (s + 1) / 4,
        z * ((5 * s + 16) * s + 3) / 96,
        z * (((3 * s + 19) * s + 17) * s - 15) / 384,
        z * ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))
