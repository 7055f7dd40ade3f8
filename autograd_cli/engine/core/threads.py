"""How many threads torch may use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
Result = TypeVar("Result")

MANY = 256  # numbers in a point from which on its matrices are worth several threads


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: it would share out a few dozen numbers, and wait for a busy core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread_if_small(compute: Callable[P, Result]) -> Callable[P, Result]:
    """Of a function of something at a point: torch on one thread, unless the point is large."""

    @functools.wraps(compute)
    def computed(*args: P.args, **kwargs: P.kwargs) -> Result:
        at: Any = args[1]
        if sum(tensor.numel() for tensor in at.values()) >= MANY:
            return compute(*args, **kwargs)
        with one_thread():
            return compute(*args, **kwargs)

    return computed
