"""The special functions against mpmath at 50 digits: values and derivatives.

A computed number may be off by 64 units of rounding times 1 + |x f'/f|, the condition of what it is
the value of (f is the function or derivative under test): that is what rounding x itself would do.
"""

import inspect
import math
from collections.abc import Callable
from functools import cache

import mpmath as mp
import pytest
import torch
from torch import Tensor

from autograd_cli.engine import special

EPS = 2.0**-52
BOUND = 64 * EPS
Reference = Callable[..., mp.mpf]


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mp.workdps(50):
        yield


def leaf(points, dtype=torch.float64) -> Tensor:
    return torch.tensor(points, dtype=dtype, requires_grad=True)


def nth(function, x: Tensor, order: int) -> Tensor:
    y = function(x)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return y


# ---- references: the k-th derivative at x --------------------------------------------------------


def numeric(f: Reference) -> Reference:
    """By differences, at eighty digits with steps of 1e-15."""

    def derivative(k: int, x: mp.mpf) -> mp.mpf:
        with mp.workdps(80):
            return mp.diff(f, x, k, h=mp.mpf(10) ** -15 * (abs(x) or 1)) if k else f(x)

    return derivative


def from_orders(f: Reference, n: int, factors: tuple[int, int]) -> Reference:
    """From f_n' = (p f_{n-1} + q f_{n+1}) / 2, for I (1, 1) and for K (-1, -1)."""

    def derivative(k: int, x: mp.mpf, n: int = n) -> mp.mpf:
        if not k:
            return f(abs(n), x)
        p, q = factors
        return (p * derivative(k - 1, x, n - 1) + q * derivative(k - 1, x, n + 1)) / 2

    return derivative


@cache
def besselk(n: int, x: mp.mpf) -> mp.mpf:
    """Up from K0 and K1, for mpmath takes a limit at integers, which is slow."""
    return mp.besselk(n, x) if n < 2 else besselk(n - 2, x) + 2 * (n - 1) / x * besselk(n - 1, x)


def scaled_i(n: int) -> Reference:
    plain = from_orders(mp.besseli, n, (1, 1))

    def derivative(k: int, x: mp.mpf) -> mp.mpf:
        a = abs(x)
        terms = (mp.binomial(k, j) * (-1) ** (k - j) * plain(j, a) for j in range(k + 1))
        return mp.exp(-a) * mp.fsum(terms) * mp.sign(x) ** ((k + n) % 2)

    return derivative


def ratio(x: mp.mpf) -> mp.mpf:
    return mp.sin(x) / x if x else mp.mpf(1)


def airy(k: int, x: mp.mpf) -> mp.mpf:
    """From Ai'' = x Ai: mpmath is slow at the higher derivatives."""
    if k < 2:
        return mp.airyai(x, derivative=k)
    return x * airy(k - 2, x) + (k - 2) * airy(abs(k - 3), x)


@cache
def gamma(k: int, x: mp.mpf) -> mp.mpf:
    """From Gamma' = Gamma psi."""
    if not k:
        return mp.gamma(x)
    return mp.fsum(mp.binomial(k - 1, i) * gamma(k - 1 - i, x) * mp.psi(i, x) for i in range(k))


@cache
def erfcx(k: int, x: mp.mpf) -> mp.mpf:
    """From y' = 2 x y - 2/sqrt(pi); the digits that cancel are not needed."""
    if k < 2:
        value = mp.exp(x * x) * mp.erfc(x)
        return 2 * x * value - 2 / mp.sqrt(mp.pi) if k else value
    return 2 * x * erfcx(k - 1, x) + 2 * (k - 1) * erfcx(k - 2, x)


def log_ndtr(x: mp.mpf) -> mp.mpf:
    tail = mp.erfc(abs(x) / mp.sqrt(2)) / 2
    return mp.log(tail) if x < 0 else mp.log1p(-tail)


