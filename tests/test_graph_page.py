"""The HTML page of `agx graph` in a real browser: silent, self-contained, right, usable."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Page, chromium
from cli_runner import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    with chromium(folder / "profile") as opened:
        yield opened


@pytest.fixture
def square(page: Page, folder: Path) -> Page:
    return opened(page, folder, "x**2+2*x*y+y**2", "--at", "x=2,y=3")


def opened(page: Page, folder: Path, *words: str) -> Page:
    file = folder / "graph.html"
    assert run("graph", *words, "-o", str(file)).code == 0
    page.complaints.clear()
    page.requests.clear()
    page.open(file)
    return page


def text(page: Page, selector: str) -> Any:
    return page.evaluate(f"document.querySelector({selector!r}).textContent")


def click(page: Page, name: str) -> None:
    page.evaluate(f"document.getElementById({name!r}).click()")


def focused(page: Page) -> Any:
    return page.evaluate("document.activeElement.dataset.id || document.activeElement.id")


def test_it_loads_in_silence_and_asks_for_nothing(square: Page) -> None:
    click(square, "first")
    click(square, "next")
    assert square.complaints == []
    assert [url for url in square.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in square.requests if url.startswith("file:")]) == 1


def test_the_steps_are_torchs_with_the_right_numbers(square: Page) -> None:
    click(square, "first")
    assert text(square, "#status").startswith("Nothing is computed yet")
    told = []
    while not square.evaluate("document.getElementById('next').disabled"):
        click(square, "next")
        told.append(text(square, "#status"))
    assert told == [
        "Forward 1 of 8: n1 x has the value 2.",
        "Forward 2 of 8: n2 x**2 has the value 4.",
        "Forward 3 of 8: n3 2*x has the value 4.",
        "Forward 4 of 8: n4 y has the value 3.",
        "Forward 5 of 8: n5 2*x*y has the value 12.",
        "Forward 6 of 8: n6 x**2+2*x*y has the value 16.",
        "Forward 7 of 8: n7 y**2 has the value 9.",
        "Forward 8 of 8: n8 x**2+2*x*y+y**2 has the value 25.",
        "Backward 1 of 6: AddBackward0 n8 x**2+2*x*y+y**2 has the gradient 1."
        " It sends 1 to n6. It sends 1 to n7.",
        "Backward 2 of 6: PowBackward0 n7 y**2 has the gradient 1. It sends 6 to n4.",
        "Backward 3 of 6: AddBackward0 n6 x**2+2*x*y has the gradient 1."
        " It sends 1 to n2. It sends 1 to n5.",
        "Backward 4 of 6: MulBackward0 n5 2*x*y has the gradient 1."
        " It sends 3 to n3. It sends 4 to n4, which makes 10 there.",
        "Backward 5 of 6: MulBackward0 n3 2*x has the gradient 3. It sends 6 to n1.",
        "Backward 6 of 6: PowBackward0 n2 x**2 has the gradient 1."
        " It sends 4 to n1, which makes 10 there."
        " This was the last step: the gradients are complete.",
    ]


def test_a_gradient_grows_as_contributions_arrive(square: Page) -> None:
    click(square, "first")
    hidden = "getComputedStyle(document.querySelector('#box-n4 .gradient')).visibility"
    for _ in range(9):
        click(square, "next")
    assert square.evaluate(hidden) == "hidden"
    click(square, "next")
    assert square.evaluate(hidden) == "visible"
    assert text(square, "#box-n4 .gradient") == "gradient 6"
    click(square, "next")
    click(square, "next")
    assert text(square, "#box-n4 .gradient") == "gradient 10"
    click(square, "back")
    assert text(square, "#box-n4 .gradient") == "gradient 6"
    click(square, "end")
    assert text(square, "#box-n1 .gradient") == "gradient 10"


def test_pointing_at_a_node_marks_its_text_and_tells_everything(square: Page) -> None:
    square.evaluate("document.getElementById('box-n3').dispatchEvent(new Event('mouseenter'))")
    assert text(square, "#expression mark") == "2*x"
    assert text(square, "#expression") == "x**2+2*x*y+y**2"
    facts = text(square, "#facts")
    for part in ("MulBackward0", "value4", "gradient3", "n5 2*x*y: local 3, sends 3", "sends 6"):
        assert part in facts
    square.evaluate("document.getElementById('box-n3').dispatchEvent(new Event('mouseleave'))")
    assert square.evaluate("document.querySelector('#expression mark')") is None


def test_the_keyboard_goes_everywhere(square: Page) -> None:
    square.evaluate("document.getElementById('step').focus()")
    square.press("Tab")
    assert focused(square) == "n8"
    square.press("ArrowDown")
    assert focused(square) == "n6"
    assert text(square, "#expression mark") == "x**2+2*x*y"
    square.press("ArrowUp")
    square.press("ArrowLeft")
    assert focused(square) == "n7"
    square.press("End")
    assert focused(square) == "n1"
    square.press("Enter", "\r")
    assert square.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    square.press("Home")
    assert focused(square) == "n8"
    square.press("p", "p")
    assert text(square, "#status").startswith("Backward 5 of 6")


def test_a_screen_reader_is_told_names_and_roles(square: Page) -> None:
    nodes = square.call("Accessibility.getFullAXTree")["nodes"]
    found = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    }
    assert ("button", "n3: MulBackward0, 2*x, value 4, gradient 3") in found
    assert ("slider", "Step") in found
    assert ("button", "Play") in found
    roles = {role for role, _ in found}
    assert {"heading", "status", "main"} <= roles
    live = square.evaluate("document.getElementById('status').getAttribute('aria-live')")
    assert live == "polite"


def test_it_plays(square: Page) -> None:
    square.evaluate("document.getElementById('play').click()")
    assert text(square, "#play") == "Pause"
    assert text(square, "#status").startswith("Nothing is computed yet")
    square.evaluate("new Promise(done => setTimeout(done, 1200))")
    assert text(square, "#status").startswith("Forward 1 of 8")
    click(square, "play")
    assert text(square, "#play") == "Play"


def test_light_and_dark_have_enough_contrast(square: Page) -> None:
    found = {}
    for scheme in ("light", "dark"):
        square.prefer(scheme)
        square.evaluate("new Promise(done => setTimeout(done, 400))")  # colours change slowly
        found[scheme] = square.evaluate(
            "(() => { const of = (e, n) => getComputedStyle(document.querySelector(e))[n];"
            "return [of('body', 'backgroundColor'), of('body', 'color'),"
            " of('.operation rect', 'fill'), of('.operation .head', 'fill')] })()"
        )
    square.prefer("")
    assert found["light"] != found["dark"]
    for colours in found.values():
        assert contrast(colours[0], colours[1]) > 7
        assert contrast(colours[2], colours[3]) > 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours written as `rgb(1, 2, 3)`."""
    lights = sorted(map(_luminance, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "words",
    [
        ("u = x<3; where(u, x*2, x)",),
        ("+".join(["x"] * 500),),
        ("exp(-x**2)", "--order", "2"),
        ("sum(softplus(A@v))*x", "--at", "A=randn(3,3),v=[1,2,3],x=2"),
        ("x*detach(x)*2", "--saved"),
        ("x", "--raw"),
    ],
    ids=["markup", "folded", "second", "vectors", "cut", "raw"],
)
def test_other_graphs_are_silent_as_well(page: Page, folder: Path, words: tuple[str, ...]) -> None:
    opened(page, folder, words[0], *([] if "--at" in words else ["--at", "x=2"]), *words[1:])
    click(page, "first")
    while not page.evaluate("document.getElementById('next').disabled"):
        click(page, "next")
    assert page.complaints == []
    assert text(page, "#expression") == words[0]
    assert page.evaluate("document.title").startswith("The autograd graph of")


# Large graphs and small windows -----------------------------------------------------------------


def large(count: int) -> str:
    """Steps that take random earlier ones, so that nothing folds."""
    choose = random.Random(1)
    names, steps = ["x", "y"], []
    for number in range(count):
        one, other = choose.choices(names[-20:], k=2)
        function = choose.choice(("sin", "cos", "tanh", "atan"))
        steps.append(f"u{number} = {function}({one}*{other})")
        names.append(f"u{number}")
    return "; ".join([*steps, "+".join(names)])


@pytest.fixture(scope="module")
def crowd(page: Page, folder: Path) -> Iterator[Page]:
    resize(page, 1400, 900)
    yield opened(page, folder, large(170), "--at", "x=2,y=3")
    page.call("Emulation.clearDeviceMetricsOverride")


def resize(page: Page, width: int, height: int, *, mobile: bool = False) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    page.call("Emulation.setDeviceMetricsOverride", **size)


def test_of_a_large_graph_only_the_drawing_scrolls(crowd: Page) -> None:
    """The expression, the controls and the details stay in sight."""
    assert crowd.complaints == []
    assert crowd.evaluate("document.querySelectorAll('.graph .box.operation').length") > 500
    assert crowd.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert crowd.evaluate(f"{PANE}.scrollHeight > 3 * {PANE}.clientHeight")
    click(crowd, "end")
    for _ in range(3):
        click(crowd, "back")
    inside = (
        "((a, b) => a.top >= b.top && a.bottom <= b.bottom && a.left >= b.left)"
        "(document.querySelector('.box.now').getBoundingClientRect(), {}.getBoundingClientRect())"
    )
    assert crowd.evaluate(inside.format(PANE))
    assert crowd.evaluate(inside.replace(".box.now", "#expression mark").format(EXPRESSION))
    shown = crowd.evaluate("document.querySelector('.box.now').dataset.id")
    assert text(crowd, "#facts h2").startswith(f"{shown} ")


PANE = "document.getElementById('drawing')"
EXPRESSION = "document.getElementById('expression')"


def test_it_zooms_and_is_dragged(crowd: Page) -> None:
    width = "document.querySelector('.graph').getBoundingClientRect().width"
    whole = crowd.evaluate(width)
    click(crowd, "larger")
    assert crowd.evaluate(width) == pytest.approx(1.25 * whole, rel=1e-3)
    click(crowd, "smaller")
    assert crowd.evaluate(width) == pytest.approx(whole, rel=1e-3)
    click(crowd, "fit")
    assert crowd.evaluate(f"{width} <= {PANE}.clientWidth")
    click(crowd, "fit")
    place = crowd.evaluate(f"{PANE}.scrollLeft = 300")
    for kind, x in (("Pressed", 300), ("Moved", 260), ("Released", 260)):
        where = {"x": x, "y": 500, "button": "left", "clickCount": 1}
        crowd.call("Input.dispatchMouseEvent", type=f"mouse{kind}", **where)
    assert crowd.evaluate(f"{PANE}.scrollLeft") == place + 40


def test_a_phone_shows_all(square: Page) -> None:
    resize(square, 390, 800, mobile=True)
    click(square, "back")
    assert square.evaluate("document.documentElement.scrollWidth") == 390
    details = "document.getElementById('details').getBoundingClientRect()"
    assert square.evaluate(f"{details}.bottom") == 800
    assert text(square, "#facts h2") == "n3 MulBackward0"
    square.call("Emulation.clearDeviceMetricsOverride")
