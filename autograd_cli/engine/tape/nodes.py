"""The nodes of a grad_fn graph: torch's own, walked through `next_functions`, each with the
operation of the expression that it belongs to."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.language.expression import Expression
from autograd_cli.results import Value

TorchNode = Any  # torch.autograd.graph.Node; its concrete classes are made by C++
NextFunctions = tuple[tuple[TorchNode, int], ...]
Edges = list[int | None]


@dataclass
class Tape:
    """The nodes of a recorded graph and what one backward pass showed of them, by position.

    `nodes` are in evaluation order, with `ids` in the same; `edges` are their next_functions, each
    by the position of the node that it leads to, None for a constant. `owner` is the position of
    the expression's node that each one belongs to, `top` whether it is the one that made that
    node's value, `result` which of its results is used, where that is not the first. In the graph
    of a gradient, the nodes of its own (`is_own`) have a `partner`, the node whose derivative they
    compute, if that is still in the graph, and a value among `own_values` if it is known. From the
    backward pass, as numbers: `grads` are the total gradients that reached the nodes (None where
    none did), `sent` what each sent along its edges, `local` its derivatives by operand, `executed`
    the order.
    """

    nodes: list[TorchNode]
    edges: list[Edges]
    index: dict[TorchNode, int]
    owner: list[int]
    top: list[bool]
    result: Mapping[int, int]
    is_own: list[bool] = field(default_factory=list)
    partner: list[int | None] = field(default_factory=list)
    own_values: Mapping[int, Tensor] = field(default_factory=dict)
    grads: list[Value] = field(default_factory=list)
    sent: list[Sequence[Value]] = field(default_factory=list)
    local: list[Sequence[Value]] = field(default_factory=list)
    executed: list[int] = field(default_factory=list)
    ids: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.is_own = self.is_own or [False] * len(self.nodes)
        self.partner = self.partner or [None] * len(self.nodes)
        self.ids = [f"n{number}" for number in range(1, len(self.nodes) + 1)]

    def release(self) -> None:
        """Lets go of the nodes from the root down.

        Torch frees a chain of nodes by recursion when only its end is held; from the root, each
        one dies alone.
        """
        self.index.clear()
        while self.nodes:
            self.nodes.pop()

    def position(self, tensor: Tensor) -> int | None:
        """Where the node is that made a tensor; None if the graph does not have it."""
        return self.index.get(node_of(tensor))

    def names(self) -> list[str]:
        """torch's names of the nodes."""
        names = [type(node).__name__ for node in self.nodes]
        if NAMELESS in names:
            names = list(map(name_of, self.nodes))
        return names

    def made(self, position: int) -> tuple[torch.Size, torch.dtype, torch.device]:
        """The shape, the dtype and the device of a node's value."""
        node = self.nodes[position]
        if is_leaf(node):
            leaf = node.variable
            return leaf.shape, leaf.dtype, leaf.device
        about = node._input_metadata[self.result.get(position, 0)]
        return torch.Size(about.shape), about.dtype, about.device

    def answer(self, position: int, upstream: Tensor | None) -> tuple[Tensor | None, ...]:
        """What a node alone sends along each edge for a gradient of its one used result."""
        node = self.nodes[position]
        try:
            found = node(upstream)
        except TypeError:  # it wants a gradient for each of its results, or cannot be called
            return self._answer_in_full(position, upstream)
        return found if isinstance(found, tuple) else (found,)

    def _answer_in_full(self, position: int, upstream: Tensor | None) -> tuple[Tensor | None, ...]:
        node = self.nodes[position]
        gradients: list[Tensor | None] = [None] * len(node._input_metadata)
        gradients[self.result.get(position, 0)] = upstream
        if callable(node):
            found = node(*gradients)
            return found if isinstance(found, tuple) else (found,)
        # One of a torch.autograd.Function answers for every argument, those without an edge too.
        found = node.apply(*gradients)
        found = found if isinstance(found, tuple) else (found,)
        wanted = [part for part, needed in zip(found, node.needs_input_grad, strict=True) if needed]
        sent = iter(wanted)
        return tuple(None if target is None else next(sent) for target in self.edges[position])


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
    nodes: list[TorchNode] = []
    edges: list[Edges] = []
    owner: list[int] = []
    top: list[bool] = []
    result: dict[int, int] = {}
    index: dict[Any, Any] = {None: None}  # the node of a constant, which has none
    for position, value in enumerate(values):
        if not isinstance(value, Tensor):
            continue
        node = value.grad_fn
        if node is None:
            if not value.requires_grad:
                continue
            node = node_of(value)
        if node in index:
            continue
        operands = node.next_functions
        try:
            targets = [index[operand] for operand, _ in operands]
        except KeyError:
            for inner, below in _post_order(node, index)[:-1]:
                index[inner] = len(nodes)
                nodes.append(inner)
                edges.append([index[operand] for operand, _ in below])
                owner.append(position)
                top.append(False)
                result |= _results(index, below)
            targets = [index[operand] for operand, _ in operands]
            result |= _results(index, operands)
        if value.output_nr:
            result[len(nodes)] = value.output_nr
        index[node] = len(nodes)
        nodes.append(node)
        edges.append(targets)
        owner.append(position)
        top.append(True)
    del index[None]
    tape = Tape(nodes, edges, index, owner, top, result)
    reached = _reached(edges, index[node_of(output)])
    return tape if all(reached) else _only(tape, reached)


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
    made_of = dict(_post_order(root, ()))
    nodes = [node for node in first.nodes if node in made_of]
    place = {first.index[node]: position for position, node in enumerate(nodes)}
    nodes += [node for node in made_of if node not in first.index]
    index = {node: position for position, node in enumerate(nodes)}
    result = {index[root]: gradient.output_nr} if gradient.output_nr else {}
    for operands in made_of.values():
        result |= _results(index, operands)
    last = len(first.nodes) - 1
    origin = [first.index.get(node, maker.get(node, last)) for node in nodes]
    is_own = [node not in first.index for node in nodes]
    return Tape(
        nodes=nodes,
        edges=[[index.get(operand) for operand, _ in made_of[node]] for node in nodes],
        index=index,
        owner=[first.owner[position] for position in origin],
        top=[first.top[position] and not own for position, own in zip(origin, is_own, strict=True)],
        result=result,
        is_own=is_own,
        partner=[
            place.get(maker[node]) if own and node in maker else None
            for node, own in zip(nodes, is_own, strict=True)
        ],
        own_values={position: value[node] for position, node in enumerate(nodes) if node in value},
    )


