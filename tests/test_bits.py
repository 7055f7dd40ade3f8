"""Many points by autograd: each has the one-point command's value and gradient, bit for bit.

The truth is `gradient` at that point alone; nothing here is compared to a tolerance.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from cli_runner import run
from expressions import VARIABLES, lines

from autograd_cli.engine.core.batch_layout import REORDERED, TWO_KERNELS, is_reordered
from autograd_cli.engine.core.batches import Listed
from autograd_cli.engine.core.context import Context, resolve
from autograd_cli.engine.derive.gradients import gradient
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.functions.row import Function
from autograd_cli.language.reader import read
from autograd_cli.language.request import Component, DerivativeRequest
from autograd_cli.points.many import Gradients
from autograd_cli.settings import Settings

CONTEXTS = {
    dtype: resolve(Settings("cpu", dtype), accurate=True) for dtype in ("float64", "float32")
}
Shape = tuple[int, ...]


def draw(shapes: Mapping[str, Shape], count: int, seed: int, context: Context) -> Listed:
    """Normal numbers of several sizes, and some that are special."""
    generator = torch.Generator().manual_seed(seed)
    special = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, 3.0], dtype=torch.float64)
    points = Listed()
    for name, shape in shapes.items():
        size = (count, *shape)
        numbers = torch.randn(size, dtype=torch.float64, generator=generator)
        numbers *= 10 ** torch.randint(-1, 2, size, generator=generator)
        chosen = special[torch.randint(len(special), size, generator=generator)]
        rare = torch.rand(size, generator=generator) < 0.1
        points[name] = torch.where(rare, chosen, numbers).to(context.dtype)
    return points


FIRST = DerivativeRequest()
UNCALLED = ("constructor", "operator")


def singles(
    expression: Expression, points: Listed, context: Context, request: DerivativeRequest = FIRST
) -> list[str]:
    found = []
    for position in range(len(next(iter(points.values())))):
        here = {name: column[position] for name, column in points.items()}
        single = gradient(expression, here, context, request)
        found.append(repr((single.value, single.gradient)))
    return found


def together(
    expression: Expression,
    points: Listed,
    context: Context,
    request: DerivativeRequest = FIRST,
    *,
    exact: bool = True,
) -> list[str]:
    gradients = Gradients(expression, {}, context, request, exact=exact)
    return [repr((one.value, one.gradient)) for one in gradients(points).points()]  # type: ignore[attr-defined]


def texts_of(row: Function) -> dict[str, Shape]:
    """Expressions of one function, and the shape of their variables: of numbers and of vectors."""
    operands = [one for one in row.operands if one.default is None]
    letters = iter("abcdef")
    given = [
        next(letters) if one.type == "operand" else "2"
        for one in row.parameters
        if one.default is None
    ]
    assert len([one for one in given if one.isalpha()]) == len(operands)
    limit = ", min=-1" if row.name == "clamp" else ""
    call = f"{row.name}({', '.join(given)}{limit})"
    if row.name == "where":
        call = "where(a > 0, a, b)"
    return {call: (), f"sum({call})": (9,)}


@pytest.mark.parametrize(
    "row",
    # Operators are not called by their names; the random lines have them all.
    [row for row in FUNCTIONS.values() if row.elementwise and row.family not in UNCALLED],
    ids=lambda row: row.name,
)
def test_every_elementwise_function(row: Function) -> None:
    for text, shape in texts_of(row).items():
        expression = read(text)
        points = draw(dict.fromkeys(expression.variables, shape), 60, 2, CONTEXTS["float64"])
        expected = singles(expression, points, CONTEXTS["float64"])
        assert together(expression, points, CONTEXTS["float64"]) == expected


@pytest.mark.parametrize("dtype", CONTEXTS)
@pytest.mark.parametrize("seed", range(4))
def test_random_lines(seed: int, dtype: str) -> None:
    """Vectors, matrices, reductions, slices, steps that are used twice: what can be written."""
    compared = 0
    for number, line in enumerate(lines(200 + seed, 300)):
        try:
            expression = read(line.agx)
            shapes = {name: VARIABLES[name] for name in expression.variables}
            points = draw(shapes, 11, number, CONTEXTS[dtype])
            expected = singles(expression, points, CONTEXTS[dtype]) if shapes else []
        except AgxError:
            continue  # it has several outputs, or none
        if expected:
            compared += 1
            assert together(expression, points, CONTEXTS[dtype]) == expected, line.agx
    assert compared > 100


HIGHER = {
    "order 2": DerivativeRequest(order=2),
    "order 3": DerivativeRequest(order=3),
    "partial": DerivativeRequest(partial=(Component("x"), Component("y"))),
    "along": DerivativeRequest(order=2, along={"x": read("1"), "y": read("-2")}),
}


@pytest.mark.parametrize("request_", HIGHER.values(), ids=HIGHER)
@pytest.mark.parametrize(
    "text",
    [
        "hypot(x*x, x)*y",  # an operand that depends on another
        "sinh(sinh(x*y))",
        "(x*x + 1)**x*y",
        "atan2(sin(x), x)*y",
        "logaddexp(sinh(x), x)*y",
        "maximum(x*x, x)**3*y",
        "silu(x*sigmoid(y))",
        "sum(hypot([x, y, x*y], x))",
        "max([x, y, 3])**3*y",
    ],
)
def test_higher_derivatives(text: str, request_: DerivativeRequest) -> None:
    """To the bit where that was asked for, and to rounding where they are computed together."""
    context, expression = CONTEXTS["float64"], read(text)
    points = draw({"x": (), "y": ()}, 30, 4, context)
    points = Listed({name: 0.3 + column.abs().clamp(max=2) for name, column in points.items()})
    expected = singles(expression, points, context, request_)
    assert together(expression, points, context, request_) == expected
    exact, default = (
        Gradients(expression, {}, context, request_, exact=exact)(points) for exact in (True, False)
    )
    assert exact.gradient
    assert default.gradient
    for name, numbers in exact.gradient.items():
        torch.testing.assert_close(default.gradient[name], numbers, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "text", ["sum(hypot(y, A.T))", "sum(atan2(y, q.T))", "sum(logaddexp(y, q.T))", "sum(q.T**y)"]
)
def test_a_number_beside_a_transposed_matrix(text: str) -> None:
    """Sums over the elements have the order that they have at one point."""
    context, expression = CONTEXTS["float64"], read(text)
    shapes: dict[str, Shape] = {"y": (), "A": (3, 3), "q": (5, 7)}
    points = draw({name: shapes[name] for name in expression.variables}, 40, 6, context)
    assert together(expression, points, context) == singles(expression, points, context)


@pytest.mark.parametrize("name", sorted(TWO_KERNELS | REORDERED))
def test_what_is_treated_apart_is_a_function(name: str) -> None:
    assert name in FUNCTIONS


def test_what_is_fast_is_not_taken_one_by_one() -> None:
    for text in ("sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", "sin(x)*sigmoid(y)**2.5"):
        assert not is_reordered(read(text))
    assert is_reordered(read("x@A@x"))


@pytest.mark.parametrize("name", ["min", "max", "median"])
def test_elements_that_are_equal_share_the_gradient_in_a_batch_too(name: str) -> None:
    points = Listed(v=torch.tensor([[2.0, 2, 2], [1, 4, 4], [3, 3, 9]], dtype=torch.float64))
    context = CONTEXTS["float64"]
    expression = read(f"{name}(v)")
    expected = singles(expression, points, context)
    assert expected[0] == repr((2.0, {"v": [1 / 3] * 3}))
    assert together(expression, points, context, exact=False) == expected


def test_the_default_differs_by_no_more_than_rounding() -> None:
    context = CONTEXTS["float64"]
    expression = read("log(1 + (v@A@v)**2)/var(v)")
    points = draw({"v": (3,), "A": (3, 3)}, 50, 1, context)
    exact, default = (
        Gradients(expression, {}, context, DerivativeRequest(), exact=exact)(points)
        for exact in (True, False)
    )
    torch.testing.assert_close(default.value, exact.value, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_the_command_is_exact_via_autograd(tmp_path: Path) -> None:
    points = draw({"v": (3,), "y": ()}, 40, 3, CONTEXTS["float64"])
    path = tmp_path / "t.csv"
    rows = zip(points["v"].tolist(), points["y"].tolist(), strict=True)
    text = "".join(f"{a!r},{b!r},{c!r},{y!r}\n" for (a, b, c), y in rows)
    path.write_text("v[0],v[1],v[2],y\n" + text)
    done = run("grad", "dot(v, v)*sinh(y)", "--points", str(path), "--via", "autograd", "-f", "csv")
    assert (done.code, done.err) == (0, "")
    for row in csv.DictReader(io.StringIO(done.out)):
        at = f"v=[{row['v[0]']},{row['v[1]']},{row['v[2]']}],y={row['y']}"
        alone = run("grad", "dot(v, v)*sinh(y)", "--at", at, "-f", "csv").out
        (single,) = csv.DictReader(io.StringIO(alone))
        names = ("value", "d_v[0]", "d_v[1]", "d_v[2]", "d_y")
        assert [row[name] for name in names] == [single[name] for name in names]
