"""Hessians: the matrix, what it says of the point, products with it, and sparse ones.

The truth: SymPy's derivatives at 50 digits for functions with formulas, torch.func for vectors and
matrices, formulas known by heart, and for sparse matrices the dense path.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
import sympy
import torch
from cli_runner import Outcome, run
from expressions import VARIABLES, lines
from test_derivatives import random_expression

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive import hessian as engine
from autograd_cli.engine.derive.coloring import compress
from autograd_cli.engine.derive.gradients import point
from autograd_cli.engine.derive.hessian import hessian, hessian_matrix
from autograd_cli.engine.derive.sparsity import interactions
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression
from autograd_cli.language.matrix_request import read_hessian_request
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.results.matrices import Hessian
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())
CHAIN = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"  # Rosenbrock's, for n variables


def ask(text: str, at: str, **request: Any) -> Hessian:
    """`agx hessian TEXT --at AT`."""
    values = read_values([at])
    expression = read(text, given=values)
    wanted = read_hessian_request(expression, **request)
    return hessian(expression, point(values, CONTEXT), CONTEXT, wanted)


def ok(outcome: Outcome) -> str:
    assert outcome.err == ""
    assert outcome.code == 0
    return outcome.out


def content(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ok(run("hessian", *words, "--json")))
    return found


# The matrix --------------------------------------------------------------------------------------


def test_plain_text_is_the_rows_of_the_matrix() -> None:
    assert ok(run("hessian", "x**2*y", "--at", "x=2,y=3")) == "6.0\t4.0\n4.0\t0.0\n"


def test_json() -> None:
    found = content("x**2 + 3*y**2", "--at", "x=0,y=0")
    assert list(found) == [
        *("schema", "command", "expression", "at", "dtype", "device", "value"),
        *("inputs", "hessian", "eigenvalues", "definiteness", "gradient", "critical_point"),
        *("kind", "condition_number", "asymmetry", "eigenvectors", "warnings"),
    ]
    assert found["inputs"] == ["x", "y"]
    assert found["hessian"] == [[2.0, 0.0], [0.0, 6.0]]
    assert found["eigenvalues"] == [2.0, 6.0]
    assert found["eigenvectors"] == [[1.0, 0.0], [0.0, 1.0]]
    assert found["definiteness"] == "positive definite"
    assert found["gradient"] == {"x": 0.0, "y": 0.0}
    assert found["critical_point"] is True
    assert found["kind"] == "strict minimum"
    assert found["condition_number"] == 3.0
    assert found["asymmetry"] == 0.0


@pytest.mark.parametrize(
    ("text", "at", "matrix"),
    [
        ("x**3", "x=2", [[12.0]]),
        ("2*x + y", "x=2,y=3", [[0.0, 0.0], [0.0, 0.0]]),
        ("floor(x)", "x=1.5", [[0.0]]),
        ("x*y + 0*z", "x=1,y=2,z=3", [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        ("x*floor(y)", "x=1,y=2.5", [[0.0, 0.0], [0.0, 0.0]]),
        ("sum(v**2)*x", "v=[1,2],x=3", [[6.0, 0.0, 2.0], [0.0, 6.0, 4.0], [2.0, 4.0, 0.0]]),
        ("[x**2]", "x=1", [[2.0]]),
        ("det(A)", "A=[[1,2],[3,4]]", [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]]),
    ],
)
def test_matrices_known_by_heart(text: str, at: str, matrix: list[list[float]]) -> None:
    found = ask(text, at).hessian or []
    for row, truth in zip(found, matrix, strict=True):
        assert row == pytest.approx(truth, abs=1e-14)


def test_wrt_chooses_the_variables() -> None:
    found = ask("x**2*y*z", "x=2,y=3,z=4", wrt="z,x")
    assert found.input_names == ("z", "x")
    assert found.hessian == [[0.0, 12.0], [12.0, 24.0]]
    assert dict(found.gradient) == {"z": 12.0, "x": 48.0}


def test_random_expressions_against_sympy() -> None:
    draw = random.Random(2)
    symbols = sympy.symbols("x y z")
    here = dict(zip(symbols, map(sympy.Rational, ("0.7", "-1.3", "0.4")), strict=True))
    for _ in range(12):
        text, truth = random_expression(draw, 4)
        found = ask(f"{text} + 0*(x + y + z)", "x=0.7,y=-1.3,z=0.4")
        by = [sympy.Symbol(name) for name in found.input_names]
        for row, first in zip(found.hessian or [], by, strict=True):
            for entry, second in zip(row, by, strict=True):
                exact = float(sympy.N(sympy.diff(truth, first, second).subs(here), 50))
                assert entry == pytest.approx(exact, rel=1e-11, abs=1e-11), text


VALUES = "A=[[2,0.3,-1],[0.2,3,0.5],[1,-0.7,2.5]],v=[0.3,-0.8,1.2],w=[1.5,0.4,-0.6]"


@pytest.mark.parametrize(
    "text",
    [
        "logsumexp(A@v)",
        "sum(tanh(A@v + w)*w)",
        "sum(inv(A))",
        "logdet(A@A.T)",
        "sum(solve(A, v)**2)",
        "norm(A)*dot(v, w)",
        "prod(cumsum(v*w))",
        "cross_entropy(A@v, softmax(w))",
        "mse_loss(A@v, w)",
    ],
)
def test_vectors_and_matrices_against_torch_func(text: str) -> None:
    values = read_values([VALUES])
    expression = read(text, given=values)
    at = {name: point(values, CONTEXT)[name] for name in expression.variables}
    sizes = [at[name].numel() for name in at]

    def function(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split(sizes)  # type: ignore[no-untyped-call]
        tensors = {name: part.reshape(at[name].shape) for name, part in zip(at, parts, strict=True)}
        return output(expression, evaluate(expression, tensors, CONTEXT), CONTEXT)

    truth = torch.func.jacrev(torch.func.jacrev(function))(
        torch.cat([one.flatten() for one in at.values()])
    )
    found = hessian_matrix(expression, at, CONTEXT)
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)
    assert torch.equal(found, found.T)


def test_it_is_symmetric_to_the_last_bit_and_says_how_far_it_was_not() -> None:
    found = ask("sum(inv(A@A.T))", "A=randn(5,5)")
    matrix = torch.tensor(found.hessian, dtype=torch.float64)
    assert matrix.view(torch.int64).equal(matrix.T.contiguous().view(torch.int64))
    assert found.asymmetry is not None
    assert 0 < found.asymmetry < 1e-9 * matrix.abs().max().item()
    (row,) = ask("x**2 - y**2", "x=0,y=0", wrt="x").hessian or []
    assert math.copysign(1, row[0]) == 1


def test_inputs_that_do_not_meet_have_0_beside_an_infinite_derivative() -> None:
    (first, second, third) = ask("sum(sqrt(x))", "x=[0,1,4]").hessian or []
    assert first[1:] == [0.0, 0.0]
    assert not math.isfinite(first[0])
    assert second == [0.0, -0.25, 0.0]
    assert third == [0.0, 0.0, -0.03125]


def test_a_large_matrix_variable() -> None:
    values = read_values(["A=randn(12,12)"])
    at = point(values, resolve(Settings()))
    inverse = torch.linalg.inv(at["A"])
    truth = -2 * torch.einsum("jk,li->ijkl", inverse, inverse).reshape(144, 144)
    found = hessian_matrix(read("logdet(A@A.T)"), at, CONTEXT)
    torch.testing.assert_close(found, truth, rtol=1e-9, atol=1e-9)


# What it says of the point -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "definiteness", "kind"),
    [
        ("x**2 + y**2", "x=0,y=0", "positive definite", "strict minimum"),
        ("-x**2 - 2*y**2", "x=0,y=0", "negative definite", "strict maximum"),
        ("x**2 - y**2", "x=0,y=0", "indefinite", "saddle"),
        ("x**2 + y**4", "x=0,y=0", "positive semidefinite", "degenerate"),
        ("-x**2 + y**3", "x=0,y=0", "negative semidefinite", "degenerate"),
        ("x**4 + y**4", "x=0,y=0", "zero", "degenerate"),
        ("x**2 - y**2 + z**4", "x=0,y=0,z=0", "indefinite", "saddle"),
        ("x**2 + y**2", "x=0,y=1", "positive definite", "not a critical point"),
        ("x + y", "x=0,y=1", "zero", "not a critical point"),
        ("(x + y)**2", "x=0,y=0", "positive semidefinite", "degenerate"),
        (
            "sum((A@v - b)**2)",
            "A=[[1,2],[2,4]],v=[1,0],b=[1,2]",
            "positive semidefinite",
            "degenerate",
        ),
        ("cos(x)", "x=pi", "positive definite", "strict minimum"),
        ("cos(x)", "x=0", "negative definite", "strict maximum"),
        ("exp(x) - E*x", "x=1", "positive definite", "strict minimum"),
        ("x**2 - 2*sqrt(2)*x", "x=sqrt(2)", "positive definite", "strict minimum"),
        ("1e-30*x**2", "x=0", "positive definite", "strict minimum"),
        ("1e-30*x**2", "x=1e-9", "positive definite", "not a critical point"),
        ("1e30*x**2", "x=0", "positive definite", "strict minimum"),
        ("100*(y - x**2)**2 + (1 - x)**2", "x=1,y=1", "positive definite", "strict minimum"),
        ("(x + y/3)**2", "x=0,y=0", "positive semidefinite", "degenerate"),
    ],
)
def test_the_kind_of_point(text: str, at: str, definiteness: str, kind: str) -> None:
    found = ask(text, at)
    assert found.spectrum is not None
    assert (found.spectrum.definiteness, found.kind) == (definiteness, kind)


def test_eigenvalues_ascend_and_eigenvectors_belong_to_them() -> None:
    found = ask("sum(inv(A@A.T))", "A=randn(4,4)")
    assert found.spectrum is not None
    values, vectors = found.spectrum.eigenvalues or [], found.spectrum.eigenvectors or []
    assert values == sorted(values)
    matrix = torch.tensor(found.hessian, dtype=torch.float64)
    for value, vector in zip(values, vectors, strict=True):
        column = torch.tensor(vector, dtype=torch.float64)
        torch.testing.assert_close(
            matrix @ column, value * column, atol=1e-10 * max(map(abs, values)), rtol=0
        )
        assert max(vector, key=abs) > 0
    least, most = min(map(abs, values)), max(map(abs, values))
    assert found.spectrum.condition_number == most / least


def test_a_singular_matrix_has_an_infinite_condition_number() -> None:
    assert content("x**4", "--at", "x=0")["condition_number"] == "Infinity"


def test_a_second_derivative_that_is_not_finite_is_said_to_be() -> None:
    found = ask("abs(x)**1.5", "x=0")
    assert found.spectrum is not None
    assert found.spectrum.definiteness == "unknown"
    assert found.kind == "unknown"
    (warning,) = found.warnings
    assert re.fullmatch(
        r"a second derivative, by x twice, is (nan|inf) where the first is finite", warning
    )
    (warning,) = ask("sqrt(x)", "x=0").warnings
    assert warning.endswith("the slope is infinite there")


def test_float32() -> None:
    found = content("cos(x)", "--at", "x=pi", "--dtype", "float32")
    assert found["kind"] == "strict minimum"


# Products, diagonal, trace -----------------------------------------------------------------------


def test_the_product_with_a_direction_has_no_matrix() -> None:
    words = ("x**2*y", "--at", "x=2,y=3")
    assert ok(run("hessian", *words, "--hvp", "x=1,y=0")) == "6.0\t4.0\n"
    found = content(*words, "--hvp", "x=1,y=2")
    assert list(found)[7:] == ["inputs", "gradient", "along", "hvp", "warnings"]
    assert found["hvp"] == [14.0, 4.0]
    wide = ask("sum(exp(x))", "x=zeros(100000)", hvp="x=ones(100000)")
    assert wide.hvp == [1.0] * 100_000
    assert ask("2*x", "x=1", hvp="x=1").hvp == [0.0]


def test_diagonal_and_trace() -> None:
    words = ("x**2*y + y**3", "--at", "x=2,y=3")
    found = content(*words, "--diag", "--trace")
    assert found["diag"] == [6.0, 18.0]
    assert found["trace"] == 24.0
    assert found["hessian"] == [[6.0, 4.0], [4.0, 18.0]]
    assert ok(run("hessian", *words, "--diag")) == "6.0\t18.0\n"
    assert ok(run("hessian", *words, "--trace")) == "24.0\n"


@pytest.mark.parametrize("text", ["sum(x**3)", "logsumexp(x)", CHAIN, "sum(2*x)"])
def test_diagonal_and_trace_of_a_large_matrix_are_found_without_it(text: str) -> None:
    at = "x=linspace(-1,1,250)"
    found = ask(text, at, diag=True, trace=True)
    whole = ask(text, at)
    assert found.hessian is None
    assert "hessian" not in found.findings()
    truth = [row[number] for number, row in enumerate(whole.hessian or [])]
    assert found.diagonal == pytest.approx(truth, rel=1e-13, abs=1e-13)
    assert found.trace == pytest.approx(math.fsum(truth), rel=1e-12)


# Sparse matrices ---------------------------------------------------------------------------------


def chain_hessian(x: Sequence[float]) -> torch.Tensor:
    """Rosenbrock's chain, differentiated by hand."""
    matrix = torch.zeros(len(x), len(x), dtype=torch.float64)
    for i in range(len(x) - 1):
        matrix[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        matrix[i + 1, i + 1] += 200
        matrix[i, i + 1] -= 400 * x[i]
        matrix[i + 1, i] -= 400 * x[i]
    return matrix


def test_a_chain_of_a_thousand_variables() -> None:
    values = read_values(["x=linspace(-1.5,1.5,1000)"])
    expression = read(CHAIN, given=values)
    at = point(values, CONTEXT)
    found = hessian_matrix(expression, at, CONTEXT)
    torch.testing.assert_close(found, chain_hessian(at["x"].tolist()), rtol=1e-12, atol=1e-9)
    assert torch.equal(found, found.T)


SPARSE = {  # with how many products are enough
    CHAIN: 3,
    "sum(b*(x[1:] - x[:-1]**2)**2 + (a - x[:-1])**2)": 5,
    "sum(x[1:]*x[:-1])": 3,
    "sum(x**4)": 1,
    "sum(sin(x)*a)": 2,
    "sum((x[2:] - 2*x[1:-1] + x[:-2])**2)": 5,
    "sum(x[::2]**2*x[1::2])": 3,
    "mse_loss(x[1:], x[:-1]**2)": 3,
    "dot(x[1:], x[:-1])": 3,
    "huber_loss(x, a*ones(300))": 2,
    "sum(where(x > 0, x**3, a*x))": 2,
    "sum([x[0]*x[1], x[5]**2, x[7]*b])": 4,
    "x[0]*sum(x[1:]**2)": 3,
    "sum(flip(x)[:10]*x[:10])": 2,
    "sum(logsumexp([x, x**2], dim=0))": 1,
    "3*x[0] + sum(x)": 1,
}


@pytest.mark.parametrize("text", SPARSE)
def test_sparse_matrices_equal_dense_ones(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = read_values(["x=linspace(-1,1.3,300),a=1.5,b=70"])
    expression = read(text, given=values)
    at = {name: point(values, CONTEXT)[name] for name in expression.variables}
    nodes = evaluate(expression, at, CONTEXT)
    names = list(expression.variables)
    size = sum(one.numel() for one in at.values())
    pairs = interactions(expression, nodes, names, CONTEXT)
    assert pairs is not None
    compression = compress(pairs, size)
    assert compression is not None
    assert compression.count <= SPARSE[text]
    sparse = hessian_matrix(expression, at, CONTEXT)
    monkeypatch.setattr(engine, "LARGE", 10**9)
    dense = hessian_matrix(expression, at, CONTEXT)
    torch.testing.assert_close(sparse, dense, rtol=1e-13, atol=1e-11)
    assert torch.equal(sparse, sparse.T)


@pytest.mark.parametrize(
    "text", ["logsumexp(x)", "sum(x)**2", "sum((A@x)**2)", "prod(x)", "sum(softmax(x)**2)"]
)
def test_full_matrices_are_not_compressed(text: str) -> None:
    values = read_values(["x=linspace(-1,1,300),A=ones(300,300)"])
    expression = read(text, given=values)
    at = {name: point(values, CONTEXT)[name] for name in expression.variables}
    pairs = interactions(expression, evaluate(expression, at, CONTEXT), ["x"], CONTEXT)
    assert pairs is None or compress(pairs, 300) is None


def summed(expression: Expression) -> Expression:
    """The sum of all elements of an expression."""
    whole = read("sum(x)").nodes[-1]._replace(operands=(expression.root,))
    nodes = (*expression.nodes, whole)
    return Expression(expression.source, nodes, len(nodes) - 1, expression.steps)


def test_the_pattern_misses_no_entry_of_random_expressions() -> None:
    checked = 0
    draw = torch.Generator().manual_seed(5)
    for line in lines(11, 300):
        expression = summed(read(line.agx))
        at = {
            name: torch.rand(VARIABLES[name], generator=draw, dtype=torch.float64) + 0.1
            for name in expression.variables
            if name in VARIABLES
        }
        if not at or len(at) < len(expression.variables):
            continue
        try:
            matrix = hessian_matrix(expression, at, CONTEXT)
        except AgxError:  # shapes that do not fit, or an output that is no scalar
            continue
        nodes = evaluate(expression, at, CONTEXT)
        pairs = interactions(expression, nodes, list(expression.variables), CONTEXT)
        if pairs is None:
            continue
        checked += 1
        pattern = torch.zeros_like(matrix, dtype=torch.bool)
        pattern[pairs[:, 0], pairs[:, 1]] = True
        missed = (matrix != 0) & ~pattern & matrix.isfinite()
        assert not missed.any(), (line.agx, missed.nonzero().tolist())
    assert checked > 100


def test_random_patterns_are_recovered_exactly() -> None:
    draw = torch.Generator().manual_seed(3)
    for size, filled in ((30, 40), (60, 30), (200, 400)):
        matrix = torch.zeros(size, size, dtype=torch.float64)
        places = torch.randint(0, size, (filled, 2), generator=draw)
        matrix[places[:, 0], places[:, 1]] = torch.rand(filled, generator=draw).double()
        matrix[:, 3] = 1.0  # a full row
        matrix = matrix + matrix.T
        compression = compress(matrix.nonzero(), size)
        if compression is None:
            continue
        products = torch.stack([matrix @ seed for seed in compression.seeds(matrix[0])])
        found, asymmetry = compression.expand(products)
        torch.testing.assert_close(found, matrix, rtol=1e-14, atol=1e-14)
        torch.testing.assert_close(compression.diagonal(products), matrix.diagonal())
        assert asymmetry < 1e-14


# Formulas, grids, formats ------------------------------------------------------------------------


def test_formulas() -> None:
    found = content("x**3*y", "--at", "x=2,y=3", "--symbolic")
    assert found["symbolic"] == [["6*x*y", "3*x**2"], ["3*x**2", "0"]]
    assert ok(run("hessian", "x**3*y")) == "6*x*y\t3*x**2\n3*x**2\t0\n"
    assert content("x**3*y")["hessian"] is None


def test_formulas_of_a_large_matrix_are_not_even_tried() -> None:
    out = ok(run("hessian", "sum(inv(A))", "--at", "A=randn(6,6)", "-f", "table"))
    assert "no closed form of more than 32 elements" in out


def test_a_grid() -> None:
    words = ("x**2*y", "--at", "y=2", "--grid", "x=0:1:3")
    points = content(*words)["points"]
    assert [one["hessian"] for one in points] == [
        [[4.0, 2 * x], [2 * x, 0.0]] for x in (0.0, 0.5, 1.0)
    ]
    assert [one["kind"] for one in points] == ["degenerate", *["not a critical point"] * 2]
    assert [one["hvp"] for one in content(*words, "--hvp", "y=1")["points"]] == [
        [2 * x, 0.0] for x in (0.0, 0.5, 1.0)
    ]
    out = ok(run("hessian", *words, "-f", "csv")).splitlines()
    assert out[0].split(",d_")[0] == "x,y,value"
    assert out[2].startswith("0.5,2.0,0.5,2.0,0.25,4.0,1.0,1.0,0.0")


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
            ["[x, y]", "--at", "x=1,y=1"],
            "error: hessian needs one output, and this is a vector of 2\n  [x, y]\n  ^^^^^^\n"
            "  hint: use sum(…), or agx jacobian for first derivatives\n",
            3,
        ),
        (
            ["x**2", "--at", "x=1", "--hvp", "x=[1,2]"],
            "error: --hvp gives 'x' a vector of 2, but it is a number\n"
            "  hint: a direction has the shapes of the variables\n",
            3,
        ),
        (
            ["sum(v**2)", "--at", "v=[1,2]", "--hvp", "v=1"],
            "error: --hvp gives 'v' a number, but it is a vector of 2\n"
            "  hint: a direction has the shapes of the variables\n",
            3,
        ),
        (
            ["x**2", "--at", "x=1", "--hvp", "y=1"],
            "error: no 'y' in the expression, but in --hvp\n  hint: its variables: x\n",
            2,
        ),
        (
            ["x**2", "--at", "x=1", "--hvp", "x=1", "--trace"],
            "error: --hvp and --trace exclude each other\n"
            "  hint: a product is computed without the matrix: ask for one\n",
            2,
        ),
        (
            ["x**2", "--at", "x=1", "--hvp", "x=1", "--symbolic"],
            "error: there are formulas of the matrix, not of a product with it\n"
            "  hint: leave --symbolic out\n",
            2,
        ),
        (
            ["x > 0", "--at", "x=1"],
            "error: a condition has no derivative\n  x > 0\n  ^^^^^\n"
            "  hint: where(condition, a, b) chooses between two values\n",
            3,
        ),
    ],
)
def test_bad_input(words: list[str], error: str, code: int) -> None:
    outcome = run("hessian", *words)
    assert outcome.err == error
    assert outcome.out == ""
    assert outcome.code == code
