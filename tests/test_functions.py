"""Every row of the function table against an independent definition at 50 digits.

What is claimed: at random points of a row's domain, the value and all first and second partial
derivatives are right to 1e-12 wherever the quantity itself is well conditioned (a relative change
of an operand is amplified at most a thousandfold). The truth is `reference.py`, which knows nothing
of the table.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sympy
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from reference import REFERENCES, Reference, condition_number, derivative, exactly

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive.gradients import gradient
from autograd_cli.errors import DerivativeError, EvaluationError, ReadError
from autograd_cli.language.expression import Expression
from autograd_cli.language.functions import FUNCTIONS, OPERATORS, Function, find
from autograd_cli.language.reader import read
from autograd_cli.language.request import Component, DerivativeRequest
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings(), accurate=True)

TOLERANCE = 1e-12
WELL_CONDITIONED = 1e3
RANGE = (mpf(10) ** -290, mpf(10) ** 290)  # what float64 holds with all its digits

ELEMENTWISE = [row for row in FUNCTIONS.values() if row.elementwise]
CONDITIONS = [row for row in ELEMENTWISE if row.name in {"lt", "le", "gt", "ge", "eq", "ne"}]
CONDITIONS += [row for row in ELEMENTWISE if row.name.startswith("logical_")]
NUMERIC = [row for row in ELEMENTWISE if row not in CONDITIONS]

PROFILE = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.generate,),  # a point is as good as a simpler one
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)

# Operands of every size: of order one, large, tiny, whole numbers and halves.
MAGNITUDES = (
    st.floats(0.0625, 1.0)
    | st.floats(1.0, 8.0)
    | st.floats(8.0, 100.0)
    | st.floats(-8.0, 3.0).map(lambda power: 10.0**power)
    | st.integers(0, 12).map(lambda n: n / 2)
)
OPERANDS = st.builds(operator.mul, MAGNITUDES, st.sampled_from((1.0, -1.0)))


def by_name(rows: Sequence[Function]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


# Calls ------------------------------------------------------------------------------------------


@functools.cache
def expression_of(text: str) -> Expression:
    return read(text)


def operand_text(row: Function, name: str) -> str:
    """The text of an operand: a variable, or a condition on one."""
    return "condition > 0" if (row.name, name) == ("where", "condition") else name


def call(row: Function, operands: Mapping[str, str], options: Mapping[str, Any]) -> str:
    """`softplus(x=x, beta=0.5)`."""
    arguments = [f"{name}={text}" for name, text in operands.items()]
    arguments += [f"{name}={value!r}" for name, value in options.items()]
    return f"{row.name}({', '.join(arguments)})"


def names_given(row: Function) -> list[list[str]]:
    """The operands of every kind of call: `clamp(x, min, max)`, `clamp(x, min)`, ..."""
    optional = [operand.name for operand in row.operands if operand.default is not None]
    least = 1 if row.name == "clamp" else 0  # clamp needs a limit
    return [
        [operand.name for operand in row.operands if operand.name not in left_out]
        for count in range(len(optional) - least + 1)
        for left_out in itertools.combinations(optional, count)
    ]


def tensors(values: Mapping[str, float]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def value_of(expression: Expression, values: Mapping[str, Any]) -> torch.Tensor:
    """The value with the variables set to numbers, conditions or tensors."""
    at = {
        name: value if isinstance(value, torch.Tensor) else CONTEXT.tensor(value)
        for name, value in values.items()
    }
    return output(expression, evaluate(expression, at, CONTEXT), CONTEXT)


def in_domain(row: Function, values: Mapping[str, float], options: Mapping[str, Any]) -> bool:
    if row.name == "where":
        return values["condition"] != 0  # it is called with `condition > 0`
    if not row.domain:
        return True
    expression = expression_of(row.domain)
    known = {**defaults(row), "min": -torch.inf, "max": torch.inf, **values, **options}
    return bool(value_of(expression, {name: known[name] for name in expression.variables}))


def defaults(row: Function) -> dict[str, Any]:
    """The operands and options that have a number as default, read from the signature."""
    return {
        parameter.name: int(parameter.default)
        if parameter.default.isdigit()
        else float(parameter.default)
        for parameter in row.parameters
        if parameter.default and parameter.default.strip("-").replace(".", "").isdigit()
    }


def written_out(formula: str, options: Mapping[str, Any]) -> str:
    """A formula with the whole-numbered options as digits, as only constants can be options."""
    for name, value in options.items():
        if isinstance(value, int):
            formula = re.sub(rf"\b{name}\b", str(value), formula)
    return formula


def draw_options(row: Function, data: st.DataObject) -> dict[str, Any]:
    """Settings from those that the row is tested with; left out now and then if it has defaults."""
    options = {}
    for option in row.options:
        choices = REFERENCES[row.name].options[option.name]
        if option.default is None or data.draw(st.booleans(), label=f"{option.name} is given"):
            options[option.name] = data.draw(st.sampled_from(choices), label=option.name)
    return options


def partial(expression: Expression, values: Mapping[str, float], by: Sequence[str]) -> float:
    """One mixed partial derivative."""
    request = DerivativeRequest(partial=tuple(Component(name) for name in by))
    (result,) = gradient(expression, tensors(values), CONTEXT, request).gradient.values()
    return result


def partial_or_error(
    expression: Expression, values: Mapping[str, float], by: Sequence[str]
) -> float | DerivativeError:
    try:
        return partial(expression, values, by)
    except DerivativeError as error:
        return error


def check(
    got: float, function: Reference, point: Sequence[float], orders: Sequence[int], at: str
) -> None:
    """`got` is the derivative of `orders`, where float64 has it and it is well conditioned."""
    if function.cancels(orders, *point):
        return
    truth = derivative(function, point, orders)
    if not truth:
        moved = [x * (1 + 1e-9) for x in point]
        vanishes = not derivative(function, moved, orders)
        assert abs(got) <= (0 if vanishes else TOLERANCE), f"{at}: {got!r}, but it is 0"
        return
    if abs(truth) < RANGE[0]:
        assert abs(got) <= 1e6 * RANGE[0], f"{at}: {got!r}, but it is {mp.nstr(truth, 20)}"
        return
    if abs(truth) > RANGE[1]:
        return
    error = abs((mpf(got) - truth) / truth)
    if error <= TOLERANCE:
        return
    kappa = condition_number(function, point, orders, truth)
    assert kappa > WELL_CONDITIONED, (
        f"{at}: {got!r}, but it is {mp.nstr(truth, 20)}: relative error {mp.nstr(error, 3)},"
        f" condition number {kappa:.3g}"
    )


# The table --------------------------------------------------------------------------------------


def test_every_elementwise_row_has_a_reference() -> None:
    assert [row.name for row in ELEMENTWISE if row.name not in REFERENCES] == []
    assert [name for name in REFERENCES if name not in FUNCTIONS] == []


def test_every_option_of_an_elementwise_row_is_tested() -> None:
    for row in ELEMENTWISE:
        assert [option.name for option in row.options] == list(REFERENCES[row.name].options)


def test_every_spelling_belongs_to_one_row() -> None:
    spellings = [spelling for row in FUNCTIONS.values() for spelling in (row.name, *row.aliases)]
    assert [one for one in spellings if spellings.count(one) > 1] == []
    for row in FUNCTIONS.values():
        for spelling in (row.name, *row.aliases):
            assert find(spelling) is row
    for symbol, name in OPERATORS.items():
        assert FUNCTIONS[name].symbol == symbol
    signs = [row.symbol for row in FUNCTIONS.values() if row.symbol and len(row.operands) == 2]
    assert len(signs) == len(set(signs))


@by_name(list(FUNCTIONS.values()))
def test_a_row_says_how_it_is_used(row: Function) -> None:
    assert row.help
    assert "\n" not in row.help
    assert row.family
    assert row.usage.startswith(f"{row.name}(")
    assert all(parameter.name in row.usage for parameter in row.parameters)
    operands = [operand for operand in row.parameters if operand.is_operand]
    if row.family != "constructor":
        assert len(row.derivatives) == len(operands)


@by_name([row for row in FUNCTIONS.values() if row.overload])
def test_an_overload_is_a_row(row: Function) -> None:
    assert row.overload in FUNCTIONS
    two = read(f"{row.name}(x, y)")
    assert two.nodes[two.root].op == row.overload


@by_name([row for row in FUNCTIONS.values() if row.aliases])
def test_an_alias_reads_as_the_same_node(row: Function) -> None:
    values = [
        "2" if parameter.type == "int" else parameter.name
        for parameter in row.parameters
        if parameter.default is None
    ]
    reads = [read(f"{name}({', '.join(values)})") for name in (row.name, *row.aliases)]
    nodes = [[node._replace(span=None) for node in one.nodes] for one in reads]
    assert all(one == nodes[0] for one in nodes)


@by_name([row for row in FUNCTIONS.values() if row.symbol])
def test_an_operator_is_also_a_function(row: Function) -> None:
    names = [operand.name for operand in row.operands]
    sign = row.symbol
    text = f" {sign} ".join(names) if len(names) == 2 else f"{sign} {names[0]}"
    by_sign, by_call = read(text), read(f"{row.name}({', '.join(names)})")
    assert [(node.op, node.operands) for node in by_sign.nodes] == [
        (node.op, node.operands) for node in by_call.nodes
    ]


@by_name([row for row in FUNCTIONS.values() if row.folds])
def test_a_fold_takes_its_operands_from_the_left(row: Function) -> None:
    whole = read(f"{row.name}(a, b, c, d)")
    first, second, third = [node for node in whole.nodes if node.op == row.name]
    names = [[str(whole.nodes[i].value) for i in node.operands] for node in (first, second, third)]
    assert names[0] == ["a", "b"]
    assert whole.nodes[second.operands[0]] is first
    assert names[1][1] == "c"
    assert whole.nodes[third.operands[0]] is second
    assert names[2][1] == "d"


@by_name(list(FUNCTIONS.values()))
def test_the_formulas_of_a_row_name_only_what_exists(row: Function) -> None:
    names = {parameter.name for parameter in row.parameters}
    more = set() if row.elementwise else {"g", "y"}
    whole = {option.name: 3 for option in row.options if option.default is None}
    for text in filter(None, (row.domain, *row.derivatives)):
        assert set(read(written_out(text, whole)).variables) <= names | more
    if row.symbolic.startswith("operator."):
        assert hasattr(operator, row.symbolic.removeprefix("operator."))
    elif row.symbolic not in ("", "array"):
        formula = row.symbolic.replace("{reduction}", "sum")
        words = set(re.findall(r"[A-Za-z_]\w*", formula)) - names - {"pi", "True"}
        assert all(hasattr(sympy, word) or find(word) for word in words)


# Values and derivatives -------------------------------------------------------------------------


@by_name(NUMERIC)
@settings(PROFILE, max_examples=8)
@given(data=st.data())
def test_value_and_derivatives(row: Function, data: st.DataObject) -> None:
    names = data.draw(st.sampled_from(names_given(row)), label="operands")
    options = draw_options(row, data)
    values = {name: data.draw(OPERANDS, label=name) for name in names}
    assume(in_domain(row, values, options))
    text = call(row, {name: operand_text(row, name) for name in names}, options)
    function = REFERENCES[row.name].of(names, options)
    expression = expression_of(text)
    point = [values[name] for name in expression.variables]
    assert list(expression.variables) == names
    at = f"{text} at {values}"

    check(value_of(expression, values).item(), function, point, [0] * len(names), at)
    second = []
    for i, name in enumerate(names):
        first = partial_or_error(expression, values, [name])
        if isinstance(first, DerivativeError):
            assert row.derivatives[i] == "", f"{at}: {first.message}"
            assert row.name in first.message
            continue
        second.append(name)
        orders = [int(name == one) for one in names]
        check(first, function, point, orders, f"d/d{name} {at}")
    for pair in itertools.product(second, repeat=2):
        orders = [pair.count(one) for one in names]
        check(
            partial(expression, values, pair), function, point, orders, f"d2/d{','.join(pair)} {at}"
        )
    if second:
        request = DerivativeRequest(wrt=tuple(second))
        both = gradient(expression, tensors(values), CONTEXT, request).gradient
        assert both == {name: partial(expression, values, [name]) for name in second}
        request = DerivativeRequest(wrt=tuple(second), order=2)
        pure = gradient(expression, tensors(values), CONTEXT, request).gradient
        assert pure == {name: partial(expression, values, [name, name]) for name in second}


@by_name([row for row in NUMERIC if len(row.operands) > 1])
@settings(PROFILE, max_examples=6)
@given(data=st.data())
def test_numbers_as_operands(row: Function, data: st.DataObject) -> None:
    """A number typed in the place of a variable: the same value, the same other derivatives."""
    names = [operand.name for operand in row.operands]
    values = {name: data.draw(OPERANDS, label=name) for name in names}
    assume(in_domain(row, values, {}))
    literal = data.draw(st.sampled_from(names), label="number")
    digits = str(int(values[literal])) if values[literal].is_integer() else repr(values[literal])
    operands = {name: operand_text(row, name) for name in names}
    operands[literal] = operands[literal].replace(literal, f"({digits})")
    text = call(row, operands, {})
    expression = expression_of(text)
    free = [name for name in names if name != literal]
    assert set(expression.variables) == set(free)
    function = REFERENCES[row.name]
    point = [values[name] for name in names]
    variables = {name: values[name] for name in expression.variables}
    check(value_of(expression, variables).item(), function, point, [0] * len(names), text)
    for name in free:
        orders = [int(name == one) for one in names]
        first = partial_or_error(expression, variables, [name])
        if isinstance(first, DerivativeError):
            assert row.derivatives[names.index(name)] == "", f"{text}: {first.message}"
            assert row.name in first.message
            continue
        check(first, function, point, orders, f"d/d{name} {text} at {variables}")
        twice = [2 * order for order in orders]
        pair = partial(expression, variables, [name, name])
        check(pair, function, point, twice, f"d2/d{name},{name} {text} at {variables}")


# In every range; a vector has more than the 16 numbers that vectorised kernels take at a time.
MANY = [sign * x for x in (0.3, 0.75, 1.25, 2.6, 4.1, 7.7, 0.003, 12.3, 25.1) for sign in (1, -1)]
VECTOR = 19


@by_name(NUMERIC)
def test_vectors(row: Function) -> None:
    """A vector's elements have the values and the derivatives that numbers have."""
    names = [operand.name for operand in row.operands]
    options = {option.name: REFERENCES[row.name].options[option.name][0] for option in row.options}
    points = [
        point
        for point in itertools.product(MANY, repeat=len(names))
        if in_domain(row, dict(zip(names, point, strict=True)), options)
    ]
    points = (points[:: max(1, len(points) // VECTOR)] * VECTOR)[:VECTOR]
    columns = [list(column) for column in zip(*points, strict=True)]
    text = call(row, {name: operand_text(row, name) for name in names}, options)
    at = {n: torch.tensor(c, dtype=torch.float64) for n, c in zip(names, columns, strict=True)}
    values = output(expression_of(text), evaluate(expression_of(text), at, CONTEXT), CONTEXT)
    function = REFERENCES[row.name].of(names, options)
    for point, value in zip(points, values.tolist(), strict=True):
        check(value, function, point, [0] * len(names), f"{text} in a vector at {point}")
    for i, name in enumerate(names):
        try:
            request = DerivativeRequest(wrt=(name,))
            found = gradient(expression_of(f"sum({text})"), at, CONTEXT, request).gradient[name]
        except DerivativeError:
            assert row.derivatives[i] == ""
            continue
        orders = [int(i == j) for j in range(len(names))]
        for point, slope in zip(points, found, strict=True):
            check(slope, function, point, orders, f"d/d{name} {text} in a vector at {point}")


@pytest.mark.parametrize("exponent", range(-4, 7))
@pytest.mark.parametrize("base", [-3.25, -1.0, -0.4, 0.7, 2.0])
def test_whole_powers_of_any_base(base: float, exponent: int) -> None:
    function = Reference(lambda x: mpf(x) ** exponent)
    for text in (f"x**{exponent}", f"x^({exponent})", f"pow(x, {exponent})", f"x**({exponent}.0)"):
        expression, values = read(text), {"x": base}
        check(value_of(expression, values).item(), function, [base], [0], text)
        for order in (1, 2, 3):
            got = partial(expression, values, ["x"] * order)
            check(got, function, [base], [order], f"{text} at {base}, order {order}")


@by_name(CONDITIONS)
def test_conditions(row: Function) -> None:
    names = [operand.name for operand in row.operands]
    expression = read(call(row, {name: name for name in names}, {}))
    for point in itertools.product([-1.5, 0.0, 1.0], repeat=len(names)):
        values = dict(zip(names, point, strict=True))
        result = value_of(expression, values)
        assert result.dtype == torch.bool
        assert result.item() is bool(REFERENCES[row.name].value(*map(mpf, point)))
        with pytest.raises(DerivativeError, match="a condition has no derivative"):
            gradient(expression, tensors(values), CONTEXT)
        chosen = read(f"where({call(row, {name: name for name in names}, {})}, 3*z, z**2)")
        slope = gradient(chosen, tensors({**values, "z": 5.0}), CONTEXT).gradient
        assert slope == {**dict.fromkeys(names, 0.0), "z": 3.0 if result else 10.0}
    assert row.derivatives == ("0",) * len(names)


def test_at_the_edges_between_the_branches() -> None:
    """Values that are defined where a derivative is a convention."""
    values = {
        "abs(x)": 0.0, "sign(x)": 0.0, "relu(x)": 0.0, "Heaviside(x)": 0.5, "Heaviside(x, 1)": 1.0,
        "heaviside(x, 0.25)": 0.25, "cbrt(x)": 0.0, "sinc(x)": 1.0, "xlogy(x, x)": 0.0,
        "hypot(x, x)": 0.0, "atan2(x, x)": 0.0, "entr(x)": 0.0, "frac(x)": 0.0, "sqrt(x)": 0.0,
        "x**0": 1.0, "xlog1py(x, -1)": 0.0, "round(x + 0.5)": 0.0, "round(x + 1.5)": 2.0,
        "round(x + 2.5)": 2.0, "round(x - 0.5)": 0.0, "hardsigmoid(x)": 0.5, "i1(x)": 0.0,
    }  # fmt: skip
    for text, value in values.items():
        assert value_of(read(text), {"x": 0.0}).item() == value, text
    at_zero = gradient(read("Heaviside(x, h)"), tensors({"x": 0.0, "h": 0.3}), CONTEXT)
    assert (at_zero.value, at_zero.gradient) == (0.3, {"x": 0.0, "h": 1.0})
    conventions = {"abs(x)": 0.0, "relu(x)": 0.0, "maximum(x, 0)": 0.5, "sign(x)": 0.0}
    for text, slope in conventions.items():
        assert gradient(read(text), tensors({"x": 0.0}), CONTEXT).gradient == {"x": slope}, text


# The derivatives written in the table -----------------------------------------------------------


@by_name([row for row in ELEMENTWISE if any(row.derivatives)])
@settings(PROFILE, max_examples=5)
@given(data=st.data())
def test_the_derivatives_of_a_row_are_true(row: Function, data: st.DataObject) -> None:
    """The formulas of `derivatives`: exactly, and as the engine evaluates them."""
    names = [operand.name for operand in row.operands]
    options = draw_options(row, data)
    values = {name: data.draw(OPERANDS, label=name) for name in names}
    assume(in_domain(row, values, options))
    function = (
        replace(REFERENCES[row.name], is_cut=True) if row in CONDITIONS else REFERENCES[row.name]
    )
    function = function.of(names, options)
    point = [values[name] for name in names]
    known = {**defaults(row), **options, **values}
    for i, formula in enumerate(row.derivatives):
        if not formula:
            continue
        expression = expression_of(written_out(formula, known))
        at = f"{row.name}: d/d{names[i]} = {formula} at {known}"
        truth = derivative(function, point, [int(i == j) for j in range(len(names))])
        for digits in (60, 500):  # the more for formulas that cancel where the truth is tiny
            with mp.workdps(digits):
                exact = exactly(expression, {name: mpf(value) for name, value in known.items()})
                is_true = abs(exact - truth) <= 1e-15 * abs(truth) + mpf(10) ** -320
            if is_true:
                break
        assert is_true, f"{at}: {exact}, not {truth}"
        if not truth or RANGE[0] <= abs(truth) <= RANGE[1]:
            got, rounding = with_rounding(expression, known)
            assert abs(got - truth) <= TOLERANCE * max(abs(truth), rounding), f"{at}: {got}"


@by_name([row for row in NUMERIC if len(row.operands) == 1 and row.derivatives[0]])
@pytest.mark.parametrize("x", [0.0, 1.0, -1.0, 0.5, -2.0])
def test_the_derivatives_of_a_row_hold_at_special_points(row: Function, x: float) -> None:
    """A formula that is 0/0 where the function is smooth is no derivative there."""
    (operand,) = row.operands
    options = {option.name: REFERENCES[row.name].options[option.name][0] for option in row.options}
    if not in_domain(row, {operand.name: x}, options):
        return
    function = REFERENCES[row.name].of([operand.name], options)
    known = {**defaults(row), **options, operand.name: x}
    expression = expression_of(written_out(row.derivatives[0], known))
    got = value_of(expression, {name: float(known[name]) for name in expression.variables})
    assert got.item() == pytest.approx(float(derivative(function, [x], [1])), rel=1e-12, abs=1e-12)


def with_rounding(expression: Expression, values: Mapping[str, float]) -> tuple[float, float]:
    """The value of an expression by the engine, and how much rounding it amplifies: the sum over
    all steps v of |v d/dv|."""
    at = {
        name: torch.tensor(float(values[name]), dtype=torch.float64, requires_grad=True)
        if name != "condition"
        else torch.tensor(values[name] > 0)
        for name in expression.variables
    }
    steps = evaluate(expression, at, CONTEXT)
    result = output(expression, steps, CONTEXT)
    if not result.requires_grad:
        return result.item(), 0.0
    tracked = [step for step in steps if isinstance(step, torch.Tensor) and step.requires_grad]
    slopes = torch.autograd.grad(result, tracked, materialize_grads=True)
    pairs = zip(tracked, slopes, strict=True)
    return result.item(), sum(abs((step * slope).item()) for step, slope in pairs)


# Vector-Jacobian products: small operands for every row that is not elementwise.
_V = [0.8, -1.3, 2.1, 0.4]
_W = [1.7, 0.6, -0.9, 2.2]
_A = [[1.4, 0.3, -0.7], [0.2, 2.1, 0.5], [-0.4, 0.6, 1.8]]
_B = [[0.9, -1.1, 0.4], [1.6, 0.3, -0.2], [0.7, 0.5, 1.2]]
_SPD = [[2.4, 0.3, -0.5], [0.3, 1.9, 0.4], [-0.5, 0.4, 2.8]]
_P = [0.2, 0.7, 0.4, 0.9]
OPERANDS_OF: dict[str, tuple[Any, ...]] = {
    "matmul": (_A, _B),
    "dot": (_V, _W),
    "cross": (_V[:3], _W[:3]),
    "outer": (_V, _W[:3]),
    "mv": (_A, _V[:3]),
    "solve": (_A, _V[:3]),
    "kron": (_A, _B),
    "cholesky": (_SPD,),
    "logdet": (_SPD,),
    "eigvalsh": (_SPD,),
    "bce_loss": (_P, [0.0, 1.0, 0.3, 0.8]),
    "bce_with_logits": (_V, [0.0, 1.0, 0.3, 0.8]),
    "cross_entropy": (_V, [0.1, 0.2, 0.3, 0.4]),
}
MATRIX_ROWS = {"trace", "det", "inv", "pinv", "matrix_exp", "matrix_power", "svdvals"}
MATRIX_ROWS |= {"transpose", "mT", "diag", "diagonal", "tril", "triu"}
PRODUCTS = [row for row in FUNCTIONS.values() if not row.elementwise and any(row.derivatives)]


def operands_of(row: Function) -> tuple[Any, ...]:
    if row.name in OPERANDS_OF:
        return OPERANDS_OF[row.name]
    if row.name in MATRIX_ROWS:
        return (_A,)
    return (_V, _W)[: len(row.operands)]


@by_name(PRODUCTS)
def test_the_vector_jacobian_products_of_a_row_are_true(row: Function) -> None:
    names = [operand.name for operand in row.operands]
    operands = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in zip(names, operands_of(row), strict=True)
    }
    whole = {option.name: 3 for option in row.options if option.default is None}
    expression = read(call(row, {name: name for name in names}, whole))
    y = output(expression, evaluate(expression, operands, CONTEXT), CONTEXT)
    if not y.requires_grad:
        assert row.derivatives == ("0",) * len(names)
        return
    upstream = torch.linspace(0.7, 1.9, y.numel(), dtype=torch.float64).reshape(y.shape)
    wanted = torch.autograd.grad(y, list(operands.values()), upstream, materialize_grads=True)
    # an operand called y, as in dot(x, y), is meant before the result
    known = {"g": upstream, "y": y, **defaults(row), **operands}
    for name, formula, truth in zip(names, row.derivatives, wanted, strict=True):
        if not formula:
            continue
        product = read(written_out(formula, whole))
        got = value_of(product, {one: known[one] for one in product.variables}).detach()
        assert got.shape == truth.shape or not got.dim(), f"{row.name}, {name}: {formula}"
        torch.testing.assert_close(
            got.to(truth.dtype).expand(truth.shape),
            truth,
            rtol=TOLERANCE,
            atol=TOLERANCE,
            msg=f"{row.name}: by {name}: {formula} is {got.tolist()}, but {truth.tolist()}",
        )


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "median"])
def test_ties_share_the_gradient(name: str) -> None:
    row = FUNCTIONS[name]
    x = torch.tensor(
        [2.0, 2.0, 2.0, 1.0] if name != "min" else [2.0, 1.0, 1.0], dtype=torch.float64
    )
    x.requires_grad_()
    if name == "amin":
        x = (-x.detach()).requires_grad_()
    if name == "median":
        x = torch.tensor([1.0, 2.0, 2.0, 2.0, 5.0], dtype=torch.float64, requires_grad=True)
    expression = read(f"{name}(x)")
    y = output(expression, evaluate(expression, {"x": x}, CONTEXT), CONTEXT)
    (truth,) = torch.autograd.grad(y, x)
    product = read(row.derivatives[0])
    got = value_of(product, {"g": torch.ones_like(y), "y": y.detach(), "x": x.detach()})
    assert got.tolist() == truth.tolist()


