"""The grad_fn graph as torch recorded it, with every value, gradient and contribution in it.

The graph is torch's own, walked through `next_functions`; hooks on its nodes see what one real
backward pass sends along every edge. What torch does not keep is the text: that comes from the
expression, whose values own the graph's nodes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autograd_cli.collector import collector_paused
from autograd_cli.engine import backward
from autograd_cli.engine.context import Context
from autograd_cli.engine.derivatives import plain
from autograd_cli.engine.evaluate import NodeValue, evaluate, output
from autograd_cli.engine.faults import explain_backward, shape_text
from autograd_cli.engine.ledgers import ledgers
from autograd_cli.engine.nonfinite import explain_gradient, explain_value
from autograd_cli.engine.paths import paths
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.engine.saved import saved as saved_by
from autograd_cli.engine.tape import Tape, is_leaf, name_of, node_of, walk, walk_second
from autograd_cli.errors import DerivativeError, ShapeError
from autograd_cli.language.expression import NUMBER, Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results import Value
from autograd_cli.results.graph import (
    Graph,
    GraphConstant,
    GraphEdge,
    GraphNode,
    Ledger,
    Path,
    Saved,
)

Progress = Callable[[int, int, str], None]
PORTION = 1024  # nodes between two reports of progress


def record(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = DerivativeRequest(),  # noqa: B008  (frozen)
    progress: Progress = lambda done, total, what: None,
    saved: bool = False,
    why: str | None = None,
) -> Graph:
    """The graph of the expression at a point, after one backward pass.

    With `request.order` 2 it is the graph of the gradient itself, by the one variable of
    `request.wrt`. `saved` tells what the nodes keep, `why` lists the paths to a variable.
    Raises: as `gradient`: ShapeError for an output that is no scalar and has no `grad_output`,
    DerivativeError where nothing requires a gradient or torch has no derivative.
    """
    with collector_paused():
        return _record(expression, at, context, request, progress, saved, why)


def _record(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest,
    progress: Progress,
    saved: bool,
    why: str | None,
) -> Graph:
    by = request.wrt[0] if request.order > 1 else None
    leaves = backward.leaves(expression, at, request if by is None else DerivativeRequest())
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = backward.weights(expression, leaves, value.shape, request, context)
    backward.check_differentiable(expression, value, weights)
    _check_recorded(expression, value)
    seed = None if weights.grad_output is None else weights.grad_output.expand_as(value)
    tape = walk(expression, values, value)
    target = value
    if by is not None:
        _check_single(leaves[by], by)
        target = _differentiate_on_tape(expression, tape, value, leaves[by], seed)
        tape = walk_second(tape, target)
        seed = None
    nothing: list[tuple[Saved, ...]] = [()] * len(tape.nodes)
    kept = saved_by(tape.nodes, leaves, values) if saved else nothing
    gradients = _run_backward(expression, tape, target, leaves, seed, progress)
    _measure_locals(tape, progress)
    constants = _constants(expression, values, tape)
    ways: tuple[Path, ...] = ()
    more = False
    if why is not None:
        ways, more = paths(expression, values, tape, constants, target, seed, why)
    warnings = [*expression.warnings, *explain_value(expression, values)]
    if by is None and not all(found.isfinite().all() for found in gradients.values()):
        warnings += explain_gradient(expression, values, leaves, weights.grad_output, context)
    graph = _graph(expression, values, leaves, context, tape, target, gradients, kept, progress)
    graph = replace(
        graph,
        warnings=tuple(warnings),
        constants=tuple(constants),
        saved=saved,
        order=request.order,
        by=by,
        why=why,
        paths=ways,
        more_paths=more,
    )
    # The order matters: the output first, then the nodes from the root down (see Tape.release).
    del target, value, values
    tape.release()
    return graph


def _check_recorded(expression: Expression, value: Tensor) -> None:
    if not value.requires_grad:
        raise DerivativeError(
            "no gradient flows to any variable here: autograd records nothing",
            hint="detach, floor_divide and conditions cut the graph",
            span=expression.nodes[expression.root].span,
            source=expression.source,
        )


def _check_single(leaf: Tensor, name: str) -> None:
    if leaf.dim():
        raise ShapeError(
            f"--order 2 is the graph of one derivative, and '{name}' is {shape_text(leaf)}",
            hint="name a variable that is a number, or see agx hessian for all of them",
        )


def _differentiate_on_tape(
    expression: Expression, tape: Tape, value: Tensor, leaf: Tensor, seed: Tensor | None
) -> Tensor:
    """The gradient by a scalar leaf with a graph of its own; notes which node made what of it."""
    handles = []
    for position, node in enumerate(tape.nodes):
        if not is_leaf(node):
            handles.append(node.register_hook(_collector(tape, position)))
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
    return found


def _collector(tape: Tape, position: int) -> Callable[[Any, Any], None]:
    def collect(sent: tuple[Tensor | None, ...], upstream: tuple[Tensor | None, ...]) -> None:
        tape.made.append((position, [part for part in sent if part is not None]))

    return collect


# Local derivatives ------------------------------------------------------------------------------


def _measure_locals(tape: Tape, progress: Progress) -> None:
    """Each node's derivatives by its operands: the node itself, run on a gradient of ones.

    For an elementwise node, that is the elementwise derivative; for one whose result is a single
    number, the gradient. Otherwise the derivative is no such tensor. A node is elementwise if it
    answers to other gradients with their product with the answer to ones. A node that got the
    gradient 1 in the backward pass has answered already.
    """
    probes = functools.cache(_probes)  # most nodes of a graph have the same shape
    with torch.no_grad():
        for position, node in enumerate(tape.nodes):
            upstream = tape.upstream.get(position)
            if is_leaf(node):
                tape.local.append(())
            elif upstream is None or upstream.dim():
                tape.local.append(_local(tape, position, probes))
            elif upstream.item() == 1.0:
                tape.local.append(tape.sent[position])
            else:
                one, _ = probes(upstream.shape, upstream.dtype, upstream.device)
                tape.local.append(tape.answer(position, one))
            if position % PORTION == 0:
                progress(position, len(tape.nodes), "local derivatives")


def _probes(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ones, and numbers between 1 and 2 no two of which are equal (multiples of a root)."""
    ones = torch.ones(shape, dtype=dtype, device=device)
    multiples = torch.arange(1, shape.numel() + 1, dtype=torch.float64) * 2**0.5
    return ones, (1 + multiples.frac()).reshape(shape).to(device, dtype)


