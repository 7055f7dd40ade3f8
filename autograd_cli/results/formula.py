"""Formulas in the steps of an evaluation trace, as small trees that every format can write.

A formula is about one operation, so it is small: what is written here may recurse over it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Leaves
PRIMAL = "primal"  # a step: v₂
ADJOINT = "adjoint"  # its adjoint: v̄₂
TANGENT = "tangent"  # its tangent: v̇₂
NUMBER = "number"  # text: as written, with its sign
NAME = "name"  # text: a constant or a word such as pi
TYPED = "typed"  # text: a long constant, as it was typed
# Compounds
OPERATOR = "operator"  # text: the sign; one operand stands after it
CALL = "call"  # text: the name of the function
OPTION = "option"  # text: the keyword; one operand
LIST = "list"
INDEX = "index"  # text: the index with its brackets
TRANSPOSE = "transpose"
JACOBIAN = "jacobian"  # the derivative of the first operand, a step, by the second

# What binds tighter has the larger number.
_BINDING = {
    "or": 0,
    "and": 1,
    "not": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "//", "%", "@"), 5),
    "**": 7,
}
SIGNED = 6
ATOM = 9
_TIGHT = ("*", "/", "//", "**")  # written without spaces

Notation = Callable[[str, int], str]  # how a step is written: (PRIMAL, ADJOINT or TANGENT, number)


@dataclass(frozen=True)
class Formula:
    """One node of a formula: what it is, its text or the number of its step, its operands."""

    kind: str
    text: str = ""
    operands: tuple[Formula, ...] = ()
    step: int = 0

    @property
    def is_step(self) -> bool:
        return self.kind in (PRIMAL, ADJOINT, TANGENT)

    @property
    def has_steps(self) -> bool:
        """Whether a step stands somewhere in it."""
        return self.is_step or any(part.has_steps for part in self.operands)

    @property
    def is_sign(self) -> bool:
        """Whether the sign of a derivative stands in it, for want of a formula."""
        return self.kind == JACOBIAN or any(part.is_sign for part in self.operands)

    @property
    def binding(self) -> int:
        """How tightly it holds together."""
        if self.kind == NUMBER:
            return SIGNED if self.text.startswith("-") else ATOM
        if self.kind == OPERATOR:
            is_sign = len(self.operands) == 1 and self.text == "-"
            return SIGNED if is_sign else _BINDING[self.text]
        return -1 if self.kind == TYPED else ATOM

    def __str__(self) -> str:
        return written(self, ascii_step)


def step_name(number: int) -> str:
    """The name of a step as JSON has it: `v-1`, `v0`, `v1`."""
    return f"v{number}"


def ascii_step(kind: str, number: int) -> str:
    """A step inside a formula in ASCII: `v2`, its adjoint `vbar2`, its tangent `vdot2`.

    A negative number is in brackets, because `v-1*v0` would read as a difference.
    """
    letter = {PRIMAL: "v", ADJOINT: "vbar", TANGENT: "vdot"}[kind]
    return f"{letter}{number}" if number >= 0 else f"{letter}[{number}]"


def written(formula: Formula, notation: Notation = ascii_step, partial: str = "d") -> str:
    """The formula as text in the expression language; `partial` is the sign of derivatives."""
    parts = formula.operands
    if formula.is_step:
        return notation(formula.kind, formula.step)
    if formula.kind == OPERATOR:
        return _operator(formula, notation, partial)
    texts = [written(part, notation, partial) for part in parts]
    if formula.kind == CALL:
        return f"{formula.text}({', '.join(texts)})"
    if formula.kind == OPTION:
        return f"{formula.text}={texts[0]}"
    if formula.kind == LIST:
        return f"[{', '.join(texts)}]"
    if formula.kind == INDEX:
        return _within(parts[0], ATOM, notation, partial) + formula.text
    if formula.kind == TRANSPOSE:
        return f"{_within(parts[0], ATOM, notation, partial)}.T"
    if formula.kind == JACOBIAN:
        return f"({partial}{texts[0]}/{partial}{texts[1]})"
    return formula.text


def _operator(formula: Formula, notation: Notation, partial: str) -> str:
    sign, binding = formula.text, formula.binding
    if len(formula.operands) == 1:
        space = " " if sign == "not" else ""
        operand = formula.operands[0]
        if sign == "-" and operand.kind == OPERATOR and operand.text in ("*", "/", "@"):
            binding = operand.binding  # -x*y is the same, whichever comes first
        return f"{sign}{space}{_within(operand, binding, notation, partial)}"
    left, right = formula.operands
    is_power = sign == "**"
    first = _within(left, binding + is_power, notation, partial)
    signed = right.binding == SIGNED
    second = _within(right, ATOM if signed else binding + (not is_power), notation, partial)
    return f"{first}{sign}{second}" if sign in _TIGHT else f"{first} {sign} {second}"


def _within(formula: Formula, binding: int, notation: Notation, partial: str) -> str:
    text = written(formula, notation, partial)
    return text if formula.binding >= binding else f"({text})"


# Making formulas --------------------------------------------------------------------------------


def step(kind: str, number: int) -> Formula:
    return Formula(kind, step=number)


def number(text: str) -> Formula:
    return Formula(NUMBER, text)


def operator(sign: str, *operands: Formula) -> Formula:
    return Formula(OPERATOR, sign, operands)


def call(name: str, *operands: Formula) -> Formula:
    return Formula(CALL, name, operands)
