"""Special functions whose value or derivatives torch lacks, drops silently or gets wrong.

Every public function maps real tensors of any shape (two operands broadcast) to a tensor of their
dtype, is differentiable any number of times, and works under ``torch.vmap``. Values are computed in
float64 and rounded to that dtype, so float32 and the half types need no kernel of their own. Each
is a node of the autograd graph named after it: ``bessel_j0(x).grad_fn`` is ``BesselJ0Backward``.
What torch has wrong is said where it is put right, as measured on torch 2.13.

Sources: A&S is Abramowitz & Stegun, Handbook of Mathematical Functions (1964); DLMF is the NIST
Digital Library of Mathematical Functions. The quadratures are trapezoidal sums, which converge
exponentially for periodic integrands and, after the substitution t = exp(v - exp(-v)) of Takahasi &
Mori (Double exponential formulas for numerical integration, 1974), for those on the half-line.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Unary = Callable[[Tensor], Tensor]
Function = Callable[..., Tensor]

PI, SQRT2 = math.pi, math.sqrt(2)
# B_2, B_4, ... B_24 for the Euler-Maclaurin sums (A&S 23.2)
BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
BERNOULLI += [43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730]
# nodes and weights of integrals over (0, oo) of integrands that decay at a scale near 1
_STEPS = [(math.exp(i / 8 - math.exp(-i / 8)), 1 + math.exp(-i / 8)) for i in range(-37, 37)]
HALF_LINE = [(t, t * slope / 8) for t, slope in _STEPS]


def differentiable(
    name: str,
    value: Function,
    *partials: Function,
    wide: bool = True,
    pull: Callable[[Tensor, Tensor], Tensor] = torch.mul,
) -> Function:
    """A function of given local derivatives; its grad_fn is called ``<name>Backward``.

    ``value(*constants, *tensors)`` is called without autograd, on float64 if ``wide``. There is one
    partial derivative for each tensor, called with the same arguments in their own dtype; it must
    be differentiable itself. ``pull(cotangent, partial)`` is the vector-Jacobian product.
    """
    count = len(partials)

    def forward(*args: Any) -> Tensor:
        dtype = torch.result_type(args[-count], args[-1])
        if not dtype.is_floating_point:
            dtype = torch.get_default_dtype()
        if not wide:
            return value(*args)
        xs = (x.double() for x in args[-count:])
        return (value(*args[:-count], *xs) + 0.0).to(dtype)  # + 0.0 lest there be -0.0

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.constants = inputs[:-count]
        ctx.save_for_backward(*inputs[-count:])

    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        constants, xs = ctx.constants, ctx.saved_tensors
        grads: list[Tensor | None] = []
        for partial, x, needed in zip(partials, xs, ctx.needs_input_grad[-count:], strict=True):
            g = pull(grad, partial(*constants, *xs)).to(x.dtype) if needed else None
            grads.append(g if g is None or g.shape == x.shape else g.sum_to_size(x.shape))
        return (*(None for _ in constants), *grads)

    methods = {f.__name__: staticmethod(f) for f in (forward, setup_context, backward)}
    cls: Any = type(name, (torch.autograd.Function,), {**methods, "generate_vmap_rule": True})
    apply: Function = cls.apply
    return apply


def unary(name: str, doc: str, value: Unary, derivative: Unary) -> Unary:
    """The public function ``name(x)`` of a given derivative."""
    return _public(name, doc, differentiable(_camel(name), value, derivative))


def tower(name: str, doc: str, nth: Callable[[int, Tensor], Tensor]) -> Unary:
    """The public function ``name(x)`` whose k-th derivative has the values ``nth(k, x)``."""
    apply = differentiable(_camel(name), nth, lambda k, x: apply(k + 1, x))
    return _public(name, doc, apply, 0)


def _camel(name: str) -> str:
    return name.title().replace("_", "")


def _public(name: str, doc: str, apply: Function, *constants: int) -> Unary:
    def function(x: Tensor) -> Tensor:
        return apply(*constants, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


# a zero that stays in the graph, so that it can be differentiated again
_zero: Function = differentiable("Zero", torch.zeros_like, lambda x: _zero(x), wide=False)


def _horner(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """The polynomial with these coefficients, lowest first."""
    total = torch.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _cosine(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of the cosine."""
    return (torch.sin(x) if k % 2 else torch.cos(x)) * (-1 if k % 4 in (1, 2) else 1)


