"""Figures as text: Braille curves, half-block heat maps, arrows, nets, with axes and a legend.

Without Unicode the same picture is made of ASCII characters, without colour series differ by their
dashes and values by their shade.
"""

from __future__ import annotations

from dataclasses import replace

from autograd_cli.figures.figure import Figure, Surface
from autograd_cli.figures.look import Look, coded
from autograd_cli.figures.net import Net
from autograd_cli.figures.palette import coloured
from autograd_cli.figures.plane import Plane

FEWEST = 3  # lines of the area that is drawn in


def text(figure: Figure, look: Look) -> str:
    """A figure as lines of text, each with its end. Raises: MissingExtraError."""
    figure = replace(figure, layers=tuple(coloured(figure.layers)))
    has_surface = any(isinstance(layer, Surface) for layer in figure.layers)
    kind = Net if has_surface else Plane
    drawing = kind(figure, look)
    lines = list(drawing.lines())
    if look.height is not None:  # what stands around the area is known now, and leaves the rest
        room = max(look.height - (len(lines) - drawing.rows), FEWEST)
        lines = list(kind(figure, look, room).lines())
    return "".join(coded(pieces, look) for pieces in lines)
