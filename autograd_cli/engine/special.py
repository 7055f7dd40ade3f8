"""Special functions whose value or derivatives torch lacks, drops silently or gets wrong.

Every public function maps real tensors of any shape (two operands broadcast) to a tensor of their
dtype, is differentiable any number of times, and works under ``torch.vmap``. Values are computed in
float64 and rounded to the operands' dtype, so float32 and the half types need no kernel of theirs.
Each is a node of the autograd graph named after it: ``bessel_j0(x).grad_fn`` is
``BesselJ0Backward``. A function most naturally given by *all* its derivatives is a ``tower`` over
the order k; the others are ``differentiable`` with local derivatives made of functions that are
differentiable themselves. What torch has wrong is said at each function (measured on torch 2.13).

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

PI, SQRT2 = math.pi, math.sqrt(2)
# B_2, B_4, ... B_24 for the Euler-Maclaurin sums (A&S 23.2)
BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
BERNOULLI += [43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730]
# nodes and weights of integrals over (0, oo) of integrands that decay at a scale near 1
_V = [i / 8 for i in range(-37, 37)]
HALF_LINE = [(t, t * (1 + math.exp(-v)) / 8) for v in _V for t in [math.exp(v - math.exp(-v))]]


def differentiable(
    name: str,
    value: Callable[..., Tensor],
    *partials: Callable[..., Tensor],
    wide: bool = True,
    pull: Callable[[Tensor, Tensor], Tensor] = torch.mul,
) -> Callable[..., Tensor]:
    """A function of given local derivatives; its grad_fn is called ``<name>Backward``.

    ``value(*constants, *tensors)`` is called without autograd, on float64 if ``wide``. There is one
    partial derivative for each tensor, called with the same arguments in their own dtype; it
    must be differentiable. ``pull(cotangent, partial)`` is the vector-Jacobian product.
    """
    count = len(partials)

    def forward(*args: Any) -> Tensor:
        dtype = torch.result_type(args[-count], args[-1])
        if not dtype.is_floating_point:
            dtype = torch.get_default_dtype()
        if wide:
            args = args[:-count] + tuple(x.double() for x in args[-count:])
        return value(*args).to(dtype)

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.constants = inputs[:-count]
        ctx.save_for_backward(*inputs[-count:])

    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        constants, xs = ctx.constants, ctx.saved_tensors
        grads = [
            pull(grad, partial(*constants, *xs)).sum_to_size(x.shape).to(x.dtype)
            if needed
            else None
            for partial, x, needed in zip(partials, xs, ctx.needs_input_grad[-count:], strict=True)
        ]
        return (*(None for _ in constants), *grads)

    methods = {f.__name__: staticmethod(f) for f in (forward, setup_context, backward)}
    cls: Any = type(name, (torch.autograd.Function,), {**methods, "generate_vmap_rule": True})
    apply: Callable[..., Tensor] = cls.apply
    return apply


def _public(
    name: str, doc: str, function: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def unary(
    name: str, doc: str, value: Callable[[Tensor], Tensor], derivative: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """The public function ``name(x)`` of a given derivative."""
    apply = differentiable(name.title().replace("_", ""), value, derivative)
    return _public(name, doc, lambda x: apply(x))


def tower(name: str, doc: str, nth: Callable[[int, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The public function ``name(x)`` whose k-th derivative has the values ``nth(k, x)``."""
    apply = differentiable(name.title().replace("_", ""), nth, lambda k, x: apply(k + 1, x))
    return _public(name, doc, lambda x: apply(0, x))


# A zero that stays in the graph, so that it can be differentiated again.
_zero = differentiable("Zero", torch.zeros_like, lambda x: _zero(x), wide=False)


