"""`agx plot` as a command: what it draws, its numbers, its errors to the letter."""

from __future__ import annotations

import json
import math
import re
import struct
import sys
from pathlib import Path

import pytest
from cli_runner import Outcome, agx, run

from autograd_cli.language.descent_path import read_paths

pytest.importorskip("matplotlib")
pytest.importorskip("plotille")

ROSENBROCK = "(1-x)**2 + 100*(y-x**2)**2"
STEPS = [(-1.2, 1.0, 24.2), (0.0, 0.1, 2.0), (1.0, 1.0, 0.0)]


def ok(outcome: Outcome) -> str:
    assert outcome.err == ""
    assert outcome.code == 0
    return outcome.out


def drawn(*words: str, **console: object) -> str:
    return ok(run("plot", *words, **console))  # type: ignore[arg-type]


def svg(tmp_path: Path, *words: str) -> str:
    file = tmp_path / "plot.svg"
    assert drawn(*words, "-o", str(file)) == ""
    return file.read_text(encoding="utf-8")


def said(content: str) -> list[str]:
    """The texts of a picture."""
    return re.findall(r"<!-- (.*?) -->", content)


def run_file(tmp_path: Path, **extra: object) -> str:
    """A file of a descent as `agx fit --format ndjson` writes it."""
    file = tmp_path / "run.ndjson"
    head = {"schema": "agx/1", "command": "fit"}
    lines = [
        json.dumps({**head, "step": n, "loss": loss, "parameters": {"x": x, "y": y}, **extra})
        for n, (x, y, loss) in enumerate(STEPS)
    ]
    lines += [json.dumps({**head, "parameters": {"x": 1, "y": 1}, "steps": 2, "converged": True})]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


# Curves ------------------------------------------------------------------------------------------


def test_a_curve_with_its_derivative() -> None:
    out = drawn("x**2", "--grid", "x=-2:2")
    assert out.splitlines()[0].strip() == "x**2"
    assert out.splitlines()[-1] == "  ─── f(x)   ╌╌╌ f'(x)"
    assert len(out.splitlines()) < 24


def test_on_a_terminal_it_has_colours_and_room_around_it() -> None:
    out = drawn("x**2", "--grid", "x=-2:2", "--color", "always", terminal=True)
    assert out.startswith("\n")
    assert out.endswith("\n\n")
    assert "\x1b[38;5;32m" in out
    plain = drawn("x**2", "--grid", "x=-2:2")
    assert re.sub(r"\x1b\[[0-9;]*m", "", out) == f"\n{plain}\n"


def test_a_terminal_without_colours_and_without_unicode() -> None:
    words = ("x**2", "--grid", "x=-2:2")
    assert "\x1b" not in drawn(*words, terminal=True, environ={"NO_COLOR": "1"})
    assert drawn(*words, unicode=False).isascii()


def test_the_tangent_and_the_values_of_other_variables(tmp_path: Path) -> None:
    content = svg(tmp_path, "a*x**2", "--at", "x=1,a=3", "--grid", "x=-2:2")
    assert {"a*x**2  (a = 3)", "tangent at x = 1, slope 6"} <= set(said(content))


def test_orders(tmp_path: Path) -> None:
    texts = said(svg(tmp_path, "x**3", "--grid", "x=-2:2", "--order", "2"))
    assert {"f(x)", "f'(x)", "f''(x)"} <= set(texts)
    assert "f'(x)" not in drawn("x**3", "--grid", "x=-2:2", "--order", "0")


def test_a_list_is_several_curves_without_their_derivatives() -> None:
    out = drawn("[sin(x), cos(x)]", "--grid", "x=-pi:pi")
    assert out.splitlines()[-1] == "  ─── sin(x)   ╌╌╌ cos(x)"


def test_a_list_with_its_derivatives(tmp_path: Path) -> None:
    texts = said(svg(tmp_path, "[sin(x), x**2]", "--grid", "x=0:1", "--order", "1"))
    assert {"sin(x)", "d/dx sin(x)", "x**2", "d/dx x**2"} <= set(texts)


