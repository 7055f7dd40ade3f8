"""The tree of a graph as a table, or as a list where that is too wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograd_cli.errors import columns
from autograd_cli.render.graph.folding import Run
from autograd_cli.render.graph.sketch import Rest
from autograd_cli.render.graph.tree import Row
from autograd_cli.render.graph.values import CUT, FAINT, value_column
from autograd_cli.render.graph.words import Words
from autograd_cli.render.layout import (
    GUTTER,
    INDENT,
    Cell,
    Line,
    Piece,
    Table,
    cell,
    width_of,
    wrap,
)
from autograd_cli.render.parts import HEADING, NAME
from autograd_cli.results.graph import Graph, GraphConstant
from autograd_cli.results.graph_parts import GraphNode


def tree_lines(rows: Sequence[Row], graph: Graph, words: Words, width: int) -> list[Line]:
    """A table whose first column is the tree; below each other where that is too wide."""
    every = _columns(rows, graph, words)
    contents = {name: cells for name, cells in every.items() if any(one.width for one in cells)}
    wide = dict(contents)
    for spare in ("", "pass"):  # what the text of the nodes says as well
        wide.pop(spare, None)
        table = Table(list(wide), [list(row) for row in zip(*wide.values(), strict=True)])
        widths = table.widths(width)
        if widths is not None:
            return _table(rows, table, wide, widths)
    return _stacked(rows, contents, width)


def _table(
    rows: Sequence[Row], table: Table, contents: dict[str, list[Cell]], widths: Sequence[int]
) -> list[Line]:
    lines = [_heading(contents, widths)]
    for row, cells in zip(rows, table.rows, strict=True):
        fitted = [one.fitted(room) for one, room in zip(cells, widths, strict=True)]
        for number in range(max(map(len, fitted))):
            line: Line = []
            for column, (one, parts, room) in enumerate(zip(cells, fitted, widths, strict=True)):
                part = parts[number] if number < len(parts) else []
                if column == 0 and number:
                    part = [(row.hang.rstrip(), FAINT)]
                gap = (" " * (room - width_of(part)), "")
                line += [gap, *part] if one.right else [*part, gap]
                line.append((" " * GUTTER, ""))
            lines.append(_stripped(line))
    return lines


def _heading(contents: dict[str, list[Cell]], widths: Sequence[int]) -> Line:
    """The headings, at the right where the numbers are."""
    line: Line = []
    for (heading, cells), room in zip(contents.items(), widths, strict=True):
        text = heading.rjust(room) if any(one.right for one in cells) else heading.ljust(room)
        line += [(text, HEADING), (" " * GUTTER, "")]
    return _stripped(line)


def _stacked(rows: Sequence[Row], contents: dict[str, list[Cell]], width: int) -> list[Line]:
    """Every row with its facts below it, in the guides of the tree."""
    lines: list[Line] = []
    for number, row in enumerate(rows):
        node, expression, *facts = (cells[number] for cells in contents.values())
        label = [*node.lines[0], ("  ", ""), *expression.lines[0]]
        room = max(width - columns(row.hang), 8)  # the wider of the two
        first, *more = wrap(label[1:] if row.guides else label, room, INDENT)
        lines.append([(row.guides, FAINT), *first] if row.guides else first)
        hang = (row.hang, FAINT)
        inner = max(width - columns(row.hang), 8)
        lines += [[hang, *line] for line in more]
        units = [
            [(f"{heading} ", HEADING), *fact.left_aligned().lines[0]]
            for heading, fact in zip(list(contents)[2:], facts, strict=True)
            if fact.width and any(text.strip() for text, _ in fact.lines[0])
        ]
        lines += [[hang, *line] for line in _flowing(units, inner)]
    return lines


def _flowing(units: Sequence[Line], width: int) -> Iterator[Line]:
    """The units side by side, as many on a line as fit; only a unit that is too long is broken."""
    line: Line = []
    for unit in units:
        if line and width_of(line) + GUTTER + width_of(unit) <= width:
            line = [*line, (" " * GUTTER, ""), *unit]
            continue
        yield from wrap(line, width, INDENT) if line else []
        line = unit
    yield from wrap(line, width, INDENT) if line else []


def _columns(rows: Sequence[Row], graph: Graph, words: Words) -> dict[str, list[Cell]]:
    """The columns of the tree under their headings."""
    found = {
        "node": [Cell(([(row.guides, FAINT), *_node(row, words)],), solid=True) for row in rows],
        "expression": [Cell((_expression(row, words),), hang=INDENT) for row in rows],
    }
    nodes = [row.box if isinstance(row.box, GraphNode) else None for row in rows]
    full = [None if row.reference else node for row, node in zip(rows, nodes, strict=True)]
    if any(node is not None and node.shape for node in nodes):
        found["shape"] = [cell(words.shape(node.shape) if node else "") for node in full]
    if graph.order > 1:
        found["pass"] = [cell(node.phase if node else "") for node in full]
    values = [None if node is None else node.value for node in full]
    found["value"] = value_column(values, words)
    found["gradient"] = value_column([node.grad if node else None for node in full], words)
    edges = [row.arrow.edge if row.arrow else None for row in rows]
    found["local"] = value_column([edge.local if edge else None for edge in edges], words)
    for number, edge in enumerate(edges):
        if edge is not None and edge.local is None:
            found["local"][number] = cell(words.sign("–"), FAINT, right=_is_right(found["local"]))
    received = [row.arrow.contribution if row.arrow else None for row in rows]
    found["receives"] = value_column(received, words)
    return found


def _is_right(cells: Sequence[Cell]) -> bool:
    return any(one.right for one in cells)


def _node(row: Row, words: Words) -> Line:
    """What stands in the first column, after the guides."""
    box = row.box
    if isinstance(box, Rest):
        return [(words.sign("…"), CUT)]
    if isinstance(box, Run):
        return [(f"{words.sign('⋮')} {words.run(box)}", CUT)]
    if isinstance(box, GraphConstant):
        return [(f"{words.sign('✂')} cut", CUT)] if box.cut else [("constant", FAINT)]
    if row.reference:
        often = f" {words.sign('×')} {row.arrow.count}" if row.arrow and row.arrow.count > 1 else ""
        return [(f"{words.sign('↑')} {box.id}{often}", FAINT)]
    more: list[Piece] = [(f" {words.sign('↓')}", CUT)] if row.continues else []
    often = f" {words.sign('×')} {row.arrow.count}" if row.arrow and row.arrow.count > 1 else ""
    return [(f"{box.id} ", FAINT), (f"{box.op}{often}", ""), *more]


def _expression(row: Row, words: Words) -> Line:
    box = row.box
    if isinstance(box, Rest):
        return [("more, not shown", CUT)]
    if isinstance(box, Run):
        return [(words.range(box), CUT)]
    if isinstance(box, GraphConstant):
        return [(words.constant(box), CUT if box.cut else FAINT)]
    if row.reference:
        return [(words.shown(box.name) if box.name else words.excerpt(box.span), FAINT)]
    if box.is_leaf:
        return [(words.text(box), NAME)]
    if box.name and not box.inner and box.phase == "forward":
        return [(words.shown(box.name), NAME), (f" = {words.excerpt(box.span)}", "")]
    return [(words.text(box), FAINT if box.inner else "")]


def _stripped(line: Line) -> Line:
    line = list(line)
    while line and not line[-1][0].strip(" "):
        line.pop()
    if line:
        line[-1] = (line[-1][0].rstrip(" "), line[-1][1])
    return line
