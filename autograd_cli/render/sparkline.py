"""A row of numbers as a row of little bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=+*#@"
TOWARDS_ZERO = 1e-16  # of the greatest number: a smaller one is rounding
DECADES = 2.0  # of a positive row's range from which on its logarithm is shown


def sparkline(values: Sequence[float], width: int, *, unicode: bool = True) -> str:
    """At most `width` bars: of a longer row, evenly chosen ones with both ends.

    A positive row over many powers of ten is shown by its logarithm. Numbers that are not finite
    are a question mark.
    """
    if not values or width < 1:
        return ""
    bars = BARS if unicode else ASCII
    chosen = list(values)
    if len(chosen) > width:
        last = max(width - 1, 1)
        chosen = [chosen[round(k * (len(values) - 1) / last)] for k in range(width)]
    finite = [value for value in chosen if math.isfinite(value)]
    if not finite:
        return "?" * len(chosen)
    positive = [value for value in finite if value > TOWARDS_ZERO * max(finite)]
    if min(finite) >= 0 and positive and math.log10(max(positive) / min(positive)) > DECADES:
        least = min(positive)  # what fell to zero stands at the bottom
        chosen = [math.log10(max(one, least)) if math.isfinite(one) else one for one in chosen]
        finite = [value for value in chosen if math.isfinite(value)]
    low, span = min(finite), max(finite) - min(finite)
    top = len(bars) - 1
    return "".join(
        "?"
        if not math.isfinite(value)
        else bars[round(top * ((value - low) / span)) if 0 < span < math.inf else 0]
        for value in chosen
    )
