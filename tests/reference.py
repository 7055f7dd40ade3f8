"""What the elementwise functions of the table are, by their definitions, in mpmath.

Nothing here is taken from the table: every definition is that of torch's documentation (or, for
what torch does not have, of DLMF), written so that it holds its digits. Derivatives are those of
mpmath's numerical differentiation at 50 digits and more, or closed forms of DLMF.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mpmath import mp, mpf

from autograd_cli.language.expression import NUMBER, VARIABLE, Expression

DIGITS = 50


@dataclass(frozen=True)
class Reference:
    """A function in mpmath.

    value      operands (by position) and options (by keyword) to the value; a condition's is a bool
    partials   (orders, *operands, **options) to the partial derivative, where there is a closed
               form that is better than differentiating numerically
    options    the settings that it is tested with, by name
    is_cut     no derivative passes through it
    cancels    (orders, *operands, **options): whether torch is known to lose digits there
               although the function is well conditioned
    """

    value: Callable[..., Any]
    partials: Callable[..., Any] | None = None
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    is_cut: bool = False
    cancels: Callable[..., bool] = lambda orders, *operands, **options: False

    def of(self, operands: Sequence[str], options: Mapping[str, Any]) -> Reference:
        """The function of these operands alone, by position, with the options set."""
        value, partials = self.value, self.partials
        return replace(
            self,
            value=lambda *given: value(**dict(zip(operands, given, strict=True)), **options),
            partials=functools.partial(partials, **options) if partials else None,
            cancels=functools.partial(self.cancels, **options),
            options={},
        )


# Definitions ------------------------------------------------------------------------------------


def _sign(x: Any) -> Any:
    return mp.sign(x)


def _trunc(x: Any) -> Any:
    return mp.floor(x) if x >= 0 else mp.ceil(x)


def _round(x: Any) -> Any:
    below = mp.floor(x)
    if x - below == mpf(1) / 2:
        return below if below % 2 == 0 else below + 1
    return mp.floor(x + mpf(1) / 2)


def _cbrt(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def _sinc(x: Any) -> Any:
    return mp.sincpi(x)


def _heaviside(x: Any, at_zero: Any = 0.5) -> Any:
    return mpf(at_zero) if x == 0 else mpf(x > 0)


def _clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    if min is not None and x < min:
        x = min
    return max if max is not None and x > max else x


def _log_add_exp(x: Any, y: Any) -> Any:
    return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


def _xlogy(x: Any, y: Any) -> Any:
    return x * mp.log(y) if x else mpf(0)


def _log_ndtr(x: Any) -> Any:
    tail = mp.erfc(abs(x) / mp.sqrt(2)) / 2
    return mp.log1p(-tail) if x > 0 else mp.log(tail)


def _ndtr(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _ndtri(p: Any) -> Any:
    return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def _entr(x: Any) -> Any:
    return -x * mp.log(x)


def _logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def _log1pexp(x: Any) -> Any:
    return max(x, mpf(0)) + mp.log1p(mp.exp(-abs(x)))


def _softplus(x: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    return x if beta * x > threshold else _log1pexp(beta * x) / beta


def _gelu_tanh(x: Any) -> Any:
    # x/2 (1 + tanh u) = x sigmoid(2 u)
    return x * _logistic(2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))


def _elu(x: Any, alpha: Any = 1) -> Any:
    return x if x > 0 else alpha * mp.expm1(x)


def _celu(x: Any, alpha: Any = 1) -> Any:
    return max(x, mpf(0)) + min(mpf(0), alpha * mp.expm1(x / alpha))


def _selu(x: Any) -> Any:
    alpha, scale = (
        mpf("1.6732632423543772848170429916717"),
        mpf("1.0507009873554804934193349852946"),
    )
    return scale * (x if x > 0 else alpha * mp.expm1(x))


def _hard_sigmoid(x: Any) -> Any:
    return _clamp(x + 3, mpf(0), mpf(6)) / 6


def _soft_shrink(x: Any, lambd: Any = 0.5) -> Any:
    return x - lambd if x > lambd else x + lambd if x < -lambd else mpf(0)


def _hard_shrink(x: Any, lambd: Any = 0.5) -> Any:
    return x if abs(x) > lambd else mpf(0)


def _lower_gamma(a: Any, x: Any) -> Any:
    """P(a, x), by its power series (DLMF 8.7.1): every term is positive."""
    term = total = 1 / mpf(a)
    n = 0
    while term > total * mp.eps / 16:
        n += 1
        term = term * x / (a + n)
        total += term
    return total * mp.exp(a * mp.log(x) - x - mp.loggamma(a))


def _upper_gamma(a: Any, x: Any) -> Any:
    """Q(a, x) = 1 - P(a, x), with as many more digits as the difference costs."""
    with mp.extraprec(64 + int(max(0, 1.5 * (x - a)))):
        return 1 - _lower_gamma(a, x)


def _bessel_y(n: int, x: Any) -> Any:
    """Y_n(x), n >= 0, by Hankel's expansion (DLMF 10.17.5) or its power series (DLMF 10.8.1)."""
    if x > mp.prec / 2:  # the least term of the expansion is near exp(-2 x)
        term, total, k = mpf(1), mpf(1), 0
        while abs(term) > mp.eps / 16:
            k += 1
            term = term * 1j * (4 * n * n - (2 * k - 1) ** 2) / (8 * k * x)
            total += term
        turn = mp.expj(x - n * mp.pi / 2 - mp.pi / 4)
        return mp.sqrt(2 / (mp.pi * x)) * (turn * total).imag
    with mp.extraprec(30 + int(3 * x)):
        q, half = x * x / 4, x / 2
        term = half**n / mp.factorial(n)
        total, k, harmonic = mpf(0), 0, mp.harmonic(n)  # H_k + H_(n + k)
        while k < abs(x) or abs(term * harmonic) > mp.eps * abs(total):
            total += term * (harmonic - 2 * mp.euler)
            k += 1
            term *= -q / (k * (n + k))
            harmonic += mpf(1) / k + mpf(1) / (n + k)
        poles = sum(mp.factorial(n - k - 1) / mp.factorial(k) * q**k for k in range(n)) / half**n
        return (2 * mp.log(half) * mp.besselj(n, x) - total - poles) / mp.pi


