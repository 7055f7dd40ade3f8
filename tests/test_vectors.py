"""Reductions, linear algebra and losses against the same thing computed by hand in mpmath.

Every case is a line of the language and a function of nested lists of mpmath numbers, written from
the definition. The value, the gradient by every element of every operand (the outputs weighted by
random numbers), and second derivatives are compared with it and with mpmath's numerical
differentiation of it at 50 digits.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from mpmath import mp, mpf

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import evaluation, gradient, point
from autograd_cli.errors import AgxError, EvaluationError, ReadError, ShapeError
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.language.request import Component, DerivativeRequest
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings(), accurate=True)
DIGITS = 50
TOLERANCE = 1e-12

Vector = list[Any]
Matrix = list[Vector]


# The operands -----------------------------------------------------------------------------------


def operands(seed: int) -> dict[str, Any]:
    """Random operands by the names that the cases use; A and S are far from singular."""
    draw = random.Random(seed)

    def vector(n: int, low: float = -2.0, high: float = 2.0) -> Vector:
        return [draw.uniform(low, high) for _ in range(n)]

    def matrix(rows: int, columns: int) -> Matrix:
        return [vector(columns) for _ in range(rows)]

    def dominant(n: int) -> Matrix:
        rows = matrix(n, n)
        return [[x + (4 if i == j else 0) for j, x in enumerate(r)] for i, r in enumerate(rows)]

    lower = [[draw.uniform(-1, 1) if j < i else 0.0 for j in range(3)] for i in range(3)]
    for i in range(3):
        lower[i][i] = 1.0 + i + draw.random()
    return {
        "v": vector(5),
        "w": vector(5),
        "e": vector(4),
        "a": vector(3),
        "b": vector(3),
        "s": draw.uniform(0.5, 2.0),
        "M": matrix(3, 4),
        "N": matrix(4, 3),
        "Q": matrix(3, 4),
        "A": dominant(3),
        "B": matrix(3, 3),
        "C": matrix(2, 2),
        "S": times(lower, flipped(lower)),
        "T": [matrix(2, 3), matrix(2, 3)],
        "U": [matrix(3, 2), matrix(3, 2)],
        "p": vector(5, 0.1, 0.9),
        "q": vector(5, 0.05, 0.95),
        "P": [[x / sum(row) for x in row] for row in [vector(4, 0.1, 1.0) for _ in range(3)]],
    }


# By hand ----------------------------------------------------------------------------------------


def times(a: Matrix, b: Matrix) -> Matrix:
    return [
        [sum(x * y for x, y in zip(r, c, strict=True)) for c in zip(*b, strict=True)] for r in a
    ]


def flipped(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def inner(x: Vector, y: Vector) -> Any:
    return sum(a * b for a, b in zip(x, y, strict=True))


def rows_of(a: Any) -> Matrix:
    return [list(a[i, :]) for i in range(a.rows)]


def flat(value: Any) -> list[Any]:
    """All numbers of nested lists, in order."""
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


def each(function: Callable[..., Any], *values: Any) -> Any:
    """A function of the numbers of nested lists of one shape."""
    if isinstance(values[0], list):
        return [each(function, *parts) for parts in zip(*values, strict=True)]
    return function(*values)


def whole(function: Callable[[Vector], Any]) -> Callable[[Any], Any]:
    return lambda x: function(flat(x))


def columns(function: Callable[[Vector], Any]) -> Callable[[Matrix], Any]:
    """Along dimension 0: for every column."""
    return lambda a: [function(list(column)) for column in zip(*a, strict=True)]


def rows(function: Callable[[Vector], Any]) -> Callable[[Matrix], Any]:
    """Along dimension 1: for every row."""
    return lambda a: [function(row) for row in a]


def down(function: Callable[[Vector], Vector]) -> Callable[[Matrix], Matrix]:
    """A function from vectors to vectors, of every column."""
    return lambda a: flipped([function(list(column)) for column in zip(*a, strict=True)])


def mean(x: Vector) -> Any:
    return sum(x) / mpf(len(x))


def variance(correction: int = 1) -> Callable[[Vector], Any]:
    return lambda x: sum((a - mean(x)) ** 2 for a in x) / (len(x) - correction)


def deviation(correction: int = 1) -> Callable[[Vector], Any]:
    return lambda x: mp.sqrt(variance(correction)(x))


def p_norm(p: float) -> Callable[[Vector], Any]:
    if p == math.inf:
        return lambda x: max(abs(a) for a in x)
    if p == -math.inf:
        return lambda x: min(abs(a) for a in x)
    return lambda x: sum(abs(a) ** p for a in x) ** (1 / mpf(p))


def running(step: Callable[[Any, Any], Any]) -> Callable[[Vector], Vector]:
    return lambda x: list(itertools.accumulate(x, step))


def median(x: Vector) -> Any:
    return sorted(x)[(len(x) - 1) // 2]


def log_sum_exp(x: Vector) -> Any:
    return mp.log(sum(mp.exp(a) for a in x))


def log_softmax(x: Vector) -> Vector:
    return [a - log_sum_exp(x) for a in x]


def softmax(x: Vector) -> Vector:
    return [mp.exp(a) for a in log_softmax(x)]


def cross(x: Vector, y: Vector) -> Vector:
    return [x[i - 2] * y[i - 1] - x[i - 1] * y[i - 2] for i in range(3)]


def kron(a: Matrix, b: Matrix) -> Matrix:
    return [[x * y for x in r for y in s] for r in a for s in b]


def determinant(a: Matrix) -> Any:
    """By permutations (Leibniz)."""
    total = mpf(0)
    for order in itertools.permutations(range(len(a))):
        inversions = sum(i > j for k, i in enumerate(order) for j in order[k + 1 :])
        total += (-1) ** inversions * mp.fprod(a[i][j] for i, j in enumerate(order))
    return total


def inverse(a: Matrix) -> Matrix:
    """By cofactors (Cramer)."""
    n, size = len(a), determinant(a)

    def minor(i: int, j: int) -> Any:
        rest = [[a[k][m] for m in range(n) if m != j] for k in range(n) if k != i]
        return determinant(rest) if rest else mpf(1)

    return [[(-1) ** (i + j) * minor(j, i) / size for j in range(n)] for i in range(n)]


def pseudo_inverse(a: Matrix) -> Matrix:
    """Of full rank: (A'A)^-1 A', or A'(AA')^-1."""
    if len(a) < len(a[0]):
        return flipped(pseudo_inverse(flipped(a)))
    return times(inverse(times(flipped(a), a)), flipped(a))


def symmetric(a: Matrix) -> Any:
    return (mp.matrix(a) + mp.matrix(a).T) / 2


def cholesky(a: Matrix) -> Matrix:
    """Of the symmetric part: a derivative by one of two mirrored elements is half of both's."""
    return rows_of(mp.cholesky(symmetric(a)))