def test_no_line_is_drawn_through_a_pole(tmp_path: Path) -> None:
    content = svg(tmp_path, "tan(x)", "--grid", "x=-5:5", "--order", "0")
    (path,) = re.findall(r'<path d="([^"]*)" clip-path[^>]*stroke: #0072b2', content)
    assert path.count("M") == 5  # four poles between five branches
    assert max(float(text) for text in said(content) if text.isdecimal()) < 100


# What jumps: on its own steps it is level, so that any steep line is one that joins two of them.
LEVEL = ("floor(x)", "sign(x)", "round(x)", "ceil(x)", "where(x<1, 0, 2)", "floor(2*x)/2")


@pytest.mark.parametrize("text", LEVEL)
@pytest.mark.parametrize("grid", ["-2:3", "-5:5", "-1:4", "-5:5:11", "-2.2:3.1:7", "-3:3:6001"])
def test_the_sides_of_a_jump_are_not_joined_in_a_picture(
    text: str, grid: str, tmp_path: Path
) -> None:
    content = svg(tmp_path, text, "--grid", f"x={grid}", "--order", "0")
    path = re.findall(r'<path d="([^"]*)" clip-path[^>]*stroke: #0072b2', content)[0]
    lines = re.findall(r"[ML] (\S+) (\S+)", path)
    signs = re.findall(r"[ML]", path)
    assert signs.count("M") > 1
    for (sign, (_, y1)), (_, y0) in zip(
        zip(signs[1:], lines[1:], strict=True), lines, strict=False
    ):
        assert sign == "M" or abs(float(y1) - float(y0)) < 1


@pytest.mark.parametrize("text", LEVEL)
@pytest.mark.parametrize("grid", ["-2:3", "-5:5", "-1:4", "-5:5:11", "-2.2:3.1:7", "-3:3:6001"])
def test_the_sides_of_a_jump_are_not_joined_in_characters(text: str, grid: str) -> None:
    out = drawn(text, "--grid", f"x={grid}", "--order", "0")
    braille = [ord(sign) - 0x2800 for sign in out if 0x2800 <= ord(sign) < 0x2900]
    assert braille
    for bits in braille:  # a vertical line has at least three dots in one of its columns
        assert (bits & 0b01000111).bit_count() < 3
        assert (bits & 0b10111000).bit_count() < 3


def test_a_value_at_a_jump_is_a_point(tmp_path: Path) -> None:
    step = svg(tmp_path, "sign(x)", "--grid", "x=-1:1", "--order", "0")
    smooth = svg(tmp_path, "2*x", "--grid", "x=-1:1", "--order", "0")
    assert step.count("fill: #0072b2") == smooth.count("fill: #0072b2") + 1


def test_a_title_of_ones_own() -> None:
    out = drawn("x**2", "--grid", "x=-2:2", "--title", "A parabola")
    assert out.splitlines()[0].strip() == "A parabola"


def test_logarithmic_axes() -> None:
    out = drawn("x**-2", "--grid", "x=0.01:100", "--log-x", "--log-y", "--order", "0")
    assert re.search(r"0\.01 +0\.1 +1 +10 +100", out)
    assert "10000 ┤" in out
    assert "1e-4" in out


def test_a_chosen_axis_is_said() -> None:
    found = run("plot", "x**2")
    assert (found.code, found.err) == (0, "note: no --grid, so x=-5:5\n")
    assert run("plot", "x**2", "--at", "x=100").err == "note: no --grid, so x=95:105\n"
    assert run("plot", "a*x", "--at", "a=2").err == "note: no --grid, so x=-5:5\n"
    assert run("plot", "x*y").err == "note: no --grid, so x=-5:5, y=-5:5\n"


def test_an_axis_may_run_backwards() -> None:
    assert drawn("x**3", "--grid", "x=2:-2") == drawn("x**3", "--grid", "x=-2:2")


