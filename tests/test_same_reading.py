"""What agx reads, SymPy reads the same: over 800 real formulas, in structure and in value."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import mpmath
import pytest
import sympy

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import gradient, point
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.bridge import to_sympy
from autograd_cli.language.symbolic.elementwise import cbrt
from autograd_cli.settings import Settings

CORPUS = Path(__file__).parent / "data" / "formulas.tsv"


class Formula(NamedTuple):
    area: str
    name: str
    formula: str
    at: str

    @property
    def symbols(self) -> dict[str, sympy.Symbol]:
        names = [part.partition("=")[0].strip() for part in self.at.split(",")]
        return {name: sympy.Symbol(name, real=True) for name in names}


def corpus() -> Iterator[Formula]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Formula(row["area"], row["name"], row["formula"], row["at"])


FORMULAS = list(corpus())
every_formula = pytest.mark.parametrize("formula", FORMULAS, ids=[f.name for f in FORMULAS])


def test_the_corpus_is_large() -> None:
    assert len(FORMULAS) >= 300
    assert len({formula.formula for formula in FORMULAS}) == len(FORMULAS)


@every_formula
def test_the_symbolic_form_is_sympys_own(formula: Formula) -> None:
    expected = sympy.sympify(formula.formula, locals=formula.symbols)
    expression = read(formula.formula, formula.symbols)
    assert _principal_roots(to_sympy(expression, {})) == expected


def _principal_roots(form: sympy.Expr) -> sympy.Expr:
    """SymPy's cube root, which is complex for negative numbers, instead of the real one."""
    return form.replace(lambda part: isinstance(part, cbrt), lambda part: sympy.cbrt(part.args[0]))


@every_formula
def test_the_value_and_the_gradient_are_sympys(formula: Formula) -> None:
    values = read_values([formula.at])
    expression = read(formula.formula, values)
    context = resolve(Settings())
    at = point(values, context)
    found = gradient(expression, {name: at[name] for name in expression.variables}, context)

    truth = sympy.sympify(formula.formula, locals=formula.symbols)
    exact = {formula.symbols[name]: sympy.Float(tensor.item(), 60) for name, tensor in at.items()}
    _assert_close(found.value, truth, exact)
    for name, derivative in found.gradient.items():
        slope = sympy.diff(truth, formula.symbols[name])
        if slope.has(sympy.Derivative, sympy.Subs):
            continue  # SymPy has no derivative of floor, Mod and zeta
        _assert_close(derivative, slope, exact)


def _assert_close(value: object, truth: sympy.Expr, at: dict[sympy.Symbol, sympy.Float]) -> None:
    """Relative error at most 1e-11: the corpus's points are conditioned well enough for that."""
    assert isinstance(value, float)
    expected = sympy.N(truth.subs(at), 40)
    with mpmath.workdps(40):
        wanted = mpmath.mpf(str(expected))
        error = abs(mpmath.mpf(value) - wanted)
        assert error <= 1e-11 * max(abs(wanted), mpmath.mpf("1e-12")), (value, wanted)
    assert math.isfinite(value)
