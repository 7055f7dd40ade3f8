"""Reverse mode: the adjoint of every step, and the terms it is the sum of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.evaluate import NodeValue, evaluate, output
from autograd_cli.engine.core.faults import explain_backward
from autograd_cli.engine.core.product import vector_jacobian_product
from autograd_cli.engine.nodewise.trace import Trace
from autograd_cli.errors import AgxError
from autograd_cli.language import tidy
from autograd_cli.language.expression import VARIABLE
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.steps import Shape, table_formula
from autograd_cli.results.explanation import AdjointStep, AdjointTerm
from autograd_cli.results.formula import ADJOINT, Formula, call, step

_CLOSE = 1e-3  # a formula that does not fit is further off than any rounding


@dataclass(frozen=True)
class Adjoints:
    """The adjoint of every step by position, its terms, and the local derivatives as numbers."""

    adjoints: dict[int, Tensor]
    terms: dict[int, list[AdjointTerm]]
    locals: dict[tuple[int, int], Tensor | None]  # by position and place of the operand


def reverse_sweep(trace: Trace, seed: Tensor) -> Adjoints:
    """The reverse sweep: every adjoint, and the terms it is the sum of."""
    expression = trace.expression
    shapes = trace.shapes()
    found = Adjoints({expression.root: seed}, {}, {})
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


def _local(
    trace: Trace, position: int, upstream: Tensor
) -> Iterator[tuple[int, Tensor | None, Tensor]]:
    """For each operand of a node: its place, the local derivative, and the contribution."""
    result, tracked = trace.alone(position)
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
    result, tracked = trace.alone(position)
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


def adjoint_steps(trace: Trace, found: Adjoints) -> tuple[AdjointStep, ...]:
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
