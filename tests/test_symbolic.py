"""The symbolic engine against SymPy's own reader, against torch, and against its limits."""

from __future__ import annotations

import importlib
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sympy
import torch

import autograd_cli
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.latex_symbols import symbol_latex
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic import TIME, Answer, Worker, _end
from autograd_cli.language.symbolic.arrays import RULES
from autograd_cli.language.symbolic.bridge import apply, leaves, to_sympy
from autograd_cli.language.symbolic.calculus import (
    differentiate,
    presentable,
    rules_of_autograd,
)
from autograd_cli.language.symbolic.forms import (
    Array,
    NoClosedForm,
    items_of,
    number,
    shape_of,
)
from autograd_cli.language.symbolic.gradients import gradient
from autograd_cli.language.symbolic.printing import latex, text
from autograd_cli.language.symbolic.typeset import typeset

ROOT = Path(autograd_cli.__file__).parents[1]


@pytest.fixture
def rules() -> Iterator[None]:
    with rules_of_autograd():
        yield


# What agx reads, SymPy reads the same -----------------------------------------------------------

SAME_AS_SYMPY = """
x
2
0.1
1e-3*x
-3
x + y
x - x
x*x
x/y/z
x**2 + 2*x*y + y**2
-x**2
2**3**2
1/3
1/3*x
x**(1/2)
x**0.5
2*(x + y)
(x + y)*(x - y)
x**-1
(-x)**2
pi*x**2
E**x
exp(1)
oo
sqrt(x**2)
sqrt(2)/2
sin(x)**2 + cos(x)**2
sin(pi/3)
tan(x)*sec(x) + csc(x)*cot(x)
asin(x) + acos(x) + atan(x) + atan2(y, x)
sinh(x) + cosh(x) + tanh(x)
asinh(x) + acosh(x) + atanh(x)
log(x)
ln(x)
log(x, 2)
log(8, 2)
exp(log(x))
Abs(x)
abs(x - y)
sign(x)
floor(x) + ceiling(x)
Mod(x, 3)
x % y
x // y
Max(x, y, 2)
Min(x, y)
Heaviside(x)
Heaviside(x, 0)
Piecewise((1, x > 0), (0, True))
Piecewise((x, x > 1), (x**2, x > 0), (0, True))
Piecewise((x, x >= 1), (-x, x <= -1))
erf(x) + erfc(x) + erfinv(x)
gamma(x)
loggamma(x)
digamma(x)
polygamma(1, x)
beta(x, y)
zeta(x)
factorial(x)
factorial(5)
x > 0
x <= y
(x > 0) & (y > 0)
(x > 0) | (y > 0)
~(x > 0)
exp(-(x - y)**2/(2*z**2))/sqrt(2*pi*z**2)
1/(1 + exp(-x))
100*(y - x**2)**2 + (1 - x)**2
""".strip().splitlines()


@pytest.mark.parametrize("source", SAME_AS_SYMPY)
def test_the_bridge_builds_what_sympy_reads(source: str) -> None:
    names = {name: sympy.Symbol(name, real=True) for name in ("x", "y", "z")}
    assert to_sympy(read(source), {}) == sympy.sympify(source, locals=names)


@pytest.mark.parametrize(
    ("source", "equal"),
    [
        ("x^2", "x**2"),
        ("x² + x⁻¹", "x**2 + 1/x"),
        ("π*r", "pi*r"),
        ("u = x**2; v = sin(u); v + u", "sin(x**2) + x**2"),
        ("where(x > 0, x, 0)", "Piecewise((x, x > 0), (0, True))"),
        ("(x > 0)*y", "y*Piecewise((1, x > 0), (0, True))"),
        ("clamp(x, 0, 1)", "Min(Max(x, 0), 1)"),
        ("clamp(x, max=1)", "Min(x, 1)"),
        ("sigmoid(x)", "1/(1 + exp(-x))"),
        ("leaky_relu(x, 0.2)", "Piecewise((x, x > 0), (0.2*x, True))"),
        ("expm1(x) + log1p(x)", "exp(x) - 1 + log(1 + x)"),
        ("hypot(x, y)", "sqrt(x**2 + y**2)"),
        ("relu(x)", "Max(0, x)"),
        ("j0(x)", "besselj(0, x)"),
        ("softplus(x, beta=2)", "log(1 + exp(2*x))/2"),
        ("sinc(x)", "Piecewise((sin(pi*x)/(pi*x), Ne(x, 0)), (1, True))"),
        ("1_000.5*x", "1000.5*x"),
        ("i0e(x)", "exp(-Abs(x))*besseli(0, x)"),
    ],
)
def test_other_spellings(source: str, equal: str) -> None:
    names = {name: sympy.Symbol(name, real=True) for name in ("x", "y", "r")}
    assert to_sympy(read(source), {}) == sympy.sympify(equal, locals=names)


