"""Figures as PNG, SVG and PDF, by matplotlib: never a window, and the same bytes every time."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import singledispatch
from typing import Any

from autograd_cli.errors import MissingExtraError
from autograd_cli.errors import visible as _visible
from autograd_cli.figures import fonts, scale
from autograd_cli.figures.basins import contour_levels
from autograd_cli.figures.figure import (
    DASHDOT,
    DASHED,
    DOTTED,
    LOG,
    SOLID,
    Arrows,
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
from autograd_cli.figures.look import scaled
from autograd_cli.figures.palette import QUALITATIVE, coloured, viridis
from autograd_cli.figures.surface import AZIMUTH, ELEVATION
from autograd_cli.figures.values import Values, shown

DPI = 96  # pixels in an inch, as CSS has it
SIZE, PANEL = (800, 600), (600, 480)  # pixels of one figure alone, and of each of several
AROUND, LEAST = (160, 140), 120  # pixels around axes and their legend, and of the axes at least
FINER = 2  # times as many pixels has a PNG, for screens and print
LEVELS = 8  # contours
MARKED = 100  # points of a path, at most, that are marked each
ARROWS = 26  # of them have room in the width
GREY = "#333333"
# A field fills its axes, so its legend stands below them.
BELOW = {"loc": "upper right", "bbox_to_anchor": (1, 0), "ncols": 4, "borderaxespad": 0}
# One of many rows would cover the curves, wherever it stood among them.
BESIDE = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "borderaxespad": 0}
MOST_INSIDE = 6
BAR = (1.03, 0, 0.04, 1)  # of colours, in the axes' own coordinates
STYLE = {
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "legend.framealpha": 0.85,  # what it covers shines through, and its words are readable
    "legend.edgecolor": "none",
    "svg.hashsalt": "agx",  # ids that do not change
    "svg.fonttype": "path",  # looks the same where the font is missing
    "pdf.fonttype": 42,
    "path.simplify": True,
}
DASHES: dict[str, Any] = {SOLID: "-", DASHED: (0, (5, 2)), DASHDOT: (0, (6, 2, 1, 2)), DOTTED: ":"}
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "agx"},
    "svg": {"Date": None, "Creator": "agx"},
    "pdf": {"CreationDate": None, "Creator": "agx", "Producer": None},
}


def picture(
    figures: Sequence[Figure],
    kind: str,
    size: tuple[int, int] | None,
    lacking: Callable[[str], object],
) -> bytes:
    """Figures side by side as the bytes of a `png`, `svg` or `pdf`.

    `lacking` is called with the letters that no font of this machine has, if there are any.

    `size` is that of the whole in pixels. The more of them a PNG has, the finer it is drawn, so
    that letters and lines keep their share of it. Raises: MissingExtraError where matplotlib is not
    installed.
    """
    usual = _size(figures[0]) if len(figures) == 1 else (PANEL[0] * len(figures), PANEL[1])
    width, height = size or usual
    fineness = 1.0
    if kind == "png":
        if size is None:
            width, height = FINER * width, FINER * height
        fineness = max(1.0, min(width / usual[0], height / usual[1]))
    density = DPI * fineness
    with _matplotlib() as matplotlib:
        inches = (width / density, height / density)
        drawn, missing = _drawn(matplotlib, figures, kind, inches, density, [fonts.BASE])
        if missing and (others := fonts.having(missing)):
            drawn, missing = _drawn(
                matplotlib, figures, kind, inches, density, [fonts.BASE, *others]
            )
    if missing:
        lacking("".join(map(chr, sorted(missing))))
    return drawn


def _drawn(
    matplotlib: Any,
    figures: Sequence[Figure],
    kind: str,
    inches: tuple[float, float],
    density: float,
    families: Sequence[str],
) -> tuple[bytes, set[int]]:
    """The bytes of a picture whose letters are of these families, and what none of them has."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Canvas

        style = {**_defaults(matplotlib.rcParamsDefault), **STYLE, "font.family": list(families)}
        with matplotlib.rc_context(style):
            canvas = Canvas(figsize=inches, layout="constrained")
            FigureCanvasAgg(canvas)
            for number, figure in enumerate(figures):
                is_surface = any(isinstance(layer, Surface) for layer in figure.layers)
                axes = canvas.add_subplot(
                    1, len(figures), number + 1, projection="3d" if is_surface else None
                )
                _draw(figure, axes)
            out = io.BytesIO()
            canvas.savefig(out, format=kind, dpi=density, metadata=METADATA[kind])
    return out.getvalue(), fonts.missing(told)


