"""A figure on a terminal keeps to its height: nothing scrolls away; it grows with the window."""

from __future__ import annotations

import pytest

pytest.importorskip("plotille")
pytest.importorskip("pty")

from terminals import Terminal
from test_figures import FIGURES

from autograd_cli.figures import Figure, text

PLOTS = {
    "curve": ("plot", "sin(x)/x", "--grid", "x=-10:10"),
    "contours": ("plot", "x**2+y**2", "--grid", "x=-2:2,y=-2:2"),
}


@pytest.mark.parametrize("height", [16, 23, 40, 59])
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_has_at_most_so_many_lines(figure: Figure, width: int, height: int) -> None:
    lines = text(figure, width, height=height).splitlines()
    assert len(lines) <= height


@pytest.mark.parametrize("plot", PLOTS)
def test_a_plot_is_seen_whole_and_grows_with_the_window(plot: str) -> None:
    lines = []
    for height in (24, 60):
        terminal = Terminal(*PLOTS[plot], height=height, width=120, NO_COLOR="1")
        code, shown, _ = terminal.end()
        assert code == 0
        lines.append(shown.count("\n"))
        assert lines[-1] < height  # and the prompt comes below
        assert PLOTS[plot][1] in shown
    assert lines[1] > 1.5 * lines[0]
