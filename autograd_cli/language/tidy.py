"""Formulas without what they could do without: `2*v0**(2 - 1)` is `2*v0`, `1*v3` is `v3`.

The rules hold wherever the formula has a value. Numbers are combined in decimal and only where the
result is exact, so that what stands there is still true.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

from autograd_cli.results.formula import NUMBER, OPERATOR, Formula, number, operator

_EXACT = Context(prec=17, traps=[Inexact, InvalidOperation, Overflow])
ZERO, ONE = number("0"), number("1")


def combined(sign: str, *operands: Formula) -> Formula:
    """An operator on tidy operands, tidied."""
    if len(operands) == 1:
        return negated(operands[0]) if sign == "-" else operator(sign, *operands)
    rule = _RULES.get(sign)
    return rule(*operands) if rule else operator(sign, *operands)


def total(terms: list[Formula]) -> Formula:
    """The sum of formulas."""
    found = ZERO
    for term in terms:
        found = plus(found, term)
    return found


def negated(x: Formula) -> Formula:
    if x == ZERO:
        return x
    if x.kind == NUMBER:
        return number(x.text[1:] if x.text.startswith("-") else f"-{x.text}")
    if _is_negation(x):
        return x.operands[0]
    if _is(x, "-"):
        return minus(x.operands[1], x.operands[0])
    if _is(x, "*") and x.operands[0].kind == NUMBER:
        return times(negated(x.operands[0]), x.operands[1])
    return operator("-", x)


def plus(x: Formula, y: Formula) -> Formula:
    if (folded := _folded(x, y, _EXACT.add)) is not None:
        return folded
    if x == ZERO:
        return y
    if y == ZERO:
        return x
    if _is_negative(y):
        return minus(x, negated(y))
    return operator("+", x, y)


def minus(x: Formula, y: Formula) -> Formula:
    if (folded := _folded(x, y, _EXACT.subtract)) is not None:
        return folded
    if y == ZERO:
        return x
    if x == ZERO:
        return negated(y)
    if _is_negative(y):
        return plus(x, negated(y))
    return operator("-", x, y)


def times(x: Formula, y: Formula) -> Formula:
    if (folded := _folded(x, y, _EXACT.multiply)) is not None:
        return folded
    if ZERO in (x, y):
        return ZERO
    if x == ONE:
        return y
    if y == ONE:
        return x
    if _is_negation(x) or x == number("-1"):
        return negated(times(negated(x), y))
    if _is_negative(y):
        return negated(times(x, negated(y)))
    if _is(x, "/"):
        return over(times(x.operands[0], y), x.operands[1])
    if _is(y, "/"):
        return over(times(x, y.operands[0]), y.operands[1])
    if y.kind == NUMBER:
        x, y = y, x
    if x.kind == NUMBER and _is(y, "*") and y.operands[0].kind == NUMBER:
        return times(times(x, y.operands[0]), y.operands[1])
    if _is(y, "*"):  # x*(y*z) reads better as x*y*z
        return times(times(x, y.operands[0]), y.operands[1])
    return operator("*", x, y)


def over(x: Formula, y: Formula) -> Formula:
    if y == ONE or x == ZERO:
        return x
    if _is_negative(x):
        return negated(over(negated(x), y))
    if _is_negative(y):
        return negated(over(x, negated(y)))
    if x == y and x.kind == NUMBER:
        return ONE
    return operator("/", x, y)


def power(x: Formula, y: Formula) -> Formula:
    if y == ONE or x == ONE:
        return x
    if y == ZERO:
        return ONE
    return operator("**", x, y)


_RULES: dict[str, Callable[[Formula, Formula], Formula]] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": over,
    "**": power,
}


def _folded(
    x: Formula, y: Formula, operation: Callable[[Decimal, Decimal], Decimal]
) -> Formula | None:
    """The result on two numbers, where it is exact and short."""
    if x.kind != NUMBER or y.kind != NUMBER:
        return None
    try:
        result = operation(Decimal(x.text), Decimal(y.text))
    except (Inexact, InvalidOperation, Overflow):
        return None
    text = f"{result:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return number("0" if result == 0 else text) if len(text) <= 20 else None


def _is(x: Formula, sign: str) -> bool:
    return x.kind == OPERATOR and x.text == sign and len(x.operands) == 2


def _is_negation(x: Formula) -> bool:
    return x.kind == OPERATOR and x.text == "-" and len(x.operands) == 1


def _is_negative(x: Formula) -> bool:
    """Whether it begins with a minus that can be taken away: -2, -x, -2*x."""
    return (
        _is_negation(x)
        or (x.kind == NUMBER and x.text.startswith("-"))
        or (_is(x, "*") and _is_negative(x.operands[0]) and x.operands[0].kind == NUMBER)
    )
