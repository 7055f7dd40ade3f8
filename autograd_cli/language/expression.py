"""An expression that has been read: its operations in evaluation order, each with its place.

The list of nodes is a Wengert list (Wengert, 1964): every node's operands come before it, so a
forward evaluation is one loop over it and a reverse sweep is one loop back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

from autograd_cli.errors import Span
from autograd_cli.language.functions import FUNCTIONS

Number: TypeAlias = int | float | bool
OptionValue: TypeAlias = "int | float | bool | str | tuple[int, ...] | None"

NUMBER = "number"  # a literal or a constant such as pi; value: int, float, bool, or None (absent)
VARIABLE = "variable"  # value: its name
LIST = "list"  # [a, b, ...]: its operands stacked along a new first axis
ROOT_POWER = "root_power"  # of a root and its operands; value: the root's row, and the exponent
INDEX = "index"  # operand[value]: value is a tuple of int, slice and Ellipsis

POWERS = ("pow", "square")  # rows of the function table


class Node(NamedTuple):
    """One operation of an expression.

    `op` is the name of a row of the function table, or one of NUMBER, VARIABLE, LIST and INDEX.
    `operands` are positions of earlier nodes. `options` are the settings that are not
    differentiated (`dim=0`), as constants.
    """

    op: str
    operands: tuple[int, ...]
    span: Span
    value: object = None
    options: tuple[tuple[str, OptionValue], ...] = ()


@dataclass(frozen=True)
class Expression:
    """Text that has been read: `nodes` in evaluation order; `root` is the output's position.

    `steps` names the nodes of named steps (`u = x**2; sin(u)`): position to name.
    """

    source: str
    nodes: tuple[Node, ...]
    root: int
    steps: Mapping[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def text(self, position: int) -> str:
        """The text that the node at `position` was read from."""
        start, end = self.nodes[position].span
        return self.source[start:end]

    @cached_property
    def varying(self) -> tuple[bool, ...]:
        """For every node whether a variable is below it; the others are constants."""
        varying: list[bool] = []
        for node in self.nodes:
            varying.append(node.op == VARIABLE or any(varying[i] for i in node.operands))
        return tuple(varying)

    def depends_on(self, variable: str) -> list[bool]:
        """For every node whether the variable is below it, or is it."""
        depends: list[bool] = []
        for position, node in enumerate(self.nodes):
            is_it = position == self.variables[variable]
            depends.append(is_it or any(depends[i] for i in node.operands))
        return depends

    @cached_property
    def joined(self) -> tuple[Node, ...]:
        """The nodes, with each whole power of a root as one ROOT_POWER."""
        return tuple(self._joined(node) for node in self.nodes)

    def _joined(self, node: Node) -> Node:
        if node.op not in POWERS or not self.varying[node.operands[0]]:
            return node
        root = self.nodes[node.operands[0]]
        exponent = self.nodes[node.operands[1]].value if node.op == "pow" else 2
        if root.op not in FUNCTIONS or not FUNCTIONS[root.op].square:
            return node
        options = dict(root.options)
        if options.pop("ord", None) is not None:  # not the root of a sum of squares
            return node
        if not isinstance(exponent, int | float) or exponent < 2 or exponent % 1:
            return node
        operands = (node.operands[0], *root.operands)
        value = (root.op, int(exponent))
        return Node(ROOT_POWER, operands, node.span, value, tuple(options.items()))

    @cached_property
    def variables(self) -> dict[str, int]:
        """Every variable and the position of its node, in order of first appearance."""
        return {
            str(node.value): position
            for position, node in enumerate(self.nodes)
            if node.op == VARIABLE
        }
