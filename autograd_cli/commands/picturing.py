"""The figures of a lesson: on the terminal, and as files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_cli.console import Console
from autograd_cli.lessons.lesson import Picture
from autograd_cli.render.layout import Line
from autograd_cli.render.lesson.page import note
from autograd_cli.render.style import Style


def draw(
    lesson: str,
    picture: Picture,
    values: Sequence[Any],
    folder: str,
    style: Style,
    console: Console,
) -> list[Line]:
    """The lines that show a figure."""
    return [*note(f"figure: {picture.settings.get('title', picture.name)}", style), []]
