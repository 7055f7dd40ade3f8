"""The steps of an expression, and the formulas of each: the operation and its local derivatives.

The steps are numbered as in Griewank & Walther (2008) and in Baydin et al. (2018): for n variables
v(1-n), …, v0 are the inputs, and v1, v2, … the operations on them in evaluation order. The local
derivatives are those of the function table, with the steps in the place of the parameters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from autograd_cli.errors import ReadError
from autograd_cli.language import tidy
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS, Function, find
from autograd_cli.language.reader import read
from autograd_cli.results import formula as made
from autograd_cli.results.formula import ADJOINT, PRIMAL, TANGENT, Formula

Shape = tuple[int, ...]

MOST_NODES = 32  # a constant of more operations stands as it was typed

# Operations that are linear in each operand: their tangent is the operation on the tangents.
LINEAR = {
    *("sum", "mean", "cumsum", "flip", "transpose", "trace", "diag", "tril", "triu"),
    *("matmul", "dot", "mv", "outer", "cross", "kron"),
}
_CALLED = re.compile(r"([^\W\d]\w*)\s*\(")
_DIGITS = re.compile(r"[0-9.][0-9.eE_+-]*")
_ABSENT = made.Formula(made.NAME, "None")


@dataclass(frozen=True)
class Steps:
    """The steps of an expression; the nodes that are none are constants."""

    expression: Expression

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The number of every step by its node's position: the inputs, then the operations."""
        expression = self.expression
        inputs = expression.variables.values()
        found = dict(zip(inputs, range(1 - len(inputs), 1), strict=True))
        count = 0
        for position, node in enumerate(expression.nodes):
            if node.op not in (VARIABLE, NUMBER) and any(i in found for i in node.operands):
                count += 1
                found[position] = count
        return found

    def primal(self, position: int) -> Formula:
        """The operation of a step, spelled as it was typed: `ln(v0)`, `v1*v2`."""
        node = self.expression.nodes[position]
        if node.op == VARIABLE:
            return Formula(made.NAME, str(node.value))
        return self._operation(position, [self._operand(i) for i in node.operands])

    def local(self, position: int, operand: int) -> Formula | None:
        """The derivative of an elementwise step by one of its operands (by its place), or None
        where the table has none."""
        node = self.expression.nodes[position]
        row = FUNCTIONS.get(node.op)
        if row is None or not row.elementwise:
            return None
        return self._from_table(row, node, operand, {}, {})

    def product(self, position: int, operand: int, shapes: Mapping[int, Shape]) -> Formula | None:
        """The vector-Jacobian product of a step that is not elementwise, or None.

        `shapes` are those of the steps, by number. The table's products are for the plain case (no
        `dim`, matrices and not vectors), so one has to be held against the truth.
        """
        node = self.expression.nodes[position]
        number = self.numbers[position]
        if node.op == LIST:
            return Formula(made.INDEX, f"[{operand}]", (made.step(ADJOINT, number),))
        row = FUNCTIONS.get(node.op)
        if row is None or row.elementwise:
            return None
        given = {"g": made.step(ADJOINT, number), "y": made.step(PRIMAL, number)}
        return self._from_table(row, node, operand, given, shapes)

    def tangent(self, position: int, tracked: Sequence[int]) -> Formula:
        """The tangent of a step by the tangents of its `tracked` operands (by their places)."""
        node = self.expression.nodes[position]
        row = FUNCTIONS.get(node.op)
        terms: list[Formula] = []
        if node.op == LIST:
            moved = [
                made.step(TANGENT, self.numbers[i]) if place in tracked else tidy.ZERO
                for place, i in enumerate(node.operands)
            ]
            return Formula(made.LIST, operands=tuple(moved))
        for place in tracked:
            inner = made.step(TANGENT, self.numbers[node.operands[place]])
            local = self.local(position, place)
            if local is not None:
                factors = (inner, local) if local.has_steps else (local, inner)
                terms.append(tidy.times(*factors))
            elif node.op == INDEX or (row is not None and row.name in LINEAR):
                parts = [self._operand(i) for i in node.operands]
                parts[place] = inner
                terms.append(self._operation(position, parts))
            else:
                jacobian = self.jacobian(position, place)
                terms.append(made.operator("@", jacobian, inner))
        return tidy.total(terms)

    def jacobian(self, position: int, operand: int) -> Formula:
        """The derivative of a step by an operand as a sign: ∂v₂/∂v₁."""
        number = self.numbers[position]
        below = self.numbers[self.expression.nodes[position].operands[operand]]
        return Formula(
            made.JACOBIAN, operands=(made.step(PRIMAL, number), made.step(PRIMAL, below))
        )

    def backward(self, position: int, operand: int, *, scalar: bool) -> Formula:
        """The contribution to an operand as a sign: v̄₂*∂v₂/∂v₁, or (∂v₂/∂v₁)ᵀ v̄₂."""
        jacobian = self.jacobian(position, operand)
        adjoint = made.step(ADJOINT, self.numbers[position])
        if scalar:
            return made.operator("*", adjoint, jacobian)
        return made.operator("@", Formula(made.TRANSPOSE, operands=(jacobian,)), adjoint)

    # What stands for an operand ------------------------------------------------------------------

    def _operand(self, position: int, *, tidied: bool = False) -> Formula:
        number = self.numbers.get(position)
        if number is None:
            return self._constant(position, tidied=tidied)
        return made.step(PRIMAL, number)

    def _constant(self, position: int, *, tidied: bool = False) -> Formula:
        """A constant, with the operations it is typed with."""
        pending = [position]
        wanted: list[int] = []
        while pending and len(wanted) <= MOST_NODES:
            wanted.append(pending.pop())
            pending += self.expression.nodes[wanted[-1]].operands
        if len(wanted) > MOST_NODES:
            return Formula(made.TYPED, " ".join(self.expression.text(position).split()))
        found: dict[int, Formula] = {}
        for at in sorted(set(wanted)):
            node = self.expression.nodes[at]
            if node.op == NUMBER:
                found[at] = _literal(node, self.expression.text(at))
            else:
                parts = [found[i] for i in node.operands]
                found[at] = self._operation(at, parts)
                if tidied and found[at].kind == made.OPERATOR:
                    found[at] = tidy.combined(found[at].text, *parts)
        return found[position]

    def _operation(self, position: int, operands: list[Formula]) -> Formula:
        node, text = self.expression.nodes[position], self.expression.text(position)
        spelled = _CALLED.match(text)
        name = spelled.group(1) if spelled and find(spelled.group(1)) else ""
        if node.op == LIST:
            return Formula(made.LIST, operands=tuple(operands))
        if node.op == INDEX:
            return Formula(made.INDEX, _index(node), tuple(operands))
        if node.op == "transpose" and not name and len(operands) == 1:
            return Formula(made.TRANSPOSE, operands=tuple(operands))
        row = FUNCTIONS[node.op]
        if row.symbol and not _is_call_of(name, row):
            return made.operator(row.symbol, *operands)
        return _call(row, node, operands, name if _is_call_of(name, row) else row.name)

    # The formulas of the table -------------------------------------------------------------------

    def _from_table(
        self,
        row: Function,
        node: Node,
        operand: int,
        given: Mapping[str, Formula],
        shapes: Mapping[int, Shape],
    ) -> Formula | None:
        if not "".join(row.derivatives[operand : operand + 1]):
            return None
        bound = dict(given)
        for parameter, place in zip(row.operands, node.operands, strict=False):
            bound[parameter.name] = self._operand(place, tidied=True)
        for parameter in row.operands[len(node.operands) :]:
            bound[parameter.name] = _ABSENT
        try:
            source = table_formula(row, node, operand)
        except ReadError:  # it is for people: `eye(n)` wants a constant
            return None
        return _substituted(source, bound, shapes)


