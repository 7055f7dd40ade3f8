"""A progress bar on stderr, for those who wait at a terminal."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Self

from autograd_cli.console import Console

PATIENCE = 0.5  # seconds before it shows
PAUSE = 0.1  # seconds between two drawings
WIDTH = 30
NARROWEST = 5  # a shorter bar says nothing


class Progress:
    """A bar that appears when something takes long, and is wiped away at the end.

    `beside` says that results are written meanwhile: on a terminal, they would run through it.
    """

    def __init__(self, console: Console, *, beside: bool = False) -> None:
        self._console = console
        self._wanted = console.stderr.isatty() and not (beside and console.terminal)
        self._begun = time.monotonic()
        self._drawn = 0.0

    def at(self, done: int, total: int, what: str = "") -> None:
        """`done` of `total` steps are done."""
        if not self._due():
            return
        share = min(done / max(total, 1), 1.0)
        text = f"{share:4.0%} {what}"
        size = min(WIDTH, self._width() - len(text) - 1)
        if size >= NARROWEST:
            full = round(share * size)
            block, empty = ("█", "░") if self._console.unicode else ("#", ".")
            text = f"{block * full}{empty * (size - full)} {text}"
        self._draw(text)

    def rate(self, rows: int, share: float | None) -> None:
        """`rows` are done, `share` of the whole where that is known; shows the rows a second."""
        elapsed = max(time.monotonic() - self._begun, 1e-3)
        what = f"{rows:,} rows, {rows / elapsed:,.0f} rows/s"
        if share is not None:
            self.at(round(1000 * share), 1000, what)
        elif self._due():
            self._draw(what)

    def _draw(self, text: str) -> None:
        """One line, cut where it would go on in the next."""
        self._console.draw(f"\r{text.strip()[: self._width()]}\x1b[K")

    def _width(self) -> int:
        """The columns that may be written to, which change when a window is resized."""
        try:
            columns = os.get_terminal_size(self._console.stderr.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        return (columns or self._console.width) - 1  # in the last one, some terminals go on

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
            self._console.draw("\r\x1b[K")
