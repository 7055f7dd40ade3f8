"""Symmetric to the last bit: a matrix averaged with its transpose."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TILE = 128  # rows and columns that are mirrored at a time: they stay in the cache
BAND = 64  # rows and columns that are compared at a time


def averaged(entries: Tensor, mirrored: Tensor) -> Tensor:
    """The mean of entries and their mirror images; no -0.0, whose image may be 0.0."""
    mean = (entries + mirrored).mul_(0.5).add_(0.0)
    if is_finite(mean):
        return mean
    return torch.where(entries == mirrored, entries, entries / 2 + mirrored / 2) + 0.0


def asymmetry(gap: Tensor) -> float:
    """The largest of the differences between entries and their mirror images; 0 between infinities
    and where one is nan."""
    if not gap.numel():
        return 0.0
    if not is_finite(gap):
        gap = gap.nan_to_num(nan=0.0, posinf=math.inf, neginf=-math.inf)
    return gap.abs().max().item()


def is_finite(tensor: Tensor) -> bool:
    """Whether all elements are finite, in one pass."""
    if not tensor.numel():
        return True
    low, high = tensor.aminmax()
    return math.isfinite(low.item()) and math.isfinite(high.item())


def is_symmetric(matrix: Tensor) -> bool:
    """Whether a square matrix equals its transpose, which one with a nan does not."""
    return all(
        torch.equal(matrix[top : top + BAND, top:], matrix[top:, top : top + BAND].T)
        for top in range(0, len(matrix), BAND)
    )


def symmetrise(matrix: Tensor) -> float:
    """Averages a square matrix with its transpose, in place, and says how asymmetric it was.

    It has no -0.0, which equals 0.0 but is not the same to the last bit.
    """
    size = len(matrix)
    largest = 0.0
    for top in range(0, size, TILE):
        for left in range(0, top + 1, TILE):
            below = matrix[top : top + TILE, left : left + TILE]
            above = matrix[left : left + TILE, top : top + TILE]
            mirrored = above.T.contiguous()
            if torch.equal(below, mirrored):
                continue
            largest = max(largest, asymmetry(below - mirrored))
            mean = averaged(below, mirrored)
            below.copy_(mean)
            above.copy_(mean.T)
    return largest