def _bessel_k(n: int, x: Any) -> Any:
    """K_n(x), by its integral over exp(-x cosh t) cosh(n t) (DLMF 10.32.9)."""
    digits = mp.prec * mp.log(2) + 2 * x + 10
    step = 9 / digits
    t, total = mpf(0), mp.exp(-x) / 2
    while True:
        t += step
        term = mp.exp(-x * mp.cosh(t)) * mp.cosh(n * t)
        total += term
        if term < total * mp.eps and x * mp.cosh(t) > n * t + 1:
            return step * total


def _cylinder(kind: Callable[..., Any], *, sign: int, flip: int = 1) -> Reference:
    """A Bessel function of a whole order n, with its derivatives as sums of its neighbours:
    f^(k) = (flip/2)^k * sum over i of binomial(k, i) sign^i f of the order n - k + 2 i, where
    f of the order -n is sign^n f (DLMF 10.4.1, 10.6.7, 10.27.1, 10.29.5)."""

    def value(x: Any, n: int) -> Any:
        return kind(n, x) if n >= 0 else sign**n * kind(-n, x)

    def partials(orders: Sequence[int], x: Any, n: int) -> Any:
        (k,) = orders
        terms = [mp.binomial(k, i) * sign**i * value(x, n - k + 2 * i) for i in range(k + 1)]
        return (mpf(flip) / 2) ** k * sum(terms)

    return Reference(value, partials, options={"n": (2, 0, 1, 3, 5, 12, -2, -3)})


_BESSEL = {
    "j": _cylinder(mp.besselj, sign=-1),
    "y": _cylinder(_bessel_y, sign=-1),
    "i": _cylinder(mp.besseli, sign=1),
    "k": _cylinder(_bessel_k, sign=1, flip=-1),
}


def _of_order(letter: str, n: int) -> Reference:
    whole = _BESSEL[letter]
    assert whole.partials is not None
    return Reference(lambda x: whole.value(x, n), functools.partial(whole.partials, n=n))


def _scaled_bessel(order: int) -> Reference:
    """exp(-|x|) I(x), by Leibniz' rule: I is an entire function."""
    plain = _of_order("i", order).partials
    assert plain is not None

    def partials(orders: Sequence[int], x: Any) -> Any:
        (k,) = orders
        side = -mp.sign(x)
        terms = [mp.binomial(k, n) * side ** (k - n) * plain((n,), x) for n in range(k + 1)]
        return mp.exp(-abs(x)) * sum(terms)

    return Reference(lambda x: mp.exp(-abs(x)) * mp.besseli(order, x), partials)


def _gaussian(scale: Any, x: Any, k: int) -> Any:
    """The k-th derivative (k >= 1) of erf(x/scale), by Hermite polynomials (DLMF 7.10.1)."""
    t = x / scale
    hermite = mp.hermite(k - 1, t) * (-1) ** (k - 1)
    return 2 / mp.sqrt(mp.pi) * hermite * mp.exp(-t * t) / scale**k