# ---- Bessel and Airy functions: those of torch drop the gradient, but for I ----------------------
# bessel_j0, j1, y0, y1 and airy_ai have wrong values too: torch evaluates the rational functions of
# Cephes without their implied leading coefficient 1, which costs 2e-6 of the amplitude about x = 5
# (2e-5 of Ai at -2.1) and is below rounding for x <= 1. The values of K0, K1, I0, I1 are right.


def _macdonald(p: float, z: Tensor) -> tuple[Tensor, Tensor]:
    """exp(-z) times the integral of exp(-t) (t (t + 2 z))**q over t > 0, for q = -p and q = p.

    For Re z >= 0. It is K_nu(z) up to a factor and a power of z, nu = q + 1/2 (DLMF 10.32.8), on
    the imaginary axis a Hankel function: exp(-z) oscillates, the integrand does not.
    """
    low, high = torch.zeros_like(z), torch.zeros_like(z)
    for t, w in HALF_LINE:
        root = (2 * z + t).sqrt() if p == 0.5 else (2 * z + t) ** p
        low = low + w * math.exp(-t) * t**-p / root
        high = high + w * math.exp(-t) * t**p * root
    return low * torch.exp(-z), high * torch.exp(-z)


def _hankel(x: Tensor) -> tuple[Tensor, Tensor]:
    """H0 = J0 + i Y0 and its derivative -H1, for x >= 1/2 (DLMF 10.27.8)."""
    low, high = _macdonald(0.5, torch.complex(torch.zeros_like(x), -x))
    return low * (-2j / PI), high * (2j / PI) / x


def _ladder(k: int, y0: Tensor, y1: Tensor, x: Tensor, sign: int) -> Tensor:
    """The k-th derivative of y = y0, y' = y1 where x y'' + y' = sign x y (A&S 9.1.1, 9.6.1)."""
    y = [y0, y1]
    for i in range(k - 1):
        y.append(sign * y[i] + ((sign * i * y[i - 1] if i else 0) - (i + 1) * y[i + 1]) / x)
    return y[k]


def _j0(k: int, x: Tensor) -> Tensor:  # Bessel's integral (A&S 9.1.18) for |x| < 8
    sines = [math.sin((j + 0.5) * PI / 48) for j in range(24)]
    near = sum((s**k * _cosine(k, x * s) for s in sines), torch.zeros_like(x)) / 24
    a = x.abs().clamp(min=8)
    h0, h1 = _hankel(a)
    far = _ladder(k, h0.real, h1.real, a, -1)
    return torch.where(x.abs() < 8, near, far * x.sign().pow(k % 2))


def _y0(k: int, x: Tensor) -> Tensor:
    h0, h1 = _hankel(x.clamp(min=1))
    y0 = torch.where(x > 1, h0.imag, torch.special.bessel_y0(x))
    y1 = torch.where(x > 1, h1.imag, -torch.special.bessel_y1(x))
    return _ladder(k, y0, y1, x, -1)


def _k0(k: int, x: Tensor) -> Tensor:
    k0, k1 = torch.special.modified_bessel_k0(x), torch.special.modified_bessel_k1(x)
    return _ladder(k, k0, -k1, x, 1)


