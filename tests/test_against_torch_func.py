"""Jacobians and Hessians of 1,000 random expressions, over vectors and matrices too, against
torch.func's; and against SymPy's at 50 digits where it has a formula.

The expressions are those of `expressions.lines`; torch.func differentiates the same computation.
Where an entry is not torch.func's to 1e-12, the same expression in mpmath judges between the two.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import exact_arrays
import pytest
import sympy
import torch
from expressions import VARIABLES, lines
from mpmath import mp
from test_derivatives import random_expression
from torch import Tensor

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive.hessian import hessian_matrix
from autograd_cli.engine.derive.jacobian import jacobian_matrix
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression
from autograd_cli.language.matrix_request import FORWARD, REVERSE, JacobianRequest
from autograd_cli.language.outputs import Outputs
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())  # as torch computes
ACCURATE = resolve(Settings(), accurate=True)  # as the commands do
CHUNKS, LINES = 8, 260
COUNT = 1000  # expressions that are compared, in all
RELATIVE = 1e-12  # of each entry
ROUNDINGS, UNIT = 16, 2.0**-53  # of the largest, where an entry is a difference of such terms


class Case:
    """An expression at random values of its variables, and its outputs as a function of all of them
    in one vector."""

    def __init__(self, expression: Expression, at: dict[str, Tensor]) -> None:
        self.expression = expression
        self.at = at
        self.flat = torch.cat([one.flatten() for one in at.values()])

    def value(self, flat: Tensor) -> Tensor:
        parts = flat.split([one.numel() for one in self.at.values()])  # type: ignore[no-untyped-call]
        at = {
            name: part.reshape(self.at[name].shape)
            for name, part in zip(self.at, parts, strict=True)
        }
        nodes = evaluate(self.expression, at, CONTEXT)
        return output(self.expression, nodes, CONTEXT).reshape(-1)


def cases(seed: int) -> Iterator[Case]:
    """Those of the random expressions that have outputs to differentiate."""
    draw = torch.Generator().manual_seed(seed)
    for line in lines(seed, LINES):
        expression = read(line.agx)
        names = list(expression.variables)
        if not names or any(name not in VARIABLES for name in names):
            continue
        at = {
            name: torch.rand(VARIABLES[name], generator=draw, dtype=torch.float64) * 1.6 - 0.4
            for name in names
        }
        case = Case(expression, at)
        try:
            value = case.value(case.flat)
        except AgxError:  # shapes that do not fit, a matrix that is not positive definite
            continue
        if value.is_floating_point() and value.numel():
            yield case


def assert_same(found: Tensor, truth: Tensor, size: Tensor, what: str) -> None:
    """Every entry equal to 1e-12 of itself, or to a few roundings of the largest or of `size`,
    which is all that cancellation leaves."""
    scale = truth.abs().max() + size
    allowed = RELATIVE * truth.abs() + ROUNDINGS * UNIT * scale
    assert ((found - truth).abs() <= allowed).all(), what


def judge(
    case: Case,
    found: Tensor,
    funcs: Tensor,
    size: float,
    exact: Callable[[exact_arrays.Flat, Sequence[float], int, int], Any],
) -> None:
    """Every entry is torch.func's to 1e-12 of itself, or as near to the truth as torch.func's, or
    as near as rounding in the terms it is a difference of allows: 16 units of the largest of them.

    Where torch.func has nan, ours may know better.
    """
    known = funcs.isfinite()
    assert torch.equal(found[known].isfinite(), funcs[known].isfinite()), case.expression.source
    differs = known & ((found - funcs).abs() > RELATIVE * funcs.abs())
    if not differs.any():
        return
    shapes = {name: tuple(one.shape) for name, one in case.at.items()}
    function = exact_arrays.flat(case.expression, shapes)
    scale = torch.where(known, funcs, 0.0).abs().max().item() + size
    for row, column in differs.nonzero().tolist():
        truth = exact(function, case.flat.tolist(), row, column)
        if mp.isnan(truth):  # of other elements: nothing judges, and they differ by rounding alone
            truth = mp.mpf(funcs[row, column].item())
        ours, theirs = (abs(matrix[row, column].item() - truth) for matrix in (found, funcs))
        allowed = max(theirs, RELATIVE * abs(truth), ROUNDINGS * UNIT * scale)
        assert ours <= allowed, (case.expression.source, row, column)


def func(transform: object, case: Case) -> Tensor | None:
    """torch.func's answer; None where it has none."""
    try:
        found: Tensor = transform(case.value)(case.flat)  # type: ignore[operator]
    except (RuntimeError, NotImplementedError, AgxError):
        return None
    return found


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_jacobians_are_those_of_torch_func(seed: int) -> None:
    compared = 0
    for number, case in enumerate(cases(seed)):
        truth = func(torch.func.jacrev, case)
        if truth is None:
            continue
        mode = (REVERSE, FORWARD)[number % 2]
        try:
            found = jacobian_matrix(
                Outputs.of([case.expression]), case.at, ACCURATE, JacobianRequest(mode=mode)
            )
        except AgxError:
            assert not case.value(case.flat.clone().requires_grad_()).requires_grad or (
                mode == FORWARD  # not every derivative can be differentiated again
            )
            continue
        judge(case, found, truth, 0.0, exact_arrays.slope)
        compared += 1
    assert compared >= COUNT / CHUNKS


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_hessians_are_those_of_torch_func(seed: int) -> None:
    compared = 0
    for case in cases(100 + seed):
        total = read("sum(x)").nodes[-1]._replace(operands=(case.expression.root,))
        nodes = (*case.expression.nodes, total)
        one = Case(
            Expression(case.expression.source, nodes, len(nodes) - 1, case.expression.steps),
            case.at,
        )
        truth = func(lambda f: torch.func.jacrev(torch.func.jacrev(lambda x: f(x)[0])), one)
        if truth is None:
            continue
        try:
            found = hessian_matrix(one.expression, one.at, ACCURATE)
        except AgxError:
            continue
        slopes = func(torch.func.jacrev, one)
        assert slopes is not None
        steepest = slopes.nan_to_num(0.0, 0.0, 0.0).abs().max().item()
        judge(one, found, (truth + truth.T) / 2, steepest, exact_arrays.curvature)
        compared += 1
    assert compared >= COUNT / CHUNKS


@pytest.mark.parametrize("seed", range(4))
def test_hessians_are_those_of_sympy(seed: int) -> None:
    draw = random.Random(seed)
    here = {"x": "0.7", "y": "-1.3", "z": "0.4"}
    at = {name: torch.tensor(float(text), dtype=torch.float64) for name, text in here.items()}
    values = {sympy.Symbol(name): sympy.Rational(float(text)) for name, text in here.items()}
    for _ in range(15):
        text, formula = random_expression(draw, 4)
        expression = read(f"{text} + 0*(x + y + z)")
        names = list(expression.variables)
        first = [sympy.diff(formula, name) for name in names]
        truth = [[float(sympy.N(sympy.diff(f, n).subs(values), 50)) for n in names] for f in first]
        case_at = {name: at[name] for name in names}
        found = hessian_matrix(expression, case_at, ACCURATE)
        exact = torch.tensor(truth, dtype=torch.float64)
        assert_same(found, exact, torch.tensor(1e-2), text)
        slopes = torch.tensor(
            [[float(sympy.N(f.subs(values), 50)) for f in first]], dtype=torch.float64
        )
        rows = jacobian_matrix(Outputs.of([expression]), case_at, ACCURATE)
        assert_same(rows, slopes, torch.tensor(1e-2), text)
