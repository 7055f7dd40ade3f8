"""`agx plot`: curves, contours, surfaces and gradient fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import typer

from autograd_cli.commands.groups import (
    Computing,
    LimitedWriting,
    Reading,
    format_option,
    grid_option,
    output_option,
)
from autograd_cli.commands.options import choice, option, switch, whole
from autograd_cli.commands.printing import Printing
from autograd_cli.errors import UsageError
from autograd_cli.figures import PICTURES
from autograd_cli.render import FORMATS

if TYPE_CHECKING:
    from autograd_cli.commands.plot.plotted import Plotted
    from autograd_cli.console import Console
    from autograd_cli.language.descent_path import DescentPath

EXAMPLES = """
agx plot "sin(x)*exp(-x/5)" --grid x=0:20
agx plot "x**3 - x" --grid x=-2:2 --at x=1     # with the tangent at 1
agx plot "[sin(x), cos(x)]" --grid x=-pi:pi -o waves.svg
agx plot "(1-x)**2 + 100*(y-x**2)**2" --grid x=-2:2,y=-1:3
agx plot "sin(x)*cos(y)" --grid x=-3:3,y=-3:3 --kind surface
"""

CURVE, CONTOUR, GRADIENT, SURFACE = "curve", "contour", "gradient", "surface"
KINDS = (CURVE, CONTOUR, "heatmap", SURFACE, GRADIENT)
NUMBERS = ("json", "ndjson", "csv")
FORMATS_HERE = ("table", "plain", *PICTURES, *NUMBERS)
PANEL = "Picture"
WIDE = 60  # columns: more do not help contours, which are about as wide as high
SMALLEST, LARGEST = 50, 10_000  # pixels
ARROWS, FEWEST = 17, 6  # of a gradient field along each axis of a picture, and of any
HIGHEST_ORDER = 9
MOST_OF_A_PATH = 1 << 28  # bytes: a million steps of some variables


def size(value: Any) -> Any:
    """A callback that reads a width and a height."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", value.strip())
    sides = tuple(map(int, found.groups())) if found else ()
    if not sides or not all(SMALLEST <= side <= LARGEST for side in sides):
        raise UsageError(
            f"--size needs a width and a height from {SMALLEST} to {LARGEST} pixels, not {value!r}",
            hint="for example --size 800x600",
        )
    return sides


def kind_name(value: str) -> str:
    return choice("kind", KINDS)(value) if value else value


@dataclass(frozen=True, kw_only=True)
class Plotting:
    """How the picture is drawn, and where."""

    kind: str = option(
        "",
        "KIND",
        f"what to draw: {CURVE} for one variable; for two {', '.join(KINDS[1:])}"
        " (without it, contours with the gradient)",
        panel=PANEL,
        callback=kind_name,
        complete=KINDS,
    )
    order: int | None = option(
        None,
        "N",
        "the derivatives of a curve up to this order; 0 for the function alone",
        panel=PANEL,
        callback=whole("--order", 0, HIGHEST_ORDER),
    )
    path: str = option(
        "",
        "FILE",
        "the way of a descent on top: the NDJSON of agx fit; - reads it from stdin",
        panel=PANEL,
    )
    title: str | None = option(None, "TEXT", "instead of the expression", panel=PANEL)
    size: Any = option(
        None,
        "WIDTHxHEIGHT",
        "of a picture in a file, in pixels: 800x600",
        panel=PANEL,
        callback=size,
    )
    log_x: bool = switch("a logarithmic horizontal axis", panel=PANEL)
    log_y: bool = switch("a logarithmic vertical axis", panel=PANEL)
    grid: list[str] | None = grid_option()


@dataclass(frozen=True, kw_only=True)
class PlotOutput(LimitedWriting):
    """The options about output, with the formats of pictures."""

    formats = FORMATS_HERE

    format: str = format_option(FORMATS_HERE)
    output: str = output_option(
        FORMATS_HERE,
        "write to FILE: .png .svg .pdf for a picture, .txt for one in characters,"
        " .json .ndjson .jsonl .csv for its numbers",
    )