# Two variables -----------------------------------------------------------------------------------


def test_contours_with_the_gradient() -> None:
    out = drawn("x**2+y**2", "--grid", "x=-2:2,y=-2:2")
    assert out.splitlines()[-1] == "  → direction of the gradient"
    upper, lower = out.splitlines()[3:10], out.splitlines()[-11:-4]
    assert not any(sign in line for line in upper for sign in "↓↘↙")  # it points outwards
    assert not any(sign in line for line in lower for sign in "↑↗↖")


@pytest.mark.parametrize("kind", ["contour", "heatmap", "surface", "gradient"])
def test_every_kind_in_every_form(kind: str, tmp_path: Path) -> None:
    words = ("sin(x)*cos(y)", "--grid", "x=-3:3:41,y=-2:2:41", "--kind", kind)
    assert len(drawn(*words).splitlines()) > 10
    assert drawn(*words, unicode=False).isascii()
    assert "sin(x)*cos(y)" in said(svg(tmp_path, *words))


def test_the_path_of_a_descent(tmp_path: Path) -> None:
    words = (ROSENBROCK, "--grid", "x=-2:2,y=-1:3", "--path", run_file(tmp_path))
    for kind in ((), ("--kind", "heatmap"), ("--kind", "surface"), ("--kind", "gradient")):
        out = drawn(*words, *kind)
        assert "○─✕ descent" in out
        assert out.count("○") == 2  # its start, and in the legend
        assert out.count("✕") == 2
    assert "descent" in said(svg(tmp_path, *words))


def test_the_path_from_a_pipe_and_of_several_optimizers(tmp_path: Path) -> None:
    text = Path(run_file(tmp_path, optimizer="adam")).read_text(encoding="utf-8")
    text += Path(run_file(tmp_path, optimizer="gd")).read_text(encoding="utf-8")
    out = drawn(ROSENBROCK, "--grid", "x=-2:2,y=-1:3", "--path", "-", stdin=text)
    assert "○─✕ adam   ○─✕ gd" in out


def test_a_path_of_one_variable_runs_along_the_curve(tmp_path: Path) -> None:
    out = drawn("x**2", "--grid", "x=-2:2", "--path", run_file(tmp_path))
    assert "○─✕ descent" in out


def test_paths_are_read_as_they_were_written(tmp_path: Path) -> None:
    with Path(run_file(tmp_path)).open(encoding="utf-8") as lines:
        (path,) = read_paths(lines, ["y", "x"], "here")
    assert [list(row) for row in path.places] == [[1.0, 0.1, 1.0], [-1.2, 0.0, 1.0]]
    assert path.losses == [24.2, 2.0, 0.0]
    lines = ['{"step": 0, "loss": "NaN", "parameters": {"x": "Infinity"}}']
    (diverged,) = read_paths(lines, ["x"], "here")
    assert math.isnan(diverged.places[0][0])
    assert math.isnan(diverged.losses[0])


def frame_of(content: str) -> tuple[float, float]:
    """The width and the height of the axes in an SVG."""
    numbers = re.search(r'id="axes_1">.*?<path d="([^"]*)"', content, re.DOTALL)
    assert numbers
    corners = [tuple(map(float, one)) for one in re.findall(r"[ML] (\S+) (\S+)", numbers[1])]
    xs, ys = zip(*corners, strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)


SKEWED = "the axes have scales of their own: angles are not true"


@pytest.mark.parametrize("kind", ["contour", "gradient", "heatmap", ""])
@pytest.mark.parametrize(
    ("grid", "ratio"),
    [("x=-2:2,y=-2:2", 1), ("x=-5:5,y=-1:1", 0.2), ("x=0:1,y=0:6", 6), ("x=3:4,y=-1:1", 2)],
)
def test_a_plane_is_drawn_to_one_scale(kind: str, grid: str, ratio: float, tmp_path: Path) -> None:
    content = svg(tmp_path, "x**2+10*y**2", "--grid", grid, *(("--kind", kind) if kind else ()))
    width, height = frame_of(content)
    assert height / width == pytest.approx(ratio, rel=1e-3)
    assert SKEWED not in said(content)