def test_a_constant_that_has_a_value_is_a_variable() -> None:
    symbol = to_sympy(read("E*pi", ["E"]), {})
    assert symbol == sympy.Symbol("E", real=True) * sympy.pi


def test_elements_of_arrays_have_names() -> None:
    assert to_sympy(read("x"), {"x": (2,)}) == Array(
        (2,), (sympy.Symbol("x[0]", real=True), sympy.Symbol("x[1]", real=True))
    )
    assert str(to_sympy(read("A[0, 1]*A[-1, 0]"), {"A": (2, 2)})) == "A[0,1]*A[1,0]"


def test_elements_of_a_variable_of_unknown_shape() -> None:
    expression = read("x[0]**2 + x[1]*y")
    assert text(to_sympy(expression, {})) == "x[0]**2 + x[1]*y"
    assert list(leaves(expression, {})) == ["x[0]", "x[1]", "y"]
    with pytest.raises(NoClosedForm, match="shape of 'x'"):
        to_sympy(read("x[-1]"), {})


@pytest.mark.parametrize("name", ["median", "sort", "pinv", "matrix_exp", "eigvalsh", "svdvals"])
def test_what_has_no_form_says_so(name: str) -> None:
    with pytest.raises(NoClosedForm, match=f"no closed form for {name}"):
        to_sympy(read(f"{name}(A)"), {"A": (2, 2)})


def test_every_row_has_a_form_or_none() -> None:
    """`array` in the table needs a rule here, and a rule needs its row."""
    assert set(RULES) <= set(FUNCTIONS)
    asked = {row.name for row in FUNCTIONS.values() if row.symbolic == "array"}
    assert asked - set(RULES) == {"where", "clamp", "detach"}


# Arrays against torch ----------------------------------------------------------------------------

X = [0.7, -1.3, 2.1]
Y = [1.5, 0.4, -0.6]
S = [[2.0, 0.3], [0.3, 1.5]]
A = [[0.7, -1.3, 2.1], [0.2, 1.1, -0.4]]
B = [[0.5, 1.2], [-0.8, 0.9], [1.4, -0.1]]
T = [[[0.1, 0.7], [1.2, -0.3]], [[0.9, 0.4], [-0.6, 0.8]]]

linalg = torch.linalg
functional = torch.nn.functional