def _log_ndtr_partials(orders: Sequence[int], x: Any) -> Any:
    (k,) = orders
    hazard = _gaussian(mp.sqrt(2), x, 1) / 2 / _ndtr(x)
    return hazard if k == 1 else -hazard * (x + hazard)


def _gamma_partials(orders: Sequence[int], x: Any) -> Any:
    (k,) = orders
    first = mp.psi(0, x)
    return mp.gamma(x) * (first if k == 1 else first**2 + mp.psi(1, x))


def _beta_partials(orders: Sequence[int], a: Any, b: Any) -> Any:
    """Those of exp(log gamma(a) + log gamma(b) - log gamma(a + b))."""
    by_a, by_b = (mp.psi(0, one) - mp.psi(0, a + b) for one in (a, b))
    slopes = {(1, 0): by_a, (0, 1): by_b}
    curvature = -mp.psi(1, a + b)
    slopes[2, 0] = by_a**2 + mp.psi(1, a) + curvature
    slopes[0, 2] = by_b**2 + mp.psi(1, b) + curvature
    slopes[1, 1] = by_a * by_b + curvature
    return mp.beta(a, b) * slopes[tuple(orders)]


def _zeta(s: Any, q: Any = 1, order: int = 0) -> Any:
    """mpmath's, whose precision is absolute: with more digits where the value is small."""
    with mp.extraprec(16 + max(0, int(s * mp.log(q, 2)))):
        return mp.zeta(s, q, order)


def _zeta_partials(orders: Sequence[int], s: Any, q: Any = 1) -> Any:
    """Each derivative by q brings -s and the next s (DLMF 25.11.17); by s they are mpmath's."""
    in_s, in_q = (*orders, 0)[:2]
    if in_q == 0:
        return _zeta(s, q, in_s)
    if in_q == 1:
        below = in_s * _zeta(s + 1, q, in_s - 1) if in_s else 0
        return -s * _zeta(s + 1, q, in_s) - below
    assert (in_s, in_q) == (0, 2)
    return s * (s + 1) * _zeta(s + 2, q)


def _incomplete_gamma(*, upper: bool) -> Reference:
    """P or Q. By x there is the density of the gamma distribution; by a the smaller one of the two
    is differentiated, whose digits are all its own."""
    below, above = Reference(_lower_gamma), Reference(_upper_gamma)

    def partials(orders: Sequence[int], a: Any, x: Any) -> Any:
        if orders[1] == 0:
            found = derivative(below if x < a else above, (a, x), orders)
            return found if (x >= a) == upper else -found
        density = mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a)) * (-1 if upper else 1)
        closed = {
            (0, 1): density,
            (0, 2): density * ((a - 1) / x - 1),
            (1, 1): density * (mp.log(x) - mp.psi(0, a)),
        }
        return closed[tuple(orders)]

    return Reference(_upper_gamma if upper else _lower_gamma, partials)


def _both(x: Any, y: Any) -> bool:
    return bool(x) and bool(y)


def _either(x: Any, y: Any) -> bool:
    return bool(x) or bool(y)


def _one_of(x: Any, y: Any) -> bool:
    return bool(x) != bool(y)


# By the row's name ------------------------------------------------------------------------------