def _size(figure: Figure) -> tuple[int, int]:
    """The usual size of one figure alone, in pixels: of one whose axes have one scale, without the
    room that they leave."""
    if not figure.equal:
        return SIZE
    x, y = scale.x_limits(figure.layers, figure.x), scale.y_limits(figure.layers, figure.y)
    ratio = (y[1] - y[0]) / (x[1] - x[0])
    width, height = SIZE[0] - AROUND[0], SIZE[1] - AROUND[1]
    return (
        round(min(width, max(height / ratio, LEAST))) + AROUND[0],
        round(min(height, max(width * ratio, LEAST))) + AROUND[1],
    )


@contextlib.contextmanager
def _matplotlib() -> Iterator[Any]:
    """The library, without its remarks on fonts and on homes where it cannot keep a cache."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        try:
            import matplotlib
        except ImportError:
            raise MissingExtraError(
                "drawing pictures needs matplotlib, which is not installed",
                hint='pip install "autograd-cli[plot]"',
            ) from None
        yield matplotlib
    finally:
        logger.setLevel(level)


def _defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The library's own settings, whatever the user's file says; asking for its `backend` would
    import what makes windows."""
    return {name: settings[name] for name in settings if name != "backend"}


def _draw(figure: Figure, axes: Any) -> None:
    layers = tuple(coloured(figure.layers))
    axes.set_title(visible(figure.title), loc="left")
    axes.set_xlabel("\n".join(map(visible, filter(None, (figure.x.label, figure.note)))))
    axes.set_ylabel(visible(figure.y.label))
    axes.set_xscale(figure.x.scale)
    axes.set_yscale(figure.y.scale)
    axes.set_xlim(scale.x_limits(layers, figure.x))
    axes.set_ylim(scale.y_limits(layers, figure.y))
    if figure.equal:
        axes.set_aspect("equal", adjustable="box")
    for number, layer in enumerate(layers):
        _layer(layer, axes, figure, number + 2)
    if handles := axes.get_legend_handles_labels()[0]:
        has_field = any(isinstance(layer, Field | Arrows) for layer in layers)
        crowded = len(handles) > MOST_INSIDE
        below = BELOW | {"bbox_transform": _under(axes, figure)}
        axes.legend(**(below if has_field else BESIDE if crowded else {"loc": "best"}))


def _under(axes: Any, figure: Figure) -> Any:
    """The axes' own coordinates, moved below what is written under them."""
    from matplotlib.transforms import offset_copy

    lines = 1 + bool(figure.x.label) + bool(figure.note)
    return offset_copy(axes.transAxes, axes.figure, y=-8 - 14 * lines, units="points")


def visible(text: str) -> str:
    """A text as it is: dollar signs do not begin a formula."""
    return _visible(text).replace("$", r"\$")


def _label(layer: Layer) -> str | None:
    return visible(layer.label) or None


def _line_style(series: Series, order: int) -> dict[str, Any]:
    return {
        "color": QUALITATIVE[series.colour or 0],
        "linestyle": DASHES[series.dash or SOLID],
        "label": _label(series),  # type: ignore[arg-type]
        "zorder": order,
    }


@singledispatch
def _layer(layer: object, axes: Any, figure: Figure, order: int) -> None:
    raise TypeError(layer)