ARRAY_CASES: list[tuple[str, dict[str, Any], Callable[..., torch.Tensor]]] = [
    ("x + y", {"x": X, "y": Y}, lambda x, y: x + y),
    ("A + x", {"A": A, "x": X}, lambda A, x: A + x),
    ("A*s", {"A": A, "s": 2.5}, lambda A, s: A * s),
    ("[x, 2*y]", {"x": 1.0, "y": 2.0}, lambda x, y: torch.stack([x, 2 * y])),
    ("[x, y]", {"x": X, "y": Y}, lambda x, y: torch.stack([x, y])),
    ("x[1]", {"x": X}, lambda x: x[1]),
    ("x[-1]*x[0]", {"x": X}, lambda x: x[-1] * x[0]),
    ("x[1:]", {"x": X}, lambda x: x[1:]),
    ("x[::2]", {"x": X}, lambda x: x[::2]),
    ("A[1]", {"A": A}, lambda A: A[1]),
    ("A[:, 1]", {"A": A}, lambda A: A[:, 1]),
    ("A[..., 0]", {"A": A}, lambda A: A[..., 0]),
    ("T[..., 1, :]", {"T": T}, lambda T: T[..., 1, :]),
    ("where(x > 0, x**2, -x)", {"x": X}, lambda x: torch.where(x > 0, x**2, -x)),
    ("clamp(x, -1, 1)", {"x": X}, lambda x: torch.clamp(x, -1, 1)),
    ("maximum(x, y)", {"x": X, "y": Y}, torch.maximum),
    ("sum(A)", {"A": A}, torch.sum),
    ("sum(A, dim=0)", {"A": A}, lambda A: A.sum(0)),
    ("sum(A, dim=-1, keepdim=True)", {"A": A}, lambda A: A.sum(-1, keepdim=True)),
    ("sum(T, dim=[0, 2])", {"T": T}, lambda T: T.sum((0, 2))),
    ("sum(x)", {"x": 1.5}, torch.sum),
    ("sum(x > 0)*x[0]", {"x": X}, lambda x: (x > 0).sum() * x[0]),
    ("mean(A)", {"A": A}, torch.mean),
    ("mean(A, dim=1)", {"A": A}, lambda A: A.mean(1)),
    ("prod(x)", {"x": X}, torch.prod),
    ("prod(A, dim=1, keepdim=True)", {"A": A}, lambda A: A.prod(1, keepdim=True)),
    ("max(x)", {"x": X}, torch.max),
    ("max(A, dim=1)", {"A": A}, lambda A: A.max(1).values),
    ("min(x)", {"x": X}, torch.min),
    ("min(A, dim=0, keepdim=True)", {"A": A}, lambda A: A.min(0, keepdim=True).values),
    ("amax(A, dim=0)", {"A": A}, lambda A: A.amax(0)),
    ("amin(A, dim=[0, 1])", {"A": A}, lambda A: A.amin((0, 1))),
    ("norm(x)", {"x": X}, linalg.norm),
    ("norm(A)", {"A": A}, linalg.norm),
    ("norm(x, 1)", {"x": X}, lambda x: linalg.norm(x, 1)),
    ("norm(x, 3)", {"x": X}, lambda x: linalg.norm(x, 3)),
    ("norm(x, inf)", {"x": X}, lambda x: linalg.norm(x, math.inf)),
    ("norm(x, -inf)", {"x": X}, lambda x: linalg.norm(x, -math.inf)),
    ("norm(x, 2)", {"x": X}, lambda x: linalg.norm(x, 2)),
    ("norm(A, fro)", {"A": A}, lambda A: linalg.norm(A, "fro")),
    ("norm(A, 1)", {"A": A}, lambda A: linalg.norm(A, 1)),
    ("norm(A, inf)", {"A": A}, lambda A: linalg.norm(A, math.inf)),
    ("norm(A, -inf)", {"A": A}, lambda A: linalg.norm(A, -math.inf)),
    ("norm(A, dim=1)", {"A": A}, lambda A: linalg.norm(A, dim=1)),
    ("norm(A, 1, dim=0)", {"A": A}, lambda A: linalg.norm(A, 1, dim=0)),
    ("norm(T, 1, dim=[1, 2])", {"T": T}, lambda T: linalg.norm(T, 1, dim=(1, 2))),
    ("norm(A, keepdim=True)", {"A": A}, lambda A: linalg.norm(A, keepdim=True)),
    ("var(x)", {"x": X}, torch.var),
    ("var(x, correction=0)", {"x": X}, lambda x: torch.var(x, correction=0)),
    ("var(A, dim=1)", {"A": A}, lambda A: torch.var(A, 1)),
    ("std(x)", {"x": X}, torch.std),
    ("std(A, dim=0, keepdim=True)", {"A": A}, lambda A: torch.std(A, 0, keepdim=True)),
    ("numel(A)*sum(A)", {"A": A}, lambda A: A.numel() * A.sum()),
    ("cumsum(x)", {"x": X}, lambda x: x.cumsum(0)),
    ("cumsum(A, dim=1)", {"A": A}, lambda A: A.cumsum(1)),
    ("cumprod(x)", {"x": X}, lambda x: x.cumprod(0)),
    ("flip(A)", {"A": A}, lambda A: A.flip(0, 1)),
    ("flip(A, dim=1)", {"A": A}, lambda A: A.flip(1)),
    ("softmax(x)", {"x": X}, lambda x: x.softmax(-1)),
    ("softmax(A, dim=0)", {"A": A}, lambda A: A.softmax(0)),
    ("log_softmax(A)", {"A": A}, lambda A: A.log_softmax(-1)),
    ("logsumexp(x)", {"x": X}, lambda x: x.logsumexp(0)),
    ("logsumexp(A, dim=1, keepdim=True)", {"A": A}, lambda A: A.logsumexp(1, keepdim=True)),
    ("dot(x, y)", {"x": X, "y": Y}, torch.dot),
    ("cross(x, y)", {"x": X, "y": Y}, linalg.cross),
    ("cross(A, x)", {"A": A, "x": X}, lambda A, x: linalg.cross(A, x.expand(2, 3))),
    ("cross(B, B*B, dim=0)", {"B": B}, lambda B: linalg.cross(B, B * B, dim=0)),
    ("outer(x, y)", {"x": X, "y": Y}, torch.outer),
    ("A @ B", {"A": A, "B": B}, torch.matmul),
    ("A @ x", {"A": A, "x": X}, torch.matmul),
    ("x @ B", {"x": X, "B": B}, torch.matmul),
    ("x @ y", {"x": X, "y": Y}, torch.matmul),
    ("T @ T", {"T": T}, lambda T: T @ T),
    ("T @ S", {"T": T, "S": S}, torch.matmul),
    ("mv(A, x)", {"A": A, "x": X}, torch.mv),
    ("kron(S, A)", {"S": S, "A": A}, torch.kron),
    ("A.T", {"A": A}, lambda A: A.T),
    ("trace(S)", {"S": S}, torch.trace),
    ("diag(x)", {"x": X}, torch.diag),
    ("diag(A)", {"A": A}, torch.diag),
    ("tril(A)", {"A": A}, torch.tril),
    ("triu(A, 1)", {"A": A}, lambda A: torch.triu(A, 1)),
    ("det(S)", {"S": S}, linalg.det),
    ("det(B @ A)", {"A": A, "B": B}, lambda A, B: linalg.det(B @ A)),
    ("logdet(S)", {"S": S}, torch.logdet),
    ("inv(S)", {"S": S}, linalg.inv),
    ("solve(S, b)", {"S": S, "b": [0.3, -0.7]}, linalg.solve),
    ("solve(S, B.T)", {"S": S, "B": B}, lambda S, B: linalg.solve(S, B.T)),
    ("cholesky(S)", {"S": S}, linalg.cholesky),
    ("matrix_power(S, 3)", {"S": S}, lambda S: linalg.matrix_power(S, 3)),
    ("matrix_power(S, -1)", {"S": S}, lambda S: linalg.matrix_power(S, -1)),
    ("S @ eye(2) + zeros(2, 2) + ones(2)", {"S": S}, lambda S: S + 1),
    ("mse_loss(x, y)", {"x": X, "y": Y}, functional.mse_loss),
    ("mse_loss(x, y, sum)", {"x": X, "y": Y}, lambda x, y: ((x - y) ** 2).sum()),
    ("mse_loss(x, y, none)", {"x": X, "y": Y}, lambda x, y: (x - y) ** 2),
    ("l1_loss(x, y)", {"x": X, "y": Y}, functional.l1_loss),
    ("huber_loss(x, y, delta=0.9)", {"x": X, "y": Y},
     lambda x, y: functional.huber_loss(x, y, delta=0.9)),
    ("smooth_l1_loss(x, y)", {"x": X, "y": Y}, functional.smooth_l1_loss),
    ("bce_with_logits(x, y)", {"x": X, "y": [0.2, 0.9, 1.0]},
     functional.binary_cross_entropy_with_logits),
    ("bce_loss(x, y)", {"x": [0.2, 0.7, 0.5], "y": [0.1, 0.9, 0.4]},
     functional.binary_cross_entropy),
    ("cross_entropy(x, 2)", {"x": X},
     lambda x: functional.cross_entropy(x, torch.tensor(2))),
    ("cross_entropy(A, [2, 0])", {"A": A},
     lambda A: functional.cross_entropy(A, torch.tensor([2, 0]))),
    ("cross_entropy(A, [2, 0], reduction=none)", {"A": A},
     lambda A: functional.cross_entropy(A, torch.tensor([2, 0]), reduction="none")),
    ("cross_entropy(A, P)", {"A": A, "P": [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]},
     functional.cross_entropy),
]  # fmt: skip