REFERENCES: dict[str, Reference] = {
    name: made if isinstance(made, Reference) else Reference(made)
    for name, made in {
        # operators
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "pow": lambda x, y: mp.power(x, y),
        "neg": lambda x: -x,
        "mod": lambda x, y: x - y * mp.floor(x / y),
        "floor_divide": lambda x, y: mp.floor(x / y),
        "lt": lambda x, y: x < y,
        "le": lambda x, y: x <= y,
        "gt": lambda x, y: x > y,
        "ge": lambda x, y: x >= y,
        "eq": lambda x, y: x == y,
        "ne": lambda x, y: x != y,
        "logical_and": _both,
        "logical_or": _either,
        "logical_not": lambda x: not x,
        "logical_xor": _one_of,
        # powers and roots
        "sqrt": lambda x: mp.sqrt(x),
        "cbrt": _cbrt,
        "square": lambda x: x * x,
        "reciprocal": lambda x: 1 / x,
        "rsqrt": lambda x: 1 / mp.sqrt(x),
        "hypot": lambda x, y: mp.sqrt(x * x + y * y),
        # exponentials and logarithms
        "exp": lambda x: mp.exp(x),
        "exp2": lambda x: mp.power(2, x),
        "expm1": lambda x: mp.expm1(x),
        "log": lambda x: mp.log(x),
        "log_base": lambda x, base: mp.log(x) / mp.log(base),
        "log1p": lambda x: mp.log1p(x),
        "log2": lambda x: mp.log(x) / mp.log(2),
        "log10": lambda x: mp.log(x) / mp.log(10),
        "logaddexp": _log_add_exp,
        "xlogy": _xlogy,
        "xlog1py": lambda x, y: _xlogy(x, 1 + y),
        # trigonometric functions
        "sin": lambda x: mp.sin(x),
        "cos": lambda x: mp.cos(x),
        "tan": lambda x: mp.tan(x),
        "sec": lambda x: 1 / mp.cos(x),
        "csc": lambda x: 1 / mp.sin(x),
        "cot": lambda x: mp.cos(x) / mp.sin(x),
        "sinc": _sinc,
        "asin": lambda x: mp.asin(x),
        "acos": lambda x: mp.acos(x),
        "atan": lambda x: mp.atan(x),
        "atan2": lambda y, x: mp.atan2(y, x),
        # hyperbolic functions
        "sinh": lambda x: mp.sinh(x),
        "cosh": lambda x: mp.cosh(x),
        "tanh": lambda x: mp.tanh(x),
        "asinh": lambda x: mp.asinh(x),
        "acosh": lambda x: mp.acosh(x),
        "atanh": lambda x: mp.atanh(x),
        "sech": lambda x: 1 / mp.cosh(x),
        "csch": lambda x: 1 / mp.sinh(x),
        "coth": lambda x: mp.coth(x),
        "deg2rad": lambda x: x * mp.pi / 180,
        "rad2deg": lambda x: x * 180 / mp.pi,
        # rounding and signs
        "abs": lambda x: abs(x),
        "sign": _sign,
        "floor": lambda x: mp.floor(x),
        "ceil": lambda x: mp.ceil(x),
        "round": _round,
        "trunc": _trunc,
        "frac": lambda x: x - _trunc(x),
        "fmod": lambda x, y: x - y * _trunc(x / y),
        # limits, branches and cuts
        "clamp": _clamp,
        "maximum": lambda x, y: max(x, y),
        "minimum": lambda x, y: min(x, y),
        "fmax": lambda x, y: max(x, y),
        "fmin": lambda x, y: min(x, y),
        "where": lambda condition, x, y: x if condition > 0 else y,
        "Heaviside": _heaviside,
        "DiracDelta": Reference(lambda x, k=0: mpf(0), options={"k": (0, 1, 2)}),
        "detach": Reference(lambda x: x, is_cut=True),
        # error functions and the normal distribution
        "erf": Reference(lambda x: mp.erf(x), lambda orders, x: _gaussian(1, x, *orders)),
        "erfc": Reference(lambda x: mp.erfc(x), lambda orders, x: -_gaussian(1, x, *orders)),
        "erfinv": lambda x: mp.erfinv(x),
        "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
        "ndtr": Reference(_ndtr, lambda orders, x: _gaussian(mp.sqrt(2), x, *orders) / 2),
        "log_ndtr": Reference(_log_ndtr, _log_ndtr_partials),
        "ndtri": _ndtri,
        # gamma and its relatives
        "gamma": Reference(lambda x: mp.gamma(x), _gamma_partials),
        "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
        "digamma": lambda x: mp.psi(0, x),
        "polygamma": Reference(lambda x, n: mp.psi(n, x), options={"n": (0, 1, 2, 3, 5)}),
        "factorial": Reference(
            lambda x: mp.gamma(x + 1), lambda orders, x: _gamma_partials(orders, x + 1)
        ),
        "beta": Reference(lambda a, b: mp.beta(a, b), _beta_partials),
        "gammainc": _incomplete_gamma(upper=False),
        "gammaincc": _incomplete_gamma(upper=True),
        "zeta": Reference(lambda s, q=1: _zeta(s, q), _zeta_partials),
        # Bessel functions
        "j0": _of_order("j", 0),
        "j1": _of_order("j", 1),
        "y0": _of_order("y", 0),
        "y1": _of_order("y", 1),
        "i0": _of_order("i", 0),
        "i1": _of_order("i", 1),
        **{f"bessel{letter}": made for letter, made in _BESSEL.items()},
        "i0e": _scaled_bessel(0),
        "i1e": _scaled_bessel(1),
        "k0": _of_order("k", 0),
        "k1": _of_order("k", 1),
        # information
        "logit": lambda p: mp.log(p / (1 - p)),
        "entr": _entr,
        # activations
        "relu": lambda x: max(x, mpf(0)),
        "relu6": lambda x: min(max(x, mpf(0)), mpf(6)),
        "leaky_relu": Reference(
            lambda x, negative_slope=0.01: x if x > 0 else mpf(negative_slope) * x,
            options={"negative_slope": (0.01, 0.25)},
        ),
        "elu": Reference(_elu, options={"alpha": (1.0, 0.5, 2.5)}),
        "selu": _selu,
        "celu": Reference(_celu, options={"alpha": (1.0, 0.5, 2.5)}),
        "gelu": lambda x: x * _ndtr(x),
        "gelu_tanh": _gelu_tanh,
        "silu": lambda x: x * _logistic(x),
        "mish": lambda x: x * mp.tanh(_log1pexp(x)),
        "softplus": Reference(
            _softplus, options={"beta": (1.0, 0.5, 3.0), "threshold": (20.0, 50.0)}
        ),
        "softsign": lambda x: x / (1 + abs(x)),
        "sigmoid": _logistic,
        "hardsigmoid": _hard_sigmoid,
        "hardswish": lambda x: x * _hard_sigmoid(x),
        "hardtanh": Reference(
            lambda x, min_val=-1, max_val=1: _clamp(x, mpf(min_val), mpf(max_val)),
            options={"min_val": (-1.0, -0.25), "max_val": (1.0, 3.0)},
        ),
        "logsigmoid": lambda x: -_log1pexp(-x),
        "tanhshrink": lambda x: x - mp.tanh(x),
        "softshrink": Reference(_soft_shrink, options={"lambd": (0.5, 2.0)}),
        "hardshrink": Reference(_hard_shrink, options={"lambd": (0.5, 2.0)}),
    }.items()
}