def table_formula(row: Function, node: Node, operand: int) -> Expression:
    """The table's formula for an operand of a node, read: its variables are the operands, `g` and
    `y`; the options are written out, because some functions want them as constants."""
    text = row.derivatives[operand]
    for name, value in node.options:
        text = re.sub(rf"\b{name}\b(?!\s*[(=])", f"({_shortest(value)})", text)
    return _read(text, (*(parameter.name for parameter in row.operands), "g", "y"))


@functools.lru_cache(maxsize=1024)
def _read(text: str, names: tuple[str, ...]) -> Expression:
    return read(text, given=names)


def _substituted(
    source: Expression, bound: Mapping[str, Formula], shapes: Mapping[int, Shape]
) -> Formula:
    """The formula with what its names stand for, tidied from the inside out."""
    built: list[Formula] = []
    for position, node in enumerate(source.nodes):
        parts = [built[i] for i in node.operands]
        if node.op == VARIABLE:
            built.append(bound.get(str(node.value)) or Formula(made.NAME, str(node.value)))
        elif node.op == NUMBER:
            built.append(_literal(node, source.text(position)))
        elif node.op == "transpose":
            built.append(Formula(made.TRANSPOSE, operands=tuple(parts)))
        else:
            built.append(_applied(node, parts, shapes))
    return built[source.root]


