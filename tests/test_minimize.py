"""`fit minimize`: known minima, exact critical points, and honest verdicts."""

from __future__ import annotations

import json
import math
from typing import Any

import mpmath
import pytest
import torch
from cli_runner import run

from autograd_cli.engine.core.context import Context, resolve
from autograd_cli.engine.descent.bounds import Box, box_of
from autograd_cli.engine.descent.minimize import Minimizing
from autograd_cli.engine.descent.subdifferential import nearest_to_zero
from autograd_cli.engine.descent.subproblem import model, step_in_ball, step_in_box
from autograd_cli.language.bounds import read_bounds
from autograd_cli.language.reader import read
from autograd_cli.results.minimum import MinimumFit
from autograd_cli.settings import Descent, Settings


def minimize(
    source: str,
    bounds: str = "",
    optimizer: str = "",
    dtype: str = "float64",
    **start: Any,
) -> MinimumFit:
    context: Context = resolve(Settings(dtype=dtype))
    expression = read(source)
    tensors = {name: context.tensor(start[name]) for name in expression.variables}
    box = box_of(read_bounds([bounds] if bounds else []), tensors, context)
    going = Minimizing(
        expression, tensors, box, Descent(steps=10_000, optimizer=optimizer), context
    )
    for _ in going.steps():
        pass
    return going.result()


# The test functions of Moré, Garbow & Hillstrom, "Testing unconstrained optimization software"
# (1981), and two others, with their standard starts and known least values.
ROSENBROCK = "100*(y-x**2)**2+(1-x)**2"
CHAIN = "sum(100*(x[1:]-x[:-1]**2)**2+(1-x[:-1])**2)"
WOOD = "100*(b-a**2)**2+(1-a)**2+90*(d-c**2)**2+(1-c)**2+10.1*((b-1)**2+(d-1)**2)+19.8*(b-1)*(d-1)"
POWELL = "(a+10*b)**2+5*(c-d)**2+(b-2*c)**4+10*(a-d)**4"
BEALE = "(1.5-x+x*y)**2+(2.25-x+x*y**2)**2+(2.625-x+x*y**3)**2"
FREUDENSTEIN = "(-13+x+((5-y)*y-2)*y)**2+(-29+x+((y+1)*y-14)*y)**2"
BROWN = "(x-1e6)**2+(y-2e-6)**2+(x*y-2)**2"
TRIGONOMETRIC = "sum((10-sum(cos(x))+arange(1,11)*(1-cos(x))-sin(x))**2)"
HIMMELBLAU = "(x**2+y-11)**2+(x+y**2-7)**2"
PROBLEMS: list[tuple[str, dict[str, Any], str, list[float]]] = [
    (ROSENBROCK, {"x": -1.2, "y": 1.0}, "minimum", [0.0]),
    (ROSENBROCK, {"x": 10.0, "y": -10.0}, "minimum", [0.0]),
    (CHAIN, {"x": [-1.2, 1.0] * 5}, "minimum", [0.0, 3.98657911]),  # it has a local minimum
    (CHAIN, {"x": [0.5] * 10}, "minimum", [0.0]),
    (BEALE, {"x": 1.0, "y": 1.0}, "minimum", [0.0]),
    ("(x+2*y-7)**2+(2*x+y-5)**2", {"x": 0.0, "y": 0.0}, "minimum", [0.0]),
    (HIMMELBLAU, {"x": 0.0, "y": 0.0}, "minimum", [0.0]),
    (POWELL, {"a": 3.0, "b": -1.0, "c": 0.0, "d": 1.0}, "flat", [0.0]),
    (WOOD, {"a": -3.0, "b": -1.0, "c": -3.0, "d": -1.0}, "minimum", [0.0, 7.876965]),
    (FREUDENSTEIN, {"x": 0.5, "y": -2.0}, "minimum", [0.0, 48.9842536]),
    (FREUDENSTEIN, {"x": 6.0, "y": 5.0}, "minimum", [0.0, 48.9842536]),
    (BROWN, {"x": 1.0, "y": 1.0}, "minimum", [0.0]),
    (TRIGONOMETRIC, {"x": [0.1] * 10}, "minimum", [0.0, 2.79506e-5]),
    ("x**4+y**4", {"x": 1.0, "y": 2.0}, "flat", [0.0]),
    ("sum(x**4)", {"x": [1.0, -3.0, 20.0]}, "flat", [0.0]),
]


