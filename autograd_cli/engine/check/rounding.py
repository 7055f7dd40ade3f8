"""What rounding does to the value of an expression and to its gradient, at many points.

The adjoint of an operation's result v says how the output moves with the rounding error of v, so
that one backward pass bounds the rounding of all the points: u * sum |v df/dv|, where u is the unit
of rounding. This is first-order running error analysis (Higham 2002, section 3.3), with adjoints.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.check.aliasing import DIVIDING, PERIODIC, WHOLE, Phase
from autograd_cli.engine.core.vectorised import Vectorised, adjoints
from autograd_cli.language.expression import VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS

UNIT = 2.0**-53
UNDERFLOW = 2.0**-1021  # the error of a result that underflows, in units of rounding

# How many roundings one operation of a family stands for; the operators and most elementary
# functions are right to the last bit or nearly so.
ROUNDINGS = {"special": 8.0, "activation": 4.0, "elementary": 2.0}
# Activations that are computed as a difference of terms as large as their operand.
DIFFERENCES = ("gelu", "gelu_tanh", "tanhshrink")


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


@dataclass(frozen=True)
class Noisy:
    """Values at many points, and what is wrong with them; all but `phases` of shape (points,).

    `noise` bounds their rounding errors, `strayed` is how much a step of a staircase makes of them,
    and `phases` are those of the periodic operations.
    """

    values: Tensor
    noise: Tensor
    strayed: Tensor
    phases: Sequence[Phase]


class Rounding:
    """The rounding errors of an expression that is evaluated in float64."""

    def __init__(self, vectorised: Vectorised) -> None:
        self._vectorised = vectorised
        self._weights = _weights(vectorised.expression, vectorised.result_shapes)

    def values(
        self,
        points: Mapping[str, Tensor],
        held: Sequence[Tensor] = (),
        stairs: Sequence[Tensor] = (),
    ) -> Noisy:
        """The values at many points, and their errors.

        `points` holds tensors of shape (points, *shape); `stairs` are the values that the
        staircases would have without a step.
        """
        vectorised = self._vectorised
        value, inner, leaves, taps = vectorised.recorded(points, held)
        found = self._known(inner, leaves, adjoints(value, [*taps, *leaves]))
        strayed = torch.zeros(len(value), dtype=torch.float64)
        for position, base in zip(vectorised.staircases, stairs, strict=False):
            if position in vectorised.tapped:
                step, adjoint = found[position]
                moved = ((step.detach() - base) * adjoint).abs().nan_to_num(0.0, math.inf)
                strayed = strayed + moved.reshape(len(strayed), -1).sum(1)
        noise = UNIT * torch.maximum(self._bound(found), value.detach().abs())
        return Noisy(value.detach(), noise, strayed, list(self._phases(found)))

    def slopes(
        self, points: Mapping[str, Tensor], component: tuple[str, int], held: Sequence[Tensor] = ()
    ) -> Noisy:
        """The same of a first derivative by autograd: by one element of a variable."""
        vectorised = self._vectorised
        value, inner, leaves, taps = vectorised.recorded(points, held)
        slope = vectorised.slope(value, dict(zip(vectorised.names, leaves, strict=True)), component)
        found = self._known(inner, leaves, adjoints(slope, [*taps, *leaves]))
        # The operations of the backward pass round as well, about as often.
        noise = 4 * UNIT * torch.maximum(self._bound(found), slope.detach().abs())
        phases = list(self._phases(found))
        return Noisy(slope.detach(), noise, torch.zeros_like(noise), phases)

    def wobble(
        self,
        points: Mapping[str, Tensor],
        unit: float,
        component: tuple[str, int] | None = None,
        samples: int = 12,
    ) -> list[Tensor]:
        """How far gradients move when every operation is off by up to `unit` of its result.

        They are those of the expression, or of its derivative by one element of a variable. One
        tensor for each variable, of shape (points, *shape): the largest change in `samples` random
        tries (a discrete stochastic arithmetic; Vignes 1993).
        """
        vectorised = self._vectorised
        held = vectorised.held(points)
        unit = max(unit, 2 * UNIT)  # less would be rounded away
        _, inner, _, _ = vectorised.recorded(points, held)
        rows = len(inner[0]) if inner else len(next(iter(points.values())))
        generator = torch.Generator().manual_seed(0)
        many = {name: _repeated(tensor, samples) for name, tensor in points.items()}
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in many.items()}
        exact = {leaf.data_ptr() for leaf in leaves.values()}

        def signs(shape: torch.Size) -> Tensor:
            """Of errors, in shares of the unit; the first of the samples is not disturbed."""
            drawn = 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1
            drawn.view(rows, samples, -1)[:, 0] = 0
            return drawn * unit

        def disturbed(kept: Tensor) -> Tensor:
            """What an operation keeps for its backward pass, such as its own result."""
            ours = kept.shape[:1] == (rows * samples,) and kept.dtype == torch.float64
            return kept * (1 + signs(kept.shape)) if ours and kept.data_ptr() not in exact else kept

        copies = {
            position: _repeated(value.detach(), samples)
            for position, value in zip(vectorised.tapped, inner, strict=True)
        }
        errors = {position: value * signs(value.shape) for position, value in copies.items()}
        strains = {position: signs(value.shape) for position, value in copies.items()}
        repeated = [_repeated(one, samples) for one in held]
        hooks: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if vectorised.is_elementwise:  # torch.vmap has no hooks
            hooks = torch.autograd.graph.saved_tensors_hooks(disturbed, _unchanged)
        with hooks:
            value, _ = vectorised.forward(leaves, repeated, errors, [], strains)
            if component is not None:
                value = vectorised.slope(value, leaves, component)
        found = adjoints(value, [leaves[name] for name in vectorised.names])
        moved = []
        for one in found:
            split = one.reshape(rows, samples, *one.shape[1:])
            moved.append((split - split[:, :1]).abs().nan_to_num(math.inf).amax(1))
        return moved

    def _known(
        self, inner: Sequence[Tensor], leaves: Sequence[Tensor], found: Sequence[Tensor]
    ) -> dict[int, tuple[Tensor, Tensor]]:
        """Values and adjoints by the position of their node."""
        vectorised = self._vectorised
        places = [vectorised.expression.variables[name] for name in vectorised.names]
        values = [one.detach() for one in (*inner, *leaves)]
        return dict(
            zip([*vectorised.tapped, *places], zip(values, found, strict=True), strict=True)
        )

    def _bound(self, known: Mapping[int, tuple[Tensor, Tensor]]) -> Tensor:
        """Of the rounding errors of the output, in units of rounding; shape (points,)."""
        total = torch.zeros(1, dtype=torch.float64)
        for position, (value, adjoint) in known.items():
            weight = self._weights[position]
            if weight.beside is not None and weight.beside in known:
                value = torch.maximum(value.abs(), known[weight.beside][0].abs())
            total = total + weight.bound(value, adjoint)
        return total

    def _phases(self, known: Mapping[int, tuple[Tensor, Tensor]]) -> Iterator[Phase]:
        """Those of the periodic operations, by each of the operands that vary."""
        constants = self._vectorised.constants
        for node in self._vectorised.expression.nodes:
            parts = node.operands[: PERIODIC.get(node.op, 0)]
            moving = [part for part in parts if part in known]
            if not moving or any(part not in known and part not in constants for part in parts):
                continue
            dims = max(known[part][0].dim() for part in moving)
            values = [
                _with_dims(known[part][0], dims) if part in known else constants[part]
                for part in parts
            ]
            turned = values[0] / values[1] if node.op in DIVIDING else values[0]
            if node.op in (*DIVIDING, *WHOLE):
                turned = 2 * math.pi * turned
            for part in moving:
                value, adjoint = (_with_dims(one, dims) for one in known[part])
                shape = (turned + value).shape
                yield Phase(*(one.expand(shape) for one in (turned, value, adjoint)))


def _with_dims(values: Tensor, dims: int) -> Tensor:
    """Broadcastable to tensors of `dims` axes, the first of which is that of the points."""
    rows, *shape = values.shape
    return values.reshape(rows, *(1,) * (dims - values.dim()), *shape)


def _unchanged(tensor: Tensor) -> Tensor:
    return tensor


def _repeated(tensor: Tensor, times: int) -> Tensor:
    return tensor.repeat_interleave(times, 0)


def _weights(expression: Expression, shapes: Sequence[tuple[int, ...]]) -> list[Weight]:
    """How much the rounding of each value counts.

    A sum of n terms rounds its terms log2(n) times (pairwise summation); linear algebra is backward
    stable: its result is that of a matrix which is off by n units of its norm.
    """
    each = [0.0] * len(shapes)
    norm = [0.0] * len(shapes)
    for position, node in enumerate(expression.nodes):
        row = FUNCTIONS.get(node.op)
        if node.op == VARIABLE or row is None:
            continue
        each[position] += ROUNDINGS.get(row.family, 1.0)
        if row.elementwise:
            continue
        for operand in node.operands:
            shape = shapes[operand]
            if not shape:
                continue
            if row.family in ("linear algebra", "operator"):
                norm[operand] += max(shape) + 1.0
            else:
                each[operand] += math.log2(math.prod(shape)) + 1.0 if math.prod(shape) else 0.0
    beside = [node.operands[0] if node.op in DIFFERENCES else None for node in expression.nodes]
    return [Weight(*parts) for parts in zip(each, norm, beside, strict=True)]