def flat(values: Any) -> list[float]:
    return torch.tensor(values, dtype=torch.float64).flatten().tolist()


def at_point(expressions: list[sympy.Expr], point: dict[sympy.Symbol, float]) -> list[float]:
    numbers = {symbol: sympy.Float(value) for symbol, value in point.items()}
    return [float(expression.xreplace(numbers).evalf()) for expression in expressions]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("source", "values", "truth"), [pytest.param(*case, id=case[0]) for case in ARRAY_CASES]
)
def test_arrays_mean_what_they_mean_in_torch(
    source: str, values: dict[str, Any], truth: Callable[..., torch.Tensor]
) -> None:
    """The value, and the gradient of a weighted sum of the output, in each component."""
    tensors = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in values.items()
    }
    expected = truth(*tensors.values())
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    expression = read(source)
    found = to_sympy(expression, shapes)
    assert shape_of(found) == tuple(expected.shape)

    symbols = [
        symbol for value in leaves(expression, shapes).values() for symbol in items_of(value)
    ]
    point = dict(
        zip(symbols, itertools.chain(*(flat(values[n]) for n in expression.variables)), strict=True)
    )
    items = [number(item) for item in items_of(found)]
    assert at_point(items, point) == pytest.approx(expected.flatten().tolist())

    weights = [round(math.sin(i + 1), 3) for i in range(len(items))]
    inputs = [tensors[name] for name in expression.variables]
    weighted = expected.flatten() @ torch.tensor(weights, dtype=torch.float64)
    gradients = torch.autograd.grad(weighted, inputs)
    total = sympy.Add(*(sympy.Float(w) * item for w, item in zip(weights, items, strict=True)))
    derivatives = [differentiate(total, [symbol]) for symbol in symbols]
    assert at_point(derivatives, point) == pytest.approx(
        list(itertools.chain(*(gradient.flatten().tolist() for gradient in gradients))), abs=1e-12
    )


def test_every_array_rule_is_compared() -> None:
    used = {node.op for source, _, _ in ARRAY_CASES for node in read(source).nodes}
    assert set(RULES) <= used


