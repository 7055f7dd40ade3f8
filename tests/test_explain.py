"""`agx explain`: the trace against the literature, SymPy and torch.

The example is that of Baydin et al., "Automatic differentiation in machine learning: a survey"
(2018); its tables 2 and 3 are written down here. The local derivatives are held against SymPy's of
the same row of the function table, and the sums of the terms against torch.autograd.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
import sympy
import torch
from expressions import VARIABLES, lines

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive.gradients import gradient, point
from autograd_cli.engine.nodewise.explain import MOST_STEPS, explain
from autograd_cli.errors import AgxError, UsageError
from autograd_cli.language.expression import VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS, Function
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.language.steps import Steps
from autograd_cli.language.symbolic.bridge import to_sympy
from autograd_cli.results.explanation import FORWARD, REVERSE, Explanation
from autograd_cli.results.formula import written
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())
BAYDIN = "ln(x1) + x1*x2 - sin(x2)"


def explained(text: str, at: str, mode: str = REVERSE, **request: Any) -> Explanation:
    values = point(read_values([at]), CONTEXT)
    return explain(read(text), values, CONTEXT, DerivativeRequest(**request), mode)


# The literature ---------------------------------------------------------------------------------

# Tables 2 and 3 of Baydin et al. (2018), at (2, 5): what is typed, primal, tangent for x1, adjoint.
# They number the sine before the first sum, which Python evaluates first; the rest is the same.
TABLE = {
    "x1": (2, 1, 5.5),
    "x2": (5, 0, 1.716),
    "ln(x1)": (0.693, 0.5, 1),
    "x1*x2": (10, 5, 1),
    "sin(x2)": (-0.959, 0, -1),
    "ln(x1) + x1*x2": (10.693, 5.5, 1),
    BAYDIN: (11.652, 5.5, 1),
}


def test_the_reverse_trace_of_the_literature() -> None:
    result = explained(BAYDIN, "x1=2,x2=5")
    assert {one.expression: round(one.value, 3) for one in result.forward} == {
        typed: row[0] for typed, row in TABLE.items()
    }
    assert {one.expression: round(one.adjoint, 3) for one in result.backward} == {
        typed: row[2] for typed, row in TABLE.items()
    }
    assert {name: round(slope, 3) for name, slope in result.gradient.items()} == {
        "x1": 5.5,
        "x2": 1.716,
    }
    assert [str(one.formula) for one in result.forward] == [
        *("x1", "x2", "ln(v[-1])", "v[-1]*v0", "v1 + v2", "sin(v0)", "v3 - v4"),
    ]
    terms = {one.expression: one.terms for one in result.backward}
    assert [(str(t.formula), str(t.product), round(t.total, 3)) for t in terms["x1"]] == [
        ("v0", "vbar2*v0", 5.0),
        ("1/v[-1]", "vbar1/v[-1]", 5.5),
    ]
    assert [(str(t.formula), str(t.product), round(t.total, 3)) for t in terms["x2"]] == [
        ("cos(v0)", "vbar4*cos(v0)", -0.284),
        ("v[-1]", "vbar2*v[-1]", 1.716),
    ]


def test_the_forward_trace_of_the_literature() -> None:
    result = explained(BAYDIN, "x1=2,x2=5", FORWARD)
    assert {
        one.expression: (round(one.value, 3), round(one.tangents["x1"], 3))
        for one in result.forward
    } == {typed: row[:2] for typed, row in TABLE.items()}
    assert [str(one.tangent) for one in result.forward[2:]] == [
        "vdot[-1]/v[-1]",
        "vdot[-1]*v0 + vdot0*v[-1]",
        "vdot1 + vdot2",
        "vdot0*cos(v0)",
        "vdot3 - vdot4",
    ]
    assert round(result.gradient["x2"], 3) == 1.716


def test_the_keys_of_the_contract() -> None:
    content = explained(BAYDIN, "x1=2,x2=5").to_dict()
    assert list(content)[7:11] == ["mode", "forward", "backward", "gradient"]
    assert list(content["forward"][0])[:4] == ["step", "expression", "operands", "value"]
    assert [one["step"] for one in content["forward"]] == [
        *("v-1", "v0", "v1", "v2", "v3", "v4", "v5"),
    ]
    last = content["backward"][-1]
    assert {"step", "adjoint", "terms"} <= set(last)
    assert list(last["terms"][0])[:4] == ["from", "local", "upstream", "contribution"]


# Formulas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "step", "local"),
    [
        ("x**2", "v0**2", "2*v0"),
        ("x**1", "v0**1", "1"),
        ("x^-2", "v0**(-2)", "-2*v0**(-3)"),
        ("x**1.1", "v0**1.1", "1.1*v0**0.1"),
        ("x²", "v0**2", "2*v0"),
        ("(2 + 1)*x", "(2 + 1)*v0", "3"),
        ("x*(a - 1)", "v0*(3 - 1)", "2"),
        ("2**x", "2**v0", "2**v0*log(2)"),
        ("x/-3", "v0/(-3)", "-1/3"),
        ("1/x", "1/v0", "-1/v0**2"),
        ("-x", "-v0", "-1"),
        ("3 - x", "3 - v0", "-1"),
        ("log(x, 2)", "log(v0, 2)", "1/(v0*log(2))"),
        ("arctan(x)", "arctan(v0)", "1/(1 + v0**2)"),
        ("clamp(x, max=3)", "clamp(v0, max=3)", "v0 <= 3"),
        ("leaky_relu(x, 0.2)", "leaky_relu(v0, negative_slope=0.2)", "where(v0 > 0, 1, 0.2)"),
        ("softplus(x)", "softplus(v0)", "sigmoid(v0)"),
        ("polygamma(1, x)", "polygamma(1, v0)", "polygamma(2, v0)"),
    ],
)
def test_formulas_are_tidy(text: str, step: str, local: str) -> None:
    expression = read(text.replace("a", "3") if "(a" in text else text)
    steps = Steps(expression)
    place = next(
        place
        for place, i in enumerate(expression.nodes[expression.root].operands)
        if i in steps.numbers
    )
    assert str(steps.primal(expression.root)) == step
    assert str(steps.local(expression.root, place)) == local


ELEMENTWISE = [row for row in FUNCTIONS.values() if row.elementwise and any(row.derivatives)]
CONDITIONS = ("lt", "le", "gt", "ge", "eq", "ne", "logical_and", "logical_or", "logical_not")
CONDITIONS += ("logical_xor",)
CANDIDATES = (
    *(("0.5", "-1", "2"), ("0.7", "0.4", "0.3"), ("1.7", "2.6", "0.3")),
    *(("0.3", "1.2", "2.1"), ("3.3", "2.6", "5")),
)
DIGITS = 50
OPTIONS = {"n": "2", "k": "0"}


@pytest.mark.parametrize("row", ELEMENTWISE, ids=[row.name for row in ELEMENTWISE])
def test_every_local_derivative_is_that_of_sympy(row: Function) -> None:
    """The formula that is shown, worked out by SymPy, against SymPy's derivative of the row."""
    names = [operand.name for operand in row.operands]
    required = [OPTIONS[one.name] for one in row.options if one.default is None]
    typed = ["condition > 0" if name == "condition" else name for name in names]
    expression = read(f"{row.name}({', '.join([*required, *typed])})", given=names)
    steps = Steps(expression)
    node = expression.nodes[expression.root]
    inside = next(_points(row, names))
    values = {
        _sign("", number): inside.get(str(expression.nodes[i].value), sympy.true)
        for i, number in steps.numbers.items()
    }
    form = None if row.name in CONDITIONS else _form(expression)  # a condition has no slope
    for place, name in enumerate(names):
        formula = steps.local(expression.root, place)
        if formula is None:
            assert not row.derivatives[place]
        elif form is None or name == "condition":
            assert str(formula) == "0"
        else:
            assert node.operands[place] in steps.numbers
            shown = read(written(formula, _sign), given=list(values))
            got = _form(shown)
            got = got.subs({one: values[one.name] for one in got.free_symbols}).doit()
            number = sympy.Integer(bool(got)) if got.is_Boolean else got.evalf(DIGITS + 20)
            assert abs(number - _slope(form, inside, name)) <= sympy.Float(10) ** -30, str(formula)