@pytest.mark.parametrize("grid", ["x=-1e6:1e6,y=-1:1", "x=0:1,y=0:1000"])
def test_where_one_scale_would_hide_an_axis_it_says_that_angles_are_not_true(
    grid: str, tmp_path: Path
) -> None:
    words = ("x**2+y**2", "--grid", grid)
    assert SKEWED in " ".join(said(svg(tmp_path, *words)))
    assert drawn(*words).splitlines()[-1].strip() == SKEWED
    assert SKEWED not in drawn(*words, "--kind", "heatmap")  # no angle is seen there


def test_arrows_say_what_they_are(tmp_path: Path) -> None:
    words = ("x**2+y**2", "--grid", "x=-2:2,y=-2:2")
    assert "direction of the gradient" in said(svg(tmp_path, *words))
    alone = said(svg(tmp_path, *words, "--kind", "gradient"))
    assert {"direction of the gradient", "size of the gradient"} <= set(alone)
    assert "direction of the gradient" in drawn(*words, "--kind", "gradient")
    coloured = drawn(*words, "--kind", "gradient", "--color", "always", terminal=True)
    assert "size of the gradient" in coloured
    assert "direction of the gradient" in coloured


def test_a_logarithmic_scale_of_colours_says_so(tmp_path: Path) -> None:
    valley = (ROSENBROCK, "--grid", "x=-2:2,y=-1:3", "--kind", "heatmap")
    assert "logarithmic" in said(svg(tmp_path, *valley))
    assert "logarithmic" in drawn(*valley)
    even = ("x+y", "--grid", "x=-2:2,y=-1:3", "--kind", "heatmap")
    assert "logarithmic" not in said(svg(tmp_path, *even))
    assert "logarithmic" not in drawn(*even)


