"""Functions whose derivatives are better than torch's: same values, same graph, more digits.

What is claimed: in an accurate context a row's value is torch's to the bit; its gradient is torch's
to the bit where torch's formula holds its digits; and where that cancels, first and second
derivatives are right to 1e-12 (`test_functions.py` holds every row against mpmath; here stands what
is not elementwise). Elsewhere the recorded graph is torch's own.
"""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from mpmath import mp, mpf

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.core.operations import operation
from autograd_cli.engine.derive.gradients import gradient, gradients
from autograd_cli.engine.derive.hessian import hessian_matrix
from autograd_cli.language.functions import FUNCTIONS, Function
from autograd_cli.language.reader import read
from autograd_cli.language.request import Component, DerivativeRequest
from autograd_cli.settings import Settings

# Determinants are of matrices, and are held against cofactors in test_determinant.py.
ROWS = [row for row in FUNCTIONS.values() if row.accurate and row.name not in ("mod", "det")]
ACCURATE, RECORDED = resolve(Settings(), accurate=True), resolve(Settings())

# The same formula, evaluated in another order.
REORDERED = ("bce_loss", "bce_with_logits", "mish")
# Where a line of points begins and ends that is in the domain of a row.
FIRST, LAST = {"acosh": 3.0}, {"bce_loss": 0.99, "logit": 0.99}

by_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def operands(
    row: Function, spread: float, dtype: torch.dtype = torch.float64
) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(7)
    found = [torch.randn(37, generator=draw, dtype=torch.float64) * spread for _ in row.operands]
    if row.name in ("bce_loss", "logit"):
        found = [torch.sigmoid(x) for x in found]
    if row.name == "pow":
        found[0] = found[0].abs()
    if row.name == "acosh":
        found = [1.1 + x.abs() for x in found]
    if row.name == "cross_entropy":
        found[1] = torch.softmax(found[1], -1)
    return [x.to(dtype).requires_grad_() for x in found]


def apply(row: Function, at: list[torch.Tensor], accurate: bool = False) -> torch.Tensor:
    options = {"dim": -1} if row.family == "reduction" else {}  # torch wants it said
    result: torch.Tensor = operation(row, accurate=accurate)(*at, **options)
    return result


@by_row
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_the_value_is_torchs_to_the_bit(row: Function, dtype: torch.dtype) -> None:
    for spread in (1e-3, 1.0, 9.0, 200.0):
        at = operands(row, spread, dtype)
        assert torch.equal(apply(row, at, accurate=True), apply(row, at))


@by_row
def test_an_ordinary_gradient_is_torchs_to_the_bit(row: Function) -> None:
    at = operands(row, 0.9)
    ours, theirs = (
        torch.autograd.grad(apply(row, at, accurate).sum(), at) for accurate in (True, False)
    )
    for x, mine, other in zip(at, ours, theirs, strict=True):
        usual = (x.abs() > 0.3) & (x.abs() < 3) if row.name in ("sigmoid", "tanhshrink") else ...
        if row.name in (
            "bce_loss",
            "bce_with_logits",
            "mish",
        ):  # the same formula, evaluated in another order
            torch.testing.assert_close(mine, other, rtol=1e-14, atol=0)
        else:
            assert torch.equal(mine[usual], other[usual])


@by_row
def test_what_is_recorded_elsewhere_is_torchs(row: Function) -> None:
    names = [operand.name for operand in row.operands]
    expression = read(f"{row.name}({', '.join(names)})")
    at = dict(zip(names, operands(row, 1.0), strict=True))
    for context, is_torchs in ((ACCURATE, False), (RECORDED, True)):
        result = output(expression, evaluate(expression, at, context), context)
        pending = [result.grad_fn]  # whose nodes live as long as the result
        nodes = set()
        while pending:
            node = pending.pop()
            if node is not None:
                nodes.add(type(node).__name__)
                pending += [below for below, _ in node.next_functions]
        ours = [name for name in nodes if name.endswith("Backward")]  # torch counts: SinBackward0
        assert bool(ours) != is_torchs


@by_row
def test_in_batches(row: Function) -> None:
    """torch.vmap, as the points of a grid use it."""
    names = [operand.name for operand in row.operands]
    fixed = {name: torch.tensor([0.25, 0.75], dtype=torch.float64) for name in names[1:]}
    expression = read(f"sum({row.name}({names[0]}*[1, 0.5], {', '.join(names[1:])}))")
    line = torch.linspace(
        FIRST.get(row.name, 0.01), LAST.get(row.name, 30.0), 9, dtype=torch.float64
    )
    for order in (1, 2):
        request = DerivativeRequest(wrt=(names[0],), order=order)
        rows = list(gradients(expression, fixed, {names[0]: line}, ACCURATE, request))
        for x, found in zip(line, rows, strict=True):
            one = gradient(expression, {**fixed, names[0]: x}, ACCURATE, request)
            assert found.gradient[names[0]] == pytest.approx(one.gradient[names[0]], rel=1e-13)


# Softmax and its relatives ------------------------------------------------------------------------


def softmax(x: list[mpf]) -> list[mpf]:
    weights = [mp.exp(one - max(x)) for one in x]
    return [weight / sum(weights) for weight in weights]


def logarithms(x: list[mpf]) -> list[mpf]:
    return [one - log_sum(x) for one in x]