@pytest.mark.parametrize(
    ("source", "shapes"),
    [
        ("x + y", {"x": (2,), "y": (3,)}),
        ("A @ B", {"A": (2, 2), "B": (3, 2)}),
        ("x[5]", {"x": (2,)}),
        ("x[0, 0]", {"x": (2,)}),
        ("sum(x, dim=1)", {"x": (2,)}),
        ("det(A)", {"A": (2, 3)}),
        ("var(x)", {"x": ()}),
        ("norm(A, 2)", {"A": (2, 2)}),
        ("cross_entropy(x, k)", {"x": (3,), "k": ()}),
        ("det(A)", {"A": (9, 9)}),
        ("zeros(1000, 1000)", {}),
    ],
)
def test_what_does_not_fit_has_no_form(source: str, shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(NoClosedForm):
        to_sympy(read(source), shapes)


# Elementwise rows against torch ------------------------------------------------------------------

ELEMENTWISE = [
    row
    for row in FUNCTIONS.values()
    if row.elementwise and row.torch.startswith("torch.") and len(row.operands) in (1, 2)
]


def torch_function(path: str) -> Callable[..., torch.Tensor]:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
def test_elementwise_rows_mean_what_they_mean_in_torch(row: Any) -> None:
    count = len(row.operands)
    symbols = [sympy.Symbol(f"v{i}", real=True) for i in range(count)]
    options = {"n": 2} if row.name in WITH_ORDER else {}
    expression = number(apply(row, symbols, options))
    function = torch_function(row.torch)
    compared = 0
    for point in ((0.3, 0.8), (1.7, 0.6), (-0.4, 1.3), (2.6, -1.9)):
        values = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in point[:count]]
        if row.name.startswith("logical_"):
            continue
        expected = function(*options.values(), *values)
        if not torch.isfinite(expected):
            continue
        place = dict(zip(symbols, point, strict=False))
        if row.name == "lgamma" and point[0] < 0:  # SymPy's loggamma is complex there
            continue
        assert at_point([expression], place) == pytest.approx([expected.item()], 1e-9, 1e-12)
        if not expected.requires_grad:
            continue
        for symbol, value in zip(symbols, values, strict=True):
            try:
                derivative = differentiate(expression, [symbol])
                (slope,) = torch.autograd.grad(expected, value, retain_graph=True)
            except (NoClosedForm, NotImplementedError, RuntimeError):
                continue
            assert at_point([derivative], place) == pytest.approx([slope.item()], 1e-9, 1e-12)
            compared += 1
    smooth = any(derivative not in ("0", "") for derivative in row.derivatives)
    assert compared or not smooth or row.name.startswith("logical_")


# Derivatives as formulas -------------------------------------------------------------------------


def derivative(source: str, *names: str, given: tuple[str, ...] = ()) -> str:
    request = {"source": source, "given": given, "partial": list(names) or ["x"], "latex": False}
    with rules_of_autograd():
        (formula,) = gradient(request)["gradient"].values()
    return str(formula)


@pytest.mark.parametrize(
    ("source", "formula"),
    [
        ("x**2 + 2*x*y + y**2", "2*x + 2*y"),
        ("sin(x**2)", "2*x*cos(x**2)"),
        ("5*y", "0"),
        ("0.1*x", "0.1"),
        ("x/3", "1/3"),
        ("abs(x)", "sign(x)"),
        ("abs(log(x))", "sign(log(x))/x"),
        ("log(abs(x))", "1/x"),
        ("exp(-x**2)*sin(x)", "(-2*x*sin(x) + cos(x))*exp(-x**2)"),
        ("1/(1 + exp(-x))", "exp(-x)/(1 + exp(-x))**2"),
        ("floor(x) + ceil(x) + round(x) + trunc(x)", "0"),
        ("frac(x)", "1"),
        ("mod(x, y)", "1"),
        ("mod(y, x)", "-floor(y/x)"),
        ("fmod(y, x)", "-trunc(y/x)"),
        ("x*detach(x)", "detach(x)"),
        ("detach(x**2)", "0"),
        ("cbrt(x)", "1/(3*cbrt(x)**2)"),
        ("j0(x)", "-j1(x)"),
        ("j1(x)", "j0(x) - j1(x)/x"),
        ("k1(x)", "-k0(x) - k1(x)/x"),
        ("lgamma(x)", "polygamma(0, x)"),
        ("gammainc(y, x)", "x**(y - 1)*exp(-x)/gamma(y)"),
        ("x > 0", "0"),
        ("(x > 0)*x", "Piecewise((1, x > 0), (0, True))"),
        ("where(x > 0, sqrt(x), 0*x)", "Piecewise((1/(2*sqrt(x)), x > 0), (0, True))"),
        ("x**x", "x**x*(log(x) + 1)"),
        ("u = x**2; v = sin(u); v + u", "2*x*cos(x**2) + 2*x"),
    ],
)
def test_derivatives_are_readable(source: str, formula: str) -> None:
    assert derivative(source) == formula


def test_a_detached_value_stays_detached_in_higher_orders() -> None:
    assert derivative("detach(x)*x**2", "x", "x") == "2*detach(x)"