def _mean(x: Tensor, kernel: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The mean of ``kernel(a, cos t - 1)`` over 0 < t < pi, of a factor exp(a cos t), a = |x|.

    The step follows the width of the peak at t = 0, so 33 points do for every x (A&S 9.6.16).
    """
    a = x.abs().clamp(max=1e300)
    step = (0.5 * a.rsqrt()).clamp(max=PI / 32)
    ends = {0: 0.5, 32: 0.5}
    terms = (ends.get(j, 1) * kernel(a, -2 * torch.sin(j * step / 2) ** 2) for j in range(33))
    return sum(terms, torch.zeros_like(a)) * step / PI


def _i0(k: int, x: Tensor) -> Tensor:
    def kernel(a: Tensor, c: Tensor) -> Tensor:
        e = a * (c + 1)  # an odd power has mean 0, hence exp - 1 where that is better known
        return (c + 1) ** k * (torch.where(a < 1, e.expm1(), e.exp()) if k % 2 else e.exp())

    mean = _mean(x, kernel) * x.sign().pow(k % 2) if k > 1 else torch.special.i1(x)
    return mean if k else torch.special.i0(x)


def _i0e(k: int, x: Tensor) -> Tensor:
    mean = _mean(x, lambda a, c: c**k * torch.exp(a * c)) * x.sign().pow(k % 2)
    return mean if k else torch.special.i0e(x)


def _i1e(k: int, x: Tensor) -> Tensor:
    mean = _mean(x, lambda a, c: (c + 1) * c**k * torch.exp(a * c)) * x.sign().pow((k + 1) % 2)
    return mean if k else torch.special.i1e(x)


def _airy(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of Ai: DLMF 9.4.1 for |x| < 1, else 9.6.2, 9.6.3 and 9.2.14."""
    f, g = [3 ** (-2 / 3) / math.gamma(2 / 3)], [-(3 ** (-1 / 3)) / math.gamma(1 / 3)]
    for i in range(3, 24, 3):  # f of x**i and g of x**(i + 1)
        f.append(f[-1] / (i * (i - 1)))
        g.append(g[-1] / (i * (i + 1)))
    f1, g1 = [3 * i * c for i, c in enumerate(f)][1:], [(3 * i + 1) * c for i, c in enumerate(g)]
    u = x.clamp(-1, 1) ** 3
    near = _horner(f, u) + x * _horner(g, u), x**2 * _horner(f1, u) + _horner(g1, u)
    a, zero = 2 / 3 * x.clamp(max=1e4).abs().clamp(min=1) ** 1.5, torch.zeros_like(x)
    z = torch.complex(torch.where(x > 0, a, zero), torch.where(x > 0, zero, a))
    turn = z.new_tensor(complex(1, math.sqrt(3)))  # for x < 0 the sum of both complex conjugates
    c0 = 1 / (math.sqrt(PI) * 48 ** (1 / 6) * math.gamma(5 / 6))
    c1 = -(0.75 ** (2 / 3)) / (math.sqrt(3 * PI) * math.gamma(7 / 6))
    low, high = _macdonald(1 / 6, z)
    far = (
        c0 * (torch.where(x > 0, 1, turn) * low).real,
        c1 * (torch.where(x > 0, 1, turn.conj()) * high).real,
    )
    y = [torch.where(x.abs() < 1, *pair) for pair in zip(near, far, strict=True)]
    for i in range(k - 1):  # Ai'' = x Ai
        y.append(x * y[i] + (i * y[i - 1] if i else 0))
    return y[k]


bessel_j0 = tower("bessel_j0", "J0(x), Bessel function of the first kind.", _j0)
bessel_j1 = tower("bessel_j1", "J1(x) = -J0'(x).", lambda k, x: -_j0(k + 1, x))
bessel_y0 = tower("bessel_y0", "Y0(x), Bessel function of the second kind.", _y0)
bessel_y1 = tower("bessel_y1", "Y1(x) = -Y0'(x) (A&S 9.1.28).", lambda k, x: -_y0(k + 1, x))
modified_bessel_k0 = tower("modified_bessel_k0", "K0(x), modified Bessel function.", _k0)
modified_bessel_k1 = tower("modified_bessel_k1", "K1(x) = -K0'(x).", lambda k, x: -_k0(k + 1, x))
airy_ai = tower("airy_ai", "Ai(x), Airy function.", _airy)
# torch's derivatives of these cancel: i1'' loses 8e-10 at x = 1e-3, i0e'' and i1e'' 1e-10 at 700
i0 = tower("i0", "I0(x), modified Bessel function.", _i0)
i1 = tower("i1", "I1(x) = I0'(x).", lambda k, x: _i0(k + 1, x))
i0e = tower("i0e", "exp(-|x|) I0(x).", _i0e)
i1e = tower("i1e", "exp(-|x|) I1(x).", _i1e)

# ---- the gamma function and its kin --------------------------------------------------------------
# Lanczos (A precision approximation of the gamma function, 1964) in the rational form of Boost and
# CPython: Gamma(x) = lanczos(x) exp(-y) y**(x - 1/2), y = x + G - 1/2.
G = 6.024680040776729583740234375
LANCZOS = [23531376880.410759, 42919803642.649099, 35711959237.355668, 17921034426.037210]
LANCZOS += [6039542586.3520280, 1439720407.3117217, 248874557.86205415, 31426415.585400194]
LANCZOS += [2876370.6289353724, 186056.26539522350, 8071.6720023658162, 210.82427775157935]
LANCZOS += [2.5066282746310003]
RISING = [0, 39916800, 120543840, 150917976, 105258076, 45995730, 13339535, 2637558, 357423, 32670]
RISING += [1925, 66, 1]  # x (x + 1) ... (x + 11)


def _lanczos(x: Tensor) -> Tensor:
    r = 1 / x.clamp(min=5)
    far = _horner(LANCZOS[::-1], r) / _horner(RISING[::-1], r)
    return torch.where(x < 5, _horner(LANCZOS, x) / _horner(RISING, x), far)


def _gamma(x: Tensor) -> Tensor:
    a = x.abs().clamp(max=200)  # beyond, Gamma is inf (or 0): do not make nan of it
    y = a + (G - 0.5)
    lost = torch.where(a > G - 0.5, (y - a) - (G - 0.5), (y - (G - 0.5)) - a) * G / y
    half = y ** (a / 2 - 0.25)  # for the whole power overflows before Gamma does
    above = _lanczos(a) / torch.exp(y) * half * half * (1 + lost)
    n = torch.round(x)
    sine = torch.sin(PI * (x - n)) * (1 - 2 * torch.remainder(n, 2))
    below = PI / sine / a * torch.exp(y) / _lanczos(a) / half / half * (1 - lost)  # A&S 6.1.17
    result = torch.where(x > 0, above, torch.where(x == n, math.nan, below))
    result = torch.where(x.abs() < 1e-20, 1 / x, result)
    exact = x.new_tensor([float(math.factorial(i)) for i in range(23)])
    whole = (x == n) & (x >= 1) & (x <= 23)
    return torch.where(whole, exact[torch.where(whole, x - 1, 0).long()], result)


def _polygamma(n: int, x: Tensor) -> Tensor:
    """psi^(n)(x) as a Hurwitz zeta function (A&S 6.4.10), reflected for x < 0 (A&S 6.4.7)."""
    if not n:
        return torch.digamma(x)
    r = x - torch.round(x)  # the reflection has period 1: take it in (0, 1), sums stay positive
    f, g = torch.where(r < 0, 1 + r, r), torch.where(r < 0, -r, 1 - r)
    z_f, z_g, z_above, z_x = (
        torch.special.zeta(n + 1.0, q) for q in (f, g, 1 - x, x.clamp(0, 1e300))
    )
    series = torch.where(x < 0, z_f - (-1) ** n * (z_g - z_above), z_x)
    return series * (float(math.factorial(n)) * (-1 if n % 2 == 0 else 1))


# torch's psi' is wrong by 5e-10, hence lgamma'' too
lgamma = tower(
    "lgamma", "log |Gamma(x)|.", lambda k, x: _polygamma(k - 1, x) if k else torch.lgamma(x)
)
digamma = tower("digamma", "psi(x), the derivative of lgamma.", _polygamma)
gamma: Unary = unary(
    "gamma", "Gamma(x), exact at 1, 2, ... 23.", _gamma, lambda x: gamma(x) * digamma(x)
)
_polygamma_node: Function = differentiable(
    "Polygamma", _polygamma, lambda n, x: _polygamma_node(n + 1, x)
)


def polygamma(n: int, x: Tensor) -> Tensor:
    """The n-th derivative of psi(x), 0 <= n <= 170."""
    return _polygamma_node(n, x)


def _beta(a: Tensor, b: Tensor) -> Tensor:
    """A product of gammas where small, else Lanczos' formula for it (of logs if < 0)."""
    c, big, small = a + b, torch.maximum(a, b), torch.minimum(a, b)
    product = _gamma(big) / _gamma(c) * _gamma(small)
    top = c + (G - 0.5)
    power = (small - 0.5) * torch.log((small + (G - 0.5)) / top)
    power = power + (big - 0.5) * torch.log1p(-small / top) + 0.5 - G
    ratio = _lanczos(big) / _lanczos(c) * _lanczos(small) * torch.exp(power) / top.sqrt()
    logs = torch.exp(torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(c))
    for x in (a, b, c):
        logs = torch.where((x < 0) & (torch.remainder(torch.floor(x), 2) == 1), -logs, logs)
    limit = torch.where(small > 0, 20, 170)  # a + b is rounded, which ``ratio`` does not feel
    safe = (torch.maximum(big, c) < limit) & (torch.minimum(small, c) > -170) & product.isfinite()
    return torch.where(safe, product, torch.where(small > 0, ratio, logs))


def _polygamma_fall(n: int, a: Tensor, b: Tensor) -> Tensor:
    """psi^(n)(a) - psi^(n)(a + b), precise for small b: the series A&S 6.4.11 from a + 10 on."""
    positive = (a > 0) & (b > 0)
    p, d = torch.where(positive, a, 1), torch.where(positive, b, 1)

    def fall(m: int, p: Tensor) -> Tensor:  # p**-m - (p + d)**-m
        return -(p ** (-m)) * torch.expm1(-m * torch.log1p(d / p))

    q, whole = p + 10, math.factorial(n)
    total = math.factorial(n - 1) * fall(n, q) if n else torch.log1p(d / q)
    total = total + whole / 2 * fall(n + 1, q)
    for j, c in enumerate(BERNOULLI[:9], 1):
        c *= math.factorial(2 * j + n - 1) / math.factorial(2 * j)
        total = total + c * fall(2 * j + n, q)
    for j in range(10):
        total = total + whole * fall(n + 1, p + j)
    series = total if n % 2 else -total
    return torch.where(positive, series, _polygamma(n, a) - _polygamma(n, a + b))


_polygamma_fall_node: Function = differentiable(
    "PolygammaFall",
    _polygamma_fall,
    lambda n, a, b: _polygamma_fall_node(n + 1, a, b),
    lambda n, a, b: -polygamma(n + 1, a + b),
)
_beta_node: Function = differentiable(
    "Beta",
    _beta,
    lambda a, b: _beta_node(a, b) * _polygamma_fall_node(0, a, b),
    lambda a, b: _beta_node(a, b) * _polygamma_fall_node(0, b, a),
)


def beta(a: Tensor, b: Tensor) -> Tensor:
    """Gamma(a) Gamma(b) / Gamma(a + b)."""
    return _beta_node(a, b)


def _zeta(m: int, s: Tensor, q: Tensor) -> Tensor:
    """The m-th derivative of zeta(s, q) in s: the Euler-Maclaurin sum (A&S 23.1.30) from q + 12."""
    value: Tensor = torch.special.zeta(s, q)
    if not m:
        return value
    a, logs = q + 12, [-torch.log(q + k) for k in range(13)]
    # the derivatives of what is multiplied by a**-s: a/(s - 1) + 1/2 + B_2/2! s/a + ...
    factors = [a * math.factorial(i) / (s - 1) * (1 / (1 - s)) ** i for i in range(m + 1)]
    factors[0] = factors[0] + 0.5
    rising = [s, torch.ones_like(s), *(torch.zeros_like(s) for _ in range(m - 1))]
    for j, b in enumerate(BERNOULLI, 1):
        weight = b / math.factorial(2 * j) * a ** (1 - 2 * j)
        factors = [f + weight * r for f, r in zip(factors, rising, strict=True)]
        for c in (2 * j - 1, 2 * j):  # the factor s + c, by Leibniz' rule
            lower = [torch.zeros_like(s), *rising]
            rising = [r * (s + c) + i * lower[i] for i, r in enumerate(rising)]
    terms = [math.comb(m, i) * logs[12] ** (m - i) * f for i, f in enumerate(factors)]
    total = sum(terms, torch.zeros_like(a)) * torch.exp(s * logs[12])
    for log in logs[:12]:
        total = total + log**m * torch.exp(s * log)
    return total


def _zeta_dq(m: int, s: Tensor, q: Tensor) -> Tensor:
    first = -s * _zeta_node(m, s + 1, q)
    return first - m * _zeta_node(m - 1, s + 1, q) if m else first


_zeta_node: Function = differentiable(
    "Zeta", _zeta, lambda m, s, q: _zeta_node(m + 1, s, q), _zeta_dq
)


def zeta(s: Tensor, q: Tensor | float = 1.0) -> Tensor:
    """Hurwitz' zeta(s, q), s > 1, Riemann's for q = 1; torch has no derivative in s."""
    return _zeta_node(0, s, q if isinstance(q, Tensor) else torch.as_tensor(q, dtype=s.dtype))


def _bell(m: int, slope: Tensor, a: Tensor) -> Tensor:
    """f^(m)/f for log f with f'/f = ``slope`` and (f'/f)' = -psi'(a): a Bell polynomial."""
    rows = [torch.ones_like(slope)]
    for i in range(m):
        terms = (math.comb(i, j) * rows[i - j] * polygamma(j, a) for j in range(1, i + 1))
        rows.append(rows[i] * slope - sum(terms, torch.zeros_like(slope)))
    return rows[m]


def _density(m: int, a: Tensor, x: Tensor) -> Tensor:
    """The m-th derivative in a of x**(a-1) exp(-x) / Gamma(a)."""
    dtype, (a, x) = torch.result_type(a, x), (a.double(), x.double())
    density = torch.exp(torch.xlogy(a - 1, x) - x - lgamma(a))
    return (density * _bell(m, torch.log(x) - digamma(a), a) if m else density).to(dtype)


def _gammainc(m: int, a: Tensor, x: Tensor, upper: bool = False) -> Tensor:
    """The m-th derivative in a of P(a, x), or of Q: the integral of the density's (DLMF 8.2.4).

    It is taken below x or above, whichever is away from the peak: neither cancels there.
    """
    below = x <= a
    scale_below = 2 / ((a - x).abs() + torch.minimum(a, a.sqrt()))
    scale = torch.where(below, scale_below, 2 * (x + 1) / ((x - a).abs() + 1 + x.sqrt()))
    slope = torch.log(x) - torch.digamma(a)
    total = torch.zeros_like(slope)
    for node, weight in HALF_LINE:  # at x exp(-t) below, at x + t above
        t = node * scale
        log = torch.where(below, -t, torch.log1p(t / x))
        e = torch.where(below, a * log - x * torch.expm1(log), (a - 1) * log - t)
        total = total + weight * torch.exp(e) * _bell(m, slope + log, a)
    total = total * scale * torch.exp(a * torch.log(x) - x - torch.lgamma(a))
    total = torch.where((x == 0) | x.isinf(), 0, torch.where(below, total, total / x))
    total = torch.where(below ^ upper, total, float(m == 0) - total)
    return torch.where(a < 0, math.nan, total)


_gammainc_node: Function = differentiable(
    "Gammainc", _gammainc, lambda m, a, x: _gammainc_node(m + 1, a, x), _density
)
_gammaincc_node: Function = differentiable(
    "Gammaincc",
    lambda a, x: _gammainc(0, a, x, upper=True),
    lambda a, x: -_gammainc_node(1, a, x),
    lambda a, x: -_density(0, a, x),
)


def gammainc(a: Tensor, x: Tensor) -> Tensor:
    """P(a, x), a > 0, x >= 0; torch's is wrong by 2e-9 for a > 20 near x, and lacks d/da."""
    return _gammainc_node(0, a, x)


def gammaincc(a: Tensor, x: Tensor) -> Tensor:
    """Q(a, x) = 1 - P(a, x), as precise where it is small."""
    return _gammaincc_node(a, x)


# ---- the error function and its kin --------------------------------------------------------------


def _erfcx(k: int, x: Tensor) -> Tensor:
    """The k-th derivative: integrals of erfc (A&S 7.2.3) for x > 1, else their recurrence."""
    y = [torch.special.erfcx(x), 2 * x * torch.special.erfcx(x) - 2 / math.sqrt(PI)]
    for i in range(k - 1):
        y.append(2 * x * y[i + 1] + 2 * (i + 1) * y[i])
    a = x.clamp(1, 1e300)
    scale = 2 / (1 + 2 * a)
    terms = (
        w * (t * scale) ** k * torch.exp(-t * scale * (t * scale + 2 * a)) for t, w in HALF_LINE
    )
    integral = sum(terms, torch.zeros_like(x)) * scale
    return torch.where(x > 1, (-2) ** k * 2 / math.sqrt(PI) * integral, y[k]) if k else y[0]


def _excess(x: Tensor) -> Tensor:
    """x + phi(x)/Phi(x), which cancels for x << 0."""
    z = x.clamp(max=-1) / -SQRT2
    return torch.where(x < -1, _erfcx_slope(z) / erfcx(z) / -SQRT2, x + _hazard(x))


def _log_ndtr(x: Tensor) -> Tensor:  # as torch, whose kernel torch.vmap warns about
    below = torch.log(torch.special.erfcx(x / -SQRT2) / 2) - x * x / 2
    return torch.where(x < -1, below, torch.log1p(-torch.erfc(x / SQRT2) / 2))


# torch's derivatives cancel for x >> 0: erfcx'' loses 1e-12 at 10, 4e-5 at 700, and likewise
# log_ndtr'' 2e-10 at -40; ndtr, (1 + erf)/2, loses 6e-10 at -5.5; expit', y (1 - y), 1e-3 at 30
erfcx = tower("erfcx", "exp(x**2) erfc(x).", _erfcx)
_erfcx_slope = tower("erfcx_slope", "The derivative of erfcx.", lambda k, x: _erfcx(k + 1, x))
_hazard: Unary = unary(
    "hazard",
    "phi(x)/Phi(x), of the normal density and distribution.",
    lambda x: math.sqrt(2 / PI) / torch.special.erfcx(x / -SQRT2),
    lambda x: -_hazard(x) * _excess(x),
)
log_ndtr = unary("log_ndtr", "log Phi(x).", _log_ndtr, _hazard)
ndtr = unary(
    "ndtr",
    "Phi(x), the normal distribution.",
    lambda x: torch.erfc(x / -SQRT2) / 2,
    lambda x: torch.exp(-x * x / 2) / math.sqrt(2 * PI),
)
_bump: Unary = unary(
    "expit_slope",
    "The derivative of expit.",
    lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
    lambda x: -_bump(x) * torch.tanh(x / 2),
)
expit = unary("expit", "1/(1 + exp(-x)), the logistic function.", torch.sigmoid, _bump)

# ---- others --------------------------------------------------------------------------------------


def _sine_ratio(k: int, y: Tensor) -> Tensor:
    """The k-th derivative of sin(y)/y: Taylor's series, or y s^(k) + k s^(k-1) = sin^(k) y."""
    orders = range((k + 1) // 2, k // 2 + 17)
    series = [(-1) ** j / (math.factorial(2 * j - k) * (2 * j + 1)) for j in orders]
    far = y.abs().clamp(min=3)
    s = torch.sin(far) / far
    for i in range(1, k + 1):
        s = (_cosine(i + 3, far) - i * s) / far
    return torch.where(y.abs() < 3, _horner(series, y * y) * y.pow(k % 2), s * y.sign().pow(k % 2))


def _cbrt(k: int, x: Tensor) -> Tensor:
    t = x.sign() * x.abs() ** (1 / 3)
    t = torch.where((x == 0) | x.isinf(), t, t - (t - x / (t * t)) / 3)  # Newton's step
    return math.prod(1 / 3 - i for i in range(k)) * t.pow(1 - 3 * k)


# torch's derivative of sinc is off by 36 % at x = 1e-8, the second is nan at 0
sinc = tower(
    "sinc",
    "sin(pi x)/(pi x).",
    lambda k, x: PI**k * _sine_ratio(k, PI * x) if k else torch.sinc(x),
)
spherical_bessel_j0 = tower(
    "spherical_bessel_j0",
    "sin(x)/x; torch's drops the gradient.",
    lambda k, x: _sine_ratio(k, x) if k else torch.special.spherical_bessel_j0(x),
)
cbrt = tower("cbrt", "The real cube root, also of negative numbers.", _cbrt)

# torch's own kernels for the same numbers, but HardsigmoidBackward0 has no derivative
_hardsigmoid_slope: Function = differentiable(
    "HardsigmoidSlope",
    lambda g, x: torch.where(x.abs() < 3, g / 6, 0.0),  # torch's own 1/6 is float32's
    lambda g, x: _hardsigmoid_slope(torch.ones_like(g), x),
    lambda g, x: _zero(x),
    wide=False,
)
_hardsigmoid_node = differentiable(
    "Hardsigmoid",
    torch.nn.functional.hardsigmoid,
    lambda x: x,
    wide=False,
    pull=_hardsigmoid_slope,
)
_floor_divide_node = differentiable(
    "FloorDivide", torch.floor_divide, lambda x, y: _zero(x), lambda x, y: _zero(y), wide=False
)


def hardsigmoid(x: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6)/6; torch's cannot be differentiated twice."""
    return _hardsigmoid_node(x)


def floor_divide(x: Tensor, y: Tensor) -> Tensor:
    """floor(x / y), of derivative 0; torch's raises in backward."""
    return _floor_divide_node(x, y)
