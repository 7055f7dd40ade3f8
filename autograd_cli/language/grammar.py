"""The grammar of the language: its constants, its operators, and how tightly they bind."""

from __future__ import annotations

import math

CONSTANTS: dict[str, float | bool | None] = {
    "pi": math.pi,
    "π": math.pi,
    "E": math.e,
    "inf": math.inf,
    "oo": math.inf,
    "nan": math.nan,
    "True": True,
    "False": False,
    "None": None,
}

# Names under which libraries are imported: `torch.sin(x)` and `np.pi` are read as `sin(x)`, `pi`.
LIBRARIES = {
    *("torch", "np", "numpy", "math", "sympy", "sp", "jax", "jnp", "scipy", "F"),
    *("nn", "functional", "special", "linalg"),
}

COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}

# Python's precedences: a larger number binds tighter.
BINARY = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(COMPARISONS, 4),
    "|": 5,
    "&": 6,
    "+": 7,
    "-": 7,
    "*": 8,
    "/": 8,
    "//": 8,
    "%": 8,
    "@": 8,
    "**": 10,
}
RIGHT_ASSOCIATIVE = {"**"}
SPELLINGS = {"|": "or", "&": "and"}

NOT, UNARY, ROOT = 3, 9, 11
PREFIX: dict[str, tuple[int, str]] = {
    "not": (NOT, "logical_not"),
    "-": (UNARY, "neg"),
    "+": (UNARY, ""),
    "~": (UNARY, "logical_not"),
    "√": (ROOT, "sqrt"),
    "∛": (ROOT, "cbrt"),
}

ATTRIBUTES = {"T": "transpose", "mT": "mT"}  # as written after a dot, and their rows

CLOSING = {"(": ")", "[": "]"}

LIBRARY_CONSTANT = "library constant"  # math.pi is pi, whatever the variables are called

ELLIPSIS = -1  # the "position" of `...`, which stands only in an index
