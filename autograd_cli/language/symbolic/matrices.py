"""The rules for vectors and matrices, and for the constants made of them.

There is no elimination with pivots here: a determinant is expanded by minors, an inverse is the
adjugate over the determinant. That keeps formulas exact where a pivot may vanish, and readable at
the sizes that are worth reading.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import sympy

from autograd_cli.language.symbolic.forms import (
    Form,
    NoClosedForm,
    at,
    broadcast,
    elementwise,
    expand,
    form,
    indices,
    items_of,
    select,
    shape_of,
    stack,
)
from autograd_cli.language.symbolic.reductions import Items, Rule, axes_of

MAX_MATRIX = 8  # rows of a matrix that is expanded by minors


def _vector(x: Form, name: str) -> Items:
    if len(shape_of(x)) != 1:
        raise NoClosedForm(f"no closed form: {name} is of vectors")
    return items_of(x)


def _matrix(A: Form, name: str, *, square: bool = True) -> list[Items]:
    """The rows of a matrix."""
    shape = shape_of(A)
    if len(shape) != 2 or (square and shape[0] != shape[1]):
        raise NoClosedForm(f"no closed form: {name} is of {'square ' * square}matrices")
    return [[at(A, i, j) for j in range(shape[1])] for i in range(shape[0])]


def _from_rows(rows: Sequence[Items]) -> Form:
    return form((len(rows), len(rows[0])), [item for row in rows for item in row])


def _inner(left: Items, right: Items) -> sympy.Expr:
    if len(left) != len(right):
        raise NoClosedForm("no closed form: the shapes do not fit")
    return sympy.Add(*(a * b for a, b in zip(left, right, strict=True)))


def _dot(x: Form, y: Form) -> Form:
    return _inner(_vector(x, "dot"), _vector(y, "dot"))


def _outer(x: Form, y: Form) -> Form:
    right = _vector(y, "outer")
    return _from_rows([[a * b for b in right] for a in _vector(x, "outer")])


def _cross(x: Form, y: Form, *, dim: int = -1) -> Form:
    shape = broadcast(shape_of(x), shape_of(y))
    x, y = form(shape, expand(x, shape)), form(shape, expand(y, shape))
    (axis,) = axes_of(x, dim) or (0,)
    if not shape or shape[axis] != 3:
        raise NoClosedForm("no closed form: cross is of 3-vectors")

    def component(i: int) -> Form:
        before = [slice(None)] * axis
        a, b = ((*before, (i + step) % 3) for step in (1, 2))
        return elementwise(
            lambda p, q, r, s: p * q - r * s,
            select(x, a), select(y, b), select(x, b), select(y, a),
        )  # fmt: skip

    return _moved(stack([component(i) for i in range(3)]), axis)


def _moved(value: Form, axis: int) -> Form:
    """The first dimension moved to `axis`."""
    shape = shape_of(value)
    target = (*shape[1 : axis + 1], shape[0], *shape[axis + 1 :])
    return form(
        target,
        [at(value, index[axis], *index[:axis], *index[axis + 1 :]) for index in indices(target)],
    )


def _matmul(A: Form, B: Form) -> Form:
    """torch.matmul: vectors, matrices, and batches of matrices."""
    left, right = shape_of(A), shape_of(B)
    if not left or not right:
        raise NoClosedForm("no closed form: @ is of vectors and matrices")
    if len(left) == 1:
        A = form((1, *left), items_of(A))
    if len(right) == 1:
        B = form((*right, 1), items_of(B))
    (n, k), (inner, m) = shape_of(A)[-2:], shape_of(B)[-2:]
    if k != inner:
        raise NoClosedForm("no closed form: the shapes do not fit")
    batch = broadcast(shape_of(A)[:-2], shape_of(B)[:-2])
    a = form((*batch, n, k), expand(A, (*batch, n, k)))
    b = form((*batch, k, m), expand(B, (*batch, k, m)))
    items = [
        sympy.Add(*(at(a, *index[:-1], i) * at(b, *index[:-2], i, index[-1]) for i in range(k)))
        for index in indices((*batch, n, m))
    ]
    return form(
        (*batch, *((n,) if len(left) > 1 else ()), *((m,) if len(right) > 1 else ())), items
    )


def _mv(A: Form, x: Form) -> Form:
    _matrix(A, "mv", square=False)
    _vector(x, "mv")
    return _matmul(A, x)


def _kron(A: Form, B: Form) -> Form:
    rank = max(len(shape_of(A)), len(shape_of(B)))
    a = form((*(1,) * (rank - len(shape_of(A))), *shape_of(A)), items_of(A))
    b = form((*(1,) * (rank - len(shape_of(B))), *shape_of(B)), items_of(B))
    sizes = shape_of(b)
    shape = [p * q for p, q in zip(shape_of(a), sizes, strict=True)]
    return form(shape, [
        at(a, *(i // q for i, q in zip(index, sizes, strict=True)))
        * at(b, *(i % q for i, q in zip(index, sizes, strict=True)))
        for index in indices(shape)
    ])  # fmt: skip


def _transpose(A: Form) -> Form:
    shape = shape_of(A)
    if len(shape) < 2:
        return A
    turned = (*shape[:-2], shape[-1], shape[-2])
    return form(turned, [at(A, *index[:-2], index[-1], index[-2]) for index in indices(turned)])


def symmetrised(A: Form) -> Form:
    """(A + A.T)/2."""
    return elementwise(lambda a, b: (a + b) / 2, A, _transpose(A))


def _diag(A: Form, *, diagonal: int = 0) -> Form:
    if len(shape_of(A)) == 1:
        items = items_of(A)
        n = len(items) + abs(diagonal)
        first = max(-diagonal, 0)
        return _from_rows([
            [items[i - first] if j - i == diagonal else sympy.S.Zero for j in range(n)]
            for i in range(n)
        ])  # fmt: skip
    rows = _matrix(A, "diag", square=False)
    found = [row[i + diagonal] for i, row in enumerate(rows) if 0 <= i + diagonal < len(row)]
    return form((len(found),), found)


def _trace(A: Form) -> Form:
    _matrix(A, "trace", square=False)
    return sympy.Add(*items_of(_diag(A)))


def _triangle(keep: Callable[[int, int], bool]) -> Rule:
    def rule(A: Form, *, diagonal: int = 0) -> Form:
        if len(shape_of(A)) < 2:
            raise NoClosedForm("no closed form: a triangle is of matrices")
        return form(shape_of(A), [
            item if keep(index[-1] - index[-2], diagonal) else sympy.S.Zero
            for index, item in zip(indices(shape_of(A)), items_of(A), strict=True)
        ])  # fmt: skip

    return rule


def _minors(rows: Sequence[Items]) -> Callable[[int, frozenset[int]], sympy.Expr]:
    """The determinant of the rows from `first` on, in the given columns (Laplace's expansion)."""
    if len(rows) > MAX_MATRIX:
        raise NoClosedForm(f"no closed form: a matrix of more than {MAX_MATRIX} rows")

    @functools.cache
    def minor(first: int, columns: frozenset[int]) -> sympy.Expr:
        if first == len(rows):
            return sympy.S.One
        return sympy.Add(*(
            (-1) ** place * rows[first][column] * minor(first + 1, columns - {column})
            for place, column in enumerate(sorted(columns))
            if rows[first][column] != 0
        ))  # fmt: skip

    return minor


def _determinant(rows: Sequence[Items]) -> sympy.Expr:
    return _minors(rows)(0, frozenset(range(len(rows))))


def _adjugate(rows: Sequence[Items]) -> list[list[sympy.Expr]]:
    n = len(rows)

    def cofactor(i: int, j: int) -> sympy.Expr:
        others = (row for k, row in enumerate(rows) if k != i)
        rest = [[item for k, item in enumerate(row) if k != j] for row in others]
        return (-1) ** (i + j) * _determinant(rest)

    return [[cofactor(j, i) for j in range(n)] for i in range(n)]


def _det(A: Form) -> Form:
    return _determinant(_matrix(A, "det"))


def _logdet(A: Form) -> Form:
    return sympy.log(_determinant(_matrix(A, "logdet")))


def _inv(A: Form) -> Form:
    rows = _matrix(A, "inv")
    determinant = _determinant(rows)
    return _from_rows([[item / determinant for item in row] for row in _adjugate(rows)])


def _solve(A: Form, b: Form) -> Form:
    """Cramer's rule."""
    rows = _matrix(A, "solve")
    if len(shape_of(b)) not in (1, 2):
        raise NoClosedForm("no closed form: solve takes a vector or a matrix")
    determinant = _determinant(rows)
    return elementwise(lambda item: item / determinant, _matmul(_from_rows(_adjugate(rows)), b))


def _cholesky(A: Form) -> Form:
    """The Cholesky-Banachiewicz scheme."""
    rows = _matrix(A, "cholesky")
    n = len(rows)
    if n > MAX_MATRIX:
        raise NoClosedForm(f"no closed form: a matrix of more than {MAX_MATRIX} rows")
    found: list[list[sympy.Expr]] = []
    for i in range(n):
        row: list[sympy.Expr] = []
        for j in range(i + 1):
            rest = rows[i][j] - _inner(row, (found[j] if j < i else row)[: len(row)])
            row.append(sympy.sqrt(rest) if i == j else rest / found[j][j])
        found.append(row)
    return _from_rows([row + [sympy.S.Zero] * (n - len(row)) for row in found])


def _matrix_power(A: Form, *, n: int) -> Form:
    rows = _matrix(A, "matrix_power")
    if abs(n) > 64:
        raise NoClosedForm("no closed form: a matrix power beyond 64")
    base = _inv(A) if n < 0 else A
    result = _eye(n=len(rows))
    for _ in range(abs(n)):
        result = _matmul(result, base)
    return result


def _eye(*, n: int, m: int | None = None) -> Form:
    columns = n if m is None else m
    ones = [sympy.S.One if i == j else sympy.S.Zero for i, j in indices((n, columns))]
    return form((n, columns), ones)


def _filled(value: sympy.Expr) -> Rule:
    def rule(*, size: Sequence[int]) -> Form:
        return form(size, [value] * math.prod(size))

    return rule


RULES: Mapping[str, Rule] = {
    "dot": _dot,
    "cross": _cross,
    "outer": _outer,
    "mv": _mv,
    "matmul": _matmul,
    "kron": _kron,
    "transpose": _transpose,
    "trace": _trace,
    "diag": _diag,
    "tril": _triangle(lambda above, diagonal: above <= diagonal),
    "triu": _triangle(lambda above, diagonal: above >= diagonal),
    "det": _det,
    "logdet": _logdet,
    "inv": _inv,
    "solve": _solve,
    "cholesky": _cholesky,
    "matrix_power": _matrix_power,
    "zeros": _filled(sympy.S.Zero),
    "ones": _filled(sympy.S.One),
    "eye": _eye,
}