SMALL = [1e-8, 1e-5, 0.001, 0.03, 0.4, 0.999, 1.001, 1.7]
LARGE = [2.5, 3.3, 5.3, 7.9, 8.1, 13.3, 24.9, 26.1, 40.0, 130.0, 600.0]
POSITIVE = SMALL + LARGE
NEGATIVE = [-x for x in POSITIVE[::2]]
REAL = [*NEGATIVE, 0.0, *POSITIVE]
# the zeros of J0, J1, Y0, Y1, psi, Gamma' are not exact in float64: only the condition allows them
TURNS = [2.404825557695773, 3.8317059702075125, 0.8935769662791675, 2.197141326031017]
POLES = [-0.5, -1.4616, -2.000001, -3.3, -7.75, -15.01, -20.6]
NORMAL = [-36.0, -20.0, -9.5, -5.5, -3.0, -1.001, -0.999, -0.3, *SMALL, 2.5, 5.3, 7.9, 20.0]

UNARY: dict[str, tuple[Reference, list[float]]] = {
    "bessel_j0": (lambda k, x: mp.besselj(0, x, derivative=k), REAL + TURNS),
    "bessel_j1": (lambda k, x: mp.besselj(1, x, derivative=k), REAL + TURNS),
    "bessel_y0": (lambda k, x: mp.bessely(0, x, derivative=k), POSITIVE + TURNS),
    "bessel_y1": (lambda k, x: mp.bessely(1, x, derivative=k), POSITIVE + TURNS),
    "modified_bessel_k0": (from_orders(besselk, 0, (-1, -1)), POSITIVE),
    "modified_bessel_k1": (from_orders(besselk, 1, (-1, -1)), POSITIVE),
    "airy_ai": (
        airy,
        [x for x in REAL if -41 < x < 41] + [-2.0911, -4.2],
    ),
    "i0": (from_orders(mp.besseli, 0, (1, 1)), REAL),
    "i1": (from_orders(mp.besseli, 1, (1, 1)), REAL),
    "i0e": (scaled_i(0), NEGATIVE + POSITIVE),
    "i1e": (scaled_i(1), NEGATIVE + POSITIVE),
    "gamma": (
        gamma,
        [*SMALL, *POLES, -1e-8, 3.3, 5.3, 22.5, 50.1, 100.7, 139.9, 140.1, 170.9, -100.5, -169.3],
    ),
    "lgamma": (
        lambda k, x: mp.psi(k - 1, x) if k else mp.log(abs(mp.gamma(x))),
        [*POSITIVE, *POLES, 1.0, 2.0, 1e5, -600.25],
    ),
    "digamma": (lambda k, x: mp.psi(k, x), [*POSITIVE, *POLES, 1.0, 2.0, 1.46163, 1e5, -600.25]),
    "erfcx": (erfcx, [-20.0, -3.0, -0.7, 0.0, *POSITIVE]),
    "log_ndtr": (numeric(log_ndtr), NORMAL),
    "ndtr": (
        lambda k, x: numeric(mp.npdf)(k - 1, x) if k else mp.ncdf(x),
        [x for x in NORMAL if x],
    ),
    "expit": (numeric(lambda x: 1 / (1 + mp.exp(-x))), [*NORMAL, 40.0, 100.0]),
    "sinc": (
        lambda k, x: mp.pi**k * numeric(ratio)(k, mp.pi * x),
        [x for x in REAL if abs(x) < 30] + [0.954, 0.956, 1.0, 2.0],
    ),
    "spherical_bessel_j0": (numeric(ratio), REAL),
    "cbrt": (
        numeric(lambda x: mp.sign(x) * mp.cbrt(abs(x))),
        NEGATIVE + POSITIVE + [1e-150, 1e150],
    ),
}


