"""The paths from the output to a variable, in words."""

from __future__ import annotations

from collections.abc import Iterable

from autograd_cli.render.graph.values import CUT, FAINT, value_line
from autograd_cli.render.graph.words import Words
from autograd_cli.render.layout import INDENT, Cell, Line, hanging, wrap
from autograd_cli.render.parts import HEADING
from autograd_cli.results.graph import Graph, PathStep
from autograd_cli.results.graph_parts import GraphNode

LONG_PATH = 12


def path_lines(graph: Graph, words: Words, width: int, most: int) -> list[Line]:
    """Every path to a variable with the product along it, and the sum of the products."""
    name = words.shown(graph.why or "")
    lines: list[Line] = [[], *wrap([(f"the paths to {name}", HEADING)], width)]
    nodes = words.nodes
    for number, path in enumerate(graph.paths[:most], start=1):
        line: Line = [] if path.steps else [("the output", FAINT)]
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
                result += [(factor, "")] if isinstance(factor, str) else value_line(factor, words)  # type: ignore[arg-type]
            result.append((" = ", ""))
        result += value_line(path.product, words)
        if path.cut:
            result += [(f"  {words.sign('✂')} {cut}", CUT)]
        lines += [[("   ", ""), *part] for part in wrap(result[1:], max(width - 3, 8), INDENT)]
    if len(graph.paths) > most or graph.more_paths:
        lines += wrap([("there are more paths, not shown", CUT)], width)
    if not graph.paths:
        lines += wrap([("none: the output does not depend on it", FAINT)], width)
    ledger = graph.leaves.get(graph.why or "")
    if ledger is not None:
        lines += wrap([("the sum is the gradient: ", ""), *value_line(ledger.grad, words)], width)
    return lines


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
