"""torch's graph alone, as `print` shows it: names and next_functions, ids for memory addresses."""

from __future__ import annotations

from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.words import Words
from autograd_cli.render.layout import Line, wrap
from autograd_cli.results.graph_parts import GraphEdge

HANG = 4


def raw_lines(drawing: Drawing, words: Words, width: int) -> list[Line]:
    """`<AddBackward0 n8> ((<AddBackward0 n6>, 0), (<PowBackward0 n7>, 0))` for every node."""
    graph = drawing.graph
    nodes = {node.id: node for node in graph.nodes}
    edges: dict[str, dict[int, GraphEdge]] = {}
    for edge in graph.edges:
        edges.setdefault(edge.source, {})[edge.input] = edge
    lines: list[Line] = [] if graph.nodes else [[("None", "")]]  # the output's grad_fn
    for node in list(reversed(graph.nodes))[: drawing.most]:
        parts = []
        for number in range(node.arity):
            taken = edges.get(node.id, {}).get(number)
            if taken is None:
                parts.append("(None, 0)")
            else:
                parts.append(f"(<{nodes[taken.target].op} {taken.target}>, {taken.output})")
        text = ", ".join(parts) + ("," if len(parts) == 1 else "")
        variable = f" {words.shown(node.name or '')}" if node.is_leaf else ""
        line: Line = [(f"<{node.op} {node.id}>{variable} ", ""), (f"({text})", "dim")]
        lines += wrap(line, width, HANG)
    if len(graph.nodes) > drawing.most:
        rest = len(graph.nodes) - drawing.most
        lines += wrap([(f"{rest} of {len(graph.nodes)} nodes are not shown", "yellow")], width)
    return lines
