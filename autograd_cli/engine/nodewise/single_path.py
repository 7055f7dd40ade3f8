"""The chain rule for a variable that one path leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.nodewise.adjoints import Adjoints
from autograd_cli.engine.nodewise.trace import Trace
from autograd_cli.results import Value
from autograd_cli.results.explanation import Chain, Link


def chains(trace: Trace, found: Adjoints, gradient: Mapping[str, Value]) -> tuple[Chain, ...]:
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
    found: Adjoints,
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
