"""An explanation at the reader's pace: one block for each key that is pressed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from autograd_cli.commands.options import Printing
from autograd_cli.console import Console
from autograd_cli.errors import UsageError
from autograd_cli.render import FORMATS
from autograd_cli.render.style import Style
from autograd_cli.results.explanation import Explanation

PROMPT = "any key: the next step   q: the end"
ENDS = (b"", b"q", b"Q", b"\x04", b"\x1b")  # also the end of input, Ctrl-D and Escape
INTERRUPT = b"\x03"
MOST_BYTES = 64  # of one key: arrows and function keys send several


def check(printing: Printing) -> None:
    """Raises UsageError where there is nobody to press a key, or nothing to be played."""
    console = printing.console
    if printing.output.format is not FORMATS["table"] and console.terminal:
        raise UsageError(
            f"--step plays the table, and not {printing.output.format.name}",
            hint="leave one of them out",
        )
    if printing.output.file or not (console.terminal and _is_keyboard(console)):
        raise UsageError(
            "--step waits for keys, so it needs a terminal to read from and to write to",
            hint="leave it out: the whole explanation is printed at once",
        )


def play(result: Explanation, printing: Printing) -> None:
    """Print the first block, and one more for every key; the terminal is left as it was found."""
    from autograd_cli.render import terminal
    from autograd_cli.render.explanation import blocks

    console = printing.console
    style = Style.of_console(console, printing.output.precision)
    first, *others = blocks(result, style)
    out = console.stdout
    terminal.write_block([[], *first], out, style)
    with _keys(console) as keys:
        for block in others:
            _prompt(console, PROMPT)
            key = next(keys)
            _prompt(console, "")
            if key in ENDS:
                break
            terminal.write_block(block, out, style)
    terminal.write_block([[]], out, style)
    console.complain("".join(f"warning: {text}\n" for text in result.warnings))


def _prompt(console: Console, text: str) -> None:
    """Say what can be pressed, in the line that the next step will take."""
    if console.environ.get("TERM") != "dumb":
        dim, normal = ("\x1b[2m", "\x1b[0m") if console.colour and text else ("", "")
        console.stdout.write(
            f"\r\x1b[K{'  ' if text else ''}{dim}{text[: console.width - 3]}{normal}"
        )
    console.flush()


def _is_keyboard(console: Console) -> bool:
    try:
        return console.stdin.isatty() and console.stdin.fileno() >= 0
    except (OSError, ValueError):
        return False


@contextmanager
def _keys(console: Console) -> Iterator[Iterator[bytes]]:
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


def _checked(key: bytes) -> bytes:
    if key == INTERRUPT:  # where the terminal does not make a signal of it
        raise KeyboardInterrupt
    return key
