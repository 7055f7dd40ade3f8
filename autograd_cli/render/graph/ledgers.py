"""How the gradients of variables and of shared nodes add up, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from autograd_cli.render.graph.values import CUT, FAINT, value_line
from autograd_cli.render.graph.words import Words
from autograd_cli.render.layout import INDENT, Line, wrap
from autograd_cli.render.parts import HEADING, NAME
from autograd_cli.results.graph import Graph
from autograd_cli.results.ledgers import Contribution, Ledger

MOST_SHARED = 50
TERMS = 8  # of a ledger, before equal ones are gathered
EDGE = 4  # terms shown at each end of a long ledger


def ledger_lines(graph: Graph, words: Words, width: int) -> list[Line]:
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
    return [*line, (" = ", ""), *value_line(ledger.grad, words)]


def _without_terms(words: Words) -> Line:
    root = words.nodes.get(words.graph.root)
    is_output = root is not None and root.is_leaf
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
    return [(often, ""), *value_line(one.value, words), (where, FAINT)]