@cache
def reference(name: str, order: int, x: float) -> mp.mpf:
    return UNARY[name][0](order, mp.mpf(x))


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", UNARY)
def test_value_and_derivatives(name, order):
    points = UNARY[name][1]
    got = nth(getattr(special, name), leaf(points), order).tolist()
    bad = []
    for x, y in zip(points, got, strict=True):
        exact, slope = reference(name, order, x), reference(name, order + 1, x)
        if abs(exact) < 1e-300:  # an exact zero, or an underflow
            assert abs(y) <= 1e-300, x
            continue
        allowed = BOUND * (1 + abs(x * slope / exact))
        if not abs(y - exact) <= allowed * abs(exact):
            bad.append((x, y, mp.nstr(exact, 18), float(abs(y / exact - 1)), float(allowed)))
    assert not bad


@pytest.mark.parametrize(
    "name", ["bessel_j0", "bessel_y0", "airy_ai", "i1", "i1e", "gamma", "erfcx"]
)
def test_third_derivative(name):
    points = [x for x in UNARY[name][1] if 0.01 < x < 30]
    got = nth(getattr(special, name), leaf(points), 3).tolist()
    for x, y in zip(points, got, strict=True):
        exact, slope = reference(name, 3, x), reference(name, 4, x)
        assert abs(y - exact) <= BOUND * (abs(exact) + abs(x * slope)), x


# ---- two operands --------------------------------------------------------------------------------


def zeta(i: int, j: int, s: mp.mpf, q: mp.mpf) -> mp.mpf:
    """From d/dq zeta(s, q) = -s zeta(s + 1, q) and Leibniz' rule in s."""
    factor = mp.taylor(lambda u: (-1) ** j * mp.rf(u, j), s, i)
    terms = (
        mp.binomial(i, m) * mp.factorial(m) * factor[m] * mp.zeta(s + j, q, i - m)
        for m in range(i + 1)
    )
    return mp.fsum(terms)


@cache
def beta(i: int, j: int, a: mp.mpf, b: mp.mpf) -> mp.mpf:
    """From d/da beta = beta (psi(a) - psi(a + b)) and Leibniz' rule."""
    if not i:
        return beta(j, 0, b, a) if j else mp.beta(a, b)
    total = mp.mpf(0)
    for p in range(i):
        for q in range(j + 1):
            slope = (0 if q else mp.psi(p, a)) - mp.psi(p + q, a + b)
            weight = mp.binomial(i - 1, p) * mp.binomial(j, q)
            total += weight * slope * beta(i - 1 - p, j - q, a, b)
    return total


def gammainc(i: int, j: int, a: mp.mpf, x: mp.mpf) -> mp.mpf:
    """P(a, x) by its series (A&S 6.5.29), and in x by its density."""

    def lower(a: mp.mpf) -> mp.mpf:
        total = term = 1 / mp.gamma(a + 1)
        k = a
        while term > total * mp.eps:
            k += 1
            term *= x / k
            total += term
        return total * x**a * mp.exp(-x)

    if not j:
        return mp.diff(lower, a, i, h=mp.mpf("1e-14")) if i else lower(a)
    density = lambda u, v: v ** (u - 1) * mp.exp(-v) / mp.gamma(u)  # noqa: E731
    return mp.diff(density, (a, x), (i, j - 1), h=mp.mpf("1e-14")) if i + j > 1 else density(a, x)


GAMMAS = [(0.1, 0.11), (0.147, 0.154), (0.5, 4.0), (2.0, 0.1), (3.0, 3.5), (0.13, 30.0)]
GAMMAS += [(24.4, 18.2), (42.8, 48.4), (49.0, 49.0), (50.0, 5.0)]
BETAS = [(2.0, 3.0), (0.3, 0.2), (53.1, 0.073), (30.0, 40.0), (1e3, 0.1), (2e5, 3.5)]
BETAS += [(400.0, 300.0), (-1.5, 2.2), (-0.3, -0.4), (-200.5, 50.3)]
ZETAS = [(1.001, 1.0), (1.5, 0.2), (2.0, 1.0), (3.3, 7.0), (12.0, 0.9), (33.0, 90.3), (50.0, 1.0)]
BINARY: dict[str, tuple[Reference, list[tuple[float, float]]]] = {
    "beta": (beta, BETAS),
    "zeta": (zeta, ZETAS),
    "gammainc": (gammainc, GAMMAS),
    "gammaincc": (lambda i, j, a, x: (not i + j) - gammainc(i, j, a, x), GAMMAS),
}


