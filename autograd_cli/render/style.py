"""How a result may look: what the place it goes to can show, and what the user asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autograd_cli.console import Console

DEFAULT_PRECISION = 6
EXACT = 0  # as a precision: every digit of every number, and every number of every vector


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a renderer may use.

    `unicode` allows mathematical signs and brackets, `utf` any character inside JSON strings.
    `precision` is a number of significant digits; formats for machines do not round.
    """

    width: int = 80
    colour: bool = False
    unicode: bool = True
    utf: bool = True
    precision: int = DEFAULT_PRECISION

    @classmethod
    def of_console(cls, console: Console, precision: int = DEFAULT_PRECISION) -> Style:
        return cls(
            width=console.width,
            colour=console.colour,
            unicode=console.unicode,
            utf=console.utf,
            precision=precision,
        )

    def for_file(self) -> Style:
        """The style for a file of our own making: UTF-8, and no escape codes."""
        return replace(self, colour=False, unicode=True, utf=True)
