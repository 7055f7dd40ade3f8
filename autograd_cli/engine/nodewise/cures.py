"""What to write in the place of an expression that overflows, or that where() does not protect.

A cure is a replacement: what stands in the source, and what shall stand there. So it can be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node, evaluate, output
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.errors import ReadError
from autograd_cli.language.expression import NUMBER, Expression
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.reader import read

SAFE = (1, 0.5, 2)  # of which one is inside every function's domain


class Cure(NamedTuple):
    """`old` is the position of the node that is replaced, `new` the text that takes its place."""

    old: int
    new: str


# Stable forms ------------------------------------------------------------------------------------


class _Reader:
    """Looks at the operations of an expression by their positions."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def parts(self, position: int | None, op: str) -> tuple[int, ...]:
        """The operands of a node, if it is that operation and has no options; else none."""
        if position is None:
            return ()
        node = self._expression.nodes[position]
        if node.op != op:
            return ()
        usual = {one.name: one.default for one in FUNCTIONS[op].options}
        return () if any(str(v) != usual.get(k) for k, v in node.options) else node.operands

    def only(self, position: int | None, op: str) -> int | None:
        """The first operand of an operation, the others being left out."""
        first, *others = self.parts(position, op) or (None,)
        return None if any(self.is_number(other) for other in others) else first

    def is_number(self, position: int, value: float | None = None) -> bool:
        node = self._expression.nodes[position]
        found = node.op == NUMBER and node.value is not None
        return found if value is None else found and node.value == value

    def same(self, one: int | None, other: int | None) -> bool:
        return one is not None and other is not None and self.text(one) == self.text(other)

    def text(self, position: int) -> str:
        return self._expression.text(position)

    def opposite(self, position: int) -> str:
        """The text of a number's opposite."""
        inner = self.only(position, "neg")
        return self.text(inner) if inner is not None else f"-({self.text(position)})"

    def beside_one(self, position: int | None) -> int | None:
        """u where it is 1 + u or u + 1."""
        parts = self.parts(position, "add")
        for one, other in (parts, parts[::-1]) if len(parts) == 2 else ():
            if self.is_number(one, 1):
                return other
        return None

    def square(self, position: int | None) -> int | None:
        """u where it is u**2."""
        parts = self.parts(position, "pow")
        if len(parts) == 2 and self.is_number(parts[1], 2):
            return parts[0]
        return self.only(position, "square")


def _sigmoid(reader: _Reader, position: int) -> str:
    above, below = reader.parts(position, "div") or (None, None)
    exponent = reader.only(reader.beside_one(below), "exp")
    if above is None or exponent is None:
        return ""
    if reader.is_number(above, 1):
        return f"sigmoid({reader.opposite(exponent)})"
    return (
        f"sigmoid({reader.text(exponent)})"
        if reader.same(reader.only(above, "exp"), exponent)
        else ""
    )


def _softplus(reader: _Reader, position: int) -> str:
    inner = reader.only(position, "log")
    exponent = reader.only(reader.beside_one(inner), "exp")
    if exponent is None:
        exponent = reader.only(reader.only(position, "log1p"), "exp")
    return "" if exponent is None else f"softplus({reader.text(exponent)})"


def _logsumexp(reader: _Reader, position: int) -> str:
    exponents = reader.only(reader.only(reader.only(position, "log"), "sum"), "exp")
    return "" if exponents is None else f"logsumexp({reader.text(exponents)})"


def _softmax(reader: _Reader, position: int) -> str:
    above, below = reader.parts(position, "div") or (None, None)
    exponents = reader.only(above, "exp")
    is_whole = reader.same(exponents, reader.only(reader.only(below, "sum"), "exp"))
    return f"softmax({reader.text(exponents)})" if is_whole and exponents is not None else ""


def _tanh(reader: _Reader, position: int) -> str:
    above, below = reader.parts(position, "div") or (None, None)
    up, down = reader.parts(above, "sub"), reader.parts(below, "add")
    if len(up) != 2 or len(down) != 2:
        return ""
    first, second = (reader.only(one, "exp") for one in up)
    same = reader.same(first, reader.only(down[0], "exp")) and reader.same(
        second, reader.only(down[1], "exp")
    )
    if first is None or second is None or not same:
        return ""
    return f"tanh({reader.text(first)})" if reader.opposite(second) == reader.text(first) else ""


def _hypot(reader: _Reader, position: int) -> str:
    inner = reader.only(position, "sqrt")
    sides = [reader.square(one) for one in reader.parts(inner, "add")]
    if len(sides) != 2 or None in sides:
        return ""
    return f"hypot({', '.join(reader.text(one) for one in sides if one is not None)})"


