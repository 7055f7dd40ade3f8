"""Jacobians: the matrix, its products, its names, and what is said of what cannot be.

The truth: SymPy's derivatives at 50 digits for functions with formulas, torch.func for random
expressions over vectors and matrices, formulas known by heart.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
import sympy
import torch
from cli_runner import Outcome, run
from test_derivatives import flat, random_expression

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive.gradients import point
from autograd_cli.engine.derive.jacobian import jacobian, jacobian_matrix
from autograd_cli.language.matrix_request import MODES, JacobianRequest, read_jacobian_request
from autograd_cli.language.outputs import Outputs
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.results.matrices import Jacobian
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())
SQUARES = "[x1**2, x1*x2, x2**2]"
HERE = ("--at", "x1=2,x2=3")


def ask(*texts: str, at: str, **request: Any) -> Jacobian:
    """`agx jacobian TEXTS --at AT`."""
    values = read_values([at])
    outputs = Outputs.of([read(text, given=values) for text in texts])
    wanted = read_jacobian_request(outputs.expression, **request)
    return jacobian(outputs, point(values, CONTEXT), CONTEXT, wanted)


def ok(outcome: Outcome) -> str:
    assert outcome.err == ""
    assert outcome.code == 0
    return outcome.out


def content(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ok(run("jacobian", *words, "--json")))
    return found


def inner(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


# The matrix --------------------------------------------------------------------------------------


def test_plain_text_is_the_rows_of_the_matrix() -> None:
    assert ok(run("jacobian", SQUARES, *HERE)) == "4.0\t0.0\n3.0\t2.0\n0.0\t6.0\n"


def test_json() -> None:
    assert list(content(SQUARES, *HERE).items()) == [
        ("schema", "agx/1"),
        ("command", "jacobian"),
        ("expression", SQUARES),
        ("at", {"x1": 2.0, "x2": 3.0}),
        ("dtype", "float64"),
        ("device", "cpu"),
        ("value", [4.0, 6.0, 9.0]),
        ("outputs", ["x1**2", "x1*x2", "x2**2"]),
        ("inputs", ["x1", "x2"]),
        ("jacobian", [[4.0, 0.0], [3.0, 2.0], [0.0, 6.0]]),
        ("mode", "reverse"),
        ("warnings", []),
    ]


@pytest.mark.parametrize(
    ("texts", "at", "outputs", "inputs", "matrix"),
    [
        (["x**2"], "x=3", ["x**2"], ["x"], [[6.0]]),
        (["[x, 2*x]"], "x=3", ["x", "2*x"], ["x"], [[1.0], [2.0]]),
        (["x*y"], "x=3,y=4", ["x*y"], ["x", "y"], [[4.0, 3.0]]),
        (["[x, 3]"], "x=1", ["x", "3"], ["x"], [[1.0], [0.0]]),
        (["[x, floor(x)]"], "x=1.5", ["x", "floor(x)"], ["x"], [[1.0], [0.0]]),
        (["x", "y"], "x=1,y=2", ["x", "y"], ["x", "y"], [[1.0, 0.0], [0.0, 1.0]]),
        (["x", "3"], "x=1", ["x", "3"], ["x"], [[1.0], [0.0]]),
        (["floor(x)"], "x=1.5", ["floor(x)"], ["x"], [[0.0]]),
        (
            ["2*v", "sum(v)"],
            "v=[1,2]",
            ["(2*v)[0]", "(2*v)[1]", "sum(v)"],
            ["v[0]", "v[1]"],
            [[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]],
        ),
        (
            ["A.T"],
            "A=[[1,2]]",
            ["A.T[0,0]", "A.T[1,0]"],
            ["A[0,0]", "A[0,1]"],
            [[1.0, 0.0], [0.0, 1.0]],
        ),
        (
            ["u = x*y; [u, u**2]"],
            "x=2,y=3",
            ["u", "u**2"],
            ["x", "y"],
            [[3.0, 2.0], [36.0, 24.0]],
        ),
        (
            ["[[x, y], [1, x*y]]"],
            "x=2,y=3",
            ["x", "y", "1", "x*y"],
            ["x", "y"],
            [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [3.0, 2.0]],
        ),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_outputs_and_inputs_of_every_kind(
    texts: list[str],
    at: str,
    outputs: list[str],
    inputs: list[str],
    matrix: list[list[float]],
    mode: str,
) -> None:
    found = ask(*texts, at=at, mode=mode)
    assert list(found.output_names) == outputs
    assert list(found.input_names) == inputs
    assert found.jacobian == matrix


@pytest.mark.parametrize(
    ("text", "at", "labels"),
    [
        ("softmax(W@x)", "W=[[1,2],[3,4]],x=[1,0]", ["softmax(W@x)[0]", "softmax(W@x)[1]"]),
        ("W@x", "W=[[1,2]],x=[1,0]", ["(W@x)[0]"]),
        ("(W@x)", "W=[[1,2]],x=[1,0]", ["(W@x)[0]"]),
        ("-x", "x=[1,0]", ["(-x)[0]", "(-x)[1]"]),
        ("sin(x) + cos(x)", "x=[1]", ["(sin(x) + cos(x))[0]"]),
        ("x[1:]", "x=[1,2,3]", ["x[1:][0]", "x[1:][1]"]),
        ("u = 2*x; u", "x=[1,2]", ["u[0]", "u[1]"]),
        ("[2*x, x]", "x=[1,2]", ["(2*x)[0]", "(2*x)[1]", "x[0]", "x[1]"]),
    ],
)
def test_the_elements_of_a_vector_are_named_as_they_would_be_typed(
    text: str, at: str, labels: list[str]
) -> None:
    found = ask(text, at=at)
    assert list(found.output_names) == labels
    for label, value in zip(labels, flat(found.value), strict=True):
        if not label.startswith("u["):
            values = read_values([at])
            again = read(label, given=values)
            tensors = {name: point(values, CONTEXT)[name] for name in again.variables}
            assert output(again, evaluate(again, tensors, CONTEXT), CONTEXT).item() == value


def test_wrt_chooses_the_columns_and_their_order() -> None:
    assert ask(SQUARES, at="x1=2,x2=3", wrt="x2").jacobian == [[0.0], [2.0], [6.0]]
    found = ask(SQUARES, at="x1=2,x2=3", wrt="x2,x1")
    assert found.input_names == ("x2", "x1")
    assert found.jacobian == [[0.0, 4.0], [2.0, 3.0], [6.0, 0.0]]


def test_random_constants_are_drawn_once() -> None:
    for mode in ("reverse", "forward"):
        found = ask("randn(100)*x", at="x=1", mode=mode)
        rows = found.jacobian or []
        assert [row[0] for row in rows] == found.value


# Against others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_random_expressions_against_sympy(mode: str) -> None:
    draw = random.Random(1)
    where = {"x": "0.7", "y": "-1.3", "z": "0.4"}
    symbols = sympy.symbols("x y z")
    here = {symbol: sympy.Rational(where[symbol.name]) for symbol in symbols}
    for _ in range(25):
        made = [random_expression(draw, 4) for _ in range(3)]
        texts = [f"{text} + 0*(x + y + z)" for text, _ in made]
        found = ask(*texts, at="x=0.7,y=-1.3,z=0.4", mode=mode)
        for row, (text, truth) in zip(found.jacobian or [], made, strict=True):
            for name, value in zip(found.input_names, row, strict=True):
                exact = sympy.N(sympy.diff(truth, name).subs(here), 50)
                assert value == pytest.approx(float(exact), rel=1e-12, abs=1e-12), text


VECTOR_FUNCTIONS = (
    "softmax(A@v)",
    "tanh(A@v + w)*w",
    "outer(v, w) + A",
    "inv(A)",
    "A@A.T",
    "cumsum(v*w)",
    "logsumexp(A*v, dim=1)",
    "[sum(v**2), dot(v, w), det(A)]",
    "where(v > 0, exp(w), v**3)",
    "solve(A, v)",
    "norm(A, dim=0)",
    "sort(v*w)",
)
VALUES = "A=[[2,0.3,-1],[0.2,3,0.5],[1,-0.7,2.5]],v=[0.3,-0.8,1.2],w=[1.5,0.4,-0.6]"


@pytest.mark.parametrize("text", VECTOR_FUNCTIONS)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_vectors_and_matrices_against_torch_func(text: str, mode: str) -> None:
    values = read_values([VALUES])
    expression = read(text, given=values)
    at = {name: point(values, CONTEXT)[name] for name in expression.variables}

    def function(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
        return output(expression, evaluate(expression, tensors, CONTEXT), CONTEXT).flatten()

    truth = torch.func.jacrev(function)(at)
    wide = torch.cat([truth[name].flatten(1) for name in expression.variables], dim=1)
    request = JacobianRequest(mode=mode)
    found = jacobian_matrix(Outputs.of([expression]), at, CONTEXT, request)
    torch.testing.assert_close(found, wide, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_what_does_not_depend_is_0_beside_an_infinite_slope(mode: str) -> None:
    found = ask("sqrt(x)", at="x=[0,1,4,9,16]", mode=mode).jacobian
    slopes = [math.inf, 0.5, 0.25, 1 / 6, 0.125]
    assert found == torch.diag(torch.tensor(slopes, dtype=torch.float64)).tolist()
    assert ask("[sqrt(x), x + y]", at="x=0,y=1", mode=mode).jacobian == [[math.inf, 0], [1, 1]]
    matrix = ask("[log(x)*y]", at="x=[0,1],y=2", mode=mode).jacobian or []
    assert matrix[1][:2] == [0.0, 2.0]


def test_many_rows_come_in_batches() -> None:
    for mode in ("reverse", "forward"):
        found = ask("v**2", at="v=linspace(0,1,150)", mode=mode).jacobian
        diagonal = 2 * torch.linspace(0, 1, 150, dtype=torch.float64)
        assert found == torch.diag(diagonal).tolist()


def test_auto_chooses_forward_for_many_outputs_of_few_inputs() -> None:
    assert ask("exp(x*linspace(0,1,50))", at="x=1").mode == "forward"
    assert ask("v**2", at="v=ones(50)").mode == "reverse"


# Products and measures ---------------------------------------------------------------------------


def test_the_vector_jacobian_product() -> None:
    assert ok(run("jacobian", SQUARES, *HERE, "--vjp", "1,0,2")) == "4.0\t12.0\n"
    found = content(SQUARES, *HERE, "--vjp", "1,0,2")
    assert list(found)[7:] == ["outputs", "inputs", "grad_output", "vjp", "mode", "warnings"]
    assert found["vjp"] == [4.0, 12.0]
    assert ask("[[x, y]]", at="x=1,y=2", vjp="[[3, 4]]").vjp == [3.0, 4.0]
    assert ask("[[x, y]]", at="x=1,y=2", vjp="3,4").vjp == [3.0, 4.0]
    assert ask("x*y", at="x=1,y=2", vjp="3").vjp == [6.0, 3.0]


def test_the_jacobian_vector_product() -> None:
    assert ok(run("jacobian", SQUARES, *HERE, "--jvp", "x1=1,x2=0")) == "4.0\n3.0\n0.0\n"
    found = content(SQUARES, *HERE, "--jvp", "x1=1")
    assert list(found)[7:] == ["outputs", "inputs", "along", "jvp", "mode", "warnings"]
    assert found["jvp"] == [4.0, 3.0, 0.0]
    assert ask("[x, floor(x)]", at="x=1.5", jvp="x=2").jvp == [2.0, 0.0]
    assert ask("floor(x)", at="x=1.5", jvp="x=2").jvp == [0.0]


def test_products_are_those_of_the_matrix() -> None:
    at = VALUES.rpartition(",w")[0]
    whole = ask("softmax(A@v)", at=at).jacobian or []
    left = ask("softmax(A@v)", at=at, vjp="0.2,-1,3").vjp or []
    for column, found in zip(zip(*whole, strict=True), left, strict=True):
        assert found == pytest.approx(inner((0.2, -1, 3), column), rel=1e-14)
    right = ask("softmax(A@v)", at=at, jvp="v=[1,2,-0.5]").jvp or []
    for row, found in zip(whole, right, strict=True):
        assert found == pytest.approx(inner((1, 2, -0.5), row[9:]), rel=1e-13)


def test_determinant_condition_and_singular_values() -> None:
    polar = ("r*cos(t)", "r*sin(t)", "--at", "r=2,t=pi/3")
    found = content(*polar, "--det", "--cond", "--svd")
    assert list(found)[10:-1] == ["mode", "det", "cond", "singular_values"]
    assert found["det"] == pytest.approx(2)
    assert found["cond"] == pytest.approx(2)
    assert found["singular_values"] == pytest.approx([2, 1])
    assert float(ok(run("jacobian", *polar, "--det"))) == pytest.approx(2)
    assert len(ok(run("jacobian", *polar, "--svd")).split("\t")) == 2


def test_a_singular_matrix_has_an_infinite_condition_number() -> None:
    assert ask("[x, x]", "y*0", at="x=1,y=1", cond=True).cond == math.inf
    assert content("[x, 2*x]", "--at", "x=1", "--cond")["cond"] == 1.0


# Formulas, grids, formats ------------------------------------------------------------------------


def test_formulas() -> None:
    found = content(SQUARES, *HERE, "--symbolic")
    assert found["symbolic"] == [["2*x1", "0"], ["x2", "x1"], ["0", "2*x2"]]
    plain = ok(run("jacobian", "x*y", "--at", "x=2,y=3", "--symbolic"))
    assert plain == "3.0\t2.0\ty\tx\n"


def test_without_values_there_are_the_formulas() -> None:
    assert ok(run("jacobian", "[x**2*y, x*y]")) == "2*x*y\tx**2\ny\tx\n"
    found = content("[x**2*y, x*y]")
    assert found["jacobian"] is None
    assert found["outputs"] == ["x**2*y", "x*y"]
    assert found["inputs"] == ["x", "y"]


def test_formulas_that_cannot_be_had_are_a_note_for_people_and_a_warning_for_programs() -> None:
    words = ("jacobian", "x**2", "--at", "x=ones(40)", "--wrt", "x")
    note = "no closed form of more than 32 elements"
    found = json.loads(ok(run(*words, "--json", "--symbolic")))
    assert found["symbolic"] is None
    assert found["warnings"] == [note]
    assert ok(run(*words, "-f", "table")).splitlines()[-2] == f"  {note}"


def test_a_grid() -> None:
    out = ok(run("jacobian", "[x**2*y, x]", "--at", "y=2", "--grid", "x=0:1:3", "-f", "csv"))
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0][:4] == ["x", "y", "value[0]", "value[1]"]
    assert rows[0][4:] == [f"jacobian[{i},{j}]" for i in range(2) for j in range(2)]
    for row in rows[1:]:
        x, y, *rest = map(float, row)
        assert rest == [x * x * y, x, 2 * x * y, x * x, 1.0, 0.0]
    words = ("[x**2*y, x]", "--at", "y=2", "--grid", "x=0:1:3")
    points = content(*words, "--det")["points"]
    assert [one["det"] for one in points] == [0.0, -0.25, -1.0]
    assert [one["vjp"] for one in content(*words, "--vjp", "1,1")["points"]] == [
        [2 * x * 2 + 1, x * x] for x in (0, 0.5, 1)
    ]
    assert [one["jvp"] for one in content(*words, "--jvp", "x=1")["points"]] == [
        [2 * x * 2, 1] for x in (0, 0.5, 1)
    ]


def test_a_table_in_csv_has_the_names_of_rows_and_columns() -> None:
    assert ok(run("jacobian", "[x*y, x]", "--at", "x=2,y=3", "-f", "csv")).splitlines() == [
        *("output,x,y", "x*y,3.0,2.0", "x,1.0,0.0"),
    ]


def test_a_derivative_that_is_not_finite_is_explained() -> None:
    found = ask("[x, sqrt(x)]", at="x=0")
    assert found.jacobian == [[1.0], [math.inf]]
    (warning,) = found.warnings
    assert warning.endswith("the derivative by x is inf at 0: the slope is infinite there")


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (
            ["3"],
            "error: nothing to differentiate: the expression has no variables\n"
            "  hint: for its value, use agx eval\n",
            2,
        ),
        (
            [SQUARES, *HERE, "--vjp", "1,2"],
            "error: --vjp is a vector of 2, but there are 3 outputs\n"
            "  hint: it has a weight for each output: --vjp 1,1,1\n",
            3,
        ),
        (
            [SQUARES, *HERE, "--vjp", "1"],
            "error: --vjp is a number, but there are 3 outputs\n"
            "  hint: it has a weight for each output: --vjp 1,1,1\n",
            3,
        ),
        (
            ["x**2", "--at", "x=1", "--vjp", "1,2"],
            "error: --vjp is a vector of 2, but there is 1 output\n"
            "  hint: it has a weight for each output: --vjp 1\n",
            3,
        ),
        (
            ["x**2", "--at", "x=1", "--vjp", "y"],
            "error: --vjp is made of constants\n  hint: for example --vjp 1,0,2\n",
            2,
        ),
        (
            ["x**2", "--at", "x=1", "--jvp", "x=[1,2]"],
            "error: --jvp gives 'x' a vector of 2, but it is a number\n"
            "  hint: a direction has the shapes of the variables\n",
            3,
        ),
        (
            ["x**2", "--at", "x=1", "--jvp", "y=1"],
            "error: no 'y' in the expression, but in --jvp\n  hint: its variables: x\n",
            2,
        ),
        (
            ["x**2", "--at", "x=1", "--jvp", "x=1", "--vjp", "1"],
            "error: --vjp and --jvp exclude each other\n"
            "  hint: a product is computed without the matrix: ask for one\n",
            2,
        ),
        (
            ["x**2", "--at", "x=1", "--jvp", "x=1", "--wrt", "x"],
            "error: --jvp and --wrt exclude each other\n"
            "  hint: the direction says already by what to differentiate: leave zeros out\n",
            2,
        ),
        (
            [SQUARES, *HERE, "--det"],
            "error: --det needs a square matrix, and this Jacobian is 3×2\n"
            "  hint: choose the inputs with --wrt, or see the singular values with --svd\n",
            3,
        ),
        (
            ["x", "--at", "x=1", "--mode", "forwards"],
            "error: unknown mode 'forwards'\n"
            "  hint: did you mean 'forward'? known: reverse, forward, auto\n",
            2,
        ),
        (
            ["x", "x > 0", "--at", "x=1"],
            "error: a condition has no derivative\n  [x, x > 0]\n      ^^^^^\n"
            "  hint: where(condition, a, b) chooses between two values\n",
            3,
        ),
        (
            ["x", "x + y", "--at", "x=1"],
            "error: no value for 'y'\n  [x, x + y]\n          ^\n  hint: add --at y=…\n",
            2,
        ),
        (
            ["x", "--at", "x=1,z=2"],
            "error: no 'z' in the expression, but in --at\n  hint: its variables: x\n",
            2,
        ),
    ],
)
def test_bad_input(words: list[str], error: str, code: int) -> None:
    outcome = run("jacobian", *words)
    assert outcome.err == error
    assert outcome.out == ""
    assert outcome.code == code
