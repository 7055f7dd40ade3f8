"""Backward passes: plain torch.autograd.grad, nested for higher orders.

Everything here works for one point and for a batch of them: in a batch, each variable and each
output has one more axis in front, and since no point depends on another, the gradient of the sum
over the batch is the batch of gradients.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import constant, constants
from autograd_cli.engine.core.faults import explain_backward, shape_text
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.errors import DerivativeError, ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest


@dataclass(frozen=True)
class Weights:
    """The constants of a request as tensors: the direction by variable, and the weights of the
    outputs in the output's shape."""

    along: Mapping[str, Tensor] = field(default_factory=dict)
    grad_output: Tensor | None = None


def leaves(
    expression: Expression, at: Mapping[str, Tensor], request: DerivativeRequest
) -> dict[str, Tensor]:
    """Fresh leaves: only what is asked for requires a gradient, so that nothing else need have
    one."""
    wanted = (
        {component.name for component in request.partial}
        or set(request.along)
        or set(request.wrt)
        or set(expression.variables)
    )
    return {
        name: at[name].detach().clone().requires_grad_(name in wanted)
        for name in expression.variables
    }


def differentiate(
    expression: Expression,
    value: Tensor,
    at: Mapping[str, Tensor],
    request: DerivativeRequest,
    weights: Weights,
    batch: int = 0,
) -> dict[str, Tensor]:
    """The requested derivatives of `value`, each under its name in the result.

    `at` are the leaves that `value` was computed from; `batch` is the number of leading batch axes,
    0 or 1. Gradients have their variable's shape, partial and directional derivatives that of the
    batch. Raises: DerivativeError where torch has no derivative.
    """
    tape = _Tape(expression, batch)
    seed = None if weights.grad_output is None else weights.grad_output.expand_as(value)
    if request.partial:
        mixed = value
        for count, component in enumerate(request.partial, start=1):
            (whole,) = tape.gradients(
                mixed, [at[component.name]], seed, keep_graph=count < len(request.partial)
            )
            mixed = tape.element(whole, component.element)
            seed = None
        return {",".join(map(str, request.partial)): mixed}
    if request.along:
        directional = value
        wanted = [at[name] for name in request.along]
        for count in range(1, request.order + 1):
            parts = tape.gradients(directional, wanted, seed, keep_graph=count < request.order)
            directional = torch.stack(
                [
                    tape.inner(part, weights.along[name])
                    for name, part in zip(request.along, parts, strict=True)
                ]
            ).sum(0)
            seed = None
        return {"along": directional}
    names = request.wrt or tuple(at)
    wanted = [at[name] for name in names]
    first = tape.gradients(value, wanted, seed, keep_graph=request.order > 1)
    if request.order == 1:
        return dict(zip(names, first, strict=True))
    return {
        name: tape.pure(part, leaf, request.order)
        for name, part, leaf in zip(names, first, wanted, strict=True)
    }


@dataclass(frozen=True)
class _Tape:
    """Backward passes over tensors with `batch` leading batch axes (0 or 1)."""

    expression: Expression
    batch: int

    def gradients(
        self,
        target: Tensor,
        leaves: Sequence[Tensor],
        upstream: Tensor | None,
        keep_graph: bool,
    ) -> list[Tensor]:
        """d target / d leaves, zero where there is no path; `upstream` weighs the targets
        (None is ones)."""
        if not target.requires_grad:
            return [torch.zeros_like(leaf) for leaf in leaves]
        try:
            found = vector_jacobian_product(target, leaves, upstream, create_graph=keep_graph)
        except (RuntimeError, NotImplementedError) as error:
            raise explain_backward(error, self.expression) from error
        return [
            torch.zeros_like(leaf) if part is None else part
            for leaf, part in zip(leaves, found, strict=True)
        ]

    def pure(self, first: Tensor, leaf: Tensor, order: int) -> Tensor:
        """The derivatives of `order` by each element of `leaf` alone, in its shape.

        `first` is the gradient, still attached to its graph.
        """
        shape = leaf.shape[self.batch :]
        results = []
        for index in itertools.product(*map(range, shape)):
            part = self.element(first, index)
            for _ in range(order - 1):
                (whole,) = self.gradients(part, [leaf], None, keep_graph=True)
                part = self.element(whole, index)
            results.append(part.detach())
        if not results:
            return torch.zeros_like(leaf)
        return torch.stack(results, dim=self.batch).reshape(leaf.shape)

    def element(self, tensor: Tensor, index: tuple[int, ...]) -> Tensor:
        """One element of each point's tensor, shape (*batch,)."""
        return tensor[(slice(None),) * self.batch + index]

    def inner(self, tensor: Tensor, direction: Tensor) -> Tensor:
        """The inner product of each point's tensor with `direction`, shape (*batch,)."""
        product = tensor * direction
        return product.flatten(self.batch).sum(-1) if product.dim() > self.batch else product


def weights(
    expression: Expression,
    at: Mapping[str, Tensor],
    shape: torch.Size,
    request: DerivativeRequest,
    context: Context,
) -> Weights:
    """The constants of a request, checked against the shapes they go with."""
    along = constants(request.along, context)
    for name, direction in along.items():
        wanted = at[name].shape
        if direction.shape != wanted:
            raise ShapeError(
                f"--along gives '{name}' {shape_text(direction)}, but it is {shape_text(at[name])}"
            )
    grad_output = None
    if request.grad_output is not None:
        grad_output = constant(request.grad_output, context)
        if grad_output.shape == (1,) and not shape:
            grad_output = grad_output.reshape(())
        if grad_output.shape != shape:
            raise ShapeError(
                f"--grad-output is {shape_text(grad_output)}, but the output is"
                f" {shape_text(torch.empty(shape))}",
                hint="it weighs every element of the output, and has its shape",
            )
    for component in request.partial:
        variable = at[component.name]
        if len(component.element) != variable.dim() or any(
            i >= n for i, n in zip(component.element, variable.shape, strict=True)
        ):
            raise ShapeError(
                f"--partial: {component} is no element: '{component.name}' is"
                f" {shape_text(variable)}",
                hint=f"name elements as in {component.name}[{','.join('0' * variable.dim())}]"
                if variable.dim()
                else "",
            )
    return Weights(along, grad_output)


_CURE = "use agx jacobian, sum(…), or weigh the outputs with --grad-output"
_CURES = dict.fromkeys(
    ("graph", "explain"),
    "take one element or sum(…) of it, or weigh the outputs with --grad-output",
)


def check_differentiable(
    expression: Expression, value: Tensor, weights: Weights, command: str = "grad"
) -> None:
    """Raises DerivativeError for a condition, and ShapeError for several outputs without weights,
    in the words of the command."""
    span = expression.nodes[expression.root].span
    if value.dtype == torch.bool:
        raise DerivativeError(
            "a condition has no derivative",
            hint="where(condition, a, b) chooses between two values",
            span=span,
            source=expression.source,
        )
    if value.dim() and weights.grad_output is None and value.numel() != 1:
        raise ShapeError(
            f"{command} needs one output, and this is {shape_text(value)}",
            hint=_CURES.get(command, _CURE),
            span=span,
            source=expression.source,
        )