@pytest.mark.parametrize("text", ["abs(x)", "max(x, 0)", "floor(x)", "where(x<0, x, 3*x)"])
def test_there_is_no_tangent_at_a_kink(text: str, tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"
    done = run("plot", text, "--grid", "x=-2:2", "--at", "x=0", "-o", str(file))
    assert done.code == 0
    assert done.err.startswith("warning: no tangent at x = 0: a ")
    assert "convention" in done.err
    texts = said(file.read_text(encoding="utf-8"))
    assert "no tangent at x = 0" in texts
    assert not any("slope" in one for one in texts)


@pytest.mark.parametrize("text", ["abs(x)*x", "max(x, 0)**2", "tanh(100*x)"])
def test_there_is_one_where_it_is_smooth(text: str) -> None:
    assert "tangent at x = 0, slope" in drawn(text, "--grid", "x=-2:2", "--at", "x=0")


# Numbers and files -------------------------------------------------------------------------------


def test_json_has_the_numbers() -> None:
    content = json.loads(drawn("a*x**2", "--at", "a=2", "--grid", "x=0:1:3", "--json"))
    points = content.pop("points")
    assert content == {
        "schema": "agx/1",
        "command": "plot",
        "expression": "a*x**2",
        "at": {"a": 2.0},
        "dtype": "float64",
        "device": "cpu",
        "value": None,
        "warnings": [],
    }
    assert points == [
        {"at": {"x": x}, "value": 2 * x * x, "gradient": {"x": 4 * x}, "warnings": []}
        for x in (0.0, 0.5, 1.0)
    ]


def test_csv_has_the_numbers() -> None:
    assert drawn("x*y", "--grid", "x=0:1:2,y=1:2:2", "-f", "csv").splitlines() == [
        "x,y,value,d_x,d_y",
        "0.0,1.0,0.0,1.0,0.0",
        "0.0,2.0,0.0,2.0,0.0",
        "1.0,1.0,1.0,1.0,1.0",
        "1.0,2.0,2.0,2.0,1.0",
    ]
    assert drawn("[x, 2*x]", "--grid", "x=0:1:2", "-f", "csv").splitlines() == [
        "x,value[0],value[1]",
        "0.0,0.0,0.0",
        "1.0,1.0,2.0",
    ]
    assert drawn("x>0", "--grid", "x=0:1:2", "--order", "0", "-f", "csv").endswith("1.0,true\n")


def test_without_a_count_the_numbers_are_those_of_the_picture() -> None:
    assert len(drawn("x", "--grid", "x=0:1", "-f", "ndjson").splitlines()) == 1001


def test_a_png_has_the_size_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "plot.png"
    drawn("x**2", "--grid", "x=-1:1", "-o", str(file), "--size", "640x480")
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (640, 480)


def test_a_picture_into_a_pipe() -> None:
    done = agx("plot", "x**2", "--grid", "x=-1:1", "--format", "svg")
    assert done.stderr == ""
    assert done.stdout.startswith("<?xml")
    assert done.stdout.endswith("</svg>\n")


def test_text_into_a_file(tmp_path: Path) -> None:
    file = tmp_path / "plot.txt"
    drawn("x**2", "--grid", "x=-1:1", "-o", str(file))
    assert file.read_text(encoding="utf-8") == drawn("x**2", "--grid", "x=-1:1")


def test_the_old_picture_stands_where_the_new_one_fails(tmp_path: Path) -> None:
    file = tmp_path / "plot.png"
    file.write_bytes(b"old")
    assert run("plot", "sqrt(-1-x**2)", "--grid", "x=0:1", "-o", str(file)).code == 3
    assert file.read_bytes() == b"old"


# What is wrong -----------------------------------------------------------------------------------

HINT = 'agx fit minimize "x**2 + y**2" --start x=1,y=1 --format ndjson > run.ndjson'
WRONG = [
    (
        ["3"],
        2,
        "error: nothing to plot: the expression has no variables\n"
        "  hint: for its value, use agx eval\n",
    ),
    (
        ["x+y+z"],
        2,
        "error: a plot has one axis or two for variables, and 3 are free: x, y, z\n"
        "  x+y+z\n"
        "  ^\n"
        "  hint: for example --grid x=-2:2 --at y=...,z=...\n",
    ),
    (
        ["x+y+z", "--grid", "x=0:1,y=0:1,z=0:1"],
        2,
        "error: a plot has one axis or two for variables, and --grid has 3: x, y, z\n"
        "  hint: give the others a value each: --at z=...\n",
    ),
    (
        ["x**2", "--grid", "y=0:1"],
        2,
        "error: no 'y' in the expression, but in --grid\n  hint: its variables: x\n",
    ),
    (
        ["a*x**2", "--grid", "x=0:1"],
        2,
        "error: no value for 'a'\n  a*x**2\n  ^\n  hint: add --at a=...\n",
    ),
    (
        ["[[x,1],[2,3]]", "--grid", "x=0:1"],
        3,
        "error: a plot shows numbers, or a list of up to 12, and this is an array of 2x2\n"
        "  [[x,1],[2,3]]\n"
        "  ^^^^^^^^^^^^^\n"
        "  hint: take an element, or sum(...)\n",
    ),
    (
        ["[x,y]", "--grid", "x=0:1,y=0:1"],
        3,
        "error: this kind of plot shows one number, and this is an array of 2\n"
        "  [x,y]\n"
        "  ^^^^^\n"
        "  hint: take one element, or sum(...)\n",
    ),
    (
        ["x>0", "--grid", "x=-1:1"],
        3,
        "error: a condition has no derivative\n"
        "  x>0\n"
        "  ^^^\n"
        "  hint: for its values alone, add --order 0\n",
    ),
    *(
        (
            ["x**2", "--grid", "x=0:1", "--kind", kind],
            2,
            f"error: --kind {kind} needs two variables, and this has one: x\n"
            "  hint: name both in --grid: x=-2:2,y=-2:2\n",
        )
        for kind in ("contour", "heatmap", "surface", "gradient")
    ),
    (
        ["x*y", "--grid", "x=0:1,y=0:1", "--kind", "curve"],
        2,
        "error: a curve has one variable, and this has two: x, y\n"
        "  hint: give one of them a value: --at y=...\n",
    ),
    (
        ["x**2", "--kind", "countour"],
        2,
        "error: unknown kind 'countour'\n  hint: did you mean 'contour'?"
        " known: curve, contour, heatmap, surface, gradient\n",
    ),
    (
        ["x**2", "--grid", "x=0:1", "-o", "plot.jpg"],
        2,
        "error: 'plot.jpg' is no kind of picture that agx draws\n"
        "  hint: it has: .txt .tsv .png .svg .pdf .json .ndjson .jsonl .csv\n",
    ),
    (
        ["sqrt(-1-x**2)", "--grid", "x=0:1"],
        3,
        "error: nothing to draw: no value is finite for x from 0 to 1\n"
        "  sqrt(-1-x**2)\n"
        "  ^^^^^^^^^^^^^\n"
        "  hint: try another --grid\n",
    ),
    (
        ["log(-x**2-y**2)", "--grid", "x=0:1,y=0:1"],
        3,
        "error: nothing to draw: no value is finite on the grid\n"
        "  log(-x**2-y**2)\n"
        "  ^^^^^^^^^^^^^^^\n"
        "  hint: try another --grid\n",
    ),
    (
        ["x", "--grid", "x=-2:-1", "--log-y"],
        3,
        "error: nothing to draw: no value is finite and above zero, for a logarithmic axis\n"
        "  x\n"
        "  ^\n"
        "  hint: try another --grid\n",
    ),
    (
        ["x", "--grid", "x=-1:1", "--log-x"],
        2,
        "error: --log-x needs an axis above zero, and 'x' begins at -1\n"
        "  hint: for example --grid x=0.01:100\n",
    ),
    *(
        (
            ["x", "--grid", grid],
            3,
            "error: the axis of 'x' does not run from one number to another\n"
            "  hint: for example --grid x=-2:2\n",
        )
        for grid in ("x=1:1", "x=0:inf", "x=0:1:1", "x=nan:1")
    ),
    (
        ["x", "--grid", "x=0:1:9000000"],
        2,
        "error: a plot of more than 4,000,000 points\n  hint: use fewer points per axis\n",
    ),
    (
        ["sqrt(x)", "--grid", "x=0:1", "--at", "x=-1"],
        3,
        "error: no tangent at x = -1: the value there is nan\n"
        "  sqrt(x)\n"
        "  ^^^^^^^\n"
        "  hint: give --at another place\n",
    ),
    (
        ["x*y", "--grid", "x=0:1,y=0:1", "--at", "x=1"],
        2,
        "error: --at has 'x' of the two axes, but no 'y'\n"
        "  hint: a point has both: --at x=...,y=...\n",
    ),
    (
        ["x", "--grid", "x=0:1", "--at", "x=[1,2]"],
        3,
        "error: --at gives 'x' a vector of 2, but an axis has numbers\n",
    ),
    (
        ["x", "--grid", "x=0:1", "--size", "800x600"],
        2,
        "error: --size is that of a picture in a file\n  hint: add -o plot.png\n",
    ),
    (
        ["x", "--grid", "x=0:1", "--size", "800", "-o", "plot.png"],
        2,
        "error: --size needs a width and a height from 50 to 10000 pixels, not '800'\n"
        "  hint: for example --size 800x600\n",
    ),
    (
        ["x", "--grid", "x=0:1", "--order", "-1"],
        2,
        "error: --order needs a whole number from 0 to 9, not '-1'\n",
    ),
    (
        ["x", "--grid", "x=0:1", "-f", "latex"],
        2,
        "error: this command has no format 'latex'\n"
        "  hint: it has: auto, table, plain, png, svg, pdf, json, ndjson, csv\n",
    ),
    (
        ["x", "--grid", "x=0:1", "--path", "nowhere.ndjson"],
        3,
        "error: cannot read 'nowhere.ndjson': no such file or directory\n",
    ),
]


@pytest.mark.parametrize(("words", "code", "message"), WRONG, ids=[" ".join(w) for w, *_ in WRONG])
def test_errors_to_the_letter(words: list[str], code: int, message: str) -> None:
    found = run("plot", *words, unicode=False)
    assert (found.code, found.out, found.err) == (code, "", message)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "a,b\n1,2\n",
            3,
            f"error: standard input is not NDJSON: line 1 is no JSON object\n"
            f"  hint: for example {HINT}\n",
        ),
        (
            '{"step": 0, "loss": 1, "parameters": {"x": 1}}\n[1]\n',
            3,
            f"error: standard input is not NDJSON: line 2 is no JSON object\n"
            f"  hint: for example {HINT}\n",
        ),
        (
            '{"value": 1}\n\n',
            3,
            "error: standard input has no steps of a descent: no line has 'step' and"
            f" 'parameters'\n  hint: for example {HINT}\n",
        ),
        (
            '{"step": 0, "loss": 1, "parameters": {"w": 1, "b": 2}}\n',
            2,
            "error: standard input is the path of other variables: it has no 'x'\n"
            "  hint: its variables: w, b\n",
        ),
        (
            '{"step": 0, "loss": 1, "parameters": {"x": [1, 2]}}\n',
            2,
            "error: 'x' is not a number in standard input\n  hint: a path is one of numbers\n",
        ),
    ],
)
def test_paths_that_are_none(text: str, code: int, message: str) -> None:
    found = run("plot", "x**2", "--grid", "x=0:1", "--path", "-", stdin=text)
    assert (found.code, found.out, found.err) == (code, "", message)


