"""The grad_fn graph as torch recorded it, with every value, gradient and contribution in it.

The graph is torch's own, walked through `next_functions`; hooks on its nodes see what one real
backward pass sends along every edge. What torch does not keep is the text: that comes from the
expression, whose values own the graph's nodes.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine import backward
from autograd_cli.engine.context import Context
from autograd_cli.engine.derivatives import plain
from autograd_cli.engine.evaluate import NodeValue, evaluate, output
from autograd_cli.engine.faults import explain_backward, shape_text
from autograd_cli.engine.nonfinite import explain_value
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.errors import DerivativeError, ShapeError, Span
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results.graph import (
    Contribution,
    Graph,
    GraphConstant,
    GraphEdge,
    GraphNode,
    Ledger,
    Path,
    PathStep,
    Saved,
)

TorchNode = Any  # torch.autograd.graph.Node; its concrete classes are made by C++
Progress = Callable[[int, int, str], None]


@dataclass
class Tape:
    """The nodes of a recorded graph and what one backward pass showed of them.

    `nodes` are in evaluation order. `owner` is the position of the expression's node that each one
    belongs to, `top` whether it is the one that made that node's value, `result` which of its
    results is used. In the graph of a gradient, the nodes of its own (`is_own`) have a `partner`,
    the node whose derivative they compute, if that is still in the graph, and a value among
    `own_values` if it is known; `made` is what each node made in a backward pass that recorded
    itself. `upstream` is the total gradient that reached a node, `sent` what it sent along each
    edge, `executed` the order of the backward pass. Everything is keyed by a node's position.
    """

    nodes: list[TorchNode]
    index: dict[TorchNode, int]
    owner: list[int]
    top: list[bool]
    result: list[int]
    is_own: list[bool]
    partner: list[int | None]
    own_values: Mapping[int, Tensor] = field(default_factory=dict)
    made: list[tuple[int, list[Tensor]]] = field(default_factory=list)
    local: list[tuple[Tensor | None, ...]] = field(default_factory=list)
    upstream: dict[int, Tensor | None] = field(default_factory=dict)
    sent: dict[int, tuple[Tensor | None, ...]] = field(default_factory=dict)
    executed: list[int] = field(default_factory=list)

    def release(self) -> None:
        """Lets go of the nodes from the root down.

        Torch frees a chain of nodes by recursion when only its end is held; from the root, each
        one dies alone.
        """
        self.index.clear()
        self.made.clear()
        self.nodes.reverse()
        for position in range(len(self.nodes)):
            self.nodes[position] = None


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
    tracked = request if request.order == 1 else DerivativeRequest()
    leaves = backward.leaves(expression, at, tracked)
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = backward.weights(expression, leaves, value.shape, request, context)
    backward.check_differentiable(expression, value, weights)
    _check_recorded(expression, value)
    seed = None if weights.grad_output is None else weights.grad_output.expand_as(value)
    made_by = _makers(values)
    tape = _walk(expression, made_by, value)
    target = value
    if request.order > 1:
        _check_single(leaves[request.wrt[0]], request.wrt[0])
        target = _differentiate_on_tape(expression, tape, value, leaves[request.wrt[0]], seed)
        tape = _walk_second(expression, tape, target)
        seed = None
    kept = [_saved(node, leaves, values) if saved else () for node in tape.nodes]
    _measure_locals(tape)
    paths, more = ((), False) if why is None else _paths(expression, values, tape, target, why)
    gradients = _run_backward(expression, tape, target, leaves, seed, progress)
    graph = _graph(expression, values, leaves, context, tape, target, gradients, kept)
    graph = replace(
        graph,
        saved=saved,
        order=request.order,
        by=request.wrt[0] if request.order > 1 else None,
        why=why,
        paths=paths,
        more_paths=more,
    )
    # The order matters: the output first, then the nodes from the root down (see Tape.release).
    del target, value, values, made_by
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


def _makers(values: Sequence[NodeValue]) -> dict[TorchNode, int]:
    """For each torch node that made the value of an operation, that operation's position."""
    makers: dict[TorchNode, int] = {}
    for position, value in enumerate(values):
        if isinstance(value, Tensor) and value.requires_grad:
            makers.setdefault(_node_of(value), position)
    return makers


