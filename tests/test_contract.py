"""The contract with people and scripts, to the letter: streams, formats, JSON keys, exit codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from cli_runner import Outcome, run

from autograd_cli.language.functions import FUNCTIONS

EXPRESSION = "x**2+2*x*y+y**2"


def ok(outcome: Outcome) -> str:
    """The output of a run that went well and had nothing to complain about."""
    assert outcome.err == ""
    assert outcome.code == 0
    return outcome.out


# grad --------------------------------------------------------------------------------------------


def test_grad_plain_is_a_name_and_a_value_a_line() -> None:
    assert ok(run("grad", EXPRESSION, "--at", "x=2,y=3")) == "x\t10.0\ny\t10.0\n"


def test_grad_json() -> None:
    out = ok(run("grad", EXPRESSION, "--at", "x=2,y=3", "--json"))
    assert out == json.dumps(json.loads(out), indent=2) + "\n"
    assert list(json.loads(out).items()) == [
        ("schema", "agx/1"),
        ("command", "grad"),
        ("expression", EXPRESSION),
        ("at", {"x": 2.0, "y": 3.0}),
        ("dtype", "float64"),
        ("device", "cpu"),
        ("value", 25.0),
        ("gradient", {"x": 10.0, "y": 10.0}),
        ("warnings", []),
    ]


def test_grad_json_with_formulas() -> None:
    out = ok(run("grad", EXPRESSION, "--at", "x=2,y=3", "--json", "--symbolic"))
    content = json.loads(out)
    assert list(content)[7:] == ["gradient", "symbolic", "warnings"]
    assert content["symbolic"] == {"x": "2*x + 2*y", "y": "2*x + 2*y"}


def test_formulas_that_cannot_be_had_are_a_note_for_people_and_a_warning_for_programs() -> None:
    words = ("grad", "sum(x**2)", "--at", "x=ones(40)")
    note = "no closed form of more than 32 elements"
    content = json.loads(ok(run(*words, "--json", "--symbolic")))
    assert content["symbolic"] == {"x": None}
    assert content["warnings"] == [note]
    assert ok(run(*words, "-f", "table")).splitlines()[-2] == f"  {note}"
    assert ok(run(*words, "-f", "latex")).splitlines()[-1] == f"% {note}"
    assert run(*words, "--symbolic").err == f"warning: {note}\n"


def test_without_values_and_without_formulas_there_is_nothing_to_show() -> None:
    found = run("grad", "[x, y]")
    assert found.err.startswith("error: no closed form")
    assert found.err.endswith("  hint: for numbers, add --at x=...,y=...\n")
    assert found.code == 3


@pytest.mark.parametrize(
    ("options", "gradient", "echo"),
    [
        (["--order", "2"], {"x": 2.0, "y": 2.0}, {"order": 2}),
        (["--partial", "x,y"], {"x,y": 2.0}, {"partial": ["x", "y"]}),
        (["--along", "x=1,y=0"], {"along": 10.0}, {"along": {"x": 1.0, "y": 0.0}}),
        (["--grad-output", "3"], {"x": 30.0, "y": 30.0}, {"grad_output": 3.0}),
        (["--wrt", "y"], {"y": 10.0}, {}),
    ],
)
def test_grad_json_echoes_what_was_asked(
    options: list[str], gradient: object, echo: dict[str, object]
) -> None:
    content = json.loads(ok(run("grad", EXPRESSION, "--at", "x=2,y=3", "--json", *options)))
    assert content["gradient"] == gradient
    assert list(content)[8:-1] == list(echo)
    assert {key: content[key] for key in echo} == echo


def test_grad_names_every_component() -> None:
    out = ok(run("grad", "sum(A@v)", "--at", "A=[[1,2],[3,4]],v=[1,1]"))
    assert out.splitlines() == [
        *("A[0,0]\t1.0", "A[0,1]\t1.0", "A[1,0]\t1.0", "A[1,1]\t1.0", "v[0]\t4.0", "v[1]\t6.0"),
    ]


def test_grad_csv() -> None:
    out = ok(run("grad", "x*y", "--at", "x=2,y=3", "--format", "csv"))
    assert out == "x,y,value,d_x,d_y\n2.0,3.0,6.0,3.0,2.0\n"


def test_grad_latex() -> None:
    out = ok(run("grad", "x*y", "--at", "x=2,y=3", "-f", "latex"))
    assert out.splitlines() == [
        r"\begin{align*}",
        r"  f &= x y = 6 \\",
        r"  \frac{\partial f}{\partial x} &= y = 3 \\",
        r"  \frac{\partial f}{\partial y} &= x = 2",
        r"\end{align*}",
    ]


def test_grad_on_a_terminal_is_a_table_with_formulas() -> None:
    out = ok(run("grad", EXPRESSION, "--at", "x=2,y=3", "--color", "never", terminal=True))
    assert out.splitlines() == [
        "",
        "  x**2+2*x*y+y**2 = 25",
        "",
        "  variable  value  derivative         autograd",
        "  x             2  ∂f/∂x = 2*x + 2*y        10",
        "  y             3  ∂f/∂y = 2*x + 2*y        10",
        "",
    ]


def test_grad_without_values_shows_the_formulas() -> None:
    assert ok(run("grad", "x**2*y")) == "x\t2*x*y\ny\tx**2\n"
    content = json.loads(ok(run("grad", "x**2*y", "--json")))
    assert content["value"] is None
    assert content["at"] == {}
    assert content["gradient"] == {}
    assert content["symbolic"] == {"x": "2*x*y", "y": "x**2"}


def test_precision_is_for_people() -> None:
    words = ("grad", "x**2", "--at", "x=1/3", "--precision", "3")
    assert ok(run(*words)) == "x\t0.6666666666666666\n"
    assert "0.667" in ok(run(*words, "-f", "table"))
    assert "0.667" in ok(run(*words, "-f", "latex"))
    assert json.loads(ok(run(*words, "--json")))["gradient"] == {"x": 0.6666666666666666}


def test_the_same_seed_gives_the_same_bytes() -> None:
    words = ("grad", "sum(x**2)", "--at", "x=randn(3)", "--json", "--seed")
    assert run(*words, "1") == run(*words, "1")
    assert run(*words, "1") != run(*words, "2")


def test_numbers_that_are_not_finite() -> None:
    words = ("grad", "1/x", "--at", "x=0")
    found = run(*words)
    assert found.out == "x\t-inf\n"
    assert found.err.startswith("warning: ")
    assert found.code == 0
    content = json.loads(run(*words, "--json").out)
    assert content["value"] == "Infinity"
    assert content["gradient"] == {"x": "-Infinity"}
    assert content["warnings"]
    assert run(*words, "--json").err == ""
    assert run(*words, "-f", "csv").out.splitlines()[1] == "0.0,inf,-inf"


# eval --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "plain", "value"),
    [
        ("2*3", "6.0\n", 6.0),
        ("[1, 2, 3]", "1.0\t2.0\t3.0\n", [1.0, 2.0, 3.0]),
        ("[[1, 2], [3, 4]]", "1.0\t2.0\n3.0\t4.0\n", [[1.0, 2.0], [3.0, 4.0]]),
        ("3 > 2", "true\n", True),
        ("-1", "-1.0\n", -1.0),
    ],
)
def test_eval(expression: str, plain: str, value: object) -> None:
    assert ok(run("eval", expression)) == plain
    content = json.loads(ok(run("eval", expression, "--json")))
    assert list(content) == [
        *("schema", "command", "expression", "at", "dtype", "device", "value", "warnings")
    ]
    assert content["command"] == "eval"
    assert content["value"] == value


# Many points -------------------------------------------------------------------------------------


def test_grid_plain_has_inputs_value_and_derivatives() -> None:
    out = ok(run("grad", "x*y", "--grid", "x=0:1:2,y=2:3:2"))
    assert out.splitlines() == [
        "0.0\t2.0\t0.0\t2.0\t0.0",
        "0.0\t3.0\t0.0\t3.0\t0.0",
        "1.0\t2.0\t2.0\t2.0\t1.0",
        "1.0\t3.0\t3.0\t3.0\t1.0",
    ]


def test_grid_csv_is_the_same_with_a_header() -> None:
    plain = ok(run("grad", "x*y", "--grid", "x=0:1:2,y=2:3:2")).splitlines()
    header, *rows = ok(run("grad", "x*y", "--grid", "x=0:1:2,y=2:3:2", "-f", "csv")).splitlines()
    assert header == "x,y,value,d_x,d_y"
    assert [row.replace(",", "\t") for row in rows] == plain


def test_grid_ndjson_is_a_full_record_a_point() -> None:
    lines = ok(run("grad", "x*y", "--grid", "x=0:1:3", "--at", "y=2", "-f", "ndjson")).splitlines()
    single = json.loads(ok(run("grad", "x*y", "--at", "x=0.5,y=2", "--json")))
    assert len(lines) == 3
    assert json.loads(lines[1]) == single


def test_grid_json_is_one_object() -> None:
    content = json.loads(ok(run("grad", "x*y", "--grid", "x=0:1:3", "--at", "y=2", "--json")))
    assert list(content) == [
        *("schema", "command", "expression", "at", "dtype", "device", "value", "points"),
        "warnings",
    ]
    assert content["at"] == {"y": 2.0}
    assert content["value"] is None
    assert content["points"][1] == {
        "at": {"x": 0.5},
        "value": 1.0,
        "gradient": {"x": 2.0, "y": 0.5},
        "warnings": [],
    }


def test_grid_on_a_terminal_is_a_table() -> None:
    out = ok(run("grad", "x**2", "--grid", "x=-1:1:3", "--color", "never", terminal=True))
    assert out.splitlines()[-5:] == [
        *("   x  value  d_x", "  -1      1   -2", "   0      0    0", "   1      1    2", ""),
    ]


def test_eval_on_a_grid() -> None:
    assert ok(run("eval", "x**2", "--grid", "x=0:2:3")) == "0.0\t0.0\n1.0\t1.0\n2.0\t4.0\n"


# Files -------------------------------------------------------------------------------------------


def test_output_takes_the_format_from_the_ending(tmp_path: Path) -> None:
    for ending in ("json", "ndjson", "jsonl", "csv", "tex", "txt"):
        file = tmp_path / f"result.{ending}"
        assert ok(run("grad", "x*y", "--at", "x=2,y=3", "-o", str(file))) == ""
    assert json.loads((tmp_path / "result.json").read_text())["value"] == 6.0
    assert (tmp_path / "result.ndjson").read_text() == (tmp_path / "result.jsonl").read_text()
    assert json.loads((tmp_path / "result.ndjson").read_text())["value"] == 6.0
    assert next(csv.DictReader((tmp_path / "result.csv").read_text().splitlines()))["d_x"] == "3.0"
    assert (tmp_path / "result.tex").read_text().startswith(r"\begin{align*}")
    assert (tmp_path / "result.txt").read_text() == "x\t3.0\ny\t2.0\n"


def test_an_expression_from_a_file_and_from_stdin(tmp_path: Path) -> None:
    file = tmp_path / "expression.txt"
    file.write_text("x**2 +\n  2*x*y + y**2\n")
    assert ok(run("grad", f"@{file}", "--at", "x=2,y=3")) == "x\t10.0\ny\t10.0\n"
    assert ok(run("grad", "-", "--at", "x=2", stdin="x**2\n")) == "x\t4.0\n"


def test_values_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text('{"x": 2, "y": "6/2"}')
    assert ok(run("grad", EXPRESSION, "--at", f"@{file}")) == "x\t10.0\ny\t10.0\n"


# Errors ------------------------------------------------------------------------------------------


def test_an_error_says_what_and_where_and_how_to_mend_it() -> None:
    found = run("grad", "3*sigmod(x) + y", "--at", "x=1,y=2")
    assert found == Outcome(
        2,
        "",
        "error: unknown function 'sigmod'\n"
        "  3*sigmod(x) + y\n"
        "    ^^^^^^\n"
        "  hint: did you mean 'sigmoid'?\n",
    )


@pytest.mark.parametrize("format", [["--json"], ["--format", "ndjson"], ["--format=json"]])
def test_an_error_in_json(format: list[str]) -> None:
    found = run("grad", "3*sigmod(x)", "--at", "x=1", *format)
    assert found.code == 2
    assert found.out == ""
    assert json.loads(found.err) == {
        "schema": "agx/1",
        "error": {
            "kind": "name",
            "message": "unknown function 'sigmod'",
            "hint": "did you mean 'sigmoid'?",
            "span": [2, 8],
        },
    }


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["grad", "(x", "--at", "x=1"], 2, "'(' was never closed"),
        (["grad", "x+y", "--at", "x=1"], 2, "no value for 'y'"),
        (["grad", "x", "--at", "x=1,z=1"], 2, "no 'z' in the expression, but in --at"),
        (["grad", "x", "--at", "x=1", "--dtype", "int64"], 2, "int64 has no derivatives"),
        (["grad", "x", "--at", "x=1", "--device", "cuda:99"], 3, "cuda is not available"),
        (["grad", "[x, x]", "--at", "x=1"], 3, "grad needs one output"),
        (["grad", "x+y", "--at", "x=[1,2],y=[1,2,3]", "--wrt", "x"], 3, ""),
        (["grad", "@/nowhere/x", "--at", "x=1"], 3, "cannot read '/nowhere/x'"),
        (["eval", "1", "-o", "/nowhere/x"], 3, "cannot write '/nowhere/x'"),
        (["grad", "2 + 3"], 2, "nothing to differentiate: the expression has no variables"),
        (["functions", "sigmod"], 2, "unknown function 'sigmod'"),
    ],
)
def test_exit_codes(words: list[str], code: int, message: str) -> None:
    found = run(*words)
    assert found.err.startswith(f"error: {message}")
    assert "Traceback" not in found.err
    assert found.out == ""
    assert found.code == code


# functions, info ---------------------------------------------------------------------------------


def test_functions_plain_is_a_row_a_line() -> None:
    lines = ok(run("functions")).splitlines()
    assert len(lines) == len(FUNCTIONS)
    assert all(line.count("\t") == 5 for line in lines)
    assert "tanh\ttanh(x)\telementary\t1 - tanh(x)**2\t\thyperbolic tangent" in lines


def test_functions_json_and_csv_have_all_rows() -> None:
    content = json.loads(ok(run("functions", "--json")))
    assert list(content) == ["schema", "command", "functions", "warnings"]
    assert [row["name"] for row in content["functions"]] == list(FUNCTIONS)
    assert list(content["functions"][0]) == [
        *("name", "usage", "aliases", "family", "derivatives", "domain", "help", "note")
    ]
    rows = list(csv.DictReader(ok(run("functions", "-f", "csv")).splitlines()))
    assert [row["name"] for row in rows] == list(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_page(name: str) -> None:
    row = FUNCTIONS[name]
    out = ok(run("functions", name, "-f", "table", width=300))
    assert row.help in out
    assert all(derivative in out for derivative in row.derivatives)
    for alias in row.aliases:
        assert run("functions", alias).out == run("functions", name).out


def test_functions_by_sign() -> None:
    assert ok(run("functions", "+")).startswith("add\tx + y\toperator")
    assert ok(run("functions", "--", "-")).startswith("sub\tx - y\toperator")


def test_info() -> None:
    content = json.loads(ok(run("info", "--json")))
    assert list(content) == [
        *("schema", "command", "versions", "platform", "devices", "dtypes", "extras", "warnings")
    ]
    assert list(content["versions"]) == ["agx", "python", "torch", "sympy", "typer", "rich"]
    assert content["devices"][0]["device"] == "cpu"
    assert content["devices"][0]["name"]
    assert content["dtypes"] == ["float64", "float32", "float16", "bfloat16"]
