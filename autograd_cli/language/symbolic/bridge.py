"""An expression as SymPy: the fold to symbols.

Where text means the same to agx and to SymPy, the result is what SymPy's own reader would build:
the same constructors are called on the same objects, with variables that are real.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy

from autograd_cli.errors import AgxError
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS, Function
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.arrays import RULES
from autograd_cli.language.symbolic.elementwise import NATIVE, WITH_ENDS
from autograd_cli.language.symbolic.forms import (
    Form,
    NoClosedForm,
    component,
    condition,
    elementwise,
    number,
    numbers,
    select,
    stack,
    symbols,
)
from autograd_cli.language.symbolic.matrices import symmetrised

_LITERAL = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_CALL = re.compile(r"(\w+)\((\w+(?:, ?\w+)*)\)")  # a bare call, which may be one of SymPy's own
_NAME = re.compile(r"\w+")
_CONSTANTS = {math.pi: sympy.pi, math.e: sympy.E, math.inf: sympy.oo, -math.inf: -sympy.oo}


def to_sympy(
    expression: Expression, shapes: Mapping[str, Sequence[int]], digits: int | None = None
) -> Form:
    """The expression as a SymPy object, or an Array of them, over real symbols.

    `shapes` are the shapes of the variables; one that is missing is a scalar, or, where it is
    indexed with integers, a family of scalars named `x[0]`, `A[0,1]`. With `digits`, decimals stand
    for their binary values, with which SymPy calculates to so many digits; otherwise, it may round
    what it rewrites to the digits that were typed.

    Raises: NoClosedForm where an operation has no form in SymPy.
    """
    return _present(_fold(expression, leaves(expression, shapes), digits)[expression.root])


def forms_of(
    expression: Expression, shapes: Mapping[str, Sequence[int]], digits: int | None = None
) -> list[Form | None]:
    """What every node of the expression is, as `to_sympy`; None for an operand left out.

    They are there to be evaluated: 0*log(0) is 0 where a function of the table says so.
    """
    return _fold(expression, leaves(expression, shapes), digits, with_ends=True)


def leaves(expression: Expression, shapes: Mapping[str, Sequence[int]]) -> dict[str, Form]:
    """The symbols of every variable, in order of first appearance.

    A variable of unknown shape that is indexed has an entry for every element that is named.
    """
    indexed: dict[str, dict[str, Form]] = {}
    for node in expression.nodes:
        if node.op == INDEX and (name := _unknown(expression, node, shapes)):
            symbol = component(name, node.value)  # type: ignore[arg-type]
            indexed.setdefault(name, {})[symbol.name] = symbol
    found: dict[str, Form] = {}
    for name in expression.variables:
        if name in indexed:
            found |= indexed[name]
        else:
            found[name] = symbols(name, shapes.get(name, ()))
    return found


def _unknown(expression: Expression, node: Node, shapes: Mapping[str, Sequence[int]]) -> str:
    """The name of the variable that `node` takes an element of, if its shape is not known."""
    base = expression.nodes[node.operands[0]]
    keys = node.value
    assert isinstance(keys, tuple)
    if base.op != VARIABLE or base.value in shapes:
        return ""
    if not all(isinstance(key, int) and key >= 0 for key in keys):
        raise NoClosedForm(f"no closed form while the shape of '{base.value}' is not known")
    return str(base.value)


def _fold(
    expression: Expression,
    bound: Mapping[str, Form | None],
    digits: int | None = None,
    *,
    with_ends: bool = False,
) -> list[Form | None]:
    """One pass over the nodes; `bound` has the values of the variables."""
    values: list[Form | None] = []
    chains: dict[int, list[Form | None]] = {}
    for position, node in enumerate(expression.nodes):
        operands = [values[operand] for operand in node.operands]
        if node.op in FUNCTIONS and FUNCTIONS[node.op].folds:
            # Max(a, b, c) was read as pairs; SymPy simplifies it as a whole.
            first = node.operands[0]
            if first in chains and expression.nodes[first].span == node.span:
                operands = [*chains[first], operands[1]]
            chains[position] = operands
        if node.op == NUMBER:
            value = _number(node.value, expression.text(position), digits)
        elif node.op == VARIABLE:
            value = bound.get(str(node.value))  # None only where just elements are known
        elif node.op == LIST:
            value = stack([_present(operand) for operand in operands])
        elif node.op == INDEX and operands[0] is None:
            base = expression.nodes[node.operands[0]]
            value = _present(bound.get(component(str(base.value), node.value).name))  # type: ignore[arg-type]
        elif node.op == INDEX:
            value = select(_present(operands[0]), node.value)  # type: ignore[arg-type]
        else:
            value = apply(FUNCTIONS[node.op], operands, dict(node.options), with_ends=with_ends)
        values.append(value)
    return values


def _present(value: Form | None) -> Form:
    if value is None:
        raise NoClosedForm("no closed form: a value is left out")
    return value


def _number(value: object, text: str, digits: int | None) -> Form | None:
    """A literal as SymPy reads it: integers and constants exactly, decimals digit by digit.

    A number that was not typed is an operand's default: 0.5 is then meant as one half.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    if isinstance(value, int):
        return sympy.Integer(value)
    assert isinstance(value, float)
    if _LITERAL.fullmatch(text := text.replace("_", "")):
        return sympy.Float(text) if digits is None else sympy.Float(value, digits)
    if value in _CONSTANTS:
        return _CONSTANTS[value]
    return exact(value)