def _walk(expression: Expression, made_by: Mapping[TorchNode, int], value: Tensor) -> Tape:
    """All nodes that the output's graph holds, in evaluation order."""
    order = _post_order(_node_of(value))
    owner: dict[TorchNode, int] = {}
    for node in reversed(order):  # consumers come first, and hand their owner down
        own = owner[node] = made_by.get(node, owner.get(node, expression.root))
        for operand, _ in node.next_functions:
            if operand is not None and operand not in made_by:
                owner.setdefault(operand, own)
    nodes = sorted(order, key=lambda node: owner[node])  # stable: operands stay before consumers
    return Tape(
        nodes,
        {node: position for position, node in enumerate(nodes)},
        [owner[node] for node in nodes],
        [node in made_by for node in nodes],
        _results(nodes, value),
        [False] * len(nodes),
        [None] * len(nodes),
    )


def _differentiate_on_tape(
    expression: Expression, tape: Tape, value: Tensor, leaf: Tensor, seed: Tensor | None
) -> Tensor:
    """The gradient by a scalar leaf with a graph of its own; notes which node made what of it."""
    handles = []
    for position, node in enumerate(tape.nodes):
        if not _is_leaf(node):
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


def _walk_second(expression: Expression, first: Tape, gradient: Tensor) -> Tape:
    """The nodes of the gradient's graph: those of the forward pass that it needs, and its own.

    A node of its own belongs to the forward node whose backward step made it.
    """
    partner: dict[TorchNode, int] = {}
    value: dict[TorchNode, Tensor] = {}
    for position, parts in first.made:
        for part in parts:
            if part.requires_grad:
                top = _node_of(part)
                value.setdefault(top, part.detach())
                pending = [top]
                while pending:
                    node = pending.pop()
                    if node in partner or node in first.index:
                        continue
                    partner[node] = position
                    pending += [below for below, _ in node.next_functions if below is not None]
    root = _node_of(gradient)
    value.setdefault(root, gradient.detach())
    order = _post_order(root)
    needed = set(order)
    forward = [node for node in first.nodes if node in needed]
    nodes = forward + [node for node in order if node not in first.index]
    last = first.index[first.nodes[-1]]
    return Tape(
        nodes,
        {node: position for position, node in enumerate(nodes)},
        [first.owner[first.index.get(node, partner.get(node, last))] for node in nodes],
        [node in first.index and first.top[first.index[node]] for node in nodes],
        _results(nodes, gradient),
        [node not in first.index for node in nodes],
        [
            None if node in first.index else _index_of(forward, first, partner.get(node))
            for node in nodes
        ],
        own_values={position: value[node] for position, node in enumerate(nodes) if node in value},
    )


def _index_of(forward: Sequence[TorchNode], first: Tape, position: int | None) -> int | None:
    """The place of a forward node among those that the gradient's graph still holds."""
    if position is None or first.nodes[position] not in forward:
        return None
    return forward.index(first.nodes[position])


def _results(nodes: Sequence[TorchNode], root: Tensor) -> list[int]:
    """Which of its results each node is there for: `svdvals` is the second of three."""
    used = {
        operand: number
        for node in nodes
        for operand, number in node.next_functions
        if number and operand is not None
    }
    used[_node_of(root)] = root.output_nr
    return [used.get(node, 0) for node in nodes]


def _node_of(tensor: Tensor) -> TorchNode:
    return torch.autograd.graph.get_gradient_edge(tensor).node


