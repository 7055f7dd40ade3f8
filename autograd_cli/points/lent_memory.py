"""Memory for results that is used again as soon as nobody holds them any more.

The system takes back large pieces of memory that are freed, and gives others that it clears page by
page when they are first written, which costs as much as the arithmetic of a gradient.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import weakref
from collections import deque

import torch
from torch import Tensor

GRAIN = 1 << 21  # bytes: a huge page, where the system has them
KEPT = 2  # pieces that are kept for the next results


class Lender:
    """Gives tensors whose memory comes back by itself, from whatever thread let go of it."""

    def __init__(self) -> None:
        self._free: deque[mmap.mmap] = deque(maxlen=KEPT)

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor of a shape, with any numbers in it. Small ones are torch's own."""
        count = math.prod(shape)
        size = count * dtype.itemsize
        if size < GRAIN:
            return torch.empty(shape, dtype=dtype)
        piece = self._piece(-(-size // GRAIN) * GRAIN)
        view = memoryview(piece)
        weakref.finalize(view, self._free.append, piece).atexit = False
        return torch.frombuffer(view, dtype=dtype, count=count).reshape(shape)

    def _piece(self, size: int) -> mmap.mmap:
        with contextlib.suppress(IndexError):
            while True:
                piece = self._free.pop()
                if len(piece) == size:
                    return piece
        piece = mmap.mmap(-1, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # a system without them
                piece.madvise(mmap.MADV_HUGEPAGE)
        return piece