@pytest.mark.parametrize(("source", "start", "verdict", "values"), PROBLEMS)
def test_the_standard_functions(
    source: str, start: dict[str, Any], verdict: str, values: list[float]
) -> None:
    fit = minimize(source, **start)
    assert fit.gradient_norm <= 1e-8
    assert (fit.converged, fit.verdict) == (True, verdict)
    assert min(abs(fit.loss - value) for value in values) <= 1e-6 * max(1e-3, fit.loss)


# Critical points by mpmath's Newton iteration at 50 digits, from a point nearby.
SMOOTH: list[tuple[str, dict[str, float], list[str]]] = [
    ("x*exp(x)", {"x": 2.0}, ["exp(x)+x*exp(x)"]),
    ("x*log(x)", {"x": 5.0}, ["log(x)+1"]),
    ("cosh(x-1)+y**2+x*y/3", {"x": 3.0, "y": 2.0}, ["sinh(x-1)+y/3", "2*y+x/3"]),
    (
        "exp(x+3*y-0.1)+exp(x-3*y-0.1)+exp(-x-0.1)",
        {"x": 1.0, "y": 1.0},
        [
            "exp(x+3*y-0.1)+exp(x-3*y-0.1)-exp(-x-0.1)",
            "3*exp(x+3*y-0.1)-3*exp(x-3*y-0.1)",
        ],
    ),
    ("sin(x)+x**2/10", {"x": 0.0}, ["cos(x)+x/5"]),
    ("log(1+x**2+y**2)+(x-1)**2", {"x": 3.0, "y": 3.0},
     ["2*x/(1+x**2+y**2)+2*(x-1)", "2*y/(1+x**2+y**2)"]),
    ("1/x+x**3", {"x": 0.1}, ["-1/x**2+3*x**2"]),
    ("-exp(-(x-0.3)**2)", {"x": 0.0}, ["2*(x-0.3)*exp(-(x-0.3)**2)"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "start", "slopes"), SMOOTH)
def test_minima_are_exact_to_the_last_digits(
    source: str, start: dict[str, float], slopes: list[str]
) -> None:
    fit = minimize(source, **start)
    assert fit.verdict == "minimum"
    names = list(start)
    functions = {name: getattr(mpmath, name) for name in ("exp", "log", "sinh", "cos")}
    with mpmath.workdps(50):

        def slope(*values: Any) -> list[Any]:
            here = {**functions, **dict(zip(names, values, strict=True))}
            exact = [
                text.replace("0.1", "mpf(1)/10").replace("0.3", "mpf(3)/10") for text in slopes
            ]
            return [eval(text, {"mpf": mpmath.mpf, **here}) for text in exact]

        near = [mpmath.mpf(fit.parameters[name]) for name in names]
        root = (
            mpmath.findroot(slope, near, tol=1e-60)
            if len(near) > 1
            else [mpmath.findroot(lambda x: slope(x)[0], near[0], tol=1e-60)]
        )
    for value, exact in zip(near, root, strict=True):
        assert abs(value - exact) <= 4e-15 * max(1, abs(exact))


@pytest.mark.parametrize(
    ("source", "start", "verdict", "reason"),
    [
        ("x", {"x": 0.0}, "unbounded", "the loss falls without end: "),
        ("x**3", {"x": 1.0}, "unbounded", "the loss falls without end: "),
        ("x**3", {"x": 0.0}, "unbounded", "the loss falls without end: "),
        ("x**2-y**2", {"x": 0.0, "y": 0.0}, "unbounded", "the loss falls without end: "),
        ("x**2-y**2", {"x": 5.0, "y": 0.0}, "unbounded", "the loss falls without end: "),
        ("-x**2", {"x": 0.0}, "unbounded", "the loss falls without end: "),
        ("x*y", {"x": 0.0, "y": 0.0}, "unbounded", "the loss falls without end: "),
        ("exp(-x)", {"x": 0.0}, "flat", "the loss levels off towards "),
        ("1/(1+x**2)", {"x": 1.0}, "flat", "the loss levels off towards "),
    ],
)
def test_what_has_no_minimum_is_not_given_one(
    source: str, start: dict[str, float], verdict: str, reason: str
) -> None:
    fit = minimize(source, **start)
    assert (fit.verdict, fit.converged) == (verdict, False)
    assert fit.reason.startswith(reason)


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("x**4", {"x": 1.0}),
        ("x**6", {"x": 0.5}),
        ("x**4+y**2", {"x": 1.0, "y": 3.0}),
        ("(x+y)**2", {"x": 1.0, "y": 3.0}),
        ("x**8", {"x": 0.0}),
    ],
)
def test_flat_minima_are_called_flat(source: str, start: dict[str, float]) -> None:
    fit = minimize(source, **start)
    assert (fit.verdict, fit.converged) == ("flat", True)
    assert fit.gradient_norm <= 1e-8