def _results(index: Mapping[TorchNode, int], operands: NextFunctions) -> dict[int, int]:
    """Which result of a node is used, where that is not the first: `svdvals` is the second of
    three."""
    return {index[operand]: number for operand, number in operands if number}


def _reached(edges: Sequence[Edges], root: int) -> list[bool]:
    """Which nodes lead to the root."""
    reached = [False] * len(edges)
    reached[root] = True
    for position in range(root, -1, -1):
        if reached[position]:
            for target in edges[position]:
                if target is not None:
                    reached[target] = True
    return reached


def _only(tape: Tape, wanted: Sequence[bool]) -> Tape:
    """A tape without the nodes that are not wanted, which no wanted one leads to."""
    place = list(accumulate(wanted, initial=0))
    nodes = list(compress(tape.nodes, wanted))
    return Tape(
        nodes=nodes,
        edges=[
            [None if target is None else place[target] for target in edges]
            for edges in compress(tape.edges, wanted)
        ],
        index={node: position for position, node in enumerate(nodes)},
        owner=list(compress(tape.owner, wanted)),
        top=list(compress(tape.top, wanted)),
        result={
            place[position]: number for position, number in tape.result.items() if wanted[position]
        },
    )


def _post_order(
    root: TorchNode, known: Container[TorchNode]
) -> list[tuple[TorchNode, NextFunctions]]:
    """The nodes from `root` down to the known ones, operands before their consumers, each once,
    with their next_functions, which torch makes anew whenever it is asked."""
    order: list[tuple[TorchNode, NextFunctions]] = []
    seen = {root}
    operands = root.next_functions
    stack = [(root, operands, iter(operands))]
    while stack:
        node, operands, rest = stack[-1]
        for operand, _ in rest:
            if operand is not None and operand not in seen and operand not in known:
                seen.add(operand)
                below = operand.next_functions
                stack.append((operand, below, iter(below)))
                break
        else:
            order.append((node, operands))
            stack.pop()
    return order
