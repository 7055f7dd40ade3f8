"""The figures of a lesson: from what stands in its file and the values of its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_cli.figures import (
    LINEAR,
    LOG,
    Arrows,
    Axis,
    Bars,
    Contour,
    Curve,
    Figure,
    Layer,
    Path,
    Scatter,
    Surface,
)
from autograd_cli.lessons.card import LessonError
from autograd_cli.lessons.lesson import Picture
from autograd_cli.lessons.reader import MARKS

LAYERS: dict[str, Callable[..., Layer]] = {
    "line": Curve,
    "points": Scatter,
    "path": Path,
    "bars": Bars,
    "surface": Surface,
    "contour": Contour,
    "arrows": Arrows,
}

# The same marks for those who read the lesson as a script or a notebook: matplotlib's own calls.
CALLS = {
    "line": "axes.plot({values}, label={label!r})",
    "points": "axes.scatter({values}, s=12, label={label!r})",
    "path": 'axes.plot({values}, "o-", markersize=3, label={label!r})',
    "bars": "axes.bar({values}, label={label!r})",
    "surface": "axes.plot_surface(*grid({values}))",
    "contour": "axes.contour({values}, levels=12)",
    "arrows": "axes.quiver({values}, label={label!r})",
}


def figure(picture: Picture, values: Sequence[Sequence[Any]]) -> Figure:
    """The figure of these values, a list for each of its marks. Raises LessonError."""
    layers = []
    for mark, parts in zip(picture.marks, values, strict=True):
        if len(parts) != MARKS[mark.kind]:
            raise LessonError(
                f"figure {picture.name!r} (line {picture.line}): {mark.kind!r} needs"
                f" {MARKS[mark.kind]} values, not {len(parts)}"
            )
        layers.append(LAYERS[mark.kind](*parts, label=mark.label))
    settings = picture.settings
    return Figure(
        layers=layers,
        title=settings.get("title", ""),
        x=Axis(label=settings.get("x", "")),
        y=Axis(label=settings.get("y", ""), scale=LOG if "scale" in settings else LINEAR),
        z=Axis(label=settings.get("z", "")),
        equal="equal" in settings,
    )


def matplotlib_code(picture: Picture, last: str) -> str:
    """Python that draws the figure with matplotlib, if that is there; `last` is what ends it."""
    has_surface = any(mark.kind == "surface" for mark in picture.marks)
    settings = picture.settings
    lines = [
        "try:",
        "    import matplotlib.pyplot as plt",
        "    import numpy as np",
        "except ImportError:",
        '    print("(for the figure: pip install matplotlib)")',
        "else:",
        "    def numbers(values):",
        '        return values.tolist() if hasattr(values, "tolist") else list(values)',
        "",
    ]
    if has_surface:
        lines += [
            "    def grid(x, y, z):",
            "        return *np.meshgrid(x, y), np.array(z)",
            "",
            '    axes = plt.figure().add_subplot(projection="3d")',
        ]
    else:
        lines.append("    axes = plt.figure().add_subplot()")
    for mark in picture.marks:
        values = f"*map(numbers, [{mark.values}])"
        lines.append("    " + CALLS[mark.kind].format(values=values, label=mark.label))
    setters = {"title": "set_title", "x": "set_xlabel", "y": "set_ylabel", "z": "set_zlabel"}
    lines += [
        f"    axes.{setter}({settings[key]!r})"
        for key, setter in setters.items()
        if key in settings
    ]
    lines += ['    axes.set_yscale("log")'] if "scale" in settings else []
    lines += ['    axes.set_aspect("equal")'] if "equal" in settings else []
    if any(mark.kind in ("line", "points", "path") for mark in picture.marks):
        lines.append("    axes.legend()")
    return "\n".join([*lines, f"    {last}"]) + "\n"