def test_gradient_descent_that_stops_at_a_saddle_says_so() -> None:
    fit = minimize("x**2-y**2", optimizer="gd", x=1.0, y=0.0)
    assert (fit.verdict, fit.converged) == ("saddle", False)
    assert "this is a saddle: eigenvalues from -2 to 2" in fit.reason


def test_the_maximum_where_one_starts_is_left() -> None:
    fit = minimize("cos(x)", x=0.0)
    assert fit.verdict == "minimum"
    assert math.cos(float(fit.parameters["x"])) == -1.0  # type: ignore[arg-type]


def test_more_variables_than_the_trust_region_takes() -> None:
    fit = minimize("sum((x-arange(150))**2)+sum(x[1:]*x[:-1])/2", x=[0.0] * 150)
    assert fit.method == "L-BFGS with a strong Wolfe line search"
    assert (fit.verdict, fit.converged) == ("minimum", True)
    matrix = 2 * torch.eye(150, dtype=torch.float64)
    matrix += torch.diag(torch.full((149,), 0.5, dtype=torch.float64), 1)
    matrix += torch.diag(torch.full((149,), 0.5, dtype=torch.float64), -1)
    exact = torch.linalg.solve(matrix, 2 * torch.arange(150, dtype=torch.float64))
    assert fit.parameters["x"] == pytest.approx(exact.tolist(), abs=1e-7)


def test_single_precision_is_as_exact_as_it_can_be() -> None:
    fit = minimize(HIMMELBLAU, dtype="float32", x=0.0, y=0.0)
    assert (fit.verdict, fit.converged) == ("minimum", True)
    assert fit.parameters["x"] == pytest.approx(3.0, abs=1e-5)


# Bounds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "bounds", "start", "end", "held"),
    [
        ("(x-2)**2+(y-1)**2", "x=0:1,y=-5:5", {"x": 0.0, "y": 0.0}, [1, 1], ("x",)),
        ("(x-2)**2+(y+9)**2", "x=:1,y=0:", {"x": 0.0, "y": 5.0}, [1, 0], ("x", "y")),
        (ROSENBROCK, "x=-2:0.5,y=-2:2", {"x": -1.2, "y": 1.0}, [0.5, 0.25], ("x",)),
        (ROSENBROCK, "x=0:2,y=0:2", {"x": 0.0, "y": 2.0}, [1, 1], ()),
        ("-x", "x=0:3", {"x": 1.0}, [3], ("x",)),
        ("x**2-y**2", "x=-1:1,y=-1:2", {"x": 0.5, "y": 0.5}, [0, 2], ("y",)),
        ("(x-2)**2", "x=5:9", {"x": 0.0}, [5], ("x",)),  # the start is outside
    ],
)
def test_bounds(
    source: str, bounds: str, start: dict[str, float], end: list[float], held: tuple[str, ...]
) -> None:
    fit = minimize(source, bounds, **start)
    assert (fit.verdict, fit.converged) == ("minimum", True)
    assert [fit.parameters[name] for name in start] == pytest.approx(end, abs=1e-9)
    assert fit.at_bounds == held


