"""Derivatives that somebody worked out by hand, as they write them: `x: 2*x*y; y: x**2`.

A formula stands after its input and a colon or an equals sign; formulas are separated by
semicolons, by new lines, or by commas before the next input. The input may be written as a
derivative, `df/dx` or `d_x`. Where there is but one input, a formula alone will do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from autograd_cli.errors import ReadError, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import unknown_variable
from autograd_cli.language.reader import read

OPTION = "--against"
EXAMPLE = f'for example {OPTION} "x: 2*x*y; y: x**2"'

_ELEMENT = r"[^\W\d]\w*(?:\s*\[[\d\s,]*\])?"
_INPUT = re.compile(rf"\s*((?:[d∂]\w*\s*/\s*)?∂?\s*{_ELEMENT})\s*(?::|=(?!=))")
_DERIVATIVE = re.compile(rf"(?:[d∂]\w*/[d∂]|d_|d|∂|grad_)({_ELEMENT})")  # df/dx, d_x, dx


def read_claims(text: str, expression: Expression) -> dict[str, Expression]:
    """The formulas by the input, `x` or `v[0]`, that each is the derivative by.

    Raises: ReadError for what is no formula, UnknownNameError for an input or a variable that the
    expression has not got, UsageError for an input that is given twice.
    """
    variables = list(expression.variables)
    claims: dict[str, Expression] = {}
    parts = [part for part in _split(text, _ends_formula) if part.strip()]
    for part in parts:
        named = _INPUT.match(part)
        if named is not None:
            label, formula = _label(named[1], expression), part[named.end() :].strip()
        elif len(parts) == len(variables) == 1:
            label, formula = variables[0], part.strip()
        else:
            raise ReadError(
                f"{OPTION} does not say by which input: {part.strip()!r}",
                hint=_suggestion(parts, variables),
            )
        if not formula:
            raise ReadError(f"{OPTION}: the formula for {label} is missing", hint=EXAMPLE)
        if label in claims:
            raise UsageError(f"{label!r} is given twice in {OPTION}")
        claims[label] = read(formula, given=variables)
        for variable in claims[label].variables:
            if variable not in variables:
                raise unknown_variable(variable, expression, f"{OPTION} {label}")
    if not claims:
        raise UsageError(f"{OPTION} is empty", hint=EXAMPLE)
    return claims


def _split(text: str, ends: Callable[[str, int], object]) -> Iterator[str]:
    """The text between its separators; those in brackets do not count."""
    depth = start = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and ends(text, position):
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _ends_formula(text: str, position: int) -> bool:
    character = text[position]
    return character in ";\n" or (character == "," and bool(_INPUT.match(text, position + 1)))


def _is_comma(text: str, position: int) -> bool:
    return text[position] == ","


def _label(written: str, expression: Expression) -> str:
    label = "".join(written.split())
    if label.partition("[")[0] in expression.variables:
        return label
    derivative = _DERIVATIVE.fullmatch(label)
    if derivative and derivative[1].partition("[")[0] in expression.variables:
        return derivative[1]
    raise unknown_variable(label.partition("[")[0], expression, OPTION)


def _suggestion(parts: list[str], variables: list[str]) -> str:
    """How it would be written, with the formulas that were given if they can be told apart."""
    formulas = [part.strip() for part in parts]
    if len(formulas) == 1:
        inner = formulas[0]
        if inner.startswith("[") and inner.endswith("]"):
            inner = inner[1:-1]
        formulas = [part.strip() for part in _split(inner, _is_comma)]
    if len(formulas) != len(variables):
        return EXAMPLE
    pairs = "; ".join(f"{name}: {one}" for name, one in zip(variables, formulas, strict=True))
    return f'name the input of each: {OPTION} "{pairs}"'