def eigenvalues(a: Matrix) -> Vector:
    return sorted(mp.eigsy(symmetric(a), eigvals_only=True))


def singular_values(a: Matrix) -> Vector:
    """The roots of the eigenvalues of A'A or AA', whichever is smaller."""
    narrow = a if len(a) >= len(a[0]) else flipped(a)
    gram = times(flipped(narrow), narrow)
    return sorted((mp.sqrt(x) for x in mp.eigsy(mp.matrix(gram), eigvals_only=True)), reverse=True)


def exponential(a: Matrix) -> Matrix:
    """By its power series."""
    term = total = power(a, 0)
    n = 0
    while max(map(abs, flat(term))) > mp.eps / 16:
        n += 1
        term = [[x / n for x in row] for row in times(term, a)]
        total = each(lambda x, y: x + y, total, term)
    return total


def power(a: Matrix, n: int) -> Matrix:
    result = [[mpf(i == j) for j in range(len(a))] for i in range(len(a))]
    for _ in range(abs(n)):
        result = times(result, a if n > 0 else inverse(a))
    return result


def triangle(keep: Callable[[int, int], bool]) -> Callable[[Matrix], Matrix]:
    return lambda a: [
        [x if keep(i, j) else mpf(0) for j, x in enumerate(row)] for i, row in enumerate(a)
    ]


def diagonal_matrix(x: Vector) -> Matrix:
    return [[a if i == j else mpf(0) for j in range(len(x))] for i, a in enumerate(x)]


def huber(delta: float) -> Callable[[Any, Any], Any]:
    def loss(x: Any, y: Any) -> Any:
        e = abs(x - y)
        return e * e / 2 if e <= delta else delta * (e - mpf(delta) / 2)

    return loss


def binary_cross_entropy(p: Any, y: Any) -> Any:
    return -(y * mp.log(p) + (1 - y) * mp.log(1 - p))


def logit_cross_entropy(x: Any, y: Any) -> Any:
    return binary_cross_entropy(1 / (1 + mp.exp(-x)), y)


def cross_entropy(x: Vector, weights: Vector) -> Any:
    return -inner(weights, log_softmax(x))


def loss(function: Callable[[Any, Any], Any], reduce: Callable[[Vector], Any] = mean) -> Any:
    return lambda x, y: reduce(flat(each(function, x, y)))


# The cases --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A line of the language and the same by hand, a function of its variables in their order."""

    text: str
    by_hand: Callable[..., Any]


def one_hot(n: int, i: int) -> Vector:
    return [mpf(i == j) for j in range(n)]


