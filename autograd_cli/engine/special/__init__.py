"""Special functions whose value or derivatives torch lacks, drops silently or gets wrong.

Every function maps real tensors of any shape (two operands broadcast) to a tensor of their dtype,
is differentiable any number of times, and works under ``torch.vmap``. What torch has wrong is said
where it is put right, as measured on torch 2.13.

Sources: A&S is Abramowitz & Stegun, Handbook of Mathematical Functions (1964); DLMF is the NIST
Digital Library of Mathematical Functions.

A module is imported when one of its functions is needed: most expressions do without.
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "bessel": (
        "airy_ai",
        "bessel_j0",
        "bessel_j1",
        "bessel_y0",
        "bessel_y1",
        "i0",
        "i0e",
        "i1",
        "i1e",
        "modified_bessel_k0",
        "modified_bessel_k1",
    ),
    "bessel_orders": (
        "besseli",
        "besselj",
        "besselk",
        "bessely",
    ),
    "beta_function": ("beta",),
    "elementary": (
        "cbrt",
        "coth",
        "csch",
        "floor_divide",
        "hardsigmoid",
        "sech",
        "sinc",
        "spherical_bessel_j0",
    ),
    "gamma_function": (
        "digamma",
        "gamma",
        "lgamma",
        "polygamma",
    ),
    "incomplete_gamma": (
        "gammainc",
        "gammaincc",
    ),
    "normal": (
        "erfcx",
        "expit",
        "log_ndtr",
        "ndtr",
    ),
    "zeta_function": ("zeta",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"{__name__} has no {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