def test_random_convex_quadratics_in_a_box_satisfy_the_optimality_conditions() -> None:
    generator = torch.Generator().manual_seed(7)
    for size in (1, 2, 5, 12):
        for _ in range(10):
            root = torch.randn(size, size, generator=generator, dtype=torch.float64)
            matrix = root @ root.T + 0.1 * torch.eye(size, dtype=torch.float64)
            slope = 3 * torch.randn(size, generator=generator, dtype=torch.float64)
            fit = minimize(
                f"x@{matrix.tolist()}@x/2 + {slope.tolist()}@x", "x=-1:1", x=[0.0] * size
            )
            x = torch.tensor(fit.parameters["x"], dtype=torch.float64)
            gradient = matrix @ x + slope
            projected = (x - gradient).clamp(-1, 1) - x
            assert fit.verdict == "minimum"
            assert float(projected.abs().max()) <= 1e-8


# The step -----------------------------------------------------------------------------------------


def test_the_step_in_a_ball_is_the_best_one() -> None:
    generator = torch.Generator().manual_seed(1)
    for size in (1, 2, 3, 8):
        for case in range(20):
            root = torch.randn(size, size, generator=generator, dtype=torch.float64)
            matrix = (root + root.T) / 2
            slope = torch.randn(size, generator=generator, dtype=torch.float64)
            if case % 4 == 0:  # the hard case: no slope along the lowest eigenvector
                lowest = torch.linalg.eigh(matrix)[1][:, 0]
                slope = slope - (slope @ lowest) * lowest
            for radius in (0.1, 1.0, 30.0):
                step = step_in_ball(slope, matrix, radius)
                assert float(step.norm()) <= radius * (1 + 1e-5)
                if not bool(step.any()):  # the hard case of one variable: this is the minimum
                    continue
                # Moré & Sorensen's conditions: (H + shift) p = -g, positive semidefinite.
                shift = max(-float(step @ (matrix @ step + slope)) / float(step @ step), 0.0)
                least = float(torch.linalg.eigvalsh(matrix)[0])
                assert shift >= -least - 1e-4 * (1 + abs(least))
                best = model(slope, matrix, step)
                for _ in range(50):
                    way = torch.randn(size, generator=generator, dtype=torch.float64)
                    other = way / way.norm() * radius
                    assert best <= model(slope, matrix, other) + 1e-4 * abs(best) + 1e-12


def test_the_step_in_a_box_stays_there_and_descends() -> None:
    generator = torch.Generator().manual_seed(2)
    for _ in range(100):
        root = torch.randn(4, 4, generator=generator, dtype=torch.float64)
        slope = torch.randn(4, generator=generator, dtype=torch.float64)
        low = -torch.rand(4, generator=generator, dtype=torch.float64)
        box = Box(low, low + 1.0)
        point = box.project(torch.randn(4, generator=generator, dtype=torch.float64))
        matrix = (root + root.T) / 2
        step = step_in_box(point, slope, matrix, 0.7, box)
        assert bool((box.project(point + step) == point + step).all()) or bool(
            (box.project(point + step) - point - step).abs().max() < 1e-12
        )
        assert model(slope, matrix, step) <= 0


# The command --------------------------------------------------------------------------------------


def test_several_starts_find_all_minima() -> None:
    done = run("fit", "minimize", HIMMELBLAU, "--starts", "30", "--json")
    content = json.loads(done.out)
    assert done.code == 0
    assert content["starts"] == 30
    assert sum(one["found"] for one in content["minima"]) == 30
    found = sorted((one["parameters"]["x"], one["parameters"]["y"]) for one in content["minima"])
    known = [(-3.779310, -3.283186), (-2.805118, 3.131313), (3.0, 2.0), (3.584428, -1.848127)]
    assert found == [pytest.approx(pair, abs=1e-6) for pair in known]
    again = run("fit", "minimize", HIMMELBLAU, "--starts", "30", "--json")
    assert again.out == done.out