def log_sum(x: list[mpf]) -> mpf:
    return max(x) + mp.log(sum(mp.exp(one - max(x)) for one in x))


LINES = {
    "softmax(x)[0]": lambda x: softmax(x)[0],
    "softmax(x)[2]": lambda x: softmax(x)[2],
    "log_softmax(x)[0]": lambda x: logarithms(x)[0],
    "log_softmax(x)[1]": lambda x: logarithms(x)[1],
    "logsumexp(x)": log_sum,
    "logsumexp([x, x], 1, True)[0, 0]": log_sum,
    "cross_entropy(x, 0)": lambda x: -logarithms(x)[0],
    "cross_entropy(x, [0.75, 0.25, 0])": lambda x: -(3 * logarithms(x)[0] + logarithms(x)[1]) / 4,
}


@pytest.mark.parametrize("x", [[0.5, -1.0, 0.25], [12.0, 1.5, -3.0], [45.0, 3.0, 1.0]], ids=str)
@pytest.mark.parametrize("text", LINES)
def test_one_element_has_nearly_all_the_weight(text: str, x: list[float]) -> None:
    at = {"x": torch.tensor(x, dtype=torch.float64)}
    expression, function = read(text), LINES[text]
    first = gradient(expression, at, ACCURATE).gradient["x"]
    with mp.workdps(80):
        point = [mpf(one) for one in x]

        def differentiated(*orders: int) -> mpf:
            return mp.diff(lambda *x: function(list(x)), tuple(point), orders)

        for i in range(3):
            truth = differentiated(*(int(i == k) for k in range(3)))
            assert abs(first[i] - truth) <= 1e-12 * abs(truth), f"d/dx[{i}]: {first[i]}, {truth}"
        for i, j in itertools.product(range(3), repeat=2):
            request = DerivativeRequest(partial=(Component("x", (i,)), Component("x", (j,))))
            (second,) = gradient(expression, at, ACCURATE, request).gradient.values()
            truth = differentiated(*((i == k) + (j == k) for k in range(3)))
            assert abs(second - truth) <= 1e-12 * abs(truth), f"{i}, {j}: {second}, {truth}"


@pytest.mark.parametrize("size", [2, 5, 300])
@pytest.mark.parametrize("start", [1e6, -1e6, 3e9])
def test_the_logarithm_of_a_sum_of_large_exponentials(start: float, size: int) -> None:
    """torch's derivative is that of the rounded logarithm: 10 digits at 1e6. Any number of
    elements."""
    x = start + torch.arange(size, dtype=torch.float64)
    found = gradient(read("logsumexp(x)"), {"x": x}, ACCURATE).gradient["x"]
    second = hessian_matrix(read("logsumexp(x)"), {"x": x}, ACCURATE)
    with mp.workdps(50):
        weights = softmax([mpf(one) for one in x.tolist()])
        for i, weight in enumerate(weights):
            assert abs(found[i] - weight) <= 1e-14 * weight
            truth = weight * (1 - weight)
            assert abs(second[i, i].item() - truth) <= 1e-12 * truth


@pytest.mark.parametrize("size", [300, 2000])
def test_one_of_many_elements_has_nearly_all_the_weight(size: int) -> None:
    at = {"x": torch.linspace(-2, 2, size, dtype=torch.float64)}
    at["x"][3] = 40.0
    by_softmax = gradient(read("softmax(x)[3]"), at, ACCURATE).gradient["x"]
    by_logarithm = gradient(read("log_softmax(x)[3]"), at, ACCURATE).gradient["x"]
    second = hessian_matrix(read("log_softmax(x)[3]"), at, ACCURATE)
    with mp.workdps(50):
        weights = softmax([mpf(one) for one in at["x"].tolist()])
        for i, weight in enumerate(weights):
            truth = 1 - weight if i == 3 else -weight
            assert abs(by_logarithm[i] - truth) <= 1e-12 * abs(truth)
            assert abs(by_softmax[i] - truth * weights[3]) <= 1e-12 * abs(truth)
            curvature = -weight * (1 - weight)
            assert abs(second[i, i].item() - curvature) <= 1e-12 * abs(curvature)


def test_the_logarithm_of_a_sum_that_is_infinite() -> None:
    x = torch.zeros(300, dtype=torch.float64)
    x[7] = math.inf
    found = gradient(read("logsumexp(x)"), {"x": x}, ACCURATE).gradient["x"]
    assert found[:7] == [0.0] * 7


def test_a_number_on_the_left_of_a_remainder() -> None:
    """torch records it without a derivative; -floor(5/x) it is."""
    at = {"x": torch.tensor(2.3, dtype=torch.float64)}
    found = gradient(read("5 % x"), at, ACCURATE)
    assert (found.value, found.gradient) == (5 % 2.3, {"x": -2.0})


def test_the_derivatives_of_probabilities_near_0_and_1() -> None:
    """torch keeps p*(1 - p) above 1e-12."""
    for p in (1e-14, 1e-9, 0.3, 1 - 2.0**-45):
        at = {"p": torch.tensor(p, dtype=torch.float64)}
        for order, truth in ((1, 1 / (1 - mpf(p))), (2, 1 / (1 - mpf(p)) ** 2)):
            found = gradient(read("bce_loss(p, 0)"), at, ACCURATE, DerivativeRequest(order=order))
            assert abs(found.gradient["p"] - truth) <= 1e-12 * truth
