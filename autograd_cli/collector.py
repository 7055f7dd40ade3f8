"""Python's cyclic garbage collector, held still while very many objects are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """While it lasts, nothing is searched for cycles.

    The collector looks through everything alive whenever much was made. With hundreds of thousands
    of nodes alive, and none of them garbage, that takes longer than the work itself. What was made
    joins the old objects at the end, unsearched.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():  # else somebody's frozen objects would thaw
                gc.freeze()
                gc.unfreeze()
            gc.enable()