def _horner(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """The polynomial with these coefficients, lowest first."""
    total = torch.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _cosine(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of the cosine."""
    return [torch.cos(x), -torch.sin(x), -torch.cos(x), torch.sin(x)][k % 4]


# ---- Bessel and Airy functions -------------------------------------------------------------------
# torch's bessel_j0, j1, y0, y1 and airy_ai drop the gradient, and their values are wrong too: the
# rational functions of Cephes are evaluated without their implied leading coefficient 1, which
# costs up to 3e-7 of the amplitude (2e-6 for Ai) for |x| in (2, 25). So torch is asked for |x| <= 1.


def _macdonald(p: float, z: Tensor) -> Tensor:
    """exp(-z) times the integral of exp(-t) (t (t + 2 z))**p over t > 0, for Re z >= 0.

    It is K_nu(z) up to a factor and a power of z, p = nu - 1/2 (DLMF 10.32.8), on the imaginary
    axis a Hankel function: oscillation sits in exp(-z), the integrand does not oscillate.
    """
    terms = (w * math.exp(-t) * t**p * (2 * z + t) ** p for t, w in HALF_LINE)
    return torch.exp(-z) * sum(terms, torch.zeros_like(z))


def _hankel(n: int, x: Tensor) -> Tensor:
    """J_n(x) + i Y_n(x), n = 0 or 1, for x >= 1/2 (DLMF 10.27.8)."""
    z = torch.complex(torch.zeros_like(x), -x)
    return _macdonald(0.5, z) * (-2j / PI) / x if n else _macdonald(-0.5, z) * (-2j / PI)


def _bessel_j(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of J0: Bessel's integral (A&S 9.1.18), for |x| > 8 Bessel's equation."""
    sines = [math.sin((j + 0.5) * PI / 48) for j in range(24)]
    near = sum((s**k * _cosine(k, x * s) for s in sines), torch.zeros_like(x)) / 24
    a = x.abs().clamp(min=8)
    far = [_hankel(0, a).real, -_hankel(1, a).real]
    for i in range(k - 1):  # differentiate x y'' + y' + x y = 0
        far.append(-far[i] - ((i + 1) * far[i + 1] + (i * far[i - 1] if i else 0)) / a)
    return torch.where(x.abs() <= 8, near, far[k] * x.sign() ** k)


def _bessel_y(n: int, x: Tensor) -> Tensor:
    near = torch.special.bessel_y1(x) if n else torch.special.bessel_y0(x)
    return torch.where(x > 1, _hankel(n, x.clamp(min=1)).imag, near)


bessel_j0 = tower("bessel_j0", "J0(x), Bessel function of the first kind.", _bessel_j)
bessel_j1 = tower("bessel_j1", "J1(x), that is -J0'(x).", lambda k, x: -_bessel_j(k + 1, x))
bessel_y0 = unary(
    "bessel_y0",
    "Y0(x), Bessel function of the second kind; Y0' = -Y1 (A&S 9.1.28).",
    lambda x: _bessel_y(0, x),
    lambda x: -bessel_y1(x),
)
bessel_y1 = unary(
    "bessel_y1",
    "Y1(x); Y1' = Y0 - Y1/x (A&S 9.1.27).",
    lambda x: _bessel_y(1, x),
    lambda x: bessel_y0(x) - bessel_y1(x) / x,
)
modified_bessel_k0 = unary(
    "modified_bessel_k0",
    "K0(x); K0' = -K1 (A&S 9.6.27). torch's value is right, its gradient is missing.",
    torch.special.modified_bessel_k0,
    lambda x: -modified_bessel_k1(x),
)
modified_bessel_k1 = unary(
    "modified_bessel_k1",
    "K1(x); K1' = -K0 - K1/x (A&S 9.6.26). torch's value is right, its gradient is missing.",
    torch.special.modified_bessel_k1,
    lambda x: -modified_bessel_k0(x) - modified_bessel_k1(x) / x,
)


def _bessel_i(x: Tensor, kernel: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The mean of ``kernel(a, cos t - 1)`` over 0 < t < pi, where it has exp(a cos t), a = |x|.

    The step follows the width of the peak at t = 0, so 21 points do for every x (A&S 9.6.16).
    """
    a = x.abs()
    step = (0.5 * a.rsqrt()).clamp(max=PI / 20)
    terms = (
        (0.5 if j in (0, 20) else 1) * kernel(a, -2 * torch.sin(j * step / 2) ** 2)
        for j in range(21)
    )
    return sum(terms, torch.zeros_like(a)) * step / PI


def _i0(k: int, x: Tensor) -> Tensor:
    if k < 2:
        return torch.special.i1(x) if k else torch.special.i0(x)

    # an odd power has mean 0, hence exp - 1 where that is the better known part
    def kernel(a: Tensor, c: Tensor) -> Tensor:
        e = a * (1 + c)
        return (1 + c) ** k * torch.where((a < 1) & bool(k % 2), e.expm1(), e.exp())

    return _bessel_i(x, kernel) * x.sign() ** k


def _i0e(k: int, x: Tensor) -> Tensor:
    if not k:
        return torch.special.i0e(x)
    return _bessel_i(x, lambda a, c: c**k * torch.exp(a * c)) * x.sign() ** k


def _i1e(k: int, x: Tensor) -> Tensor:
    if not k:
        return torch.special.i1e(x)
    return _bessel_i(x, lambda a, c: (1 + c) * c**k * torch.exp(a * c)) * x.sign() ** (k + 1)


# torch's values are right, and so are its first derivatives at moderate x; the second derivative
# of i1 loses 7e-10 at x = 1e-3, those of i0e and i1e lose 1e-10 at x = 700: they cancel.
i0 = tower("i0", "I0(x), modified Bessel function.", _i0)
i1 = tower("i1", "I1(x), that is I0'(x).", lambda k, x: _i0(k + 1, x))
i0e = tower("i0e", "exp(-|x|) I0(x).", _i0e)
i1e = tower("i1e", "exp(-|x|) I1(x).", _i1e)


def _airy(k: int, x: Tensor) -> Tensor:
    """The k-th derivative of Ai: DLMF 9.4.1 (|x| <= 1), 9.6.2, 9.6.3 and 9.2.14, and Ai'' = x Ai."""
    gamma13, gamma23 = math.gamma(1 / 3), math.gamma(2 / 3)
    ai0, ai1 = 3 ** (-2 / 3) / gamma23, -(3 ** (-1 / 3)) / gamma13
    f, g = [1.0], [1.0]  # of x**(3 i) and of x**(3 i + 1)
    for i in range(1, 8):
        f.append(f[-1] / (3 * i * (3 * i - 1)))
        g.append(g[-1] / (3 * i * (3 * i + 1)))
    u, v = x**3, x**2
    near0 = ai0 * _horner(f, u) + ai1 * x * _horner(g, u)
    near1 = ai0 * v * _horner([3 * i * f[i] for i in range(1, 8)], u)
    near1 = near1 + ai1 * _horner([(3 * i + 1) * c for i, c in enumerate(g)], u)
    a = x.abs().clamp(min=1)
    zeta, nil = 2 / 3 * a**1.5, torch.zeros_like(a)
    z = torch.complex(torch.where(x > 0, zeta, nil), torch.where(x > 0, nil, zeta))
    turn = torch.where(x > 0, 1, 2 * complex(0.5, math.sqrt(0.75)))
    turn1 = torch.where(x > 0, -1, 2 * complex(-0.5, math.sqrt(0.75)))
    c0 = 1 / (math.sqrt(PI) * 48 ** (1 / 6) * math.gamma(5 / 6))
    c1 = 0.75 ** (2 / 3) / (math.sqrt(3 * PI) * math.gamma(7 / 6))
    small = x.abs() <= 1
    y = [torch.where(small, near0, c0 * (turn * _macdonald(-1 / 6, z)).real)]
    y.append(torch.where(small, near1, c1 * (turn1 * _macdonald(1 / 6, z)).real))
    for i in range(k - 1):
        y.append(x * y[i] + (i * y[i - 1] if i else 0))
    return y[k]


airy_ai = tower("airy_ai", "Ai(x), Airy function.", _airy)


# ---- the gamma function and its kin ----------------------------------------------------------------
# Lanczos (A precision approximation of the gamma function, 1964) in the rational form of Boost and
# CPython: Gamma(x) = lanczos(x) exp(-y) y**(x - 1/2), y = x + G - 1/2; a few units in the last place.
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
    p = y ** (a / 2 - 0.25)  # half the power, for the whole overflows before Gamma does
    above = _lanczos(a) / torch.exp(y) * p * p * (1 + lost)
    n = torch.round(x)
    sine = torch.sin(PI * (x - n)) * (1 - 2 * torch.remainder(n, 2))
    below = PI / sine / -a * torch.exp(y) / _lanczos(a) / p / p * (1 - lost)  # A&S 6.1.17
    whole = x == n
    result = torch.where(x > 0, above, torch.where(whole, math.nan, below))
    result = torch.where(x.abs() < 1e-20, 1 / x, result)
    exact = torch.tensor([float(math.factorial(i)) for i in range(23)], device=x.device)
    table = whole & (x >= 1) & (x <= 23)
    return torch.where(table, exact.double()[torch.where(table, x - 1, 0).long()], result)


def _polygamma(n: int, x: Tensor) -> Tensor:
    """psi^(n)(x) as a Hurwitz zeta function (A&S 6.4.10), reflected for x < 0 (A&S 6.4.7)."""
    if not n:
        return torch.digamma(x)
    r = x - torch.round(x)  # the reflection has period 1: take it in (0, 1), sums stay positive
    f, g = torch.where(r < 0, 1 + r, r), torch.where(r < 0, -r, 1 - r)

    def z(q: Tensor) -> Tensor:
        return torch.special.zeta(float(n + 1), q)

    reflected = z(f) - (-1) ** n * (z(g) - z(1 - x))
    return (-1) ** (n + 1) * float(math.factorial(n)) * torch.where(x < 0, reflected, z(x))


gamma = unary(
    "gamma",
    "Gamma(x), exact at 1, 2, ... 23, nan at the poles but +-inf at +-0 (torch has no such function).",
    _gamma,
    lambda x: gamma(x) * digamma(x),
)
lgamma = unary(
    "lgamma",
    "log |Gamma(x)|; torch's own is right but in the second derivative (5e-10, as digamma's first).",
    torch.lgamma,
    lambda x: digamma(x),
)
digamma = tower(
    "digamma", "psi(x), derivative of log Gamma; torch's psi' is wrong by 5e-10.", _polygamma
)
_polygamma_apply = differentiable("Polygamma", _polygamma, lambda n, x: _polygamma_apply(n + 1, x))


def polygamma(n: int, x: Tensor) -> Tensor:
    """The n-th derivative of psi(x), 0 <= n <= 170; torch's own is wrong by 5e-10 for n = 1."""
    return _polygamma_apply(n, x)


def _beta(a: Tensor, b: Tensor) -> Tensor:
    c, big, small = a + b, torch.maximum(a, b), torch.minimum(a, b)
    top = c + (G - 0.5)
    power = (big - 0.5) * torch.log1p(-small / top)
    power = power + (small - 0.5) * torch.log((small + (G - 0.5)) / top)
    ratio = _lanczos(big) / _lanczos(c) * _lanczos(small) * torch.exp(power + 0.5 - G) / top.sqrt()

    def sign(x: Tensor) -> Tensor:
        return torch.where(x < 0, 1 - 2 * torch.remainder(torch.floor(x), 2), 1)

    logs = torch.exp(torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(c)) * (
        sign(a) * sign(b) * sign(c)
    )
    product = _gamma(big) / _gamma(c) * _gamma(small)
    safe = (a.abs() < 170) & (b.abs() < 170) & (c.abs() < 170) & product.isfinite()
    return torch.where(safe, product, torch.where(small > 0, ratio, logs))


def _digamma_difference(a: Tensor, b: Tensor) -> Tensor:
    """psi(a + b) - psi(a), precise for small b: its asymptotic series (A&S 6.3.18) from a + 10."""
    dtype, (a, b) = torch.result_type(a, b), (a.double(), b.double())
    positive = (a > 0) & (b > 0)
    p, d = torch.where(positive, a, 1), torch.where(positive, b, 1)
    total = sum((d / ((p + k) * (p + k + d)) for k in range(10)), torch.zeros_like(p))
    p = p + 10
    log = torch.log1p(d / p)
    total = total + log + d / (2 * p * (p + d))
    for j, b2 in enumerate(BERNOULLI[:9], 1):
        total = total - b2 / (2 * j) * p ** (-2 * j) * torch.expm1(-2 * j * log)
    return torch.where(positive, total, digamma(a + b) - digamma(a)).to(dtype)


_beta_apply = differentiable(
    "Beta",
    _beta,
    lambda a, b: -_beta_apply(a, b) * _digamma_difference(a, b),
    lambda a, b: -_beta_apply(a, b) * _digamma_difference(b, a),
)


def beta(a: Tensor, b: Tensor) -> Tensor:
    """Gamma(a) Gamma(b) / Gamma(a + b); from Lanczos' formula where the product would overflow."""
    return _beta_apply(a, b)


def _zeta_ds(s: Tensor, q: Tensor) -> Tensor:
    """The derivative of zeta(s, q) in s: the Euler-Maclaurin sum (A&S 23.1.30) differentiated."""
    dtype, (s, q) = torch.result_type(s, q), (s.double(), q.double())
    a = q + 12
    log, power = torch.log(a), torch.exp(-s * torch.log(a))
    total = -power * (a * (log / (s - 1) + (s - 1) ** -2) + log / 2)
    for k in range(12):
        part = torch.log(q + k)
        total = total - part * torch.exp(-s * part)
    rising, slope = s, 1 / s  # s (s + 1) ... and its logarithmic derivative
    for j, b in enumerate(BERNOULLI, 1):
        factor = b / math.factorial(2 * j) * a ** (1 - 2 * j)
        total = total + factor * power * rising * (slope - log)
        rising = rising * (s + 2 * j - 1) * (s + 2 * j)
        slope = slope + 1 / (s + 2 * j - 1) + 1 / (s + 2 * j)
    return total.to(dtype)


_zeta_apply = differentiable(
    "Zeta", torch.special.zeta, _zeta_ds, lambda s, q: -s * _zeta_apply(s + 1, q)
)


def zeta(s: Tensor, q: Tensor | float = 1.0) -> Tensor:
    """Hurwitz' zeta(s, q), s > 1, Riemann's for q = 1; torch's own has no derivative in s."""
    return _zeta_apply(s, torch.as_tensor(q, dtype=None if isinstance(q, Tensor) else s.dtype))


def _bell(m: int, slope: Tensor, a: Tensor) -> Tensor:
    """f^(m)/f for log f with f'/f = ``slope`` and (f'/f)' = -psi'(a): a Bell polynomial."""
    rows = [torch.ones_like(slope)]
    for i in range(m):
        row = rows[i] * slope
        for j in range(1, i + 1):
            row = row - math.comb(i, j) * rows[i - j] * polygamma(j, a)
        rows.append(row)
    return rows[m]


def _gamma_density(m: int, a: Tensor, x: Tensor) -> Tensor:
    """The m-th derivative in a of x**(a-1) exp(-x) / Gamma(a)."""
    dtype, (a, x) = torch.result_type(a, x), (a.double(), x.double())
    density = torch.exp(torch.xlogy(a - 1, x) - x - lgamma(a))
    return (density * _bell(m, torch.log(x) - digamma(a), a) if m else density).to(dtype)


def _gammainc(m: int, upper: bool, a: Tensor, x: Tensor) -> Tensor:
    """The m-th derivative in a of P(a, x), or of Q: the integral of the density's (DLMF 8.2.4).

    It is taken below x or above, whichever is away from the peak: neither cancels there.
    """
    below = x <= a
    root = torch.minimum(a, a.sqrt())
    scale = torch.where(below, 2 / ((a - x).abs() + root), 2 * x / ((x - a).abs() + 1 + x.sqrt()))
    slope, total = torch.log(x) - torch.digamma(a), torch.zeros_like(a * x)
    for t, w in HALF_LINE:  # u = log(t' / x): t' = x exp(-t) below x, x + t above
        t = t * scale
        u = torch.where(below, -t, torch.log1p(t / x))
        e = torch.where(below, a * u - x * torch.expm1(u), (a - 1) * u - t)
        total = total + w * torch.exp(e) * _bell(m, slope + u, a)
    total = (
        total * scale * torch.exp(a * torch.log(x) - x - torch.lgamma(a)) / torch.where(below, 1, x)
    )
    total = torch.where((x == 0) | (x == math.inf), 0, total)
    return torch.where(below ^ upper, total, float(m == 0) - total)


_gammainc_apply = differentiable(
    "Gammainc",
    lambda m, a, x: _gammainc(m, False, a, x),
    lambda m, a, x: _gammainc_apply(m + 1, a, x),
    _gamma_density,
)
_gammaincc_apply = differentiable(
    "Gammaincc",
    lambda m, a, x: _gammainc(m, True, a, x),
    lambda m, a, x: _gammaincc_apply(m + 1, a, x),
    lambda m, a, x: -_gamma_density(m, a, x),
)


def gammainc(a: Tensor, x: Tensor) -> Tensor:
    """P(a, x), a > 0, x >= 0; torch's is wrong by 2e-9 for 20 < a near x and raises in d/da."""
    return _gammainc_apply(0, a, x)


def gammaincc(a: Tensor, x: Tensor) -> Tensor:
    """Q(a, x) = 1 - P(a, x), as precise where it is small."""
    return _gammaincc_apply(0, a, x)


# ---- the error function's kin --------------------------------------------------------------------


def _erfcx(k: int, x: Tensor) -> Tensor:
    """The k-th derivative: repeated integrals of erfc (A&S 7.2.3) for x > 0, else their recurrence."""
    if not k:
        return torch.special.erfcx(x)
    a = x.clamp(min=0)
    scale = 2 / (1 + 2 * a)
    far = torch.zeros_like(x)
    for t, w in HALF_LINE:
        t = t * scale
        far = far + w * t**k * torch.exp(-t * (t + 2 * a))
    y = [torch.special.erfcx(x), 2 * x * torch.special.erfcx(x) - 2 / math.sqrt(PI)]
    for i in range(k - 1):
        y.append(2 * x * y[i + 1] + 2 * (i + 1) * y[i])
    return torch.where(x > 0, (-2) ** k * 2 / math.sqrt(PI) * far * scale, y[k])


def _excess(x: Tensor) -> Tensor:
    """x + phi(x)/Phi(x), which cancels for x << 0."""
    z = x.clamp(max=-1) / -SQRT2
    return torch.where(x < -1, erfcx_prime(z) / (-SQRT2 * erfcx(z)), x + _hazard(x))


erfcx = tower("erfcx", "exp(x**2) erfc(x); torch's derivatives 2 x erfcx(x) - ... cancel.", _erfcx)
erfcx_prime = tower("erfcx_prime", "The derivative of erfcx.", lambda k, x: _erfcx(k + 1, x))
_hazard = unary(
    "hazard",
    "phi(x)/Phi(x), of the normal density and distribution.",
    lambda x: math.sqrt(2 / PI) / torch.special.erfcx(x / -SQRT2),
    lambda x: -_hazard(x) * _excess(x),
)
log_ndtr = unary(
    "log_ndtr",
    "log Phi(x); torch's value is right, its second derivative cancels (2e-10 at x = -40).",
    torch.special.log_ndtr,
    _hazard,
)
ndtr = unary(
    "ndtr",
    "Phi(x), the normal distribution; torch's (1 + erf)/2 cancels for x << 0, 6e-10 at x = -5.5.",
    lambda x: torch.erfc(x / -SQRT2) / 2,
    lambda x: torch.exp(-x * x / 2) / math.sqrt(2 * PI),
)
# expit' = 1/(4 cosh(x/2)**2); torch's y (1 - y) has lost all digits at x = 40, 1e-12 at x = 10
_bump = unary(
    "expit_derivative",
    "The derivative of expit.",
    lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
    lambda x: -_bump(x) * torch.tanh(x / 2),
)
expit = unary("expit", "1/(1 + exp(-x)), the logistic function.", torch.sigmoid, _bump)


# ---- others ----------------------------------------------------------------------------------------


def _sine_ratio(k: int, y: Tensor) -> Tensor:
    """The k-th derivative of sin(y)/y: Taylor's series, or y s^(k) + k s^(k-1) = sin^(k) y."""
    series = [
        (-1) ** j / (math.factorial(2 * j - k) * (2 * j + 1))
        for j in range((k + 1) // 2, k // 2 + 17)
    ]
    far = y.abs().clamp(min=3)
    s = torch.sin(far) / far
    for i in range(1, k + 1):
        s = (_cosine(i + 3, far) - i * s) / far
    return torch.where(y.abs() <= 3, _horner(series, y * y) * y ** (k % 2), s * y.sign() ** k)


def _sinc(k: int, x: Tensor) -> Tensor:
    return PI**k * _sine_ratio(k, PI * x) if k else torch.sinc(x)


def _cbrt(x: Tensor) -> Tensor:
    t = x.sign() * x.abs() ** (1 / 3)
    return torch.where((x == 0) | x.isinf(), t, t - (t - x / (t * t)) / 3)  # Newton's step


sinc = tower(
    "sinc",
    "sin(pi x)/(pi x); torch's derivative is off by 36 % at x = 1e-8, the second is nan at 0.",
    _sinc,
)
spherical_bessel_j0 = tower(
    "spherical_bessel_j0", "sin(x)/x; torch's drops the gradient.", _sine_ratio
)
cbrt = unary("cbrt", "The real cube root.", _cbrt, lambda x: 1 / (3 * cbrt(x) ** 2))

# The kernels of torch, called for the same numbers; HardsigmoidBackward0 has no backward of its own.
_hardsigmoid_backward = differentiable(
    "HardsigmoidGrad",
    torch.ops.aten.hardsigmoid_backward,
    lambda g, x: _hardsigmoid_backward(torch.ones_like(g), x),
    lambda g, x: _zero(x),
    wide=False,
)
_hardsigmoid_apply = differentiable(
    "Hardsigmoid",
    torch.nn.functional.hardsigmoid,
    lambda x: x,
    wide=False,
    pull=_hardsigmoid_backward,
)
_floor_divide_apply = differentiable(
    "FloorDivide", torch.floor_divide, lambda x, y: _zero(x), lambda x, y: _zero(y), wide=False
)


def hardsigmoid(x: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6)/6; torch's cannot be differentiated twice."""
    return _hardsigmoid_apply(x)


def floor_divide(x: Tensor, y: Tensor) -> Tensor:
    """floor(x / y), of derivative 0; torch's raises in backward."""
    return _floor_divide_apply(x, y)
