"""The lines of equal value of a field. It is contourpy that finds them, for every backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autograd_cli.errors import MissingExtraError
from autograd_cli.figures.figure import Field
from autograd_cli.figures.values import Values, shown

Polyline = list[tuple[float, float]]


def contours(
    field: Field, values: Values, levels: Sequence[float]
) -> Iterator[tuple[float, list[Polyline]]]:
    """Every level with its lines, in the coordinates of the field.

    Raises: MissingExtraError where contourpy is not installed.
    """
    try:
        from contourpy import LineType, contour_generator
    except ImportError:
        raise MissingExtraError(
            "drawing contours needs contourpy, which is not installed",
            hint='pip install "autograd-cli[plot]"',
        ) from None
    import numpy

    masked = numpy.ma.masked_invalid(numpy.array(shown(field, values), dtype=float))
    generator = contour_generator(
        numpy.array(field.x, dtype=float),
        numpy.array(field.y, dtype=float),
        masked,
        line_type=LineType.Separate,
    )
    for level in levels:
        found: Any = generator.lines(level)
        yield level, [[(float(x), float(y)) for x, y in line] for line in found]