def test_constants_step_aside_for_variables() -> None:
    assert derivative("E**2*exp(1)*pi", "E", given=("E",)) == "2*exp(1)*pi*E"
    assert derivative("pi*x*acos(-1)", given=("pi",)) == "acos(-1)*pi"


@pytest.mark.parametrize("source", ["gammainc(x, 2)", "zeta(x)", "sqrt(-1)*x", "x/0", "nan*x"])
def test_formal_and_complex_derivatives_are_none(source: str) -> None:
    with pytest.raises(NoClosedForm):
        derivative(source)


def test_sympy_keeps_its_own_rules_outside() -> None:
    x = sympy.Symbol("x")
    before = sympy.diff(sympy.Abs(x), x), sympy.diff(sympy.floor(x), x)
    with rules_of_autograd():
        assert sympy.diff(sympy.floor(x), x) == 0
        assert sympy.diff(sympy.Abs(x), x) == sympy.sign(x)
    assert (sympy.diff(sympy.Abs(x), x), sympy.diff(sympy.floor(x), x)) == before


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    "row", [row for row in FUNCTIONS.values() if row.elementwise], ids=lambda row: row.name
)
def test_what_is_printed_can_be_read_again(row: Any) -> None:
    """As agx reads it, and as SymPy does where it has the functions, from the same text."""
    symbols = [sympy.Symbol(f"v{i}", real=True) for i, _ in enumerate(row.operands)]
    expression = apply(row, symbols, {"n": 2} if row.name in WITH_ORDER else {})
    formulas = [presentable(number(expression))]
    for symbol in symbols:
        try:
            formulas.append(presentable(differentiate(number(expression), [symbol])))
            formulas.append(presentable(differentiate(number(expression), [symbol, symbol])))
        except NoClosedForm:
            continue
    own = {name: getattr(importlib.import_module(ELEMENTWISE_MODULE), name) for name in
           ("cbrt", "trunc", "round", "gammainc", "gammaincc", "detach")}  # fmt: skip
    bessel = {f"{kind}{order}": lambda x, k=kind, n=order: getattr(sympy, f"bessel{k}")(n, x)
              for kind in "jyik" for order in (0, 1)}  # fmt: skip
    names = {
        **own,
        **bessel,
        "logical_xor": sympy.Xor,
        **{symbol.name: symbol for symbol in symbols},
    }
    for formula in formulas:
        printed = text(formula)
        assert to_sympy(read(printed), {}) == sympy.sympify(printed, locals=names)


WITH_ORDER = ("polygamma", "besselj", "bessely", "besseli", "besselk")
ELEMENTWISE_MODULE = "autograd_cli.language.symbolic.elementwise"


# LaTeX -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x**2+2*x*y", "x^{2} + 2 x y"),
        ("x - (y - z)", r"x - \left(y - z\right)"),
        ("(x+1)*y", r"\left(x + 1\right) y"),
        ("x/y/z", r"\frac{\frac{x}{y}}{z}"),
        ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}"),
        ("x - -1", r"x - \left(-1\right)"),
        ("2*3", r"2 \cdot 3"),
        ("sin(x)**2", r"\sin^{2}\left(x\right)"),
        ("exp(-x)", "e^{-x}"),
        ("sqrt(alpha_1)", r"\sqrt{\alpha_{1}}"),
        ("learning_rate", r"\mathrm{learning\_rate}"),
        ("x1[0]*A[0,1]", "{x_{1}}_{0} A_{0,1}"),
        ("where(x > 0, x, 0)",
         r"\begin{cases} x & \text{if}\: x > 0 \\ 0 & \text{otherwise} \end{cases}"),
        ("sum(x, dim=0)", r"\operatorname{sum}\left(x, \mathrm{dim}=0\right)"),
        ("A.T @ inv(B)", r"A^{\mathsf{T}} B^{-1}"),
        ("[[x, y], [1, 2]]", r"\begin{bmatrix} x & y \\ 1 & 2 \end{bmatrix}"),
        ("λ*x₁", r"\lambda x_{1}"),
        ("1e-7*x", r"1.0 \cdot 10^{-7} x"),
    ],
)  # fmt: skip
def test_an_expression_is_typeset_as_typed(source: str, shown: str) -> None:
    assert typeset(read(source)) == shown