@cache
def mixed(name: str, a: float, b: float, i: int, j: int) -> mp.mpf:
    with mp.workdps(80):
        return BINARY[name][0](i, j, mp.mpf(a), mp.mpf(b))


@pytest.mark.parametrize("order", [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)], ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_two_operands(name, order):
    i, j = order
    points = BINARY[name][1]
    a, b = (leaf(list(column)) for column in zip(*points, strict=True))
    y = getattr(special, name)(a, b)
    for x in [a] * i + [b] * j:
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    bad = []
    for (p, q), got in zip(points, y.tolist(), strict=True):
        exact = mixed(name, p, q, i, j)
        spread = abs(p * mixed(name, p, q, i + 1, j)) + abs(q * mixed(name, p, q, i, j + 1))
        if not abs(got - exact) <= BOUND * (abs(exact) + spread):
            bad.append((p, q, got, mp.nstr(exact, 18), float(abs(got - exact) / abs(exact))))
    assert not bad


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma(n):
    points = [0.01, 0.5, 1.0, 3.7, 40.0, 1e4, *POLES]
    for order in range(3):
        got = nth(lambda x: special.polygamma(n, x), leaf(points), order).tolist()
        for x, y in zip(points, got, strict=True):
            exact, slope = mp.psi(n + order, x), mp.psi(n + order + 1, x)
            assert abs(y - exact) <= BOUND * (abs(exact) + abs(x * slope)), x


def test_polygamma_far_below_zero():
    """Where summing up to the positive axis would take for ever."""
    (y,) = special.polygamma(2, leaf([-(2.0**50) + 0.25])).tolist()
    exact = 2 * mp.pi**3 * mp.cot(mp.pi / 4) / mp.sin(mp.pi / 4) ** 2  # the tail is below 1e-30
    assert abs(y + exact) <= BOUND * exact or abs(y - exact) <= BOUND * exact


def test_psi_difference_is_precise_for_a_small_step():
    """d/da beta(a, b) for b << a, where psi(a) - psi(a + b) has no digits left."""
    a, b = leaf(1e6), leaf(1e-7)
    (grad,) = torch.autograd.grad(special.beta(a, b), a)
    x, y = mp.mpf(1e6), mp.mpf(1e-7)
    exact = mp.beta(x, y) * (mp.psi(0, x) - mp.psi(0, x + y))
    assert abs(grad.item() - exact) <= BOUND * abs(exact)


# ---- exact and limiting values -------------------------------------------------------------------


def test_gamma_is_exact_at_integers_and_has_poles():
    whole = special.gamma(leaf([float(n) for n in range(1, 24)])).tolist()
    assert whole == [math.factorial(n) for n in range(23)]
    assert special.gamma(leaf([0.0, -0.0, math.inf, 172.0, -190.5])).tolist() == [
        math.inf,
        -math.inf,
        math.inf,
        math.inf,
        0.0,
    ]
    assert special.gamma(leaf([-1.0, -2.0, -184.0, -math.inf, math.nan])).isnan().all()


def test_gamma_to_a_few_units_in_the_last_place():
    points = [x / 7 + 0.01 for x in range(-1190, 1190)]
    for x, y in zip(points, special.gamma(leaf(points)).tolist(), strict=True):
        exact = mp.gamma(mp.mpf(x))
        assert abs(y - exact) <= 4 * EPS * abs(exact), x


