"""The nodes of a grad_fn graph: torch's own, walked through `next_functions`, each with the
operation of the expression that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.evaluate import NodeValue
from autograd_cli.language.expression import Expression

TorchNode = Any  # torch.autograd.graph.Node; its concrete classes are made by C++


@dataclass
class Tape:
    """The nodes of a recorded graph and what one backward pass showed of them.

    `nodes` are in evaluation order, `edges` their next_functions. `owner` is the position of the
    expression's node that each one belongs to, `top` whether it is the one that made that node's
    value, `result` which of its results is used. In the graph of a gradient, the nodes of its own
    (`is_own`) have a `partner`, the node whose derivative they compute, if that is still in the
    graph, and a value among `own_values` if it is known; `made` is what each node made in a
    backward pass that recorded itself. `upstream` is the total gradient that reached a node, `sent`
    what it sent along each edge, `executed` the order of the backward pass. Everything is keyed by
    a node's position.
    """

    nodes: list[TorchNode]
    edges: list[tuple[tuple[TorchNode, int], ...]]
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
        self.edges.reverse()
        self.nodes.reverse()
        for position in range(len(self.nodes)):
            self.edges[position] = ()
            self.nodes[position] = None

    def shape(self, position: int) -> tuple[int, ...]:
        """The shape of a node's value."""
        node = self.nodes[position]
        if is_leaf(node):
            return tuple(node.variable.shape)
        return tuple(node._input_metadata[self.result[position]].shape)

    def answer(self, position: int, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """What a node alone sends along each edge for a gradient of its one used result."""
        node = self.nodes[position]
        gradients: list[Tensor | None] = [upstream]
        if len(node._input_metadata) > 1:
            gradients = [None] * len(node._input_metadata)
            gradients[self.result[position]] = upstream
        if callable(node):
            found = node(*gradients)
            return found if isinstance(found, tuple) else (found,)
        # One of a torch.autograd.Function answers for every argument, those without an edge too.
        found = node.apply(*gradients)
        found = found if isinstance(found, tuple) else (found,)
        wanted = [part for part, needed in zip(found, node.needs_input_grad, strict=True) if needed]
        sent = iter(wanted)
        return tuple(None if operand is None else next(sent) for operand, _ in self.edges[position])


def node_of(tensor: Tensor) -> TorchNode:
    """The node that made a tensor; of a leaf, the one that accumulates its gradient."""
    made_by = tensor.grad_fn
    return torch.autograd.graph.get_gradient_edge(tensor).node if made_by is None else made_by


def is_leaf(node: TorchNode) -> bool:
    return hasattr(node, "variable")


def name_of(node: TorchNode) -> str:
    """torch's name: `MulBackward0`, `AccumulateGrad`."""
    return "AccumulateGrad" if is_leaf(node) else str(node.name()).rpartition("::")[2]


def walk(expression: Expression, values: Sequence[NodeValue], output: Tensor) -> Tape:
    """All nodes that the output's graph holds, in evaluation order."""
    made_by: dict[TorchNode, int] = {}
    for position, value in enumerate(values):
        if isinstance(value, Tensor) and value.requires_grad:
            made_by.setdefault(node_of(value), position)
    order, edges = _post_order(node_of(output))
    owner: dict[TorchNode, int] = {}
    for node in reversed(order):  # consumers come first, and hand their owner down
        own = owner[node] = made_by.get(node, owner.get(node, expression.root))
        for operand, _ in edges[node]:
            if operand is not None and operand not in made_by:
                owner.setdefault(operand, own)
    nodes = sorted(order, key=owner.__getitem__)  # stable: operands stay before consumers
    return Tape(
        nodes=nodes,
        edges=[edges[node] for node in nodes],
        index={node: position for position, node in enumerate(nodes)},
        owner=[owner[node] for node in nodes],
        top=[node in made_by for node in nodes],
        result=_results(nodes, edges, output),
        is_own=[False] * len(nodes),
        partner=[None] * len(nodes),
    )


def walk_second(first: Tape, gradient: Tensor) -> Tape:
    """The nodes of the gradient's graph: those of the forward pass that it needs, and its own.

    A node of its own belongs to the forward node whose backward step made it.
    """
    maker: dict[TorchNode, int] = {}
    value: dict[TorchNode, Tensor] = {}
    for position, parts in first.made:
        for part in parts:
            if not part.requires_grad:
                continue
            top = node_of(part)
            value.setdefault(top, part.detach())
            pending = [top]
            while pending:
                node = pending.pop()
                if node not in maker and node not in first.index:
                    maker[node] = position
                    pending += [below for below, _ in node.next_functions if below is not None]
    root = node_of(gradient)
    value.setdefault(root, gradient.detach())
    order, edges = _post_order(root)
    forward = [node for node in first.nodes if node in edges]
    place = {first.index[node]: position for position, node in enumerate(forward)}
    nodes = forward + [node for node in order if node not in first.index]
    last = len(first.nodes) - 1
    origin = [first.index.get(node, maker.get(node, last)) for node in nodes]
    is_own = [node not in first.index for node in nodes]
    return Tape(
        nodes=nodes,
        edges=[edges[node] for node in nodes],
        index={node: position for position, node in enumerate(nodes)},
        owner=[first.owner[position] for position in origin],
        top=[first.top[position] and not own for position, own in zip(origin, is_own, strict=True)],
        result=_results(nodes, edges, gradient),
        is_own=is_own,
        partner=[
            place.get(maker[node]) if own and node in maker else None
            for node, own in zip(nodes, is_own, strict=True)
        ],
        own_values={position: value[node] for position, node in enumerate(nodes) if node in value},
    )


Edges = Mapping[TorchNode, tuple[tuple[TorchNode, int], ...]]


def _post_order(root: TorchNode) -> tuple[list[TorchNode], Edges]:
    """The nodes reachable from `root`, operands before their consumers, each once; and the
    next_functions of each, which torch makes anew whenever it is asked."""
    order: list[TorchNode] = []
    edges: dict[TorchNode, tuple[tuple[TorchNode, int], ...]] = {root: root.next_functions}
    stack = [(root, iter(edges[root]))]
    while stack:
        node, operands = stack[-1]
        for operand, _ in operands:
            if operand is not None and operand not in edges:
                edges[operand] = below = operand.next_functions
                stack.append((operand, iter(below)))
                break
        else:
            order.append(node)
            stack.pop()
    return order, edges


def _results(nodes: Sequence[TorchNode], edges: Edges, root: Tensor) -> list[int]:
    """Which of its results each node is there for: `svdvals` is the second of three."""
    used = {
        operand: number
        for node in nodes
        for operand, number in edges[node]
        if number and operand is not None
    }
    used[node_of(root)] = root.output_nr
    return [used.get(node, 0) for node in nodes]
