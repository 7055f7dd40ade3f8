"""Colours that the colour-blind can tell apart, and lines that differ without colour.

Qualitative: M. Okabe and K. Ito, "Color Universal Design" (2008), without black and yellow, in an
order that keeps neighbours apart. Sequential: viridis (S. van der Walt and N. Smith, 2015), which
gets lighter evenly, so that it also reads in grey.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from autograd_cli.figures.figure import (
    DASHDOT,
    DASHED,
    DOTTED,
    SOLID,
    Curve,
    Field,
    Layer,
    Line,
    Series,
)

QUALITATIVE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = (SOLID, DASHED, DASHDOT, DOTTED)
VIRIDIS = (  # even steps
    (68, 1, 84),
    (72, 24, 106),
    (71, 45, 123),
    (66, 64, 134),
    (59, 82, 139),
    (51, 99, 141),
    (44, 114, 142),
    (38, 130, 142),
    (33, 145, 140),
    (31, 160, 136),
    (40, 174, 128),
    (63, 188, 115),
    (94, 201, 98),
    (132, 212, 75),
    (173, 220, 48),
    (216, 226, 25),
    (253, 231, 37),
)

Colour = tuple[int, int, int]


def coloured(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers, in which every series has its colour and its dash.

    Over a field, which has blues and greens of its own, they begin with the second colour.
    """
    colours, lines = int(any(isinstance(layer, Field) for layer in layers)), 0
    for layer in layers:
        if not isinstance(layer, Series):
            yield layer
            continue
        colour = colours if layer.colour is None else layer.colour
        dash = DASHES[lines % len(DASHES)] if layer.dash is None else layer.dash
        colours += layer.colour is None
        lines += layer.dash is None and isinstance(layer, Curve | Line)
        yield replace(layer, colour=colour % len(QUALITATIVE), dash=dash)


def viridis(part: float) -> Colour:
    """The colour at `part` of the way, from 0 to 1."""
    place = min(max(part, 0.0), 1.0) * (len(VIRIDIS) - 1)
    below = min(math.floor(place), len(VIRIDIS) - 2)
    rest = place - below
    low, high = VIRIDIS[below], VIRIDIS[below + 1]
    red, green, blue = (round(a + rest * (b - a)) for a, b in zip(low, high, strict=True))
    return red, green, blue


def qualitative(number: int) -> Colour:
    """A colour of the palette as red, green and blue."""
    text = QUALITATIVE[number]
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