def test_random_starts_outside_the_domain_are_left_out() -> None:
    done = run("fit", "minimize", "x*log(x)", "--starts", "12", "--json")
    content = json.loads(done.out)
    assert done.code == 0
    assert content["parameters"]["x"] == pytest.approx(math.exp(-1), rel=1e-12)
    assert content["warnings"][-1].endswith(" of 12 starts were outside the domain")
    assert sum(one["found"] for one in content["minima"]) < 12


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (
            ["x*y", "--start", "x=1"],
            2,
            "error: no start for 'y'\n  x*y\n    ^\n  hint: add --start y=…\n",
        ),
        (
            ["x**2", "--start", "x=1,z=2"],
            2,
            "error: no 'z' in the expression, but in --start\n  hint: its variables: x\n",
        ),
        (
            ["log(x)", "--start", "x=-1"],
            3,
            "error: the start is outside the domain: the value is nan: log(x) is nan at x = -1"
            " (log is differentiable where x > 0)\n  log(x)\n  ^^^^^^\n"
            "  hint: choose another one with --start\n",
        ),
        (
            ["sqrt(x)", "--start", "x=0"],
            3,
            "error: the start is outside the domain: ",
        ),
        (
            ["x>1", "--start", "x=1"],
            3,
            "error: a condition has no minimum\n  x>1\n  ^^^\n"
            "  hint: where(condition, a, b) chooses between two values\n",
        ),
        (
            ["[x,x]", "--start", "x=1"],
            3,
            "error: what is minimised is one number, and this is a vector of 2\n  [x,x]\n  ^^^^^\n"
            "  hint: for example sum(…) or mean(…) of it\n",
        ),
        (
            ["3", "--start", "x=1"],
            2,
            "error: no 'x' in the expression, but in --start\n  hint: its variables: none\n",
        ),
        (
            ["3"],
            2,
            "error: there is no variable to change in the expression\n"
            "  hint: for its value: agx eval\n",
        ),
        (
            ["x**2", "--start", "x=1", "--bounds", "x=2:1"],
            2,
            "error: the bounds of 'x' leave nothing: 2:1\n  hint: the lower bound comes first\n",
        ),
        (
            ["x**2", "--start", "x=1", "--bounds", "x=2"],
            2,
            "error: a bound is written NAME=LOW:HIGH\n  x=2\n  ^^^\n"
            "  hint: for example --bounds x=0:1,y=-5:5; x=0: has no upper bound\n",
        ),
        (
            ["x**2", "--start", "x=1", "--bounds", "y=1:2"],
            2,
            "error: no 'y' in the expression, but in --bounds\n  hint: its variables: x\n",
        ),
        (
            ["x**2", "--start", "x=1", "--bounds", "x=1:q"],
            2,
            "error: 'q' has no value here: bounds are constants\n  x=1:q\n      ^\n"
            "  hint: for example --bounds x=0:1,y=-5:5; x=0: has no upper bound\n",
        ),
        (
            ["x**2", "--start", "x=1", "--bounds", "x=0:1,x=0:2"],
            2,
            "error: 'x' is given twice in --bounds\n  x=0:1,x=0:2\n        ^\n"
            "  hint: give every variable one range\n",
        ),
        (
            ["x**2", "--start", "x=1", "--bounds", "x=0:2", "--optimizer", "adam"],
            2,
            "error: the optimizer 'adam' knows no bounds\n"
            "  hint: leave --optimizer out: the trust region keeps to them\n",
        ),
        (
            ["sum(x**2)", "--start", "x=[1,2]", "--bounds", "x=[0,0,0]:5"],
            3,
            "error: a bound of 'x' has the shape [3], and its start [2]\n"
            "  hint: a number bounds every element\n",
        ),
        (
            ["x**2", "--start", "x=1", "--optimizer", "lm"],
            2,
            "error: the optimizer 'lm' does not fit the task 'minimize': it needs residuals, the"
            " squares of which are summed\n  hint: it has: gd, sgd, momentum, nesterov, rmsprop,"
            " adam, adamw, lbfgs, newton\n",
        ),
        (
            ["x**2", "--start", "x=1", "--starts", "0"],
            2,
            "error: --starts needs a whole number from 1 to 100000, not '0'\n",
        ),
    ],
)
def test_bad_input(words: list[str], code: int, error: str) -> None:
    done = run("fit", "minimize", *words)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(error) if not error.endswith("\n") else done.err == error


