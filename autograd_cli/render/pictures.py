"""Figures into files, and onto the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from autograd_cli.console import Console
from autograd_cli.errors import UsageError
from autograd_cli.figures import PICTURES, Figure, picture, text
from autograd_cli.render import Output
from autograd_cli.render.output import destination, write_bytes
from autograd_cli.render.style import Style

MOST_LETTERS = 12  # that no font has and that are listed
AROUND = 2  # empty lines around a figure on a terminal
TRUECOLOUR = ("truecolor", "24bit")  # what terminals with all colours say in COLORTERM


def write_figure(
    figures: Figure | Sequence[Figure],
    console: Console,
    output: Output,
    size: tuple[int, int] | None = None,
) -> None:
    """Write figures where they shall go: as a picture, or as text for `table` and `plain`.

    Raises: FileError and MissingExtraError.
    """
    kind = output.format.name
    if kind in PICTURES:
        _write(figures, kind, output.file, console, size)
        return
    style = Style.of_console(console)
    style = style.for_file() if output.file else style
    with destination(output.file, console) as out:
        drawn = text(
            figures,
            style.width,
            height=None if output.file else _lines(console, AROUND if kind == "table" else 0),
            unicode=style.unicode,
            colour=style.colour and kind == "table",
            truecolour=console.environ.get("COLORTERM") in TRUECOLOUR,
        )
        out.write(f"\n{drawn}\n" if kind == "table" else drawn)


def _write(
    figures: Figure | Sequence[Figure],
    kind: str,
    file: str,
    console: Console,
    size: tuple[int, int] | None,
) -> None:
    def complain(letters: str) -> None:
        shown = letters if len(letters) <= MOST_LETTERS else f"{letters[:MOST_LETTERS]}…"
        console.complain(
            f"warning: no font here has {shown}: boxes stand for them (fonts-noto-cjk has Chinese,"
            " Japanese and Korean)\n"
        )

    write_bytes(picture(figures, kind, size, lacking=complain), file, console)


def _lines(console: Console, around: int = 0) -> int | None:
    """The lines for a figure that shall be seen as a whole, above the prompt that comes next."""
    return None if console.height is None else console.height - 1 - around


def write_picture(
    figures: Figure | Sequence[Figure],
    file: str,
    option: str,
    console: Console,
    size: tuple[int, int] | None = None,
) -> None:
    """Write figures, side by side, into the file that an option names, as PNG, SVG or PDF.

    Raises: UsageError for any other ending, FileError, and MissingExtraError without matplotlib.
    """
    _write(figures, picture_kind(file, option), file, console, size)


def picture_kind(file: str, option: str) -> str:
    """The kind of picture that a file's ending asks for. Raises UsageError for any other."""
    ending = PurePath(file).suffix.lower().removeprefix(".")
    if ending not in PICTURES:
        raise UsageError(
            f"{option} {file!r} does not end in {', '.join('.' + kind for kind in PICTURES)}",
            hint=f"for example {option} {PurePath(file).stem or 'figure'}.png",
        )
    return ending


def figure_text(figures: Figure | Sequence[Figure], console: Console) -> str:
    """Figures, one below the other, as the console can show them.

    Raises: MissingExtraError without plotille.
    """
    return text(
        figures,
        console.width,
        height=_lines(console),
        unicode=console.unicode,
        colour=console.colour,
        truecolour=console.environ.get("COLORTERM") in TRUECOLOUR,
    )
