"""The Greek letters by their names, in the order of the alphabet."""

from __future__ import annotations

SMALL_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi"),
    *("psi", "omega"),
)
LARGE_GREEK = tuple(name.capitalize() for name in SMALL_GREEK)
