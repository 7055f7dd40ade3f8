"""The graph where autograd recorded nothing."""

from __future__ import annotations

import torch

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.nodewise.cut_off import cuts, explain_unrecorded
from autograd_cli.engine.nodewise.point import Point
from autograd_cli.errors import DerivativeError
from autograd_cli.results.graph import Graph, GraphConstant, Path


def unrecorded(point: Point, by: str | None, why: str | None) -> Graph:
    """The graph without a node: the output is a constant, and every gradient is zero.

    Raises: DerivativeError for the graph of the gradient by a variable, which there is none of.
    """
    expression = point.expression
    span = expression.nodes[expression.root].span
    if by is not None:
        reasons = explain_unrecorded(expression, point.values)
        raise DerivativeError(
            f"the gradient has no graph of its own: {reasons[0]}",
            span=span,
            source=expression.source,
        )
    ways = []
    if why is not None:
        depends = expression.depends_on(why)
        ways = [one for one in cuts(expression, point.values) if depends[one]]
    return Graph(
        **point.header(),
        warnings=tuple(point.warnings()),
        root="",
        nodes=(),
        edges=(),
        constants=(GraphConstant("", 0, span, plain(point.value), cut=True),),
        gradient={
            name: plain(torch.zeros_like(leaf))
            for name, leaf in point.leaves.items()
            if leaf.requires_grad
        },
        why=why,
        paths=tuple(Path((), 0.0, f"{expression.text(i)} carries no gradient") for i in ways),
    )
