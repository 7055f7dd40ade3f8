"""A list of operations, evaluated at many points with few passes over the memory.

The list comes from the symbolic worker (`language.symbolic.program`). Here it becomes instructions:
sums with products or quotients are one operation each (`addcmul`, `addcdiv`, `add` with `alpha`),
and each says which nodes nothing reads after it. How they run is told in `bound`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.operations import operation
from autograd_cli.language.expression import NUMBER, VARIABLE
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.points.program_memory import Bound, Instruction, Outcome

# Functions of torch that write into a given buffer; others make their own.
_INTO: dict[str, Callable[..., Tensor]] = {
    name: getattr(torch, name)
    for name in (
        *("add", "sub", "mul", "div", "pow", "neg", "reciprocal", "sqrt", "rsqrt", "abs", "sign"),
        *("exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh"),
        *("tanh", "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "addcmul"),
    )
}


class Program:
    """The value and the derivatives of an expression as instructions."""

    def __init__(
        self, nodes: Sequence[Sequence[Any]], outputs: Sequence[int], dtype: torch.dtype
    ) -> None:
        """`nodes` are `[operation, operands, value]`. Raises: ValueError for nodes that are no
        program in the vocabulary of the function table."""
        self._nodes = [(str(op), tuple(map(int, places)), value) for op, places, value in nodes]
        self.outputs = tuple(outputs)
        for position, (op, places, _) in enumerate(self._nodes):
            row = FUNCTIONS.get(op)
            if op not in (NUMBER, VARIABLE) and (row is None or not row.elementwise):
                raise ValueError(f"unknown operation {op!r}")
            if not all(0 <= place < position for place in places):
                raise ValueError("operands come before what is made of them")
        self.variables = {
            str(value): position
            for position, (op, _, value) in enumerate(self._nodes)
            if op == VARIABLE
        }
        self._dtype = dtype
        self._numbers = {
            position: float(value)
            for position, (op, _, value) in enumerate(self._nodes)
            if op == NUMBER
        }
        self._fold()
        self.instructions = self._schedule()
        self._own = threading.local()

    def _fold(self) -> None:
        """Operations on numbers alone become numbers."""
        for position, (op, places, _) in enumerate(self._nodes):
            if places and all(place in self._numbers for place in places):
                operands = [
                    torch.tensor(self._numbers[place], dtype=self._dtype) for place in places
                ]
                number = float(operation(FUNCTIONS[op])(*operands))
                self._numbers[position] = number
                self._nodes[position] = (NUMBER, (), number)

    def run(self, values: Mapping[str, Tensor]) -> Outcome:
        """The outputs at every point, as `Bound.run`; threads do not disturb each other."""
        if not hasattr(self._own, "bound"):
            self._own.bound = Bound(
                self.instructions, self.variables, self.outputs, self._numbers, self._dtype
            )
        return self._own.bound.run(values)  # type: ignore[no-any-return]

    def plain(self, *values: Tensor) -> list[Tensor]:
        """The same as a plain function of tensors, for a compiler to work on."""
        known: dict[int, Tensor] = dict(zip(self.variables.values(), values, strict=True))
        for one in self.instructions:
            operands = [known[part] if type(part) is int else part for part in one.operands]
            known[one.target] = one.function(*operands, **one.options)
        return [
            known[place] if place in known else torch.full_like(values[0], self._numbers[place])
            for place in self.outputs
        ]

    # Instructions ---------------------------------------------------------------------------------

    def _schedule(self) -> tuple[Instruction, ...]:
        uses = [0] * len(self._nodes)
        for _, places, _ in self._nodes:
            for place in places:
                uses[place] += 1
        for place in self.outputs:
            uses[place] += 1
        made: dict[int, tuple[Callable[..., Tensor], tuple[Any, ...], dict[str, float], bool]] = {}
        for position, (op, places, _) in enumerate(self._nodes):
            if op in (NUMBER, VARIABLE):
                continue
            fused = self._fused(op, places, uses)
            if fused is not None:
                swallowed, function, operands, options = fused
                for inner in swallowed:
                    made.pop(inner, None)  # one of them may have swallowed another
                made[position] = function, operands, options, True
            else:
                made[position] = (*self._simple(op, places), op in _INTO)
        last: dict[int, int] = {}
        for position, (_, operands, _, _) in made.items():
            for part in operands:
                if type(part) is int:
                    last[part] = position
        return tuple(
            Instruction(
                position,
                function,
                operands,
                options,
                into,
                tuple(
                    {
                        part
                        for part in operands
                        if type(part) is int and last[part] == position and part not in self.outputs
                    }
                ),
            )
            for position, (function, operands, options, into) in made.items()
        )

    def _simple(
        self, op: str, places: tuple[int, ...]
    ) -> tuple[Callable[..., Tensor], tuple[Any, ...], dict[str, float]]:
        if op == "div" and self._numbers.get(places[0]) == 1.0:
            return torch.reciprocal, (places[1],), {}
        operands = tuple(
            self._operand(place, is_first=number == 0) for number, place in enumerate(places)
        )
        if op == "mul" and places[0] == places[1]:
            return torch.mul, operands, {}
        return _INTO.get(op) or operation(FUNCTIONS[op]), operands, {}

    def _operand(self, place: int, *, is_first: bool) -> int | Tensor | float:
        if place not in self._numbers:
            return place
        number = self._numbers[place]
        return torch.tensor(number, dtype=self._dtype) if is_first else number

    def _fused(
        self, op: str, places: tuple[int, ...], uses: Sequence[int]
    ) -> tuple[list[int], Callable[..., Tensor], tuple[Any, ...], dict[str, float]] | None:
        """A sum with a term like `-2*a*b` or `a/b` as one operation, or such a term by itself, and
        the nodes it swallows."""
        if op == "neg" or (op == "mul" and any(place in self._numbers for place in places)):
            return self._scaled(op, places, uses)
        if op not in ("add", "sub"):
            return None
        orders = [places] if op == "sub" else [places, places[::-1]]
        terms = [(first, *self._term(second, uses)) for first, second in orders]
        first, swallowed, scale, root = max(terms, key=lambda term: len(term[1]))
        if not swallowed:
            return None
        scale = -scale if op == "sub" else scale
        start = self._operand(first, is_first=True)
        inner, parts, _ = self._nodes[root]
        if root not in swallowed:
            return swallowed, torch.add, (start, root), {"alpha": scale}
        function = torch.addcmul if inner == "mul" else torch.addcdiv
        return swallowed, function, (start, *parts), {"value": scale}

    def _scaled(
        self, op: str, places: tuple[int, ...], uses: Sequence[int]
    ) -> tuple[list[int], Callable[..., Tensor], tuple[Any, ...], dict[str, float]] | None:
        """A product or a quotient of two columns times a number, added to what changes nothing."""
        column = next(place for place in places if place not in self._numbers)
        swallowed, scale, root = self._term(column, uses)
        if root not in swallowed:
            return None
        numbers = [self._numbers[place] for place in places if place in self._numbers]
        scale *= numbers[0] if numbers else -1.0
        inner, parts, _ = self._nodes[root]
        function = torch.addcmul if inner == "mul" else torch.addcdiv
        nothing = torch.tensor(-0.0, dtype=self._dtype)  # 0.0 would take the sign of -0.0
        return swallowed, function, (nothing, *parts), {"value": scale}

    def _term(self, position: int, uses: Sequence[int]) -> tuple[list[int], float, int]:
        """The nodes of a term that nothing else reads, its number, and the node that this scales.

        The last one is among the nodes if it is a product or a quotient of two columns.
        """
        nodes: list[int] = []
        scale = 1.0
        while uses[position] == 1:
            op, places, _ = self._nodes[position]
            columns = [place for place in places if place not in self._numbers]
            if op in ("mul", "div") and len(columns) == 2:
                nodes.append(position)
                break
            if op == "neg":
                scale = -scale
            elif op == "mul":
                scale *= next(self._numbers[place] for place in places if place in self._numbers)
            else:
                break
            nodes.append(position)
            position = columns[0]
        return nodes, scale, position
