"""The figures of a lesson: on the terminal, and as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograd_cli.console import Console
from autograd_cli.errors import MissingExtraError
from autograd_cli.figures import picture
from autograd_cli.lessons.lesson import Picture
from autograd_cli.render.layout import Line
from autograd_cli.render.lesson.drawing import figure
from autograd_cli.render.lesson.page import note
from autograd_cli.render.output import write_bytes
from autograd_cli.render.parts import RAW
from autograd_cli.render.pictures import figure_text
from autograd_cli.render.style import Style

KIND = "png"


@dataclass
class Pictures:
    """Where figures go: onto this console, and into the directory `folder` if one is named."""

    console: Console
    folder: str = ""
    _told: set[str] = field(default_factory=set)

    def draw(self, lesson: str, block: Picture, values: Sequence[Any], style: Style) -> list[Line]:
        """The lines that show a figure; a lesson goes on without the extra that draws it."""
        drawn = figure(block, values)
        lines: list[Line] = []
        try:
            text = figure_text(drawn, self.console)
            lines += [[(line, RAW)] for line in text.rstrip("\n").split("\n")]
        except MissingExtraError as error:
            lines += self._without(block, error, style)
        if self.folder:
            file = Path(self.folder, f"{lesson}-{block.name}.{KIND}")
            try:
                write_bytes(picture(drawn, KIND), str(file), self.console)
                lines += note(f"written: {file}", style)
            except MissingExtraError as error:
                lines += self._without(block, error, style)
        return [*lines, []]

    def _without(self, block: Picture, error: MissingExtraError, style: Style) -> list[Line]:
        title = block.settings.get("title", block.name)
        reason = "" if error.message in self._told else f": {error.message} ({error.hint})"
        self._told.add(error.message)
        return note(f"no figure here, “{title}”{reason}", style)