def test_a_formula_that_doubles_at_each_step_is_not_typeset() -> None:
    steps = "u0 = x*x; " + "".join(f"u{i + 1} = u{i}*u{i}; " for i in range(60)) + "u60"
    with pytest.raises(NoClosedForm):
        typeset(read(steps))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("x_1", "x_{1}"),
        ("mu_x", r"\mu_{x}"),
        ("theta_dot", r"\dot{\theta}"),
        ("speed", r"\mathrm{speed}"),
        ("Omega", r"\Omega"),
        ("Ω", r"\Omega"),
        ("Alpha", r"\mathrm{A}"),
        ("Eta", r"\mathrm{H}"),
        ("omicron", r"\mathrm{o}"),
        ("λ_2", r"\lambda_{2}"),
        ("x1[0,2]", "{x_{1}}_{0,2}"),
        ("speed[3]", r"\mathrm{speed}_{3}"),
        ("größe", r"\texttt{größe}"),
        ("50% & more", r"\texttt{50\% \& more}"),
    ],
)
def test_a_variable_has_one_latex(name: str, shown: str) -> None:
    assert symbol_latex(name) == shown
    if name.isidentifier():
        assert latex(sympy.Symbol(name)) == shown
        assert typeset(read(name)) == shown


def test_elements_are_subscripts_in_latex() -> None:
    assert latex(sympy.Symbol("A[0,1]", real=True) ** 2) == "A_{0,1}^{2}"


# The worker --------------------------------------------------------------------------------------


def timed(seconds: float = 20.0, **request: Any) -> tuple[float, Answer]:
    """How long an answer takes, in seconds, with the answer."""
    started = time.monotonic()
    answer = ask(seconds, **request)
    return time.monotonic() - started, answer


def ask(seconds: float = 20.0, memory: int = 2 << 30, **request: Any) -> Answer:
    with Worker.start(seconds, memory) as worker:
        worker.ask({"task": "gradient", **request})
        return worker.answer()


@pytest.mark.parametrize(
    ("request_", "gradient_"),
    [
        ({"source": "x**3*y"}, {"x": "3*x**2*y", "y": "x**3"}),
        ({"source": "x**3*y", "wrt": ["y"]}, {"y": "x**3"}),
        ({"source": "x**3*y", "wrt": ["z"]}, {"z": "0"}),
        ({"source": "x**3*y", "order": 2}, {"x": "6*x*y", "y": "0"}),
        ({"source": "x**3*y**2", "partial": ["x", "x", "y"]}, {"x,x,y": "12*x*y"}),
        ({"source": "x*y", "along": {"x": 1.0, "y": 0.6}}, {"along": "0.6*x + y"}),
        ({"source": "x**2*y", "along": {"x": 1}, "order": 2}, {"along": "2*y"}),
        (
            {"source": "sum(x**2)", "shapes": {"x": [2]}, "along": {"x": [3, -1]}},
            {"along": "6*x[0] - 2*x[1]"},
        ),
        ({"source": "sum(x**2)", "shapes": {"x": [3]}}, {"x": ["2*x[0]", "2*x[1]", "2*x[2]"]}),
        (
            {"source": "sum(x**3)", "shapes": {"x": [2]}, "order": 2},
            {"x": ["6*x[0]", "6*x[1]"]},
        ),
        (
            {"source": "det(A)", "shapes": {"A": [2, 2]}},
            {"A": [["A[1,1]", "-A[1,0]"], ["-A[0,1]", "A[0,0]"]]},
        ),
        (
            {"source": "det(A)", "shapes": {"A": [2, 2]}, "partial": ["A[0,0]", "A[1, 1]"]},
            {"A[0,0],A[1, 1]": "1"},
        ),
        (
            {"source": "x**2", "shapes": {"x": [2]}, "grad_output": [1, 0.5]},
            {"x": ["2*x[0]", "x[1]"]},
        ),
        ({"source": "x[0]**2 + x[1]"}, {"x[0]": "2*x[0]", "x[1]": "1"}),
        ({"source": "x[0]**2 + y", "wrt": ["x"]}, {"x[0]": "2*x[0]"}),
        ({"source": "E*x", "given": ["E"]}, {"E": "x", "x": "E"}),
    ],
)
def test_requests(request_: dict[str, Any], gradient_: dict[str, Any]) -> None:
    """The worker's work, without the process around it."""
    with rules_of_autograd():
        assert gradient(request_)["gradient"] == gradient_


@pytest.mark.parametrize(
    ("request_", "note"),
    [
        ({"source": "x**2", "shapes": {"x": [2]}}, "not a scalar"),
        ({"source": "sum(x)", "shapes": {"x": [33]}}, "32 elements"),
        ({"source": "+".join("x" * 600)}, "500 operations"),
        ({"source": "sum(x)", "shapes": {"x": [2]}, "partial": ["x"]}, "not a scalar"),
        ({"source": "x", "along": {"x": "NaN"}}, "not finite"),
        ({"source": "sum(x)", "shapes": {"x": [2]}, "along": {"x": 1}}, "another shape"),
        ({"source": "x", "grad_output": [1, 2]}, "do not fit"),
        ({"source": "sort(x)", "shapes": {"x": [2]}}, "no closed form for sort"),
    ],
)
def test_refusals(request_: dict[str, Any], note: str) -> None:
    with rules_of_autograd(), pytest.raises(NoClosedForm, match=note):
        gradient(request_)


