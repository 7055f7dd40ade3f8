"""Derivatives of every kind that can be asked for, at points and over grids.

The truth: SymPy's derivatives evaluated at 50 digits for random expressions, formulas known by
heart, and for grids the same expression at a single point.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
import sympy
import torch
from mpmath import mp, mpf

from autograd_cli.engine.core import batches
from autograd_cli.engine.core.context import Context, available_devices, resolve
from autograd_cli.engine.derive.gradients import (
    axis,
    evaluation,
    evaluations,
    gradient,
    gradients,
    point,
)
from autograd_cli.errors import (
    AgxError,
    DerivativeError,
    DeviceError,
    ExitCode,
    FileError,
    ReadError,
    ShapeError,
    UnknownNameError,
    UsageError,
)
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.points import check_values, read_grid, read_values
from autograd_cli.language.reader import read
from autograd_cli.language.request import Component, DerivativeRequest, read_request
from autograd_cli.results import Gradient
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())
TOLERANCE = 1e-12


def ask(text: str, at: str = "", context: Context = CONTEXT, **request: Any) -> Gradient:
    """`agx grad TEXT --at AT` with the options of `read_request`."""
    values = read_values([at]) if at else {}
    expression = read(text, given=values)
    check_values(expression, values, dict.fromkeys(values, "--at"))
    wanted = read_request(expression, **request)
    return gradient(expression, point(values, context), context, wanted)


def ask_grid(
    text: str, grid: str, at: str = "", context: Context = CONTEXT, **request: Any
) -> list[Gradient]:
    """`agx grad TEXT --grid GRID --at AT`."""
    values, axes = read_values([at]) if at else {}, read_grid(grid)
    expression = read(text, given=[*values, *(one.name for one in axes)])
    wanted = read_request(expression, **request)
    coordinates = {one.name: axis(one, context) for one in axes}
    return list(gradients(expression, point(values, context), coordinates, context, wanted))


def flat(value: Any) -> list[Any]:
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


# Random expressions against SymPy ---------------------------------------------------------------

SYMBOLS = sympy.symbols("x y z")
UNARY: dict[str, Callable[[Any], Any]] = {
    "sin": sympy.sin,
    "cos": sympy.cos,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
    "atan": sympy.atan,
    "asinh": sympy.asinh,
    "erf": sympy.erf,
    "cosh": sympy.cosh,
}


def random_expression(draw: random.Random, size: int) -> tuple[str, Any]:
    """An expression as text and as SymPy's, built side by side; logarithms and roots are taken of
    positive numbers only."""
    if size == 0:
        if draw.random() < 0.75:
            symbol = draw.choice(SYMBOLS)
            return str(symbol), symbol
        number = draw.choice(["2", "3", "0.5", "1.25"])
        return number, sympy.Rational(number)
    kind = draw.choice(["unary", "binary", "binary", "power"])
    if kind == "unary":
        text, made = random_expression(draw, size - 1)
        name = draw.choice(list(UNARY))
        if name in ("log", "sqrt"):
            return f"{name}(1 + ({text})**2)", UNARY[name](1 + made**2)
        if name in ("exp", "cosh"):
            return f"{name}(sin({text}))", UNARY[name](sympy.sin(made))
        return f"{name}({text})", UNARY[name](made)
    if kind == "power":
        text, made = random_expression(draw, size - 1)
        exponent = draw.choice([2, 3, -1])
        if exponent < 0:
            return f"(2 + ({text})**2)**{exponent}", (2 + made**2) ** exponent
        return f"({text})**{exponent}", made**exponent
    left = draw.randrange(size)
    (a, made_a), (b, made_b) = (random_expression(draw, n) for n in (left, size - 1 - left))
    sign = draw.choice("+-**/")
    if sign == "/":
        return f"({a})/(1 + ({b})**2)", made_a / (1 + made_b**2)
    made = {"+": made_a + made_b, "-": made_a - made_b, "*": made_a * made_b}[sign]
    return f"({a}) {sign} ({b})", made


def at_50_digits(made: Any, numbers: Mapping[str, float]) -> tuple[Any, Any]:
    """The value, and how much it changes with the relative change of the variables."""
    names = list(numbers)
    function = sympy.lambdify([sympy.Symbol(name) for name in names], made, "mpmath", cse=True)
    with mp.workdps(50):
        point = [mpf(numbers[name]) for name in names]
        value = mpf(function(*point))
        step = mpf(10) ** -15
        moved = [
            [x * (1 + step * (i == j)) for j, x in enumerate(point)] for i in range(len(names))
        ]
        return value, sum(abs(function(*one) - value) for one in moved) / step


@pytest.mark.parametrize("seed", range(200))
def test_random_expressions(seed: int) -> None:
    draw = random.Random(seed)
    text, made = "", sympy.Integer(0)
    while len(made.free_symbols) < 2:
        text, made = random_expression(draw, draw.randint(2, 4))
    expression = read(text)
    names = [name for name in "xyz" if name in expression.variables]
    numbers = {name: draw.randrange(16, 128) / 64 for name in names}  # exact in binary
    at = {name: torch.tensor(number, dtype=torch.float64) for name, number in numbers.items()}

    def check(got: float, derivative: Any, what: str) -> None:
        truth, sensitivity = at_50_digits(derivative, numbers)
        size = max(abs(truth), sensitivity, 1)
        assert abs(got - truth) <= TOLERANCE * size, f"{what} {text} at {numbers}: {got}, {truth}"

    def derive(**request: Any) -> Mapping[str, Any]:
        return gradient(expression, at, CONTEXT, read_request(expression, **request)).gradient

    check(gradient(expression, at, CONTEXT).value, made, "the value of")
    assert list(derive()) == list(expression.variables)
    name = draw.choice(names)
    derivative = made
    for order in range(1, 5):
        derivative = sympy.diff(derivative, name)
        check(derive(order=order)[name], derivative, f"d{order}/d{name}{order}")
    for length in (1, 2, 3):
        mixed = [draw.choice(names) for _ in range(length)]
        (got,) = derive(partial=",".join(mixed)).values()
        check(got, sympy.diff(made, *mixed), f"d/d{mixed}")
    direction = {name: draw.randrange(-8, 9) / 4 for name in names}
    along = ",".join(f"{name}={number}" for name, number in direction.items())
    derivative = made
    for order in (1, 2):
        derivative = sum(d * sympy.diff(derivative, n) for n, d in rational(direction).items())
        check(derive(along=along, order=order)["along"], derivative, f"{order} along {along}")


def rational(numbers: Mapping[str, float]) -> dict[str, Any]:
    return {name: sympy.Rational(number) for name, number in numbers.items()}


# What is asked ----------------------------------------------------------------------------------


def test_all_variables_by_default_in_the_order_of_the_expression() -> None:
    found = ask("x**2 + 2*x*y + y**2", "y=3,x=2")
    assert found.value == 25.0
    assert list(found.gradient.items()) == [("x", 10.0), ("y", 10.0)]
    assert list(found.at.items()) == [("x", 2.0), ("y", 3.0)]
    assert (found.dtype, found.device, found.warnings) == ("float64", "cpu", ())
    assert (found.order, found.partial, found.along, found.grad_output) == (1, (), {}, None)


def test_wrt_chooses_and_orders() -> None:
    assert ask("x*y*z", "x=2,y=3,z=5", wrt="z,x").gradient == {"z": 6.0, "x": 15.0}
    assert list(ask("x*y*z", "x=2,y=3,z=5", wrt="z,x").gradient) == ["z", "x"]
    assert ask("x**3*y", "x=2,y=3", wrt="x", order=2).gradient == {"x": 36.0}


def test_wrt_spares_what_has_no_derivative() -> None:
    """Only what is asked for needs a derivative."""
    assert ask("polygamma(1, x)*y", "x=1,y=2", wrt="y").gradient["y"] == pytest.approx(
        math.pi**2 / 6
    )
    assert ask("zeta(s, q)", "s=2,q=1", wrt="q").gradient["q"] == pytest.approx(-2.404113806319188)


def test_no_path_is_zero() -> None:
    assert ask("x + 0*y", "x=1,y=2").gradient == {"x": 1.0, "y": 0.0}
    assert ask("detach(x)*y", "x=3,y=2").gradient == {"x": 0.0, "y": 3.0}
    assert ask("floor(x)", "x=1.5").gradient == {"x": 0.0}
    assert ask("where(x > 0, y, z)", "x=1,y=2,z=3").gradient == {"x": 0.0, "y": 1.0, "z": 0.0}
    assert ask("numel(v)", "v=[1,2]").gradient == {"v": [0.0, 0.0]}
    assert ask("x*y", "x=1,y=2", order=3).gradient == {"x": 0.0, "y": 0.0}
    assert ask("2*3", "").gradient == {}
    assert ask("2*3", "").value == 6.0


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "2*x",
        "abs(x)",
        "x + 1",
        "relu(x)",
        "sum([x, x])",
        "max(x, 1)",
        "norm([x], 1)",
        "sign(x)",
    ],
)
@pytest.mark.parametrize(
    "request_", [{"order": 2}, {"partial": "x,x"}, {"along": "x=1", "order": 2}]
)
def test_second_derivatives_of_what_is_linear(text: str, request_: dict[str, Any]) -> None:
    (found,) = ask(text, "x=2.5", **request_).gradient.values()
    assert found == 0.0
    (found,) = ask_grid(text, "x=2.5:2.5:1", **request_)[0].gradient.values()
    assert found == 0.0


@pytest.mark.parametrize("order", [1, 2, 3, 5, 9, 20])
def test_pure_derivatives_of_any_order(order: int) -> None:
    found = ask("exp(2*x) + y**order_", f"x=0.5,y=1.5,order_={order}", order=order, wrt="x,y")
    assert found.gradient["x"] == pytest.approx(2**order * math.e, rel=1e-12)
    assert found.gradient["y"] == pytest.approx(math.factorial(order), rel=1e-9)
    assert found.order == order
    vector = ask("sum(v**order_)".replace("order_", str(order)), "v=[1,-2,3]", order=order)
    assert vector.gradient == {"v": [float(math.factorial(order))] * 3}


def test_pure_derivatives_have_the_shape_of_the_variable() -> None:
    matrix = ask("sum(A**3)*s", "A=[[1,2],[3,-4]],s=2", order=2)
    assert matrix.gradient == {"A": [[12.0, 24.0], [36.0, -48.0]], "s": 0.0}
    # the diagonal of the Hessian, not its sum
    assert ask("sum(v)**2", "v=[1,2,3]", order=2).gradient == {"v": [2.0, 2.0, 2.0]}
    assert ask("prod(v)", "v=[1,2,3]", order=2).gradient == {"v": [0.0, 0.0, 0.0]}
    assert ask("norm(v)**4", "v=[1,2]", order=2).gradient["v"] == pytest.approx([28.0, 52.0])


def test_the_highest_order() -> None:
    found = ask("x**50", "x=1", order=50)
    assert found.gradient["x"] == pytest.approx(math.factorial(50), rel=1e-12)
    with pytest.raises(UsageError, match="the order is at most 50, not 51"):
        ask("x**51", "x=1", order=51)
    with pytest.raises(UsageError, match="the order is at most 50, not 51"):
        ask("x", "x=1", partial=",".join("x" * 51))


def test_mixed_partials() -> None:
    found = ask("x**3*y**2 + sin(x*y)", "x=2,y=3", partial="x,x,y")
    truth = 12 * 2 * 3 + (-2 * 3 * math.sin(6) - 2 * 9 * math.cos(6))
    assert found.gradient == {"x,x,y": pytest.approx(truth, rel=1e-14)}
    assert found.partial == ("x", "x", "y")
    assert found.value == pytest.approx(72 + math.sin(6))
    orders = {
        ask("exp(x*y)*z**2", "x=0.5,y=0.7,z=2", partial=",".join(by)).gradient[",".join(by)]
        for by in itertools.permutations("xyz")
    }
    assert max(orders) == pytest.approx(min(orders), rel=1e-14)


def test_mixed_partials_by_elements() -> None:
    at = "v=[2,3,5],A=[[1,2],[3,4]]"
    assert ask("prod(v)*A[0,1]", at, partial="v[0],v[2],A[0,1]").gradient == {
        "v[0],v[2],A[0,1]": 3.0
    }
    assert ask("prod(v)*A[0,1]", at, partial=" v[0] , A[0, 1] ").partial == ("v[0]", "A[0,1]")
    assert ask("prod(v)*A[0,1]", at, partial="A[1,1]").gradient == {"A[1,1]": 0.0}
    assert ask("det(A)", "A=[[1,2],[3,4]]", partial="A[0,1],A[1,0]").gradient == {
        "A[0,1],A[1,0]": pytest.approx(-1.0)
    }


def test_directional_derivatives() -> None:
    found = ask("x**2*y", "x=2,y=3", along="x=1,y=-1")
    assert found.gradient == {"along": 12.0 - 4.0}
    assert found.along == {"x": 1.0, "y": -1.0}
    assert ask("x**2*y", "x=2,y=3", along="x=10").gradient == {"along": 120.0}  # not normalised
    # d3/dt3 (2 + t)**2 (3 - t) = -6
    assert ask("x**2*y", "x=2,y=3", along="x=1,y=-1", order=3).gradient == {"along": -6.0}
    assert ask("x**2*y", "x=2,y=3", along="x=1,y=-1", order=4).gradient == {"along": 0.0}
    assert ask("x**2*y", "x=2,y=3", along="x=0,y=0").gradient == {"along": 0.0}
    vector = ask("sum(v**2)*s", "v=[1,2,3],s=2", along="v=[1,0,-1],s=1/2")
    assert vector.gradient == {"along": 2 * (2 - 6) + 14 / 2}
    assert vector.along == {"v": [1.0, 0.0, -1.0], "s": 0.5}
    quadratic = ask("v @ A @ v", "v=[1,2],A=[[2,1],[1,3]]", along="v=[1,1]", order=2)
    assert quadratic.gradient == {"along": 14.0}
    matrix = ask("det(A)", "A=[[1,2],[3,4]]", along="A=[[1,0],[0,1]]", order=2)
    assert matrix.gradient == {"along": pytest.approx(2.0)}


def test_grad_output_weighs_the_outputs() -> None:
    found = ask("[x**2, x*y, y]", "x=2,y=3", grad_output="1,10,100")
    assert found.gradient == {"x": 4.0 + 30.0, "y": 20.0 + 100.0}
    assert found.value == [4.0, 6.0, 3.0]
    assert found.grad_output == [1.0, 10.0, 100.0]
    assert ask("[x**2, x*y, y]", "x=2,y=3", grad_output="[1, 10, 100]") == found
    assert ask("x**2", "x=3", grad_output="0.5").gradient == {"x": 3.0}
    assert ask("x**2", "x=3", grad_output="[0.5]").gradient == {"x": 3.0}
    matrix = ask("A @ B", "A=[[1,2],[3,4]],B=[[5,6],[7,8]]", grad_output="[[1,0],[0,1]]")
    assert matrix.gradient == {"A": [[5.0, 7.0], [6.0, 8.0]], "B": [[1.0, 3.0], [2.0, 4.0]]}
    second = ask("[x**3, x**2]", "x=2", grad_output="1,pi", order=2)
    assert second.gradient == {"x": pytest.approx(12 + 2 * math.pi)}
    mixed = ask("[x**2*y, y**2]", "x=2,y=3", grad_output="2,1", partial="x,y")
    assert mixed.gradient == {"x,y": 8.0}
    along = ask("[x**2, y**2]", "x=2,y=3", grad_output="1,2", along="x=1,y=1", order=2)
    assert along.gradient == {"along": 6.0}


def test_one_output_in_brackets_needs_no_weights() -> None:
    found = ask("[x**2]", "x=3")
    assert (found.value, found.gradient) == ([9.0], {"x": 6.0})
    assert ask("[x**3]", "x=2", order=2).gradient == {"x": 12.0}
    assert ask("[[x**3]]", "x=2", partial="x,x").gradient == {"x,x": 12.0}


def test_named_steps_and_what_is_said_of_unused_ones() -> None:
    found = ask("u = x**2; w = sin(u); u*3", "x=2")
    assert found.gradient == {"x": 12.0}
    assert found.warnings == ("the step 'w' is not used",)


# Grids ------------------------------------------------------------------------------------------


GRID_TEXTS = [
    "x**2 + 2*x*y + y**2",
    "sin(x)*exp(-y**2) + log(1 + x**2*y**2)",
    "where(x > 1, x**2, sqrt(y))",
    "softmax([x, y, 1])[0]",
    "logsumexp([x, 2*y, x*y])",
    "det([[x, y], [1, x]])",
    "sum(eigvalsh([[x, y], [y, 1]]))",
    "median([x, y, 1])*x",
    "cross_entropy([x, y, 1], 2)",
    "norm([x, y])",
    "sort([x, y])[0]",
    "solve([[x, 1], [1, 5*y]], [1, 2])[0]",
    "cumprod([x, y, x])[2]",
    "matrix_exp([[x, y], [0, x]])[0, 1]",
    "inv([[x, 1], [0.25, 3*y]])[0, 0]",
    "u = x*y; v = u**2; v + u",
    "numel([x, y])*x + 0*y",
    "max(x, y, 1)",
    "j0(x)*y1(y)",
    "gamma(x) + beta(x, y)",
    "zeta(1 + x, y)",
    "cbrt(x - 1.5)*y",
    "hardsigmoid(x)*y",
    "mish(x)*gelu(y)",
    "x**y",
    "3",
]
ROWS = [
    f"{row.name}({', '.join(['x', 'y', '1.7*x + y'][: len(row.operands)])})"
    for row in FUNCTIONS.values()
    if row.elementwise and not row.options and row.name not in ("where", "clamp", "neg")
]
ROWS += ["where(x > y, x*y, x)", "clamp(x*y, 0.5, 1.5)", "clamp(x, y, 2*y)", "polygamma(2, x)"]


def same(one: Any, other: Any, ulps: int) -> bool:
    """Equal to some units in the last place; numbers near 0 to that of 1."""
    return len(flat(one)) == len(flat(other)) and all(
        a == b or (a != a and b != b) or abs(a - b) <= ulps * math.ulp(max(abs(a), abs(b), 1.0))
        for a, b in zip(flat(one), flat(other), strict=True)
    )


@pytest.mark.parametrize(
    "text",
    ["-1:1:21", "0:1:11", "0.1:0.7:7", "-2:2:41", "1:-3:9", "2:2:3", "5:6:1", "-1e308:1e308:5"],
)
def test_the_coordinates_of_an_axis(text: str) -> None:
    """Evenly spaced between the ends, which are exact; between them there are three roundings."""
    start, stop, count = (Fraction(part) for part in text.split(":"))
    steps = max(count - 1, 1)
    exact = [start + number * (stop - start) / steps for number in range(int(count))]
    found = [row.value for row in ask_grid("x", f"x={text}")]
    assert (found[0], found[-1]) == (float(start), float(exact[-1]))
    unit = Fraction(math.ulp(float(max(abs(start), abs(stop)))))
    for one, true in zip(found, exact, strict=True):
        assert abs(Fraction(one) - true) <= 2 * unit
        assert (one == 0) == (true == 0)


def test_round_ends_give_round_coordinates() -> None:
    found = [row.value for row in ask_grid("x", "x=-1:1:21")]
    assert found == [number / 10 for number in range(-10, 11)]


@pytest.mark.parametrize("request_", [{}, {"order": 2}, {"partial": "y,x"}, {"along": "x=1,y=-2"}])
@pytest.mark.parametrize("text", GRID_TEXTS + ROWS)
def test_a_grid_is_its_points(text: str, request_: dict[str, Any]) -> None:
    """torch's vectorised kernels round differently from its scalar ones, by a few units at most."""
    expression = read(text)
    grid = "x=0.3125:2.75:5,y=0.28125:1.4375:4"
    if "y" not in expression.variables:
        grid = "x=0.3125:2.75:19"
        if "partial" in request_ or "along" in request_:
            request_ = {key: text.replace("y", "x") for key, text in request_.items()}
            request_ = {key: text.replace("x=1,x=-2", "x=-2") for key, text in request_.items()}
    if not expression.variables:
        grid, request_ = "", {}
        assert ask(text).gradient == {}
        return
    wanted = read_request(expression, **request_)
    points = [
        outcome(
            lambda at=at: gradient(expression, point(read_values([at]), CONTEXT), CONTEXT, wanted)
        )
        for at in points_of(grid)
    ]
    if isinstance(points[0], AgxError):
        error = outcome(lambda: ask_grid(text, grid, **request_))
        assert (type(error), str(error)) == (type(points[0]), str(points[0]))
        return
    rows = ask_grid(text, grid, **request_)
    assert len(rows) == len(points)
    for row, one in zip(rows, points, strict=True):
        assert row.at == one.at
        assert same(row.value, one.value, 4), (row, one)
        assert list(row.gradient) == list(one.gradient)
        for name, found in one.gradient.items():
            assert same(row.gradient[name], found, 8), (row, one)
        assert (row.order, row.partial, row.along) == (one.order, one.partial, one.along)
        assert (row.dtype, row.device, row.expression) == (one.dtype, one.device, one.expression)


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the error it raises."""
    try:
        return call()
    except AgxError as error:
        return error


def points_of(grid: str) -> Iterable[str]:
    """The points of a grid as `--at` texts, the last axis fastest."""
    axes = read_grid(grid)
    coordinates = [axis(one, CONTEXT).tolist() for one in axes]
    for numbers in itertools.product(*coordinates):
        yield ",".join(f"{a.name}={number!r}" for a, number in zip(axes, numbers, strict=True))


def test_the_last_axis_varies_fastest() -> None:
    rows = ask_grid("x + 10*y", "x=0:1:2,y=0:2:3")
    assert [(row.at["x"], row.at["y"]) for row in rows] == [
        (0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0),
    ]  # fmt: skip
    assert [row.value for row in rows] == [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]
    assert {tuple(row.gradient.values()) for row in rows} == {(1.0, 10.0)}


def test_axes_reach_both_ends() -> None:
    assert [row.at["x"] for row in ask_grid("x", "x=-1:1:5")] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert [row.at["x"] for row in ask_grid("x", "x=1:-1:3")] == [1.0, 0.0, -1.0]
    assert [row.at["x"] for row in ask_grid("x", "x=2:3:1")] == [2.0]
    assert len(ask_grid("x", "x=0:1")) == 11
    ends = [row.at["t"] for row in ask_grid("t", "t=-pi/3:2**0.5:7")]
    assert (ends[0], ends[-1]) == (-math.pi / 3, 2**0.5)
    assert [row.at["x"] for row in ask_grid("x", "x=0.1:0.1:3")] == [0.1] * 3


def test_a_grid_beside_fixed_values() -> None:
    rows = ask_grid("sum(v**2)*x + A[0,1]", "x=1:2:2", "v=[1,2,3],A=[[1,2],[3,4]]")
    assert [row.value for row in rows] == [16.0, 30.0]
    assert rows[1].gradient == {
        "v": [4.0, 8.0, 12.0],
        "x": 14.0,
        "A": [[0.0, 1.0], [0.0, 0.0]],
    }
    assert rows[1].at == {"v": [1.0, 2.0, 3.0], "x": 2.0, "A": [[1.0, 2.0], [3.0, 4.0]]}
    second = ask_grid("sum(v**2)*x", "x=1:2:2", "v=[1,2,3]", order=2)
    assert second[1].gradient == {"v": [4.0, 4.0, 4.0], "x": 0.0}
    by_element = ask_grid("prod(v)*x", "x=1:2:2", "v=[1,2,3]", partial="v[0],x")
    assert [row.gradient for row in by_element] == [{"v[0],x": 6.0}] * 2
    along = ask_grid("sum(v**2)*x", "x=1:2:2", "v=[1,2,3]", along="v=[1,0,1],x=1", order=2)
    assert [row.gradient["along"] for row in along] == [2 * 8 + 4 * 1, 2 * 8 + 4 * 2]
    weighed = ask_grid("x*v", "x=1:2:2", "v=[1,2,3]", grad_output="1,0,1")
    assert [row.gradient for row in weighed] == [
        {"x": 4.0, "v": [1.0, 0.0, 1.0]},
        {"x": 4.0, "v": [2.0, 0.0, 2.0]},
    ]
    assert [row.value for row in weighed] == [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]


@pytest.mark.parametrize("chunk", [1, 2, 5, 7, 24, 100])
@pytest.mark.parametrize(
    "text",
    ["sin(x)*y**2 + sum(v)*x", "median([x, y, 1]) + v[0]", "cross_entropy([x, y, 1], 0)*v[1]"],
)
def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch, chunk: int, text: str) -> None:
    whole = ask_grid(text, "x=-2:2:8,y=1:2:3", "v=[1,2]")
    monkeypatch.setattr(batches, "CHUNK", chunk)
    rows = ask_grid(text, "x=-2:2:8,y=1:2:3", "v=[1,2]")
    assert [row.at for row in rows] == [row.at for row in whole]
    for row, one in zip(rows, whole, strict=True):
        assert same(row.value, one.value, 2)
        assert all(same(row.gradient[name], one.gradient[name], 4) for name in one.gradient)
    monkeypatch.setattr(batches, "CHUNK", 65_536)
    monkeypatch.setattr(batches, "CHUNK_ELEMENTS", chunk)
    assert [row.at for row in ask_grid(text, "x=-2:2:8,y=1:2:3", "v=[1,2]")] == [
        row.at for row in whole
    ]


@pytest.mark.parametrize("chunk", [3, 65_536])
def test_random_constants_are_the_same_at_every_point(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """A random constant is drawn once: the points of a grid are points of one function."""
    monkeypatch.setattr(batches, "CHUNK", chunk)
    expression = read("sum(x*randn(3))")
    grid = {"x": torch.linspace(1, 1, 8, dtype=torch.float64)}
    rows = list(gradients(expression, {}, grid, resolve(Settings(seed=5))))
    assert len({row.value for row in rows}) == 1
    assert all(row.gradient["x"] == pytest.approx(row.value) for row in rows)
    at = {"x": torch.tensor(1.0, dtype=torch.float64)}
    one = gradient(expression, at, resolve(Settings(seed=5)))
    assert rows[0].value == pytest.approx(one.value, rel=1e-14)


def test_values_over_a_grid() -> None:
    expression = read("[x**2, y]")
    grid = {name: torch.tensor([0.0, 2.0], dtype=torch.float64) for name in ("x", "y")}
    rows = list(evaluations(expression, {}, grid, CONTEXT))
    assert [row.value for row in rows] == [[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]]
    assert [row.at for row in rows][2] == {"x": 2.0, "y": 0.0}
    condition = list(evaluations(read("x > 1"), {}, {"x": grid["x"]}, CONTEXT))
    assert [row.value for row in condition] == [False, True]


def test_errors_over_a_grid_are_those_of_its_points() -> None:
    for text, at in (
        ("A @ x", "A=[[1,2],[3,4]]"),
        ("x > 1", ""),
        ("[x, 2*x]", ""),
        ("v + [x, 1, 2]", "v=[1,2]"),
    ):
        with pytest.raises(AgxError) as single:
            ask(text, f"{at},x=1" if at else "x=1")
        with pytest.raises(type(single.value)) as caught:
            ask_grid(text, "x=1:2:3", at)
        assert caught.value.message == single.value.message
        assert caught.value.hint == single.value.hint
        assert caught.value.span == single.value.span


def test_the_step_of_a_grid_that_is_not_used_is_said_at_every_row() -> None:
    rows = ask_grid("u = 2*x; x**2", "x=0:1:3")
    assert {row.warnings for row in rows} == {("the step 'u' is not used",)}


# Precision, devices, seeds ----------------------------------------------------------------------

ROUNDING = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "text",
    [
        "x**2 + y", "sin(x)*y", "exp(x)/y", "sqrt(x*y)", "log(x) + tanh(y)", "sigmoid(x)*y",
        "j0(x)*y", "gamma(x)*y", "cbrt(x) + y", "erf(x)*y", "x**y", "atan2(x, y)", "digamma(x)*y",
        "sum([x, y]**2)", "norm([x, y])", "softmax([x, y])[0]", "x*y > 1 and y > 0", "beta(x, y)",
        "where(x > y, x, y)*x", "1/3*x + y", "erfcx(x)*y", "hardsigmoid(x)*y", "zeta(1 + x, y)",
    ],
)  # fmt: skip
def test_every_dtype_is_right_to_its_rounding(dtype: str, text: str) -> None:
    context = resolve(Settings(dtype=dtype))
    text = text if ">" not in text or "where" in text else f"where({text}, x*y, x + y)"
    found = ask(text, "x=1.3,y=0.7", context)
    assert found.dtype == dtype
    at = found.at
    assert at["x"] == torch.tensor(1.3, dtype=context.dtype).item()
    exact_ = ask(text, f"x={at['x']!r},y={at['y']!r}")
    pairs = [(found.value, exact_.value)]
    pairs += [(found.gradient[name], exact_.gradient[name]) for name in "xy"]
    for got, truth in pairs:
        assert got == torch.tensor(got, dtype=context.dtype).item()
        assert abs(got - truth) <= 8 * ROUNDING[dtype] * max(abs(truth), 0.5), (got, truth)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_grids_in_every_dtype(dtype: str) -> None:
    context = resolve(Settings(dtype=dtype))
    rows = ask_grid("x**2*y + j0(x)", "x=0.25:2:4,y=1:2:2", context=context)
    assert len(rows) == 8
    for row in rows:
        one = ask("x**2*y + j0(x)", f"x={row.at['x']!r},y={row.at['y']!r}", context)
        assert row.dtype == dtype
        assert row.gradient["y"] == one.gradient["y"]
        assert row.gradient["x"] == pytest.approx(one.gradient["x"], rel=4 * ROUNDING[dtype])


def test_literals_are_those_of_the_dtype() -> None:
    context = resolve(Settings(dtype="float32"))
    found = ask("0.1*x + [0.1, 0.2][0]", "x=1", context)
    assert found.value == (torch.tensor(1.0) * 0.1 + torch.tensor([0.1, 0.2])[0]).item()
    assert ask("pi*x", "x=1", context).value == torch.tensor(math.pi).item()
    assert ask("2**0.5", "", context).value == torch.tensor(2**0.5).item()


def test_the_default_dtype_is_left_alone() -> None:
    before = torch.get_default_dtype()
    ask("x + 1", "x=2")
    with pytest.raises(AgxError):
        ask("inv(A)", "A=[[1,2],[2,4]]")
    assert torch.get_default_dtype() == before


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("text", ["det(A)", "sum(inv(A))", "sum(eigvalsh(A))"])
def test_what_a_half_type_has_not(dtype: str, text: str) -> None:
    """Where torch has the function there is its value; elsewhere it is said which dtype to take."""
    context = resolve(Settings(dtype=dtype))
    found = outcome(lambda: ask(text, "A=[[2,1],[1,3]]", context))
    matrix = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=context.dtype)
    call = getattr(torch.linalg, text.removeprefix("sum(").partition("(")[0])
    try:
        truth = call(matrix).sum().item()
    except (RuntimeError, NotImplementedError):
        assert isinstance(found, AgxError)
        assert found.exit_code == ExitCode.EVALUATION
        assert dtype in found.message
        assert "float64" in found.hint
    else:
        assert found.value == truth


def test_dtypes_by_other_names() -> None:
    for alias, name in {
        "double": "float64", "float": "float32", "half": "float16", "bf16": "bfloat16",
        "torch.float32": "float32",
    }.items():  # fmt: skip
        assert Settings.checked(dtype=alias).dtype == name
    with pytest.raises(UsageError, match="int64 has no derivatives") as caught:
        Settings.checked(dtype="int64")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="unknown dtype 'flot32'") as caught:
        Settings.checked(dtype="flot32")
    assert caught.value.hint == "did you mean 'float32'?"


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
@pytest.mark.parametrize("index", ["", ":0"])
def test_a_device_that_is_not_here(kind: str, index: str) -> None:
    if any(device.startswith(kind) for device in available_devices()):
        pytest.skip(f"{kind} is here")
    if kind == "mps" and index:
        with pytest.raises(UsageError, match="unknown device 'mps:0'"):
            Settings.checked(device="mps:0")
        return
    with pytest.raises(DeviceError) as caught:
        resolve(Settings.checked(device=kind + index, dtype="float32"))
    assert caught.value.message == (
        f"{kind} is not available in this torch; here: {', '.join(available_devices())}"
    )
    assert caught.value.hint == "leave --device out, or use --device auto"
    assert caught.value.exit_code == ExitCode.EVALUATION == 3


def test_devices_by_name() -> None:
    assert resolve(Settings.checked()).device == torch.device("cpu")
    assert available_devices()[0] == "cpu"
    if available_devices() == ["cpu"]:
        assert resolve(Settings.checked(device="auto")).device == torch.device("cpu")
    for name in ("gpu", "cudda", "cuda:x", "cpu:1", "", "meta"):
        with pytest.raises(UsageError, match=f"unknown device '{name}'") as caught:
            Settings.checked(device=name)
        assert caught.value.exit_code == ExitCode.USAGE == 2
    with pytest.raises(UsageError) as caught:
        Settings.checked(device="cudda")
    assert caught.value.hint == "did you mean 'cuda'?"


def test_a_seed_decides_all_random_numbers() -> None:
    def draw(seed: int, text: str = "A=randn(3,3),v=rand(4)", dtype: str = "float64") -> Any:
        values = point(read_values([text]), resolve(Settings(seed=seed, dtype=dtype)))
        return {name: value.tolist() for name, value in values.items()}

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert draw(1)["A"] == draw(1, "A=randn(3,3)")["A"]
    assert draw(0, "A=randn(2),B=randn(2)")["A"] != draw(0, "A=randn(2),B=randn(2)")["B"]
    single = [torch.tensor(x).item() for x in flat(draw(7)["A"])]
    assert flat(draw(7, dtype="float32")["A"]) == single
    state = torch.random.get_rng_state()
    draw(3)
    assert torch.equal(state, torch.random.get_rng_state())  # torch's own generator is not touched
    for seed in (-(2**63), 2**64 - 1):
        assert draw(Settings.checked(seed=seed).seed) == draw(seed)
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(UsageError, match="is beyond 64 bits"):
            Settings.checked(seed=seed)


# Values -----------------------------------------------------------------------------------------


def values_of(*texts: str) -> dict[str, Any]:
    return {name: x.tolist() for name, x in point(read_values(texts), CONTEXT).items()}


def test_values_as_text() -> None:
    assert values_of("x=2,y=-3.5e-8") == {"x": 2.0, "y": -3.5e-8}
    assert values_of("x=pi/4; y=2**10", "z=sqrt(4)") == {
        "x": math.pi / 4, "y": 1024.0, "z": 2.0,
    }  # fmt: skip
    assert values_of("v=[1,2,3],A=[[1,2],[3,4]]") == {
        "v": [1.0, 2.0, 3.0], "A": [[1.0, 2.0], [3.0, 4.0]],
    }  # fmt: skip
    assert values_of("I=eye(2),E=2,pi=3,lambda=4,N=ones(1,2)") == {
        "I": [[1.0, 0.0], [0.0, 1.0]], "E": 2.0, "pi": 3.0, "lambda": 4.0, "N": [[1.0, 1.0]],
    }  # fmt: skip
    assert values_of("x=inf,y=-oo") == {"x": math.inf, "y": -math.inf}
    assert math.isnan(values_of("x=nan")["x"])
    assert values_of("x = 1 ,\n y = [1,\n 2]") == {"x": 1.0, "y": [1.0, 2.0]}
    assert values_of("x=True") == {"x": 1.0}


def test_values_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    text = '{"x": 2, "v": [1, 2.5e-3, -4], "A": [[1, 2], [3, 4]], "t": "pi/4", "n": "NaN",'
    text += ' "p": "Infinity", "m": "-Infinity", "big": 1e308, "r": "randn(2)"}'
    file.write_text(text, encoding="utf-8")
    found = values_of(f"@{file}", "y=1")
    assert found["x"] == 2.0
    assert found["v"] == [1.0, 2.5e-3, -4.0]
    assert found["A"] == [[1.0, 2.0], [3.0, 4.0]]
    assert found["t"] == math.pi / 4
    assert math.isnan(found["n"])
    assert (found["p"], found["m"]) == (math.inf, -math.inf)
    assert found["big"] == 1e308
    assert len(found["r"]) == 2
    assert found["y"] == 1.0
    file.write_text(
        '{"x": NaN, "y": Infinity, "z": -Infinity, "v": [1, NaN]}', encoding="utf-8-sig"
    )
    found = values_of(f"@{file}")
    assert math.isnan(found["x"])
    assert (found["y"], found["z"]) == (math.inf, -math.inf)
    assert found["v"][0] == 1.0
    assert math.isnan(found["v"][1])


def machine_readable(value: Any) -> Any:
    """As in the JSON contract: what is not finite is a string."""
    if isinstance(value, list):
        return [machine_readable(part) for part in value]
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


@pytest.mark.parametrize(
    "at",
    [
        "x=0.1,v=[1e-300, 2**0.5, -0.0]",
        "x=nan,v=[1, 2]",
        "x=1,v=[nan, inf, -inf]",
        "x=5e-324,v=[[1.7976931348623157e308, 1/3], [0.1, -1e22]]",
    ],
)
def test_the_values_of_a_result_can_be_given_back(tmp_path: Path, at: str) -> None:
    found = ask("sum(v)*x", at)
    file = tmp_path / "at.json"
    record = {name: machine_readable(value) for name, value in found.at.items()}
    file.write_text(json.dumps(record), encoding="utf-8")
    again = values_of(f"@{file}")
    for name, value in found.at.items():
        assert list(map(repr, flat(again[name]))) == list(map(repr, flat(value)))


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"[1, 2]", ReadError, "holds no JSON object"),
        (b'{"x": 1', ReadError, "is not JSON"),
        (b"", ReadError, "is not JSON"),
        (b'{"x": {"y": 1}}', ReadError, "neither a number, a list of numbers nor an expression"),
        (b'{"x": null}', None, ""),
        (b'{"x": "2*"}', ReadError, "a value is missing"),
        (b'{"x": "y + 1"}', UnknownNameError, "'y' has no value here"),
        (b'{"x": [1, [2]]}', None, ""),
        (b"\xff\xfe{", FileError, "it is not UTF-8 text"),
        (b"[" * 100_000, ReadError, "is nested too deeply"),
        (b"{}", UsageError, "--at is empty"),
    ],
)
def test_files_that_are_no_values(
    tmp_path: Path, content: bytes, kind: type[AgxError] | None, message: str
) -> None:
    file = tmp_path / "values.json"
    file.write_bytes(content)
    if kind is None:
        with pytest.raises(AgxError):
            values_of(f"@{file}")
        return
    with pytest.raises(kind, match=message):
        values_of(f"@{file}")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file or directory") as caught:
        read_values([f"@{tmp_path / 'none.json'}"])
    assert caught.value.exit_code == 3
    with pytest.raises(FileError, match="Is a directory"):
        read_values([f"@{tmp_path}"])


# Errors -----------------------------------------------------------------------------------------


def failure(call: Callable[[], Any]) -> tuple[str, str, str, str | None]:
    """What kind of error, what it says, its hint, and the text under its carets."""
    with pytest.raises(AgxError) as caught:
        call()
    error = caught.value
    place = None
    if error.span is not None:
        assert error.source is not None
        place = error.source[error.span.start : error.span.end]
    return type(error).__name__, error.message, error.hint, place


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("x + y", "x=1", ("UnknownNameError", "no value for 'y'", "add --at y=…", "y")),
        ("x*y*z", "y=1", ("UnknownNameError", "no value for 'x'", "add --at x=…,z=…", "x")),
        (
            "x**2",
            "x=1,y=2",
            ("UnknownNameError", "no 'y' in the expression, but in --at", "its variables: x", None),
        ),
        (
            "alpha**2",
            "alpha=1,alhpa=2",
            (
                "UnknownNameError",
                "no 'alhpa' in the expression, but in --at",
                "did you mean 'alpha'?",
                None,
            ),
        ),
        (
            "x",
            "x=1,x=2",
            ("UsageError", "'x' is given twice in --at", "give every variable one value", "x"),
        ),
        (
            "x",
            "x=y",
            (
                "UnknownNameError",
                "'y' has no value here: what --at assigns are constants",
                "for example x=2, x=pi/4, v=[1, 2, 3], A=randn(3, 3)",
                "y",
            ),
        ),
        ("x", "2", ("ReadError", "a value is written NAME=VALUE", "for example x=2,y=pi/4", "2")),
        (
            "[x, 2*x]",
            "x=1",
            (
                "ShapeError",
                "grad needs one output, and this is a vector of 2",
                "use agx jacobian, sum(…), or weigh the outputs with --grad-output",
                "[x, 2*x]",
            ),
        ),
        (
            "x > 1",
            "x=1",
            (
                "DerivativeError",
                "a condition has no derivative",
                "where(condition, a, b) chooses between two values",
                "x > 1",
            ),
        ),
        (
            "A @ x",
            "A=[[1,2,3],[4,5,6]],x=[1,2]",
            ("ShapeError", "@: the shapes do not fit: A is 2×3, x is a vector of 2", None, "A @ x"),
        ),
        (
            "x[5] + 1",
            "x=[1,2]",
            (
                "ShapeError",
                "index 5 is out of range: x has 2 elements",
                "indices go from 0 to 1, or from -2 to -1",
                "x[5]",
            ),
        ),
        (
            "1/0 + x",
            "x=1",
            ("EvaluationError", "division by zero", "for an infinite value write inf", "1/0"),
        ),
        ("sqrt(inv(A)[0,0])", "A=[[1,2],[2,4]]", ("DomainError", None, None, "inv(A)")),
    ],
)
def test_errors_to_the_letter(text: str, at: str, expected: tuple[str | None, ...]) -> None:
    found = failure(lambda: ask(text, at))
    assert tuple(f if e is not None else None for f, e in zip(found, expected, strict=True)) == (
        *expected[:3],
        expected[3],
    )


@pytest.mark.parametrize(
    ("text", "at", "request_", "kind", "message"),
    [
        ("x", "x=1", {"order": 0}, UsageError, "the order is at least 1, not 0"),
        ("x", "x=1", {"order": -3}, UsageError, "the order is at least 1, not -3"),
        ("x", "x=1", {"wrt": "y"}, UnknownNameError, "no 'y' in the expression, but in --wrt"),
        ("x", "x=1", {"wrt": "x,x"}, UsageError, "a variable is given twice in --wrt"),
        ("x", "x=1", {"wrt": "x,"}, UsageError, "--wrt is a list of variables"),
        ("x", "x=1", {"wrt": ""}, UsageError, "--wrt is a list of variables"),
        ("x", "x=1", {"partial": "y"}, UnknownNameError,
         "no 'y' in the expression, but in --partial"),
        ("x", "x=1", {"partial": ""}, UsageError, "--partial '' is not a list of variables"),
        ("x", "x=1", {"partial": "x,"}, UsageError, "--partial 'x,' is not a list of variables"),
        ("x", "x=1", {"partial": "x[0"}, UsageError, "--partial 'x[0' is not a list of variables"),
        ("v[0]", "v=[1,2]", {"partial": "v"}, ShapeError,
         "--partial: v is no element: 'v' is a vector of 2"),
        ("v[0]", "v=[1,2]", {"partial": "v[2]"}, ShapeError,
         "--partial: v[2] is no element: 'v' is a vector of 2"),
        ("x", "x=1", {"partial": "x[0]"}, ShapeError,
         "--partial: x[0] is no element: 'x' is a number"),
        ("sum(A)", "A=[[1,2],[3,4]]", {"partial": "A[0]"}, ShapeError,
         "--partial: A[0] is no element: 'A' is 2×2"),
        ("x", "x=1", {"along": "y=1"}, UnknownNameError,
         "no 'y' in the expression, but in --along"),
        ("x", "x=1", {"along": "x=[1,2]"}, ShapeError,
         "--along gives 'x' a vector of 2, but it is a number"),
        ("sum(v)", "v=[1,2]", {"along": "v=1"}, ShapeError,
         "--along gives 'v' a number, but it is a vector of 2"),
        ("x", "x=1", {"along": "x=y"}, UnknownNameError,
         "'y' has no value here: what --along assigns are constants"),
        ("x", "x=1", {"along": ""}, UsageError, "--along is empty"),
        ("[x, x]", "x=1", {"grad_output": "1,2,3"}, ShapeError,
         "--grad-output is a vector of 3, but the output is a vector of 2"),
        ("x", "x=1", {"grad_output": "1,2"}, ShapeError,
         "--grad-output is a vector of 2, but the output is a number"),
        ("[x, x]", "x=1", {"grad_output": "1"}, ShapeError,
         "--grad-output is a number, but the output is a vector of 2"),
        ("[x, x]", "x=1", {"grad_output": "y,1"}, UsageError, "--grad-output is made of constants"),
        ("x", "x=1", {"partial": "x", "order": 2}, UsageError,
         "--partial and --order exclude each other"),
        ("x", "x=1", {"partial": "x", "along": "x=1"}, UsageError,
         "--partial and --along exclude each other"),
        ("x", "x=1", {"wrt": "x", "along": "x=1"}, UsageError,
         "--along and --wrt exclude each other"),
        ("x", "x=1", {"partial": "x", "wrt": "x"}, UsageError,
         "--partial and --wrt exclude each other"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_met(
    text: str, at: str, request_: dict[str, Any], kind: type[AgxError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        ask(text, at, **request_)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("grid", "kind", "message"),
    [
        ("x=0:1:0", UsageError, "a grid of zero points"),
        ("x=0:1:-2", ReadError, "the number of points is a whole number"),
        ("x=0:1:2.5", ReadError, "the number of points is a whole number"),
        ("x=0", ReadError, "an axis is written NAME=START:STOP:COUNT"),
        ("x=0:1:2:3", ReadError, "an axis is written NAME=START:STOP:COUNT"),
        ("0:1:2", ReadError, "an axis is written NAME=START:STOP:COUNT"),
        ("x=0:1:2,x=0:1:3", UsageError, "'x' is given twice in --grid"),
        ("x=0:y:2", UnknownNameError, "'y' has no value here: what --grid assigns are constants"),
        ("x=0:1:100000,y=0:1:100000", UsageError, "the grid has more than 100,000,000 points"),
        ("x=[0,1]:1:3", ShapeError, "the ends of an axis are numbers"),
    ],
)
def test_grids_that_are_none(grid: str, kind: type[AgxError], message: str) -> None:
    with pytest.raises(kind) as caught:
        ask_grid("x*y", grid, "y=1")
    assert caught.value.message == message


@pytest.mark.parametrize(
    "name",
    [
        row.name
        for row in FUNCTIONS.values()
        if row.elementwise and not row.name.startswith("logical")
    ],
)
def test_a_gradient_that_torch_has_not_names_the_function(name: str) -> None:
    """Whatever torch cannot differentiate (again), the error says which function it is."""
    row = FUNCTIONS[name]
    names = [operand.name for operand in row.operands]
    options = [f"{option.name}=2" for option in row.options if option.default is None]
    numbers = {"where": (True, 2.0, 3.0), "clamp": (1.5, 1.0, 2.0)}.get(name, (0.3, 1.7))
    expression = read(f"{name}({', '.join([f'{n}={n}' for n in names] + options)})")
    at = {n: CONTEXT.tensor(v) for n, v in zip(names, numbers, strict=False)}
    for order, wrt in itertools.product((1, 2, 3), names):
        if at[wrt].dtype == torch.bool:
            continue
        request = DerivativeRequest(wrt=(wrt,), order=order)
        found = outcome(functools.partial(gradient, expression, at, CONTEXT, request))
        if isinstance(found, AgxError):
            assert isinstance(found, DerivativeError)
            assert found.message == "a condition has no derivative" or name in found.message
            assert found.span is not None


SHAPES = {"number": (), "vector": (3,), "square": (3, 3), "matrix": (2, 3)}


@pytest.mark.parametrize(
    "name", [row.name for row in FUNCTIONS.values() if row.family != "constructor"]
)
def test_only_our_own_errors_leave(name: str) -> None:
    """Every function of operands of every shape: a result, or an error in our words."""
    row = FUNCTIONS[name]
    names = [operand.name for operand in row.operands]
    options = [f"{option.name}=2" for option in row.options if option.default is None]
    arguments = [f"{n}={n} > 0.5" if n == "condition" else f"{n}={n}" for n in names]
    expression = read(f"{name}({', '.join(arguments + options)})")
    generator = torch.Generator().manual_seed(1)
    for shapes in itertools.product(SHAPES.values(), repeat=min(len(names), 2)):
        shapes += ((),) * (len(names) - len(shapes))
        at = {
            n: torch.rand(shape, dtype=torch.float64, generator=generator)
            for n, shape in zip(names, shapes, strict=True)
        }
        value = outcome(functools.partial(evaluation, expression, at, CONTEXT))
        if isinstance(value, AgxError):
            assert in_our_words(value)
            continue
        weights = read(repr(torch.ones_like(torch.tensor(value.value)).tolist()))
        last = Component(names[-1], (0,) * at[names[-1]].dim())
        for request in (
            DerivativeRequest(grad_output=weights),
            DerivativeRequest(grad_output=weights, order=2),
            DerivativeRequest(grad_output=weights, partial=(last, last)),
        ):
            found = outcome(functools.partial(gradient, expression, at, CONTEXT, request))
            if isinstance(found, AgxError):
                assert in_our_words(found)
            else:
                shapes_found = {n: torch.tensor(v).shape for n, v in found.gradient.items()}
                assert request.partial or shapes_found == {n: at[n].shape for n in names}


def in_our_words(error: AgxError) -> bool:
    """Not those that torch has for programmers."""
    foreign = ("Tensor", "torch.", "aten::", ".cpp", "at::", "Double", "Scalar", "\n")
    assert not [word for word in foreign if word in error.message + error.hint], vars(error)
    return error.span is not None


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("x > 1", True),
        ("gammainc(x, 2)", float(mpmath.gammainc(1.5, 0, 2, regularized=True))),
        ("[x, x > 0]", [1.5, 1.0]),
    ],
)
def test_the_value_needs_no_derivative(text: str, truth: object) -> None:
    found = evaluation(read(text), {"x": torch.tensor(1.5, dtype=torch.float64)}, CONTEXT)
    assert found.value == (pytest.approx(truth, rel=1e-15) if isinstance(truth, float) else truth)


def test_long_and_deep_expressions() -> None:
    terms = 3000
    found = ask("+".join(["x*y"] * terms), "x=2,y=3")
    assert found.gradient == {"x": 3.0 * terms, "y": 2.0 * terms}
    steps = "; ".join(f"u{i} = u{i - 1}*x" for i in range(1, 200))
    assert ask(f"u0 = x; {steps}; u199", "x=1").gradient == {"x": 200.0}
    deep = "sin(" * 150 + "x" + ")" * 150
    slope = ask(deep, "x=1").gradient["x"]
    value, truth = 1.0, 1.0
    for _ in range(150):
        value, truth = math.sin(value), truth * math.cos(value)
    assert slope == pytest.approx(truth, rel=1e-12)


def test_points_are_not_changed() -> None:
    at = {"x": torch.tensor([1.0, 2.0], dtype=torch.float64)}
    expression = read("sum(x**2)")
    first = gradient(expression, at, CONTEXT)
    assert gradient(expression, at, CONTEXT) == first
    assert not at["x"].requires_grad
    assert at["x"].grad is None


def test_results_are_plain_numbers() -> None:
    found = ask("sum(A)*x", "A=[[1,2],[3,4]],x=2")

    def kinds(value: Any) -> set[type]:
        items: Sequence[Any] = list(value.values()) if isinstance(value, Mapping) else [value]
        return {type(x) for item in items for x in flat(item)}

    assert kinds(found.gradient) | kinds(found.at) | kinds(found.value) == {float}
    json.dumps(found.to_dict())
