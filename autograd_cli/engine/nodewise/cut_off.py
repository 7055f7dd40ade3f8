"""Where autograd records nothing: which operations cut every way from the output to a variable."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.nodewise.alone import carries
from autograd_cli.language.expression import Expression
from autograd_cli.results.excerpts import excerpt

LONGEST = 40  # characters of an operation in a sentence
MOST = 3  # operations that a sentence names


def cuts(expression: Expression, values: Sequence[NodeValue]) -> list[int]:
    """The positions of the operations that take a gradient's way and do not go on with it."""
    return [
        position
        for position, node in enumerate(expression.nodes)
        if not carries(values[position]) and any(carries(values[i]) for i in node.operands)
    ]


def explain_unrecorded(expression: Expression, values: Sequence[NodeValue]) -> list[str]:
    """Why all gradients are zero, where the output has no `grad_fn`: at most one sentence.

    A constant has no variables, and nothing needs a reason.
    """
    if not expression.variables or carries(values[expression.root]):
        return []
    found = cuts(expression, values)
    names = [excerpt(expression.source, expression.nodes[i].span, LONGEST) for i in found[:MOST]]
    if not names:
        return ["no gradient flows to any variable: the output depends on none that requires one"]
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    verb = "carry" if len(found) > 1 else "carries"
    text = " ".join(f"{', '.join(names)}{more}".split())
    return [f"no gradient flows to any variable: {text} {verb} none"]
