"""`fit quadratic`: exact facts by SymPy, and rates that the descent then has."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import sympy
import torch
from cli_runner import run

from autograd_cli.commands.fit.quadratic import read_sweep
from autograd_cli.engine.descent.rates import best_rate, observed, slowest
from autograd_cli.errors import UsageError
from autograd_cli.language.symbolic.quadratic import quadratic


def fit(*words: str, code: int | None = None) -> dict[str, Any]:
    done = run("fit", "quadratic", *words, "--json")
    assert done.err == ""
    if code is not None:
        assert done.code == code
    content: dict[str, Any] = json.loads(done.out)
    return content


def test_the_demonstration() -> None:
    content = fit(code=0)
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    y = torch.zeros((), dtype=torch.float64, requires_grad=True)
    for _ in range(50):
        ((x - 3) ** 2 + (y - 2) ** 2).backward()
        with torch.no_grad():
            x -= 0.1 * x.grad
            y -= 0.1 * y.grad
        x.grad = y.grad = None
    assert content["parameters"] == {"x": x.item(), "y": y.item()}
    assert content["loss"] == ((x - 3) ** 2 + (y - 2) ** 2).item()
    assert (content["steps"], content["converged"]) == (50, True)
    assert content["minimum_exact"] == {"x": "3", "y": "2"}
    assert content["eigenvalues"] == [2.0, 2.0]
    assert (content["stable_learning_rate"], content["best_learning_rate"]) == (1.0, 0.5)
    assert content["predicted_rate"] == 0.8
    assert content["observed_rate"] == pytest.approx(0.8)
    assert content["distance"] < 0.01


def test_x_squared_plus_two_x_from_one_to_minus_one() -> None:
    content = fit("x**2+2*x", "--start", "x=1", "--steps", "100", code=0)
    assert content["parameters"]["x"] == pytest.approx(-1, abs=1e-8)
    assert content["minimum_exact"] == {"x": "-1"}
    assert content["minimum_value"] == -1.0


def test_the_keys_come_in_their_order() -> None:
    assert list(fit()) == [
        *("schema", "command", "expression", "at", "dtype", "device", "value", "task"),
        *("parameters", "initial", "loss", "steps", "converged", "reason", "kind", "minimum"),
        *("minimum_exact", "minimum_value", "stationary_point", "distance", "eigenvalues"),
        *("definiteness", "condition_number", "learning_rate", "predicted_rate"),
        *("observed_rate", "stable_learning_rate", "best_learning_rate", "behaviour", "warnings"),
    ]


# Random quadratics against SymPy's own solution.
def random_quadratic(seed: int) -> tuple[str, sympy.Expr, list[sympy.Symbol]]:
    generator = torch.Generator().manual_seed(seed)
    names = ["x", "y", "z"][: 1 + seed % 3]
    root = torch.randint(-4, 5, (len(names), len(names)), generator=generator).tolist()
    slope = torch.randint(-9, 10, (len(names),), generator=generator).tolist()
    terms = [
        f"({'+'.join(f'({c})*{name}' for c, name in zip(row, names, strict=True))})**2/4"
        for row in root
    ]
    terms += [f"{name}**2*0.1" for name in names]
    terms += [f"({b})*{name}/3" for b, name in zip(slope, names, strict=True)]
    text = "+".join(terms)
    symbols = [sympy.Symbol(name, real=True) for name in names]
    exact = sympy.sympify(text.replace("0.1", "Rational(1, 10)")).subs(
        {sympy.Symbol(name): symbol for name, symbol in zip(names, symbols, strict=True)}
    )
    return text, exact, symbols


@pytest.mark.parametrize("seed", range(12))
def test_the_exact_minimum_is_sympy_s(seed: int) -> None:
    text, exact, symbols = random_quadratic(seed)
    reply = quadratic({"source": text})
    (solution,) = sympy.solve([exact.diff(one) for one in symbols], symbols, dict=True)
    names = [symbol.name for symbol in symbols]
    assert sorted(reply["inputs"]) == sorted(names)
    found = dict(zip(reply["inputs"], reply["point"], strict=True))
    assert {name: sympy.Rational(value) for name, value in found.items()} == {
        symbol.name: solution[symbol] for symbol in symbols
    }
    assert sympy.Rational(reply["value"]) == exact.subs(solution)
    assert reply["signs"] == [len(names), 0, 0]


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [("gd", 0.02), ("gd", 0.15), ("gd", 0.19), ("momentum", 0.05), ("nesterov", 0.03)],
)
def test_the_predicted_rate_is_the_one_observed(optimizer: str, rate: float) -> None:
    words = ("5*x**2+x*y+y**2-3*x", "--start", "x=2,y=-1", "--optimizer", optimizer)
    content = fit(*words, "--lr", str(rate), "--steps", "400")
    assert content["observed_rate"] == pytest.approx(content["predicted_rate"], rel=0.02)


def test_the_prediction_is_for_the_directions_that_the_start_excites() -> None:
    content = fit("x**2+10*y**2", "--start", "x=0,y=1", "--lr", "0.04", "--steps", "30")
    assert content["predicted_rate"] == pytest.approx(0.2)  # not 0.92, of x
    assert content["observed_rate"] == pytest.approx(0.2, rel=1e-6)


def test_rates_by_the_companion_matrix() -> None:
    for curvature in (0.5, 2.0, 7.0):
        for rate in (0.01, 0.1, 0.4):
            heavy = torch.tensor([[1.9 - rate * curvature, -0.9], [1.0, 0.0]], dtype=torch.float64)
            left = 1 - rate * curvature
            ahead = torch.tensor([[1.9 * left, -0.9 * left], [1.0, 0.0]], dtype=torch.float64)
            for name, matrix in (("momentum", heavy), ("nesterov", ahead)):
                radius = float(torch.linalg.eigvals(matrix).abs().max())
                assert slowest(name, [curvature], rate) == pytest.approx(radius, rel=1e-9)
    assert slowest("adam", [1.0], 0.1) is None
    assert slowest("gd", [1.0, 9.0], 0.2) == pytest.approx(0.8)
    assert best_rate([1.0, 9.0]) == 0.2
    assert best_rate([0.0, 9.0]) is None


def test_the_observed_rate_leaves_rounding_out() -> None:
    errors = [0.5**k for k in range(40)] + [1e-13, 2e-13, 1e-13]
    assert observed(errors, 1e-12) == pytest.approx(0.5)
    assert observed([1.0], 0.0) is None
    assert observed([0.0, 0.0], 0.0) is None


KINDS: list[tuple[str, str, str, bool, str]] = [
    ("x**2-y**2", "x=1,y=0", "saddle", False, "this is a saddle"),
    ("x**2-y**2", "x=0,y=0", "saddle", False, "this is a saddle"),
    ("-x**2-y**2", "x=0,y=0", "maximum", False, "this is the maximum"),
    ("-(x+y)**2", "x=1,y=-1", "ridge", False, "this is the top of a ridge"),
    ("3*x+1", "x=0", "slope", False, ""),
    ("(x+y)**2+x-y", "x=0,y=0", "slope", False, ""),
    ("(x+y)**2", "x=1,y=3", "valley", True, ""),
    ("x-x", "x=1", "constant", True, ""),
    ("1/x*x**3", "x=1", "minimum", True, ""),
]


@pytest.mark.parametrize(("source", "start", "kind", "converged", "reason"), KINDS)
def test_kinds(source: str, start: str, kind: str, converged: bool, reason: str) -> None:
    content = fit(source, "--start", start, code=0 if converged else 1)
    assert (content["kind"], content["converged"]) == (kind, converged)
    assert reason in content["reason"]
    assert (content["minimum"] is None) == (kind in ("saddle", "maximum", "ridge", "slope"))


def test_in_a_valley_the_nearest_minimum_is_told() -> None:
    content = fit("(x+y)**2", "--start", "x=1,y=3")
    assert content["minimum_exact"] == {"x": "-1", "y": "1"}
    assert content["parameters"]["x"] == pytest.approx(-1, abs=1e-9)


def test_vectors_and_matrices_are_variables_too() -> None:
    content = fit("sum((v-[1,2,3])**2)", "--start", "v=[0,0,0]", code=0)
    assert content["minimum_exact"] == {"v": ["1", "2", "3"]}
    assert content["minimum"] == {"v": [1.0, 2.0, 3.0]}
    content = fit("sum((A-[[1,2],[3,4]])**2)", "--start", "A=zeros(2,2)", code=0)
    assert content["minimum_exact"] == {"A": [["1", "2"], ["3", "4"]]}


def test_more_elements_than_sympy_is_given_are_tested_by_numbers() -> None:
    content = fit("sum(v**2)", "--start", "v=ones(100)", code=0)
    assert content["minimum_exact"] is None
    assert content["minimum"]["v"] == pytest.approx([0.0] * 100, abs=1e-12)
    assert content["warnings"] == [
        "that it is quadratic was seen at 3 points, not proved (no closed form of more than 32"
        " elements)"
    ]
    done = run("fit", "quadratic", "sum(v**4)", "--start", "v=ones(100)")
    assert done.code == 2
    assert done.err.startswith("error: the expression is not quadratic: ")


def test_irrational_coefficients_stay_exact() -> None:
    content = fit("pi*x**2+sqrt(2)*x", code=0)
    assert content["minimum_exact"] == {"x": "-sqrt(2)/(2*pi)"}


# Sweeps and comparisons ---------------------------------------------------------------------------


def test_a_sweep_shows_slow_fast_oscillating_and_diverging() -> None:
    content = fit("--sweep-lr", "0.01:1.2:12", code=0)
    rows = content["compared"]
    assert [row["behaviour"] for row in rows] == [
        "slow", *["fast"] * 4, *["oscillating"] * 5, *["diverging"] * 2
    ]  # fmt: skip
    for row in rows:
        assert row["predicted_rate"] == pytest.approx(abs(1 - 2 * row["learning_rate"]))
        assert row["observed_rate"] == pytest.approx(row["predicted_rate"], rel=1e-2)
    assert content["best"] in [row["learning_rate"] for row in rows]


def test_a_comparison_of_optimisers() -> None:
    content = fit("--compare", "gd,momentum,adam,lbfgs,newton", code=0)
    rows = {row["optimizer"]: row for row in content["compared"]}
    assert list(rows) == ["gd", "momentum", "adam", "lbfgs", "newton"]
    assert rows["newton"]["steps"] == 1
    assert (rows["gd"]["converged"], rows["adam"]["converged"]) == (True, False)
    assert content["loss"] == min(row["loss"] for row in rows.values())


def test_sweeps_are_evenly_spaced() -> None:
    assert read_sweep("0.1:0.5:5") == pytest.approx((0.1, 0.2, 0.3, 0.4, 0.5))
    assert read_sweep("0.3:9:1") == (0.3,)
    assert read_sweep("1:0.5:2") == (1.0, 0.5)


HINT = "for example --sweep-lr 0.01:1.2:12"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1:2", "--sweep-lr is START:STOP:COUNT, not '1:2'"),
        ("a:2:3", "--sweep-lr needs two numbers and a count, not 'a:2:3'"),
        ("0:1:5", "--sweep-lr needs positive learning rates, not '0:1:5'"),
        ("-1:1:5", "--sweep-lr needs positive learning rates, not '-1:1:5'"),
        ("nan:1:5", "--sweep-lr needs positive learning rates, not 'nan:1:5'"),
        ("0.1:inf:5", "--sweep-lr needs positive learning rates, not '0.1:inf:5'"),
        ("0.1:1:0", "--sweep-lr needs a count from 1 to 10,000, not '0'"),
        ("0.1:1:2.5", "--sweep-lr needs a count from 1 to 10,000, not '2.5'"),
        ("0.1:1:99999", "--sweep-lr needs a count from 1 to 10,000, not '99999'"),
    ],
)
def test_sweeps_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_sweep(text)
    assert (caught.value.message, caught.value.hint) == (message, HINT)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["x**4"],
            "error: the expression is not quadratic: its degree is 4\n"
            "  hint: for any function: agx fit minimize 'x**4' --start ...\n",
        ),
        (
            ["sin(x)"],
            "error: the expression is not quadratic: it is not a polynomial\n"
            "  hint: for any function: agx fit minimize 'sin(x)' --start ...\n",
        ),
        (
            ["--start", "z=1"],
            "error: no 'z' in the expression, but in --start\n  hint: its variables: x, y\n",
        ),
        (
            ["--lr", "0"],
            "error: --lr needs a positive number, not '0'\n  hint: for example --lr 0.1\n",
        ),
        (
            ["--lr", "-0.1"],
            "error: --lr needs a positive number, not '-0.1'\n  hint: for example --lr 0.1\n",
        ),
        (
            ["--optimizer", "lm"],
            "error: the optimizer 'lm' does not fit the task 'quadratic': it needs residuals, the"
            " squares of which are summed\n  hint: it has: gd, sgd, momentum, nesterov, rmsprop,"
            " adam, adamw, lbfgs, newton\n",
        ),
        (
            ["--optimizer", "adma"],
            "error: unknown optimizer 'adma'\n  hint: did you mean 'adam'? known: gd, sgd,"
            " momentum, nesterov, rmsprop, adam, adamw, lbfgs, newton, lm\n",
        ),
        (
            ["--schedule", "cosin"],
            "error: unknown schedule 'cosin'\n  hint: did you mean 'cosine'? known: constant, step,"
            " exponential, cosine, linear, inverse, warmup, warmup-cosine\n",
        ),
        (
            ["--compare", "gd,foo"],
            "error: unknown optimizer 'foo'\n  hint: known: gd, sgd, momentum, nesterov, rmsprop,"
            " adam, adamw, lbfgs, newton, lm\n",
        ),
        (
            ["--compare", "gd,gd"],
            "error: --compare names an optimizer twice\n  hint: name every one once\n",
        ),
        (
            ["--plot", "figure.xyz"],
            "error: --plot 'figure.xyz' does not end in .png, .svg, .pdf\n"
            "  hint: for example --plot figure.png\n",
        ),
    ],
)
def test_bad_input(words: list[str], error: str) -> None:
    done = run("fit", "quadratic", *words)
    assert (done.code, done.out, done.err) == (2, "", error)


def test_a_comparison_as_ndjson_has_the_steps_of_every_optimizer() -> None:
    words = ("fit", "quadratic", "--compare", "gd,momentum", "--steps", "3", "--format", "ndjson")
    *steps, result = map(json.loads, run(*words).out.splitlines())
    assert [(one["optimizer"], one["step"]) for one in steps] == [
        (name, step) for name in ("gd", "momentum") for step in range(4)
    ]
    alone = run(*words[:2], "--steps", "3", "--format", "ndjson").out.splitlines()[:-1]
    assert [{**json.loads(one), "optimizer": "gd"} for one in alone] == steps[:4]
    assert [row["optimizer"] for row in result["compared"]] == ["gd", "momentum"]
    assert result["compared"][1]["parameters"] == steps[-1]["parameters"]


def test_the_paths_of_a_comparison_go_into_a_plot() -> None:
    compared = run("fit", "quadratic", "--compare", "gd,adam", "--format", "ndjson")
    shown = run(
        "plot", "(x-3)**2 + (y-2)**2", "--grid", "x=-1:5,y=-1:5", "--path", "-", stdin=compared.out
    )
    assert shown.code == 0
    assert "gd" in shown.out.splitlines()[-1]
    assert "adam" in shown.out.splitlines()[-1]


def test_the_descent_is_perpendicular_to_the_ellipses(tmp_path: Path) -> None:
    """In pixels: the first step of the path, and the tangent of the ellipse where it begins."""
    file = tmp_path / "fit.svg"
    words = ("x**2+10*y**2", "--start", "x=5,y=1", "--lr", "0.05", "--plot", str(file))
    run("fit", "quadratic", *words)
    content = file.read_text(encoding="utf-8")
    axes = content[content.index('id="axes_2"') :]
    path = re.findall(r'<path d="([^"]*)" clip-path[^>]*stroke: #d55e00', axes)[0]
    start, end = (list(map(float, one)) for one in re.findall(r"[ML] (\S+) (\S+)", path)[:2])
    step = [end[0] - start[0], start[1] - end[1]]  # pixels go down
    pixels = step[0] / (4.5 - 5), step[1] / (0 - 1)  # for a unit along x, and along y
    assert pixels[0] == pytest.approx(pixels[1], rel=1e-4)
    tangent = [-20 * 1 * pixels[0], 2 * 5 * pixels[1]]  # along the ellipse at (5, 1)
    cosine = (
        (step[0] * tangent[0] + step[1] * tangent[1]) / math.hypot(*step) / math.hypot(*tangent)
    )
    assert abs(cosine) < 1e-4


def test_a_sweep_as_ndjson_has_the_steps_of_every_rate() -> None:
    words = ("fit", "quadratic", "--sweep-lr", "0.25:0.75:3", "--steps", "2", "--format", "ndjson")
    *steps, result = map(json.loads, run(*words).out.splitlines())
    assert [(one["sweep"], one["step"]) for one in steps] == [
        (rate, step) for rate in (0.25, 0.5, 0.75) for step in range(3)
    ]
    alone = run(*words[:2], "--lr", "0.5", *words[4:]).out.splitlines()[:-1]
    assert [{**json.loads(one), "sweep": 0.5} for one in alone] == steps[3:6]
    assert [row["learning_rate"] for row in result["compared"]] == [0.25, 0.5, 0.75]
