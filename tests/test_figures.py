"""Figures: as text against golden files, as pictures in their structure and to the byte."""

from __future__ import annotations

import cmath
import itertools
import math
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path as File

import pytest
from cli_runner import environment
from golden_files import Golden

from autograd_cli.errors import MissingExtraError, columns
from autograd_cli.figures import (
    LOG,
    Arrows,
    Axis,
    Band,
    Bars,
    Contour,
    Curve,
    Figure,
    Heatmap,
    Line,
    Path,
    Scatter,
    Surface,
    picture,
    text,
)
from autograd_cli.figures.basins import contour_levels
from autograd_cli.figures.contours import contours
from autograd_cli.figures.figure import Field
from autograd_cli.figures.palette import QUALITATIVE, viridis
from autograd_cli.figures.raster import Raster, ascii_shape
from autograd_cli.figures.scale import label, ticks
from autograd_cli.figures.values import Values

pytest.importorskip("matplotlib")
pytest.importorskip("plotille")

GOLDEN = Golden("figures")
XS = [number / 20 - 2 for number in range(81)]
ROW = [number / 10 - 2 for number in range(41)]


def bowl(x: float, y: float) -> float:
    return x**2 + y**2


def valley(x: float, y: float) -> float:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


PLACES = [(x, y) for y in (-1.5, -0.5, 0.5, 1.5) for x in (-1.5, -0.5, 0.5, 1.5)]
FIGURES = {
    "curve": Figure(
        layers=[
            Curve(XS, [x**3 - x for x in XS], label="f(x)"),
            Curve(XS, [3 * x**2 - 1 for x in XS], label="f'(x)"),
            Line(1, 0, slope=2, marked=True, label="tangent at x = 1"),
        ],
        title="x**3 - x",
        x=Axis(label="x"),
    ),
    "gap": Figure(layers=[Curve([-2, -1, -0.1, 0, 0.1, 1, 2], [-1, -2, -9, math.nan, 9, 2, 1])]),
    "data": Figure(
        layers=[
            Band([-2, 0, 2], [-4, 0, 4], [-2, 2, 6], label="95%"),
            Scatter([-2, -1, 0, 1, 2], [-3.2, -0.8, 1.1, 2.7, 5.3], label="data"),
            Line(0, 1, slope=2, label="fit"),
        ],
        title="y = 2*x + 1",
    ),
    "loss": Figure(
        layers=[Curve(range(1, 101), [10 ** (-n / 20) for n in range(1, 101)], label="loss")],
        x=Axis(label="step"),
        y=Axis(label="loss", scale=LOG),
    ),
    "bars": Figure(layers=[Bars(["W1", "b1", "W2"], [0.3, -0.1, 0.8], label="gradient norm")]),
    "contour": Figure(
        layers=[
            Contour(ROW, ROW, [[bowl(x, y) for x in ROW] for y in ROW]),
            Arrows(*zip(*((x, y, 2 * x, 2 * y) for x, y in PLACES), strict=True), label="gradient"),
            Path([-1.8, -0.9, -0.3, 0], [1.6, 0.8, 0.2, 0], label="descent"),
        ],
        title="x**2 + y**2",
        x=Axis(label="x"),
        y=Axis(label="y"),
        equal=True,
    ),
    "heatmap": Figure(
        layers=[
            Heatmap(ROW, ROW, [[valley(x, y) for x in ROW] for y in ROW], label="loss"),
            Path([-1.2, 0, 1], [1, 0, 1], label="descent"),
        ],
        title="valley",
    ),
    "surface": Figure(
        layers=[
            Surface(ROW, ROW, [[bowl(x, y) for x in ROW] for y in ROW]),
            Path([-1.8, -0.9, 0], [1.6, 0.8, 0], [5.8, 1.45, 0], label="descent"),
        ],
        title="x**2 + y**2",
    ),
    "arrows": Figure(
        layers=[
            Arrows(
                *zip(*((x, y, 2 * x, 2 * y) for x, y in PLACES), strict=True),
                label="size",
                by_size=True,
            )
        ],
        x=Axis(limits=(-2, 2)),
        y=Axis(limits=(-2, 2)),
    ),
}
VARIANTS = {
    "80": {"width": 80},
    "40": {"width": 40},
    "ascii": {"width": 60, "unicode": False},
    "colour": {"width": 60, "colour": True},
}
CASES = [(name, variant) for name in FIGURES for variant in VARIANTS]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_golden(name: str, variant: str) -> None:
    found = text(FIGURES[name], **VARIANTS[variant])
    GOLDEN.holds(name, variant, found)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(CASES)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", [20, 33, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_console(name: str, width: int) -> None:
    for line in text(FIGURES[name], width).splitlines():
        assert columns(line) <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("name", FIGURES)
