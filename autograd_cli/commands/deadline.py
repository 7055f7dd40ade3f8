"""`--timeout`: how long a command may take, for those who hand on what others typed.

Two things watch the time. A signal raises an exception where the command is, so that it ends as it
does when it is interrupted: files are put in order, and it is said what goes on. Where that does
not come through, because one call of torch takes long, a thread ends the process.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import typer

from autograd_cli import interpreter
from autograd_cli.errors import AgxError, EvaluationError

PAUSE = 0.01  # seconds after which it is tried again, where something is to be whole
GRACE = 1.0  # seconds in which a command may end by itself
LATE = f"{__name__}.late"  # where a context has what is done about a command that takes too long


class TimeLimitError(EvaluationError):
    """A command that takes longer than it may."""

    kind = "timeout"


class TimeIsUp(BaseException):  # like KeyboardInterrupt, no error of what it ends
    """Raised wherever a command is when its time is up."""

    def __init__(self, said: TimeLimitError) -> None:
        super().__init__(said.message)
        self.said = said


@dataclass(frozen=True)
class Late:
    """What to do about a command that takes too long: how to say it, and whether the process is
    its own, which can be ended."""

    report: Callable[[AgxError], None]
    ends_process: bool


def watch(ctx: typer.Context, seconds: float) -> None:
    """Gives the command of a context so many seconds. It raises TimeIsUp after that."""
    late: Late = ctx.meta[LATE]
    said = TimeLimitError(
        f"it took longer than {seconds:g} s", hint="a longer --timeout lets it go on"
    )
    done = threading.Event()

    def end_at_once() -> None:
        late.report(said)
        interpreter.end_at_once(said.exit_code)

    def interrupt(number: int, frame: FrameType | None) -> None:
        if done.is_set():
            return
        if late.ends_process and interpreter.is_loading("torch"):
            # An exception in the midst of that may abort, in its C++.
            end_at_once()
        if not interpreter.is_between():
            signal.setitimer(signal.ITIMER_REAL, PAUSE)
            return
        raise TimeIsUp(said)

    def wait() -> None:
        if not done.wait(seconds + (GRACE if can_interrupt else 0)):
            end_at_once()

    is_main = threading.current_thread() is threading.main_thread()
    can_interrupt = is_main and hasattr(signal, "setitimer")
    ctx.call_on_close(done.set)
    if can_interrupt:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        ctx.call_on_close(lambda: _stop(before))
    if late.ends_process:
        threading.Thread(target=wait, name="agx deadline", daemon=True).start()


def _stop(before: Any) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
