"""The formulas of Jacobians and Hessians: what the worker is asked for and what it answers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from autograd_cli.language.expression import Expression
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic import printing
from autograd_cli.language.symbolic.bridge import to_sympy
from autograd_cli.language.symbolic.calculus import differentiate, presentable
from autograd_cli.language.symbolic.forms import Form, NoClosedForm, items_of, number
from autograd_cli.language.symbolic.gradients import (
    FORMULAS,
    MAX_CHARACTERS,
    MAX_ELEMENTS,
    wanted,
    within_limits,
)
from autograd_cli.language.symbolic.typeset import typeset
from autograd_cli.results import components

Matrix = list[list[sympy.Expr]]


def jacobian(request: Mapping[str, Any]) -> dict[str, Any]:
    """The matrix of first derivatives, a row for each element of the outputs.

    sources  the expressions, whose outputs follow one another
    given    names that are variables although they look like constants
    shapes   the shapes of the variables, where they are known
    wrt      the variables to differentiate by; all of them if it is left out
    follows  whether points follow, at which the entries are to be evaluated (see `worker`)

    The answer has `inputs`, their names; `matrix`, rows of texts; `latex`, the same typeset; and
    `expression`, what is differentiated, typeset (left out where it cannot be).

    Raises: NoClosedForm if there is no formula for an entry, or only an unreadable one.
    """
    outputs, inputs = _outputs(request), _inputs(request)
    matrix = [[differentiate(output, [symbol]) for symbol in inputs] for output in outputs]
    return _answer(request, inputs, matrix)


def hessian(request: Mapping[str, Any]) -> dict[str, Any]:
    """The matrix of second derivatives of a scalar; request and answer as for `jacobian`."""
    outputs, inputs = _outputs(request), _inputs(request)
    if len(outputs) != 1:
        raise NoClosedForm("no closed form: the output is not a scalar")
    slopes = [differentiate(outputs[0], [symbol]) for symbol in inputs]
    lower = [
        [differentiate(slope, [symbol]) for symbol in inputs[: number + 1]]
        for number, slope in enumerate(slopes)
    ]
    size = range(len(inputs))
    return _answer(request, inputs, [[lower[max(i, j)][min(i, j)] for j in size] for i in size])


TASKS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "jacobian": jacobian,
    "hessian": hessian,
}


def _expressions(request: Mapping[str, Any]) -> list[Expression]:
    given = request.get("given") or ()
    return [read(source, given) for source in request["sources"]]


def _shapes(request: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in (request.get("shapes") or {}).items()}


def _outputs(request: Mapping[str, Any]) -> list[sympy.Expr]:
    found: list[sympy.Expr] = []
    for expression in _expressions(request):
        within_limits(expression, _shapes(request))
        found += [number(item) for item in items_of(to_sympy(expression, _shapes(request)))]
    if len(found) > MAX_ELEMENTS:
        raise NoClosedForm(f"no closed form of more than {MAX_ELEMENTS} elements")
    if sympy.nan in found:  # its derivative would be 0
        raise NoClosedForm("no closed form: it is undefined")
    return found


def _inputs(request: Mapping[str, Any]) -> list[sympy.Symbol]:
    shapes = _shapes(request)
    variables: dict[str, Form] = {}
    for expression in _expressions(request):
        variables |= within_limits(expression, shapes)
    chosen = wanted(request.get("wrt"), variables, shapes)
    found = [item for value in chosen.values() for item in items_of(value)]
    if len(found) > MAX_ELEMENTS:
        raise NoClosedForm(f"no closed form of more than {MAX_ELEMENTS} elements")
    return found


def _answer(
    request: Mapping[str, Any], inputs: Sequence[sympy.Symbol], matrix: Matrix
) -> dict[str, Any]:
    given = request.get("given") or ()
    shown = [[presentable(number(entry)) for entry in row] for row in matrix]
    texts = [[printing.text(entry, given) for entry in row] for row in shown]
    if sum(len(text) for row in texts for text in row) > MAX_CHARACTERS:
        raise NoClosedForm("no closed form that is short enough to read")
    answer: dict[str, Any] = {"inputs": [symbol.name for symbol in inputs], "matrix": texts}
    if request.get("latex", True):
        answer["latex"] = [[printing.latex(entry) for entry in row] for row in shown]
        with contextlib.suppress(NoClosedForm):  # the matrix is worth having without it
            answer["expression"] = _typeset(_expressions(request))
    if request.get("follows"):
        labels = (label for label, _ in components("", texts))
        entries = (entry for row in shown for entry in row)
        answer[FORMULAS] = dict(zip(labels, entries, strict=True))
    return answer


def _typeset(expressions: Sequence[Expression]) -> Any:
    parts = [typeset(expression) for expression in expressions]
    return parts[0] if len(parts) == 1 else parts