def test_ascii_is_ascii_and_without_colour_there_are_no_codes(name: str) -> None:
    assert text(FIGURES[name], unicode=False).isascii()
    assert "\x1b" not in text(FIGURES[name])


def plain(coloured: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_colours_change_nothing_else_about_a_curve() -> None:
    figure = FIGURES["curve"]
    assert plain(text(figure, colour=True)) == text(figure)
    assert plain(text(figure, colour=True, truecolour=True)) == text(figure)


def test_true_colours_are_those_of_the_palette() -> None:
    figure = Figure(layers=[Curve([0, 1], [0, 1]), Curve([0, 1], [1, 0])])
    assert "\x1b[38;2;213;94;0m" in text(figure, colour=True, truecolour=True)  # #D55E00
    assert "\x1b[38;5;166m" in text(figure, colour=True)


def test_the_environment_of_the_process_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = text(FIGURES["curve"], colour=True), text(FIGURES["curve"])
    for name, value in (("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    assert (text(FIGURES["curve"], colour=True), text(FIGURES["curve"])) == before


def test_foreign_text_stays_text() -> None:
    figure = Figure(
        layers=[Curve([0, 1], [0, 1], label="$x$ \x1b[31m")], title="$\\frac{1}{2}$\n\x07"
    )
    assert "\x1b" not in text(figure)
    assert "\x07" not in text(figure)
    assert (
        len(text(figure).splitlines()) == len(text(Figure(layers=figure.layers)).splitlines()) + 1
    )
    assert b"<!-- $\\frac{1}{2}$" in picture(figure, "svg")


def test_several_figures_are_one_below_the_other_or_side_by_side() -> None:
    both = [FIGURES["curve"], FIGURES["loss"]]
    assert text(both) == "\n".join(map(text, both))
    drawn = ET.fromstring(picture(both, "svg"))
    assert drawn.attrib["width"] == "900pt"  # 1200 pixels
    ids = [element.get("id") for element in drawn.iter() if element.get("id")]
    assert {"axes_1", "axes_2"} <= set(ids)


@pytest.mark.parametrize("kind", ["nan", "one point", "nothing"])
def test_figures_with_next_to_nothing_in_them(kind: str) -> None:
    layer = {
        "nan": Curve([0, 1], [math.nan, math.inf]),
        "one point": Scatter([3], [5]),
        "nothing": Curve([], []),
    }[kind]
    assert text(Figure(layers=[layer])).count("\n") > 10
    assert picture(Figure(layers=[layer]), "svg").endswith(b"</svg>\n")


# Pictures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes(name: str) -> None:
    for kind in ("svg", "png", "pdf") if name == "contour" else ("svg",):
        assert picture(FIGURES[name], kind) == picture(FIGURES[name], kind)


def test_no_dates_and_no_versions_in_the_bytes() -> None:
    for kind in ("svg", "pdf", "png"):
        content = picture(FIGURES["curve"], kind)
        assert not re.search(rb"20[2-9][0-9]-[01][0-9]|D:20|Matplotlib|matplotlib v", content)


def test_an_svg_says_in_words_what_it_shows() -> None:
    content = picture(FIGURES["curve"], "svg").decode()
    drawn = ET.fromstring(content)
    assert drawn.attrib["width"] == "600pt"  # 800 pixels
    assert drawn.attrib["height"] == "450pt"
    comments = re.findall(r"<!-- (.*?) -->", content)
    assert {"x**3 - x", "x", "f(x)", "f'(x)", "tangent at x = 1"} <= set(comments)
    for colour in QUALITATIVE[:3]:
        assert f"stroke: {colour.lower()}" in content
    assert content.count("stroke-dasharray") >= 2  # the lines differ without colour too


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_png_has_the_size_that_was_asked_for() -> None:
    assert size_of(picture(FIGURES["bars"], "png")) == (1600, 1200)
    assert size_of(picture(FIGURES["bars"], "png", (640, 480))) == (640, 480)
    assert size_of(picture(FIGURES["bars"], "png", (2000, 900))) == (2000, 900)


def test_a_pdf_is_one() -> None:
    assert picture(FIGURES["curve"], "pdf").startswith(b"%PDF-")


def test_a_gap_is_no_line() -> None:
    curve = Figure(layers=[Curve([0, 1, 1, 2], [0, 0, math.nan, 1])])
    content = picture(curve, "svg").decode()
    (path,) = re.findall(r'<path d="([^"]*)" clip-path[^>]*stroke: #0072b2', content)
    assert path.count("M") == 2 or path.count("L") == 1


def test_without_a_home_it_is_silent_and_makes_no_window(tmp_path: File) -> None:
    program = (
        "import sys\n"
        "from autograd_cli.figures import Curve, Figure, picture\n"
        "sys.stdout.buffer.write(picture(Figure(layers=[Curve([0, 1], [0, 1])]), 'svg'))\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'tkinter' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env=environment(HOME="/proc/nowhere", DISPLAY=None, PYTHONHASHSEED="7"),
        check=False,
        timeout=120,
    )
    assert done.stderr == b""
    assert done.returncode == 0
    assert done.stdout == picture(Figure(layers=[Curve([0, 1], [0, 1])]), "svg")


# What is missing ---------------------------------------------------------------------------------


def test_without_plotille_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotille", None)
    with pytest.raises(MissingExtraError) as error:
        text(FIGURES["curve"])
    assert error.value.message == "drawing in the terminal needs plotille, which is not installed"
    assert error.value.hint == 'pip install "autograd-cli[plot]"'


def test_without_matplotlib_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError) as error:
        picture(FIGURES["curve"])
    assert error.value.message == "drawing pictures needs matplotlib, which is not installed"
    assert error.value.hint == 'pip install "autograd-cli[plot]"'


def test_without_contourpy_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "contourpy", None)
    with pytest.raises(MissingExtraError, match="drawing contours needs contourpy"):
        text(FIGURES["contour"])


# Scales ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "kind", "count", "found"),
    [
        ((-2, 2), "linear", 5, [-2, -1, 0, 1, 2]),
        ((0, 1), "linear", 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((0, 0.3), "linear", 3, [0, 0.1, 0.2, 0.3]),
        ((-1e-9, 1e-9), "linear", 4, [-1e-9, -5e-10, 0, 5e-10, 1e-9]),
        ((3e5, 9e5), "linear", 3, [4e5, 6e5, 8e5]),
        ((1e-4, 1), "log", 5, [1e-4, 1e-3, 0.01, 0.1, 1]),
        ((1e-9, 1), "log", 4, [1e-9, 1e-6, 1e-3, 1]),
        ((2, 5), "log", 3, [2, 3, 4, 5]),
    ],
)
def test_ticks_are_round(
    limits: tuple[float, float], kind: str, count: int, found: list[float]
) -> None:
    assert ticks(limits, kind, count) == pytest.approx(found, rel=1e-12, abs=1e-24)


@pytest.mark.parametrize(
    ("number", "among", "found"),
    [
        (0.1 + 0.2, (), "0.3"),
        (2.5, (), "2.5"),
        (100000.0, (), "1e5"),
        (1e-4, (), "1e-4"),
        (0.0, (1e6,), "0"),
        (500.0, (500.0, 200000.0), "5e2"),
        (-1234.0, (), "-1234"),
    ],
)
def test_tick_labels_are_short(number: float, among: tuple[float, ...], found: str) -> None:
    assert label(number, among) == found


def field(function: object, row: list[float] = ROW) -> Field:
    return Field(row, row, [[function(x, y) for x in row] for y in row])  # type: ignore[operator]


def test_levels_are_even_where_the_field_is() -> None:
    assert Values.of(field(lambda x, y: x + y)).levels(8) == [-3, -2, -1, 0, 1, 2, 3]


def test_levels_grow_by_three_in_a_valley() -> None:
    assert Values.of(field(valley)).levels(6) == [10, 30, 100, 300, 1000, 3000]


def test_levels_run_both_ways_around_a_plain() -> None:
    found = Values.of(field(lambda x, y: 1 / (x * y) if x * y else math.nan)).levels(8)
    assert found == sorted(found)
    assert [-level for level in reversed(found)] == pytest.approx(found)


@pytest.mark.parametrize("function", [bowl, valley, lambda x, y: -valley(x, y), lambda x, y: x**9])
def test_colours_and_values_are_inverse_to_each_other(function: object) -> None:
    values = Values.of(field(function))
    for number in range(21):
        assert values.part(values.value(number / 20)) == pytest.approx(number / 20, abs=1e-9)
    low, high = values.limits
    assert (values.part(low), values.part(high)) == (0, 1)


def test_contours_lie_where_the_field_has_their_value() -> None:
    bowl_field = field(bowl)
    for level, lines in contours(bowl_field, Values.of(bowl_field), [0.5, 1, 2]):
        assert lines
        for x, y in (point for line in lines for point in line):
            assert bowl(x, y) == pytest.approx(level, abs=0.01)


HIMMELBLAU = [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)]


