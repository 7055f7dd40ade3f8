"""The graph as lines of text: the tree, the ledgers, what is saved, the paths to a variable."""

from __future__ import annotations

from collections.abc import Iterator

from autograd_cli.errors import Span
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.ledgers import ledger_lines
from autograd_cli.render.graph.paths import path_lines
from autograd_cli.render.graph.raw import raw_lines
from autograd_cli.render.graph.saved import saved_lines
from autograd_cli.render.graph.sketch import sketch
from autograd_cli.render.graph.tree import Guides, trees
from autograd_cli.render.graph.tree_table import tree_lines
from autograd_cli.render.graph.values import CUT, value_line
from autograd_cli.render.graph.words import Words
from autograd_cli.render.grid import derivative_sign
from autograd_cli.render.layout import Line, wrap
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation
from autograd_cli.results.graph import Graph

LEVELS = 40  # of the tree, before it goes on in another one
LONGEST_HEADING = 2_000
FULL_WIDTH = 100_000


def sections(drawing: Drawing, style: Style, words: Words, width: int) -> list[Line]:
    """The whole drawing under its heading, in lines of at most `width` columns."""
    if drawing.raw:
        return raw_lines(drawing, words, width)
    graph = drawing.graph
    drawn = sketch(drawing)
    guides = Guides.of(style)
    levels = min(max(width // 8, 3), LEVELS)
    lines: list[Line] = []
    if graph.by is not None:
        sign = derivative_sign("f", [graph.by], style)
        value = value_line(words.nodes[graph.root].value, words)
        lines += wrap([(f"{words.shown(sign)} = ", ""), *value, (": its own graph", "")], width)
    for rows in trees(drawn, guides, levels):
        lines += [*([[]] if lines else []), *tree_lines(rows, graph, words, width)]
    if drawn.left_out:
        total = len(graph.nodes)
        note = f"{drawn.left_out} of {total} nodes are not shown: see --depth and --max-nodes"
        lines += [[], *wrap([(note, CUT)], width)]
    lines += ledger_lines(graph, words, width)
    if graph.saved:
        lines += saved_lines(graph, words, width, drawing.most)
    if graph.why is not None:
        lines += path_lines(graph, words, width, drawing.most)
    return lines


def heading_of(graph: Graph, words: Words) -> Evaluation:
    """What stands above a drawing: the expression, cut if it is very long, and its value."""
    expression = graph.expression
    if len(expression) > LONGEST_HEADING:
        expression = words.excerpt(Span(0, len(expression)), LONGEST_HEADING)
    return Evaluation(
        expression=expression,
        at={},
        dtype=graph.dtype,
        device=graph.device,
        value=graph.value,
    )


def plain_lines(drawing: Drawing, style: Style) -> Iterator[str]:
    """The drawing as plain text: the same, at full width and full precision."""
    words = Words.for_programs(drawing.graph, style)
    for line in sections(drawing, style, words, FULL_WIDTH):
        yield "".join(text for text, _ in line) + "\n"
