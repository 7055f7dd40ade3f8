"""An expression at many points at once: its values, those of its operations, and its gradients.

Every operation's result v is followed by a tap: a number that is subtracted from it. The derivative
of the output by the tap is the adjoint of v, and a tap that is not zero disturbs it. A strain
disturbs the adjoint instead, by that share of itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.data.room import NoRoomError, is_shortage, shortage
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, apply_node, output
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.core.symmetric_operands import mean_with_transpose, symmetric_nodes
from autograd_cli.errors import AgxError
from autograd_cli.language.detached import DETACH
from autograd_cli.language.expression import LIST, NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS

STAIRS = ("floor", "ceil", "round", "trunc", "floor_divide", "sign", "Heaviside")
FAULTS = (AgxError, RuntimeError, NotImplementedError, ValueError, TypeError, IndexError)


class Vectorised:
    """An expression, ready to be evaluated at many points.

    `point` is one point, which gives every variable its shape. What does not depend on a variable
    is evaluated once, so that random constants stay what they are, and is given as the dtype
    `rounded` would hold it. With `among_symmetric`, functions of symmetric matrices are taken at
    the mean of their operand and its transpose. `tapped` are the shapes of the operations' results,
    by position, and `constants` what does not depend on a variable. Raises: EvaluationError where
    the expression cannot be evaluated.
    """

    def __init__(
        self,
        expression: Expression,
        point: Mapping[str, Tensor],
        context: Context,
        rounded: torch.dtype | None = None,
        among_symmetric: bool = False,
    ) -> None:
        self.expression = expression
        self.context = context
        self.names = list(expression.variables)
        self._means = frozenset(symmetric_nodes(expression) if among_symmetric else ())
        self.shapes = {name: tuple(point[name].shape) for name in self.names}
        leaves = {name: point[name].detach().clone().requires_grad_() for name in self.names}
        values = self._evaluate(leaves, {}, {})
        self._moving = _depending_on_variables(expression)
        fixed = {
            position: _held_in(value, rounded)
            for position, value in enumerate(values)
            if not self._moving[position]
        }
        self._fixed = {  # numbers stay numbers, as in an expression at one point
            position: value
            for position, value in fixed.items()
            if expression.nodes[position].op != NUMBER
        }
        self.constants = {
            position: self._as_tensor(value)
            for position, value in fixed.items()
            if value is not None
        }
        self._held = [
            position
            for position, node in enumerate(expression.nodes)
            if node.op == DETACH and self._moving[position]
        ]
        self.result_shapes = [
            tuple(value.shape) if isinstance(value, Tensor) else () for value in values
        ]
        self.staircases = [
            position
            for position, node in enumerate(expression.nodes)
            if node.op in STAIRS and self._moving[position]
        ]
        self.tapped = {
            position: tuple(value.shape)
            for position, value in enumerate(values)
            if isinstance(value, Tensor)
            and value.requires_grad
            and expression.nodes[position].op != VARIABLE
        }
        self.is_elementwise = all(
            node.op in (NUMBER, VARIABLE) or (node.op != LIST and _is_elementwise(node.op))
            for node in expression.nodes
        ) and not any(self.shapes.values())
        self.elements = sum(math.prod(value.shape) for value in values if isinstance(value, Tensor))

    def held(self, points: Mapping[str, Tensor]) -> list[Tensor]:
        """The values, at every point, of what `detach` holds fixed."""
        if not self._held:
            return []
        with torch.no_grad():
            return self.forward(points, [], {}, self._held)[1]

    def stairs(self, points: Mapping[str, Tensor]) -> list[Tensor]:
        """The values, at every point, of the functions that are constant between their jumps."""
        if not self.staircases:
            return []
        with torch.no_grad():
            return self.forward(points, [], {}, self.staircases)[1]

    def gradients(self, points: Mapping[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Values and gradients by every variable at many points, in the dtype of the points."""
        leaves = [points[name].detach().clone().requires_grad_() for name in self.names]
        value, _ = self.forward(dict(zip(self.names, leaves, strict=True)), None, {}, [])
        return value.detach(), adjoints(value, leaves)

    def second(self, points: Mapping[str, Tensor], component: tuple[str, int]) -> list[Tensor]:
        """The gradients of the derivative by one element of a variable, as `gradients`."""
        leaves = {name: points[name].detach().clone().requires_grad_() for name in self.names}
        value, _ = self.forward(leaves, None, {}, [])
        return adjoints(self.slope(value, leaves, component), list(leaves.values()))

    def slope(
        self, value: Tensor, leaves: Mapping[str, Tensor], component: tuple[str, int]
    ) -> Tensor:
        """The derivatives of outputs by one element of a variable, to be differentiated again;
        shape (points,)."""
        name, element = component
        first = adjoints(value, [leaves[name]], keep=True)[0]
        return first.reshape(len(first), -1)[:, element]

    def recorded(
        self, points: Mapping[str, Tensor], held: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        """Outputs, the tapped values, the leaves and the taps."""
        leaves = {name: points[name].detach().clone().requires_grad_() for name in self.names}
        rows = len(next(iter(leaves.values())))
        taps = {
            position: torch.zeros((rows, *shape), dtype=torch.float64, requires_grad=True)
            for position, shape in self.tapped.items()
        }
        value, inner = self.forward(leaves, list(held), taps, list(self.tapped))
        return value, inner, list(leaves.values()), list(taps.values())

    def forward(
        self,
        points: Mapping[str, Tensor],
        held: Sequence[Tensor] | None,
        taps: Mapping[int, Tensor],
        wanted: Sequence[int],
        strains: Mapping[int, Tensor] | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """The outputs at many points, shape (points,), and the values of the wanted nodes.

        `held` are the values of what is detached, None (or nothing) to evaluate it; `strains` are
        of positions that are tapped as well.
        """
        fixed = self._held if held else []
        strains = strains or {}
        inputs = [points[name] for name in self.names]
        tensors = [*inputs, *(held or ()), *taps.values(), *strains.values()]
        first, second = len(self.names), len(self.names) + len(fixed)
        third = second + len(taps)

        def single(*parts: Tensor) -> tuple[Tensor, ...]:
            values = self._evaluate(
                dict(zip(self.names, parts[:first], strict=True)),
                dict(zip(fixed, parts[first:second], strict=True)),
                dict(zip(taps, parts[second:third], strict=True)),
                dict(zip(strains, parts[third:], strict=True)),
            )
            result = output(self.expression, values, self.context)
            if not self.is_elementwise:
                result = result.reshape(())
            return (result, *(self._as_tensor(values[position]) for position in wanted))

        rows = len(tensors[0])
        if self.is_elementwise:
            parts = [part.expand(rows) for part in single(*tensors)]
            return parts[0], parts[1:]
        if rows == 1 and (alone := _attempt(single, [one[0] for one in tensors])):
            # As at a point: vectorised, max decides a tie for one of the elements.
            return alone[0][None], [one[None] for one in alone[1:]]
        try:
            found = torch.vmap(single, randomness="same")(*tensors)
        except FAULTS:
            # Some operations cannot be vectorised, and one singular matrix spoils the batch.
            nowhere = self._nowhere(wanted)
            each = [_attempt(single, row) or nowhere for row in zip(*tensors, strict=True)]
            found = tuple(torch.stack(column) for column in zip(*each, strict=True))
        return found[0], list(found[1:])

    def _nowhere(self, wanted: Sequence[int]) -> tuple[Tensor, ...]:
        """What stands for a point where the expression cannot be evaluated."""
        nan = torch.tensor(math.nan, dtype=self.context.dtype)
        return (nan, *(nan.expand(self.result_shapes[position]) for position in wanted))

    def _as_tensor(self, value: NodeValue) -> Tensor:
        return value if isinstance(value, Tensor) else self.context.tensor(value)

    def _evaluate(
        self,
        variables: Mapping[str, Tensor],
        held: Mapping[int, Tensor],
        taps: Mapping[int, Tensor],
        strains: Mapping[int, Tensor] | None = None,
    ) -> list[NodeValue]:
        constants = getattr(self, "_fixed", {})
        values: list[NodeValue] = []
        for position, node in enumerate(self.expression.nodes):
            value: NodeValue
            if node.op == VARIABLE:
                value = variables[str(node.value)]
            elif position in constants:
                value = constants[position]
            elif position in held:
                value = held[position]
            else:
                operands = [values[i] for i in node.operands]
                if position in self._means and isinstance(operands[0], Tensor):
                    operands[0] = mean_with_transpose(operands[0])
                value = apply_node(node, operands, self.context)
            if position in taps:
                value = value - taps[position]  # type: ignore[operator]  # -0 - 0 is -0
            if strains and position in strains and isinstance(value, Tensor):
                value = value + strains[position] * (value - value.detach())
            values.append(value)
        return values


def _attempt(
    function: Callable[..., tuple[Tensor, ...]], row: Sequence[Tensor]
) -> tuple[Tensor, ...] | None:
    try:
        return function(*row)
    except FAULTS as error:
        if is_shortage(error):  # which says nothing about the point
            raise NoRoomError(shortage(error)) from error
        return None


def _held_in(value: NodeValue, dtype: torch.dtype | None) -> NodeValue:
    if isinstance(value, Tensor) and dtype is not None and value.is_floating_point():
        return value.to(dtype).to(value.dtype)
    return value


def adjoints(target: Tensor, inputs: Sequence[Tensor], *, keep: bool = False) -> list[Tensor]:
    """The derivatives of the sum of `target`; zeros by what it does not depend on."""
    if not target.requires_grad:
        return [torch.zeros_like(one) for one in inputs]
    found = vector_jacobian_product(target, inputs, create_graph=keep)
    return [
        torch.zeros_like(one) if part is None else part
        for one, part in zip(inputs, found, strict=True)
    ]


def _is_elementwise(op: str) -> bool:
    row = FUNCTIONS.get(op)
    return row is not None and row.elementwise


def _depending_on_variables(expression: Expression) -> list[bool]:
    depends: list[bool] = []
    for node in expression.nodes:
        depends.append(node.op == VARIABLE or any(depends[i] for i in node.operands))
    return depends
