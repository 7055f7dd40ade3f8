"""Lines of styled text on a terminal. What it needs of rich is all that most results need."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.text import Text

from autograd_cli.render.layout import Line
from autograd_cli.render.parts import MARGIN, NARROWEST, RAW
from autograd_cli.render.style import Style

__all__ = ["Printer", "print_lines", "printer_of"]


class Printer(Console):
    """Rich's console, which leaves it to the program what its exit code is."""

    def on_broken_pipe(self) -> None:
        """The reader went away; of its own accord rich would end with exit code 1."""
        raise  # rich calls this while it handles the BrokenPipeError


def print_lines(
    lines: Iterable[Line], out: TextIO, style: Style, printer: Printer | None = None
) -> None:
    """Print lines after a margin; nothing is wrapped or cut off."""
    # Only Text is printed, because rich would take `x[y]` in a str for markup.
    printer = printer or printer_of(out, style)
    for line in lines:
        text = Text()
        if line:
            text.append(" " * MARGIN)
        for look, pieces in groupby(line, lambda piece: piece[1]):
            joined = "".join(piece for piece, _ in pieces)
            if look == RAW:
                text.append_text(Text.from_ansi(joined))
            else:
                text.append(joined, look)
        printer.print(text, soft_wrap=True)


def printer_of(out: TextIO, style: Style, *, live: bool = False) -> Printer:
    """What prints in this style; `live` if it is to draw over what it has printed."""
    # Everything that rich would look up for itself is said here, its environment included.
    return Printer(
        file=out,
        width=max(style.width, NARROWEST),
        height=25,
        color_system="standard" if style.colour else None,
        force_terminal=style.colour or live,
        force_interactive=live,
        no_color=not style.colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