def encloses(line: list[tuple[float, float]], place: tuple[float, float]) -> bool:
    """Whether a closed line goes around a place: by its winding number."""
    if line[0] != line[-1]:
        return False
    around = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(line):
        one, other = complex(x0, y0) - complex(*place), complex(x1, y1) - complex(*place)
        around += cmath.phase(other / one)
    return abs(around) > math.pi


def enclosed(function: object, row: list[float], minima: list[tuple[float, float]]) -> set[int]:
    """Which minima have a contour that goes around none of the others."""
    one = field(function, row)
    values = Values.of(one)
    lines = [
        line for _, many in contours(one, values, contour_levels(one, values, 8)) for line in many
    ]
    around = [{n for n, at in enumerate(minima) if encloses(line, at)} for line in lines]
    return {next(iter(found)) for found in around if len(found) == 1}


@pytest.mark.parametrize("count", [61, 151, 301])
def test_contours_show_the_four_minima_of_himmelblau(count: int) -> None:
    row = [10 * number / (count - 1) - 5 for number in range(count)]
    found = enclosed(lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, row, HIMMELBLAU)
    assert found == {0, 1, 2, 3}


@pytest.mark.parametrize("factor", [1e-9, -3.0, 1e12])
def test_contours_show_minima_and_maxima_of_every_size(factor: float) -> None:
    def camel(x: float, y: float) -> float:  # six-hump: two deep minima, and four others
        return factor * ((4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + 4 * (y**2 - 1) * y**2)

    row = [number / 60 - 1.25 for number in range(151)]
    assert enclosed(camel, row, [(0.0898, -0.7126), (-0.0898, 0.7126)]) == {0, 1}


def test_contours_run_along_a_valley() -> None:
    one = field(valley, [number / 75 - 1 for number in range(226)])
    values = Values.of(one)
    levels = contour_levels(one, values, 8)
    assert levels[0] <= 1
    ((_, lines),) = contours(one, values, [next(level for level in levels if level >= 3)])
    along = [x for line in lines for x, y in line if abs(y - x**2) < 0.2]
    assert min(along) < -0.7
    assert max(along) > 1.3


def test_levels_that_show_everything_are_left_as_they_are() -> None:
    for function in (bowl, lambda x, y: x + y, lambda x, y: x**2 - y**2):
        one = field(function)
        values = Values.of(one)
        assert contour_levels(one, values, 8) == values.levels(8)


def test_viridis_is_that_of_matplotlib() -> None:
    import matplotlib

    theirs = matplotlib.colormaps["viridis"]
    for number in range(17):
        expected = tuple(round(255 * part) for part in theirs(number / 16)[:3])
        assert viridis(number / 16) == expected


# Dots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dots", "shape"),
    [
        ("⠀", " "),
        ("⠉", "'"),
        ("⣀", "."),
        ("⠒", "-"),
        ("⡇", "|"),
        ("⢸", "|"),
        ("⣿", "#"),
        ("⡠", "/"),
        ("⠑", "\\"),
        ("⢣", "\\"),
        ("⡜", "/"),
    ],
)
def test_ascii_shapes(dots: str, shape: str) -> None:
    assert ascii_shape(dots) == shape


