"""Lines of styled text on a terminal. The one module that needs rich."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TextIO

from rich.console import Console as Printer
from rich.text import Text

from autograd_cli.render.layout import Line
from autograd_cli.render.parts import MARGIN, NARROWEST, RAW
from autograd_cli.render.style import Style


def print_lines(lines: Iterable[Line], out: TextIO, style: Style) -> None:
    """Print lines of styled text after a margin; nothing is wrapped or cut off."""
    # Everything that rich would look up for itself is said here, its environment included; and
    # only Text is printed, because rich would take `x[y]` in a str for markup.
    printer = Printer(
        file=out,
        width=max(style.width, NARROWEST),
        height=25,
        color_system="standard" if style.colour else None,
        force_terminal=style.colour,
        force_interactive=False,
        no_color=not style.colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    for line in lines:
        text = Text()
        if line:
            text.append(" " * MARGIN)
        for look, pieces in groupby(line, lambda piece: piece[1]):
            joined = "".join(piece for piece, _ in pieces)
            text.append(
                Text.from_ansi(joined) if look == RAW else joined, None if look == RAW else look
            )
        printer.print(text, soft_wrap=True)
