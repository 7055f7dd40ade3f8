"""Forward mode: the tangent of every step along a direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core import backward
from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.faults import explain_backward
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.nodewise.trace import Trace
from autograd_cli.errors import EvaluationError
from autograd_cli.language.expression import VARIABLE, Expression
from autograd_cli.results import components

MOST_DIRECTIONS = 100  # passes of forward mode


def directions_of(
    expression: Expression, leaves: Mapping[str, Tensor], weights: backward.Weights
) -> dict[str, dict[str, Tensor]]:
    """The direction of `--along`, or that of each element of each variable in turn."""
    if weights.along:
        return {"along": dict(weights.along)}
    count = sum(leaves[name].numel() for name in expression.variables)
    if count > MOST_DIRECTIONS:
        raise EvaluationError(
            f"forward mode would take {count:,} passes, one for every element of the variables",
            hint="choose one direction with --along, or use --mode reverse, which takes one pass",
        )
    found: dict[str, dict[str, Tensor]] = {}
    for name in expression.variables:
        leaf = leaves[name]
        for number, (label, _) in enumerate(components(name, plain(leaf))):
            unit = torch.zeros_like(leaf).detach().flatten()
            unit[number] = 1
            found[label] = {name: unit.reshape(leaf.shape)}
    return found


def assembled(
    expression: Expression, leaves: Mapping[str, Tensor], slopes: Sequence[Tensor], is_along: bool
) -> dict[str, Tensor]:
    """The derivatives along the elements of the variables, in the variables' shapes."""
    if is_along:
        return {"along": slopes[0]}
    rest = iter(slopes)
    return {
        name: torch.stack([next(rest) for _ in range(leaves[name].numel())]).reshape(
            leaves[name].shape
        )
        if leaves[name].numel()
        else torch.zeros_like(leaves[name])
        for name in expression.variables
    }


def forward_sweep(trace: Trace, start: Mapping[str, Tensor]) -> dict[int, Tensor]:
    """The tangent of every step along one direction.

    Each operation's Jacobian-vector product is the derivative of its vector-Jacobian product by the
    vector, which is linear in it; so every function that can be differentiated backward can be
    differentiated forward.
    """
    expression = trace.expression
    tangents: dict[int, Tensor] = {}
    for position in trace.numbers:
        node, value = expression.nodes[position], trace.values[position]
        shape = value.shape if isinstance(value, Tensor) else ()
        zeros = torch.zeros(shape, dtype=trace.context.dtype, device=trace.context.device)
        if node.op == VARIABLE:
            tangents[position] = start.get(str(node.value), zeros)
        else:
            tangents[position] = zeros + _pushed(trace, position, tangents)
    return tangents


def _pushed(trace: Trace, position: int, tangents: Mapping[int, Tensor]) -> Tensor | float:
    """The Jacobian-vector product of a step with the tangents of its operands."""
    result, tracked = trace.alone(position)
    total: Tensor | float = 0.0
    if result is None:
        return total
    operands = trace.expression.nodes[position].operands
    vector = torch.zeros_like(result).requires_grad_()
    try:
        products = vector_jacobian_product(
            result, list(tracked.values()), vector, create_graph=True
        )
        for place, product in zip(tracked, products, strict=True):
            if product is None or not product.requires_grad:
                continue
            (part,) = vector_jacobian_product(
                product, [vector], tangents[operands[place]], retain_graph=True
            )
            total = total if part is None else total + part
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, trace.expression) from error
    return total
