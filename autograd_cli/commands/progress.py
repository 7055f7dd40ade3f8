"""A progress bar on stderr, for those who wait at a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from autograd_cli.console import Console

PATIENCE = 0.5  # seconds before it shows
PAUSE = 0.1  # seconds between two drawings
WIDTH = 30


class Progress:
    """A bar that appears when something takes long, and is wiped away at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._wanted = console.stderr.isatty()
        self._begun = time.monotonic()
        self._drawn = 0.0

    def at(self, done: int, total: int, what: str = "") -> None:
        """`done` of `total` steps are done."""
        now = time.monotonic()
        if not self._wanted or now - self._begun < PATIENCE or now - self._drawn < PAUSE:
            return
        self._drawn = now
        share = min(done / max(total, 1), 1.0)
        full = round(share * WIDTH)
        block, empty = ("█", "░") if self._console.unicode else ("#", ".")
        bar = block * full + empty * (WIDTH - full)
        self._console.complain(f"\r{bar} {share:4.0%} {what}\x1b[K")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._drawn:
            self._console.complain("\r\x1b[K")