# Kinks --------------------------------------------------------------------------------------------

# Where they are, by hand: medians, corners, and where the pieces of a maximum balance.
KINKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("abs(x) + y**2", {"x": -1.2, "y": 1.0}, {"x": 0.0, "y": 0.0}),
    ("abs(x-1) + y**2/100", {"x": 3.0, "y": 3.0}, {"x": 1.0, "y": 0.0}),
    ("max(x, -2*x) + (y-1)**2", {"x": 1.0, "y": 3.0}, {"x": 0.0, "y": 1.0}),
    ("abs(x-1) + abs(y+2)", {"x": 0.0, "y": 0.0}, {"x": 1.0, "y": -2.0}),
    ("max(abs(x), abs(y))", {"x": -1.2, "y": 1.0}, {"x": 0.0, "y": 0.0}),
    ("norm(x - [1, 2, 3])", {"x": [0.0, 0.0, 0.0]}, {"x": [1.0, 2.0, 3.0]}),
    ("sqrt(x**2 + y**2) + x/2", {"x": 2.0, "y": 1.0}, {"x": 0.0, "y": 0.0}),
    ("abs(1-x) + 100*abs(y-x**2)", {"x": -1.2, "y": 1.0}, {"x": 1.0, "y": 1.0}),
    ("sum(abs(x - [3, 1, 4, 1, 5]))", {"x": 10.0}, {"x": 3.0}),
    ("sum(abs(x - arange(10)))", {"x": [0.5] * 10}, {"x": [float(i) for i in range(10)]}),
    ("1e6*abs(x-pi) + (y-E)**2", {"x": 0.0, "y": 0.0}, {"x": math.pi, "y": math.e}),
    # Equal pieces, x**2 + y**2 = (x-2)**2 + y, and t grad f1 + (1-t) grad f2 = 0.
    (
        "max(x**2 + y**2, (x-2)**2 + y)",
        {"x": -1.2, "y": 1.0},
        {"x": 0.86755711343777, "y": -0.38304674069322076},
    ),
]


@pytest.mark.parametrize(("source", "start", "where"), KINKS)
def test_a_minimum_at_a_kink_is_found_and_called_one(
    source: str, start: dict[str, Any], where: dict[str, Any]
) -> None:
    fit = minimize(source, **start)
    assert (fit.verdict, fit.converged) == ("kink", True)
    for name, value in where.items():
        assert fit.parameters[name] == pytest.approx(value, abs=1e-7)
    assert fit.eigenvalues is None


def test_where_the_pieces_balance() -> None:
    """The expected point of the last of `KINKS`, from its equations at 50 digits."""
    with mpmath.workdps(50):
        x, y, _ = mpmath.findroot(
            lambda x, y, t: [
                x**2 + y**2 - (x - 2) ** 2 - y,
                t * 2 * x + (1 - t) * 2 * (x - 2),
                t * 2 * y + (1 - t),
            ],
            (0.9, -0.4, 0.5),
        )
    assert KINKS[-1][2] == pytest.approx({"x": float(x), "y": float(y)}, abs=1e-15)


def test_kinks_of_many_variables() -> None:
    fit = minimize("sum(abs(x - arange(120)))", x=[0.5] * 120)
    assert (fit.verdict, fit.converged) == ("kink", True)
    assert fit.parameters["x"] == pytest.approx([float(i) for i in range(120)], abs=1e-7)


def test_a_kink_on_the_way_is_no_end() -> None:
    fit = minimize("abs(x - y) + (x-1)**2 + 3*(y-1)**2 + z**4 + abs(x + 5)", x=9.0, y=-4.0, z=2.0)
    # At x = y the two quadratics and the slope 1 of the last term balance where 8 (x-1) = -1.
    assert (fit.verdict, fit.converged) == ("kink", True)
    assert fit.parameters["x"] == pytest.approx(0.875, abs=1e-7)
    assert fit.parameters["y"] == pytest.approx(0.875, abs=1e-7)


