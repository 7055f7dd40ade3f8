"""Whole powers of roots (sqrt, abs, norm, hypot): smooth where the root has a kink.

The truth where the root is 0: the power of its square as a polynomial, whose derivatives torch has
right; elsewhere torch's own derivatives of the power of the root.
"""

from __future__ import annotations

import pytest
import torch

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive.gradients import gradients
from autograd_cli.engine.derive.hessian import hessian_matrix
from autograd_cli.language.functions import FUNCTIONS, Function
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.settings import Settings

ROOTS = [row for row in FUNCTIONS.values() if row.square]
ACCURATE, RECORDED = resolve(Settings(), accurate=True), resolve(Settings())

by_root = pytest.mark.parametrize("row", ROOTS, ids=[row.name for row in ROOTS])


def called(row: Function) -> str:
    return f"{row.name}({', '.join(one.name for one in row.operands)})"


def places(row: Function, fill: float | None = None) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    shape = () if row.elementwise else (3,)
    return {
        one.name: torch.rand(shape, generator=draw, dtype=torch.float64) + 0.5
        if fill is None
        else torch.full(shape, fill, dtype=torch.float64)
        for one in row.operands
    }


@by_root
def test_the_square_in_its_row_is_its_square(row: Function) -> None:
    at = places(row)
    root, square = (read(text) for text in (called(row), row.square))
    values = [output(one, evaluate(one, at, RECORDED), RECORDED) for one in (root, square)]
    torch.testing.assert_close(values[0] ** 2, values[1], rtol=1e-14, atol=0)


@by_root
@pytest.mark.parametrize("exponent", [2, 3, 4, 5, 8.0])
def test_away_from_its_kink_all_is_torchs(row: Function, exponent: float) -> None:
    at = places(row)
    expression = read(f"{called(row)}**{exponent}")
    ours, theirs = (evaluate(expression, at, one)[-1] for one in (ACCURATE, RECORDED))
    assert ours == theirs  # to the bit
    found, truth = (hessian_matrix(expression, at, one) for one in (ACCURATE, RECORDED))
    torch.testing.assert_close(found, truth, rtol=1e-13, atol=1e-13)


@by_root
@pytest.mark.parametrize("exponent", [2, 4, 6])
def test_where_the_root_is_0_it_is_the_power_of_its_square(row: Function, exponent: int) -> None:
    at = places(row, 0.0)
    power, polynomial = (
        read(f"{base}**{whole}")
        for base, whole in ((called(row), exponent), (f"({row.square})", exponent // 2))
    )
    found, truth = (hessian_matrix(one, at, ACCURATE) for one in (power, polynomial))
    assert torch.equal(found, truth)
    assert truth.isfinite().all()
    if exponent == 2 and row.name != "sqrt":
        assert torch.equal(truth, 2 * torch.eye(len(truth), dtype=torch.float64))


@pytest.mark.parametrize("text", ["norm(v)**3", "abs(x)**3", "norm(v)**5*x"])
def test_odd_powers_have_second_derivatives_too(text: str) -> None:
    zero = torch.tensor(0.0, dtype=torch.float64)
    at = {"v": torch.zeros(2, dtype=torch.float64), "x": zero, "y": zero}
    expression = read(text)
    at = {name: at[name] for name in expression.variables}
    assert not hessian_matrix(expression, at, ACCURATE).any()


def test_a_root_of_something_that_is_0_at_a_point_of_many() -> None:
    """A residual that vanishes: the Hessian is 2 A.T A there as elsewhere; options are kept."""
    expression = read("sum(norm([[1, 2], [3, 4]]@[x, x] - [[3, 7]], dim=1)**2)")
    line = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    rows = gradients(expression, {}, {"x": line}, ACCURATE, DerivativeRequest(order=2))
    assert [row.gradient["x"] for row in rows] == [116.0] * 3


def test_other_norms_are_no_roots_of_sums_of_squares() -> None:
    at = {"v": torch.tensor([3.0, -4.0], dtype=torch.float64)}
    for order in ("1", "inf"):
        expression = read(f"norm(v, {order})**2")
        found, truth = (hessian_matrix(expression, at, one) for one in (ACCURATE, RECORDED))
        assert torch.equal(found, truth)


def test_a_root_outside_its_domain_has_no_derivative() -> None:
    at = {"x": torch.tensor(-1.0, dtype=torch.float64)}
    assert hessian_matrix(read("sqrt(x)**4"), at, ACCURATE).isnan().all()
