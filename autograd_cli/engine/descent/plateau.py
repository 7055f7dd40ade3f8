"""A loss that is level all round the start, where a minimisation has nothing to go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from autograd_cli.engine.check.rounding import UNIT, Rounding
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.vectorised import Vectorised
from autograd_cli.engine.descent.bounds import Box
from autograd_cli.engine.descent.problem import flat
from autograd_cli.language.expression import Expression

WIDTH = 1e-3  # of max(1, |x|): how far round the start to look
MOST_AXES = 200  # parameters that are moved one by one
CORNERS = 16  # random corners of the box, each with its opposite
LEVEL = (
    f"flat: no step has lowered the loss, and it is constant to rounding within {WIDTH:g} of the"
    " start, so that nothing shows where it falls"
)


def is_plateau(
    expression: Expression,
    start: Mapping[str, Tensor],
    box: Box,
    context: Context,
    lowest: float,
) -> bool:
    """Whether the loss is constant to rounding round the start, and `lowest`, the least that was
    found, is no lower."""
    reference = replace(context, device=torch.device("cpu"), dtype=torch.float64)
    state = context.generator.get_state()
    shapes = {name: value.shape for name, value in start.items()}
    sizes = [value.numel() for value in start.values()]
    origin = flat(list(start.values())).to("cpu", torch.float64)
    low, high = (side.to("cpu", torch.float64) for side in (box.low, box.high))
    ways = _ways(len(origin)) * (WIDTH * origin.abs().clamp(min=1.0))
    points = torch.minimum(torch.maximum(origin + ways, low), high)
    points = torch.cat([origin[None], points[(points != origin).any(1)]])
    columns = dict(zip(shapes, torch.split(points, sizes, dim=1), strict=True))
    rows = {name: part.reshape(len(points), *shapes[name]) for name, part in columns.items()}
    first = {name: part[0] for name, part in rows.items()}
    found = Rounding(Vectorised(expression, first, reference)).values(rows)
    context.generator.set_state(state)
    noise = found.noise * (torch.finfo(context.dtype).eps / (2 * UNIT))
    level = (found.values - found.values[0]).abs() <= noise + noise[0]
    fallen = float(found.values[0]) - lowest > float(noise[0])
    return len(points) > 1 and bool(level.all()) and not fallen


def _ways(size: int) -> Tensor:
    """Corners of the box of half width 1, and the middles of its faces; shape (ways, size)."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.randn(CORNERS, size, generator=generator, dtype=torch.float64).sign()
    inside = corners * torch.rand(CORNERS, size, generator=generator, dtype=torch.float64)
    axes = torch.eye(size, dtype=torch.float64)[:MOST_AXES]
    ways = torch.cat([corners, inside, axes])
    return torch.cat([ways, -ways])
