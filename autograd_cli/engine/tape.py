"""The nodes of a grad_fn graph: torch's own, walked through `next_functions`, each with the
operation of the expression that it belongs to."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.evaluate import NodeValue
from autograd_cli.language.expression import Expression

TorchNode = Any  # torch.autograd.graph.Node; its concrete classes are made by C++
NextFunctions = tuple[tuple[TorchNode, int], ...]


@dataclass
class Tape:
    """The nodes of a recorded graph and what one backward pass showed of them, by position.

    `nodes` are in evaluation order, `edges` their next_functions. `owner` is the position of the
    expression's node that each one belongs to, `top` whether it is the one that made that node's
    value, `result` which of its results is used, where that is not the first. In the graph of a
    gradient, the nodes of its own (`is_own`) have a `partner`, the node whose derivative they
    compute, if that is still in the graph, and a value among `own_values` if it is known.
    `upstream` is the total gradient that reached a node (None where none did), `sent` what it sent
    along each edge, `results` how many results it has (0 if it was not reached), `executed` the
    order of the backward pass, `local` the derivatives by operand.
    """

    nodes: list[TorchNode]
    edges: list[NextFunctions]
    index: dict[TorchNode, int]
    owner: list[int]
    top: list[bool]
    result: Mapping[int, int]
    is_own: list[bool]
    partner: list[int | None]
    own_values: Mapping[int, Tensor] = field(default_factory=dict)
    results: list[int] = field(default_factory=list)
    upstream: list[Tensor | None] = field(default_factory=list)
    sent: list[tuple[Tensor | None, ...]] = field(default_factory=list)
    local: list[tuple[Tensor | None, ...]] = field(default_factory=list)
    executed: list[int] = field(default_factory=list)

    def release(self) -> None:
        """Lets go of the nodes from the root down.

        Torch frees a chain of nodes by recursion when only its end is held; from the root, each
        one dies alone.
        """
        self.index.clear()
        self.edges.reverse()
        self.nodes.reverse()
        for position in range(len(self.nodes)):
            self.edges[position] = ()
            self.nodes[position] = None

    def position(self, tensor: Tensor) -> int | None:
        """Where the node is that made a tensor; None if the graph does not have it."""
        return self.index.get(node_of(tensor))

    def shape(self, position: int) -> tuple[int, ...]:
        """The shape of a node's value."""
        node = self.nodes[position]
        if is_leaf(node):
            return tuple(node.variable.shape)
        return tuple(node._input_metadata[self.result.get(position, 0)].shape)

    def answer(self, position: int, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """What a node alone sends along each edge for a gradient of its one used result."""
        node = self.nodes[position]
        gradients: list[Tensor | None] = [upstream]
        results = self.results[position] or len(node._input_metadata)
        if results > 1:
            gradients = [None] * results
            gradients[self.result.get(position, 0)] = upstream
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


LEAF = "AccumulateGrad"
NAMELESS = "CppFunction"  # the class of nodes that have none of their own in Python


def is_leaf(node: TorchNode) -> bool:
    return type(node).__name__ == LEAF


def name_of(node: TorchNode) -> str:
    """torch's name: `MulBackward0`, `AccumulateGrad`."""
    name = type(node).__name__
    return name if name != NAMELESS else str(node.name()).rpartition("::")[2]


def walk(expression: Expression, values: Sequence[NodeValue], output: Tensor) -> Tape:
    """All nodes that the output's graph holds, in evaluation order.

    A node that no value was made by is a part of an operation that torch records as several: it
    belongs to the first value that leads to it.
    """
    root = node_of(output)
    edges, used = _reachable(root)
    nodes: list[TorchNode] = []
    index: dict[TorchNode, int] = {}
    owner: list[int] = []
    top: list[bool] = []
    for position, value in enumerate(values):
        if not isinstance(value, Tensor) or not value.requires_grad:
            continue
        node = value.grad_fn or node_of(value)
        if node in index or node not in edges:
            continue
        for operand, _ in edges[node]:
            if operand is not None and operand not in index:
                inner = _post_order(operand, index, edges)
                for one in inner:
                    index[one] = len(index)
                nodes += inner
                owner += [position] * len(inner)
                top += [False] * len(inner)
        index[node] = len(index)
        nodes.append(node)
        owner.append(position)
        top.append(True)
    return Tape(
        nodes=nodes,
        edges=[edges[node] for node in nodes],
        index=index,
        owner=owner,
        top=top,
        result={index[node]: number for node, number in (used | _result_of(output)).items()},
        is_own=[False] * len(nodes),
        partner=[None] * len(nodes),
    )


def walk_second(first: Tape, made: Sequence[tuple[int, Tensor]], gradient: Tensor) -> Tape:
    """The nodes of the gradient's graph: those of the forward pass that it needs, and its own.

    `made` are the tensors that the nodes of the first graph, by position, made in a backward pass
    that recorded itself. A node of its own belongs to the forward node whose backward step made it.
    """
    maker: dict[TorchNode, int] = {}
    value: dict[TorchNode, Tensor] = {}
    for position, part in made:
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
    edges, used = _reachable(root)
    nodes = [node for node in first.nodes if node in edges]
    place = {first.index[node]: position for position, node in enumerate(nodes)}
    nodes += _post_order(root, first.index, edges)
    index = {node: position for position, node in enumerate(nodes)}
    last = len(first.nodes) - 1
    origin = [first.index.get(node, maker.get(node, last)) for node in nodes]
    is_own = [node not in first.index for node in nodes]
    return Tape(
        nodes=nodes,
        edges=[edges[node] for node in nodes],
        index=index,
        owner=[first.owner[position] for position in origin],
        top=[first.top[position] and not own for position, own in zip(origin, is_own, strict=True)],
        result={index[node]: number for node, number in (used | _result_of(gradient)).items()},
        is_own=is_own,
        partner=[
            place.get(maker[node]) if own and node in maker else None
            for node, own in zip(nodes, is_own, strict=True)
        ],
        own_values={position: value[node] for position, node in enumerate(nodes) if node in value},
    )


def _result_of(tensor: Tensor) -> dict[TorchNode, int]:
    return {node_of(tensor): tensor.output_nr} if tensor.output_nr else {}


def _reachable(root: TorchNode) -> tuple[dict[TorchNode, NextFunctions], dict[TorchNode, int]]:
    """Every node's next_functions, which torch makes anew whenever it is asked; and which result of
    a node is used, where that is not the first: `svdvals` is the second of three."""
    edges: dict[TorchNode, NextFunctions] = {root: root.next_functions}
    used: dict[TorchNode, int] = {}
    pending = [edges[root]]
    while pending:
        for operand, number in pending.pop():
            if number:
                used[operand] = number
            if operand is not None and operand not in edges:
                edges[operand] = below = operand.next_functions
                if below:
                    pending.append(below)
    return edges, used


def _post_order(
    root: TorchNode, known: Container[TorchNode], edges: Mapping[TorchNode, NextFunctions]
) -> list[TorchNode]:
    """The nodes from `root` down to the known ones, operands before their consumers, each once."""
    order: list[TorchNode] = []
    seen = {root}
    stack = [(root, iter(edges[root]))]
    while stack:
        node, operands = stack[-1]
        for operand, _ in operands:
            if operand is not None and operand not in seen and operand not in known:
                seen.add(operand)
                stack.append((operand, iter(edges[operand])))
                break
        else:
            order.append(node)
            stack.pop()
    return order