def _logarithm_of(inner: str, name: str) -> Callable[[_Reader, int], str]:
    """`name` where it is the logarithm of `inner`."""

    def form(reader: _Reader, position: int) -> str:
        operand = reader.only(reader.only(position, "log"), inner)
        return "" if operand is None else f"{name}({reader.text(operand)})"

    return form


_FORMS = (
    *(_sigmoid, _softplus, _logsumexp, _softmax, _tanh, _hypot),
    *(
        _logarithm_of(inner, name)
        for inner, name in (
            ("sigmoid", "logsigmoid"),
            ("softmax", "log_softmax"),
            ("ndtr", "log_ndtr"),
        )
    ),
)


def stable_form(
    expression: Expression, position: int, values: Sequence[NodeValue], context: Context
) -> Cure | None:
    """The smallest part that a function without overflow can replace, and that the node is in.

    It is tried: what is not finite itself, with its gradient, at these values is no cure.
    """
    reader = _Reader(expression)
    inside = _inside(expression, position)
    for above in range(position, len(expression.nodes)):
        if inside[above]:
            for form in _FORMS:
                if text := form(reader, above):
                    cure = Cure(above, text)
                    return cure if _helps(cure, expression, values, context) else None
    return None


def _helps(
    cure: Cure, expression: Expression, values: Sequence[NodeValue], context: Context
) -> bool:
    try:
        part = read(cure.new, given=list(expression.variables))
    except ReadError:  # it names a step
        return True
    given = {name: values[expression.variables[name]] for name in part.variables}
    at = {name: torch.as_tensor(one).detach().requires_grad_() for name, one in given.items()}
    result = output(part, evaluate(part, at, context), context)
    slopes = vector_jacobian_product(result, list(at.values())) if result.requires_grad else []
    return all(_is_finite(one) for one in (result, *slopes) if one is not None)


def _inside(expression: Expression, position: int) -> list[bool]:
    """For every node whether it is the one at the position, or is made of it."""
    found: list[bool] = []
    for number, node in enumerate(expression.nodes):
        found.append(number == position or any(found[one] for one in node.operands))
    return found


# The branch not taken ----------------------------------------------------------------------------

# Which operand has to be safe, where it is not the one that the derivative is by.
_GUARDED = {"div": 1, "pow": 0, "floor_divide": 1, "mod": 1, "fmod": 1, "log_base": 0}


def safe_operand(
    expression: Expression,
    position: int,
    operand: int,
    values: Sequence[NodeValue],
    context: Context,
) -> Cure | None:
    """A safe operand for the operation that where() computes without need, or None where no
    where() stands above it. `operand` is what its derivative is not finite by."""
    source, guarded = _source(expression, position, operand, values)
    inside = _inside(expression, source)
    for node in expression.nodes:
        if node.op != "where":
            continue
        condition, first, second = node.operands
        if inside[first] == inside[second]:
            continue
        text, safe = expression.text(guarded), _safe(expression, source, guarded, values, context)
        branches = f"{text}, {safe}" if inside[first] else f"{safe}, {text}"
        return Cure(guarded, f"where({expression.text(condition)}, {branches})")
    return None


def _source(
    expression: Expression, position: int, operand: int, values: Sequence[NodeValue]
) -> tuple[int, int]:
    """The operation below which nothing is infinite, and which of its operands is to blame."""
    while True:
        node = expression.nodes[position]
        odd = [one for one in node.operands if not _is_finite(values[one])]
        if not odd:
            break
        position, operand = odd[0], -1
    if node.op in _GUARDED and len(node.operands) > 1:
        return position, node.operands[_GUARDED[node.op]]
    if operand not in node.operands:
        operand = next((one for one in node.operands if expression.varying[one]), position)
    return position, operand


def _safe(
    expression: Expression,
    position: int,
    operand: int,
    values: Sequence[NodeValue],
    context: Context,
) -> float:
    """A number at which the operation and its derivative are finite."""
    node = expression.nodes[position]
    for number in SAFE:
        given = {one: values[one] for one in node.operands}
        old = given.get(operand)
        if not isinstance(old, Tensor):
            break
        new = torch.full_like(old.detach(), number).requires_grad_()
        given[operand] = new
        result = apply_node(node, [given[one] for one in node.operands], context)
        if isinstance(result, Tensor) and result.requires_grad and _is_finite(result):
            [slope] = vector_jacobian_product(result, [new])
            if slope is None or _is_finite(slope):
                return number
    return SAFE[0]


def _is_finite(value: NodeValue) -> bool:
    return bool(value.isfinite().all()) if isinstance(value, Tensor) else True
