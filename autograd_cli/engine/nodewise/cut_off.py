"""Where autograd records nothing: which operations cut every way from the output to a variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, output
from autograd_cli.engine.nodewise.nonfinite import explain_value
from autograd_cli.errors import DerivativeError
from autograd_cli.language.expression import Expression
from autograd_cli.results.excerpts import excerpt
from autograd_cli.results.graph import Graph, GraphConstant, Path

LONGEST = 40  # characters of an operation in a sentence
MOST = 3  # operations that a sentence names


def cuts(expression: Expression, values: Sequence[NodeValue]) -> list[int]:
    """The positions of the operations that take a gradient's way and do not go on with it."""
    return [
        position
        for position, node in enumerate(expression.nodes)
        if not _carries(values[position]) and any(_carries(values[i]) for i in node.operands)
    ]


def explain_unrecorded(expression: Expression, values: Sequence[NodeValue]) -> list[str]:
    """Why all gradients are zero, where the output has no `grad_fn`: at most one sentence.

    A constant has no variables, and nothing needs a reason.
    """
    if not expression.variables or _carries(values[expression.root]):
        return []
    found = cuts(expression, values)
    names = [excerpt(expression.source, expression.nodes[i].span, LONGEST) for i in found[:MOST]]
    if not names:
        return ["no gradient flows to any variable: the output depends on none that requires one"]
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    verb = "carry" if len(found) > 1 else "carries"
    text = " ".join(f"{', '.join(names)}{more}".split())
    return [f"no gradient flows to any variable: {text} {verb} none"]


def unrecorded(
    expression: Expression,
    leaves: Mapping[str, Tensor],
    values: list[NodeValue],
    context: Context,
    by: str | None,
    why: str | None,
) -> Graph:
    """The graph without a node: the output is a constant, and every gradient is zero.

    Raises: DerivativeError for the graph of the gradient by a variable, which there is none of.
    """
    span = expression.nodes[expression.root].span
    reasons = explain_unrecorded(expression, values)
    if by is not None:
        raise DerivativeError(
            f"the gradient has no graph of its own: {reasons[0]}",
            span=span,
            source=expression.source,
        )
    value = plain(output(expression, values, context))
    ways = []
    if why is not None:
        depends = expression.depends_on(why)
        ways = [one for one in cuts(expression, values) if depends[one]]
    return Graph(
        expression=expression.source,
        at={name: plain(leaves[name]) for name in expression.variables},
        dtype=context.dtype_name,
        device=str(context.device),
        value=value,
        warnings=(*expression.warnings, *explain_value(expression, values, context), *reasons),
        root="",
        nodes=(),
        edges=(),
        constants=(GraphConstant("", 0, span, value, cut=True),),
        gradient={
            name: plain(torch.zeros_like(leaf))
            for name, leaf in leaves.items()
            if leaf.requires_grad
        },
        why=why,
        paths=tuple(Path((), 0.0, f"{expression.text(i)} carries no gradient") for i in ways),
    )


def _carries(value: NodeValue) -> bool:
    return isinstance(value, Tensor) and value.requires_grad
