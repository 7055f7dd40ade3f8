"""Keys as they are pressed, for what goes on at the reader's pace."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from autograd_cli.console import Console

ENDS = (b"", b"q", b"Q", b"\x04", b"\x1b")  # also the end of input, Ctrl-D and Escape
INTERRUPT = b"\x03"
MOST_BYTES = 64  # of one key: arrows and function keys send several


def has_keyboard(console: Console) -> bool:
    """Whether somebody sits at a terminal that is read from and written to."""
    try:
        return console.terminal and console.stdin.isatty() and console.stdin.fileno() >= 0
    except (OSError, ValueError):
        return False


def prompt(console: Console, text: str) -> None:
    """Say what can be pressed, in the line that comes next; "" wipes it away."""
    if console.environ.get("TERM") != "dumb":
        dim, normal = ("\x1b[2m", "\x1b[0m") if console.colour and text else ("", "")
        console.stdout.write(
            f"\r\x1b[K{'  ' if text else ''}{dim}{text[: console.width - 3]}{normal}"
        )
    console.flush()


@contextmanager
def keys(console: Console) -> Iterator[Iterator[bytes]]:
    """The keys as they are pressed, without an echo and without Enter. Ctrl-C interrupts."""
    if sys.platform == "win32":
        import msvcrt

        yield iter(lambda: _checked(msvcrt.getwch().encode()), None)
        return
    import termios
    import tty

    descriptor = console.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield iter(lambda: _checked(os.read(descriptor, MOST_BYTES)), None)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def forget_typed(console: Console) -> None:
    """Drop what was typed before anybody asked."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
        return
    import termios

    termios.tcflush(console.stdin.fileno(), termios.TCIFLUSH)


def _checked(key: bytes) -> bytes:
    if key == INTERRUPT:  # where the terminal does not make a signal of it
        raise KeyboardInterrupt
    return key