def plot(
    ctx: typer.Context, reading: Reading, asked: Plotting, computing: Computing, writing: PlotOutput
) -> None:
    """Draw a function: a curve with its derivative, or contours with the gradient.

    In the terminal, or as a picture with -o. Along an axis of --grid, --at x=1 asks for the tangent
    there; the other variables have their values in --at.
    """
    from autograd_cli.render.pictures import write_figure
    from autograd_cli.render.plot import Frame

    _check_ending(writing.output)
    printing = writing.printing(ctx)
    form = printing.output.format.name
    if form in PICTURES and not writing.output and printing.console.terminal:
        raise UsageError(f"a terminal does not show {form}", hint=f"add -o plot.{form}")
    if asked.size is not None and form not in PICTURES:
        raise UsageError("--size is that of a picture in a file", hint="add -o plot.png")
    settings = computing.settings()
    inputs = reading.inputs(printing.console, asked.grid, marked=True)

    from autograd_cli.engine.core.context import resolve

    context = resolve(settings)

    from autograd_cli.commands.plot.plotted import Plotted
    from autograd_cli.commands.plot.ranges import read_ranges

    ranges = read_ranges(inputs, context, (asked.log_x, asked.log_y))
    names = list(ranges.axes)
    kind = _kind(asked.kind, names)
    paths = _paths(asked.path, names, printing.console) if asked.path else []
    plotted = Plotted(inputs.expression, ranges, asked.order, context)
    if ranges.note:
        printing.console.complain(f"note: {ranges.note}\n")
    if form in NUMBERS:
        printing.emit(plotted.numbers())
        return
    frame = Frame(
        title=plotted.title() if asked.title is None else asked.title,
        names=names,
        log_x=asked.log_x,
        log_y=asked.log_y,
    )
    if kind == CURVE:
        figure = plotted.curves(paths, frame)
    else:
        figure = plotted.field(kind, paths, _density(printing, plotted), frame)
    write_figure(figure, printing.console, printing.output, asked.size)
    printing.console.flush()
    printing.console.complain("".join(f"warning: {text}\n" for text in plotted.warnings()))


def _check_ending(file: str) -> None:
    """That the ending of the file says what shall be written. Raises UsageError."""
    ending = PurePath(file).suffix.lower()
    known = [one for name in FORMATS_HERE for one in FORMATS[name].endings]
    if ending and ending not in known and not file.startswith("/dev/"):
        raise UsageError(
            f"{file!r} is no kind of picture that agx draws",
            hint=f"it has: {' '.join(dict.fromkeys(known))}",
        )


def _kind(asked: str, names: Sequence[str]) -> str:
    """The kind asked for, where it suits the number of axes; "" for two axes without one.

    Raises UsageError.
    """
    if not asked:
        return CURVE if len(names) == 1 else ""
    if asked == CURVE and len(names) == 2:
        raise UsageError(
            f"a curve has one variable, and this has two: {', '.join(names)}",
            hint=f"give one of them a value: --at {names[1]}=...",
        )
    if asked != CURVE and len(names) == 1:
        raise UsageError(
            f"--kind {asked} needs two variables, and this has one: {names[0]}",
            hint="name both in --grid: x=-2:2,y=-2:2",
        )
    return asked


def _density(printing: Printing, plotted: Plotted) -> tuple[int, int]:
    """How many arrows of a gradient field have room along each axis."""
    if printing.output.format.name in PICTURES:
        wide, high = plotted.proportions()
        return max(round(ARROWS * wide), FEWEST // 2), max(round(ARROWS * high), FEWEST // 2)
    return max(min(printing.console.width, WIDE) // 5, FEWEST), FEWEST + 2


def _paths(file: str, names: Sequence[str], console: Console) -> list[DescentPath]:
    """The ways of descents in a file, or in stdin. Raises FileError and UsageError."""
    from autograd_cli.data.textfile import read_text
    from autograd_cli.language.descent_path import read_paths

    if file == "-":
        return read_paths(console.stdin, names, "standard input")
    return read_paths(read_text(file, MOST_OF_A_PATH).splitlines(), names, repr(file))
