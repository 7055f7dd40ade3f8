"""The forward trace: what each step computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.nodewise.alone import carries
from autograd_cli.engine.nodewise.trace import Trace
from autograd_cli.results.explanation import PrimalStep
from autograd_cli.results.formula import step_name


def primal_steps(
    trace: Trace, tangents: Mapping[str, Mapping[int, Tensor]]
) -> tuple[PrimalStep, ...]:
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


def _tracked(trace: Trace, position: int) -> list[int]:
    """The places of the operands that carry a derivative to a step that has one."""
    if not carries(trace.values[position]):
        return []
    operands = trace.expression.nodes[position].operands
    return [place for place, i in enumerate(operands) if carries(trace.values[i])]


def _plain(value: NodeValue) -> Any:
    return plain(value) if isinstance(value, Tensor) else value