CASES = [
    # reductions
    Case("sum(v)", sum),
    Case("sum(s)", lambda s: s),
    Case("sum(M)", whole(sum)),
    Case("sum(M, dim=0)", columns(sum)),
    Case("sum(M, dim=1)", rows(sum)),
    Case("sum(M, axis=-1)", rows(sum)),
    Case("sum(M, [0, 1])", whole(sum)),
    Case("sum(M, dim=1, keepdim=True)", lambda M: [[sum(row)] for row in M]),
    Case("sum(M, keepdims=True)", lambda M: [[sum(flat(M))]]),
    Case("sum(T, dim=[0, 2])", lambda T: [sum(T[0][i] + T[1][i]) for i in range(2)]),
    Case("mean(v)", mean),
    Case("average(M)", whole(mean)),
    Case("mean(M, 0)", columns(mean)),
    Case("mean(M, 1, True)", lambda M: [[mean(row)] for row in M]),
    Case("mean(M, keepdim=True)", lambda M: [[mean(flat(M))]]),
    Case("prod(v)", mp.fprod),
    Case("prod(M)", whole(mp.fprod)),
    Case("prod(M, dim=0)", columns(mp.fprod)),
    Case("prod(M, dim=1, keepdim=True)", lambda M: [[mp.fprod(row)] for row in M]),
    Case("prod(e, keepdim=True)", lambda e: [mp.fprod(e)]),
    Case("max(v)", max),
    Case("Max(M)", whole(max)),
    Case("max(M, dim=0)", columns(max)),
    Case("max(M, dim=1, keepdim=True)", lambda M: [[max(row)] for row in M]),
    Case("max(M, keepdim=True)", lambda M: [[max(flat(M))]]),
    Case("max(v, w)", lambda v, w: each(max, v, w)),
    Case("max(v, 0.5, w)", lambda v, w: each(lambda a, b: max(a, b, mpf(0.5)), v, w)),
    Case("min(v)", min),
    Case("Min(M, dim=1)", rows(min)),
    Case("min(v, w)", lambda v, w: each(min, v, w)),
    Case("amax(M)", whole(max)),
    Case("amax(M, dim=[0, 1])", whole(max)),
    Case("amax(M, dim=0)", columns(max)),
    Case("amin(M, dim=1, keepdim=True)", lambda M: [[min(row)] for row in M]),
    Case("amin(v)", min),
    Case("norm(v)", p_norm(2)),
    Case("norm(v, 2)", p_norm(2)),
    Case("norm(v, 1)", p_norm(1)),
    Case("norm(v, ord=3)", p_norm(3)),
    Case("norm(v, 1.5)", p_norm(1.5)),
    Case("norm(v, inf)", p_norm(math.inf)),
    Case("norm(v, -inf)", p_norm(-math.inf)),
    Case("norm(M)", whole(p_norm(2))),
    Case("norm(M, fro)", whole(p_norm(2))),
    Case("norm(M, ord=fro, keepdim=True)", lambda M: [[p_norm(2)(flat(M))]]),
    Case("norm(M, nuc)", lambda M: sum(singular_values(M))),
    Case("norm(M, 2)", lambda M: singular_values(M)[0]),
    Case("norm(M, -2)", lambda M: singular_values(M)[-1]),
    Case("norm(M, 1)", lambda M: max(columns(p_norm(1))(M))),
    Case("norm(M, inf)", lambda M: max(rows(p_norm(1))(M))),
    Case("norm(M, dim=1)", rows(p_norm(2))),
    Case("norm(M, 1, dim=0)", columns(p_norm(1))),
    Case("norm(M, ord=inf, dim=1, keepdim=True)", lambda M: [[p_norm(math.inf)(r)] for r in M]),
    Case("var(v)", variance()),
    Case("var(v, correction=0)", variance(0)),
    Case("var(v, ddof=2)", variance(2)),
    Case("var(M)", whole(variance())),
    Case("var(M, dim=0, correction=0)", columns(variance(0))),
    Case("var(M, dim=1, keepdim=True)", lambda M: [[variance()(row)] for row in M]),
    Case("std(v)", deviation()),
    Case("std(M, correction=0)", whole(deviation(0))),
    Case("std(M, dim=1)", rows(deviation())),
    Case("std(M, keepdim=True)", lambda M: [[deviation()(flat(M))]]),
    Case("median(v)", median),
    Case("median(e)", median),
    Case("median(M, dim=0)", columns(median)),
    Case("median(M, dim=1, keepdim=True)", lambda M: [[median(row)] for row in M]),
    Case("median(M, keepdim=True)", lambda M: [[median(flat(M))]]),
    Case("numel(M)*v", lambda M, v: [12 * a for a in v]),
    Case("len(v)*s", lambda v, s: 5 * s),
    Case("cumsum(v)", running(lambda a, b: a + b)),
    Case("cumsum(M)", down(running(lambda a, b: a + b))),
    Case("cumsum(M, dim=1)", rows(running(lambda a, b: a + b))),
    Case("cumprod(v)", running(lambda a, b: a * b)),
    Case("cumprod(M, 1)", rows(running(lambda a, b: a * b))),
    Case("sort(v)", sorted),
    Case("sort(v, descending=True)", lambda v: sorted(v, reverse=True)),
    Case("sort(M, dim=0)", down(sorted)),
    Case("flip(v)", lambda v: v[::-1]),
    Case("flip(M)", lambda M: [row[::-1] for row in M[::-1]]),
    Case("flip(M, dim=0)", lambda M: M[::-1]),
    Case("flip(M, [1])", lambda M: [row[::-1] for row in M]),
    Case("softmax(v)", softmax),
    Case("softmax(M)", rows(softmax)),
    Case("softmax(M, dim=0)", down(softmax)),
    Case("log_softmax(v)", log_softmax),
    Case("log_softmax(M, 0)", down(log_softmax)),
    Case("logsumexp(v)", log_sum_exp),
    Case("logsumexp(M)", whole(log_sum_exp)),
    Case("logsumexp(M, dim=0)", columns(log_sum_exp)),
    Case("logsumexp(M, 1, True)", lambda M: [[log_sum_exp(row)] for row in M]),
    Case("logsumexp(900*v)", lambda v: log_sum_exp([900 * a for a in v])),
    # linear algebra
    Case("dot(v, w)", inner),
    Case("vdot(v, w)", inner),
    Case("inner(v, v)", lambda v: inner(v, v)),
    Case("inner(M, Q)", lambda M, Q: times(M, flipped(Q))),
    Case("inner(M, e)", lambda M, e: [inner(row, e) for row in M]),
    Case("v @ w", inner),
    Case("cross(a, b)", cross),
    Case("cross(B, A)", lambda B, A: [cross(x, y) for x, y in zip(B, A, strict=True)]),
    Case("cross(B, A, dim=0)", lambda B, A: flipped(list(map(cross, flipped(B), flipped(A))))),
    Case("outer(v, a)", lambda v, a: [[x * y for y in a] for x in v]),
    Case("A @ a", lambda A, a: [inner(row, a) for row in A]),
    Case("a @ A", lambda a, A: [inner(column, a) for column in flipped(A)]),
    Case("M @ N", times),
    Case("matmul(M, N)", times),
    Case("mm(M, N)", times),
    Case("T @ U", lambda T, U: list(map(times, T, U))),
    Case("bmm(T, U)", lambda T, U: list(map(times, T, U))),
    Case("mv(M, e)", lambda M, e: [inner(row, e) for row in M]),
    Case("kron(C, M)", kron),
    Case("kron(a, v)", lambda a, v: [x * y for x in a for y in v]),
    Case("transpose(M)", flipped),
    Case("M.T", flipped),
    Case("t(M)", flipped),
    Case("v.T", lambda v: v),
    Case("transpose(M, 0, 1)", flipped),
    Case("mT(M)", flipped),
    Case("diagonal(M)", lambda M: [M[i][i] for i in range(3)]),
    Case("T.mT", lambda T: list(map(flipped, T))),
    Case("transpose(T, 0, 2)", lambda T: list(map(flipped, flipped(list(map(flipped, T)))))),
    Case("trace(A)", lambda A: A[0][0] + A[1][1] + A[2][2]),
    Case("tr(A @ B)", lambda A, B: sum(times(A, B)[i][i] for i in range(3))),
    Case("diag(v)", diagonal_matrix),
    Case("diag(A)", lambda A: [A[i][i] for i in range(3)]),
    Case("diagonal(A)", lambda A: [A[i][i] for i in range(3)]),
    Case("diag(M)", lambda M: [M[i][i] for i in range(3)]),
    Case("tril(M)", triangle(lambda i, j: j <= i)),
    Case("tril(M, diagonal=-1)", triangle(lambda i, j: j <= i - 1)),
    Case("triu(M)", triangle(lambda i, j: j >= i)),
    Case("triu(M, 1)", triangle(lambda i, j: j >= i + 1)),
    Case("det(A)", determinant),
    Case("det(B)", determinant),
    Case("det(C)", determinant),
    Case("logdet(S)", lambda S: mp.log(determinant(S))),
    Case("inv(A)", inverse),
    Case("A**-1 + inverse(A)", lambda A: each(lambda x, y: 1 / x + y, A, inverse(A))),
    Case("pinv(M)", pseudo_inverse),
    Case("pinv(N)", pseudo_inverse),
    Case("pinv(A, rtol=1e-10)", inverse),
    Case("solve(A, a)", lambda A, a: [inner(row, a) for row in inverse(A)]),
    Case("solve(A, B)", lambda A, B: times(inverse(A), B)),
    Case("cholesky(S)", cholesky),
    Case("matrix_exp(B)", exponential),
    Case("matrix_power(B, 2)", lambda B: power(B, 2)),
    Case("matrix_power(B, 5)", lambda B: power(B, 5)),
    Case("matrix_power(A, -1)", inverse),
    Case("matrix_power(A, -2)", lambda A: power(A, -2)),
    Case("matrix_power(B, n=1)", lambda B: B),
    Case("matrix_power(B, 0)", lambda B: power(B, 0)),
    Case("eigvalsh(S)", eigenvalues),
    Case("svdvals(M)", singular_values),
    Case("svdvals(A)", singular_values),
    # losses
    Case("mse_loss(v, w)", loss(lambda x, y: (x - y) ** 2)),
    Case("mse(M, Q, reduction=sum)", loss(lambda x, y: (x - y) ** 2, sum)),
    Case("mse_loss(v, w, none)", loss(lambda x, y: (x - y) ** 2, list)),
    Case("l1_loss(v, w)", loss(lambda x, y: abs(x - y))),
    Case("l1_loss(v, w, sum)", loss(lambda x, y: abs(x - y), sum)),
    Case("mae(M, Q)", loss(lambda x, y: abs(x - y))),
    Case("huber_loss(v, w)", loss(huber(1))),
    Case("huber(v, w, delta=0.5)", loss(huber(0.5))),
    Case("huber_loss(M, Q, reduction=sum, delta=2.5)", loss(huber(2.5), sum)),
    Case("smooth_l1_loss(v, w)", loss(huber(1))),
    Case("smooth_l1_loss(v, w, beta=0.5)", loss(lambda x, y: huber(0.5)(x, y) / 0.5)),
    Case("smooth_l1_loss(v, w, sum, 2.0)", loss(lambda x, y: huber(2)(x, y) / 2, sum)),
    Case("mse_loss(v, 0.5)", lambda v: mean([(a - mpf(0.5)) ** 2 for a in v])),
    Case("bce_loss(p, q)", loss(binary_cross_entropy)),
    Case("binary_cross_entropy(p, q, reduction=sum)", loss(binary_cross_entropy, sum)),
    Case("bce_loss(p, q, none)", loss(binary_cross_entropy, list)),
    Case("bce_with_logits(v, q)", loss(logit_cross_entropy)),
    Case("bce_with_logits(v, q, sum)", loss(logit_cross_entropy, sum)),
    Case("cross_entropy(v, 2)", lambda v: cross_entropy(v, one_hot(5, 2))),
    Case("cross_entropy(v, q)", cross_entropy),
    Case(
        "cross_entropy(M, [0, 3, 1])",
        lambda M: mean(list(map(cross_entropy, M, [one_hot(4, i) for i in (0, 3, 1)]))),
    ),
    Case("cross_entropy(M, P)", lambda M, P: mean(list(map(cross_entropy, M, P)))),
    Case("cross_entropy(M, P, reduction=sum)", lambda M, P: sum(map(cross_entropy, M, P))),
    Case("cross_entropy(M, P, none)", lambda M, P: list(map(cross_entropy, M, P))),
    # elements, lists, broadcasting
    Case("v[0]*v[-1]", lambda v: v[0] * v[-1]),
    Case("v[1:4]", lambda v: v[1:4]),
    Case("v[::2]", lambda v: v[::2]),
    Case("M[0, 1]*M[2][3]", lambda M: M[0][1] * M[2][3]),
    Case("M[:, 1]", lambda M: [row[1] for row in M]),
    Case("M[1:, ::2]", lambda M: [row[::2] for row in M[1:]]),
    Case("T[..., 0]", lambda T: [[row[0] for row in block] for block in T]),
    Case("[v[0]**2, s*v[1], 3]", lambda v, s: [v[0] ** 2, s * v[1], mpf(3)]),
    Case("[[s, v[0]], [v[1], s**2]]", lambda s, v: [[s, v[0]], [v[1], s**2]]),
    Case("s*M + e", lambda s, M, e: [[s * x + y for x, y in zip(r, e, strict=True)] for r in M]),
    Case("M/sum(M, dim=1, keepdim=True)", lambda M: [[x / sum(row) for x in row] for row in M]),
    Case("sum(v > 0)*s", lambda v, s: s * sum(a > 0 for a in v)),
    Case("where(v > w, v**2, w)", lambda v, w: each(lambda a, b: a * a if a > b else b, v, w)),
]  # fmt: skip