def _sign(kind: str, number: int) -> str:
    """A step as a name that the reader takes for a variable."""
    return f"s{number + 10}"


def _form(expression: Expression) -> Any:
    return sympy.sympify(to_sympy(expression, dict.fromkeys(expression.variables, ())))


def _points(row: Function, names: list[str]) -> Iterator[dict[str, Any]]:
    """Points inside the row's domain."""
    defaults = {
        one.name: one.default for one in row.parameters if one.default not in (None, "None")
    }
    for numbers in CANDIDATES:
        values = dict(zip(names, map(sympy.Rational, numbers), strict=False))
        known = {
            name: torch.tensor(float(value), dtype=torch.float64)
            for name, value in {**defaults, **values}.items()
        }
        domain = read(row.domain or "0 < 1", given=list(known))
        used = {name: known[name] for name in domain.variables}
        if bool(output(domain, evaluate(domain, used, CONTEXT), CONTEXT)):
            yield values


def _slope(form: Any, inside: dict[str, Any], name: str) -> Any:
    """SymPy's derivative by its rules; where it has none (floor, mod), by its own differences."""
    others = {one: inside[one.name] for one in form.free_symbols if one.name != name}
    along = form.subs(others)
    (symbol,) = along.free_symbols or (sympy.Symbol(name, real=True),)
    slope = along.diff(symbol)
    if not slope.has(sympy.Derivative, sympy.Subs):
        return slope.subs(symbol, inside[name]).doit().evalf(DIGITS + 20)
    step = sympy.Rational(1, 10**25)
    above, below = (along.subs(symbol, inside[name] + sign * step) for sign in (1, -1))
    return ((above - below) / (2 * step)).evalf(DIGITS)