@pytest.mark.parametrize(
    ("source", "start", "verdict"),
    [
        ("x**2 - abs(x)", 0.0, "minimum"),  # autograd's slope at 0 is 0, and its curvature 2
        ("-abs(x)", 0.0, "unbounded"),
        ("relu(x) - x/2", 3.0, "kink"),
        ("abs(x)**3", 3.0, "flat"),
        ("abs(x**2 - 1)", 3.0, "kink"),
    ],
)
def test_a_peak_is_no_minimum(source: str, start: float, verdict: str) -> None:
    assert minimize(source, x=start).verdict == verdict


def test_what_is_said_of_a_kink() -> None:
    done = run("fit", "minimize", "abs(x) + abs(y-1)", "--start", "x=1,y=3", "--json")
    assert done.code == 0
    assert json.loads(done.out)["reason"] == (
        "the loss has a kink here in x, y: the gradients within 4e-10 of it have a convex"
        " combination of norm at most 1e-08, so that no direction descends by all of them; of a"
        " convex loss, this is the minimum"
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_point_of_a_hull(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    size, count = 1 + seed % 7, 2 + 3 * (seed % 5)
    shift = 0.0 if seed % 2 else 1.0
    points = torch.randn(count, size, generator=generator, dtype=torch.float64) + shift
    nearest = nearest_to_zero(points)
    # It is in the hull, and the plane through it separates the hull from zero.
    system = torch.cat([points.T, torch.ones(1, count, dtype=torch.float64)])
    target = torch.cat([nearest, torch.ones(1, dtype=torch.float64)])
    weights = nonnegative(system, target)
    assert float((system @ weights - target).norm()) <= 1e-6
    assert float((points @ nearest).min()) >= float(nearest @ nearest) - 1e-10


def nonnegative(system: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Nonnegative weights w with |system w - target| small, by projected gradient descent with
    Nesterov's momentum."""
    step = 1 / float(torch.linalg.matrix_norm(system, 2)) ** 2
    weights = ahead = torch.zeros(system.shape[1], dtype=torch.float64)
    for number in range(20_000):
        slope = system.T @ (system @ ahead - target)
        moved = (ahead - step * slope).clamp(min=0)
        ahead = moved + number / (number + 3) * (moved - weights)
        weights = moved
    return weights


def test_the_table_of_several_starts_counts_starts() -> None:
    done = run("fit", "minimize", HIMMELBLAU, "--starts", "3", "--format", "table")
    assert done.out.splitlines()[1].split() == ["start", "loss", "x", "y", "gradient"]


# Plateaus -----------------------------------------------------------------------------------------

PLATEAU = "Piecewise((5*x-1, x<0.2), (0, True))"


@pytest.mark.parametrize("format_name", ["json", "plain", "table", "ndjson", "csv", "markdown"])
def test_on_a_plateau_nothing_has_converged(format_name: str) -> None:
    words = ("fit", "minimize", PLATEAU, "--start", "x=0.9", "--bounds", "x=0:1")
    done = run(*words, "--format", format_name)
    assert done.code == 1
    told = " ".join((done.out + done.err).split())
    assert "flat: no step has lowered the loss" in told
    if format_name == "json":
        content = json.loads(done.out)
        assert content["converged"] is False
        assert content["reason"].startswith("flat")


@pytest.mark.parametrize(
    ("source", "bounds", "start"),
    [
        ("0*x", "", {"x": 1.0}),
        ("3 + 0*sum(v)", "", {"v": [1.0, 2.0, 3.0]}),
        ("tanh(x)", "", {"x": 130.0}),
        ("sin(x)**2 + cos(x)**2", "", {"x": 1.0}),  # 1, but for its last digit
        ("relu(x - 1) + relu(y)", "", {"x": 0.0, "y": -1.0}),
        ("relu(x - 1)", "x=0:1", {"x": 1.0}),
    ],
)
@pytest.mark.parametrize("optimizer", ["", "adam", "lbfgs"])
def test_plateaus(source: str, bounds: str, start: dict[str, Any], optimizer: str) -> None:
    if bounds and optimizer:
        return
    fit = minimize(source, bounds, optimizer, **start)
    assert (fit.verdict, fit.converged) == ("flat", False)
    assert fit.reason.startswith("flat: ")


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("x**4", {"x": 1.0}),
        ("x**4", {"x": 0.0}),  # no step lowered it, but it rises all round
        ("1+x**6", {"x": 1.0}),
        ("max(x**2-1,0)", {"x": 3.0}),
        ("x**8", {"x": 0.0}),
        ("(x-3)**2 + 1e10", {"x": 3.0}),
        ("x**2 + 0*y", {"x": 0.0, "y": 5.0}),
        ("1e-300*x**2", {"x": 0.0}),
    ],
)
def test_a_minimum_that_is_level_to_rounding_is_none(source: str, start: dict[str, float]) -> None:
    fit = minimize(source, **start)
    assert fit.converged
    assert fit.verdict in ("flat", "minimum")


def test_a_curvature_below_the_rounding_of_the_loss_makes_no_saddle() -> None:
    """At (10, 12) the Hessian of 1 - exp(-x**2-y**2) has the eigenvalues 1e-103 and -1e-103."""
    fit = minimize("1-exp(-x**2-y**2)", optimizer="gd", x=10.0, y=12.0)
    assert fit.eigenvalues is not None
    assert fit.eigenvalues[0] < 0 < fit.eigenvalues[1]
    assert (fit.definiteness, fit.verdict) == ("zero", "flat")
    assert minimize("1e-100*(x**2-y**2)", optimizer="gd", x=1.0, y=0.0).verdict == "saddle"


def test_detach_is_named_where_it_is_the_reason() -> None:
    straight = minimize("(x + detach(round(x)-x) - 2.3)**2", x=2.2)
    assert not straight.converged
    assert straight.reason.startswith("flat: ")
    assert straight.reason.endswith(
        "detach holds round(x)-x fixed: the gradient is not that of the loss"
    )
    descended = minimize("x**2 - 4*detach(x)", x=-1.0)  # its minimum is at 2, not where x is 0
    assert (descended.converged, descended.verdict) == (False, "not converged")
    assert descended.reason.startswith("detach holds x fixed: ")
    assert descended.reason.endswith("the loss itself has a gradient of norm 4 here")
    for harmless in ("x**2 + detach(3)", "x**2 + 0*detach(y) + y**2", "x**2*detach(1 + 0*x)"):
        fit = minimize(harmless, **dict.fromkeys(read(harmless).variables, 1.0))
        assert (fit.converged, "detach" in fit.reason) == (True, False)


# What is counted ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [3, 7, 33, 40, 10_000])
def test_the_steps_past_a_kink_are_counted_one_by_one(limit: int) -> None:
    words = ("fit", "minimize", "abs(x-1)+2*abs(y+x)", "--start", "x=3,y=5", "--steps", str(limit))
    content = json.loads(run(*words, "--json").out)
    lines = [line.split("\t") for line in run(*words).out.splitlines()]
    numbers = [int(line[0]) for line in lines if line[0].isdigit()]
    assert numbers == list(range(content["steps"] + 1))
    losses = [float(line[1]) for line in lines if line[0].isdigit()]
    assert losses == sorted(losses, reverse=True)
    if limit == 10_000:
        assert content["verdict"] == "kink"
        assert 40 < content["steps"] < 1000
        assert content["parameters"] == pytest.approx({"x": 1.0, "y": -1.0}, abs=1e-7)
    else:
        assert content["steps"] == limit
        assert content["converged"] is False


@pytest.mark.parametrize("source", ["sqrt(x)", "x**0.3"])
def test_a_minimum_at_a_bound_where_the_slope_is_infinite(source: str) -> None:
    done = run("fit", "minimize", source, "--start", "x=0.7", "--bounds", "x=0:1", "--json")
    content = json.loads(done.out)
    assert done.code == 0
    assert (content["verdict"], content["converged"]) == ("minimum", True)
    assert content["parameters"] == {"x": 0.0}
    assert content["gradient"] == {"x": "Infinity"}
    assert content["gradient_norm"] == 0.0
    assert content["at_bounds"] == ["x"]
