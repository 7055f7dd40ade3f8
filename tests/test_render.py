"""Results as text: every kind of result in every format, against golden files."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from golden_files import Golden
from hypothesis import given
from hypothesis import strategies as st

from autograd_cli.console import Console
from autograd_cli.errors import FileError, UsageError, columns
from autograd_cli.render import AUTO, FORMATS, GENERAL, Output, choose, emit
from autograd_cli.render.grid import block, derivative_sign, linear
from autograd_cli.render.layout import Table, cell, width_of, wrap
from autograd_cli.render.listings import (
    Device,
    Extra,
    FunctionEntry,
    FunctionList,
    Info,
)
from autograd_cli.render.notes import Noted
from autograd_cli.render.numbers import align, exact, short
from autograd_cli.render.plain import cell as plain_cell
from autograd_cli.render.points import Points
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation, Gradient, Result

GOLDEN = Golden("render")
HERE = {"dtype": "float64", "device": "cpu"}

SQUARE = Gradient(
    expression="x**2 + 2*x*y + y**2",
    at={"x": 2.0, "y": 3.0},
    value=25.0,
    gradient={"x": 10.0, "y": 10.0},
    symbolic={"x": "2*x + 2*y", "y": "2*x + 2*y"},
    latex={"": "x^{2} + 2 x y + y^{2}", "x": "2 x + 2 y", "y": "2 x + 2 y"},
    **HERE,
)
MATRIX = Gradient(
    expression="sum(A@B)",
    at={"A": [[1.0, 2.0], [3.0, 4.5]], "B": [[2.0, 0.0], [0.0, 2.0]], "v": [1.0, 2.0, 3.0]},
    value=21.0,
    gradient={"A": [[2.0, 2.0], [2.0, 2.0]], "v": [1 / 3, 2.0, 1e-9]},
    symbolic={
        "A": [["B[0,0] + B[0,1]", "B[1,0] + B[1,1]"], ["B[0,0] + B[0,1]", "B[1,0] + B[1,1]"]],
        "v": None,
    },
    **HERE,
)
NON_FINITE = Gradient(
    expression="log(x)/y",
    at={"x": 0.0, "y": -0.0},
    value=math.nan,
    gradient={"x": math.inf, "y": -math.inf},
    warnings=("the value is nan",),
    **HERE,
)


def _points() -> Iterator[Gradient]:
    for x in (-2.0, 0.5, 1e10):
        yield Gradient(
            expression="a*x**2",
            at={"a": 0.5, "x": x},
            value=0.5 * x * x,
            gradient={"a": x * x, "x": x},
            warnings=("it is large",) if x > 9 else (),
            **HERE,
        )


SOFTMAX = FunctionEntry(
    name="softmax",
    usage="softmax(x, dim=-1)",
    aliases=("soft",),
    family="reduction",
    derivatives=("y*(g - sum(g*y))",),
    domain="x > 0",
    help="exp(x)/sum(exp(x))",
)
ADD = FunctionEntry(
    name="add",
    usage="x + y",
    aliases=(),
    family="operator",
    derivatives=("1", "1"),
    domain="",
    help="sum",
)

RESULTS: dict[str, Result | Points | Noted] = {
    "gradient": SQUARE,
    "matrix": MATRIX,
    "non-finite": NON_FINITE,
    "numbers": Gradient(
        expression="a + b*c",
        at={"a": 1.0, "b": 0.125, "c": 1234567.0},
        value=154321.875,
        gradient={"a": 1.0, "b": 1234567.0, "c": 0.125},
        **HERE,
    ),
    "partial": Gradient(
        expression="u = x**2; u*y",
        at={"x": 2.0, "y": 3.0},
        value=12.0,
        gradient={"x,x,y": 2.0},
        partial=("x", "x", "y"),
        symbolic={"x,x,y": "2"},
        latex={"x,x,y": "2"},
        **HERE,
    ),
    "along": Gradient(
        expression="x**2",
        at={"x": 2.0},
        value=4.0,
        gradient={"along": 4.0},
        along={"x": 1.0},
        **HERE,
    ),
    "second-order": Gradient(
        expression="x_1**3",
        at={"x_1": 2.0},
        value=8.0,
        gradient={"x_1": 12.0},
        order=2,
        symbolic={"x_1": "6*x_1"},
        latex={"": "x_{1}^{3}", "x_1": "6 x_{1}"},
        **HERE,
    ),
    "weighted": Gradient(
        expression="v**2",
        at={"v": [1.0, 2.0]},
        value=[1.0, 4.0],
        gradient={"v": [2.0, 0.0]},
        grad_output=[1.0, 0.0],
        **HERE,
    ),
    "formulas": Gradient(
        expression="x**n",
        at={},
        value=None,
        gradient={},
        symbolic={"x": "n*x**n/x", "n": "x**n*log(x)"},
        latex={"": "x^{n}", "x": r"\frac{n x^{n}}{x}", "n": r"x^{n} \log{\left(x \right)}"},
        **HERE,
    ),
    "noted": Noted(SQUARE, "no closed form in time"),
    "long": Gradient(
        expression="sum(x**2)",
        at={"x": [float(i) for i in range(100)]},
        value=328350.0,
        gradient={"x": [2.0 * i for i in range(100)]},
        **HERE,
    ),
    "scalar": Evaluation(expression="sqrt(2)", at={}, value=math.sqrt(2), **HERE),
    "condition": Evaluation(expression="x > 2", at={"x": 3.0}, value=True, **HERE),
    "vector": Evaluation(expression="A@v", at={"v": [1.0, 1.0]}, value=[3.0, 7.0], **HERE),
    "rows": Evaluation(
        expression="outer(a, b)",
        at={},
        value=[[float(i * j) for j in range(12)] for i in range(11)],
        **HERE,
    ),
    "strange": Evaluation(
        expression="x[y]\t+ [bold]z[/bold] :smile:\n\x1b[31m+ \udcff", at={}, value=1.0, **HERE
    ),
    "points": Points.of(_points(), ["a"], gradient={}),
    "functions": FunctionList(functions=(ADD, SOFTMAX)),
    "function": FunctionList(functions=(SOFTMAX,), detailed=True),
    "info": Info(
        versions={"agx": "0.1.0", "torch": "2.13.0"},
        platform="Linux",
        devices=(Device(device="cpu", name="A processor"),),
        dtypes=("float64", "float32"),
        extras=(
            Extra(extra="plot", installed=False, missing=("matplotlib",)),
            Extra(extra="latex", installed=True, missing=()),
        ),
    ),
}

VARIANTS: dict[str, tuple[str, Style]] = {
    **{name: (name, Style()) for name in GENERAL},
    "table-40": ("table", Style(width=40)),
    "table-120": ("table", Style(width=120)),
    "table-ascii": ("table", Style(unicode=False)),
    "table-colour": ("table", Style(colour=True)),
}


def rendered(result: Result | Points | Noted, variant: str) -> str:
    """The text of a result; points can be asked for once more."""
    format, style = VARIANTS[variant]
    out = io.StringIO()
    console = Console(
        stdin=io.StringIO(),
        stdout=out,
        stderr=io.StringIO(),
        environ={},
        width=style.width,
        colour=style.colour,
        unicode=style.unicode,
        utf=style.utf,
    )
    if isinstance(result, Points):
        result = Points.of(_points(), ["a"], gradient={})
    emit(result, console, Output(format=FORMATS[format], precision=style.precision))
    return out.getvalue()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", RESULTS)
def test_golden(name: str, variant: str) -> None:
    text = rendered(RESULTS[name], variant)
    GOLDEN.holds(name, variant, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(RESULTS, VARIANTS))


# JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESULTS)
def test_json_is_json_and_says_the_same_on_one_line(name: str) -> None:
    content = json.loads(rendered(RESULTS[name], "json"))
    assert content["schema"] == "agx/1"
    assert list(content)[:2] == ["schema", "command"]
    assert list(content)[-1] == "warnings"
    if name != "points":
        (line,) = rendered(RESULTS[name], "ndjson").splitlines()
        assert json.loads(line) == content


def test_json_of_points_has_what_they_share_and_each_of_them() -> None:
    content = json.loads(rendered(RESULTS["points"], "json"))
    assert list(content) == [
        *("schema", "command", "expression", "at", "dtype", "device", "value", "points"),
        "warnings",
    ]
    assert content["at"] == {"a": 0.5}
    assert content["value"] is None
    assert content["points"][2] == {
        "at": {"x": 1e10},
        "value": 5e19,
        "gradient": {"a": 1e20, "x": 1e10},
        "warnings": ["it is large"],
    }


def test_json_is_ascii_where_the_stream_is_not_unicode() -> None:
    out = io.StringIO()
    result = Evaluation(expression="α😀", at={}, value=1.0, **HERE)
    FORMATS["json"].renderer.write(result, out, Style(utf=False))
    assert out.getvalue().isascii()
    assert json.loads(out.getvalue())["expression"] == "α😀"


# Numbers -----------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False))
def test_exact_numbers_read_back(value: float) -> None:
    assert float(exact(value)) == value


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (10.0, 6, "10"),
        (25.5, 6, "25.5"),
        (1 / 3, 6, "0.333333"),
        (1 / 3, 3, "0.333"),
        (1234567.0, 6, "1.23457e+06"),
        (1e-9, 6, "1e-09"),
        (math.nan, 6, "nan"),
        (-math.inf, 6, "-inf"),
        (True, 6, "true"),
        (12345678, 3, "12345678"),
    ],
)
def test_short_numbers(value: float, precision: int, text: str) -> None:
    assert short(value, precision) == text


def test_numbers_are_aligned_at_their_points() -> None:
    assert align(["1", "12.5", "-0.25"]) == [" 1   ", "12.5 ", "-0.25"]
    assert align(["1", "1e-09"]) == ["    1", "1e-09"]
    assert align([]) == []


# Plain text --------------------------------------------------------------------------------------


@given(st.text())
def test_a_cell_never_breaks_its_record(text: str) -> None:
    shown = plain_cell(text)
    assert "\t" not in shown
    assert len(shown.splitlines()) <= 1
    assert plain_cell(text + "x") != shown


def test_control_characters_are_escaped() -> None:
    assert plain_cell("a\tb\nc\\d\x1b[31m\u2028") == "a\\tb\\nc\\\\d\\x1b[31m\\u2028"


# Layout ------------------------------------------------------------------------------------------


@given(
    st.text(st.characters(exclude_categories=["C", "M", "Z"]) | st.just(" ")), st.integers(2, 60)
)
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    parts = wrap([(text, "")], width)
    assert all(width_of(part) <= width for part in parts)
    kept = "".join(piece for part in parts for piece, _ in part)
    assert kept.replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text(st.sampled_from("ab(*) "), max_size=8), max_size=12), st.integers(2, 30))
def test_a_word_of_several_looks_is_one_word(texts: list[str], width: int) -> None:
    """Looks do not move a break: an emphasised word keeps the full stop after it."""
    looks = wrap([(text, str(number)) for number, text in enumerate(texts)], width)
    assert all(width_of(part) <= width for part in looks)
    if max(map(len, "".join(texts).split(" "))) <= width:
        one = wrap([("".join(texts), "")], width)
        assert [["".join(text for text, _ in part)] for part in looks] == [
            ["".join(text for text, _ in part)] for part in one
        ]


def test_wrapped_lines_hang_under_the_first() -> None:
    parts = wrap([("f = a + b + c", "")], 9, hang=4)
    assert ["".join(text for text, _ in part) for part in parts] == ["f = a + b", "    + c"]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("name", RESULTS)
def test_no_line_is_longer_than_the_terminal_is_wide(name: str, width: int) -> None:
    VARIANTS["this"] = ("table", Style(width=width))
    for line in rendered(RESULTS[name], "this").splitlines():
        assert columns(line) <= width, line
    del VARIANTS["this"]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, 200])
def test_no_number_and_no_formula_is_lost(width: int) -> None:
    VARIANTS["this"] = ("table", Style(width=width))
    text = re.sub(r"\s", "", rendered(MATRIX, "this"))
    del VARIANTS["this"]
    for part in ("0.333333", "1e-09", "21", "4.5", "B[0,0]+B[0,1]", "B[1,0]+B[1,1]"):
        assert part in text


def test_without_unicode_all_is_ascii_and_without_colour_nothing_escapes() -> None:
    for name, result in RESULTS.items():
        assert rendered(result, "table-ascii").isascii(), name
        for variant in ("table", "table-ascii", "plain", "json", "csv", "latex"):
            assert "\x1b" not in rendered(result, variant), name


def test_a_matrix_is_drawn_where_it_fits_and_a_list_elsewhere() -> None:
    value = [[1.0, -2.5], [30.0, 4.0]]
    assert block(value, Style(), 20) == ["⎡ 1  -2.5⎤", "⎣30   4  ⎦"]
    assert block(value, Style(unicode=False), 20) == ["[ 1  -2.5]", "[30   4  ]"]
    assert block(value, Style(), 5) == ["[[1, -2.5], [30, 4]]"]


def test_a_long_value_is_summarised_with_its_shape() -> None:
    vector = [float(i) for i in range(1000)]
    assert linear(vector, Style()) == "[0, 1, 2, …, 997, 998, 999] (1000)"
    assert linear(vector, Style(unicode=False)) == "[0, 1, 2, ..., 997, 998, 999] (1000)"
    assert block([vector] * 20, Style(), 80)[-1].endswith("⎦ 20×1000")


@pytest.mark.parametrize(
    ("variables", "unicode", "ascii"),
    [
        (["x"], "∂f/∂x", "df/dx"),
        (["x", "x"], "∂²f/∂x²", "d2f/dx2"),
        (["x", "x", "y"], "∂³f/∂x²∂y", "d3f/dx2dy"),
    ],
)
def test_the_sign_of_a_derivative(variables: list[str], unicode: str, ascii: str) -> None:
    assert derivative_sign("f", variables, Style()) == unicode
    assert derivative_sign("f", variables, Style(unicode=False)) == ascii


def test_a_table_that_does_not_fit_says_so() -> None:
    table = Table(("a", "b"), [[cell("x" * 30, solid=True), cell("y" * 30, solid=True)]])
    assert table.widths(61) is None
    assert table.widths(62) == [30, 30]


# LaTeX -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESULTS)
def test_latex_is_balanced(name: str) -> None:
    text = rendered(RESULTS[name], "latex")
    assert re.findall(r"\\begin\{(\w+\*?)\}", text) != []
    for opening, closing in (("{", "}"), (r"\begin", r"\end"), (r"\left", r"\right")):
        bare = text.replace(rf"\{opening}", "").replace(rf"\{closing}", "")
        both = (text, text) if opening.startswith("\\") else (bare, bare)
        assert both[0].count(opening) == both[1].count(closing)
    assert not re.search(r"(?<!\\)[#_](?![{\\\w])", text)


# Formats and files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "file", "terminal", "chosen"),
    [
        (AUTO, "", True, "table"),
        (AUTO, "", False, "plain"),
        ("json", "", True, "json"),
        (AUTO, "a.json", True, "json"),
        (AUTO, "a.ndjson", True, "ndjson"),
        (AUTO, "a.jsonl", True, "ndjson"),
        (AUTO, "a.CSV", True, "csv"),
        (AUTO, "a.tex", True, "latex"),
        (AUTO, "a.txt", True, "plain"),
        (AUTO, "a.dat", True, "plain"),
        (AUTO, "a", True, "plain"),
        ("table", "a.txt", False, "table"),
        ("csv", "a.dat", False, "csv"),
        ("json", "a.json", False, "json"),
    ],
)
def test_the_format(asked: str, file: str, terminal: bool, chosen: str) -> None:
    assert choose(asked, file, terminal=terminal).name == chosen


def test_a_format_that_contradicts_the_ending_is_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        choose("csv", "a.json", terminal=False)
    assert caught.value.message == "--format csv contradicts the ending of 'a.json'"
    assert caught.value.hint == "leave one of them out: .json alone means json"


def to_file(file: Path, result: Result | Points = SQUARE, format: str = "plain") -> None:
    console = Console(
        stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO(), environ={}, unicode=False
    )
    emit(result, console, Output(format=FORMATS[format], file=str(file)))
    assert console.stdout.getvalue() == ""  # type: ignore[attr-defined]


def _failing() -> Iterator[Gradient]:
    yield from _points()
    raise RuntimeError("in the middle")


def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "result.csv"
    file.write_text("old")
    with pytest.raises(RuntimeError):
        to_file(file, Points.of(_failing(), ["a"]), "csv")
    assert file.read_text() == "old"
    to_file(file, Points.of(_points(), ["a"]), "csv")
    header = next(csv.reader(file.read_text().splitlines()))
    assert header == ["a", "x", "value", "d_a", "d_x"]
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "file.txt", tmp_path / "link.txt"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    to_file(link)
    assert link.is_symlink()
    assert file.read_text().startswith("x\t10.0")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    to_file(tmp_path / "new.txt")
    assert (tmp_path / "new.txt").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_files_are_utf8_with_unicode_and_without_colour(tmp_path: Path) -> None:
    to_file(tmp_path / "a.txt", SQUARE, "table")
    assert "∂f/∂x" in (tmp_path / "a.txt").read_text(encoding="utf-8")


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "a.txt"
    with pytest.raises(FileError) as caught:
        to_file(file)
    assert caught.value.message == f"cannot write '{file}': no such file or directory"
    assert caught.value.hint == f"the directory '{file.parent}' does not exist: make it first"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=f"cannot write '{tmp_path}': is a directory"):
        to_file(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device() -> None:
    with pytest.raises(FileError, match="cannot write '/dev/full': no space left on device"):
        to_file(Path("/dev/full"))


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        to_file(fifo)
        assert reader.communicate()[0] == b"x\t10.0\t2*x + 2*y\ny\t10.0\t2*x + 2*y\n"


# Warnings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "told"),
    [("plain", True), ("table", True), ("csv", True), ("latex", True), ("json", False)],
)
def test_warnings_go_to_stderr_unless_they_are_in_the_result(format: str, told: bool) -> None:
    err = io.StringIO()
    console = Console(stdin=io.StringIO(), stdout=io.StringIO(), stderr=err, environ={})
    emit(NON_FINITE, console, Output(format=FORMATS[format]))
    assert err.getvalue() == ("warning: the value is nan\n" if told else "")


def test_the_same_warning_at_many_points_is_told_once() -> None:
    def points() -> Iterator[Evaluation]:
        for x in (1.0, 2.0, 3.0):
            at = {"x": x}
            yield Evaluation(expression="x", at=at, value=x, warnings=("odd",), **HERE)

    err = io.StringIO()
    console = Console(stdin=io.StringIO(), stdout=io.StringIO(), stderr=err, environ={})
    emit(Points.of(points(), []), console, Output(format=FORMATS["plain"]))
    assert err.getvalue() == "warning: odd (at 3 points)\n"


def test_a_note_is_for_people_only() -> None:
    for name in GENERAL:
        assert ("no closed form" in rendered(RESULTS["noted"], name)) is FORMATS[name].for_people
