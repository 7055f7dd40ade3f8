"""Letters that the usual font has not: those of another font of the machine, or a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import run

pytest.importorskip("matplotlib")

from autograd_cli.figures import Curve, Figure, fonts, picture

ARC = "\u2312"  # DejaVu Sans has none; DejaVu Sans Mono, which comes with matplotlib too, has


def drawn(title: str) -> tuple[bytes, list[str]]:
    told: list[str] = []
    figure = Figure(layers=[Curve([0, 1], [0, 1])], title=title)
    return picture(figure, "png", lacking=told.append), told


def test_another_font_of_the_machine_has_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    found, told = drawn(f"x {ARC} y")
    assert told == []
    monkeypatch.setattr(fonts, "having", lambda wanted: [])
    boxes, told = drawn(f"x {ARC} y")
    assert told == [ARC]
    assert boxes != found


def test_no_other_font_is_looked_for_where_none_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "having", lambda wanted: pytest.fail("it was asked"))
    _, told = drawn("∂f/∂x θ λ²")
    assert told == []


def test_the_font_of_boxes_has_no_letters() -> None:
    """matplotlib brings one that has a box for every code point there is."""
    unassigned = 0x0378
    assert fonts.having([unassigned]) == []


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_what_no_font_has_is_said(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "having", lambda wanted: [])
    file = tmp_path / f"figure.{ending}"
    done = run("plot", "温度**2", "--grid", "温度=0:2", "-o", str(file))
    assert done.code == 0
    assert file.stat().st_size > 1000
    assert done.err == (
        "warning: no font here has 度温: boxes stand for them (fonts-noto-cjk has Chinese,"
        " Japanese and Korean)\n"
    )
