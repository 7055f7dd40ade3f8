"""The chain rule step by step: an evaluation trace and its adjoints or tangents.

Sources: Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3; Baydin et al., "Automatic
differentiation in machine learning: a survey" (2018), tables 2 and 3. Each operation is run alone
on detached operands, so that every term of every adjoint is a number of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from autograd_cli.engine import backward
from autograd_cli.engine.context import Context
from autograd_cli.engine.derivatives import plain
from autograd_cli.engine.evaluate import NodeValue, apply_node, evaluate, output
from autograd_cli.engine.faults import explain_backward
from autograd_cli.engine.nonfinite import explain_value
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.errors import DerivativeError
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression, Node
from autograd_cli.language.functions import FUNCTIONS, Function
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results import components
from autograd_cli.results.explanation import AdjointStep, AdjointTerm, Explanation, PrimalStep

REVERSE, FORWARD = "reverse", "forward"
MODES = (REVERSE, FORWARD)


@dataclass(frozen=True)
class Trace:
    """The steps of an expression: `names` by node position (v-1, v0 for inputs, v1, … after), for
    every node that depends on a variable; the other nodes are constants and stand as typed."""

    expression: Expression
    values: Sequence[NodeValue]
    names: Mapping[int, str]

    def text(self, position: int) -> str:
        """A step's name, or a constant as typed."""
        return self.names.get(position) or self.expression.text(position)