def test_an_answer_from_the_process() -> None:
    assert ask(source="x**2+2*x*y+y**2") == Answer(
        gradient={"x": "2*x + 2*y", "y": "2*x + 2*y"},
        latex={"": "x^{2} + 2 x y + y^{2}", "x": "2 x + 2 y", "y": "2 x + 2 y"},
    )


def test_the_answer_may_be_asked_for_twice() -> None:
    with Worker.start(20) as worker:
        worker.ask({"task": "gradient", "source": "sort(x)", "shapes": {"x": [2]}})
        assert worker.answer() == worker.answer() == Answer(note="no closed form for sort")


@pytest.mark.skipif(os.name != "posix", reason="the limits are POSIX's")
@pytest.mark.parametrize("bomb", ["9**9**9*x", "factorial(10**9)*x", "x**(9**9**9)"])
def test_endless_work_is_cut_off_in_time(bomb: str) -> None:
    ordinary, _ = timed(source="x*x")
    limited, answer = timed(seconds=ordinary, source=bomb)
    assert answer.note == TIME
    assert limited < 20 * ordinary


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit address space")
def test_memory_is_limited() -> None:
    assert (
        ask(memory=64 << 20, source="2**(2**32)*x").note == "no closed form in the memory allowed"
    )


def test_failures_of_sympy_are_notes() -> None:
    assert ask(source="(x +").note.startswith("no closed form: ")


def test_a_request_that_is_too_long_is_not_sent() -> None:
    with Worker.start(20) as worker:
        process = worker._process
        worker.ask({"task": "gradient", "source": "x" * 100_000})
        assert process is not None
        assert process.returncode is not None  # it was ended without being asked
        assert worker.answer().note == "no closed form: the expression is too long"


def test_a_worker_that_dies_is_a_note() -> None:
    with Worker.start() as worker:
        assert worker._process is not None
        worker._process.kill()
        worker.ask({"task": "gradient", "source": "x"})
        assert "memory" in worker.answer().note


def test_a_worker_that_is_not_asked_ends_at_once() -> None:
    asked, _ = timed(source="x*x")
    started = time.monotonic()
    with Worker.start() as worker:
        process = worker._process
    unasked = time.monotonic() - started
    assert process is not None
    assert process.returncode is not None
    assert unasked < 2 * asked


def test_a_forgotten_worker_leaves_no_zombie() -> None:
    worker = Worker.start()
    process = worker._process
    assert process is not None
    del worker
    assert process.returncode is not None


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_an_interrupted_parent_takes_the_worker_with_it() -> None:
    code = (
        f"import signal, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it\n"
        "from autograd_cli.language.symbolic import Worker\n"
        "with Worker.start(60) as worker:\n"
        "    worker.ask({'task': 'gradient', 'source': '9**9**9*x'})\n"
        "    print(worker._process.pid, flush=True)\n"
        "    worker.answer()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    time.sleep(0.2)
    os.kill(worker, 0)
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=30)
    assert errors.endswith("KeyboardInterrupt\n")
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_closing_twice_is_harmless() -> None:
    worker = Worker.start()
    worker.close()
    worker.close()
    assert worker.answer().note


def test_python_that_cannot_be_started_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/does/not/exist")
    assert ask(source="x").note == "no formulas: Python could not be started again"


def run_worker(stdin: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "autograd_cli.language.symbolic.worker",
        "20",
        "2000000000",
    ]
    return subprocess.run(
        command,
        input=stdin,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_protocol(tmp_path: Path) -> None:
    request = json.dumps({"task": "gradient", "source": "x**2", "latex": False})
    done = run_worker(request + "\n", tmp_path)
    assert done.stdout.splitlines() == ["ready", '{"gradient": {"x": "2*x"}}']
    assert done.stderr == ""


def test_the_end_of_input_ends_the_worker(tmp_path: Path) -> None:
    done = run_worker("", tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("ready\n", "", 0)


def test_files_in_the_current_directory_have_no_influence(tmp_path: Path) -> None:
    for module in ("sympy", "json", "signal", "mpmath"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported from here')\n")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from autograd_cli.language.symbolic import Worker\n"
        "import os; os.chdir(sys.argv[1])\n"
        "with Worker.start(20) as worker:\n"
        "    worker.ask({'task': 'gradient', 'source': 'x**2'})\n"
        "    print(worker.answer().gradient)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{'x': '2*x'}\n", "")


def test_sympy_that_is_missing_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "sympy.py").write_text("raise ImportError\n")
    done = run_worker("", tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert json.loads(done.stdout) == {"note": "no formulas: SymPy is not installed"}


def test_the_parent_imports_neither_sympy_nor_torch() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import autograd_cli.language.symbolic\n"
        "print([name for name in ('sympy', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ending_a_process_that_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    _end(process)
