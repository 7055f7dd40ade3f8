"""Arithmetic on numbers alone, as Python does it, kept within what torch can hold.

In the same line of Python, `2*3*x` multiplies x by the Python number 6; so it is here. But Python's
integers have no end, and `9**9**9` would never return: beyond 64 bits a number becomes a float, and
beyond float64 it is an error.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from autograd_cli.errors import EvaluationError

Number = int | float | bool

_LARGEST_INT = 2**63

# The rows of the function table that are Python's operators, and what Python calls those.
OPERATORS = {
    **{name: name for name in ("add", "sub", "mul", "pow", "neg", "mod")},
    **{name: name for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    "div": "truediv",
    "floor_divide": "floordiv",
}


def apply(name: str, operands: Sequence[Any]) -> Number:
    """The value of an operator of Python, by the name of its row (`add`, `div`, `lt`, …).

    Raises: EvaluationError for a division by zero, a result beyond float64, or one that is complex.
    """
    try:
        if name == "pow":
            return fitted(_power(*operands))
        result: Number = getattr(operator, OPERATORS[name])(*operands)
        return fitted(result)
    except ZeroDivisionError:
        raise EvaluationError("division by zero", hint="for an infinite value write inf") from None
    except OverflowError:
        raise EvaluationError(
            "a number beyond float64, which ends near 1.8e308", hint="write inf or oo"
        ) from None


def fitted(value: Number) -> Number:
    """`value`, as a float where it is an integer beyond torch's 64 bits.

    Raises: OverflowError beyond float64.
    """
    if isinstance(value, int) and not -_LARGEST_INT <= value < _LARGEST_INT:
        return float(value)
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base not in (-1, 0, 1) and base.bit_length() * exponent > 2048:
            raise OverflowError
        return int(base**exponent)
    result = base**exponent
    if isinstance(result, complex):
        raise EvaluationError(
            "a negative number to a fractional power is not real",
            hint="cbrt(x) is the real cube root",
        )
    return result
