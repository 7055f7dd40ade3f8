"""A box that the parameters stay in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import constant
from autograd_cli.errors import ShapeError, UsageError
from autograd_cli.language.bounds import Bound


@dataclass(frozen=True)
class Box:
    """The lowest and the highest point, each of shape (size,); infinite where there is no bound."""

    low: Tensor
    high: Tensor

    @property
    def is_everything(self) -> bool:
        return bool((self.low.isneginf() & self.high.isposinf()).all())

    def project(self, point: Tensor) -> Tensor:
        """The nearest point of the box."""
        return torch.minimum(torch.maximum(point, self.low), self.high)

    def held(self, point: Tensor, slope: Tensor) -> Tensor:
        """Which parameters are at a bound that the descent pushes against, boolean."""
        return ((point <= self.low) & (slope > 0)) | ((point >= self.high) & (slope < 0))


def box_of(bounds: Mapping[str, Bound], start: Mapping[str, Tensor], context: Context) -> Box:
    """The box of bounds by name; a number bounds every element of a vector.

    Raises: ShapeError for a bound that does not fit its variable, UsageError for an empty one.
    """
    lows, highs = [], []
    for name, value in start.items():
        bound = bounds.get(name, Bound(name, None, None, ""))
        low = _side(bound.low, -math.inf, bound, value, context)
        high = _side(bound.high, math.inf, bound, value, context)
        if not bool((low <= high).all()):
            raise UsageError(
                f"the bounds of '{name}' leave nothing: {bound.text}",
                hint="the lower bound comes first",
            )
        lows.append(low.reshape(-1))
        highs.append(high.reshape(-1))
    return Box(torch.cat(lows), torch.cat(highs))


def _side(
    expression: object, missing: float, bound: Bound, value: Tensor, context: Context
) -> Tensor:
    side = context.tensor(missing) if expression is None else constant(expression, context)  # type: ignore[arg-type]
    try:
        return side.expand(value.shape)
    except RuntimeError:
        raise ShapeError(
            f"a bound of '{bound.name}' has the shape {list(side.shape)}, and its start"
            f" {list(value.shape)}",
            hint="a number bounds every element",
        ) from None
