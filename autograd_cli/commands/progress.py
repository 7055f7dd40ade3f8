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
        if not self._due():
            return
        share = min(done / max(total, 1), 1.0)
        full = round(share * WIDTH)
        block, empty = ("█", "░") if self._console.unicode else ("#", ".")
        bar = block * full + empty * (WIDTH - full)
        self._console.complain(f"\r{bar} {share:4.0%} {what}\x1b[K")

    def rate(self, rows: int, share: float | None) -> None:
        """`rows` are done, `share` of the whole where that is known; shows the rows a second.

        Nothing is shown where the rows themselves are.
        """
        if self._console.terminal:
            return
        elapsed = max(time.monotonic() - self._begun, 1e-3)
        what = f"{rows:,} rows, {rows / elapsed:,.0f} rows/s"
        if share is not None:
            self.at(round(1000 * share), 1000, what)
        elif self._due():
            self._console.complain(f"\r{what}\x1b[K")

    def _due(self) -> bool:
        now = time.monotonic()
        if not self._wanted or now - self._begun < PATIENCE or now - self._drawn < PAUSE:
            return False
        self._drawn = now
        return True

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
