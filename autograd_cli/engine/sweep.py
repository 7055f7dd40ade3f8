"""One backward pass over a recorded graph, watched: what really arrives at every node, and what it
sends along each of its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Sized

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
Hook = Callable[[Parts, Parts], None]
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
    for position, (node, edges) in enumerate(zip(tape.nodes, tape.edges, strict=True)):
        if edges:
            node.register_hook(_watcher(events, position))
            if position % PORTION == 0:
                node.register_hook(_reporter(events, total, progress))
    tracked = list(leaves)
    try:
        found = vector_jacobian_product(value, tracked, seed, retain_graph=True)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    sent: list[Parts] = [(None,) * len(edges) for edges in tape.edges]
    upstream: list[Tensor | None] = [None] * total
    results = [0] * total
    result = tape.result
    for position, parts, arrived in events:
        sent[position] = parts
        results[position] = count = len(arrived)
        upstream[position] = arrived[0 if count == 1 else result.get(position, 0)]
    tape.sent, tape.upstream, tape.results = sent, upstream, results
    tape.executed = [position for position, _, _ in events]
    return [
        torch.zeros_like(leaf) if part is None else part
        for leaf, part in zip(tracked, found, strict=True)
    ]


def _watcher(events: list[Event], position: int) -> Hook:
    """A hook that knows no node, so that nothing is kept alive in a circle."""

    def watch(sent: Parts, upstream: Parts) -> None:
        events.append((position, sent, upstream))

    return watch


def _reporter(events: Sized, total: int, progress: Progress) -> Hook:
    def report(sent: Parts, upstream: Parts) -> None:
        progress(len(events), total, "backward pass")

    return report


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


def _collector(made: list[tuple[int, Tensor]], position: int) -> Hook:
    def collect(sent: Parts, upstream: Parts) -> None:
        made.extend((position, part) for part in sent if part is not None)

    return collect
