"""Runs of repeated structure: what stands for the middle of a long chain.

From every node the graph goes on along its heaviest operand, as in a heavy-path decomposition
(Sleator & Tarjan, 1983). Seen along such a path, a node is its operation and the shape of
everything beside the path; where these repeat with a short period, all repeats but the first and
the last fold into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograd_cli.results.graph import Graph
from autograd_cli.results.graph_parts import GraphEdge, GraphNode

LONGEST_PERIOD = 8  # nodes along the path that one repeat may have
FEWEST = 8  # repeats that are worth folding
SMALL = 100  # nodes of a graph in which other variables make another structure


@dataclass(frozen=True)
class Run:
    """Repeats that are drawn as one: `count` times the operations `ops`, from the output down.

    `nodes` are all nodes in it, those beside the path as well, and of them `variables` those that
    nothing else takes; `path` are those on the path; `next` is the node that the last repeat leads
    to.
    """

    id: str
    ops: tuple[str, ...]
    count: int
    path: tuple[GraphNode, ...]
    nodes: frozenset[str]
    variables: frozenset[str]
    next: str


def runs(graph: Graph) -> list[Run]:
    """The runs of a graph, in the order of their paths from the output down."""
    structure = _Structure.of(graph)
    found: list[Run] = []
    taken: set[str] = set()
    for node in reversed(graph.nodes):  # consumers come before their operands
        if node.id in taken or node.is_leaf:
            continue
        path = [node]
        while (heavy := structure.heavy.get(path[-1].id)) is not None:
            path.append(structure.nodes[heavy])
        taken.update(one.id for one in path)
        looks = [structure.look(one) for one in path]
        for start, period, count in _repeats(looks):
            first, last = start + period, start + period * (count - 1)
            members = path[first:last]
            within = structure.within(members, path[last].id)
            variables = structure.variables(within)
            taken |= within
            found.append(
                Run(
                    id=f"f{len(found) + 1}",
                    ops=tuple(one.op for one in path[start : start + period]),
                    count=count - 2,
                    path=tuple(members),
                    nodes=within | variables,
                    variables=variables,
                    next=path[last].id,
                )
            )
    return found


@dataclass(frozen=True)
class _Structure:
    """What the search for runs knows of every node.

    `consumers` are the nodes that take one, `own` the operands that no other node takes (so that
    they are drawn inside), `heavy` the one of them with the most nodes below it, `kind` a number
    that equal structures share.
    """

    nodes: Mapping[str, GraphNode]
    operands: Mapping[str, Sequence[GraphEdge]]
    consumers: Mapping[str, set[str]]
    own: Mapping[str, Sequence[str]]
    heavy: Mapping[str, str]
    kind: Mapping[str, int]
    constants: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, graph: Graph) -> _Structure:
        nodes = {node.id: node for node in graph.nodes}
        operands: dict[str, list[GraphEdge]] = {}
        consumers: dict[str, set[str]] = {}
        for edge in graph.edges:
            operands.setdefault(edge.source, []).append(edge)
            consumers.setdefault(edge.target, set()).add(edge.source)
        constants: dict[str, tuple[int, ...]] = {}
        for constant in graph.constants:
            constants[constant.source] = (*constants.get(constant.source, ()), constant.input)
        own: dict[str, list[str]] = {}
        heavy: dict[str, str] = {}
        size: dict[str, int] = {}
        kind: dict[str, int] = {}
        kinds: dict[object, int] = {}
        structure = cls(nodes, operands, consumers, own, heavy, kind, constants)
        for node in graph.nodes:  # operands come before their consumers
            below = [
                target
                for target in dict.fromkeys(edge.target for edge in operands.get(node.id, ()))
                if len(consumers[target]) == 1 and not nodes[target].is_leaf
            ]
            own[node.id] = below
            size[node.id] = 1 + sum(size[target] for target in below)
            if below:
                heavy[node.id] = max(below, key=lambda target: size[target])
            whole = structure._look(node, None)
            kind[node.id] = kinds.setdefault(whole, len(kinds))
        return structure

    def look(self, node: GraphNode) -> object:
        """The node as it is seen along the path: what its heavy operand is does not matter."""
        return self._look(node, self.heavy.get(node.id))

    def _look(self, node: GraphNode, hole: str | None) -> object:
        own = self.own[node.id]
        parts = []
        for edge in self.operands.get(node.id, ()):
            if edge.target == hole:
                part: object = "path"
            elif edge.target in own:
                part = self.kind[edge.target]
            else:
                any_leaf = len(self.nodes) > SMALL and self.nodes[edge.target].is_leaf
                part = "leaf" if any_leaf else edge.target
            parts.append((edge.input, part))
        is_named = node.name is not None and hole is None
        return (node.op, node.phase, tuple(parts), self.constants.get(node.id, ()), is_named)

    def within(self, path: Sequence[GraphNode], end: str) -> frozenset[str]:
        """The nodes of a part of a path, with all that only they lead to."""
        found: set[str] = set()
        pending = [node.id for node in path]
        while pending:
            one = pending.pop()
            if one != end and one not in found:
                found.add(one)
                pending += self.own[one]
        return frozenset(found)

    def variables(self, within: frozenset[str]) -> frozenset[str]:
        """The variables that only these nodes take."""
        return frozenset(
            edge.target
            for one in within
            for edge in self.operands.get(one, ())
            if self.nodes[edge.target].is_leaf and self.consumers[edge.target] <= within
        )


def _repeats(looks: Sequence[object]) -> list[tuple[int, int, int]]:
    """`(start, period, count)` of the repeats in a sequence, from its beginning."""
    found: list[tuple[int, int, int]] = []
    start = 0
    blocked = [0] * (LONGEST_PERIOD + 1)  # where a period is known to be broken
    while start < len(looks):
        best = (start, 0, 0)
        for period in range(1, LONGEST_PERIOD + 1):
            if blocked[period] > start:
                continue
            end = start + period
            while end < len(looks) and looks[end] == looks[end - period]:
                end += 1
            count = (end - start) // period
            if count >= FEWEST:
                best = (start, period, count)
                break
            blocked[period] = max(start + 1, end - period + 1)
        _, period, count = best
        if count:
            found.append(best)
        start += max(period * count, 1)
    return found
