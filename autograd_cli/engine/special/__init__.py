"""Special functions whose value or derivatives torch lacks, drops silently or gets wrong.

Every function maps real tensors of any shape (two operands broadcast) to a tensor of their dtype,
is differentiable any number of times, and works under ``torch.vmap``. What torch has wrong is said
where it is put right, as measured on torch 2.13.

Sources: A&S is Abramowitz & Stegun, Handbook of Mathematical Functions (1964); DLMF is the NIST
Digital Library of Mathematical Functions.
"""

from autograd_cli.engine.special.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
)
from autograd_cli.engine.special.bessel_orders import besseli, besselj, besselk, bessely
from autograd_cli.engine.special.beta import beta
from autograd_cli.engine.special.elementary import (
    cbrt,
    coth,
    csch,
    floor_divide,
    hardsigmoid,
    sech,
    sinc,
    spherical_bessel_j0,
)
from autograd_cli.engine.special.gamma import digamma, gamma, lgamma, polygamma
from autograd_cli.engine.special.incomplete_gamma import gammainc, gammaincc
from autograd_cli.engine.special.normal import erfcx, expit, log_ndtr, ndtr
from autograd_cli.engine.special.zeta import zeta

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "besseli",
    "besselj",
    "besselk",
    "bessely",
    "beta",
    "cbrt",
    "coth",
    "csch",
    "digamma",
    "erfcx",
    "expit",
    "floor_divide",
    "gamma",
    "gammainc",
    "gammaincc",
    "hardsigmoid",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "lgamma",
    "log_ndtr",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "ndtr",
    "polygamma",
    "sech",
    "sinc",
    "spherical_bessel_j0",
    "zeta",
]