# Truth ------------------------------------------------------------------------------------------


def moved(values: Sequence[Any], at: dict[tuple[int, ...], Any]) -> list[Any]:
    """The operands with some numbers replaced; a number's place is (operand, index, ...)."""

    def replaced(value: Any, place: tuple[int, ...]) -> Any:
        if isinstance(value, list):
            return [replaced(part, (*place, i)) for i, part in enumerate(value)]
        return at.get(place, mpf(value))

    return [replaced(value, (i,)) for i, value in enumerate(values)]


def places(value: Any, before: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The index of every number of nested lists."""
    if isinstance(value, list):
        for i, part in enumerate(value):
            yield from places(part, (*before, i))
    else:
        yield before


def weighted(case: Case, weights: Sequence[float]) -> Callable[[Sequence[Any]], Any]:
    """The sum of the outputs by hand, each with its weight."""

    def total(values: Sequence[Any]) -> Any:
        outputs = flat(case.by_hand(*values))
        return sum((w * out for w, out in zip(weights, outputs, strict=True)), mpf(0))

    return total


def slope(
    total: Callable[[Sequence[Any]], Any], values: Sequence[Any], by: Sequence[tuple[int, ...]]
) -> Any:
    """The mixed partial derivative by the numbers at the places `by`."""

    def at(place: tuple[int, ...]) -> Any:
        value = values[place[0]]
        for i in place[1:]:
            value = value[i]
        return mpf(value)

    distinct = list(dict.fromkeys(by))
    with mp.workdps(DIGITS):
        return mp.diff(
            lambda *numbers: total(moved(values, dict(zip(distinct, numbers, strict=True)))),
            tuple(at(place) for place in distinct),
            tuple(list(by).count(place) for place in distinct),
        )


def assert_close(got: Any, truth: Any, what: str) -> None:
    """Equal to 1e-12 of the largest number among them."""
    assert list(places(got)) == list(places(truth)), what
    scale = max(map(abs, flat(truth)))
    for place, one, other in zip(places(truth), flat(got), flat(truth), strict=True):
        error = abs(one - other)
        assert error <= TOLERANCE * scale + mpf(10) ** -30, (
            f"{what}{list(place) or ''}: {one!r}, but it is {mp.nstr(other, 20)}"
        )


def shaped(values: list[Any], like: Any) -> Any:
    """A list of numbers in the shape of `like`."""
    numbers = iter(values)
    return each(lambda _: next(numbers), like)


CASE = pytest.mark.parametrize("case", CASES, ids=[case.text for case in CASES])
SEED = pytest.mark.parametrize("seed", [1, 2])


def prepared(case: Case, seed: int) -> tuple[Any, Any, list[Any], list[float], Any]:
    """The expression, its point, its operands as lists, weights for its outputs, the truth."""
    expression = read(case.text)
    names = list(expression.variables)
    values = [operands(seed)[name] for name in names]
    at = point(read_values([f"{n}={v!r}" for n, v in zip(names, values, strict=True)]), CONTEXT)
    with mp.workdps(DIGITS):
        truth = case.by_hand(*moved(values, {}))
    draw = random.Random(seed)
    weights = [draw.uniform(0.5, 1.5) for _ in flat(truth)]
    return expression, at, values, weights, truth


def weights_text(weights: list[float], truth: Any) -> Any:
    return read(repr(shaped(weights, truth)))


# The tests --------------------------------------------------------------------------------------


def test_every_row_has_a_case() -> None:
    tested = {FUNCTIONS[name].name for name in FUNCTIONS} & {
        node.op for case in CASES for node in read(case.text).nodes
    }
    rows = [
        row.name
        for row in FUNCTIONS.values()
        if not row.elementwise and row.family != "constructor"
    ]
    assert [name for name in rows if name not in tested] == []


@SEED
@CASE
def test_value(case: Case, seed: int) -> None:
    expression, at, _, _, truth = prepared(case, seed)
    assert_close(evaluation(expression, at, CONTEXT).value, truth, case.text)


@SEED
@CASE
def test_gradient(case: Case, seed: int) -> None:
    expression, at, values, weights, truth = prepared(case, seed)
    request = DerivativeRequest(grad_output=weights_text(weights, truth))
    found = gradient(expression, at, CONTEXT, request)
    assert_close(found.value, truth, case.text)
    assert list(found.gradient) == list(expression.variables)
    total = weighted(case, weights)
    for i, (name, value) in enumerate(zip(expression.variables, values, strict=True)):
        slopes = [slope(total, values, [place]) for place in places(value, (i,))]
        assert_close(found.gradient[name], shaped(slopes, value), f"d/d{name} {case.text}")


@CASE
def test_second_derivatives(case: Case) -> None:
    """The pure ones by some elements of every operand, and mixed ones between them."""
    expression, at, values, weights, truth = prepared(case, 3)
    output = weights_text(weights, truth)
    total = weighted(case, weights)
    request = DerivativeRequest(grad_output=output, order=2)
    pure = gradient(expression, at, CONTEXT, request).gradient
    draw = random.Random(case.text)
    chosen: list[tuple[int, ...]] = []
    for i, (name, value) in enumerate(zip(expression.variables, values, strict=True)):
        some = draw.sample(list(places(value, (i,))), min(2, len(flat(value))))
        numbers = dict(zip(places(value, (i,)), flat(pure[name]), strict=True))
        for place in some:
            assert_second(numbers[place], total, values, [place, place], f"d2/d{name}2 {case.text}")
        chosen += some
    names = list(expression.variables)
    for pair in itertools.islice(itertools.permutations(chosen, 2), 6):
        by = tuple(Component(names[place[0]], place[1:]) for place in pair)
        request = DerivativeRequest(grad_output=output, partial=by)
        (got,) = gradient(expression, at, CONTEXT, request).gradient.values()
        what = f"d2/d{','.join(map(str, by))} {case.text}"
        assert_second(got, total, values, list(pair), what)


def assert_second(
    got: float, total: Any, values: list[Any], by: list[tuple[int, ...]], what: str
) -> None:
    truth = slope(total, values, by)
    scale = max(abs(truth), mpf(1))
    assert abs(got - truth) <= 10 * TOLERANCE * scale, f"{what}: {got!r}, but {mp.nstr(truth, 20)}"


@pytest.mark.parametrize("text", ["prod(x)", "sum(cumprod(x))"])
@pytest.mark.parametrize("zeros", [[0], [2], [0, 3], [1, 2, 3]])
def test_products_with_zeros(text: str, zeros: list[int]) -> None:
    """The gradient of a product is right where factors are 0, and dividing by them would not be."""
    x = [0.0 if i in zeros else 1.5 + i for i in range(4)]
    by_hand = mp.fprod if text == "prod(x)" else lambda x: sum(running(lambda a, b: a * b)(x))
    case = Case(text, by_hand)
    at = point(read_values([f"x={x!r}"]), CONTEXT)
    total = weighted(case, [1.0])
    slopes = [slope(total, [x], [(0, i)]) for i in range(4)]
    assert_close(gradient(read(text), at, CONTEXT).gradient["x"], slopes, text)
    for i, j in itertools.product(range(4), repeat=2):
        request = DerivativeRequest(partial=(Component("x", (i,)), Component("x", (j,))))
        (got,) = gradient(read(text), at, CONTEXT, request).gradient.values()
        assert_second(got, total, [x], [(0, i), (0, j)], f"{text} by {i}, {j}")


def test_large_and_small_exponents() -> None:
    """What overflows if it is computed as it is written."""
    x = [1000.0, 999.0, -1000.0]
    at = point(read_values([f"x={x!r}"]), CONTEXT)
    for text, by_hand in (
        ("logsumexp(x)", log_sum_exp),
        ("softmax(x)[0]", lambda x: softmax(x)[0]),
        ("log_softmax(x)[2]", lambda x: log_softmax(x)[2]),
        ("cross_entropy(x, 1)", lambda x: cross_entropy(x, one_hot(3, 1))),
        ("bce_with_logits(x, [1, 0, 0])", loss(logit_cross_entropy)),
    ):
        if "bce" in text:
            by_hand = lambda x: mean([mp.log1p(mp.exp(-x[0])), *map(softplus, x[1:])])  # noqa: E731
        case = Case(text, by_hand)
        found = gradient(read(text), at, CONTEXT)
        with mp.workdps(DIGITS):
            assert_close(found.value, by_hand([mpf(a) for a in x]), text)
        slopes = [slope(weighted(case, [1.0]), [x], [(0, i)]) for i in range(3)]
        assert_close(found.gradient["x"], slopes, text)


def softplus(x: Any) -> Any:
    return max(x, mpf(0)) + mp.log1p(mp.exp(-abs(x)))


def test_every_element_has_its_own_derivative() -> None:
    """By `--partial x[i]` and by whole variables: the same numbers."""
    for text in ("prod(v)", "norm(M)", "var(v)", "det(A)", "logsumexp(M)", "dot(v, w)", "sum(s*v)"):
        case = next((case for case in CASES if case.text == text), Case(text, lambda *_: mpf(0)))
        expression, at, values, _, _ = prepared(case, 1)
        found = gradient(expression, at, CONTEXT).gradient
        for name, value in zip(expression.variables, values, strict=True):
            for place, number in zip(places(value), flat(found[name]), strict=True):
                request = DerivativeRequest(partial=(Component(name, place),))
                (one,) = gradient(expression, at, CONTEXT, request).gradient.values()
                assert one == pytest.approx(number, rel=1e-14), text


def test_broadcasting_sums_the_gradient() -> None:
    at = point(read_values(["x=[1, 2, 3], s=2, A=[[1, 2, 3], [4, 5, 6]]"]), CONTEXT)
    found = gradient(read("sum(s*A + x)"), at, CONTEXT).gradient
    assert found == {"s": 21.0, "A": [[2.0] * 3] * 2, "x": [2.0] * 3}


# Constants --------------------------------------------------------------------------------------


def test_constructors() -> None:
    for text, value in {
        "zeros(2, 3)": [[0.0] * 3] * 2,
        "zeros([2, 3])": [[0.0] * 3] * 2,
        "ones(3)": [1.0] * 3,
        "ones(1, 1)": [[1.0]],
        "full([2], 0.5)": [0.5, 0.5],
        "full(2, 1/2)": [0.5, 0.5],
        "eye(2)": [[1.0, 0.0], [0.0, 1.0]],
        "eye(2, 3)": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        "linspace(0, 1, 5)": [0.0, 0.25, 0.5, 0.75, 1.0],
        "linspace(-pi, pi, 3)": [-math.pi, 0.0, math.pi],
        "arange(4)": [0.0, 1.0, 2.0, 3.0],
        "arange(1, 4)": [1.0, 2.0, 3.0],
        "arange(1, 2, 0.25)": [1.0, 1.25, 1.5, 1.75],
        "arange(3, 0, -1)": [3.0, 2.0, 1.0],
    }.items():
        assert evaluation(read(text), {}, CONTEXT).value == value, text
    for text, shape in {"rand(2, 3)": (2, 3), "randn(4)": (4,), "rand(1)": (1,)}.items():
        value = point({"x": read(text)}, CONTEXT)["x"]
        assert tuple(value.shape) == shape
        assert value.isfinite().all()
    assert point(read_values(["r=rand(10000)"]), CONTEXT)["r"].aminmax()[0] >= 0
    drawn = point(read_values(["r=randn(10000)"]), resolve(Settings()))["r"]
    assert abs(drawn.mean().item()) < 0.05
    assert abs(drawn.std().item() - 1) < 0.05


# What does not work, and how it is said ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "kind", "message"),
    [
        ("A @ x", "A=[[1,2],[3,4]],x=[1,2,3]", ShapeError, "2×2.*vector of 3"),
        ("x + y", "x=[1,2],y=[1,2,3]", ShapeError, "vector of 2.*vector of 3"),
        ("dot(x, y)", "x=[1,2],y=[1,2,3]", ShapeError, "dot"),
        ("cross(x, y)", "x=[1,2],y=[3,4]", ShapeError, "cross"),
        ("det(A)", "A=[[1,2,3],[4,5,6]]", ShapeError, "det"),
        ("inv(A)", "A=[[1,2],[2,4]]", EvaluationError, "singular"),
        ("solve(A, b)", "A=[[1,2],[2,4]],b=[1,2]", EvaluationError, "singular"),
        ("cholesky(A)", "A=[[1,2],[2,1]]", EvaluationError, "not positive definite"),
        ("sum(x, dim=1)", "x=[1,2]", ShapeError, "sum"),
        ("softmax(x, dim=2)", "x=[1,2]", ShapeError, "softmax"),
        ("trace(x)", "x=[1,2]", ShapeError, "trace"),
        ("x[5]", "x=[1,2]", ShapeError, "index 5 is out of range: x has 2 elements"),
        ("A[0, 3]", "A=[[1,2],[3,4]]", ShapeError, "index 3 is out of range"),
        ("x[0, 0]", "x=[1,2]", ShapeError, "too many indices: x is a vector of 2"),
        ("x[0]", "x=3", ShapeError, "too many indices: x is a number"),
        ("x[::-1]", "x=[1,2]", ShapeError, "step must be positive"),
        ("[x, 1]", "x=[1,2]", ShapeError, "different shapes"),
        ("mse_loss(x, y)", "x=[1,2],y=[1,2,3]", ShapeError, "mse_loss"),
        ("norm(x, fro)", "x=[1,2]", EvaluationError, "norm"),
        ("norm(A, 3)", "A=[[1,2],[3,4]]", EvaluationError, "norm"),
        ("cross_entropy(x, 1.5)", "x=[1,2]", ShapeError, "a class is a whole number"),
        ("cross_entropy(x, 7)", "x=[1,2]", EvaluationError, "class|out of"),
        ("where(x, 1, y)", "x=1,y=2", EvaluationError, "condition"),
        ("bce_loss(x, y)", "x=0.5,y=[1,0]", ShapeError, "a number.*a vector of 2"),
        ("bce_with_logits(x, y)", "x=0.5,y=[1,0]", ShapeError, "a number.*a vector of 2"),
        ("pinv(x)", "x=3", ShapeError, "pinv"),
        ("bce_loss(x, y)", "x=[1.5],y=[1]", EvaluationError, "between 0 and 1"),
        ("diag(x)", "x=3", ShapeError, "diag"),
        ("outer(A, x)", "A=[[1,2]],x=[1]", ShapeError, "outer"),
        ("matrix_power(A, 2)", "A=[[1,2,3],[4,5,6]]", ShapeError, "matrix_power"),
        ("kron(A, x)", "A=[[1,2],[3,4]],x=[1,2]", None, ""),
    ],
)
def test_shapes_that_do_not_fit(
    text: str, values: str, kind: type[AgxError] | None, message: str
) -> None:
    at = point(read_values([values]), CONTEXT)
    if kind is None:
        evaluation(read(text), at, CONTEXT)
        return
    with pytest.raises(kind, match=message) as caught:
        evaluation(read(text), at, CONTEXT)
    error = caught.value
    assert error.exit_code == 3
    assert error.source == text
    assert error.span is not None
    assert "\n" not in error.message
    assert "torch.Size" not in error.message + error.hint
    assert "Tensor" not in error.message + error.hint
    assert ".cpp" not in error.message + error.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum(x, dim=1.5)", "dim must be an integer or a list of integers"),
        ("sum(x, dim=y)", "dim must be an integer or a list of integers"),
        ("sum(x, keepdim=1)", "keepdim must be True or False"),
        ("matrix_power(A, 2.5)", "n must be an integer"),
        ("matrix_power(A)", "matrix_power takes 2 arguments, 1 given"),
        ("sum(x, color=1)", "sum has no parameter 'color'"),
        ("sum(x, dim=0, dim=1)", "'dim' is given twice"),
        ("sum(dim=0, x)", "a positional argument after a named one"),
        ("var(x, correction=y)", "correction must be an integer"),
        ("norm(x, ord=[1])", "ord must be a number, inf, fro or nuc"),
        ("mse_loss(x, y, reduction=1)", "reduction must be mean, sum or none"),
        ("dot(x)", "dot takes 2 arguments, 1 given"),
        ("zeros(n)", "size must be an integer"),
        ("eye(2.0)", "n must be an integer"),
    ],
)
def test_options_that_do_not_fit(text: str, message: str) -> None:
    with pytest.raises(ReadError, match=re.escape(message)) as caught:
        read(text)
    assert caught.value.exit_code == 2
    assert caught.value.span is not None
