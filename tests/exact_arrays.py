"""Expressions over vectors and matrices in mpmath, as exactly as mpmath is told to compute.

Values are NumPy arrays of mpmath numbers: NumPy indexes, broadcasts, and adds and multiplies with
the numbers' own arithmetic. Elementwise functions are the definitions of `reference`; the others
are written here, from torch's documentation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mpmath import mp, mpc, mpf
from reference import REFERENCES

from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression

Array = Any  # a NumPy array of mpmath numbers or bools


def value_of(expression: Expression, values: Mapping[str, Array]) -> Array:
    """The value of an expression at arrays of mpmath numbers. Raises: KeyError for an operation
    that is not known here."""
    found: list[Any] = []
    for node in expression.nodes:
        operands = [found[i] for i in node.operands]
        if node.op == NUMBER:
            made: Any = node.value if node.value is None else _number(expression, node)
        elif node.op == VARIABLE:
            made = values[str(node.value)]
        elif node.op == LIST:
            made = np.stack(np.broadcast_arrays(*map(_array, operands)))
        elif node.op == INDEX:
            made = operands[0][node.value]
        elif node.op in ARRAYS:
            made = ARRAYS[node.op](*operands, **dict(node.options))
        else:
            made = _elementwise(REFERENCES[node.op].value, operands, dict(node.options))
        found.append(made if made is None else _array(made))
    return found[expression.root]


def _number(expression: Expression, node: Any) -> Any:
    if isinstance(node.value, bool):
        return mpf(int(node.value))
    text = expression.source[slice(*node.span)]
    return {"pi": +mp.pi, "E": +mp.e}.get(text, mpf(node.value))


def _array(value: Any) -> Array:
    return value if isinstance(value, np.ndarray) else np.array(value, dtype=object)


def _elementwise(function: Callable[..., Any], operands: Sequence[Any], options: Any) -> Array:
    def one(*given: Any) -> Any:
        made = function(*given, **options)
        if isinstance(made, mpc):  # real functions are not defined there
            return mpf("nan")
        return made if isinstance(made, bool) else mpf(made)

    return np.frompyfunc(one, len(operands), 1)(*operands)


# Along dimensions ---------------------------------------------------------------------------------


def _along(fold: Callable[[list[Any]], Any]) -> Callable[..., Array]:
    """A reduction of all elements, or of those along `dim`."""

    def reduction(x: Array, dim: Any = None, keepdim: bool = False, **options: Any) -> Array:
        if dim is None:
            dims = tuple(range(x.ndim))
        else:
            dims = tuple(d % x.ndim for d in (dim if isinstance(dim, tuple) else (dim,)))
        kept = [d for d in range(x.ndim) if d not in dims]
        moved = x.transpose(*kept, *dims).reshape(*(x.shape[d] for d in kept), -1)
        made = np.empty(moved.shape[:-1], dtype=object)
        for place in np.ndindex(made.shape):
            made[place] = fold(list(moved[place]), **options)
        return np.expand_dims(made, dims) if keepdim else made

    return reduction


def _var(x: list[Any], correction: int = 1) -> Any:
    mean = sum(x) / len(x)
    return sum((a - mean) ** 2 for a in x) / (len(x) - correction)


def _log_sum(x: list[Any]) -> Any:
    return max(x) + mp.log(sum(mp.exp(a - max(x)) for a in x))


def _norm(x: list[Any], ord: Any = 2) -> Any:
    assert ord == 2
    return mp.sqrt(sum(a * a for a in x))


def _line(function: Callable[[list[Any]], list[Any]]) -> Callable[..., Array]:
    """A function of each line along `dim`, which keeps its length."""

    def along(x: Array, dim: int = -1, **options: Any) -> Array:
        moved = np.moveaxis(x, dim, -1)
        made = np.empty(moved.shape, dtype=object)
        for place in np.ndindex(made.shape[:-1]):
            made[place] = function(list(moved[place]), **options)
        return np.moveaxis(made, -1, dim)

    return along


def _softmax(x: list[Any]) -> list[Any]:
    return [mp.exp(a - _log_sum(x)) for a in x]


def _loss(of: Callable[..., Any]) -> Callable[..., Array]:
    def loss(x: Array, y: Array, reduction: str = "mean", **options: Any) -> Array:
        each = _elementwise(of, [x, y], options)
        total = each if reduction == "none" else np.sum(each)
        return total / each.size if reduction == "mean" else total

    return loss


def _smooth_l1(x: Any, y: Any, beta: Any = 1) -> Any:
    e = abs(x - y)
    return e * e / 2 / beta if e < beta else e - mpf(beta) / 2


def _huber(x: Any, y: Any, delta: Any = 1) -> Any:
    e = abs(x - y)
    return e * e / 2 if e <= delta else delta * (e - mpf(delta) / 2)


def _bce_with_logits(x: Any, y: Any) -> Any:
    return max(x, mpf(0)) - x * y + mp.log1p(mp.exp(-abs(x)))


# Matrices -----------------------------------------------------------------------------------------


def _det(a: Array) -> Any:
    total = mpf(0)
    for order in itertools.permutations(range(len(a))):
        sign = (-1) ** sum(p > q for p, q in itertools.combinations(order, 2))
        term = mpf(sign)
        for i, j in enumerate(order):
            term *= a[i, j]
        total += term
    return total


def _inv(a: Array) -> Array:
    n, det = len(a), _det(a)
    made = np.empty((n, n), dtype=object)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(a, j, 0), i, 1)
        made[i, j] = (-1) ** (i + j) * _det(minor) / det
    return made


def _exp(a: Array) -> Array:
    term = total = np.array([[mpf(i == j) for j in range(len(a))] for i in range(len(a))])
    for k in range(1, 10 * mp.dps):
        term = term @ a / k
        total = total + term
        if all(abs(x) < mpf(10) ** -mp.dps for x in term.flat):
            break
    return total


def _cholesky(a: Array) -> Array:
    n = len(a)
    low = np.full((n, n), mpf(0), dtype=object)
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j] - sum((low[i, k] * low[j, k] for k in range(j)), mpf(0))
            low[i, j] = mp.sqrt(rest) if i == j else rest / low[j, j]
    return low


def _diag(x: Array, diagonal: int = 0) -> Array:
    if x.ndim == 2:
        return np.diagonal(x, diagonal)
    n = len(x) + abs(diagonal)
    made = np.full((n, n), mpf(0), dtype=object)
    for i, a in enumerate(x):
        made[i + max(-diagonal, 0), i + max(diagonal, 0)] = a
    return made


def _part(keep: Callable[[int], bool]) -> Callable[..., Array]:
    def part(x: Array, diagonal: int = 0) -> Array:
        made = x.copy()
        for i, j in np.ndindex(x.shape):
            if not keep(j - i - diagonal):
                made[i, j] = mpf(0)
        return made

    return part


def _mp_median(x: list[Any]) -> Any:
    return sorted(x)[(len(x) - 1) // 2]


def _sorted(x: list[Any], descending: bool = False) -> list[Any]:
    return sorted(x, reverse=descending)


def _running(join: Callable[[Any, Any], Any]) -> Callable[[list[Any]], list[Any]]:
    def line(x: list[Any]) -> list[Any]:
        return list(itertools.accumulate(x, join))

    return line


ARRAYS: Mapping[str, Callable[..., Any]] = {
    "sum": _along(lambda x: sum(x, mpf(0))),
    "mean": _along(lambda x: sum(x, mpf(0)) / len(x)),
    "prod": _along(mp.fprod),
    "amax": _along(max),
    "amin": _along(min),
    "max": _along(max),
    "min": _along(min),
    "median": _along(_mp_median),
    "var": _along(_var),
    "std": _along(lambda x, **options: mp.sqrt(_var(x, **options))),
    "norm": _along(_norm),
    "logsumexp": _along(_log_sum),
    "softmax": _line(_softmax),
    "log_softmax": _line(lambda x: [a - _log_sum(x) for a in x]),
    "cumsum": _line(_running(lambda a, b: a + b)),
    "cumprod": _line(_running(lambda a, b: a * b)),
    "sort": _line(_sorted),
    "flip": lambda x, dim: np.flip(x, dim),
    "tril": _part(lambda above: above <= 0),
    "triu": _part(lambda above: above >= 0),
    "mse_loss": _loss(lambda x, y: (x - y) ** 2),
    "l1_loss": _loss(lambda x, y: abs(x - y)),
    "smooth_l1_loss": _loss(_smooth_l1),
    "huber_loss": _loss(_huber),
    "bce_with_logits": _loss(_bce_with_logits),
    "matmul": lambda a, b: a @ b,
    "dot": lambda a, b: a @ b,
    "outer": np.outer,
    "transpose": lambda a: a.T,
    "trace": np.trace,
    "diag": _diag,
    "eye": lambda n: np.array([[mpf(i == j) for j in range(n)] for i in range(n)]),
    "det": _det,
    "logdet": lambda a: mp.log(abs(_det(a))),  # nan for a negative one, but with this derivative
    "inv": _inv,
    "solve": lambda a, b: _inv(a) @ b,
    "matrix_exp": _exp,
    "cholesky": _cholesky,
}


# Derivatives --------------------------------------------------------------------------------------

Flat = Callable[[Sequence[Any]], list[Any]]  # all inputs, to all outputs


def flat(expression: Expression, shapes: Mapping[str, tuple[int, ...]]) -> Flat:
    """The expression as a function of all elements of its variables, one after another."""

    def function(point: Sequence[Any]) -> list[Any]:
        values, start = {}, 0
        for name, shape in shapes.items():
            size = int(np.prod(shape, dtype=int))
            part = np.array(point[start : start + size], dtype=object)
            values[name] = part.reshape(shape)
            start += size
        return list(np.ravel(value_of(expression, values)))

    return function


def slope(function: Flat, point: Sequence[float], output: int, by: int) -> Any:
    """The derivative of one output by one input, by central differences: to 35 digits."""
    with mp.workdps(80):
        step = mpf(10) ** -22
        at = [mpf(x) for x in point]
        ends = []
        for sign in (1, -1):
            moved = list(at)
            moved[by] += sign * step
            ends.append(function(moved)[output])
        return (ends[0] - ends[1]) / (2 * step)


def curvature(function: Flat, point: Sequence[float], first: int, second: int) -> Any:
    """The second derivative of the one output by two inputs, as `slope`."""
    with mp.workdps(120):
        step = mpf(10) ** -22
        at = [mpf(x) for x in point]
        total = mpf(0)
        for signs in itertools.product((1, -1), repeat=2):
            moved = list(at)
            moved[first] += signs[0] * step
            moved[second] += signs[1] * step
            total += signs[0] * signs[1] * function(moved)[0]
        return total / (4 * step**2)
