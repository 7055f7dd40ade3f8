"""Where a `nan` or an `inf` was born, and the usual cure.

Forward: the first sub-expression, in evaluation order, that is not finite although its operands
are. Backward: the first operation, from the output down, whose own upstream gradient is finite but
which hands on one that is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, evaluate
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.nodewise.alone import alone
from autograd_cli.engine.nodewise.cures import safe_operand, stable_form
from autograd_cli.language.expression import NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS


def explain_value(
    expression: Expression, values: Sequence[NodeValue], context: Context
) -> list[str]:
    """Why the value is not finite: at most one sentence, none if it is finite."""
    if _is_finite(values[expression.root]):
        return []
    result = _non_finite(values[expression.root])
    for position, node in enumerate(expression.nodes):
        value = values[position]
        if _is_finite(value) or not all(_is_finite(values[i]) for i in node.operands):
            continue
        text, found = _short(expression.text(position)), _non_finite(value)
        what = f"{text} is {found}" if text != found else f"{text} stands in the expression"
        if node.op in (NUMBER, VARIABLE):
            return [f"the value is {result}: {what}"]
        where = _operands(expression, position, values)
        cure = _cure(expression, position, found, values, context)
        return [f"the value is {result}: {what}{where}{cure}"]
    return [f"the value is {result}"]


def explain_gradient(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    grad_output: Tensor | None,
    context: Context,
) -> list[str]:
    """Why a gradient is not finite although the value is: at most one sentence.

    `values` are those of `leaves`; the forward pass is repeated, because its graph may be gone.
    """
    fresh = {
        name: leaf.detach().requires_grad_(leaf.requires_grad) for name, leaf in leaves.items()
    }
    values = evaluate(expression, fresh, context)
    output = values[expression.root]
    if not isinstance(output, Tensor) or not output.requires_grad or not _is_finite(output):
        return []
    tracked = [
        position
        for position, value in enumerate(values)
        if isinstance(value, Tensor) and value.requires_grad
    ]
    seed = None if grad_output is None else grad_output.expand_as(output)
    tensors = [cast(Tensor, values[position]) for position in tracked]
    found = vector_jacobian_product(output, tensors, seed)
    adjoints = dict(zip(tracked, found, strict=True))
    for position in reversed(range(len(expression.nodes))):
        upstream = adjoints.get(position)
        if upstream is None or not _is_finite(upstream):
            continue
        handed = _handed_down(expression, position, values, upstream, context)
        for operand, (local, product) in handed.items():
            if not _is_finite(product):
                said = _sentence(expression, position, operand, values, local, upstream, product)
                is_zero = _pick(upstream, _element(product)) == 0
                guarded = operand if is_zero else None
                return [said + _cure_of_gradient(expression, position, guarded, values, context)]
    return []


def explain_higher(
    expression: Expression, values: Sequence[NodeValue], order: int, context: Context
) -> list[str]:
    """Why a derivative of a higher order is not finite although the gradient is: the first
    operation whose own derivatives, up to that order, are not."""
    for position in range(len(expression.nodes)):
        result, tracked = alone(expression, position, values, context)
        for _ in range(order):
            if result is None or not result.requires_grad:
                break
            slopes = vector_jacobian_product(result, list(tracked.values()), create_graph=True)
            result = _sum_of([slope for slope in slopes if slope is not None])
            if result is not None and not _is_finite(result):
                what = _short(expression.text(position))
                where = _operands(expression, position, values)
                return [
                    f"a derivative of order {order} is {_non_finite(result)}: those of {what}"
                    f" are not finite{where}"
                ]
    return [f"a derivative of order {order} is not finite here"]


def _sum_of(tensors: Sequence[Tensor]) -> Tensor | None:
    """The sum of all elements of some tensors; None of none."""
    sums = [tensor.sum() for tensor in tensors]
    return torch.stack(sums).sum() if sums else None


def _handed_down(
    expression: Expression,
    position: int,
    values: Sequence[NodeValue],
    upstream: Tensor,
    context: Context,
) -> dict[int, tuple[Tensor, Tensor]]:
    """For each operand of a node, its local derivative (summed) and what it gets from upstream."""
    result, tracked = alone(expression, position, values, context)
    if result is None:
        return {}
    inputs = list(tracked.values())
    local = vector_jacobian_product(result, inputs, retain_graph=True)
    product = vector_jacobian_product(result, inputs, upstream)
    found: dict[int, tuple[Tensor, Tensor]] = {}
    for place, one, other in zip(tracked, local, product, strict=True):
        if one is not None and other is not None:
            operand = expression.nodes[position].operands[place]
            if operand in found:  # the two of `x*x` are one
                one, other = one + found[operand][0], other + found[operand][1]
            found[operand] = one, other
    return found


def _sentence(
    expression: Expression,
    position: int,
    operand: int,
    values: Sequence[NodeValue],
    local: Tensor,
    upstream: Tensor,
    product: Tensor,
) -> str:
    what = _short(expression.text(position))
    of = _short(expression.text(operand))
    at = _element(product)
    slope = _pick(local, at)
    weight = _pick(upstream, at)
    where = _pick(values[operand], at)
    text = f"the gradient is {_pick(product, at):g}: going backward through {what}, the derivative"
    text += f" by {of} is {slope:g}" + ("" if where is None else f" at {where:g}")
    if weight == 0:
        text += f", and {slope:g} times the gradient 0 from above is nan"
    elif math.isinf(slope):
        text += ": the slope is infinite there"
    return text


def _shape(value: NodeValue) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, Tensor) else ()


def _is_finite(value: NodeValue) -> bool:
    if isinstance(value, Tensor):
        return bool(value.isfinite().all())
    return value is None or math.isfinite(value)


def _non_finite(value: NodeValue) -> str:
    """`nan`, `inf` or `-inf`: what the first non-finite element is."""
    if isinstance(value, Tensor):
        value = value.detach()[~value.isfinite()].flatten()[0].item()
    return f"{value:g}"


def _element(tensor: Tensor) -> int:
    """The flat position of the first non-finite element."""
    return int((~tensor.isfinite()).flatten().nonzero()[0].item())


def _pick(value: NodeValue, position: int) -> Any:
    """The element of a tensor at a flat position, if it has that many; of a scalar, itself."""
    if not isinstance(value, Tensor):
        return value
    flat = value.detach().flatten()
    if len(flat) == 1:
        return flat[0].item()
    return flat[position].item() if position < len(flat) else None


def _operands(expression: Expression, position: int, values: Sequence[NodeValue]) -> str:
    """` at x = 0`: the numbers among a node's operands, and of vectors that go with its result
    element by element the one that made the first non-finite element."""
    node, result = expression.nodes[position], values[position]
    at = None if _is_finite(result) else _element(result) if isinstance(result, Tensor) else 0
    elementwise = node.op in FUNCTIONS and FUNCTIONS[node.op].elementwise
    parts = []
    for operand in node.operands:
        value = values[operand]
        is_number = not isinstance(value, Tensor) or value.dim() == 0
        is_alike = at is not None and elementwise and _shape(value) == _shape(result)
        if not expression.varying[operand] or not (is_number or is_alike):
            continue  # of a vector that was reduced, no single element is to blame
        picked = _pick(value, at or 0)
        if picked is not None:
            parts.append(f"{_short(expression.text(operand))} = {picked:g}")
    return f" at {', '.join(dict.fromkeys(parts))}" if parts else ""


_OVERFLOWS = {
    "exp": "exp overflows: work with the logarithm (logsumexp, log_softmax, softplus, logaddexp)",
    "pow": "the power is beyond the range of the dtype",
    "exp2": "exp2 overflows: work with the exponent",
    "sinh": "sinh overflows",
    "cosh": "cosh overflows",
    "mul": "the product is beyond the range of the dtype: scale the factors",
    "gamma": "gamma overflows: work with lgamma",
    "div": "a division by zero: keep the divisor away from 0",
}


def _cure_of_gradient(
    expression: Expression,
    position: int,
    operand: int | None,
    values: Sequence[NodeValue],
    context: Context,
) -> str:
    """What to write so that a gradient is finite; `operand` is what a derivative is infinite by
    that is multiplied by the gradient 0 from above."""
    if operand is not None and (
        cure := safe_operand(expression, position, operand, values, context)
    ):
        return (
            "; where() computes the branch not taken as well, so give it a safe operand:"
            f" replace {expression.text(cure.old)} inside it by {cure.new}"
        )
    if cure := stable_form(expression, position, values, context):
        return f": write {cure.new} for {expression.text(cure.old)}"
    return ""


def _cure(
    expression: Expression,
    position: int,
    found: str,
    values: Sequence[NodeValue],
    context: Context,
) -> str:
    op = expression.nodes[position].op
    row = FUNCTIONS.get(op)
    if op == "pow" and found == "nan":
        base = _short(expression.text(expression.nodes[position].operands[0]))
        return f" (a negative base has whole powers only: keep {base} above 0)"
    if cure := stable_form(expression, position, values, context):
        return f" (write {cure.new} for {expression.text(cure.old)})"
    if op in _OVERFLOWS:
        return f" ({_OVERFLOWS[op]})"
    if row is not None and row.domain:
        return f" ({row.name} is differentiable where {row.domain})"
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
