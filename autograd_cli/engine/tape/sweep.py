"""One backward pass over a recorded graph, watched: what really arrives at every node, and what it
sends along each of its edges.

The pass is run here, in the order of torch's engine and with its sums: every number is the answer
of one of torch's own nodes. Hooks on the nodes would see the same numbers, at twice the price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.faults import explain_backward
from autograd_cli.engine.core.product import vector_jacobian_product, with_memory
from autograd_cli.engine.tape.local_derivatives import Slopes
from autograd_cli.engine.tape.nodes import Tape, is_leaf
from autograd_cli.errors import DerivativeError
from autograd_cli.language.expression import Expression
from autograd_cli.results import Value

Progress = Callable[[int, int, str], None]
PORTION = 1024  # nodes between two reports of progress

Parts = tuple[Tensor | None, ...]
Hook = Callable[[Parts, Parts], None]


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
    root = tape.position(value)
    assert root is not None
    try:
        with torch.no_grad():
            arrived = _run(tape, root, torch.ones_like(value) if seed is None else seed, progress)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    found = []
    for leaf in leaves:
        position = tape.position(leaf)
        part = None if position is None else arrived[position]
        if part is None:
            part = torch.zeros_like(leaf)
        if position is not None:
            tape.grads[position] = plain(part)
        found.append(with_memory(part))
    return found


def _run(tape: Tape, root: int, start: Tensor, progress: Progress) -> list[Tensor | None]:
    """What arrived at the leaves, by position. Of the other nodes only the numbers are kept: the
    memory of their tensors is used again while it is in the cache."""
    nodes, edges = tape.nodes, tape.edges
    slopes = Slopes(tape, torch.ones((), dtype=start.dtype, device=start.device))
    total = len(nodes)
    upstream: list[Tensor | None] = [None] * total
    grads: list[Value] = [None] * total
    sent: list[Sequence[Value]] = [()] * total
    local: list[Sequence[Value]] = [()] * total
    upstream[root] = start
    executed = _order(tape)
    for moment, position in enumerate(executed):
        arrived = upstream[position]
        upstream[position] = None
        try:
            parts = nodes[position](arrived)
        except TypeError:
            parts = tape.answer(position, arrived)
        if type(parts) is not tuple:
            parts = (parts,)
        grad = grads[position]
        if grad is None and arrived is not None:  # a sum, or the root's
            grads[position] = grad = plain(arrived)
        if type(grad) is not float:
            parts = _fitted(tape, position, parts)
        numbers: list[Value] = []
        for target, part in zip(edges[position], parts, strict=True):
            if part is None:
                numbers.append(None)
                continue
            number = grad if part is arrived else plain(part)
            numbers.append(number)
            if target is None:
                continue
            before = upstream[target]
            if before is None:
                upstream[target], grads[target] = part, number
            else:
                upstream[target], grads[target] = before + part, None
        sent[position] = numbers
        # A node that got the gradient 1 has answered with its derivatives already.
        local[position] = numbers if grad == 1.0 else slopes.of(position, arrived)
        if not moment % PORTION:
            progress(moment, total, "backward pass")
    tape.grads, tape.sent, tape.local, tape.executed = grads, sent, local, executed
    return upstream


def _order(tape: Tape) -> list[int]:
    """The nodes as torch's engine runs them: of those that have got all their gradients, the one
    that was made last.

    That is the order in which they were made, backwards, as a node is made after its operands. A
    device may number the nodes that it makes in a backward pass anew: they come before the others.
    """
    made = [node._sequence_nr() for node in tape.nodes]
    inner = [position for position, targets in enumerate(tape.edges) if targets]
    inner.sort(key=made.__getitem__, reverse=True)
    if any(tape.is_own):
        inner.sort(key=tape.is_own.__getitem__, reverse=True)
    return inner


def _fitted(tape: Tape, position: int, parts: Parts) -> Parts:
    """What a node sends in the shapes and the dtypes of those that get it: the gradient of an
    operand that was broadcast is the sum over its copies.

    A node whose result is one number has no operands that were broadcast.
    """
    fitted: list[Tensor | None] = []
    for target, part in zip(tape.edges[position], parts, strict=True):
        if target is not None and part is not None:
            shape, dtype, _ = tape.made(target)
            if part.shape != shape:
                part = part.sum_to_size(shape)
            if part.dtype != dtype:
                part = (part if dtype.is_complex or not part.is_complex() else part.real).to(dtype)
        fitted.append(part)
    return tuple(fitted)


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