# Torch ------------------------------------------------------------------------------------------


def _random(seed: int, count: int) -> Iterator[tuple[Expression, dict[str, torch.Tensor]]]:
    for number, line in enumerate(lines(seed, count)):
        expression = read(line.agx)
        generator = torch.Generator().manual_seed(number)
        at = {
            name: 0.2 + 1.5 * torch.rand(VARIABLES[name], generator=generator, dtype=torch.float64)
            for name in expression.variables
        }
        yield expression, at


def _weighted(expression: Expression, at: dict[str, torch.Tensor]) -> DerivativeRequest | None:
    """Weights for an output that is no number; None where there is no value."""
    if not expression.variables:
        return None
    try:
        with torch.no_grad():
            value = output(expression, evaluate(expression, at, CONTEXT), CONTEXT)
    except AgxError:
        return None
    if value.dtype == torch.bool or not value.isfinite().all():
        return None
    if not value.dim():
        return DerivativeRequest()
    weights = torch.linspace(0.5, 1.5, value.numel()).round(decimals=2).reshape(value.shape)
    return DerivativeRequest(grad_output=read(str(plain(weights.to(torch.float64)))))


def _gradient(
    expression: Expression, at: dict[str, torch.Tensor], request: DerivativeRequest, mode: str
) -> dict[str, Any] | None:
    """The whole gradient at once; where torch has none, there is no explanation either."""
    try:
        return dict(gradient(expression, at, CONTEXT, request).gradient)
    except AgxError:
        with pytest.raises(AgxError):
            explain(expression, at, CONTEXT, request, mode)
        return None


def _close(got: Any, wanted: Any) -> bool:
    one, other = torch.tensor(got, dtype=torch.float64), torch.tensor(wanted, dtype=torch.float64)
    return one.shape == other.shape and torch.allclose(
        one, other, rtol=1e-9, atol=1e-11, equal_nan=True
    )


def test_the_terms_sum_to_the_gradient_of_torch() -> None:
    """500 random expressions: every adjoint is the sum of its terms and torch's own gradient."""
    compared = 0
    for expression, at in _random(7, 500):
        request = _weighted(expression, at)
        if request is None:
            continue
        wanted = _gradient(expression, at, request, REVERSE)
        if wanted is None:
            continue
        result = explain(expression, at, CONTEXT, request)
        if not all(torch.tensor(one).isfinite().all() for one in wanted.values()):
            continue
        compared += 1
        for name, slope in wanted.items():
            assert _close(result.gradient[name], slope), (expression.source, name)
        for one in result.backward:
            if one.terms:
                parts = [torch.tensor(term.contribution, dtype=torch.float64) for term in one.terms]
                assert _close(one.adjoint, sum(parts[1:], parts[0]).tolist()), expression.source
                assert one.terms[-1].total == one.adjoint or not _close(one.adjoint, one.adjoint)
    assert compared > 350