def _applied(node: Node, parts: list[Formula], shapes: Mapping[int, Shape]) -> Formula:
    row = FUNCTIONS[node.op]
    shape = shapes.get(parts[-1].step, ()) if parts[-1].kind == PRIMAL else ()
    if row.name == "numel" and parts[0].kind == PRIMAL and parts[0].step in shapes:
        count = 1
        for size in shape:
            count *= size
        return made.number(str(count))
    if row.name == "mul" and parts[0] == tidy.ZERO and shape:  # 0*x + 1: ones in the shape of x
        return made.call("zeros", *(made.number(str(size)) for size in shape))
    if row.name == "add" and parts[0].kind == made.CALL and parts[0].text == "zeros":
        return made.call("ones", *parts[0].operands)
    if row.symbol in ("<", "<=", ">", ">=") and _ABSENT in parts:
        return tidy.ONE  # a limit that is not there holds
    if row.symbol:
        return tidy.combined(row.symbol, *parts)
    return _call(row, node, parts, row.name)


def _call(row: Function, node: Node, operands: Sequence[Formula], name: str) -> Formula:
    """A call; what was left out or has its default value is not written."""
    operands = list(operands)
    while len(operands) > 1 and operands[-1].text == str(row.operands[len(operands) - 1].default):
        operands.pop()
    arguments: list[Formula] = []
    skipped = False
    for parameter, operand in zip(row.operands, operands, strict=False):
        if operand == _ABSENT:
            skipped = True
        elif skipped:
            arguments.append(Formula(made.OPTION, parameter.name, (operand,)))
        else:
            arguments.append(operand)
    first = bool(row.parameters) and not row.parameters[0].is_operand  # polygamma(n, x)
    options: list[Formula] = []
    for option in row.options:
        value = dict(node.options).get(option.name)
        if str(value) == str(option.default) or _same(value, option.default):
            continue
        shown = made.number(_shortest(value))
        positional = option.default is None and (first or option.variadic)
        options.append(shown if positional else Formula(made.OPTION, option.name, (shown,)))
    return made.call(name, *(options + arguments if first else arguments + options))


def _is_call_of(name: str, row: Function) -> bool:
    """Whether a function that is called so can have become this row (an overload has)."""
    found = find(name) if name else None
    return found is not None and row.name in (found.name, found.overload)


def _same(value: object, default: str | None) -> bool:
    try:
        return default is not None and float(value) == float(default)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _literal(node: Node, text: str) -> Formula:
    """A number as it was typed; one that was not typed has no text."""
    if node.value is None:
        return _ABSENT
    if _DIGITS.fullmatch(text):
        return made.number(text.replace("_", ""))
    if text.isidentifier():
        return Formula(made.NAME, text)
    return made.number(_shortest(node.value))


def _shortest(value: object) -> str:
    if isinstance(value, tuple):
        return str(list(value)) if len(value) != 1 else str(value[0])
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _index(node: Node) -> str:
    keys = node.value if isinstance(node.value, tuple) else (node.value,)
    return f"[{', '.join(map(_key, keys))}]"


def _key(key: object) -> str:
    if isinstance(key, slice):
        parts = [key.start, key.stop] if key.step is None else [key.start, key.stop, key.step]
        return ":".join("" if part is None else str(part) for part in parts)
    return "..." if key is Ellipsis else str(key)
