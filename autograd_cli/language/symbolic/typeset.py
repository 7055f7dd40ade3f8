"""An expression in LaTeX as it was typed: nothing is combined, reordered or worked out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy

from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.latex_symbols import escaped, symbol_latex
from autograd_cli.language.symbolic.forms import NoClosedForm
from autograd_cli.language.symbolic.printing import latex

MAX_CHARACTERS = 20_000  # a named step that is used twice is typeset twice

# What binds tighter has the larger number.
OR, AND, NOT, COMPARE, ADD, MUL, FRACTION, NEG, POW, ATOM = range(10)


@dataclass(frozen=True)
class Piece:
    """LaTeX of a part of the expression.

    `head` and `rest` split a call such as \\sin and its argument, for a power to go between;
    `cells` are the items of a list, `branches` those of a chain of conditions.
    """

    text: str
    binds: int = ATOM
    head: str = ""
    rest: str = ""
    cells: tuple[Piece, ...] = ()
    branches: tuple[tuple[Piece, Piece], ...] = ()


def typeset(expression: Expression) -> str:
    """The LaTeX of an expression.

    Raises: NoClosedForm if it would be too long to read.
    """
    pieces: list[Piece] = []
    for position, node in enumerate(expression.nodes):
        operands = [pieces[operand] for operand in node.operands]
        piece = _piece(node, expression.text(position), operands)
        if len(piece.text) > MAX_CHARACTERS:
            raise NoClosedForm("too long to typeset")
        pieces.append(piece)
    return pieces[expression.root].text


def _piece(node: Node, text: str, operands: Sequence[Piece]) -> Piece:
    if node.op == NUMBER:
        return _number(node.value, text)
    if node.op == VARIABLE:
        return Piece(symbol_latex(str(node.value)))
    if node.op == LIST:
        return _list(operands)
    if node.op == INDEX:
        return _index(operands[0], node.value)  # type: ignore[arg-type]
    if node.op in _SHAPES:
        return _SHAPES[node.op](*operands)
    return _call(node, [operand for operand in operands if operand.text])


def _number(value: object, text: str) -> Piece:
    if value is None or not text:  # left out, or a default that was not typed
        return Piece("")
    if isinstance(value, (bool, int)):
        return Piece(str(value))
    assert isinstance(value, float)
    names = {math.pi: r"\pi", math.e: "e", math.inf: r"\infty"}
    if value in names and not text[0].isdigit():
        return Piece(names[value])
    shown = latex(sympy.Float(text.replace("_", ""))) if text[0] in "0123456789." else str(value)
    return Piece(shown, MUL if "cdot" in shown else ATOM)


def _bracketed(piece: Piece) -> str:
    return rf"\left({piece.text}\right)"


def _within(piece: Piece, binds: int) -> str:
    """The piece, in brackets if it binds less tightly than that."""
    return piece.text if piece.binds >= binds else _bracketed(piece)


def _infix(sign: str, binds: int, left: int, right: int) -> Callable[[Piece, Piece], Piece]:
    """An operator whose operands must bind as tightly as `left` and `right`."""

    def shape(x: Piece, y: Piece) -> Piece:
        signed = y.text.startswith("-") and binds > COMPARE
        second = _bracketed(y) if signed else _within(y, right)
        return Piece(f"{_within(x, left)} {sign} {second}", binds)

    return shape


def _product(x: Piece, y: Piece) -> Piece:
    left = _within(x, MUL)
    right = _bracketed(y) if y.text.startswith("-") else _within(y, FRACTION)
    sign = r" \cdot " if right[0].isdigit() else " "
    return Piece(f"{left}{sign}{right}", MUL)


def _power(x: Piece, y: Piece) -> Piece:
    if x.head:
        return Piece(f"{x.head}^{{{y.text}}}{x.rest}")
    return Piece(f"{_within(x, ATOM)}^{{{y.text}}}", POW)


def _list(items: Sequence[Piece]) -> Piece:
    if all(item.cells and not any(cell.cells for cell in item.cells) for item in items):
        rows = r" \\ ".join(" & ".join(cell.text for cell in item.cells) for item in items)
        return Piece(rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}", cells=tuple(items))
    return Piece(rf"\left[{', '.join(item.text for item in items)}\right]", cells=tuple(items))


def _index(base: Piece, keys: Sequence[object]) -> Piece:
    text = _within(base, ATOM)
    shown = ",".join(_key(key) for key in keys)
    return Piece(f"{{{text}}}_{{{shown}}}" if "_" in text or "^" in text else f"{text}_{{{shown}}}")


def _key(key: object) -> str:
    if isinstance(key, slice):
        parts = [key.start, key.stop] if key.step is None else [key.start, key.stop, key.step]
        return ":".join("" if part is None else str(part) for part in parts)
    return r"\ldots" if key is Ellipsis else str(key)


def _where(condition: Piece, x: Piece, y: Piece) -> Piece:
    branches = ((x, condition), *(y.branches or ((y, Piece("")),)))
    rows = [
        rf"{value.text} & "
        + (rf"\text{{if}}\: {holds.text}" if holds.text else r"\text{otherwise}")
        for value, holds in branches
    ]
    body = r" \\ ".join(rows)
    return Piece(rf"\begin{{cases}} {body} \end{{cases}}", ADD, branches=branches)


def _prefix(sign: str, binds: int) -> Callable[[Piece], Piece]:
    return lambda x: Piece(f"{sign}{_within(x, binds)}", binds)


def _around(before: str, after: str) -> Callable[..., Piece]:
    return lambda *items: Piece(before + ", ".join(item.text for item in items) + after)


def _suffix(after: str) -> Callable[[Piece], Piece]:
    return lambda x: Piece(f"{_within(x, ATOM)}^{{{after}}}", POW)


_SHAPES: Mapping[str, Callable[..., Piece]] = {
    "add": _infix("+", ADD, ADD, ADD),
    "sub": _infix("-", ADD, ADD, MUL),
    "mul": _product,
    "matmul": _product,
    "div": lambda x, y: Piece(rf"\frac{{{x.text}}}{{{y.text}}}", FRACTION),
    "floor_divide": lambda x, y: Piece(rf"\left\lfloor\frac{{{x.text}}}{{{y.text}}}\right\rfloor"),
    "mod": _infix(r"\bmod", MUL, MUL, FRACTION),
    "pow": _power,
    "neg": _prefix("-", NEG),
    "lt": _infix("<", COMPARE, ADD, ADD),
    "le": _infix(r"\leq", COMPARE, ADD, ADD),
    "gt": _infix(">", COMPARE, ADD, ADD),
    "ge": _infix(r"\geq", COMPARE, ADD, ADD),
    "eq": _infix("=", COMPARE, ADD, ADD),
    "ne": _infix(r"\neq", COMPARE, ADD, ADD),
    "logical_and": _infix(r"\wedge", AND, AND, AND),
    "logical_or": _infix(r"\vee", OR, OR, OR),
    "logical_not": _prefix(r"\neg ", NOT),
    "sqrt": _around(r"\sqrt{", "}"),
    "cbrt": _around(r"\sqrt[3]{", "}"),
    "square": _suffix("2"),
    "exp": lambda x: Piece(f"e^{{{x.text}}}", POW),
    "abs": _around(r"\left|", r"\right|"),
    "floor": _around(r"\left\lfloor ", r"\right\rfloor"),
    "ceil": _around(r"\left\lceil ", r"\right\rceil"),
    "factorial": lambda x: Piece(f"{_within(x, ATOM)}!", POW),
    "transpose": _suffix(r"\mathsf{T}"),
    "inv": _suffix("-1"),
    "log_base": lambda x, base: Piece(
        rf"\log_{{{base.text}}}\left({x.text}\right)",
        head=rf"\log_{{{base.text}}}",
        rest=_bracketed(x),
    ),
    "where": _where,
}

_PLAIN = (
    "sin",
    "cos",
    "tan",
    "sec",
    "csc",
    "cot",
    "sinh",
    "cosh",
    "tanh",
    "log",
    "max",
    "min",
    "det",
)

_HEADS: Mapping[str, str] = {
    **{name: rf"\{name}" for name in _PLAIN},
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    "gamma": r"\Gamma",
    "digamma": r"\psi",
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
    "maximum": r"\max",
    "minimum": r"\min",
    "logdet": r"\log\det",
}


def _call(node: Node, operands: Sequence[Piece]) -> Piece:
    """A function by its name, with the options that differ from their defaults."""
    defaults = {parameter.name: parameter.default for parameter in FUNCTIONS[node.op].options}
    arguments = [operand.text for operand in operands]
    for name, value in node.options:
        default = defaults.get(name)
        if str(value) != default and not (default and _same(value, default)):
            arguments.append(rf"\mathrm{{{escaped(name)}}}={_setting(value)}")
    head = _HEADS.get(node.op, rf"\operatorname{{{escaped(node.op)}}}")
    rest = rf"\left({', '.join(arguments)}\right)"
    return Piece(head + rest, head=head, rest=rest)


def _same(value: object, default: str) -> bool:
    try:
        return float(value) == float(default)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _setting(value: object) -> str:
    shown = escaped(str(value))
    return rf"\mathrm{{{shown}}}" if isinstance(value, (str, bool)) else shown
