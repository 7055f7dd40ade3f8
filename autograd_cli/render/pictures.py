"""Figures into files, and onto the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from autograd_cli.console import Console
from autograd_cli.errors import UsageError
from autograd_cli.figures import PICTURES, SIZE, Figure, picture, text
from autograd_cli.render.output import write_bytes


def kind_of(file: str, option: str) -> str:
    """The kind of picture that a file's ending asks for. Raises UsageError for any other."""
    ending = PurePath(file).suffix.lower().removeprefix(".")
    if ending not in PICTURES:
        raise UsageError(
            f"{option} {file!r} does not end in {', '.join('.' + kind for kind in PICTURES)}",
            hint=f"for example {option} {PurePath(file).stem or 'figure'}.png",
        )
    return ending


def write_picture(
    figures: Figure | Sequence[Figure], file: str, size: tuple[int, int] = SIZE
) -> None:
    """Write figures, side by side, as PNG, SVG or PDF.

    Raises: UsageError for any other ending, FileError, and MissingExtraError without matplotlib.
    """
    write_bytes(picture(figures, kind_of(file, "--plot"), size), file)


def figure_text(figures: Figure | Sequence[Figure], console: Console) -> str:
    """Figures, one below the other, as the console can show them.

    Raises: MissingExtraError without plotille.
    """
    return text(
        figures,
        console.width,
        unicode=console.unicode,
        colour=console.colour,
        truecolour=console.environ.get("COLORTERM") in ("truecolor", "24bit"),
    )