@_layer.register
def _(curve: Curve, axes: Any, figure: Figure, order: int) -> None:
    style = _line_style(curve, order)
    axes.plot(curve.x, curve.y, **style)
    if alone := list(_alone(curve)):
        xs, ys = zip(*alone, strict=True)
        style |= {"linestyle": "none", "label": None}
        axes.plot(xs, ys, marker="o", markersize=3.5, **style)


def _alone(curve: Curve) -> Iterator[tuple[float, float]]:
    """The points that are between gaps, to which no line leads: the value at a jump."""
    gap = (math.nan, math.nan)
    around = [gap, *zip(curve.x, curve.y, strict=True), gap]
    is_there = [all(map(math.isfinite, point)) for point in around]
    for number in range(1, len(around) - 1):
        if is_there[number] and not is_there[number - 1] and not is_there[number + 1]:
            yield around[number]


@_layer.register
def _(line: Line, axes: Any, figure: Figure, order: int) -> None:
    if math.isinf(line.slope):
        axes.axvline(line.x, **_line_style(line, order))
    elif LOG in (figure.x.scale, figure.y.scale):
        low, high = axes.get_xlim()
        xs = [low + (high - low) * number / 400 for number in range(401)]
        axes.plot(xs, [line.y + line.slope * (x - line.x) for x in xs], **_line_style(line, order))
    else:
        axes.axline((line.x, line.y), slope=line.slope, **_line_style(line, order))
    if line.marked:
        axes.plot([line.x], [line.y], "o", color=QUALITATIVE[line.colour or 0], zorder=order + 20)


@_layer.register
def _(scatter: Scatter, axes: Any, figure: Figure, order: int) -> None:
    axes.scatter(
        scatter.x,
        scatter.y,
        s=22,
        color=QUALITATIVE[scatter.colour or 0],
        edgecolors="white",
        linewidths=0.4,
        label=_label(scatter),
        zorder=order,
    )


@_layer.register
def _(band: Band, axes: Any, figure: Figure, order: int) -> None:
    axes.fill_between(
        band.x,
        band.low,
        band.high,
        color=QUALITATIVE[band.colour or 0],
        alpha=0.2,
        linewidth=0,
        label=_label(band),
        zorder=order,
    )


@_layer.register
def _(bars: Bars, axes: Any, figure: Figure, order: int) -> None:
    places = range(len(bars.names))
    axes.bar(
        places,
        bars.heights,
        width=0.7,
        color=QUALITATIVE[bars.colour or 0],
        label=_label(bars),
        zorder=order,
    )
    axes.set_xticks(list(places), [visible(name) for name in bars.names])
    axes.grid(visible=False, axis="x")


@_layer.register
def _(path: Path, axes: Any, figure: Figure, order: int) -> None:
    from matplotlib.patheffects import Normal, Stroke

    colour = QUALITATIVE[path.colour or 0]
    places = (path.x, path.y, path.z) if len(path.z) else (path.x, path.y)
    axes.plot(
        *places,
        color=colour,
        marker="o" if len(path.x) <= MARKED else "",
        markersize=3.5,
        markeredgewidth=0,
        linewidth=1.8,
        label=_label(path),
        zorder=order + 10,
        path_effects=[Stroke(linewidth=3.2, foreground="white"), Normal()],
    )
    ends = ((0, "o", "white"), (-1, "X", colour))
    for index, sign, fill in ends if len(path.x) else ():
        axes.plot(
            *([row[index]] for row in places),
            marker=sign,
            markersize=9,
            markerfacecolor=fill,
            markeredgecolor=colour if index == 0 else "white",
            markeredgewidth=1.6 if index == 0 else 1.0,
            linestyle="none",
            zorder=order + 20,
        )


