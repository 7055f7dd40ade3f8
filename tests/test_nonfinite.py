"""Why a result is not finite: the sub-expression that is named is the one that did it."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import pytest
import torch

from autograd_cli.engine.core import batches
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import axis, evaluation, gradient, gradients, point
from autograd_cli.language.points import read_grid, read_values
from autograd_cli.language.reader import read
from autograd_cli.language.request import read_request
from autograd_cli.results import Gradient
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())


def ask(text: str, at: str, **request: Any) -> Gradient:
    expression, values = read(text), read_values([at]) if at else {}
    return gradient(
        expression, point(values, CONTEXT), CONTEXT, read_request(expression, **request)
    )


def said(text: str, at: str, **request: Any) -> str:
    """The one warning of a result."""
    (warning,) = ask(text, at, **request).warnings
    return warning


def culprit(warning: str) -> str:
    """The sub-expression that a warning names."""
    match = re.search(r"going backward through (.*?), the derivative by ", warning)
    match = match or re.search(r"^the value is \S+: (.*?) is (?:nan|-?inf)(?: |$)", warning)
    assert match is not None, warning
    return match[1]


# The classics -----------------------------------------------------------------------------------


def test_the_branch_that_is_not_taken() -> None:
    found = ask("where(x>0, sqrt(x), 0*x)", "x=0")
    assert found.value == 0.0
    assert math.isnan(found.gradient["x"])
    assert found.warnings == (
        "the gradient is nan: going backward through sqrt(x), the derivative by x is inf at 0,"
        " and inf times the gradient 0 from above is nan; where() computes the branch not taken as"
        " well, so give it a safe operand: replace x inside it by where(x>0, x, 1)",
    )
    cured = ask("where(x>0, sqrt(where(x>0, x, 1)), 0*x)", "x=0")
    assert (cured.gradient, cured.warnings) == ({"x": 0.0}, ())


@pytest.mark.parametrize(
    ("text", "at", "warning"),
    [
        (
            "log(x)", "x=0",
            "the value is -inf: log(x) is -inf at x = 0 (log is differentiable where x > 0)",
        ),
        (
            "log(x)", "x=-1",
            "the value is nan: log(x) is nan at x = -1 (log is differentiable where x > 0)",
        ),
        (
            "sqrt(x)", "x=-4",
            "the value is nan: sqrt(x) is nan at x = -4 (sqrt is differentiable where x > 0)",
        ),
        (
            "x/y", "x=0,y=0",
            "the value is nan: x/y is nan at x = 0, y = 0"
            " (a division by zero: keep the divisor away from 0)",
        ),
        (
            "x/y", "x=1,y=0",
            "the value is inf: x/y is inf at x = 1, y = 0"
            " (a division by zero: keep the divisor away from 0)",
        ),
        (
            "-1/x", "x=0",
            "the value is -inf: -1/x is -inf at x = 0"
            " (a division by zero: keep the divisor away from 0)",
        ),
        (
            "exp(x)", "x=1000",
            "the value is inf: exp(x) is inf at x = 1000 (exp overflows: work with the logarithm"
            " (logsumexp, log_softmax, softplus, logaddexp))",
        ),
        (
            "x*y", "x=1e200,y=-1e200",
            "the value is -inf: x*y is -inf at x = 1e+200, y = -1e+200"
            " (the product is beyond the range of the dtype: scale the factors)",
        ),
        (
            "sqrt(x)", "x=0",
            "the gradient is inf: going backward through sqrt(x), the derivative by x is inf at 0:"
            " the slope is infinite there",
        ),
        (
            "x**0.5", "x=0",
            "the gradient is inf: going backward through x**0.5, the derivative by x is inf at 0:"
            " the slope is infinite there",
        ),
        (
            "acos(x)", "x=1",
            "the gradient is -inf: going backward through acos(x), the derivative by x is -inf"
            " at 1: the slope is infinite there",
        ),
        (
            "y*sqrt(x)", "x=0,y=0",
            "the gradient is nan: going backward through sqrt(x), the derivative by x is inf at 0,"
            " and inf times the gradient 0 from above is nan",
        ),
        ("x - y", "x=inf,y=inf", "the value is nan: x is inf"),
        ("x", "x=nan", "the value is nan: x is nan"),
        ("2*x + y", "x=1,y=-inf", "the value is -inf: y is -inf"),
        ("x + nan", "x=1", "the value is nan: nan stands in the expression"),
        ("x**0.5*0+inf", "x=1", "the value is inf: inf stands in the expression"),
        ("oo*x", "x=1", "the value is inf: oo is inf"),
        (
            "log(0) + x",
            "x=1",
            "the value is -inf: log(0) is -inf (log is differentiable where x > 0)",
        ),
    ],
)  # fmt: skip
def test_what_is_said(text: str, at: str, warning: str) -> None:
    assert said(text, at) == warning


@pytest.mark.parametrize(
    ("text", "at", "named"),
    [
        ("u = log(x); w = 2*u; w + 1", "x=0", "log(x)"),
        ("u = x - x; v = sqrt(u); v + v", "x=1", "sqrt(u)"),
        ("x*log(x)", "x=0", "log(x)"),
        ("log(sum(exp(v)))", "v=[1000, 1]", "exp(v)"),
        ("sin(x)/x", "x=0", "sin(x)/x"),
        ("1 + x/x", "x=0", "x/x"),
        ("(x**2 - 1)/(x - 1)", "x=1", "(x**2 - 1)/(x - 1)"),
        ("where(x > 0, x, log(x))", "x=-1", "log(x)"),
        ("sqrt(sqrt(x))", "x=0", "sqrt(sqrt(x))"),
        ("exp(-1/x**2)", "x=0", "-1/x**2"),
        ("1/(1/x)", "x=0", "1/x"),
        ("where(x > 0, log(x), 0)", "x=0", "log(x)"),
        ("where(x > 0, 1/x, 0)", "x=0", "1/x"),
        ("sqrt(x**2)", "x=0", "sqrt(x**2)"),
        ("hypot(x, y)", "x=0,y=0", "hypot(x, y)"),
        ("abs(x)**0.5", "x=0", "abs(x)**0.5"),
        ("cbrt(x)", "x=0", "cbrt(x)"),
        ("asin(y)*x", "x=2,y=1", "asin(y)"),
        ("x**y", "x=-1,y=0.5", "x**y"),
        ("digamma(x)", "x=-1", "digamma(x)"),
        ("det(inv(A))", "A=[[1e-200,0],[0,1e-200]]", "det(inv(A))"),
        ("√x", "x=0", "√x"),
    ],
)
def test_who_is_named(text: str, at: str, named: str) -> None:
    assert culprit(said(text, at)) == named


@pytest.mark.parametrize(
    ("text", "at", "value", "slopes"),
    [
        ("norm(v)", "v=[0,0]", 0.0, {"v": [0.0, 0.0]}),
        ("x**1.5", "x=0", 0.0, {"x": 0.0}),
        ("x**y", "x=0,y=0", 1.0, {"x": 0.0, "y": 0.0}),
        ("abs(x)", "x=0", 0.0, {"x": 0.0}),
        ("xlogy(x, y)", "x=0,y=1", 0.0, {"x": 0.0, "y": 0.0}),
        ("std(v)", "v=[2,2]", 0.0, {"v": [0.0, 0.0]}),
        ("softmax([x, -inf])[0]", "x=1", 1.0, {"x": 0.0}),
        ("where(x > 0, x, inf)", "x=1", 1.0, {"x": 1.0}),
        ("min(x, oo)", "x=3", 3.0, {"x": 1.0}),
        ("clamp(x, -inf, inf)", "x=3", 3.0, {"x": 1.0}),
        ("atan(x)", "x=inf", math.pi / 2, {"x": 0.0}),
        ("exp(-x)", "x=800", 0.0, {"x": -0.0}),
        ("sinc(x)", "x=0", 1.0, {"x": 0.0}),
    ],
)
def test_nothing_is_said_of_what_is_finite(
    text: str, at: str, value: float, slopes: dict[str, Any]
) -> None:
    found = ask(text, at)
    assert found.value == value
    assert found.gradient == slopes
    assert found.warnings == ()


def test_the_angle_of_the_origin() -> None:
    found = ask("atan2(y, x)", "x=0,y=0")
    assert found.value == 0.0
    finite = all(math.isfinite(slope) for slope in found.gradient.values())
    assert bool(found.warnings) == (not finite)


# Vectors ----------------------------------------------------------------------------------------


def test_one_element_of_a_vector() -> None:
    assert said("sum(log(v))", "v=[1, 0, 2]") == (
        "the value is -inf: log(v) is -inf at v = 0 (log is differentiable where x > 0)"
    )
    assert said("sum(sqrt(v))", "v=[4, 0, 1]") == (
        "the gradient is inf: going backward through sqrt(v), the derivative by v is inf at 0:"
        " the slope is infinite there"
    )
    assert ask("sum(sqrt(v))", "v=[4, 0, 1]").gradient == {"v": [0.25, math.inf, 0.5]}
    assert "at A = -3 " in said("sum(sqrt(A))", "A=[[1, 4], [9, -3]]")
    assert "at v = 1, w = 0 " in said("sum(v/w)", "v=[5, 1, 2], w=[1, 0, 4]")
    assert "at v = 3, s = 0 " in said("sum(v/s)", "v=[3, 1], s=0")
    assert said("sum(v)", "v=[1, nan, 2]") == "the value is nan: v is nan"
    assert said("v @ [1, 1]", "v=[inf, -inf]") == "the value is nan: v is inf"
    assert culprit(said("[x, sqrt(x)]", "x=0", grad_output="1,0")) == "sqrt(x)"
    assert culprit(said("prod(v)/v[0]", "v=[0, 1]")) == "prod(v)/v[0]"


def test_no_innocent_element_is_named() -> None:
    """An element is named only if it belongs to the element of the result that is not finite."""
    for text, at, innocent in (
        ("prod(v)", "v=[1, 1e200, 1e200]", "v = 1"),
        ("sum(c**A)", "c=[[-1], [2]], A=[[1, 0.5], [1, 1]]", "c = 2"),
        ("sum(A @ v)", "A=[[1, 1], [1e200, 1]], v=[1e200, 1]", "A = 1"),
    ):
        assert not re.search(rf"{innocent}(?![\de])", said(text, at))


def test_what_an_element_that_is_not_used_is() -> None:
    assert ask("v[0]", "v=[1, nan]").warnings == ()
    assert ask("v[0]**2", "v=[1, inf]").gradient == {"v": [2.0, 0.0]}


# What is asked ----------------------------------------------------------------------------------


def test_only_what_is_differentiated_counts() -> None:
    assert ask("sqrt(x)*y", "x=0,y=1", wrt="y").warnings == ()
    assert ask("sqrt(x)*y", "x=0,y=1", partial="y").warnings == ()
    assert ask("sqrt(x)*y", "x=0,y=1", along="y=2").warnings == ()
    assert culprit(said("sqrt(x)*y", "x=0,y=1", wrt="x")) == "sqrt(x)"
    assert culprit(said("sqrt(x)*y", "x=0,y=1", partial="x")) == "sqrt(x)"
    assert culprit(said("sqrt(x)*y", "x=0,y=1", along="x=1")) == "sqrt(x)"


@pytest.mark.parametrize(
    ("text", "request_", "named"),
    [
        ("sqrt(x)", {"order": 2}, "sqrt(x)"),
        ("1 + 2*x**1.5", {"order": 2}, "x**1.5"),
        ("1 + 2*x**1.5", {"partial": "x,x"}, "x**1.5"),
        ("1 + 2*x**1.5", {"along": "x=3", "order": 2}, "x**1.5"),
        ("sin(x)**2.5 + x", {"order": 3}, "sin(x)**2.5"),
        ("norm([x, 0])", {"order": 2}, "norm([x, 0])"),
    ],
)
def test_higher_orders(text: str, request_: dict[str, Any], named: str) -> None:
    """The value and the gradient are finite, the derivative of a higher order is not."""
    found = ask(text, "x=0", **request_)
    assert not all(math.isfinite(number) for number in found.gradient.values())
    (warning,) = found.warnings
    assert named in warning


def test_values_alone() -> None:
    at = point(read_values(["x=0"]), CONTEXT)
    assert evaluation(read("1 + log(x)"), at, CONTEXT).warnings == (
        "the value is -inf: log(x) is -inf at x = 0 (log is differentiable where x > 0)",
    )
    assert evaluation(read("sqrt(x)"), at, CONTEXT).warnings == ()


def test_other_warnings_come_first() -> None:
    found = ask("u = 2*x; log(x)", "x=0")
    assert found.warnings[0] == "the step 'u' is not used"
    assert len(found.warnings) == 2


def test_torch_does_not_warn_by_itself() -> None:
    """What torch would print to stderr is ours to say. (Warnings are errors in these tests.)"""
    assert culprit(said("std(v)", "v=[2]")) == "std(v)"
    assert culprit(said("var(v)", "v=[2]")) == "var(v)"
    assert ask("mse_loss(v, 0)", "v=[2, 4]").gradient == {"v": [2.0, 4.0]}


def test_long_culprits_are_shortened() -> None:
    inner = "+".join(["x - x"] * 30)
    warning = said(f"log({inner}) + 1", "x=1")
    assert len(warning) < 250
    assert culprit(warning).startswith("log(x - x+x - x")
    assert culprit(warning).endswith("…")


# Grids ------------------------------------------------------------------------------------------


def rows(text: str, grid: str, **request: Any) -> list[Gradient]:
    expression, axes = read(text), read_grid(grid)
    coordinates = {one.name: axis(one, CONTEXT) for one in axes}
    return list(
        gradients(expression, {}, coordinates, CONTEXT, read_request(expression, **request))
    )


def test_bad_points_of_a_grid() -> None:
    found = rows("log(x) + sqrt(y)", "x=0:2:3,y=0:1:2")
    single = [ask("log(x) + sqrt(y)", f"x={row.at['x']},y={row.at['y']}").warnings for row in found]
    assert [row.warnings for row in found] == single
    assert [bool(row.warnings) for row in found] == [True, True, True, False, True, False]
    assert culprit(found[0].warnings[0]) == "log(x)"
    assert culprit(found[2].warnings[0]) == "sqrt(y)"


@pytest.mark.parametrize("chunk", [4, 65_536])
def test_only_some_bad_points_are_explained(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(batches, "CHUNK", chunk)
    found = rows("log(-x)", "x=1:20:20")
    assert all(math.isnan(row.value) for row in found)
    assert [len(row.warnings) for row in found] == [1] * 5 + [0] * 15


def test_bad_second_derivatives_of_a_grid() -> None:
    found = rows("x**1.5", "x=0:1:3", order=2)
    assert [bool(row.warnings) for row in found] == [True, False, False]


# Random expressions with a planted fault ----------------------------------------------------------

# The variables are 1.25, 0.75 and 2.5: what stands here has an infinite or undefined value there,
# or a finite value and an infinite slope.
BAD_VALUES = [
    "log(x - x)", "(x - x)/(y - y)", "1/(z - z)", "exp(1000*z)", "sqrt(-x)", "acos(1 + y)",
    "(-x)**0.5", "log(-z)", "x/(z - 2*x)", "log1p(-x)", "atanh(z)", "rsqrt(y - y)", "lgamma(x - x)",
    "acosh(y)", "gamma(100*z)", "xlogy(z, -y)", "x % (y - y)", "log(y, -z)", "reciprocal(x - x)",
    "cosh(1000*x)", "(10**200*x)*(10**200)",
]  # fmt: skip
BAD_SLOPES = [
    "sqrt(x - x)", "(x - x)**0.5", "cbrt(y - y)", "asin(x/x)", "acos(z/z)", "sqrt(z - 2*x)",
    "acosh(y/y)", "hypot(x - x, y - y)", "(z - z)**(1/3)", "norm([x - x, y - y], 0.5)",
]  # fmt: skip


def wrapped(draw: random.Random, planted: str, depth: int) -> str:
    """`planted` inside `depth` finite operations that keep what is not finite."""
    text = f"({planted})"
    for _ in range(depth):
        other = finite(draw, draw.randint(0, 2))
        text = draw.choice(
            [
                f"sin({text})", f"cos({text})", f"({text} + {other})", f"({other} - {text})",
                f"({text}*{other})", f"({other}*{text})", f"(1 + {text}**2)", f"(-{text})",
                f"({text}/{other})", f"sum([{other}, {text}])", f"prod([{text}, {other}])",
                f"[{text}, {other}][0]", f"max({text}, {text})", f"where(x > 0, {text}, {other})",
            ]
        )  # fmt: skip
    return text


def finite(draw: random.Random, depth: int) -> str:
    """A random expression between 0.01 and 100 or so at the point, with a finite slope."""
    if depth == 0:
        return draw.choice(["x", "y", "z", "1.5", "3"])
    inner = finite(draw, depth - 1)
    return draw.choice(
        [
            f"(2 + sin({inner}))", f"exp(sin({inner}))", f"log(2 + {inner})", f"sqrt(1 + {inner})",
            f"({inner}*{finite(draw, 0)})", f"({inner} + {finite(draw, 0)})", f"cosh(cos({inner}))",
        ]
    )  # fmt: skip


POINT = "x=1.25,y=0.75,z=2.5"


@pytest.mark.parametrize("seed", range(100))
def test_a_planted_fault_of_the_value_is_found(seed: int) -> None:
    draw = random.Random(seed)
    planted = draw.choice(BAD_VALUES)
    text = wrapped(draw, planted, draw.randint(0, 8))
    found = ask_some(text)
    assert not math.isfinite(found.value)
    assert [culprit(warning) for warning in found.warnings] == [planted], text


@pytest.mark.parametrize("seed", range(100))
def test_a_planted_fault_of_the_slope_is_found(seed: int) -> None:
    draw = random.Random(1000 + seed)
    planted = draw.choice(BAD_SLOPES)
    text = wrapped(draw, planted, draw.randint(0, 8))
    found = ask_some(text)
    assert math.isfinite(found.value)
    if all(math.isfinite(slope) for slope in found.gradient.values()):
        assert found.warnings == ()  # its slope is 0/0 = 0 by torch's convention
        return
    assert [culprit(warning) for warning in found.warnings] == [planted], text


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_said_of_random_finite_expressions(seed: int) -> None:
    draw = random.Random(2000 + seed)
    text = wrapped(draw, finite(draw, 3), draw.randint(0, 6))
    found = ask_some(text)
    assert math.isfinite(found.value)
    assert found.warnings == ()


@pytest.mark.parametrize("seed", range(30))
def test_named_steps_change_nothing(seed: int) -> None:
    draw = random.Random(3000 + seed)
    planted = draw.choice(BAD_VALUES + BAD_SLOPES)
    depth = draw.randint(1, 5)
    text = wrapped(draw, "planted", depth)
    direct = ask_some(text.replace("planted", planted))
    by_step = ask_some(f"planted = {planted}; {text}")
    assert [culprit(warning) for warning in by_step.warnings] == [
        culprit(warning) for warning in direct.warnings
    ]


def ask_some(text: str) -> Gradient:
    """The gradient by the variables that the text has."""
    names = [part for part in POINT.split(",") if part[0] in read(text).variables]
    return ask(text, ",".join(names))


def test_a_planted_fault_in_every_dtype() -> None:
    for dtype in ("float64", "float32", "bfloat16"):
        context = resolve(Settings(dtype=dtype))
        at = {"x": torch.tensor(0.0, dtype=context.dtype)}
        found = gradient(read("2*sqrt(x) + 1"), at, context)
        assert [culprit(warning) for warning in found.warnings] == ["sqrt(x)"]
