"""The outputs of a vector-valued function: one expression or several, and a name for each element.

Several expressions become one list of nodes, so that one evaluation serves them all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from autograd_cli.errors import Span
from autograd_cli.language.expression import LIST, Expression
from autograd_cli.language.functions import FUNCTIONS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Outputs:
    """The nodes of all outputs, and which of them the outputs are: `roots`, in order."""

    expression: Expression
    roots: tuple[int, ...]

    @classmethod
    def of(cls, expressions: Sequence[Expression]) -> Outputs:
        """One expression as it is; several as if they were typed in one list, `[a, b]`."""
        if len(expressions) == 1:
            return cls(expressions[0], (expressions[0].root,))
        source = f"[{', '.join(one.source for one in expressions)}]"
        start = 1
        whole = Expression(source, (), 0)
        roots = []
        for one in expressions:
            first = len(whole.nodes)
            moved = [
                node._replace(
                    operands=tuple(operand + first for operand in node.operands),
                    span=Span(node.span.start + start, node.span.end + start),
                )
                for node in one.nodes
            ]
            steps = {position + first: name for position, name in one.steps.items()}
            roots.append(one.root + first)
            whole = Expression(
                source,
                (*whole.nodes, *moved),
                roots[-1],
                {**whole.steps, **steps},
                (*whole.warnings, *one.warnings),
            )
            start += len(one.source) + len(", ")
        return cls(whole, tuple(roots))

    @cached_property
    def entries(self) -> tuple[int, ...]:
        """The nodes that the elements are in: those of a typed list are the list's own operands."""
        found: list[int] = []
        pending = list(reversed(self.roots))
        while pending:
            position = pending.pop()
            node = self.expression.nodes[position]
            if node.op == LIST:
                pending += reversed(node.operands)
            else:
                found.append(position)
        return tuple(found)

    def each(self) -> list[Expression]:
        """Every output as an expression of its own, over the nodes of all."""
        return [replace(self.expression, root=root) for root in self.roots]

    def labels(self, shapes: Sequence[Shape]) -> list[str]:
        """The name of every element of outputs that have these shapes, in row-major order.

        The elements of a typed list are called what was typed, those of another vector or matrix
        `softmax(W@x)[0]`, and a named step by its name.
        """
        found: list[str] = []
        for root, shape in zip(self.roots, shapes, strict=True):
            pending = [(root, tuple(shape))]
            while pending:
                position, size = pending.pop()
                node = self.expression.nodes[position]
                if node.op == LIST and size and position not in self.expression.steps:
                    pending += [(operand, size[1:]) for operand in reversed(node.operands)]
                else:
                    found += _elements(self._name(position, closed=bool(size)), size)
        return found

    def labels_of(self, count: int) -> list[str]:
        """The names of `count` elements, where the shapes of the outputs are not known."""
        if len(self.roots) == 1 and count == 1:
            return self.labels([()])
        for shapes in ([(count,)], [()] * len(self.roots)):
            if len(shapes) == len(self.roots):
                found = self.labels(shapes)
                if len(found) == count:
                    return found
        return [f"f[{number}]" for number in range(count)]

    def _name(self, position: int, *, closed: bool) -> str:
        """What a node is called; `closed` if an index is to follow."""
        if position in self.expression.steps:
            return self.expression.steps[position]
        text = self.expression.text(position)
        return f"({text})" if closed and self._is_open(position) else text

    def _is_open(self, position: int) -> bool:
        """Whether an index after the text would belong to a part of it: `W@x`."""
        row = FUNCTIONS.get(self.expression.nodes[position].op)
        text = self.expression.text(position)
        return bool(row and row.symbol) and not _is_call(text)


def _elements(name: str, shape: Shape) -> list[str]:
    if not shape:
        return [name]
    indices = itertools.product(*map(range, shape))
    return [f"{name}[{','.join(map(str, index))}]" for index in indices]


def _is_call(text: str) -> bool:
    """Whether the text is one pair of brackets, with a name before it or none."""
    match = re.match(r"[\w.]*\(", text)
    if match is None:
        return False
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and position >= match.end() - 1:
            return position == len(text) - 1
    return False