def _local(
    tape: Tape, position: int, probes: Callable[..., tuple[Tensor, Tensor]]
) -> tuple[Tensor | None, ...]:
    made = tape.nodes[position]._input_metadata[tape.result[position]]
    shape = torch.Size(made.shape)
    ones, others = probes(shape, made.dtype, made.device)
    unknown = (None,) * len(tape.edges[position])
    try:
        found = tape.answer(position, ones)
        if shape.numel() == 1:
            return found
        if not any(part is not None and part.shape == shape for part in found):
            return unknown
        again = tape.answer(position, others)
    except (RuntimeError, NotImplementedError):  # a node that the backward pass did not reach
        return unknown
    return tuple(
        part if part is not None and _is_elementwise(part, other, others) else None
        for part, other in zip(found, again, strict=True)
    )


def _is_elementwise(local: Tensor, answer: Tensor | None, upstream: Tensor) -> bool:
    if local.shape != upstream.shape or answer is None:
        return False
    tolerance = 16 * torch.finfo(local.dtype).eps
    return torch.allclose(local * upstream, answer, tolerance, tolerance, equal_nan=True)


# The backward pass ------------------------------------------------------------------------------


def _run_backward(
    expression: Expression,
    tape: Tape,
    value: Tensor,
    leaves: Mapping[str, Tensor],
    seed: Tensor | None,
    progress: Progress,
) -> dict[str, Tensor]:
    """One backward pass, watched, after which the nodes can be run again; every leaf's gradient."""
    events: list[Event] = []
    for position, node in enumerate(tape.nodes):
        if not is_leaf(node):
            node.register_hook(_watcher(events, position, len(tape.nodes), progress))
    tracked = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    try:
        found = vector_jacobian_product(value, list(tracked.values()), seed, retain_graph=True)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    for position, sent, upstream in events:
        tape.sent[position] = sent
        tape.upstream[position] = upstream[tape.result[position]]
        tape.executed.append(position)
    return {
        name: torch.zeros_like(leaf) if part is None else part
        for (name, leaf), part in zip(tracked.items(), found, strict=True)
    }


Event = tuple[int, tuple[Tensor | None, ...], tuple[Tensor | None, ...]]


def _watcher(
    events: list[Event], position: int, total: int, progress: Progress
) -> Callable[[Any, Any], None]:
    """A hook that knows no node, so that nothing is kept alive in a circle."""

    def watch(sent: tuple[Tensor | None, ...], upstream: tuple[Tensor | None, ...]) -> None:
        events.append((position, sent, upstream))
        if not len(events) % PORTION:
            progress(len(events), total, "backward pass")

    return watch


# The model --------------------------------------------------------------------------------------