def explain(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = DerivativeRequest(),  # noqa: B008  (frozen)
    mode: str = REVERSE,
) -> Explanation:
    """The trace of the expression at a point, with adjoints (`reverse`) or tangents (`forward`).

    Raises: as `gradient`.
    """
    leaves = backward.leaves(expression, at, DerivativeRequest())
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = backward.weights(expression, leaves, value.shape, request, context)
    backward.check_differentiable(expression, value, weights)
    trace = Trace(expression, values, _names(expression))
    if not trace.names:
        raise DerivativeError(
            "the expression has no variable, so there is nothing to differentiate",
            hint="for its value, use agx eval",
            span=expression.nodes[expression.root].span,
            source=expression.source,
        )
    if mode == REVERSE:
        seed = torch.ones_like(value)
        if weights.grad_output is not None:
            seed = weights.grad_output.expand_as(value)
        adjoints, terms = _reverse(trace, seed, context)
        forward = _primal(trace, {})
        backward_steps = _adjoint_steps(trace, adjoints, terms)
        gradient = {
            name: plain(adjoints.get(position, torch.zeros_like(leaves[name])))
            for name, position in expression.variables.items()
        }
    else:
        directions = _directions(expression, leaves, weights)
        tangents = {name: _tangents(trace, start, context) for name, start in directions.items()}
        forward = _primal(trace, tangents)
        backward_steps = ()
        gradient = {
            name: plain(found.get(expression.root, torch.zeros_like(value)))
            for name, found in tangents.items()
        }
    return Explanation(
        expression=expression.source,
        at={name: plain(leaves[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=plain(value),
        warnings=(*expression.warnings, *explain_value(expression, values)),
        mode=mode,
        forward=forward,
        backward=backward_steps,
        gradient=gradient,
        chain=_chain(trace),
    )


def _names(expression: Expression) -> dict[int, str]:
    """v(1-n), …, v0 for the n variables, then v1, v2, … for what depends on them."""
    names: dict[int, str] = {}
    count = len(expression.variables)
    for number, position in enumerate(expression.variables.values(), start=1 - count):
        names[position] = f"v{number}"
    number = 0
    for position, node in enumerate(expression.nodes):
        if node.op not in (VARIABLE, NUMBER) and any(i in names for i in node.operands):
            number += 1
            names[position] = f"v{number}"
    return names


# The primal trace -------------------------------------------------------------------------------


def _primal(trace: Trace, tangents: Mapping[str, Mapping[int, Tensor]]) -> tuple[PrimalStep, ...]:
    inputs = list(trace.expression.variables.values())
    order = inputs + [position for position in trace.names if position not in inputs]
    steps = []
    for position in order:
        node = trace.expression.nodes[position]
        steps.append(
            PrimalStep(
                step=trace.names[position],
                span=node.span,
                expression=trace.expression.text(position),
                formula=_formula(trace, position),
                operands=tuple(trace.text(operand) for operand in node.operands),
                value=_plain(trace.values[position]),
                name=trace.expression.steps.get(position),
                tangents={
                    name: plain(found[position])
                    for name, found in tangents.items()
                    if position in found
                },
            )
        )
    return tuple(steps)


def _plain(value: NodeValue) -> Any:
    return plain(value) if isinstance(value, Tensor) else value


def _formula(trace: Trace, position: int) -> str:
    """The operation of a node on its steps, as text: `v1 + v2`, `sin(v0)`, `sum(v3, dim=0)`."""
    node = trace.expression.nodes[position]
    operands = [trace.text(operand) for operand in node.operands]
    if node.op == VARIABLE:
        return str(node.value)
    if node.op == LIST:
        return f"[{', '.join(operands)}]"
    if node.op == INDEX:
        source = trace.expression.text(position)
        return operands[0] + source[source.rindex("[") :]
    row = FUNCTIONS[node.op]
    if row.symbol and len(operands) == 2:
        space = "" if row.symbol in ("**", "*", "/", "@") else " "
        return f"{operands[0]}{space}{row.symbol}{space}{operands[1]}"
    if row.symbol and len(operands) == 1:
        return (
            f"{row.symbol} {operands[0]}" if row.symbol == "not" else f"{row.symbol}{operands[0]}"
        )
    defaults = {parameter.name: parameter.default for parameter in row.options}
    options = [
        f"{name}={value}" for name, value in node.options if str(value) != defaults.get(name)
    ]
    return f"{row.name}({', '.join([*operands, *options])})"


# Reverse mode -----------------------------------------------------------------------------------


def _reverse(
    trace: Trace, seed: Tensor, context: Context
) -> tuple[dict[int, Tensor], dict[int, list[AdjointTerm]]]:
    """The adjoint of every step, and the terms it is the sum of."""
    expression = trace.expression
    adjoints: dict[int, Tensor] = {expression.root: seed}
    terms: dict[int, list[AdjointTerm]] = {}
    for position in reversed(range(len(expression.nodes))):
        upstream = adjoints.get(position)
        node = expression.nodes[position]
        if upstream is None or node.op == VARIABLE:
            continue
        for number, local, contribution in _local(trace, position, upstream, context):
            operand = node.operands[number]
            before = adjoints.get(operand)
            adjoints[operand] = contribution if before is None else before + contribution
            terms.setdefault(operand, []).append(
                AdjointTerm(
                    source=trace.names[position],
                    formula=_derivative(trace, position, number),
                    local=None if local is None else plain(local),
                    upstream=plain(upstream),
                    contribution=plain(contribution),
                )
            )
    return adjoints, terms


def _alone(
    trace: Trace, position: int, context: Context
) -> tuple[Tensor | None, dict[int, Tensor]]:
    """A node run on detached operands: its result, and the operands that carry a gradient, by
    number (so that the two of `x*x` are told apart)."""
    operands: list[Any] = []
    tracked: dict[int, Tensor] = {}
    for number, operand in enumerate(trace.expression.nodes[position].operands):
        value = trace.values[operand]
        if isinstance(value, Tensor) and value.requires_grad:
            value = value.detach().clone().requires_grad_()
            tracked[number] = value
        operands.append(value)
    result = apply_node(trace.expression.nodes[position], operands, context)
    if not isinstance(result, Tensor) or not result.requires_grad:
        return None, {}
    return result, tracked


def _local(
    trace: Trace, position: int, upstream: Tensor, context: Context
) -> Iterator[tuple[int, Tensor | None, Tensor]]:
    """For each operand of a node: its number, the local derivative, and the contribution."""
    result, tracked = _alone(trace, position, context)
    if result is None:
        return
    inputs = list(tracked.values())
    try:
        slopes = vector_jacobian_product(result, inputs, retain_graph=True)
        sent = vector_jacobian_product(result, inputs, upstream)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, trace.expression) from error
    node = trace.expression.nodes[position]
    elementwise = node.op in FUNCTIONS and FUNCTIONS[node.op].elementwise
    for (number, tensor), slope, part in zip(tracked.items(), slopes, sent, strict=True):
        if part is None:
            continue
        is_number = result.numel() == 1 or (elementwise and tensor.shape == result.shape)
        yield number, slope if is_number else None, part


def _adjoint_steps(
    trace: Trace, adjoints: Mapping[int, Tensor], terms: Mapping[int, Sequence[AdjointTerm]]
) -> tuple[AdjointStep, ...]:
    inputs = list(trace.expression.variables.values())
    order = [position for position in reversed(list(trace.names)) if position not in inputs]
    return tuple(
        AdjointStep(
            step=trace.names[position],
            expression=trace.expression.text(position),
            adjoint=plain(adjoints[position]),
            terms=tuple(terms.get(position, ())),
        )
        for position in [*order, *inputs]
        if position in adjoints
    )


_NAME = re.compile(r"[A-Za-z_]\w*(?!\w*\s*\()")


def _derivative(trace: Trace, position: int, number: int) -> str:
    """The local derivative by an operand as a formula in steps, from the function table."""
    node = trace.expression.nodes[position]
    if node.op in (LIST, INDEX):
        return "1" if node.op == LIST else "the selected elements"
    row = FUNCTIONS[node.op]
    formula = row.derivatives[number] if number < len(row.derivatives) else ""
    bound = _bound(row, node, trace, position)
    return _NAME.sub(lambda match: bound.get(match.group(), match.group()), formula)


def _bound(row: Function, node: Node, trace: Trace, position: int) -> dict[str, str]:
    """What the parameters of a row stand for at a node; g is the adjoint, y the result."""
    bound = {
        parameter.name: trace.text(operand)
        for parameter, operand in zip(row.operands, node.operands, strict=False)
    }
    bound |= {name: str(value) for name, value in node.options}
    if not row.elementwise:
        step = trace.names[position]
        bound |= {"g": f"v̄{step[1:]}", "y": step}
    return bound


# Forward mode -----------------------------------------------------------------------------------


def _directions(
    expression: Expression, leaves: Mapping[str, Tensor], weights: backward.Weights
) -> dict[str, dict[str, Tensor]]:
    """The direction of `--along`, or that of each element of each variable in turn."""
    if weights.along:
        return {"along": dict(weights.along)}
    found: dict[str, dict[str, Tensor]] = {}
    for name in expression.variables:
        leaf = leaves[name]
        labels = [label for label, _ in components(name, plain(leaf))]
        for number, label in enumerate(labels):
            unit = torch.zeros_like(leaf).detach().flatten()
            unit[number] = 1
            found[label] = {name: unit.reshape(leaf.shape)}
    return found


def _tangents(trace: Trace, start: Mapping[str, Tensor], context: Context) -> dict[int, Tensor]:
    """The tangent of every step along one direction.

    Each operation's Jacobian-vector product is the derivative of its vector-Jacobian product by the
    vector, which is linear in it; so every function that can be differentiated backward can be
    differentiated forward.
    """
    expression = trace.expression
    tangents: dict[int, Tensor] = {}
    for position in trace.names:
        node = expression.nodes[position]
        value = cast(Tensor, trace.values[position])
        if node.op == VARIABLE:
            direction = start.get(str(node.value))
            tangents[position] = (
                torch.zeros_like(value).detach() if direction is None else direction
            )
            continue
        result, tracked = _alone(trace, position, context)
        total = torch.zeros_like(value).detach()
        if result is not None:
            vector = torch.zeros_like(result).requires_grad_()
            products = vector_jacobian_product(
                result, list(tracked.values()), vector, create_graph=True
            )
            for number, product in zip(tracked, products, strict=True):
                operand = tangents.get(node.operands[number])
                if product is None or operand is None or not product.requires_grad:
                    continue
                (part,) = vector_jacobian_product(product, [vector], operand, retain_graph=True)
                total = total if part is None else total + part
        tangents[position] = total
    return tangents


# The chain rule as a formula --------------------------------------------------------------------


def _chain(trace: Trace) -> str:
    """`df/dx = dv2/dv1 * dv1/dx` where every step has one operand that depends on the variable."""
    expression = trace.expression
    if len(expression.variables) != 1:
        return ""
    position, links = expression.root, []
    while expression.nodes[position].op != VARIABLE:
        below = [
            operand for operand in expression.nodes[position].operands if operand in trace.names
        ]
        if len(below) != 1:
            return ""
        links.append((position, below[0]))
        position = below[0]
    if len(links) < 2:
        return ""
    name = str(expression.nodes[position].value)

    def label(at: int) -> str:
        if at == expression.root:
            return "f"
        return name if at == position else trace.names[at]

    factors = [f"d{label(upper)}/d{label(lower)}" for upper, lower in links]
    return f"df/d{name} = {' * '.join(factors)}"
