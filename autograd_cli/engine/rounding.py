"""An expression at many points at once, and what rounding does to its value and its gradient.

Every operation's result v is followed by a tap: a zero that is subtracted from it. The derivative
of the output by the tap says how the output moves with the rounding error of v, so that one
backward pass bounds the rounding of all the points: u * sum |v df/dv|, where u is the unit of
rounding. This is first-order running error analysis (Higham 2002, section 3.3), with adjoints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import NodeValue, apply_node, output
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import LIST, NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS

UNIT = 2.0**-53
UNDERFLOW = 2.0**-1021  # the error of a result that underflows, in units of rounding

# How many roundings one operation of a family stands for; the operators and most elementary
# functions are right to the last bit or nearly so.
ROUNDINGS = {"special": 8.0, "activation": 4.0, "elementary": 2.0}
# Activations that are computed as a difference of terms as large as their operand.
DIFFERENCES = ("gelu", "gelu_tanh", "tanhshrink")
DETACH = "detach"
STAIRS = ("floor", "ceil", "round", "trunc", "floor_divide", "sign", "Heaviside")
FAULTS = (AgxError, RuntimeError, NotImplementedError, ValueError, TypeError, IndexError)


@dataclass(frozen=True)
class Weight:
    """How the rounding of a value counts: `each` for its elements, `norm` for it as a whole; with
    `beside`, elements count as if they were as large as those of the node at that position."""

    each: float = 0.0
    norm: float = 0.0
    beside: int | None = None

    def bound(self, value: Tensor, adjoint: Tensor) -> Tensor:
        """The sum over all but the first axis, shape (points,)."""
        rows = len(value)
        total = torch.zeros(rows, dtype=value.dtype)
        if self.each:
            moved = (value * adjoint).abs() + UNDERFLOW * adjoint.abs()
            total = total + self.each * moved.nan_to_num(0.0, math.inf).reshape(rows, -1).sum(1)
        if self.norm:
            sizes = [part.reshape(rows, -1).norm(dim=1) for part in (value, adjoint)]
            total = total + self.norm * (sizes[0] * sizes[1]).nan_to_num(0.0, math.inf)
        return total


class Batch:
    """An expression, ready to be evaluated in float64 at many points.

    `point` is one point, which gives every variable its shape. What does not depend on a variable
    is evaluated once, so that random constants stay what they are, and is given as the dtype
    `rounded` would hold it. Raises: EvaluationError where
    the expression cannot be evaluated.
    """

    def __init__(
        self,
        expression: Expression,
        point: Mapping[str, Tensor],
        context: Context,
        rounded: torch.dtype | None = None,
    ) -> None:
        self.expression = expression
        self.context = context
        self.names = list(expression.variables)
        self.shapes = {name: tuple(point[name].shape) for name in self.names}
        leaves = {name: point[name].detach().clone().requires_grad_() for name in self.names}
        values = self._evaluate(leaves, {}, {})
        self._moving = _depending_on_variables(expression)
        self._constants = {
            position: _held_in(value, rounded)
            for position, value in enumerate(values)
            if not self._moving[position] and expression.nodes[position].op != NUMBER
        }
        self._held = [
            position
            for position, node in enumerate(expression.nodes)
            if node.op == DETACH and self._moving[position]
        ]
        self._shapes = [tuple(value.shape) if isinstance(value, Tensor) else () for value in values]
        self._stairs = [
            position
            for position, node in enumerate(expression.nodes)
            if node.op in STAIRS and self._moving[position]
        ]
        self._tapped = {
            position: tuple(value.shape)
            for position, value in enumerate(values)
            if isinstance(value, Tensor)
            and value.requires_grad
            and expression.nodes[position].op != VARIABLE
        }
        self._weights = _weights(expression, values)
        self._is_elementwise = all(
            node.op in (NUMBER, VARIABLE) or (node.op != LIST and _is_elementwise(node.op))
            for node in expression.nodes
        ) and not any(self.shapes.values())
        self.elements = sum(math.prod(value.shape) for value in values if isinstance(value, Tensor))

    def held(self, points: Mapping[str, Tensor]) -> list[Tensor]:
        """The values, at every point, of what `detach` holds fixed."""
        if not self._held:
            return []
        with torch.no_grad():
            return self._forward(points, [], {}, self._held)[1]

    def stairs(self, points: Mapping[str, Tensor]) -> list[Tensor]:
        """The values, at every point, of the functions that are constant between their jumps."""
        if not self._stairs:
            return []
        with torch.no_grad():
            return self._forward(points, [], {}, self._stairs)[1]

    def values_and_noise(
        self,
        points: Mapping[str, Tensor],
        held: Sequence[Tensor] = (),
        stairs: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The values at many points, bounds of their rounding errors, and how much a step of a
        staircase makes of them; all of shape (points,).

        `points` holds tensors of shape (points, *shape); `stairs` are the values that the
        staircases would have without that step.
        """
        value, inner, leaves, taps = self._recorded(points, held)
        adjoints = _adjoints(value, [*taps, *leaves])
        bound = self._bound(inner, adjoints[: len(taps)], leaves, adjoints[len(taps) :])
        strayed = torch.zeros_like(bound)
        by_position = dict(zip(self._tapped, zip(inner, adjoints, strict=False), strict=True))
        for position, base in zip(self._stairs, stairs, strict=False):
            if position in by_position:
                step, adjoint = by_position[position]
                moved = ((step.detach() - base) * adjoint).abs().nan_to_num(0.0, math.inf)
                strayed = strayed + moved.reshape(len(strayed), -1).sum(1)
        return value.detach(), UNIT * torch.maximum(bound, value.detach().abs()), strayed

    def slopes_and_noise(
        self,
        points: Mapping[str, Tensor],
        component: tuple[str, int],
        held: Sequence[Tensor] = (),
    ) -> tuple[Tensor, Tensor]:
        """The same of a first derivative by autograd: by one element of a variable."""
        name, element = component
        value, inner, leaves, taps = self._recorded(points, held)
        rows = len(value)
        first = _adjoints(value, [leaves[self.names.index(name)]], keep=True)[0]
        slope = first.reshape(rows, -1)[:, element]
        adjoints = _adjoints(slope, [*taps, *leaves])
        bound = self._bound(inner, adjoints[: len(taps)], leaves, adjoints[len(taps) :])
        # The operations of the backward pass round as well, about as often.
        return slope.detach(), 4 * UNIT * torch.maximum(bound, slope.detach().abs())

    def wobble(self, points: Mapping[str, Tensor], unit: float, samples: int = 12) -> list[Tensor]:
        """How far gradients move when every operation is off by up to `unit` of its result.

        One tensor for each variable, of shape (points, *shape): the largest change in `samples`
        random tries (a discrete stochastic arithmetic; Vignes 1993).
        """
        held = self.held(points)
        unit = max(unit, 2 * UNIT)  # less would be rounded away
        _, inner, _, _ = self._recorded(points, held)
        rows = len(inner[0]) if inner else len(next(iter(points.values())))
        generator = torch.Generator().manual_seed(0)
        many = {name: _repeated(tensor, samples) for name, tensor in points.items()}
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in many.items()}
        exact = {leaf.data_ptr() for leaf in leaves.values()}

        def error(value: Tensor) -> Tensor:
            signs = 2 * torch.rand(value.shape, generator=generator, dtype=value.dtype) - 1
            signs.view(rows, samples, -1)[:, 0] = 0  # the first of them is not disturbed
            return value * unit * signs

        def disturbed(kept: Tensor) -> Tensor:
            """What an operation keeps for its backward pass, such as its own result."""
            ours = kept.shape[:1] == (rows * samples,) and kept.dtype == torch.float64
            return kept + error(kept) if ours and kept.data_ptr() not in exact else kept

        errors = {
            position: error(_repeated(value.detach(), samples))
            for position, value in zip(self._tapped, inner, strict=True)
        }
        repeated = [_repeated(one, samples) for one in held]

        def backwards(value: Tensor) -> None:
            """Disturbs the adjoint of a value."""
            if value.requires_grad:
                value.register_hook(lambda adjoint: adjoint + error(adjoint))  # type: ignore[no-untyped-call]

        if self._is_elementwise:
            with torch.autograd.graph.saved_tensors_hooks(disturbed, _unchanged):
                value, _ = self._forward(leaves, repeated, errors, [], backwards)
        else:  # torch.vmap has no hooks
            value, _ = self._forward(leaves, repeated, errors, [])
        found = _adjoints(value, [leaves[name] for name in self.names])
        moved = []
        for one in found:
            split = one.reshape(rows, samples, *one.shape[1:])
            moved.append((split - split[:, :1]).abs().nan_to_num(math.inf).amax(1))
        return moved

    def gradients(self, points: Mapping[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Values and gradients by every variable at many points, in the dtype of the points."""
        leaves = [points[name].detach().clone().requires_grad_() for name in self.names]
        value, _ = self._forward(dict(zip(self.names, leaves, strict=True)), None, {}, [])
        return value.detach(), _adjoints(value, leaves)

    def second(self, points: Mapping[str, Tensor], component: tuple[str, int]) -> list[Tensor]:
        """The gradients of the derivative by one element of a variable, as `gradients`."""
        name, element = component
        leaves = [points[key].detach().clone().requires_grad_() for key in self.names]
        value, _ = self._forward(dict(zip(self.names, leaves, strict=True)), None, {}, [])
        first = _adjoints(value, [leaves[self.names.index(name)]], keep=True)[0]
        return _adjoints(first.reshape(len(first), -1)[:, element], leaves)

    def _recorded(
        self, points: Mapping[str, Tensor], held: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        """Outputs, the tapped values, the leaves and the taps."""
        leaves = {name: points[name].detach().clone().requires_grad_() for name in self.names}
        rows = len(next(iter(leaves.values())))
        taps = {
            position: torch.zeros((rows, *shape), dtype=torch.float64, requires_grad=True)
            for position, shape in self._tapped.items()
        }
        value, inner = self._forward(leaves, list(held), taps, list(self._tapped))
        return value, inner, list(leaves.values()), list(taps.values())

    def _bound(
        self,
        inner: Sequence[Tensor],
        by_taps: Sequence[Tensor],
        leaves: Sequence[Tensor],
        by_leaves: Sequence[Tensor],
    ) -> Tensor:
        total = torch.zeros(len(leaves[0]), dtype=torch.float64)
        known = dict(zip(self._tapped, inner, strict=True))
        known |= {
            self.expression.variables[name]: leaf
            for name, leaf in zip(self.names, leaves, strict=True)
        }
        for position, value, adjoint in zip(self._tapped, inner, by_taps, strict=True):
            weight = self._weights[position]
            if weight.beside in known:
                value = torch.maximum(value.abs(), known[weight.beside].abs())
            total = total + weight.bound(value.detach(), adjoint)
        for name, value, adjoint in zip(self.names, leaves, by_leaves, strict=True):
            weight = self._weights[self.expression.variables[name]]
            total = total + weight.bound(value.detach(), adjoint)
        return total

    def _forward(
        self,
        points: Mapping[str, Tensor],
        held: Sequence[Tensor] | None,
        taps: Mapping[int, Tensor],
        wanted: Sequence[int],
        meet: Callable[[Tensor], None] | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """The outputs at many points, shape (points,), and the values of the wanted nodes.

        `held` are the values of what is detached, None (or nothing) to evaluate it; `meet` is shown
        every tapped value.
        """
        fixed = self._held if held else []
        tensors = [*(points[name] for name in self.names), *(held or ()), *taps.values()]
        first, second = len(self.names), len(self.names) + len(fixed)

        def single(*parts: Tensor) -> tuple[Tensor, ...]:
            values = self._evaluate(
                dict(zip(self.names, parts[:first], strict=True)),
                dict(zip(fixed, parts[first:second], strict=True)),
                dict(zip(taps, parts[second:], strict=True)),
                meet,
            )
            result = output(self.expression, values, self.context)
            if not self._is_elementwise:
                result = result.reshape(())
            return (result, *(self._as_tensor(values[position]) for position in wanted))

        rows = len(tensors[0])
        if self._is_elementwise:
            parts = [part.expand(rows) for part in single(*tensors)]
            return parts[0], parts[1:]
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
        return (nan, *(nan.expand(self._shapes[position]) for position in wanted))

    def _as_tensor(self, value: NodeValue) -> Tensor:
        return value if isinstance(value, Tensor) else self.context.tensor(value)

    def _evaluate(
        self,
        variables: Mapping[str, Tensor],
        held: Mapping[int, Tensor],
        taps: Mapping[int, Tensor],
        meet: Callable[[Tensor], None] | None = None,
    ) -> list[NodeValue]:
        constants = getattr(self, "_constants", {})
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
                value = apply_node(node, [values[i] for i in node.operands], self.context)
            if position in taps:
                value = value - taps[position]  # type: ignore[operator]  # -0 - 0 is -0
                if meet is not None and isinstance(value, Tensor):
                    meet(value)
            values.append(value)
        return values


def _attempt(
    function: Callable[..., tuple[Tensor, ...]], row: Sequence[Tensor]
) -> tuple[Tensor, ...] | None:
    try:
        return function(*row)
    except FAULTS:
        return None


def _held_in(value: NodeValue, dtype: torch.dtype | None) -> NodeValue:
    if isinstance(value, Tensor) and dtype is not None and value.is_floating_point():
        return value.to(dtype).to(value.dtype)
    return value


def _adjoints(target: Tensor, inputs: Sequence[Tensor], *, keep: bool = False) -> list[Tensor]:
    if not target.requires_grad:
        return [torch.zeros_like(one) for one in inputs]
    found = vector_jacobian_product(target, inputs, create_graph=keep)
    return [
        torch.zeros_like(one) if part is None else part
        for one, part in zip(inputs, found, strict=True)
    ]


def _unchanged(tensor: Tensor) -> Tensor:
    return tensor


def _repeated(tensor: Tensor, times: int) -> Tensor:
    return tensor.repeat_interleave(times, 0)


def _is_elementwise(op: str) -> bool:
    row = FUNCTIONS.get(op)
    return row is not None and row.elementwise


def _depending_on_variables(expression: Expression) -> list[bool]:
    depends: list[bool] = []
    for node in expression.nodes:
        depends.append(node.op == VARIABLE or any(depends[i] for i in node.operands))
    return depends


def _weights(expression: Expression, values: Sequence[NodeValue]) -> list[Weight]:
    """How much the rounding of each value counts.

    A sum of n terms rounds its terms log2(n) times (pairwise summation); linear algebra is backward
    stable: its result is that of a matrix which is off by n units of its norm.
    """
    each = [0.0] * len(values)
    norm = [0.0] * len(values)
    for position, node in enumerate(expression.nodes):
        row = FUNCTIONS.get(node.op)
        if node.op == VARIABLE or row is None:
            continue
        each[position] += ROUNDINGS.get(row.family, 1.0)
        if row.elementwise:
            continue
        for operand in node.operands:
            value = values[operand]
            if not isinstance(value, Tensor) or not value.dim():
                continue
            if row.family in ("linear algebra", "operator"):
                norm[operand] += max(value.shape) + 1.0
            else:
                each[operand] += math.log2(value.numel()) + 1.0 if value.numel() else 0.0
    beside = [node.operands[0] if node.op in DIFFERENCES else None for node in expression.nodes]
    return [Weight(*parts) for parts in zip(each, norm, beside, strict=True)]