# Where twelve digits are not there, by measurement: values, for they are torch's to the bit.
_CANCELS: dict[str, Callable[..., bool]] = {
    "gelu": lambda orders, x: not sum(orders) and x < -4.3,  # 1 + erf(x/sqrt(2))
    "gelu_tanh": lambda orders, x: not sum(orders) and x < -3.8,
    "tanhshrink": lambda orders, x: not sum(orders) and abs(x) < 0.02,
}
for _name, _cancels in _CANCELS.items():
    REFERENCES[_name] = replace(REFERENCES[_name], cancels=_cancels)


# Derivatives ------------------------------------------------------------------------------------

# Digits to differentiate with, and the least result, next to the value, that they tell from 0.
_LADDER = ((DIGITS, -25), (120, -90), (340, -325))


def derivative(function: Reference, point: Sequence[float], orders: Sequence[int] = ()) -> Any:
    """The partial derivative of `orders` at `point`, to 25 digits; 0 where it is below 1e-325."""
    order = sum(orders)
    if order and function.is_cut:
        return mpf(0)
    vanishes = False  # so far
    for digits, least in _LADDER:
        if vanishes and digits < _LADDER[-1][0]:
            continue
        with mp.workdps(digits):
            at = tuple(mpf(x) for x in point)
            value = function.value(*at)
            if not order:
                return mpf(value)
            if function.partials is not None:
                return mpf(function.partials(orders, *at))
            scale = abs(value) or mpf(10) ** -20
            if len(at) == 1:
                value = mp.diff(function.value, at[0], order)
            else:
                value = mp.diff(function.value, at, tuple(orders))
            if abs(value) > scale * mpf(10) ** least:
                return value
            vanishes = not value
    return mpf(0)


def condition_number(
    function: Reference, point: Sequence[float], orders: Sequence[int], value: Any
) -> float:
    """The largest relative condition number |x dq/dx / q| of q, the derivative of `orders`."""
    step = mpf(10) ** -12
    worst = mpf(0)
    for i, x in enumerate(point):
        moved = [mpf(one) for one in point]
        with mp.workdps(DIGITS):
            moved[i] = x * (1 + step)
            change = abs(derivative(function, moved, orders) - value)
            worst = max(worst, change / abs(value) / step)
    return float(worst)


# Formulas ---------------------------------------------------------------------------------------


def exactly(expression: Expression, values: Mapping[str, Any]) -> Any:
    """The value of an expression of elementwise functions, folded over the definitions above."""
    found: list[Any] = []
    for node in expression.nodes:
        operands = [found[i] for i in node.operands]
        if node.op == NUMBER:
            text = expression.source[slice(*node.span)]
            found.append(+mp.pi if text == "pi" else mpf(text or node.value))
        elif node.op == VARIABLE:
            found.append(values[str(node.value)])
        else:
            made = REFERENCES[node.op].value(*operands, **dict(node.options))
            found.append(mpf(made) if isinstance(made, bool) else made)
    return found[expression.root]
