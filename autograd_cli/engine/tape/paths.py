"""Every path from the output to a variable: what it contributes, or what cuts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.tape.nodes import Tape, name_of
from autograd_cli.language.expression import Expression
from autograd_cli.results import Value
from autograd_cli.results.graph import GraphConstant, Path, PathStep

MOST = 1_000
MOST_STEPS = 500_000  # on all paths together
FLAT = {
    "WhereBackward0": "this branch is not taken",
    **dict.fromkeys(
        (
            *("SignBackward0", "SgnBackward0", "FloorBackward0", "CeilBackward0"),
            *("RoundBackward0", "RoundBackward1", "TruncBackward0"),
        ),
        "flat: its derivative is 0 everywhere",
    ),
}


@dataclass(frozen=True)
class _Trail:
    """A way from the output: where it is, through which operand of the trail before."""

    position: int
    length: int
    before: _Trail | None = None
    local: Value = None  # derivative of the node before by this one
    cut: str = ""


def paths(
    expression: Expression,
    values: Sequence[NodeValue],
    tape: Tape,
    constants: Sequence[GraphConstant],
    output: Tensor,
    seed: Tensor | None,
    variable: str,
) -> tuple[tuple[Path, ...], bool]:
    """Every path from the output to a variable with what it contributes, and every place where
    one was cut; whether there are more than are told.

    What a path contributes is the output's gradient sent down that path alone, node by node.
    """
    leaf = values[expression.variables[variable]]
    assert isinstance(leaf, Tensor)
    goal = tape.position(leaf)
    reaches = _reaches(tape, goal)
    root = tape.position(output)
    assert root is not None
    start = torch.ones_like(output).detach() if seed is None else seed
    pending: list[tuple[_Trail, Tensor]] = [(_Trail(root, 1), start)]
    found: list[Path] = []
    steps = 0
    with torch.no_grad():
        while pending and len(found) < MOST and steps < MOST_STEPS:
            trail, upstream = pending.pop()
            if trail.position == goal:
                found.append(_path(expression, tape, trail, upstream))
                steps += trail.length
                continue
            parts = tape.answer(trail.position, upstream)
            slopes = tape.local[trail.position]
            ways = zip(tape.edges[trail.position], parts, slopes, strict=False)
            for below, part, slope in reversed(list(ways)):
                if below is None or part is None or not reaches[below]:
                    continue
                cut = trail.cut
                if not cut and slope is not None and not torch.tensor(slope).any():
                    name = name_of(tape.nodes[trail.position])
                    cut = FLAT.get(name, "the derivative is 0 here")
                onward = _Trail(below, trail.length + 1, trail, slope, cut)
                pending.append((onward, part.sum_to_size(tape.made(below)[0])))
    found += _cuts(expression, tape, constants, variable)
    return tuple(found), bool(pending)


def _path(expression: Expression, tape: Tape, trail: _Trail, product: Tensor) -> Path:
    steps: list[PathStep] = []
    local: Value = None
    pending: _Trail | None = trail
    while pending is not None:
        one = pending
        span = expression.nodes[tape.owner[one.position]].span
        steps.append(PathStep(tape.ids[one.position], span, local))
        pending, local = one.before, one.local
    return Path(tuple(reversed(steps)), plain(product), trail.cut)


def _cuts(
    expression: Expression, tape: Tape, constants: Sequence[GraphConstant], variable: str
) -> list[Path]:
    """The places where the way to a variable ends in an operand that carries no gradient."""
    found: list[Path] = []
    cuts = [constant for constant in constants if constant.cut]
    if not cuts:
        return found
    depends = expression.depends_on(variable)
    for constant in cuts:
        position = int(constant.source[1:]) - 1
        owner = expression.nodes[tape.owner[position]]
        operand = owner.operands[constant.input]
        if depends[operand]:
            step = PathStep(constant.source, owner.span, None)
            found.append(Path((step,), 0.0, f"{expression.text(operand)} carries no gradient"))
    return found


def _reaches(tape: Tape, goal: int | None) -> list[bool]:
    """Which nodes lead to the goal; operands come before their consumers."""
    reaches: list[bool] = []
    for position, edges in enumerate(tape.edges):
        below = [target for target in edges if target is not None]
        reaches.append(position == goal or any(reaches[i] for i in below if i < position))
    return reaches