def test_cbrt_is_exact_for_cubes():
    roots = [-100.0, -3.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 1e100]
    assert special.cbrt(leaf([r**3 for r in roots])).tolist() == roots
    assert special.cbrt(leaf([math.inf, -math.inf])).tolist() == [math.inf, -math.inf]
    assert nth(special.cbrt, leaf([0.0, math.inf]), 1).tolist() == [math.inf, 0.0]


def test_gammainc_at_the_ends():
    a, ends = leaf([2.0, 2.0]), leaf([0.0, math.inf])
    assert special.gammainc(a, ends).tolist() == [0, 1]
    assert special.gammaincc(a, ends).tolist() == [1, 0]
    (slope,) = torch.autograd.grad(special.gammainc(a, ends).sum(), a)
    assert slope.tolist() == [0, 0]
    outside = special.gammainc(leaf([-0.5, 2.0]), leaf([2.0, -0.5]))
    assert outside.isnan().all()


def test_there_is_no_negative_zero():
    """torch has none at these either; a printed -0 is only puzzling."""
    for y in (special.bessel_j1(leaf(0.0)), nth(special.sinc, leaf(0.0), 1)):
        assert math.copysign(1, y.item()) == 1


def test_beta_vanishes_at_the_poles_of_its_denominator():
    assert special.beta(leaf(-1.5), leaf(0.5)).item() == 0


