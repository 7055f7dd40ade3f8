"""Figures: curves, contours, surfaces and paths as values, drawn by one of two backends.

`text` draws with characters, `picture` makes the bytes of an image file. What they need is an
extra, imported when it is used. A figure is made of layers:

    Figure(layers=[Curve(x, y, label="f"), Line(1, 1, slope=2, marked=True)], title="x**2")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd_cli.figures.figure import (
    DASHDOT,
    DASHED,
    DOTTED,
    LINEAR,
    LOG,
    SOLID,
    Arrows,
    Axis,
    Band,
    Bars,
    Contour,
    Curve,
    Field,
    Figure,
    Heatmap,
    Layer,
    Line,
    Path,
    Scatter,
    Series,
    Surface,
)

__all__ = [
    "DASHDOT",
    "DASHED",
    "DOTTED",
    "LINEAR",
    "LOG",
    "PICTURES",
    "SOLID",
    "Arrows",
    "Axis",
    "Band",
    "Bars",
    "Contour",
    "Curve",
    "Field",
    "Figure",
    "Heatmap",
    "Layer",
    "Line",
    "Path",
    "Scatter",
    "Series",
    "Surface",
    "picture",
    "text",
]

PICTURES = ("png", "svg", "pdf")


def text(
    figures: Figure | Sequence[Figure],
    width: int = 80,
    *,
    height: int | None = None,
    unicode: bool = True,
    colour: bool = False,
    truecolour: bool = False,
) -> str:
    """Figures as text, one below the other, for a terminal of `width` columns.

    With a `height`, each has at most so many lines, its title, axes and legend among them. Every
    line has its end. Raises: MissingExtraError where plotille is not installed.
    """
    from autograd_cli.figures.look import Look
    from autograd_cli.figures.terminal import text as drawn

    look = Look(width=width, height=height, unicode=unicode, colour=colour, truecolour=truecolour)
    return "\n".join(drawn(figure, look) for figure in _all(figures))


def picture(
    figures: Figure | Sequence[Figure],
    kind: str = "png",
    size: tuple[int, int] | None = None,
    *,
    lacking: Callable[[str], object] = lambda letters: None,
) -> bytes:
    """Figures side by side as the bytes of a file of one of the kinds in PICTURES.

    `size` is the width and the height of the whole in pixels, without which there is a usual one.
    The same figures give the same bytes. `lacking` is called with the letters that no font of this
    machine has, if there are any: they are drawn as boxes. Raises: MissingExtraError where
    matplotlib is not installed.
    """
    from autograd_cli.figures.print_ import picture as drawn

    return drawn(_all(figures), kind, size, lacking)


def _all(figures: Figure | Sequence[Figure]) -> Sequence[Figure]:
    return [figures] if isinstance(figures, Figure) else figures