def _graph(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    context: Context,
    tape: Tape,
    target: Tensor,
    gradients: Mapping[str, Tensor],
    kept: Sequence[tuple[Saved, ...]],
    progress: Progress,
) -> Graph:
    progress(0, len(tape.nodes), "numbers")
    nodes = _nodes(expression, values, leaves, tape, gradients, kept)
    progress(len(nodes) // 2, len(nodes), "numbers")
    edges = _edges(tape)
    progress(len(nodes), len(nodes), "sums")
    found = ledgers(nodes, edges)
    value = output(expression, list(values), context)
    return Graph(
        expression=expression.source,
        at={name: plain(leaves[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=plain(value),
        root=nodes[tape.index[node_of(target)]].id,
        nodes=tuple(nodes),
        edges=tuple(edges),
        constants=(),
        leaves={name: found.get(name, Ledger(plain(gradients[name]), ())) for name in gradients},
        shared={name: ledger for name, ledger in found.items() if name not in gradients},
    )


def _nodes(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    tape: Tape,
    gradients: Mapping[str, Tensor],
    kept: Sequence[tuple[Saved, ...]],
) -> list[GraphNode]:
    variables = {tape.index.get(node_of(leaves[name])): name for name in gradients}
    executed = {position: count for count, position in enumerate(tape.executed)}
    partial = _partial(expression)
    owned: list[Tensor | None] = []
    received: list[Tensor | None] = []
    for position, (owner, is_top) in enumerate(zip(tape.owner, tape.top, strict=True)):
        value = values[owner] if is_top else tape.own_values.get(position)
        owned.append(value if isinstance(value, Tensor) else None)
        leaf = variables.get(position)
        received.append(tape.upstream.get(position) if leaf is None else gradients[leaf])
    numbers = _plain_all([*owned, *received])
    nodes = []
    for position, node in enumerate(tape.nodes):
        owner, is_top, value = tape.owner[position], tape.top[position], owned[position]
        name = variables.get(position) or (expression.steps.get(owner) if is_top else None)
        partner = tape.partner[position]
        nodes.append(
            GraphNode(
                id=f"n{position + 1}",
                op=name_of(node),
                span=expression.nodes[owner].span,
                inner=not is_top or owner in partial,
                name=name,
                shape=tape.shape(position) if value is None else tuple(value.shape),
                value=numbers[position],
                grad=numbers[position + len(owned)],
                executed=executed.get(position),
                saved=kept[position],
                phase="backward" if tape.is_own[position] else "forward",
                partner=None if partner is None else f"n{partner + 1}",
                arity=len(tape.edges[position]),
            )
        )
    return nodes


def _partial(expression: Expression) -> set[int]:
    """The nodes that are only a part of what their text says: `min(x, y, z)` is two operations."""
    return {
        operand
        for node in expression.nodes
        for operand in node.operands
        if expression.nodes[operand].span == node.span
    }


def _edges(tape: Tape) -> list[GraphEdge]:
    places: list[tuple[int, int, int, int]] = []
    slopes: list[Tensor | None] = []
    contributions: list[Tensor | None] = []
    for position, operands in enumerate(tape.edges):
        sent = tape.sent.get(position, ())
        local = tape.local[position]
        for number, (operand, result) in enumerate(operands):
            if operand is not None:
                places.append((position, tape.index[operand], number, result))
                slopes.append(local[number] if number < len(local) else None)
                contributions.append(sent[number] if number < len(sent) else None)
    numbers = _plain_all([*slopes, *contributions])
    count = len(places)
    return [
        GraphEdge(f"n{source + 1}", f"n{target + 1}", number, local_, contribution, result)
        for (source, target, number, result), local_, contribution in zip(
            places, numbers[:count], numbers[count:], strict=True
        )
    ]


def _plain_all(tensors: Sequence[Tensor | None]) -> list[Value]:
    """Tensors as numbers and lists; the many that are the same tensor are looked at once."""
    known: dict[int, Value] = {id(None): None}
    found: list[Value] = []
    for tensor in tensors:
        key = id(tensor)
        if key not in known:
            known[key] = plain(tensor)  # type: ignore[arg-type]
        found.append(known[key])
    return found


def _constants(
    expression: Expression, values: Sequence[NodeValue], tape: Tape
) -> list[GraphConstant]:
    """The operands that carry no gradient, at the node that owns the operation."""
    nodes = expression.nodes
    carries: list[bool] | None = None  # most constants are numbers that somebody typed
    found: list[GraphConstant] = []
    for position, (owner, is_top) in enumerate(zip(tape.owner, tape.top, strict=True)):
        if not is_top:
            continue
        for number, operand in enumerate(nodes[owner].operands):
            value = values[operand]
            if value is None or (isinstance(value, Tensor) and value.requires_grad):
                continue
            node = nodes[operand]
            if node.span.start == node.span.end:  # a default, which nobody typed
                continue
            if node.op != NUMBER and carries is None:
                carries = _carries(expression, values)
            found.append(
                GraphConstant(
                    source=f"n{position + 1}",
                    input=number,
                    span=node.span,
                    value=plain(value) if isinstance(value, Tensor) else value,
                    cut=carries is not None and carries[operand],
                )
            )
    return found


def _carries(expression: Expression, values: Sequence[NodeValue]) -> list[bool]:
    """Whether each node depends on a variable that requires a gradient."""
    carries: list[bool] = []
    for position, node in enumerate(expression.nodes):
        value = values[position]
        is_tracked = isinstance(value, Tensor) and value.requires_grad
        carries.append(is_tracked or any(carries[i] for i in node.operands))
    return carries