def test_hardsigmoid_has_torchs_values_the_right_slope_and_a_second_derivative():
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        points = [-4.0, -3.0, -2.9, 0.0, 0.7, 3.0, 5.0]
        x, y = leaf(points, dtype), leaf(points, dtype)
        ours, theirs = special.hardsigmoid(x), torch.nn.functional.hardsigmoid(y)
        assert torch.equal(ours, theirs)
        weight = torch.linspace(0.3, 1.7, 7, dtype=dtype)
        (slope,) = torch.autograd.grad(ours, x, weight, create_graph=True)
        # torch's slope in float64 is float32's 1/6, off by 3e-8
        (rounded,) = torch.autograd.grad(theirs, y, weight)
        torch.testing.assert_close(
            slope, rounded, rtol=4e-8 if dtype.itemsize == 8 else 0.01, atol=0
        )
        if dtype == torch.float64:
            assert torch.equal(slope, torch.where(x.abs() < 3, weight / 6, 0.0))
        for _ in range(2):
            (slope,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
            assert not slope.any()


def test_floor_divide_has_derivative_zero():
    x, y = leaf([7.5, -7.5]), leaf([2.0, 2.0])
    z = special.floor_divide(x, y)
    assert torch.equal(z, torch.floor_divide(x, y))
    for _ in range(3):
        grads = torch.autograd.grad(z.sum(), (x, y), create_graph=True)
        assert [g.tolist() for g in grads] == [[0, 0], [0, 0]]
        z = grads[0] + grads[1]


# ---- what holds for every function ---------------------------------------------------------------

ONE = [*UNARY, "hardsigmoid"]
TWO = [*BINARY, "floor_divide"]
FUNCTIONS = {name: getattr(special, name) for name in ONE + TWO}
FUNCTIONS["polygamma"] = lambda x: special.polygamma(2, x)


def operands(name: str, dtype=torch.float64) -> list[Tensor]:
    """Points that every function is defined at."""
    first = leaf([1.25, 2.75, 5.5], dtype)
    return [first, leaf([0.5, 3.0, 8.0], dtype)] if name in TWO else [first]


def twice(function, xs: list[Tensor]) -> list[Tensor]:
    y = function(*xs)
    grads = torch.autograd.grad(y.sum(), xs, create_graph=True)
    return [y, *grads, *torch.autograd.grad(sum(g.sum() for g in grads), xs)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_node_is_named_after_the_function(name):
    y = FUNCTIONS[name](*operands(name))
    assert type(y.grad_fn).__name__ == name.title().replace("_", "") + "Backward"
    assert all(type(f).__name__ == "AccumulateGrad" for f, _ in y.grad_fn.next_functions if f)
    function = getattr(special, name)
    assert function.__name__ == name
    assert function.__doc__
    assert inspect.signature(function).return_annotation is Tensor


@pytest.mark.parametrize("name", FUNCTIONS)
def test_under_vmap(name):
    plain = twice(FUNCTIONS[name], operands(name))
    mapped = twice(torch.vmap(FUNCTIONS[name]), operands(name))
    for a, b in zip(plain, mapped, strict=True):
        torch.testing.assert_close(a, b, rtol=4 * EPS, atol=1e-300)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_narrow_types(name, dtype):
    xs = operands(name, dtype)
    narrow = twice(FUNCTIONS[name], xs)
    wide = twice(FUNCTIONS[name], [x.detach().double().requires_grad_() for x in xs])
    unit = torch.finfo(dtype).eps
    for a, b in zip(narrow, wide, strict=True):
        assert a.dtype == dtype
        # a few roundings, of terms not much larger than the result
        torch.testing.assert_close(a.double(), b, rtol=32 * unit, atol=4 * unit)
    if name not in ("hardsigmoid", "floor_divide"):
        assert torch.equal(narrow[0], wide[0].to(dtype))  # correctly rounded


@pytest.mark.parametrize("name", TWO)
def test_broadcasting_sums_the_gradient(name):
    function = FUNCTIONS[name]
    a, b = leaf([1.25, 2.75, 5.5]), leaf([[0.5], [3.0]])
    narrow = twice(function, [a, b])
    full = [x.detach().expand(2, 3).clone().requires_grad_() for x in (a, b)]
    wide = twice(function, full)
    assert [x.shape for x in narrow] == [(2, 3), (3,), (2, 1), (3,), (2, 1)]
    for x, y in zip(narrow, wide, strict=True):
        torch.testing.assert_close(x, y.sum_to_size(x.shape), rtol=1e-14, atol=1e-15)
    inner = torch.vmap(function, in_dims=(None, 0))(a, b)
    grads = torch.autograd.grad(inner.sum(), (a, b))
    for x, y in zip(narrow[1:3], grads, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-14, atol=1e-15)


def test_operands_of_two_types_follow_torchs_promotion():
    s, q = leaf([2.0, 3.0], torch.float32), leaf(1.5, torch.float64)
    y = special.zeta(s, q)
    grads = torch.autograd.grad(y.sum(), (s, q))
    assert (y.dtype, grads[0].dtype, grads[1].dtype) == (
        torch.float32,
        torch.float32,
        torch.float64,
    )
    assert special.gamma(torch.tensor([5])).tolist() == [24]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_shape(name):
    for shape in ((), (0,), (2, 1, 3)):
        xs = [
            torch.full(shape, 1.5, dtype=torch.float64, requires_grad=True) for _ in operands(name)
        ]
        y = FUNCTIONS[name](*xs)
        assert all(part.shape == shape for part in (y, *torch.autograd.grad(y.sum(), xs)))


@pytest.mark.parametrize("name", ["erfinv", "ndtri", "entr", "logit"])
def test_torchs_own_are_right_where_we_have_none(name):
    """These are not wrapped: should torch become worse, this is where it shows."""
    exact = {
        "erfinv": mp.erfinv,
        "ndtri": lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1),
        "entr": lambda p: -p * mp.log(p),
        "logit": lambda p: mp.log(p / (1 - p)),
    }[name]
    assert not hasattr(special, name)
    points = [0.01, 0.3, 0.9]
    for order in range(3):
        got = nth(getattr(torch.special, name), leaf(points), order).tolist()
        for x, y in zip(points, got, strict=True):
            value, slope = (numeric(exact)(order + i, mp.mpf(x)) for i in (0, 1))
            assert abs(y - value) <= BOUND * (abs(value) + abs(x * slope)), x
