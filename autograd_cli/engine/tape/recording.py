"""The grad_fn graph as torch recorded it, with every value, gradient and contribution in it.

The graph is torch's own, walked through `next_functions`; one backward pass, whose every answer is
that of one of torch's nodes, shows what is sent along every edge. What torch does not keep is the
text: that comes from the expression, whose values own the graph's nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from autograd_cli.collector import collector_paused
from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.nodewise.point import Point
from autograd_cli.engine.tape.cut_operands import constants
from autograd_cli.engine.tape.nodes import Tape, walk, walk_second
from autograd_cli.engine.tape.paths import paths
from autograd_cli.engine.tape.saved_tensors import saved as saved_by
from autograd_cli.engine.tape.sweep import Progress, differentiate, sweep
from autograd_cli.engine.tape.unrecorded import unrecorded
from autograd_cli.errors import ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results.graph import Graph, Path
from autograd_cli.results.graph_parts import GraphEdge, GraphNode, Saved


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
    DerivativeError where torch has no derivative.
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
    wanted = request if by is None else DerivativeRequest()
    point = Point.of(expression, at, context, wanted)
    leaves, values, value = point.leaves, point.values, point.value
    weights = point.weights(request, "graph")
    if not value.requires_grad:
        return replace(unrecorded(point, by, why), saved=saved)
    seed = None if weights.grad_output is None else weights.grad_output.expand_as(value)
    tape = walk(expression, values, value)
    if by is not None:
        _check_single(leaves[by], by)
        value, made = differentiate(expression, tape, value, leaves[by], seed)
        tape = walk_second(tape, made, value)
        del made
        seed = None
    kept = saved_by(tape.nodes, leaves, values) if saved else ()
    tracked = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    found = sweep(expression, tape, value, tracked.values(), seed, progress)
    gradients = dict(zip(tracked, found, strict=True))
    operands = constants(expression, values, tape)
    ways: tuple[Path, ...] = ()
    more = False
    if why is not None:
        ways, more = paths(expression, values, tape, operands, value, seed, why)
    warnings = point.warnings()
    if by is None and not all(part.isfinite().all() for part in found):
        warnings += point.why_not_finite(weights.grad_output)
    progress(0, len(tape.nodes), "numbers")
    nodes = _nodes(expression, values, tracked, tape, kept)
    progress(len(nodes) // 2, len(nodes), "numbers")
    graph = Graph(
        **point.header(),
        warnings=tuple(warnings),
        root=nodes[tape.position(value) or 0].id,
        nodes=nodes,
        edges=_edges(tape),
        constants=tuple(operands),
        gradient={name: plain(part) for name, part in gradients.items()},
        saved=saved,
        order=request.order,
        by=by,
        why=why,
        paths=ways,
        more_paths=more,
    )
    # The order matters: the output first, then the nodes from the root down (see Tape.release).
    del value, values
    tape.release()
    return graph


def _check_single(leaf: Tensor, name: str) -> None:
    if leaf.dim():
        raise ShapeError(
            f"--order 2 is the graph of one derivative, and '{name}' is {shape_text(leaf)}",
            hint="name a variable that is a number, or see agx hessian for all of them",
        )


# The model, a column at a time ------------------------------------------------------------------


def _nodes(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    tape: Tape,
    kept: Sequence[tuple[Saved, ...]],
) -> tuple[GraphNode, ...]:
    count = len(tape.nodes)
    own = tape.own_values
    made = [
        values[owner] if is_top else own.get(position)
        for position, (owner, is_top) in enumerate(zip(tape.owner, tape.top, strict=True))
    ]
    numbers = [plain(one) if isinstance(one, Tensor) else None for one in made]
    shapes = [
        () if type(number) is float else tuple(tape.made(position)[0])
        for position, number in enumerate(numbers)
    ]
    spans = [expression.nodes[owner].span for owner in tape.owner]
    partial = _partial(expression)
    inner = [
        not is_top or owner in partial for owner, is_top in zip(tape.owner, tape.top, strict=True)
    ]
    names: list[str | None] = [None] * count
    if steps := expression.steps:
        names = [
            steps.get(owner) if is_top else None
            for owner, is_top in zip(tape.owner, tape.top, strict=True)
        ]
    for name, leaf in leaves.items():
        position = tape.position(leaf)
        if position is not None:
            names[position] = name
    executed: list[int | None] = [None] * count
    for moment, position in enumerate(tape.executed):
        executed[position] = moment
    columns = (
        tape.ids,
        tape.names(),
        spans,
        inner,
        names,
        shapes,
        numbers,
        tape.grads,
        executed,
        kept or [()] * count,
        ["backward" if is_own else "forward" for is_own in tape.is_own],
        [None if partner is None else tape.ids[partner] for partner in tape.partner],
        map(len, tape.edges),
    )
    return tuple(map(GraphNode._make, zip(*columns, strict=True)))


def _partial(expression: Expression) -> set[int]:
    """The nodes that are only a part of what their text says: `min(x, y, z)` is two operations."""
    spans = [node.span for node in expression.nodes]
    return {
        operand
        for node, span in zip(expression.nodes, spans, strict=True)
        for operand in node.operands
        if spans[operand] == span
    }


def _edges(tape: Tape) -> tuple[GraphEdge, ...]:
    ids, result = tape.ids, tape.result.get
    columns = zip(ids, tape.edges, tape.local, tape.sent, strict=True)
    return tuple(
        [
            GraphEdge(source, ids[target], number, local[number], sent[number], result(target, 0))
            for source, operands, local, sent in columns
            for number, target in enumerate(operands)
            if target is not None
        ]
    )
