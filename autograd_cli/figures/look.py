"""What a terminal can show: the characters a picture is made of, its colours, and its legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from autograd_cli.errors import columns as width_of
from autograd_cli.errors import visible
from autograd_cli.figures.figure import DASHDOT, DASHED, DOTTED, SOLID, Series
from autograd_cli.figures.palette import Colour, qualitative, viridis
from autograd_cli.figures.scale import label as number_label
from autograd_cli.figures.values import Values

FAINT: Colour = (128, 128, 128)  # of axes and bands
TINTS = {  # colours of the palette, as readable on black as on white
    (0, 114, 178): (0, 135, 215),
    (230, 159, 0): (215, 135, 0),
}
GAP = 3  # columns between the entries of a legend
INDENT = 2
READABLE = (0.25, 0.92)  # of viridis
RAMP = 12  # columns of the colours in a legend

Piece: TypeAlias = tuple[str, Colour | None, Colour | None]  # a text, its colour, its ground


class Signs(NamedTuple):
    """The characters that a picture is made of."""

    corner: str
    left: str
    bottom: str
    left_tick: str
    bottom_tick: str
    point: str
    start: str
    end: str
    touch: str
    bar: str
    band: str
    block: str
    ellipsis: str
    shades: str  # from the lowest value to the highest
    arrows: str  # from the right, counterclockwise
    lines: dict[str, str]  # what a dash looks like in the legend


UNICODE = Signs(
    *("└", "│", "─", "┤", "┬"),
    *("•", "○", "✕", "●", "█", "░", "█", "…"),
    " ░▒▓█",
    "→↗↑↖←↙↓↘",
    {SOLID: "───", DASHED: "╌╌╌", DOTTED: "···", DASHDOT: "─·─"},
)
ASCII = Signs(
    *("+", "|", "-", "+", "+"),
    *("o", "O", "X", "@", "#", ".", "#", "..."),
    " .:-=+*#%@",
    ">/^\\</v\\",
    {SOLID: "---", DASHED: "- -", DOTTED: "...", DASHDOT: "-.-"},
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How many columns and lines there are, and whether there are Unicode and colours, and how
    many.

    Without a `height` there are as many lines as look well with the columns.
    """

    width: int = 80
    height: int | None = None
    unicode: bool = True
    colour: bool = False
    truecolour: bool = False

    @property
    def signs(self) -> Signs:
        return UNICODE if self.unicode else ASCII

    def line_colour(self, part: float) -> Colour | None:
        """The colour of a line whose value is `part` of the way to the highest."""
        return readable(part) if self.colour else None


def readable(part: float) -> Colour:
    """Viridis for lines: without its ends, which are lost on black or on white."""
    low, high = READABLE
    return viridis(low + (high - low) * part)


def tint(series: Series) -> Colour:
    colour = qualitative(series.colour or 0)
    return TINTS.get(colour, colour)


def fitted(text: str, width: int, look: Look) -> str:
    """A text on one line, cut where there is no room for all of it."""
    text = visible(text)
    if not look.unicode:
        text = text.encode("ascii", "backslashreplace").decode()
    if width_of(text) <= width:
        return text
    end = look.signs.ellipsis
    while text and width_of(text) + len(end) > width:
        text = text[:-1]
    return text + end


def title_lines(title: str, indent: int, look: Look) -> Iterator[list[Piece]]:
    if title:
        yield [(" " * indent + fitted(title, look.width - indent, look), None, None)]


# Legends ------------------------------------------------------------------------------------------


def entry(sign: str, colour: Colour | None, label: str, look: Look) -> list[Piece]:
    label = fitted(label, max(look.width - INDENT - width_of(sign) - 1, 1), look)
    return [(sign, colour, None), (f" {label}", None, None)]


def ramp(
    values: Values, label: str, look: Look, colour: Callable[[float], Colour] = readable
) -> list[Piece]:
    """The colours or shades of values: the lowest, that of the middle if uneven, the highest."""
    label = scaled(label, values)
    low, middle, high = map(number_label, rounded([values.value(part) for part in (0, 0.5, 1)]))
    shades = look.signs.shades
    half = (len(shades) + 1) // 2
    steps: list[list[Piece]] = [[(shades[:half], None, None)], [(shades[half:], None, None)]]
    if look.colour:
        block = look.signs.block
        colours = [(block, colour(number / (RAMP - 1)), None) for number in range(RAMP)]
        steps = [list(colours[: RAMP // 2]), list(colours[RAMP // 2 :])]
    between = "" if values.centre is None else f" {middle} "
    end = f" {high} {label}".rstrip()
    size = sum(width_of(piece[0]) for half in steps for piece in half)
    if INDENT + len(low) + 1 + size + len(between) + width_of(end) > look.width:
        return [(fitted(f"{label} {low} to {high}".strip(), look.width - INDENT, look), None, None)]
    return [
        (f"{low} ", None, None),
        *steps[0],
        (between, None, None),
        *steps[1],
        (end, None, None),
    ]


def scaled(label: str, values: Values) -> str:
    """What colours stand for, and that they go with its logarithm if they do."""
    if values.centre is None:
        return label
    return f"{label} (logarithmic)" if label else "logarithmic"


def rounded(numbers: Sequence[float]) -> list[float]:
    """The numbers to three digits of the largest of them."""
    largest = max(map(abs, numbers))
    digits = 2 - math.floor(math.log10(largest)) if largest else 0
    return [round(number, digits) for number in numbers]


def arranged(entries: Sequence[list[Piece]], look: Look) -> Iterator[list[Piece]]:
    """The entries of a legend, as many in a line as there is room for."""
    line: list[Piece] = []
    used = 0
    for one in entries:
        size = sum(width_of(piece[0]) for piece in one)
        if line and used + GAP + size > look.width:
            yield line
            line, used = [], 0
        gap = " " * (GAP if line else INDENT)
        line += [(gap, None, None), *one]
        used += len(gap) + size
    if line:
        yield line


# Escape codes -------------------------------------------------------------------------------------


def coded(pieces: Sequence[Piece], look: Look) -> str:
    """A line with its escape codes and its end, and without spaces before that."""
    if not look.colour:
        return "".join(sign for sign, _, _ in pieces).rstrip() + "\n"
    while pieces and not pieces[-1][0].strip() and pieces[-1][2] is None:
        pieces = pieces[:-1]
    found, before = [], ""
    for sign, colour, ground in pieces:
        code = _code(colour, 38, look) + _code(ground, 48, look)
        if code != before:
            found.append(f"\x1b[0m{code}" if before else code)
            before = code
        found.append(sign)
    return "".join([*found, "\x1b[0m" if before else "", "\n"])


def _code(colour: Colour | None, kind: int, look: Look) -> str:
    if colour is None:
        return ""
    if look.truecolour:
        return f"\x1b[{kind};2;{colour[0]};{colour[1]};{colour[2]}m"
    return f"\x1b[{kind};5;{_of_256(colour)}m"


def _of_256(colour: Colour) -> int:
    """The nearest of the 216 colours and 24 greys that terminals agree on."""
    steps = (0, 95, 135, 175, 215, 255)
    near = [min(range(6), key=lambda step: abs(steps[step] - part)) for part in colour]
    cube = 16 + 36 * near[0] + 6 * near[1] + near[2]
    grey = min(max(round((sum(colour) / 3 - 8) / 10), 0), 23)
    distance = sum((steps[step] - part) ** 2 for step, part in zip(near, colour, strict=True))
    return 232 + grey if sum((8 + 10 * grey - p) ** 2 for p in colour) < distance else cube