def test_a_path_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "run.ndjson"
    file.write_bytes(b"\xff\xfe\x00")
    found = run("plot", "x**2", "--grid", "x=0:1", "--path", str(file))
    assert found.err == f"error: cannot read {str(file)!r}: it is not UTF-8 text\n"
    assert found.code == 3


def test_a_terminal_shows_no_picture() -> None:
    found = run("plot", "x", "--grid", "x=0:1", "-f", "png", terminal=True)
    assert (found.code, found.err) == (
        2,
        "error: a terminal does not show png\n  hint: add -o plot.png\n",
    )


def test_without_the_extra_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "plotille", None)
    found = run("plot", "x", "--grid", "x=0:1")
    assert (found.code, found.err) == (
        3,
        "error: drawing in the terminal needs plotille, which is not installed\n"
        '  hint: pip install "autograd-cli[plot]"\n',
    )
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = run("plot", "x", "--grid", "x=0:1", "-o", str(tmp_path / "plot.svg"))
    assert (found.code, found.err) == (
        3,
        "error: drawing pictures needs matplotlib, which is not installed\n"
        '  hint: pip install "autograd-cli[plot]"\n',
    )
    assert list(tmp_path.iterdir()) == []
    assert ok(run("plot", "x", "--grid", "x=0:1:2", "-f", "csv"))  # numbers need nothing


def test_help_and_errors_come_without_torch() -> None:
    program = (
        "import sys\nfrom autograd_cli import cli\ncode = cli.main(sys.argv[1:])\n"
        "heavy = {'torch', 'sympy', 'numpy', 'matplotlib', 'plotille'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    import subprocess

    for words in (["plot", "--help"], ["plot", "3*sigmod(x)"], ["plot", "x", "--kind", "pie"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, check=False, timeout=60
        )
        assert b"Assertion" not in done.stderr, done.stderr
