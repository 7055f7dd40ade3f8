r"""An explanation as the lines of an align* block: \bar{v}_{0} = \bar{v}_{2} v_{-1} + …"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from autograd_cli.language.latex_symbols import escaped, symbol_latex
from autograd_cli.render.style import Style
from autograd_cli.render.typesetting import known, text
from autograd_cli.results import Value
from autograd_cli.results import formula as made
from autograd_cli.results.explanation import (
    REVERSE,
    AdjointStep,
    AdjointTerm,
    Explanation,
    PrimalStep,
)
from autograd_cli.results.formula import ADJOINT, PRIMAL, TANGENT, Formula

MOST_TERMS = 3  # terms of a sum on one line
WIDEST = 64  # signs that a line of a page has room for
_NO_SIGN = re.compile(r"\\(left|right|frac|bar|dot|operatorname|mathrm|texttt|partial)\b|[{}_^\\ ]")
_BREAKS = re.compile(r"[ ,;(]|(?<=\w)(?=[-+*/])")
_SIGNS = {PRIMAL: "v", ADJOINT: r"\bar{v}", TANGENT: r"\dot{v}"}

_INFIX = {
    "+": "+",
    "-": "-",
    "*": r"\,",
    "@": r"\,",
    "%": r"\bmod",
    "<": "<",
    ">": ">",
    "<=": r"\leq",
    ">=": r"\geq",
    "==": "=",
    "!=": r"\neq",
    "and": r"\wedge",
    "or": r"\vee",
}
_AROUND = {
    "sqrt": (r"\sqrt{", "}"),
    "cbrt": (r"\sqrt[3]{", "}"),
    "abs": (r"\left|", r"\right|"),
    "Abs": (r"\left|", r"\right|"),
    "floor": (r"\left\lfloor ", r"\right\rfloor"),
    "ceil": (r"\left\lceil ", r"\right\rceil"),
    "exp": ("e^{", "}"),
}
_HEADS = {
    **{name: rf"\{name}" for name in ("sin", "cos", "tan", "sec", "csc", "cot")},
    **{name: rf"\{name}" for name in ("sinh", "cosh", "tanh", "ln", "log", "max", "min", "det")},
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    "gamma": r"\Gamma",
    "digamma": r"\psi",
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
}
_NAMES = {"pi": r"\pi", "π": r"\pi", "E": "e", "inf": r"\infty", "oo": r"\infty"}


def equations(result: Explanation, style: Style) -> Iterator[Sequence[str]]:
    """The lines, each a sequence of equal sides; the first side of a continued one is empty."""
    first, *others = map(text, _typed(result.expression))
    total = known(result.value, style)
    yield ["f", first, *([] if others else total)]
    for number, part in enumerate(others, 1):
        yield [" = ".join([rf"&\quad {part}", *(total if number == len(others) else [])])]
    for step in result.forward:
        yield _primal(step, style)
    if result.mode == REVERSE:
        for one in result.backward:
            yield from _adjoint(one, style)
    else:
        for name in result.directions:
            for step in result.forward:
                yield _tangent(step, name, bool(result.along), style)
    for chain in result.chains:
        sign = "d" if chain.is_total else r"\partial"
        signs = [_fraction(sign, above, below) for _, above, below in chain.factors()]
        firsts = [(link, place == 0) for place, link in enumerate(chain.links)]
        formulas = [_factor(link.formula, first=first) for link, first in firsts]
        numbers = [_value(link.local, style, first=first) for link, first in firsts]
        yield from _product(_fraction(sign, "f", chain.variable), signs)
        together = [r" \cdot ".join(formulas), r" \cdot ".join(numbers)]
        if _breadth("".join(together)) <= WIDEST:
            yield ["", *together]
        else:
            yield from _product("", formulas)
            yield from _product("", numbers)
    numbers_of = {one.variable: one.number for one in result.backward if one.variable}
    for name, value in result.gradient.items():
        label = r"\nabla_{v} f" if result.along else _fraction(r"\partial", "f", name)
        adjoint = [_step(ADJOINT, numbers_of[name])] if name in numbers_of else []
        yield [label, *adjoint, *known(value, style)]


def _typed(expression: str) -> list[str]:
    """What was typed, on as many lines as it takes."""
    lines = [""]
    for part in _parts(" ".join(expression.split())):
        if lines[-1] and len(lines[-1]) + len(part) > WIDEST:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines]


def _parts(typed: str) -> Iterator[str]:
    """The pieces between which a line may be broken."""
    start = 0
    for place in _BREAKS.finditer(typed):
        yield typed[start : place.end()]
        start = place.end()
    yield typed[start:]


def _product(sign: str, factors: Sequence[str]) -> Iterator[list[str]]:
    """A product on as many lines as it takes."""
    lines: list[list[str]] = [[]]
    for factor in factors:
        if lines[-1] and _breadth("".join([*lines[-1], factor])) > WIDEST:
            lines.append([])
        lines[-1].append(factor)
    for number, line in enumerate(lines):
        product = r" \cdot ".join(line)
        yield [rf"&\quad \cdot {product}"] if number else [sign, product]


def _breadth(shown: str) -> int:
    """About how many signs some LaTeX puts beside each other."""
    return len(_NO_SIGN.sub("", shown))


def _primal(step: PrimalStep, style: Style) -> list[str]:
    shown = symbol_latex(step.expression) if step.is_input else latex(step.formula)
    return [_step(PRIMAL, step.number), shown, *known(step.value, style)]


def _adjoint(one: AdjointStep, style: Style) -> Iterator[list[str]]:
    """The adjoint as a sum: by the signs of its terms, as formulas, and in numbers."""
    sign = _step(ADJOINT, one.number)
    if not one.terms:
        reached = [] if one.variable else [_fraction(r"\partial", "f", one.number)]
        yield [sign, *reached, *known(one.adjoint, style)]
        return
    signs = [_by_sign(one, term) for term in one.terms]
    products = [latex(term.product) for term in one.terms]
    numbers = [_in_numbers(term, style) for term in one.terms]
    total = known(one.adjoint, style)
    sides = [signs, *([products] if products != signs else []), numbers]
    lines = [_folded(terms) for terms in sides]
    if len(one.terms) == 1 and isinstance(one.adjoint, float):
        whole = list(dict.fromkeys([*(line[0] for line in lines), *total]))
        if _breadth("".join([sign, *whole])) <= WIDEST:
            yield [sign, *whole]
        else:
            yield [sign, *whole[:1]]
            yield ["", *whole[1:]]
        return
    for place, line in enumerate(lines):
        last = total if place == len(lines) - 1 and line != total else []
        for number, part in enumerate(line):
            end = last if number == len(line) - 1 else []
            if number == 0:
                yield [sign if place == 0 else "", part, *end]
            else:
                yield [rf"&\quad {' = '.join([part, *end])}"]


def _by_sign(one: AdjointStep, term: AdjointTerm) -> str:
    """`\\bar{v}_{4} \\frac{\\partial v_{4}}{\\partial v_{0}}`, transposed where it is a matrix."""
    adjoint, jacobian = _step(ADJOINT, term.source), _fraction(r"\partial", term.source, one.number)
    if isinstance(term.upstream, float) and isinstance(one.adjoint, float):
        return rf"{adjoint} \, {jacobian}"
    return rf"{_bracketed(jacobian)}^{{\mathsf{{T}}}} \, {adjoint}"


def _in_numbers(term: AdjointTerm, style: Style) -> str:
    """Upstream times local, where these are numbers; else the contribution."""
    if isinstance(term.local, float) and isinstance(term.upstream, float):
        upstream = _value(term.upstream, style, first=False)
        return rf"{upstream} \cdot {_value(term.local, style, first=False)}"
    return known(term.contribution, style)[0]


def _folded(terms: Sequence[str]) -> list[str]:
    """A sum on as many lines as it takes."""
    signed = [
        term if not place else f"- {term[1:]}" if term.startswith("-") else f"+ {term}"
        for place, term in enumerate(terms)
    ]
    return [" ".join(signed[i : i + MOST_TERMS]) for i in range(0, len(signed), MOST_TERMS)]


def _tangent(step: PrimalStep, name: str, along: bool, style: Style) -> list[str]:
    if step.tangent is not None:
        shown = [latex(step.tangent)]
    else:
        shown = [] if along else [_fraction(r"\partial", step.expression, name)]
    return [_step(TANGENT, step.number), *shown, *known(step.tangents[name], style)]


def _step(kind: str, number: int) -> str:
    return f"{_SIGNS[kind]}_{{{number}}}"


def _fraction(sign: str, above: int | str, below: int | str) -> str:
    names = [
        _step(PRIMAL, one) if isinstance(one, int) else symbol_latex(one) for one in (above, below)
    ]
    return rf"\frac{{{sign} {names[0]}}}{{{sign} {names[1]}}}"


def _factor(formula: Formula, *, first: bool) -> str:
    shown = latex(formula)
    low = formula.binding < 5 or (shown.startswith("-") and not first)
    return _bracketed(shown) if low else shown


def _value(value: Value, style: Style, *, first: bool) -> str:
    shown = known(value, style)[0]
    return _bracketed(shown) if shown.startswith("-") and not first else shown


# Formulas ---------------------------------------------------------------------------------------


def latex(formula: Formula) -> str:
    """A formula as LaTeX mathematics."""
    parts = formula.operands
    if formula.is_step:
        return _step(formula.kind, formula.step)
    if formula.kind == made.NUMBER:
        return _number(formula.text)
    if formula.kind in (made.NAME, made.TYPED):
        typed = formula.kind == made.TYPED
        return _NAMES.get(formula.text) or (
            text(formula.text) if typed else symbol_latex(formula.text)
        )
    if formula.kind == made.OPERATOR:
        return _operator(formula)
    shown = [latex(part) for part in parts]
    if formula.kind == made.CALL:
        return _call(formula, shown)
    if formula.kind == made.OPTION:
        return rf"\mathrm{{{escaped(formula.text)}}} = {shown[0]}"
    if formula.kind == made.LIST:
        return rf"\left[{', '.join(shown)}\right]"
    if formula.kind == made.INDEX:
        return rf"\left({_within(parts[0], made.ATOM)}\right)_{{{formula.text[1:-1]}}}"
    if formula.kind == made.TRANSPOSE:
        inner = shown[0] if parts[0].kind != made.JACOBIAN else _bracketed(shown[0])
        inner = inner if parts[0].binding == made.ATOM else _bracketed(inner)
        return rf"{inner}^{{\mathsf{{T}}}}"
    return rf"\frac{{\partial {shown[0]}}}{{\partial {shown[1]}}}"


def _operator(formula: Formula) -> str:
    sign, parts = formula.text, formula.operands
    if len(parts) == 1:
        before = r"\neg " if sign == "not" else sign
        return before + _within(parts[0], 5 if sign == "-" else formula.binding)
    left, right = parts
    if sign == "/":
        return rf"\frac{{{latex(left)}}}{{{latex(right)}}}"
    if sign == "//":
        return rf"\left\lfloor \frac{{{latex(left)}}}{{{latex(right)}}} \right\rfloor"
    if sign == "**":
        base = latex(left)
        simple = left.is_step or (left.kind == made.NUMBER and left.binding == made.ATOM)
        simple = simple or left.kind == made.NAME
        return f"{base if simple else _bracketed(base)}^{{{latex(right)}}}"
    first = _within(left, formula.binding)
    tight = made.ATOM if right.binding == made.SIGNED else formula.binding + 1
    second = _within(right, tight)
    shown = _INFIX[sign]
    if sign == "*" and second[0].isdigit():
        shown = r"\cdot"
    return f"{first} {shown} {second}"


def _within(formula: Formula, binding: int) -> str:
    shown = latex(formula)
    is_fraction = formula.kind == made.OPERATOR and formula.text == "/"
    fits = formula.binding >= binding or (is_fraction and binding <= made.SIGNED)
    return shown if fits else _bracketed(shown)


def _call(formula: Formula, shown: Sequence[str]) -> str:
    name = formula.text
    if name in _AROUND and len(shown) == 1:
        before, after = _AROUND[name]
        return before + shown[0] + after
    head = _HEADS.get(name, rf"\operatorname{{{escaped(name)}}}")
    return f"{head}{_bracketed(', '.join(shown))}"


def _bracketed(shown: str) -> str:
    return rf"\left({shown}\right)"


def _number(typed: str) -> str:
    try:
        float(typed)
    except ValueError:  # a word or a list: the setting of an option
        return rf"\mathrm{{{escaped(typed)}}}"
    mantissa, _, exponent = typed.lower().partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else typed
