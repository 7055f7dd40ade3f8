"""`agx lesson NAME --export FILE`: a lesson to run or to read elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from autograd_cli.commands.printing import Printing
from autograd_cli.commands.programs import agx_program
from autograd_cli.errors import ExitCode, MissingExtraError, UsageError
from autograd_cli.lessons.lesson import Card, Lesson, Picture
from autograd_cli.lessons.performance import Performance
from autograd_cli.lessons.reader import read_lesson
from autograd_cli.lessons.session import Session
from autograd_cli.render.output import destination
from autograd_cli.render.style import Style
from autograd_cli.results.lessons import BlockRun

WIDTH = 84  # columns of what is printed on a page


def export_lesson(card: Card, file: str, printing: Printing, commands: Mapping[str, Any]) -> int:
    """Write the lesson in the form that the file's ending asks for.

    Raises: UsageError for any other ending, FileError. The exit code is 1, and nothing is written,
    if the page is wanted and a claim of the lesson does not hold.
    """
    ending = PurePath(file).suffix.lower()
    export = EXPORTS.get(ending)
    if export is None:
        raise UsageError(
            f"--export {file!r} does not end in {', '.join(EXPORTS)}",
            hint=f"for example --export {card.name}.ipynb",
        )
    lesson = read_lesson(card.path)
    text = export(lesson, commands)
    if isinstance(text, BlockRun):
        printing.console.complain(f"{card.name}: a claim does not hold here: {text.broken}\n")
        return ExitCode.FINDING
    with destination(file, printing.console) as out:
        out.write(text)
    if printing.console.terminal:
        printing.console.complain(f"written: {file}\n")
    return ExitCode.OK


def _script(lesson: Lesson, commands: Mapping[str, Any]) -> str:
    from autograd_cli.render.lesson.script import script

    return script(lesson)


def _notebook(lesson: Lesson, commands: Mapping[str, Any]) -> str:
    from autograd_cli.render.lesson.notebook import notebook

    return notebook(lesson)


def _page(lesson: Lesson, commands: Mapping[str, Any]) -> str | BlockRun:
    """The page with what the lesson does now, or the block that broke it."""
    from autograd_cli.render.lesson.web import web_page

    style = Style(width=WIDTH)
    runs: dict[int, BlockRun] = {}
    drawings: dict[int, str | bytes] = {}
    with Session([lesson.card.path]) as session:
        performance = Performance(lesson, session, 0, agx_program(style, commands))
        for block in lesson.runnable():
            run = runs[block.number] = performance.run(block)
            if run.broken is not None:
                return run
            if isinstance(block, Picture):
                drawings[block.number] = _drawing(block, performance.values)
    return web_page(lesson, runs, drawings)


def _drawing(block: Picture, values: list[Any]) -> str | bytes:
    from autograd_cli.figures import picture
    from autograd_cli.render.lesson.drawing import figure

    try:
        return picture(figure(block, values), "svg")
    except MissingExtraError as error:
        return f"no figure here: {error.message} ({error.hint})"


EXPORTS: dict[str, Callable[[Lesson, Mapping[str, Any]], str | BlockRun]] = {
    ".py": _script,
    ".ipynb": _notebook,
    ".html": _page,
}