def exact(value: float) -> sympy.Expr:
    """A number of our own making: a small fraction exactly, anything else as a decimal."""
    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    if math.isnan(value):
        return sympy.nan
    if math.isinf(value):
        return sympy.oo if value > 0 else -sympy.oo
    fraction = Fraction(value)
    if fraction.denominator <= 64:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Float(repr(value))


# Calls -------------------------------------------------------------------------------------------


def apply(
    row: Function,
    operands: Sequence[Form | None],
    options: Mapping[str, Any],
    *,
    with_ends: bool = False,
) -> Form:
    """A row of the table applied to forms, which `with_ends` have values where the row has one.

    Raises: NoClosedForm if the row has none.
    """
    if row.symmetric:  # torch's gradient is the one among symmetric matrices
        operands = [symmetrised(_present(operand)) for operand in operands]
    if row.name in RULES:
        return RULES[row.name](
            *(numbers(_present(operand)) for operand in operands), **_by_keyword(options)
        )
    if not row.elementwise:
        return _formula(row, operands, options, with_ends=with_ends)
    takes = [
        condition if row.name.startswith("logical_") or parameter.name == "condition" else number
        for parameter in row.operands
    ]
    takes += takes[-1:] * (len(operands) - len(takes))  # Max and Min take any number
    own = WITH_ENDS.get(row.name) if with_ends else None
    function = own or _scalar_function(row, options)

    def of_elements(*items: Any) -> Any:
        return function(
            *(
                None if item is None else take(item)
                for take, item in zip(takes, items, strict=False)
            )
        )

    return elementwise(of_elements, *operands)


def _by_keyword(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as keyword arguments; one that is None is left to the rule's default."""
    return {name: value for name, value in options.items() if value is not None}


def _scalar_function(row: Function, options: Mapping[str, Any]) -> Callable[..., Any]:
    """What an elementwise row is on SymPy's numbers."""
    if row.name in NATIVE:
        return functools.partial(NATIVE[row.name], **_by_keyword(options))
    if row.symbolic.startswith("operator."):
        return getattr(operator, row.symbolic.removeprefix("operator."))  # type: ignore[no-any-return]
    if _NAME.fullmatch(row.symbolic) and hasattr(sympy, row.symbolic):
        return functools.partial(_call, getattr(sympy, row.symbolic))
    return lambda *items: _formula(row, items, options)


def _call(function: Callable[..., Any], *items: Any) -> Any:
    return function(*(item for item in items if item is not None))


def _formula(
    row: Function,
    operands: Sequence[Form | None],
    options: Mapping[str, Any],
    *,
    with_ends: bool = False,
) -> Form:
    """The row's formula, with the parameters bound to the operands and options."""
    text = row.symbolic
    if text in ("", "array"):
        raise NoClosedForm(f"no closed form for {row.name}")
    bound: dict[str, Any] = {parameter.name: None for parameter in row.operands}
    bound |= zip((parameter.name for parameter in row.operands), operands, strict=False)
    for name, value in {**_defaults(row), **options}.items():
        text = text.replace(f"{{{name}}}", "" if value == "none" else str(value))
        if isinstance(value, (bool, int, float)):
            bound[name] = exact(value)
    call = _CALL.fullmatch(text)
    if call and hasattr(sympy, call[1]) and row.elementwise:
        arguments = [part.strip() for part in call[2].split(",")]
        return getattr(sympy, call[1])(
            *(sympy.Integer(part) if part.isdigit() else bound[part] for part in arguments)
        )
    formula = _read(text, frozenset(bound))
    return _present(_fold(formula, bound, with_ends=with_ends)[formula.root])


@functools.cache
def _read(formula: str, given: frozenset[str]) -> Expression:
    try:
        return read(formula, given)
    except AgxError as error:
        raise NoClosedForm(f"no closed form: {error.message}") from error


def _defaults(row: Function) -> dict[str, Any]:
    """The options that have defaults; a rule or a formula may be asked for without the reader."""
    found: dict[str, Any] = {}
    for parameter in row.options:
        text = parameter.default or "None"
        if text == "None":
            continue
        if parameter.type == "bool":
            found[parameter.name] = text == "True"
        elif parameter.type in ("word", "order"):
            found[parameter.name] = text
        else:
            found[parameter.name] = float(text) if "." in text else int(text)
    return found
