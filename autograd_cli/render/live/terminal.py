"""The live view: rich draws the frames in place, and takes the last one away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console as Printer
from rich.live import Live
from rich.text import Text

from autograd_cli.render.live import frame
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results.fit import Step

FRAMES = 20.0  # a second, at most
KEPT = 2000  # losses; of more, every other one goes


class LiveView:
    """Frames of a run below what is printed meanwhile.

    It observes the run, and holds each step up so that all of them take `pace` seconds: a
    demonstration that is over at once shows nothing.
    """

    def __init__(self, run: Run, printer: Printer, style: Style) -> None:
        self._style = style
        self._total = run.total
        self._pause = run.pace / max(run.total or 1, 1)
        self._losses: list[float] = []
        self._stride = 1
        self._drawn = 0.0
        self._live = Live(console=printer, auto_refresh=False, transient=True)
        run.watch(self._observe)

    def _observe(self, step: Step) -> None:
        if step.step % self._stride == 0:
            self._losses.append(step.loss)
        if len(self._losses) > KEPT:
            self._losses = self._losses[::2]
            self._stride *= 2
        if self._pause:
            time.sleep(self._pause)
        now = time.monotonic()
        if now - self._drawn >= 1 / FRAMES and self._losses:
            self._drawn = now
            lines = frame([*self._losses, step.loss], step, self._total, self._style)
            self._live.update(_text(lines), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()


def _text(lines: Sequence[Sequence[tuple[str, str]]]) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for number, line in enumerate(lines):
        text.append("\n" if number else "")
        text.append("  " if line else "")
        for piece, look in line:
            text.append(piece, look)
    return text
