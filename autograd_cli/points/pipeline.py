"""Work on many items in their order: read in one thread, done in others, taken by the caller."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2  # items for each worker that may be read before they are wanted


def ordered(
    work: Callable[[Item], Result],
    items: Iterator[Item],
    jobs: int,
    begin: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """`work(item)` for every item, in the order of the items, as soon as each is done.

    A single job is this thread, one item after the other. For more, `items` are taken in a thread
    of their own, so that one that is slow to come holds up none that is done; not many are read
    ahead. `begin` is called in every worker first. What `items` or `work` raises is raised here, in
    its turn.
    """
    if jobs == 1:
        yield from map(work, items)
        return
    room = threading.Semaphore(AHEAD * jobs)
    line: queue.SimpleQueue[Future[Result] | BaseException | None] = queue.SimpleQueue()
    stopped = threading.Event()
    pool = ThreadPoolExecutor(jobs, "agx", begin)

    def read() -> None:
        try:
            for item in items:
                room.acquire()
                if stopped.is_set():
                    return
                line.put(pool.submit(work, item))
        except BaseException as error:
            line.put(error)
        else:
            line.put(None)

    # A daemon, because it may wait for input that never comes.
    threading.Thread(target=read, name="agx reader", daemon=True).start()
    try:
        while (waiting := line.get()) is not None:
            if isinstance(waiting, BaseException):
                raise waiting
            result = waiting.result()
            room.release()
            yield result
    finally:
        stopped.set()
        room.release()
        pool.shutdown(wait=False, cancel_futures=True)
