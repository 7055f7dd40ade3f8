"""The graph as lines of text: the tree, the ledgers, what is saved, the paths to a variable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from autograd_cli.errors import Span, columns
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.folding import Run
from autograd_cli.render.graph.raw import raw_lines
from autograd_cli.render.graph.sketch import Rest, sketch
from autograd_cli.render.graph.tree import Guides, Row, trees
from autograd_cli.render.graph.words import Words, entries
from autograd_cli.render.grid import derivative_sign
from autograd_cli.render.layout import (
    GUTTER,
    INDENT,
    Cell,
    Line,
    Piece,
    Table,
    cell,
    hanging,
    width_of,
    wrap,
)
from autograd_cli.render.numbers import align
from autograd_cli.render.parts import BROKEN, HEADING, NAME, NUMBER
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation, Value
from autograd_cli.results.graph import Graph, GraphConstant, GraphNode, PathStep
from autograd_cli.results.ledgers import Contribution, Ledger

FAINT = "dim"
CUT = "yellow"

LEVELS = 40  # of the tree, before it goes on in another one
TERMS = 8  # of a ledger, before equal ones are gathered
EDGE = 4  # terms shown at each end of a long ledger


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
        value = _number(words.nodes[graph.root].value, words)
        lines += wrap([(f"{words.shown(sign)} = ", ""), *value, (": its own graph", "")], width)
    for rows in trees(drawn, guides, levels):
        lines += [*([[]] if lines else []), *_tree(rows, graph, words, width)]
    if drawn.left_out:
        total = len(graph.nodes)
        note = f"{drawn.left_out} of {total} nodes are not shown: see --depth and --max-nodes"
        lines += [[], *wrap([(note, CUT)], width)]
    lines += _ledgers(graph, words, width)
    if graph.saved:
        lines += _saved(graph, words, width, drawing.most)
    if graph.why is not None:
        lines += _why(graph, words, width, drawing.most)
    return lines


# The tree ----------------------------------------------------------------------------------------


def _tree(rows: Sequence[Row], graph: Graph, words: Words, width: int) -> list[Line]:
    """A table whose first column is the tree; below each other where that is too wide."""
    contents = _columns(rows, graph, words)
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
    found["value"] = _numbers(values, words)
    found["gradient"] = _numbers([node.grad if node else None for node in full], words)
    edges = [row.arrow.edge if row.arrow else None for row in rows]
    found["local"] = _numbers([edge.local if edge else None for edge in edges], words)
    for number, edge in enumerate(edges):
        if edge is not None and edge.local is None:
            found["local"][number] = cell(words.sign("–"), FAINT, right=_is_right(found["local"]))
    received = [row.arrow.contribution if row.arrow else None for row in rows]
    found["receives"] = _numbers(received, words)
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


def _numbers(values: Sequence[Value], words: Words) -> list[Cell]:
    """A column of values: numbers under each other, point under point."""
    if any(isinstance(value, (list, tuple)) for value in values):
        return [Cell((_number(value, words, " norm "),), hang=INDENT) for value in values]
    aligned = iter(align([words.value(value) for value in values if value is not None]))
    return [
        Cell(([(next(aligned), _look(value))],), solid=True, right=True)
        if value is not None
        else Cell(([("", "")],), solid=True, right=True)
        for value in values
    ]


def _number(value: Value, words: Words, norm: str = "") -> Line:
    if value is None:
        return []
    shown: Line = [(words.value(value), _look(value))]
    if norm and isinstance(value, (list, tuple)):
        shown += [(norm, HEADING), (words.norm(value), HEADING)]
    return shown


def _look(value: Value) -> str:
    finite = all(not isinstance(one, float) or math.isfinite(one) for one in entries(value))
    return NUMBER if finite else BROKEN


def _stripped(line: Line) -> Line:
    line = list(line)
    while line and not line[-1][0].strip(" "):
        line.pop()
    if line:
        line[-1] = (line[-1][0].rstrip(" "), line[-1][1])
    return line


# The ledgers -------------------------------------------------------------------------------------


def _ledgers(graph: Graph, words: Words, width: int) -> list[Line]:
    """`x: 4 (x**2) + 6 (2*x*y) = 10` for every variable and every shared node."""
    nodes = words.nodes
    lines: list[Line] = [[], *wrap([("where gradients add up", HEADING)], width)]
    for name, ledger in graph.leaves.items():
        lines += _ledger([(words.shown(name), NAME), (": ", "")], ledger, words, width)
    for number, (one, ledger) in enumerate(graph.shared.items()):
        if number == MOST_SHARED:
            rest = f"{len(graph.shared) - number} more shared nodes, not shown"
            lines += wrap([(rest, CUT)], width)
            break
        node = nodes[one]
        label: Line = [(f"{one} ", FAINT)]
        label.append((words.text(node), NAME if node.name else ""))
        lines += _ledger([*label, (": ", "")], ledger, words, width)
    return lines


MOST_SHARED = 50


def _ledger(label: Line, ledger: Ledger, words: Words, width: int) -> list[Line]:
    return wrap(_sum(label, ledger, words), width, INDENT)


def ledger_line(name: str, ledger: Ledger, words: Words) -> str:
    """A ledger as plain text."""
    return "".join(text for text, _ in _sum([(f"{name}: ", "")], ledger, words))


def _sum(label: Line, ledger: Ledger, words: Words) -> Line:
    terms = list(_terms(ledger.contributions, words)) or [_without_terms(words)]
    line: Line = [*label]
    for number, term in enumerate(terms):
        line += [*([(" + ", "")] if number else []), *term]
    return [*line, (" = ", ""), *_number(ledger.grad, words)]


def _without_terms(words: Words) -> Line:
    is_output = words.nodes[words.graph.root].is_leaf
    return [("the output itself" if is_output else "no path leads here", FAINT)]


def _terms(contributions: Sequence[Contribution], words: Words) -> Iterator[Line]:
    if len(contributions) <= TERMS:
        yield from (_term(one, 1, words) for one in contributions)
        return
    runs = [list(run) for _, run in groupby(contributions, lambda one: repr(one.value))]
    hidden = runs[EDGE:-EDGE] if len(runs) > 2 * EDGE + 1 else []
    for number, run in enumerate(runs):
        if hidden and number == EDGE:
            count = sum(map(len, hidden))
            sign = words.sign("…")
            yield [(f"{sign} {count} more {sign}", CUT)]
        if hidden and EDGE <= number < len(runs) - EDGE:
            continue
        yield _term(run[0], len(run), words)


def _term(one: Contribution, count: int, words: Words) -> Line:
    often = f"{count} {words.sign('×')} " if count > 1 else ""
    where = f" ({words.source(one)})" if count == 1 else ""
    return [(often, ""), *_number(one.value, words), (where, FAINT)]


# What the nodes keep -----------------------------------------------------------------------------


def _saved(graph: Graph, words: Words, width: int, most: int) -> list[Line]:
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
        widths = table.widths(width)
        lines += table.lines(widths, HEADING) if widths else table.records(width, HEADING)
    if len(kept) > most:
        lines += wrap([(f"{len(kept) - most} more, not shown: see --max-nodes", CUT)], width)
    total = sum(one.bytes for _, one in kept)
    new = sum(one.bytes for _, one in kept if one.source == "new buffer")
    count = f"{len(kept)} tensor{'s' * (len(kept) != 1)}"
    line: Line = [("total ", ""), (str(total), NUMBER), (f" bytes in {count}, ", "")]
    return [*lines, *wrap([*line, (str(new), NUMBER), (" of them in new buffers", "")], width)]


# The paths ---------------------------------------------------------------------------------------


def _why(graph: Graph, words: Words, width: int, most: int) -> list[Line]:
    """Every path to a variable with the product along it, and the sum of the products."""
    name = words.shown(graph.why or "")
    lines: list[Line] = [[], *wrap([(f"the paths to {name}", HEADING)], width)]
    nodes = words.nodes
    for number, path in enumerate(graph.paths[:most], start=1):
        line: Line = []
        arrow = " -> " if not words.unicode else " → "
        for position, step in enumerate(_ends(path.steps)):
            if position:
                line.append((arrow, FAINT))
            where = _step(nodes[step.node], words) if isinstance(step, PathStep) else str(step)
            line.append((where, ""))
        cut = path.cut if words.unicode else path.cut.encode("ascii", "backslashreplace").decode()
        lines += hanging([(f"{number}. ", FAINT)], Cell((line,)), width)
        locals_ = [step.local for step in path.steps if step.node != path.steps[-1].node]
        result: Line = [("   ", "")]
        factors = _ends(locals_)
        known = all(isinstance(value, float) for value in locals_)
        if known and len(locals_) > 1:
            for position, factor in enumerate(factors):
                result += [(f" {words.sign('·')} ", "")] if position else []
                result += [(factor, "")] if isinstance(factor, str) else _number(factor, words)  # type: ignore[arg-type]
            result.append((" = ", ""))
        result += _number(path.product, words)
        if path.cut:
            result += [(f"  {words.sign('✂')} {cut}", CUT)]
        lines += [[("   ", ""), *part] for part in wrap(result[1:], max(width - 3, 8), INDENT)]
    if len(graph.paths) > most or graph.more_paths:
        lines += wrap([("there are more paths, not shown", CUT)], width)
    if not graph.paths:
        lines += wrap([("none: the output does not depend on it", FAINT)], width)
    ledger = graph.leaves.get(graph.why or "")
    if ledger is not None:
        lines += wrap([("the sum is the gradient: ", ""), *_number(ledger.grad, words)], width)
    return lines


LONG_PATH = 12


def _ends(items: Iterable[object]) -> list[object]:
    """The items, those in the middle of many replaced by their number."""
    every = list(items)
    if len(every) <= LONG_PATH:
        return every
    keep = LONG_PATH // 2
    return [*every[:keep], f"({len(every) - 2 * keep} more)", *every[-keep:]]


def _step(node: GraphNode, words: Words) -> str:
    if node.name:
        return words.shown(node.name)
    return words.shorter(24).text(node)


# As a whole --------------------------------------------------------------------------------------

LONGEST_HEADING = 2_000


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


FULL_WIDTH = 100_000
