"""What is made small: a loss of named parameters, over data or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

Parameters: TypeAlias = Mapping[str, Tensor]
Rows: TypeAlias = "Tensor | None"  # positions of a batch's observations; None is all of them


@dataclass(frozen=True)
class Objective:
    """A loss and where to start.

    start         the parameters by name, of any shapes
    loss          (parameters, rows) -> a scalar tensor: the loss over a batch of the observations
    observations  how many there are; 0 for a function without data, whose `rows` is always None
    residuals     for least squares: parameters -> shape (observations,), attached to the graph
    """

    start: Parameters
    loss: Callable[[Parameters, Rows], Tensor]
    observations: int = 0
    residuals: Callable[[Parameters], Tensor] | None = None
