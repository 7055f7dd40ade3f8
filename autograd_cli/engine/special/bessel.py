"""Bessel and Airy functions of orders 0 and 1.

Those of torch drop the gradient, but for I. bessel_j0, j1, y0, y1 and airy_ai have wrong values
too: torch evaluates the rational functions of Cephes without their implied leading coefficient 1,
which costs 2e-6 of the amplitude about x = 5 (2e-5 of Ai at -2.1) and is below rounding for x <= 1.
The values of K0, K1, I0, I1 are right. The quadratures are trapezoidal sums, which converge
exponentially for periodic integrands.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograd_cli.engine.special.expansions import HALF_LINE, alone, cosine, horner
from autograd_cli.engine.special.node import tower

PI = math.pi


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
    """The k-th derivative of y = y0, y' = y1 where x y'' + y' = sign x y (A&S 9.1.1, 9.6.1).

    Next to 0 y is its multiple of log(x) to all digits, and so are its derivatives.
    """
    y = [y0, y1]
    for i in range(k - 1):
        y.append(sign * y[i] + ((sign * i * y[i - 1] if i else 0) - (i + 1) * y[i + 1]) / x)
    if k < 2:
        return y[k]
    of_log = 2 / PI if sign < 0 else -1.0  # A&S 9.1.13, 9.6.13
    by_log = of_log * (-1) ** (k - 1) * math.factorial(k - 1) * alone(torch.pow, x, -k)
    return torch.where((x >= 0) & (x < 1e-9), by_log, y[k])


def _j0(k: int, x: Tensor) -> Tensor:  # Bessel's integral (A&S 9.1.18) for |x| < 8
    sines = [math.sin((j + 0.5) * PI / 48) for j in range(24)]
    near = sum((s**k * cosine(k, x * s) for s in sines), torch.zeros_like(x)) / 24
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
    near = horner(f, u) + x * horner(g, u), x**2 * horner(f1, u) + horner(g1, u)
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
