"""One backward pass over a recorded graph, watched: what really arrives at every node, and what it
sends along each of its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.faults import explain_backward
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.engine.tape import Tape, is_leaf
from autograd_cli.errors import DerivativeError
from autograd_cli.language.expression import Expression

Progress = Callable[[int, int, str], None]
PORTION = 1024  # nodes between two reports of progress

Parts = tuple[Tensor | None, ...]
Event = tuple[int, Parts, Parts]


def sweep(
    expression: Expression,
    tape: Tape,
    value: Tensor,
    leaves: Iterable[Tensor],
    seed: Tensor | None,
    progress: Progress,
) -> list[Tensor]:
    """The gradient of every leaf; the tape learns what arrived where, and in which order.

    The graph is kept, so that its nodes can be run again. Raises: DerivativeError and its kinds,
    as torch.
    """
    events: list[Event] = []
    total = len(tape.nodes)
    for position, node in enumerate(tape.nodes):
        if tape.edges[position]:
            node.register_hook(_watcher(events, position, total, progress))
    tracked = list(leaves)
    try:
        found = vector_jacobian_product(value, tracked, seed, retain_graph=True)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    tape.sent = [(None,) * len(edges) for edges in tape.edges]
    tape.upstream = [None] * total
    tape.results = [0] * total
    result = tape.result
    for position, sent, upstream in events:
        tape.sent[position] = sent
        tape.upstream[position] = upstream[result.get(position, 0) if result else 0]
        tape.results[position] = len(upstream)
    tape.executed = [position for position, _, _ in events]
    return [
        torch.zeros_like(leaf) if part is None else part
        for leaf, part in zip(tracked, found, strict=True)
    ]


def _watcher(
    events: list[Event], position: int, total: int, progress: Progress
) -> Callable[[Any, Any], None]:
    """A hook that knows no node, so that nothing is kept alive in a circle."""

    def watch(sent: Parts, upstream: Parts) -> None:
        events.append((position, sent, upstream))
        if not len(events) % PORTION:
            progress(len(events), total, "backward pass")

    return watch


def differentiate(
    expression: Expression, tape: Tape, value: Tensor, leaf: Tensor, seed: Tensor | None
) -> tuple[Tensor, Sequence[tuple[int, Tensor]]]:
    """The gradient by a scalar leaf with a graph of its own, and the tensors that each node made
    for it, by the node's position."""
    made: list[tuple[int, Tensor]] = []
    handles = [
        node.register_hook(_collector(made, position))
        for position, node in enumerate(tape.nodes)
        if not is_leaf(node)
    ]
    try:
        (found,) = vector_jacobian_product(value, [leaf], seed, create_graph=True)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    finally:
        for handle in handles:
            handle.remove()
    if found is None or not found.requires_grad:
        raise DerivativeError(
            "the gradient is constant here: it has no graph of its own",
            hint="leave --order out to see the graph of the value",
            span=expression.nodes[expression.root].span,
            source=expression.source,
        )
    return found, made


def _collector(made: list[tuple[int, Tensor]], position: int) -> Callable[[Any, Any], None]:
    def collect(sent: Parts, upstream: Parts) -> None:
        made.extend((position, part) for part in sent if part is not None)

    return collect