@_layer.register
def _(arrows: Arrows, axes: Any, figure: Figure, order: int) -> None:
    units = [_unit(u, v, axes) for u, v in zip(arrows.u, arrows.v, strict=True)]
    sizes = [math.hypot(u, v) for u, v in zip(arrows.u, arrows.v, strict=True)]
    values = Values.of_numbers(sizes)
    drawn = axes.quiver(
        arrows.x,
        arrows.y,
        [u for u, _ in units],
        [v for _, v in units],
        *([sizes] if arrows.by_size else []),
        pivot="mid",
        scale=ARROWS,
        width=0.0035,
        zorder=order,
        **({"cmap": "viridis", "norm": _norm(values)} if arrows.by_size else {"color": GREY}),
    )
    if arrows.by_size:
        axes.grid(visible=False)
        _colour_bar(drawn, values, arrows.size or arrows.label, axes)
        if not arrows.size:
            return
    sign = {"marker": r"$\rightarrow$", "markersize": 14, "linestyle": "none", "color": GREY}
    axes.plot([], [], label=_label(arrows), **sign)


def _unit(u: float, v: float, axes: Any) -> tuple[float, float]:
    """A direction of the length 1 on the paper."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    shape = 1.0 if axes.get_aspect() == "auto" else (high - low) / (right - left)
    across, up = u / (right - left), v / (high - low) * shape
    size = math.hypot(across, up) or math.nan
    return across / size, up / size


@_layer.register
def _(field: Contour, axes: Any, figure: Figure, order: int) -> None:
    values = Values.of(field)
    levels = contour_levels(field, values, LEVELS)
    if not levels:
        return
    lines = axes.contour(
        field.x,
        field.y,
        _masked(shown(field, values)),
        levels=levels,
        colors=[_colour(values.part(level)) for level in levels],
        linewidths=1.3,
        zorder=order,
    )
    axes.grid(visible=False)
    axes.clabel(lines, fontsize=8, fmt=scale.label)


@_layer.register
def _(field: Heatmap, axes: Any, figure: Figure, order: int) -> None:
    values = Values.of(field)
    smooth = all(math.isfinite(value) for row in field.z for value in row)
    mesh = axes.pcolormesh(
        field.x,
        field.y,
        _masked(field.z),
        cmap="viridis",
        norm=_norm(values),
        shading="gouraud" if smooth else "nearest",
        rasterized=True,
        zorder=order,
    )
    axes.grid(visible=False)
    _colour_bar(mesh, values, field.label, axes)


@_layer.register
def _(field: Surface, axes: Any, figure: Figure, order: int) -> None:
    import numpy
    from matplotlib.ticker import MaxNLocator

    values = Values.of(field)
    x, y = numpy.meshgrid(field.x, field.y)
    axes.plot_surface(
        x,
        y,
        numpy.clip(_masked(shown(field, values)).filled(numpy.nan), *values.limits),
        cmap="viridis",
        norm=_norm(values),
        rcount=60,
        ccount=60,
        linewidth=0.2,
        edgecolor="#00000033",
        zorder=order,
    )
    axes.computed_zorder = False  # a path stays in front
    axes.view_init(elev=math.degrees(ELEVATION), azim=math.degrees(AZIMUTH))
    axes.set_zlim(values.limits)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_zlabel(visible(figure.z.label or field.label))


def _masked(rows: Sequence[Sequence[float]]) -> Any:
    import numpy

    return numpy.ma.masked_invalid(numpy.array(rows, dtype=float))


def _colour(part: float) -> str:
    return "#{:02x}{:02x}{:02x}".format(*viridis(min(part, 0.9)))  # yellow on white is faint


def _norm(values: Values) -> Any:
    """How values become colours."""
    import numpy
    from matplotlib.colors import FuncNorm, Normalize

    if values.centre is None:
        return Normalize(*values.limits)
    forward, inverse = numpy.vectorize(values.part), numpy.vectorize(values.value)
    return FuncNorm((forward, inverse), *values.limits)


def _colour_bar(mesh: Any, values: Values, label: str, axes: Any) -> None:
    bar = axes.figure.colorbar(mesh, cax=axes.inset_axes(BAR))  # as high as the axes
    if values.centre is not None:
        levels = values.levels(6)
        bar.set_ticks(levels, labels=[scale.label(level) for level in levels])
        bar.minorticks_off()
    bar.set_label(visible(scaled(label, values)))
    bar.outline.set_visible(False)
