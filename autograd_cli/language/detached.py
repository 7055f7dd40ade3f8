"""What `detach` holds fixed, and the expression without it.

A derivative with something held fixed is not that of the value: both are of use, and they are told
apart.
"""

from __future__ import annotations

from dataclasses import replace

from autograd_cli.language.expression import Expression, Node
from autograd_cli.results.excerpts import excerpt

DETACH = "detach"
LONGEST = 40  # characters of a text that is quoted


def held(expression: Expression) -> tuple[str, ...]:
    """The texts of what is held fixed though it depends on a variable, each once."""
    found: dict[str, None] = {}
    for node in expression.nodes:
        if node.op == DETACH and expression.varying[node.operands[0]]:
            position = node.operands[0]
            span = expression.nodes[position].span
            text = expression.steps.get(position) or excerpt(expression.source, span, LONGEST)
            found.setdefault(text)
    return tuple(found)


def holds(expression: Expression) -> str:
    """`detach holds x and round(x) fixed`; "" where nothing that varies is held."""
    texts = held(expression)
    if not texts:
        return ""
    *first, last = texts
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"detach holds {listed} fixed"


def released(expression: Expression) -> Expression:
    """The expression with every `detach` taken away: what it holds moves with the variables."""
    places: list[int] = []
    nodes: list[Node] = []
    for node in expression.nodes:
        operands = tuple(places[i] for i in node.operands)
        if node.op == DETACH:
            places.append(operands[0])
            continue
        places.append(len(nodes))
        nodes.append(node._replace(operands=operands))
    steps = {places[position]: name for position, name in expression.steps.items()}
    return replace(expression, nodes=tuple(nodes), root=places[expression.root], steps=steps)