def rows(raster: Raster) -> list[str]:
    return ["".join(sign for sign, _, _ in row) for row in raster.lines()]


def test_lines_are_clipped_however_far_they_go() -> None:
    raster = Raster(3, 1)
    raster.curve([(-1e12, 1.0), (1e12, 1.0)], None)
    assert rows(raster) == ["⠤⠤⠤"]


def test_a_gap_interrupts_a_line() -> None:
    raster = Raster(3, 1)
    raster.curve([(0.0, 0.0), (1.0, 0.0), (math.nan, 0.0), (4.0, 0.0), (5.0, 0.0)], None)
    assert rows(raster) == ["⣀⠀⣀".replace("⠀", " ")]


def test_the_front_hides_the_back() -> None:
    raster = Raster(2, 1)
    raster.curve([(0.0, 2.0), (3.0, 2.0)], None)
    raster.fill([(0.0, 0.0), (3.0, 0.0), (3.0, 3.0), (0.0, 3.0)], None)
    assert rows(raster) == ["  "]


@pytest.mark.parametrize(("curves", "beside"), [(3, False), (12, True)])
def test_a_legend_of_many_rows_stands_beside_the_curves(
    curves: int, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    found: list[bool] = []

    def look(canvas: object, out: object, **options: object) -> None:
        canvas.canvas.draw()  # type: ignore[attr-defined]
        (axes,) = canvas.axes  # type: ignore[attr-defined]
        legend = axes.get_legend().get_window_extent()
        found.append(legend.x0 >= axes.get_window_extent().x1)

    monkeypatch.setattr(matplotlib.Figure, "savefig", look)
    layers = [Curve([0, 1], [0, one], label=f"rate {one}") for one in range(curves)]
    picture(Figure(layers=layers), "png")
    assert found == [beside]
