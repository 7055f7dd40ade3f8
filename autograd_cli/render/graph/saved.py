"""What the nodes keep for the backward pass, as a table."""

from __future__ import annotations

from autograd_cli.render.graph.values import CUT
from autograd_cli.render.graph.words import Words
from autograd_cli.render.layout import Line, Table, cell, wrap
from autograd_cli.render.parts import HEADING, NUMBER
from autograd_cli.results.graph import Graph


def saved_lines(graph: Graph, words: Words, width: int, most: int) -> list[Line]:
    """A table of what every node keeps for its backward pass, and the total."""
    kept = [(node, one) for node in graph.nodes for one in node.saved]
    rows = [
        [
            cell(f"{node.id} {node.op}"),
            cell(words.text(node)),
            cell(one.role),
            cell(words.shape(one.shape)),
            cell(words.shown(one.source)),
            cell(str(one.bytes), NUMBER, solid=True, right=True),
        ]
        for node, one in kept[:most]
    ]
    lines: list[Line] = [[], *wrap([("saved for the backward pass", HEADING)], width)]
    headings = ("node", "expression", "what", "shape", "which is", "bytes")
    if rows:
        table = Table(headings, rows, spaced=False)
        lines += table.drawn(width, HEADING)
    if len(kept) > most:
        lines += wrap([(f"{len(kept) - most} more, not shown: see --max-nodes", CUT)], width)
    total = sum(one.bytes for _, one in kept)
    new = sum(one.bytes for _, one in kept if one.source == "new buffer")
    count = f"{len(kept)} tensor{'s' * (len(kept) != 1)}"
    line: Line = [("total ", ""), (str(total), NUMBER), (f" bytes in {count}, ", "")]
    return [*lines, *wrap([*line, (str(new), NUMBER), (" of them in new buffers", "")], width)]
