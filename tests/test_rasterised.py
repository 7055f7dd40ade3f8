"""SVG as renderers see it that are no browsers: resvg draws every kind that agx writes, and pixels
are looked at."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.image
import numpy
import pytest
import resvg_py
from cli_runner import run

from autograd_cli.render.graph.svg import BOXES, LIGHT

SVG = "{http://www.w3.org/2000/svg}"
DOCS = Path(__file__).parent.parent / "docs"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # DejaVu, wherever this runs
CLOSE = 3 / 255  # of a channel: what blending may change in the middle of a surface


def rasterised(svg: str) -> Any:
    """Red, green and blue from 0 to 1, shape (rows, columns, 3), one for each unit of the SVG."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg, dpi=96.0, background="#ff00ff", font_dirs=[str(FONTS)]
    )
    return matplotlib.image.imread(io.BytesIO(png))[:, :, :3]


def colour(name: str) -> Any:
    text = LIGHT[name]
    return numpy.array([int(text[place : place + 2], 16) / 255 for place in (1, 3, 5)])


def is_near(pixels: Any, name: str, close: float = CLOSE) -> Any:
    return numpy.abs(pixels - colour(name)).max(-1) <= close


GRAPHS = {
    "operations": ["u = x**2; sin(u)*exp(-u/2) + y", "--at", "x=1,y=2"],
    "cut": ["detach(x)*x", "--at", "x=2"],
    "second order": ["x**3", "--at", "x=2", "--order", "2"],
    "run": [("tanh(" * 40) + "x" + ")" * 40, "--at", "x=2", "--max-nodes", "12"],
    "matrix": ["sum(relu(A@v))", "--at", "A=[[1,2],[3,4]],v=[1,-1]"],
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_has_its_colours_without_a_browser(name: str) -> None:
    text = run("graph", *GRAPHS[name], "-f", "svg").out
    assert "var(" not in text
    pixels = rasterised(text)
    assert is_near(pixels[1, 1], "page")
    assert is_near(pixels, "page").mean() > 0.3
    root = ET.fromstring(text)
    seen = set()
    for group in root.iter(f"{SVG}g"):
        words = group.get("class", "").split()
        if words[:1] == ["box"]:
            seen.add(words[1])
            _box(pixels, group, BOXES[words[1]].fill, BOXES[words[1]].text)
        elif words[:1] == ["arrow"]:
            _arrow(pixels, group)
    assert len(seen) > 1


def _box(pixels: Any, group: ET.Element, fill: str, text: str) -> None:
    """Its ground, and its letters: dark on light."""
    rect = group.find(f"{SVG}rect")
    assert rect is not None
    x, y, width, height = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
    inside = pixels[round(y + 3) : round(y + height - 3), round(x + 3) : round(x + width - 3)]
    assert is_near(inside, "page" if fill == "none" else fill).mean() > 0.5
    # A letter is thin, so that its darkest pixels are nearly its colour.
    assert is_near(inside, text, 0.25).sum() >= len(group.findall(f"{SVG}text"))
    assert inside.sum(-1).min() < 1.5


def _arrow(pixels: Any, group: ET.Element) -> None:
    """Something of the line is seen where it begins."""
    path = group.find(f"{SVG}path")
    assert path is not None
    numbers = [float(one) for one in re.findall(r"-?[0-9.]+", path.get("d", ""))]
    (x0, y0), (x1, y1) = numbers[:2], numbers[-2:]
    low, high = sorted((round(y0), round(y1)))
    left, right = sorted((round(x0), round(x1)))
    around = pixels[low - 2 : high + 3, left - 3 : right + 4]
    assert is_near(around, "line", 0.3).sum() > 3


def test_the_dark_is_an_addition_for_those_who_prefer_it() -> None:
    text = run("graph", *GRAPHS["operations"], "-f", "svg").out
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style.startswith("@media (prefers-color-scheme: dark) {")
    assert style.count("{") == style.count("}")
    assert "var(" not in style


PLOTS = {
    "curve": ["x**3 - x", "--grid", "x=-2:2", "--at", "x=1"],
    "contour": ["x**2 + y**2", "--grid", "x=-2:2,y=-2:2"],
    "heatmap": ["x**2 + y**2", "--grid", "x=-2:2,y=-2:2", "--kind", "heatmap"],
    "surface": ["x**2 - y**2", "--grid", "x=-2:2,y=-2:2", "--kind", "surface"],
    "gradient": ["x**2 - y**2", "--grid", "x=-2:2,y=-2:2", "--kind", "gradient"],
}


def _is_a_plot(pixels: Any) -> None:
    """White at its corners, with dark letters and with colours."""
    assert (pixels[[1, 1, -2, -2], [1, -2, 1, -2]] > 0.99).all()
    assert (pixels.min(-1) > 0.9).mean() > 0.2
    assert (pixels.max(-1) < 0.3).sum() > 100
    assert ((pixels.max(-1) - pixels.min(-1)) > 0.3).sum() > 300


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_without_a_browser(name: str, tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"
    assert run("plot", *PLOTS[name], "-o", str(file)).code == 0
    _is_a_plot(rasterised(file.read_text(encoding="utf-8")))


def test_the_plot_of_a_fit_without_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "fit.svg"
    run("fit", "quadratic", "--plot", str(file))
    _is_a_plot(rasterised(file.read_text(encoding="utf-8")))


def test_the_figures_of_a_lesson_without_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "lesson.html"
    assert run("lesson", "linear-regression", "--export", str(file)).code == 0
    found = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", file.read_text(encoding="utf-8"))
    assert found
    for data in found:
        _is_a_plot(rasterised(base64.b64decode(data).decode()))


@pytest.mark.parametrize("file", sorted(DOCS.glob("*.svg")), ids=lambda file: file.name)
def test_the_pictures_of_the_readme_without_a_browser(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "url(" not in text.replace("url(#", "")  # nothing is loaded
    pixels = rasterised(text)
    ground = pixels[pixels.shape[0] // 2, 3] if "agx-grad" in text else numpy.ones(3)
    away = numpy.abs(pixels - ground).max(-1) > 0.3
    assert 0.02 < away.mean() < 0.5  # letters and lines
