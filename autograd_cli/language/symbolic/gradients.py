"""The formulas of derivatives: what the worker is asked for and what it answers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from autograd_cli.language.expression import Expression
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic import printing
from autograd_cli.language.symbolic.bridge import exact, leaves, to_sympy
from autograd_cli.language.symbolic.calculus import differentiate, presentable
from autograd_cli.language.symbolic.forms import (
    Form,
    NoClosedForm,
    items_of,
    nested,
    number,
    shape_of,
    symbols,
)
from autograd_cli.language.symbolic.typeset import typeset
from autograd_cli.results import components

MAX_NODES = 500
MAX_ELEMENTS = 32  # of the variables and the output together
FORMULAS = "formulas"  # the key of the formulas themselves in an answer, by name
MAX_CHARACTERS = 100_000  # of all formulas; more is no longer for reading

Derivative = Callable[[sympy.Symbol], sympy.Expr]


def gradient(request: Mapping[str, Any]) -> dict[str, Any]:
    """The derivatives that a request asks for, as text and as LaTeX, by variable.

    source       the expression
    given        names that are variables although they look like constants
    shapes       the shapes of the variables, where they are known
    wrt          the variables to differentiate by; all of them if it is left out
    order        how many times, each element by itself
    partial      instead: the elements to differentiate by, in turn; the result is named `x,x,y`
    along        instead: numbers in the shapes of the variables, the direction; named `along`
    grad_output  the weights of the output's elements
    latex        false leaves the LaTeX out, which is about half of the work
    follows      whether points follow, at which the formulas are to be evaluated (see `worker`)

    Raises: NoClosedForm if there is no formula for one of them, or only an unreadable one.
    """
    expression = read(request["source"], request.get("given") or ())
    shapes = {name: tuple(shape) for name, shape in (request.get("shapes") or {}).items()}
    variables = within_limits(expression, shapes)
    output = _scalar(to_sympy(expression, shapes), request.get("grad_output"))
    order = int(request.get("order") or 1)
    found: dict[str, Form]
    known = {symbol.name: symbol for value in variables.values() for symbol in items_of(value)}
    if partial := request.get("partial"):
        named = [_named(name, known, shapes) for name in partial]
        found = {",".join(partial): differentiate(output, named)}
    elif along := request.get("along"):
        for _ in range(order):
            output = _directional(output, along, known)
        found = {"along": output}
    else:
        found = {
            name: _each(value, lambda symbol: differentiate(output, [symbol] * order))
            for name, value in wanted(request.get("wrt"), variables, shapes).items()
        }
    given = request.get("given") or ()
    shown = {
        name: _each(value, lambda item: presentable(number(item))) for name, value in found.items()
    }
    answer = _answer(expression, shown, given, typesetting=request.get("latex", True))
    return {**answer, FORMULAS: _by_element(shown)} if request.get("follows") else answer


def within_limits(expression: Expression, shapes: Mapping[str, Sequence[int]]) -> dict[str, Form]:
    """The symbols of the variables, if there are few enough of everything."""
    if len(expression.nodes) > MAX_NODES:
        raise NoClosedForm(f"no closed form of more than {MAX_NODES} operations")
    elements = sum(math.prod(shapes.get(name, ())) for name in expression.variables)
    if elements > MAX_ELEMENTS:
        raise NoClosedForm(f"no closed form of more than {MAX_ELEMENTS} elements")
    return leaves(expression, shapes)


def _scalar(output: Form, weights: Any) -> sympy.Expr:
    """The output, or the sum of its elements times the weights."""
    items = [number(item) for item in items_of(output)]
    if len(items) > MAX_ELEMENTS:
        raise NoClosedForm(f"no closed form of more than {MAX_ELEMENTS} elements")
    if sympy.nan in items:  # its derivative would be 0
        raise NoClosedForm("no closed form: it is undefined")
    if weights is None:
        if len(items) != 1:
            raise NoClosedForm("no closed form: the output is not a scalar")
        return items[0]
    factors = list(_elements("", weights).values())
    if len(factors) != len(items):
        raise NoClosedForm("no closed form: the weights do not fit the output")
    return sympy.Add(*(factor * item for factor, item in zip(factors, items, strict=True)))


def _elements(name: str, numbers: Any) -> dict[str, sympy.Expr]:
    """Nested lists of numbers by the names of their elements: `x`, or `x[0]`, `x[1]`."""
    found: dict[str, sympy.Expr] = {}
    for element, value in components(name, numbers):
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise NoClosedForm("no closed form along values that are not finite")
        found[element] = exact(value)
    return found


def _named(
    name: str, known: Mapping[str, sympy.Symbol], shapes: Mapping[str, Sequence[int]]
) -> sympy.Symbol:
    """The symbol of `x`, `x[0]` or `A[0, 1]`; one that the expression has not got is constant."""
    name = name.replace(" ", "")
    if shapes.get(name):
        raise NoClosedForm(f"no closed form: '{name}' is not a scalar; name an element of it")
    return known.get(name) or sympy.Symbol(name, real=True)


def _directional(
    output: sympy.Expr, along: Mapping[str, Any], known: Mapping[str, sympy.Symbol]
) -> sympy.Expr:
    """The sum of the derivatives by the elements that `along` names, times its numbers."""
    terms: list[sympy.Expr] = []
    for name, direction in along.items():
        for element, step in _elements(name, direction).items():
            if element in known:
                terms.append(step * differentiate(output, [known[element]]))
            elif element in {symbol.split("[")[0] for symbol in known}:
                raise NoClosedForm(f"no closed form: the direction of '{name}' has another shape")
    return sympy.Add(*terms)


def wanted(
    names: Sequence[str] | None,
    variables: Mapping[str, Form],
    shapes: Mapping[str, Sequence[int]],
) -> dict[str, Form]:
    """The variables asked for, all of them by default, with their symbols."""
    if names is None:
        return dict(variables)
    found: dict[str, Form] = {}
    for name in names:
        elements = {key: value for key, value in variables.items() if key.startswith(f"{name}[")}
        if name in variables:
            found[name] = variables[name]
        elif elements:
            found |= elements
        else:
            found[name] = symbols(name, shapes.get(name, ()))
    return found


def _each(value: Form, derivative: Derivative) -> Form:
    return (
        type(value)(value.shape, tuple(map(derivative, value.items)))
        if shape_of(value)
        else (derivative(value))
    )


def _by_element(shown: Mapping[str, Form]) -> dict[str, sympy.Expr]:
    """The formulas of all elements, by the names that their numbers have."""
    found: dict[str, sympy.Expr] = {}
    for name, value in shown.items():
        labels = (label for label, _ in components(name, nested(value, str)))
        found |= zip(labels, items_of(value), strict=True)
    return found


def _answer(
    expression: Expression, shown: Mapping[str, Form], given: Sequence[str], *, typesetting: bool
) -> dict[str, Any]:
    texts = {
        name: nested(value, lambda item: printing.text(item, given))
        for name, value in shown.items()
    }
    if len(str(texts)) > MAX_CHARACTERS:
        raise NoClosedForm("no closed form that is short enough to read")
    if not typesetting:
        return {"gradient": texts}
    formulas = {name: nested(value, printing.latex) for name, value in shown.items()}
    with contextlib.suppress(NoClosedForm):  # the derivatives are worth having without it
        formulas = {"": typeset(expression), **formulas}
    return {"gradient": texts, "latex": formulas}
