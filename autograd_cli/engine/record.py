"""The grad_fn graph as torch recorded it, with every value, gradient and contribution in it.

The graph is torch's own, walked through `next_functions`; hooks on its nodes see what one real
backward pass sends along every edge. What torch does not keep is the text: that comes from the
expression, whose values own the graph's nodes.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine import backward
from autograd_cli.engine.context import Context
from autograd_cli.engine.derivatives import plain
from autograd_cli.engine.evaluate import NodeValue, evaluate, output
from autograd_cli.engine.faults import explain_backward
from autograd_cli.engine.nonfinite import explain_value
from autograd_cli.engine.product import vector_jacobian_product
from autograd_cli.errors import DerivativeError, Span
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results.graph import (
    Contribution,
    Graph,
    GraphConstant,
    GraphEdge,
    GraphNode,
    Ledger,
    Saved,
)

TorchNode = Any  # torch.autograd.graph.Node; its concrete classes are made by C++
Progress = Callable[[int], None]


@dataclass
class Tape:
    """The nodes of a recorded graph and what one backward pass showed of them.

    `nodes` are in evaluation order. `owner` is the position of the expression's node that each one
    belongs to, `top` whether it is the one that made that node's value. `upstream` is the total
    gradient that reached a node, `sent` what it sent along each edge, `executed` the order of the
    backward pass. Everything is keyed by a node's position in `nodes`.
    """

    nodes: list[TorchNode]
    index: dict[TorchNode, int]
    owner: list[int | None]
    top: list[bool]
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
        self.nodes.reverse()
        for position in range(len(self.nodes)):
            self.nodes[position] = None


def record(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    request: DerivativeRequest = DerivativeRequest(),  # noqa: B008  (frozen)
    progress: Progress = lambda done: None,
    saved: bool = False,
) -> Graph:
    """The graph of the expression at a point, after one backward pass.

    Raises: as `gradient`: ShapeError for an output that is no scalar and has no `grad_output`,
    DerivativeError where nothing requires a gradient or torch has no derivative.
    """
    leaves = backward.leaves(expression, at, request)
    values = evaluate(expression, leaves, context)
    value = output(expression, values, context)
    weights = backward.weights(expression, leaves, value.shape, request, context)
    backward.check_differentiable(expression, value, weights)
    if not value.requires_grad:
        raise DerivativeError(
            "no gradient flows to any variable here: autograd records nothing",
            hint="detach, floor, sign and conditions cut the graph",
            span=expression.nodes[expression.root].span,
            source=expression.source,
        )
    seed = None if weights.grad_output is None else weights.grad_output.expand_as(value)
    tape = _walk(expression, values, leaves, value)
    kept = [_saved(node, leaves, values) if saved else () for node in tape.nodes]
    _measure_locals(tape)
    gradients = _run_backward(expression, tape, value, leaves, seed, progress)
    graph = _graph(expression, values, leaves, context, tape, gradients, kept, saved)
    # The order matters: the output first, then the nodes from the root down (see Tape.release).
    del value, values
    tape.release()
    return graph


def _walk(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    value: Tensor,
) -> Tape:
    """All nodes that the output's graph holds, in evaluation order."""
    made_by: dict[TorchNode, int] = {}
    for position, node_value in enumerate(values):
        if isinstance(node_value, Tensor) and node_value.requires_grad:
            made_by.setdefault(_node_of(node_value), position)
    root = _node_of(value)
    order = _post_order(root)
    owner: dict[TorchNode, int | None] = {}
    for node in reversed(order):  # consumers come first, and hand their owner down
        own = made_by.get(node, owner.get(node))
        owner[node] = own
        for operand, _ in node.next_functions:
            if operand is not None and operand not in made_by and owner.get(operand) is None:
                owner[operand] = own
    last = len(expression.nodes)
    ranked = sorted(
        range(len(order)),
        key=lambda i: (last if owner[order[i]] is None else owner[order[i]], i),
    )
    nodes = [order[i] for i in ranked]
    return Tape(
        nodes,
        {node: position for position, node in enumerate(nodes)},
        [owner[node] for node in nodes],
        [node in made_by for node in nodes],
    )


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

    For a node whose operand has the shape of its result, that is the elementwise derivative; for
    one whose result is a single number, the gradient. Otherwise the derivative is no such tensor.
    """
    ones = functools.cache(torch.ones)  # most nodes of a graph have the same shape
    with torch.no_grad():
        for node in tape.nodes:
            tape.local.append(() if _is_leaf(node) else _local(node, ones))


def _local(node: TorchNode, ones: Callable[..., Tensor]) -> tuple[Tensor | None, ...]:
    count = len(node.next_functions)
    outputs = node._input_metadata
    if len(outputs) != 1:
        return (None,) * count
    shape = torch.Size(outputs[0].shape)
    try:
        found = node(ones(shape, dtype=outputs[0].dtype, device=outputs[0].device))
    except (RuntimeError, NotImplementedError):  # no derivative: the backward pass will say so
        return (None,) * count
    parts = found if isinstance(found, tuple) else (found,)
    single = shape.numel() == 1
    return tuple(
        part if part is not None and (single or part.shape == shape) else None for part in parts
    )


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
        tape.upstream[position] = upstream[0] if len(upstream) == 1 else None
        tape.executed.append(position)
        if len(tape.executed) % 1024 == 0:
            progress(len(tape.executed))

    return watch


def _graph(
    expression: Expression,
    values: Sequence[NodeValue],
    leaves: Mapping[str, Tensor],
    context: Context,
    tape: Tape,
    gradients: Mapping[str, Tensor],
    kept: Sequence[tuple[Saved, ...]],
    saved: bool,
) -> Graph:
    ids = [f"n{position + 1}" for position in range(len(tape.nodes))]
    names = {id(leaf): name for name, leaf in leaves.items()}
    executed = {position: count for count, position in enumerate(tape.executed)}
    nodes = []
    for position, node in enumerate(tape.nodes):
        owner, is_top = tape.owner[position], tape.top[position]
        name: str | None = None
        grad: Tensor | None
        if _is_leaf(node):
            name = names[id(node.variable)]
            grad = gradients[name]
        else:
            grad = tape.upstream.get(position)
            if is_top and owner is not None:
                name = expression.steps.get(owner)
        owned = values[owner] if is_top and owner is not None else None
        shape = tuple(owned.shape) if isinstance(owned, Tensor) else _shape(node)
        nodes.append(
            GraphNode(
                id=ids[position],
                op=_name(node),
                span=expression.nodes[expression.root if owner is None else owner].span,
                inner=not is_top,
                name=name,
                shape=shape,
                value=plain(owned) if isinstance(owned, Tensor) else None,
                grad=None if grad is None else plain(grad),
                executed=executed.get(position),
                saved=kept[position],
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
        root=ids[tape.index[_node_of(value)]],
        nodes=tuple(nodes),
        edges=tuple(edges),
        constants=tuple(_constants(expression, values, tape, ids)),
        leaves={name: ledgers.get(name, Ledger(plain(gradients[name]), ())) for name in gradients},
        shared={name: ledger for name, ledger in ledgers.items() if name not in gradients},
        saved=saved,
    )


def _name(node: TorchNode) -> str:
    return "AccumulateGrad" if _is_leaf(node) else str(node.name()).rpartition("::")[2]


def _shape(node: TorchNode) -> tuple[int, ...]:
    if _is_leaf(node):
        return tuple(node.variable.shape)
    metadata = node._input_metadata
    return tuple(metadata[0].shape) if metadata else ()


def _edges(tape: Tape, ids: Sequence[str]) -> Iterator[GraphEdge]:
    for position, node in enumerate(tape.nodes):
        sent = tape.sent.get(position, ())
        local = tape.local[position]
        for number, (operand, _) in enumerate(node.next_functions):
            if operand is not None:
                slope = local[number] if number < len(local) else None
                contribution = sent[number] if number < len(sent) else None
                yield GraphEdge(
                    source=ids[position],
                    target=ids[tape.index[operand]],
                    input=number,
                    local=None if slope is None else plain(slope),
                    contribution=None if contribution is None else plain(contribution),
                )


def _constants(
    expression: Expression, values: Sequence[NodeValue], tape: Tape, ids: Sequence[str]
) -> Iterator[GraphConstant]:
    """The operands that carry no gradient, at the node that owns the operation."""
    depends = _depends_on_variable(expression)
    for position, is_top in enumerate(tape.top):
        owner = tape.owner[position]
        if not is_top or owner is None:
            continue
        for number, operand in enumerate(expression.nodes[owner].operands):
            value = values[operand]
            if value is None or (isinstance(value, Tensor) and value.requires_grad):
                continue
            node = expression.nodes[operand]
            yield GraphConstant(
                source=ids[position],
                input=number,
                span=node.span,
                value=plain(value) if isinstance(value, Tensor) else value,
                cut=depends[operand],
            )


def _depends_on_variable(expression: Expression) -> list[bool]:
    depends: list[bool] = []
    for node in expression.nodes:
        depends.append(node.op == "variable" or any(depends[i] for i in node.operands))
    return depends


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
