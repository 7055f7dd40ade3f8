"""Whether an expression is quadratic, and its stationary point, in exact arithmetic.

A quadratic is xᵀHx/2 + bᵀx + c. Decimals are taken digit by digit, so that 0.1 is 1/10.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from sympy.polys.matrices import DomainMatrix

from autograd_cli.language.reader import read
from autograd_cli.language.symbolic import printing
from autograd_cli.language.symbolic.bridge import to_sympy
from autograd_cli.language.symbolic.forms import NoClosedForm, items_of, number
from autograd_cli.language.symbolic.gradients import within_limits

DIGITS = 40
MOST_ROOTS = 2  # eigenvalues of larger matrices are no formulas to read


def quadratic(request: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a quadratic, and where its gradient vanishes.

    source  the expression
    given   names that are variables although they look like constants
    shapes  the shapes of the variables
    start   a text for every element, the decimal that it starts from; of several points where the
            gradient vanishes, the one nearest to it is told

    The answer has `degree`, alone where it is above 2 or the expression is no polynomial (None);
    `inputs`, the names of the elements; `hessian`, `linear` and `constant` as texts; `signs`, how
    many eigenvalues are positive, zero and negative; `eigenvalues` as texts, where there are few;
    and, where the gradient vanishes anywhere, `point`, texts, `at`, the same as numbers, and
    `value` and `value_at` there.

    Raises: NoClosedForm where the expression has no form in SymPy.
    """
    given = request.get("given") or ()
    shapes = {name: tuple(shape) for name, shape in (request.get("shapes") or {}).items()}
    expression = read(request["source"], given)
    variables = within_limits(expression, shapes)
    symbols = [item for value in variables.values() for item in items_of(value)]
    items = items_of(to_sympy(expression, shapes))
    if len(items) != 1:
        raise NoClosedForm("no closed form: the output is not a scalar")
    try:
        polynomial = sympy.Poly(exactly(number(items[0])), *symbols)
    except sympy.PolynomialError:
        return {"degree": None}
    if polynomial.total_degree() > 2:
        return {"degree": int(polynomial.total_degree())}
    hessian, linear, constant = _parts(polynomial, symbols)
    answer = {
        "degree": max(int(polynomial.total_degree()), 0),
        "inputs": [symbol.name for symbol in symbols],
        "hessian": [[printing.text(entry, given) for entry in row] for row in hessian.tolist()],
        "linear": [printing.text(entry, given) for entry in linear],
        "constant": printing.text(constant, given),
        "signs": _signs(hessian),
    }
    if len(symbols) <= MOST_ROOTS:
        characteristic = hessian.charpoly()
        roots = sympy.roots(characteristic.as_expr(), characteristic.gen, multiple=True)
        answer["eigenvalues"] = [
            printing.text(root, given) for root in sorted(roots, key=lambda root: sympy.N(root))
        ]
    start = request.get("start") or {}
    origin = [sympy.Rational(start.get(symbol.name, "0")) for symbol in symbols]
    point = _stationary(hessian, linear, sympy.Matrix(origin))
    if point is not None:
        value = constant + (linear.T * point)[0] / 2  # at the point, Hx = -b
        value = sympy.radsimp(sympy.expand(value))
        answer |= {
            "point": [printing.text(entry, given) for entry in point],
            "at": [float(sympy.N(entry, DIGITS)) for entry in point],
            "value": printing.text(value, given),
            "value_at": float(sympy.N(value, DIGITS)),
        }
    return answer


def exactly(expression: sympy.Expr) -> sympy.Expr:
    """The expression with its decimals as the fractions that their digits say."""
    decimals = expression.atoms(sympy.Float)
    return expression.xreplace({one: sympy.Rational(str(one)) for one in decimals})


def _parts(
    polynomial: sympy.Poly, symbols: Sequence[sympy.Symbol]
) -> tuple[sympy.Matrix, sympy.Matrix, sympy.Expr]:
    """H, b and c."""
    size = len(symbols)
    hessian, linear, constant = sympy.zeros(size, size), sympy.zeros(size, 1), sympy.S.Zero
    for powers, coefficient in polynomial.terms():
        where = [place for place, power in enumerate(powers) for _ in range(power)]
        if len(where) == 2:
            i, j = where
            hessian[i, j] += coefficient
            hessian[j, i] += coefficient
        elif where:
            linear[where[0]] += coefficient
        else:
            constant += coefficient
    return hessian, linear, constant


def _signs(hessian: sympy.Matrix) -> list[int]:
    """How many eigenvalues are positive, zero and negative.

    All roots of the characteristic polynomial are real, so that Descartes' rule of signs counts the
    positive ones exactly.
    """
    coefficients = hessian.charpoly().all_coeffs()
    signs = [sympy.sign(sympy.N(c, DIGITS)) if c != 0 else 0 for c in coefficients]
    zero = next((k for k, sign in enumerate(reversed(signs)) if sign), len(signs) - 1)
    nonzero = [sign for sign in signs if sign]
    positive = sum(a != b for a, b in itertools.pairwise(nonzero))
    return [positive, zero, hessian.rows - positive - zero]


def _stationary(
    hessian: sympy.Matrix, linear: sympy.Matrix, origin: sympy.Matrix
) -> sympy.Matrix | None:
    """Where Hx = -b, nearest to the origin given; None where that has no solution."""
    size = hessian.rows
    together = DomainMatrix.from_Matrix(hessian.row_join(-linear)).to_field()
    reduced, pivots = together.rref()
    if size in pivots:
        return None
    rows = reduced.to_Matrix()
    particular = sympy.zeros(size, 1)
    for row, pivot in enumerate(pivots):
        particular[pivot] = rows[row, size]
    free = [column for column in range(size) if column not in pivots]
    if not free:
        return particular
    null = sympy.zeros(size, len(free))
    for place, column in enumerate(free):
        null[column, place] = 1
        for row, pivot in enumerate(pivots):
            null[pivot, place] = -rows[row, column]
    weights = (null.T * null).LUsolve(null.T * (origin - particular))
    return particular + null * weights