# Rows without a derivative ----------------------------------------------------------------------


@by_name([row for row in ELEMENTWISE if "" in row.derivatives])
def test_a_missing_derivative_is_said_so(row: Function) -> None:
    """Where the table has no formula, there is the right number all the same, or a clear error."""
    names = [operand.name for operand in row.operands]
    values = dict(zip(names, (2.3, 1.7), strict=True))
    expression = read(call(row, {name: name for name in names}, {}))
    for i, (name, formula) in enumerate(zip(names, row.derivatives, strict=True)):
        if formula:
            continue
        orders = [int(i == j) for j in range(len(names))]
        got = partial_or_error(expression, values, [name])
        if isinstance(got, DerivativeError):
            assert row.name in got.message
            assert got.hint
        else:
            check(got, REFERENCES[row.name], [2.3, 1.7], orders, row.name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("softplus(x - 800)", 0.0),
        ("logsigmoid(x + 800)", 0.0),
        ("sigmoid(x - 800)", 0.0),
        ("tanh(x + 800)", 1.0),
        ("silu(x - 800)", 0.0),
        ("mish(x - 800)", 0.0),
        ("gelu(x - 800)", 0.0),
        ("erf(x + 800)", 1.0),
        ("erfc(x + 800)", 0.0),
        ("ndtr(x - 800)", 0.0),
        ("exp(x - 800)", 0.0),
        ("expm1(x - 800)", -1.0),
        ("elu(x - 800)", -1.0),
        ("i0e(x + 1e308)*0", 0.0),
        ("k0(x + 800)", 0.0),
        ("atan(x + 1e200)", pytest.approx(1.5707963267948966)),
        ("asinh(x + 1e-200)", 1e-200),
        ("hypot(x, 1e-200)", 1e-200),
        ("hypot(x, 1e200)", 1e200),
        ("logaddexp(x, 800)", 800.0),
        ("logaddexp(-800, x)", 0.0),
    ],
)
def test_nothing_overflows_on_the_way(text: str, value: float) -> None:
    """Values and derivatives that are 0 to float64, or constant, far from the origin."""
    expression = read(text)
    assert value_of(expression, {"x": 0.0}).item() == value
    for order in (1, 2):
        slope = partial(expression, {"x": 0.0}, ["x"] * order)
        assert abs(slope) < 1e250, f"order {order}"  # not nan


def test_clamp_needs_a_limit() -> None:
    with pytest.raises(EvaluationError, match="clamp"):
        value_of(read("clamp(x)"), {"x": 1.0})


def test_an_option_is_no_variable() -> None:
    with pytest.raises(ReadError, match="n must be an integer"):
        read("polygamma(n, x)")
