"""The chain rule step by step: an evaluation trace and its adjoints or tangents.

Sources: Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3; Baydin et al., "Automatic
differentiation in machine learning: a survey" (2018), tables 2 and 3. Each operation is run alone
on detached operands, so that every term of every adjoint is a number of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine import backward
from autograd_cli.engine.context import Context
from autograd_cli.engine.derivatives import plain
from autograd_cli.engine.evaluate import NodeValue, apply_node, evaluate, output
from autograd_cli.engine.faults import explain_backward
from autograd_cli.engine.nonfinite import explain_gradient, explain_value
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.errors import AgxError, EvaluationError, UsageError
from autograd_cli.language import tidy
from autograd_cli.language.expression import VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.language.steps import Shape, Steps, table_formula
from autograd_cli.results import Value, components
from autograd_cli.results.explanation import (
    FORWARD,
    REVERSE,
    AdjointStep,
    AdjointTerm,
    Chain,
    Explanation,
    Link,
    PrimalStep,
)
from autograd_cli.results.formula import ADJOINT, Formula, call, step, step_name

MOST_STEPS = 2_000  # beyond, nobody reads them, and their texts grow with the square
MOST_DIRECTIONS = 100  # passes of forward mode
_CLOSE = 1e-3  # a formula that does not fit is further off than any rounding


@dataclass(frozen=True)
class Trace:
    """The steps of an expression with the values of all its nodes."""

    steps: Steps
    values: Sequence[NodeValue]
    context: Context

    @property
    def expression(self) -> Expression:
        return self.steps.expression

    @property
    def numbers(self) -> Mapping[int, int]:
        return self.steps.numbers

    def shapes(self) -> dict[int, Shape]:
        """The shape of every step, by its number."""
        return {
            number: tuple(value.shape) if isinstance(value, Tensor) else ()
            for position, number in self.numbers.items()
            for value in (self.values[position],)
        }


def explain(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = DerivativeRequest(),  # noqa: B008  (frozen)
    mode: str = REVERSE,
) -> Explanation:
    """The trace of the expression at a point, with adjoints (`reverse`) or tangents (`forward`).

    Raises: as `gradient`; UsageError for an expression without variables or with too many steps.
    """
    steps = Steps(expression)
    _check_size(steps)
    leaves = backward.leaves(expression, at, DerivativeRequest())
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = backward.weights(expression, leaves, value.shape, request, context)
    backward.check_differentiable(expression, value, weights, "explain")
    seed = torch.ones_like(value) if weights.grad_output is None else weights.grad_output
    trace = Trace(steps, values, context)
    found = _Found({}, {}, {})
    tangents: dict[str, dict[int, Tensor]] = {}
    if mode == FORWARD:
        directions = _directions(expression, leaves, weights)
        tangents = {name: _tangents(trace, start) for name, start in directions.items()}
        slopes = [(seed * one[expression.root]).sum() for one in tangents.values()]
        gradient = _assembled(expression, leaves, slopes, is_along=bool(weights.along))
    else:
        found = _reverse(trace, seed)
        gradient = {
            name: found.adjoints.get(position, torch.zeros_like(leaves[name]))
            for name, position in expression.variables.items()
        }
    warnings = [*expression.warnings, *explain_value(expression, values)]
    if not all(one.isfinite().all() for one in gradient.values()):
        warnings += explain_gradient(expression, values, leaves, weights.grad_output, context)
    derivatives: dict[str, Value] = {name: plain(one) for name, one in gradient.items()}
    return Explanation(
        expression=expression.source,
        at={name: plain(leaves[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=plain(value),
        warnings=tuple(warnings),
        mode=mode,
        forward=_primal(trace, tangents),
        backward=_adjoint_steps(trace, found) if mode == REVERSE else (),
        gradient=derivatives,
        chains=_chains(trace, found, derivatives) if mode == REVERSE else (),
        directions=tuple(tangents),
        along={name: plain(direction) for name, direction in weights.along.items()},
        grad_output=None if weights.grad_output is None else plain(weights.grad_output),
    )


def _check_size(steps: Steps) -> None:
    if not steps.expression.variables:
        raise UsageError(
            "nothing to differentiate: the expression has no variables",
            hint="for its value, use agx eval",
        )
    count = len(steps.numbers)
    if count > MOST_STEPS:
        raise UsageError(
            f"{count:,} steps are too many to explain one by one (at most {MOST_STEPS:,})",
            hint="for the derivatives, use agx grad",
        )


# The primal trace -------------------------------------------------------------------------------


def _primal(trace: Trace, tangents: Mapping[str, Mapping[int, Tensor]]) -> tuple[PrimalStep, ...]:
    expression = trace.expression
    return tuple(
        PrimalStep(
            number=number,
            span=expression.nodes[position].span,
            expression=expression.text(position),
            formula=trace.steps.primal(position),
            operands=tuple(_named(trace, i) for i in expression.nodes[position].operands),
            value=_plain(trace.values[position]),
            name=expression.steps.get(position),
            tangent=trace.steps.tangent(position, _tracked(trace, position))
            if tangents and number > 0
            else None,
            tangents={name: plain(found[position]) for name, found in tangents.items()},
        )
        for position, number in trace.numbers.items()
    )


def _named(trace: Trace, position: int) -> str:
    number = trace.numbers.get(position)
    return trace.expression.text(position) if number is None else step_name(number)


def _plain(value: NodeValue) -> Any:
    return plain(value) if isinstance(value, Tensor) else value


def _tracked(trace: Trace, position: int) -> list[int]:
    """The places of the operands that carry a derivative to a step that has one."""
    if not _carries(trace.values[position]):
        return []
    operands = trace.expression.nodes[position].operands
    return [place for place, i in enumerate(operands) if _carries(trace.values[i])]


def _carries(value: NodeValue) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


# Reverse mode -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """The adjoint of every step by position, its terms, and the local derivatives as numbers."""

    adjoints: dict[int, Tensor]
    terms: dict[int, list[AdjointTerm]]
    locals: dict[tuple[int, int], Tensor | None]  # by position and place of the operand


def _reverse(trace: Trace, seed: Tensor) -> _Found:
    """The reverse sweep: every adjoint, and the terms it is the sum of."""
    expression = trace.expression
    shapes = trace.shapes()
    found = _Found({expression.root: seed}, {}, {})
    for position in reversed(range(len(expression.nodes))):
        upstream = found.adjoints.get(position)
        node = expression.nodes[position]
        if upstream is None or node.op == VARIABLE:
            continue
        for place, local, contribution in _local(trace, position, upstream):
            operand = node.operands[place]
            before = found.adjoints.get(operand)
            total = contribution if before is None else before + contribution
            found.adjoints[operand] = total
            found.locals[position, place] = local
            formula, product = _formulas(trace, position, place, upstream, contribution, shapes)
            term = AdjointTerm(
                source=trace.numbers[position],
                input=place,
                formula=formula,
                product=product,
                local=None if local is None else plain(local),
                upstream=plain(upstream),
                contribution=plain(contribution),
                total=plain(total),
            )
            found.terms.setdefault(operand, []).append(term)
    return found


def _alone(trace: Trace, position: int) -> tuple[Tensor | None, dict[int, Tensor]]:
    """A node run on detached operands: its result, and the operands that carry a gradient, by
    place (so that the two of `x*x` are told apart)."""
    operands: list[Any] = []
    tracked: dict[int, Tensor] = {}
    for place, operand in enumerate(trace.expression.nodes[position].operands):
        value = trace.values[operand]
        if isinstance(value, Tensor) and value.requires_grad:
            value = value.detach().clone().requires_grad_()
            tracked[place] = value
        operands.append(value)
    result = apply_node(trace.expression.nodes[position], operands, trace.context)
    if not isinstance(result, Tensor) or not result.requires_grad:
        return None, {}
    return result, tracked


def _local(
    trace: Trace, position: int, upstream: Tensor
) -> Iterator[tuple[int, Tensor | None, Tensor]]:
    """For each operand of a node: its place, the local derivative, and the contribution."""
    result, tracked = _alone(trace, position)
    if result is None:
        return
    inputs = list(tracked.values())
    try:
        slopes = vector_jacobian_product(result, inputs, retain_graph=True)
        sent = vector_jacobian_product(result, inputs, upstream)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, trace.expression) from error
    elementwise = _is_elementwise(trace, position)
    for (place, tensor), slope, part in zip(tracked.items(), slopes, sent, strict=True):
        if part is None:
            continue
        is_number = result.numel() == 1 or (elementwise and tensor.shape == result.shape)
        yield place, slope if is_number else None, part


def _is_elementwise(trace: Trace, position: int) -> bool:
    row = FUNCTIONS.get(trace.expression.nodes[position].op)
    return row is not None and row.elementwise


def _formulas(
    trace: Trace,
    position: int,
    place: int,
    upstream: Tensor,
    contribution: Tensor,
    shapes: Mapping[int, Shape],
) -> tuple[Formula | None, Formula]:
    """The local derivative and the contribution as formulas."""
    steps, number = trace.steps, trace.numbers[position]
    local = steps.local(position, place)
    if local is not None:
        product = tidy.times(step(ADJOINT, number), local)
        if contribution.shape == upstream.shape:
            return local, product
        if not contribution.dim():  # a number that met a vector: its elements' terms are summed
            return local, call("sum", product)
    else:
        found = steps.product(position, place, shapes)
        if found is not None and _is_true(trace, position, place):
            return None, found
    scalar = upstream.numel() == 1 and not contribution.dim()
    return local, steps.backward(position, place, scalar=scalar)


def _is_true(trace: Trace, position: int, place: int) -> bool:
    """Whether the table's vector-Jacobian product holds for this step: on a vector of no symmetry
    it gives what autograd gives."""
    node = trace.expression.nodes[position]
    row = FUNCTIONS.get(node.op)
    if row is None:  # the element of a list
        return True
    result, tracked = _alone(trace, position)
    if result is None:
        return False
    probe = torch.linspace(0.7, 1.9, result.numel(), dtype=result.dtype, device=result.device)
    probe = probe.reshape(result.shape)
    (wanted,) = vector_jacobian_product(result, [tracked[place]], probe)
    source = table_formula(row, node, place)
    known: dict[str, Any] = {"g": probe, "y": result}
    for parameter, operand in zip(row.operands, node.operands, strict=False):
        known[parameter.name] = trace.values[operand]
    variables = {
        name: value if isinstance(value, Tensor) else trace.context.tensor(value)
        for name in source.variables
        for value in (known.get(name),)
    }
    try:
        with torch.no_grad():
            values = evaluate(source, variables, trace.context)
            got = output(source, values, trace.context)
    except (AgxError, RuntimeError, TypeError):
        return False
    if wanted is None or (got.dim() and got.shape != wanted.shape):
        return False
    return _are_close(got.to(wanted.dtype).expand(wanted.shape), wanted)


def _are_close(got: Tensor, wanted: Tensor) -> bool:
    return bool(torch.allclose(got, wanted, rtol=_CLOSE, atol=_CLOSE * 1e-3, equal_nan=True))


def _adjoint_steps(trace: Trace, found: _Found) -> tuple[AdjointStep, ...]:
    """From the output down; every variable has one, also where no path leads to it."""
    names = {position: name for name, position in trace.expression.variables.items()}
    order = [position for position in reversed(list(trace.numbers)) if position not in names]
    return tuple(
        AdjointStep(
            number=trace.numbers[position],
            expression=trace.expression.text(position),
            adjoint=plain(found.adjoints[position])
            if position in found.adjoints
            else _zeros(trace.values[position]),
            terms=tuple(found.terms.get(position, ())),
            variable=names.get(position, ""),
        )
        for position in [*order, *names]
        if position in found.adjoints or position in names
    )


def _zeros(value: NodeValue) -> Any:
    return plain(torch.zeros_like(value)) if isinstance(value, Tensor) else 0.0


# Forward mode -----------------------------------------------------------------------------------


def _directions(
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


def _assembled(
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


def _tangents(trace: Trace, start: Mapping[str, Tensor]) -> dict[int, Tensor]:
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
    result, tracked = _alone(trace, position)
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


# The chain rule as a formula --------------------------------------------------------------------


def _chains(trace: Trace, found: _Found, gradient: Mapping[str, Value]) -> tuple[Chain, ...]:
    """For every variable that one path of two links or more leads to, the factors along it."""
    consumers: dict[int, list[tuple[int, int]]] = {}
    for position, place in found.locals:
        operand = trace.expression.nodes[position].operands[place]
        consumers.setdefault(operand, []).append((position, place))
    chains = []
    for name, position in trace.expression.variables.items():
        links = _path(trace, found, consumers, position)
        if len(links) > 1:
            is_total = len(trace.expression.variables) == 1
            chains.append(Chain(name, tuple(links), gradient[name], is_total))
    return tuple(chains)


def _path(
    trace: Trace,
    found: _Found,
    consumers: Mapping[int, Sequence[tuple[int, int]]],
    position: int,
) -> list[Link]:
    """The links from the output down to a step; none where there are several paths, or where a
    local derivative is no number."""
    links: list[Link] = []
    while position != trace.expression.root:
        if len(consumers.get(position, ())) != 1:
            return []
        ((above, place),) = consumers[position]
        local, formula = found.locals[above, place], trace.steps.local(above, place)
        if local is None or local.dim() or formula is None:
            return []
        links.append(Link(trace.numbers[above], trace.numbers[position], formula, plain(local)))
        position = above
    return links[::-1]
