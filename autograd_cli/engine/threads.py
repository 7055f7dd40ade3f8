"""How many threads torch may use, and what is shared out over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")

_workers: ContextVar[int] = ContextVar("_workers", default=1)  # a new thread has one, itself


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: it would share out a few dozen numbers, and wait for a busy core."""
    before = torch.get_num_threads()
    token = _workers.set(max(before, _workers.get()))
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _workers.reset(token)


def side_by_side(task: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """What `task` makes of every part, in order; inside `one_thread`, on the threads it put aside.

    Each takes a part when it has finished one, so none waits for a busy core until the end.
    """
    workers = min(_workers.get(), len(parts))
    if workers <= 1:
        return [task(part) for part in parts]
    with ThreadPoolExecutor(workers, "agx", torch.set_num_threads, (1,)) as pool:
        return list(pool.map(task, parts))