def test_forward_mode_finds_the_gradient_of_torch() -> None:
    compared = 0
    for expression, at in _random(8, 200):
        request = _weighted(expression, at)
        elements = sum(value.numel() for value in at.values())
        if request is None or elements > 7:
            continue
        wanted = _gradient(expression, at, request, FORWARD)
        if wanted is None:
            continue
        result = explain(expression, at, CONTEXT, request, FORWARD)
        if not all(torch.tensor(one).isfinite().all() for one in wanted.values()):
            continue
        compared += 1
        for name, slope in wanted.items():
            assert _close(result.gradient[name], slope), (expression.source, name)
    assert compared > 50


def test_a_direction() -> None:
    direction = {"x": read("1"), "y": read("-2")}
    result = explained("x*y + x", "x=2,y=3", FORWARD, along=direction)
    assert result.gradient == {"along": 0.0}
    assert [one.tangents["along"] for one in result.forward] == [1.0, -2.0, -1.0, 0.0]


# Vectors, cuts and shared steps -------------------------------------------------------------------


def _products(text: str, at: str) -> dict[str, list[str]]:
    result = explained(text, at)
    return {one.expression: [str(term.product) for term in one.terms] for one in result.backward}


def test_products_of_vectors_and_matrices() -> None:
    products = _products("sum(A@B)", "A=[[1,2],[3,4]],B=eye(2)")
    assert products["A"] == ["vbar1 @ v0.T"]
    assert products["B"] == ["v[-1].T @ vbar1"]
    assert products["A@B"] == ["vbar2*ones(2, 2)"]
    assert _products("sum(a*v)", "a=2,v=[1,2]")["a"] == ["sum(vbar1*v0)"]
    assert _products("softmax(v)[0]", "v=[1,2]")["v"] == ["v1*(vbar1 - sum(vbar1*v1))"]


def test_a_product_of_the_table_that_does_not_hold_here_is_not_shown() -> None:
    assert _products("softmax(A)[0,1]", "A=[[1,2],[3,4]]")["A"] == ["(dv1/dv0).T @ vbar1"]
    assert _products("sum(A@v)", "A=[[1,2],[3,4]],v=[1,2]")["A"] == ["(dv1/dv[-1]).T @ vbar1"]


def test_a_step_used_twice_has_two_terms() -> None:
    (term, other) = explained("x*x", "x=3").backward[-1].terms
    assert (term.input, other.input) == (0, 1)
    assert (term.total, other.total) == (3.0, 6.0)


def test_a_variable_that_no_path_leads_to() -> None:
    result = explained("detach(x)*y", "x=2,y=3")
    assert result.gradient == {"x": 0.0, "y": 2.0}
    assert next(one for one in result.backward if one.variable == "x").terms == ()


def test_the_chain_rule_for_each_variable_with_one_path() -> None:
    result = explained("sin(x**2)*y + y", "x=2,y=3")
    (chain,) = result.chains
    assert chain.to_dict()["formula"] == "df/dx = df/dv3 * dv3/dv2 * dv2/dv1 * dv1/dx"
    assert [str(link.formula) for link in chain.links] == ["1", "v0", "cos(v1)", "2*v[-1]"]
    assert math.prod(link.local for link in chain.links) == pytest.approx(result.gradient["x"])


def test_why_a_derivative_is_not_finite() -> None:
    (warning,) = explained("sqrt(x)", "x=0").warnings
    assert "the slope is infinite there" in warning


def test_too_many_steps() -> None:
    with pytest.raises(UsageError, match="too many to explain"):
        explained("+".join(["x"] * (MOST_STEPS + 5)), "x=1")


def test_random_formulas_are_read_again() -> None:
    """What is shown is in the language: each formula of 200 expressions can be read."""
    generator = random.Random(3)
    for expression, _ in _random(generator.randint(1, 9), 200):
        steps = Steps(expression)
        for position in steps.numbers:
            formula = steps.primal(position)
            text = written(formula, lambda kind, number: f"s{number + 100}")
            if expression.nodes[position].op != VARIABLE:
                read(text)