def _post_order(root: TorchNode) -> list[TorchNode]:
    """The nodes reachable from `root`, operands before their consumers, each once."""
    order: list[TorchNode] = []
    seen = {root}
    stack = [(root, iter([operand for operand, _ in root.next_functions]))]
    while stack:
        node, operands = stack[-1]
        for operand in operands:
            if operand is not None and operand not in seen:
                seen.add(operand)
                stack.append((operand, iter([below for below, _ in operand.next_functions])))
                break
        else:
            order.append(node)
            stack.pop()
    return order


def _is_leaf(node: TorchNode) -> bool:
    return hasattr(node, "variable")


def _measure_locals(tape: Tape) -> None:
    """Each node's derivatives by its operands: the node itself, run on a gradient of ones.

    For an elementwise node, that is the elementwise derivative; for one whose result is a single
    number, the gradient. Otherwise the derivative is no such tensor. A node is elementwise if it
    answers to other gradients with their product with the answer to ones.
    """
    probes = functools.cache(_probes)  # most nodes of a graph have the same shape
    with torch.no_grad():
        for node, result in zip(tape.nodes, tape.result, strict=True):
            tape.local.append(() if _is_leaf(node) else _local(node, result, probes))


def _probes(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ones, and numbers between 1 and 2 no two of which are equal (multiples of a root)."""
    ones = torch.ones(shape, dtype=dtype, device=device)
    multiples = torch.arange(1, shape.numel() + 1, dtype=torch.float64) * 2**0.5
    return ones, (1 + multiples.frac()).reshape(shape).to(device, dtype)


def _local(
    node: TorchNode, result: int, probes: Callable[..., tuple[Tensor, Tensor]]
) -> tuple[Tensor | None, ...]:
    count = len(node.next_functions)
    made = node._input_metadata[result]
    shape = torch.Size(made.shape)
    ones, others = probes(shape, made.dtype, made.device)
    try:
        found = _answer(node, result, ones)
        if shape.numel() == 1:
            return found
        if not any(part is not None and part.shape == shape for part in found):
            return (None,) * count
        again = _answer(node, result, others)
    except (RuntimeError, NotImplementedError):  # no derivative: the backward pass will say so
        return (None,) * count
    return tuple(
        part if part is not None and _is_elementwise(part, other, others) else None
        for part, other in zip(found, again, strict=True)
    )


def _answer(node: TorchNode, result: int, upstream: Tensor) -> tuple[Tensor | None, ...]:
    """What a node alone sends along each edge for a gradient of its one used result."""
    gradients = [None] * len(node._input_metadata)
    gradients[result] = upstream  # type: ignore[call-overload]
    if callable(node):
        found = node(*gradients)
        return found if isinstance(found, tuple) else (found,)
    # One of a torch.autograd.Function answers for every argument, also for those without an edge.
    found = node.apply(*gradients)
    found = found if isinstance(found, tuple) else (found,)
    wanted = [part for part, needed in zip(found, node.needs_input_grad, strict=True) if needed]
    sent = iter(wanted)
    return tuple(None if operand is None else next(sent) for operand, _ in node.next_functions)


def _is_elementwise(local: Tensor, answer: Tensor | None, upstream: Tensor) -> bool:
    if local.shape != upstream.shape or answer is None:
        return False
    tolerance = 16 * torch.finfo(local.dtype).eps
    return torch.allclose(local * upstream, answer, tolerance, tolerance, equal_nan=True)


def _run_backward(
    expression: Expression,
    tape: Tape,
    value: Tensor,
    leaves: Mapping[str, Tensor],
    seed: Tensor | None,
    progress: Progress,
) -> dict[str, Tensor]:
    """One backward pass, watched; returns the gradient of every leaf."""
    handles = []
    for position, node in enumerate(tape.nodes):
        if not _is_leaf(node):
            handles.append(node.register_hook(_watcher(tape, position, progress)))
    tracked = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    try:
        found = vector_jacobian_product(value, list(tracked.values()), seed)
    except (RuntimeError, NotImplementedError) as error:
        raise explain_backward(error, expression) from error
    finally:
        for handle in handles:
            handle.remove()
    return {
        name: torch.zeros_like(leaf) if part is None else part
        for (name, leaf), part in zip(tracked.items(), found, strict=True)
    }


def _watcher(tape: Tape, position: int, progress: Progress) -> Callable[[Any, Any], None]:
    def watch(sent: tuple[Tensor | None, ...], upstream: tuple[Tensor | None, ...]) -> None:
        tape.sent[position] = sent
        tape.upstream[position] = upstream[tape.result[position]]
        tape.executed.append(position)
        if len(tape.executed) % 1024 == 0:
            progress(len(tape.executed), len(tape.nodes), "backward pass")

    return watch


def _graph(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    context: Context,
    tape: Tape,
    target: Tensor,
    gradients: Mapping[str, Tensor],
    kept: Sequence[tuple[Saved, ...]],
) -> Graph:
    ids = [f"n{position + 1}" for position in range(len(tape.nodes))]
    names = {id(leaf): name for name, leaf in leaves.items()}
    executed = {position: count for count, position in enumerate(tape.executed)}
    partial = _partial(expression)
    nodes = []
    for position, node in enumerate(tape.nodes):
        owner, is_top, partner = tape.owner[position], tape.top[position], tape.partner[position]
        grad = tape.upstream.get(position)
        name = expression.steps.get(owner) if is_top else None
        if _is_leaf(node):
            name = names[id(node.variable)]
            grad = gradients[name]
        owned = values[owner] if is_top else tape.own_values.get(position)
        nodes.append(
            GraphNode(
                id=ids[position],
                op=_name(node),
                span=expression.nodes[owner].span,
                inner=not is_top or owner in partial,
                name=name,
                shape=tuple(owned.shape)
                if isinstance(owned, Tensor)
                else _shape(node, tape.result[position]),
                value=plain(owned) if isinstance(owned, Tensor) else None,
                grad=None if grad is None else plain(grad),
                executed=executed.get(position),
                saved=kept[position],
                phase="backward" if tape.is_own[position] else "forward",
                partner=None if partner is None else ids[partner],
                arity=len(node.next_functions),
            )
        )
    edges = list(_edges(tape, ids))
    ledgers = _ledgers(nodes, edges)
    value = output(expression, list(values), context)
    return Graph(
        expression=expression.source,
        at={name: plain(leaves[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=plain(value),
        warnings=(*expression.warnings, *explain_value(expression, values)),
        root=ids[tape.index[_node_of(target)]],
        nodes=tuple(nodes),
        edges=tuple(edges),
        constants=tuple(_constants(expression, values, tape, ids)),
        leaves={name: ledgers.get(name, Ledger(plain(gradients[name]), ())) for name in gradients},
        shared={name: ledger for name, ledger in ledgers.items() if name not in gradients},
    )


def _partial(expression: Expression) -> set[int]:
    """The nodes that are only a part of what their text says: `min(x, y, z)` is two operations."""
    return {
        operand
        for node in expression.nodes
        for operand in node.operands
        if expression.nodes[operand].span == node.span
    }


def _name(node: TorchNode) -> str:
    return "AccumulateGrad" if _is_leaf(node) else str(node.name()).rpartition("::")[2]


def _shape(node: TorchNode, result: int) -> tuple[int, ...]:
    return tuple(node.variable.shape if _is_leaf(node) else node._input_metadata[result].shape)


def _edges(tape: Tape, ids: Sequence[str]) -> Iterator[GraphEdge]:
    for position, node in enumerate(tape.nodes):
        sent = tape.sent.get(position, ())
        local = tape.local[position]
        for number, (operand, result) in enumerate(node.next_functions):
            if operand is not None:
                slope = local[number] if number < len(local) else None
                contribution = sent[number] if number < len(sent) else None
                yield GraphEdge(
                    source=ids[position],
                    target=ids[tape.index[operand]],
                    input=number,
                    local=None if slope is None else plain(slope),
                    contribution=None if contribution is None else plain(contribution),
                    output=result,
                )


def _constants(
    expression: Expression, values: Sequence[NodeValue], tape: Tape, ids: Sequence[str]
) -> Iterator[GraphConstant]:
    """The operands that carry no gradient, at the node that owns the operation."""
    depends = _carries(expression, values)
    for position, is_top in enumerate(tape.top):
        owner = tape.owner[position]
        if not is_top:
            continue
        for number, operand in enumerate(expression.nodes[owner].operands):
            value = values[operand]
            if value is None or (isinstance(value, Tensor) and value.requires_grad):
                continue
            node = expression.nodes[operand]
            if node.span.start == node.span.end:  # a default, which nobody typed
                continue
            yield GraphConstant(
                source=ids[position],
                input=number,
                span=node.span,
                value=plain(value) if isinstance(value, Tensor) else value,
                cut=depends[operand],
            )


def _carries(expression: Expression, values: Sequence[NodeValue]) -> list[bool]:
    """Whether each node depends on a variable that requires a gradient."""
    carries: list[bool] = []
    for position, node in enumerate(expression.nodes):
        value = values[position]
        is_tracked = isinstance(value, Tensor) and value.requires_grad
        carries.append(is_tracked or any(carries[i] for i in node.operands))
    return carries


# Ledgers ----------------------------------------------------------------------------------------


def _ledgers(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> dict[str, Ledger]:
    """For each leaf (by its variable) and each shared node (by its id): what arrived from where."""
    by_id = {node.id: node for node in nodes}
    arriving: dict[str, list[GraphEdge]] = {}
    for edge in edges:  # in evaluation order of the consumers
        arriving.setdefault(edge.target, []).append(edge)
    terms = _terms(nodes, arriving)
    found: dict[str, Ledger] = {}
    for target, incoming in arriving.items():
        node = by_id[target]
        if not node.is_leaf and len(incoming) < 2:
            continue
        spans = [
            node.span if by_id[edge.source].op in _SUMS else terms[edge.source] for edge in incoming
        ]
        often = Counter(spans)
        contributions = tuple(
            Contribution(
                edge.source,
                span if often[span] == 1 else by_id[edge.source].span,
                edge.contribution,
            )
            for edge, span in zip(incoming, spans, strict=True)
        )
        found[node.name if node.is_leaf and node.name else target] = Ledger(
            node.grad, contributions
        )
    return found


def _terms(
    nodes: Sequence[GraphNode], arriving: Mapping[str, Sequence[GraphEdge]]
) -> dict[str, Span]:
    """For each node the largest expression around it that is one term of a sum."""
    by_id = {node.id: node for node in nodes}
    terms: dict[str, Span] = {}
    for node in reversed(nodes):
        consumers = arriving.get(node.id, ())
        is_term = len(consumers) != 1 or by_id[consumers[0].source].op in _SUMS
        terms[node.id] = node.span if is_term else terms[consumers[0].source]
    return terms


_SUMS = {"AddBackward0", "SubBackward0", "RsubBackward1", "StackBackward0"}


# Paths ------------------------------------------------------------------------------------------

MAX_PATHS = 1_000
_FLAT = {
    "WhereBackward0": "this branch is not taken",
    **dict.fromkeys(
        ("SignBackward0", "SgnBackward0", "FloorBackward0", "CeilBackward0", "RoundBackward0"),
        "flat: its derivative is 0 everywhere",
    ),
    "TruncBackward0": "flat: its derivative is 0 everywhere",
}


def _paths(
    expression: Expression,
    values: Sequence[NodeValue],
    tape: Tape,
    target: Tensor,
    variable: str,
) -> tuple[tuple[Path, ...], bool]:
    """Every path from the output to a variable with what it contributes, and every place where
    one was cut; whether there are more than MAX_PATHS.

    What a path contributes is the output's gradient sent down that path alone, node by node.
    """
    leaf = values[expression.variables[variable]]
    assert isinstance(leaf, Tensor)
    goal = tape.index.get(_node_of(leaf))
    reaches = _reaches(tape, goal)
    spans = [expression.nodes[owner].span for owner in tape.owner]
    found: list[Path] = []
    root = tape.index[_node_of(target)]
    start = torch.ones_like(target).detach()
    pending: list[tuple[int, Tensor, tuple[PathStep, ...], str]] = [(root, start, (), "")]
    with torch.no_grad():
        while pending and len(found) < MAX_PATHS:
            position, upstream, steps, cut = pending.pop()
            if position == goal:
                last = PathStep(f"n{position + 1}", spans[position], None)
                found.append(Path((*steps, last), plain(upstream), cut))
                continue
            node = tape.nodes[position]
            parts = _answer(node, tape.result[position], upstream)
            for number in reversed(range(len(node.next_functions))):
                operand = node.next_functions[number][0]
                if operand is None or not reaches[tape.index[operand]]:
                    continue
                part = parts[number] if number < len(parts) else None
                if part is None:
                    continue
                slopes = tape.local[position]
                slope = slopes[number] if number < len(slopes) else None
                step = PathStep(
                    f"n{position + 1}", spans[position], None if slope is None else plain(slope)
                )
                below = tape.nodes[tape.index[operand]]
                shape = torch.Size(_shape(below, tape.result[tape.index[operand]]))
                now = cut
                if not cut and slope is not None and not slope.any():
                    now = _FLAT.get(_name(node), "its derivative is 0 here")
                pending.append((tape.index[operand], part.sum_to_size(shape), (*steps, step), now))
    depends = _depends_on(expression, expression.variables[variable])
    for constant in _constants(expression, values, tape, [f"n{i + 1}" for i in range(len(spans))]):
        operand = _operand_at(expression, constant)
        if constant.cut and depends[operand]:
            position = int(constant.source[1:]) - 1
            step = PathStep(constant.source, spans[position], None)
            text = expression.text(operand)
            found.append(Path((step,), 0.0, f"{text} carries no gradient"))
    return tuple(found), bool(pending)


def _reaches(tape: Tape, goal: int | None) -> list[bool]:
    """Which nodes lead to the goal; operands come before their consumers."""
    reaches: list[bool] = []
    for position, node in enumerate(tape.nodes):
        below = [tape.index[operand] for operand, _ in node.next_functions if operand is not None]
        reaches.append(position == goal or any(reaches[i] for i in below if i < position))
    return reaches


def _depends_on(expression: Expression, variable: int) -> list[bool]:
    depends: list[bool] = []
    for position, node in enumerate(expression.nodes):
        depends.append(position == variable or any(depends[i] for i in node.operands))
    return depends


def _operand_at(expression: Expression, constant: GraphConstant) -> int:
    """The position of a constant's node."""
    return next(
        position for position, node in enumerate(expression.nodes) if node.span == constant.span
    )


# What the nodes keep ----------------------------------------------------------------------------


def _saved(
    node: TorchNode, leaves: Mapping[str, Tensor], values: Sequence[NodeValue]
) -> tuple[Saved, ...]:
    """The tensors that a node keeps for its backward pass; to be read before it runs."""
    found = []
    storages = {leaf.data_ptr(): f"leaf {name}" for name, leaf in leaves.items()}
    computed = {
        value.data_ptr(): "value of an operation"
        for value in values
        if isinstance(value, Tensor) and value.data_ptr() not in storages
    }
    for attribute in dir(node):
        if not attribute.startswith("_saved_"):
            continue
        kept = getattr(node, attribute)
        for tensor in kept if isinstance(kept, (list, tuple)) else [kept]:
            if isinstance(tensor, Tensor):
                pointer = tensor.data_ptr()
                found.append(
                    Saved(
                        role=attribute.removeprefix("_saved_"),
                        shape=tuple(tensor.shape),
                        bytes=tensor.numel() * tensor.element_size(),
                        source=storages.get(pointer) or computed.get(pointer) or "new buffer",
                    )
                )
    return tuple(found)
