"""`agx lesson`: autograd's ideas and traps, run live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.commands.keyboard import has_keyboard
from autograd_cli.commands.options import Colour, Debug, Json, Printing, Timeout, format_option
from autograd_cli.errors import ExitCode, UsageError
from autograd_cli.render import AUTO, GENERAL
from autograd_cli.results.lessons import LessonEntry, LessonList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_cli.lessons.lesson import Card
    from autograd_cli.lessons.progress import Progress

EXAMPLES = """
agx lesson
agx lesson chain-rule
agx lesson next
agx lesson search in-place
agx lesson linear-regression --figures pictures
agx lesson chain-rule --export chain-rule.ipynb
"""

PANEL = "Lesson"
NEXT, SEARCH = "next", "search"
UNRUN = (".py", ".ipynb")  # exports for which the lesson is not run
RUN_FORMATS = ("plain", "table", "json", "ndjson", "csv")  # of a lesson that is run


def _names(incomplete: str) -> list[str]:
    from autograd_cli.lessons.library import cards

    words = [NEXT, SEARCH, *(card.name for card in cards())]
    return [word for word in words if word.startswith(incomplete)]


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="the lessons to run; next: the one to go on with; search WORD: those that have it;"
        " without a name they are listed",
        autocompletion=_names,
    ),
]
All = Annotated[
    bool, typer.Option("--all", help="run every lesson, in order", rich_help_panel=PANEL)
]
Step = Annotated[
    bool,
    typer.Option(
        "--step",
        help="one block at a time on a terminal: any key goes on, q ends",
        rich_help_panel=PANEL,
    ),
]
Quiz = Annotated[
    bool,
    typer.Option(
        "--quiz",
        help="ask before showing; answers are numbers or expressions, such as 2*cos(1)",
        rich_help_panel=PANEL,
    ),
]
LessonFile = Annotated[
    str,
    typer.Option(
        "--file",
        metavar="PATH",
        help="run a lesson file of your own; its Python runs with your rights, so trust it first",
        rich_help_panel=PANEL,
    ),
]
Reset = Annotated[
    bool,
    typer.Option(
        "--reset",
        help="forget the progress in the named lessons, or in all of them",
        rich_help_panel=PANEL,
    ),
]
Export = Annotated[
    str,
    typer.Option(
        "--export",
        metavar="FILE",
        help="write the lesson as a script (.py), a notebook (.ipynb) or a page (.html)",
        rich_help_panel="Output",
    ),
]
Figures = Annotated[
    str,
    typer.Option(
        "--figures",
        metavar="DIR",
        help="write the lesson's figures there as well, as pictures",
        rich_help_panel="Output",
    ),
]
Output = Annotated[
    str,
    typer.Option("--output", "-o", metavar="FILE", help="write to FILE", rich_help_panel="Output"),
]


def lesson(
    ctx: typer.Context,
    names: Names = None,
    all: All = False,
    step: Step = False,
    quiz: Quiz = False,
    file: LessonFile = "",
    reset: Reset = False,
    export: Export = "",
    figures: Figures = "",
    format: Annotated[str, format_option(GENERAL)] = AUTO,
    json: Json = False,
    output: Output = "",
    color: Colour = "auto",
    timeout: Timeout = None,
    debug: Debug = False,
) -> int:
    """Learn autograd: its ideas and traps, run live.

    A lesson is prose, Python that runs as you read, and what it really prints. Without a name, the
    lessons are listed, with the minutes they take and how far you are.
    """
    words = list(names or ())
    printing = Printing.of_options(ctx.obj, format, json, output, color)
    for asked, option in ((step, "--step"), (quiz, "--quiz")):
        if asked:
            _check_keyboard(option, printing)

    from autograd_cli.lessons.library import cards
    from autograd_cli.lessons.progress import Progress

    progress = Progress.of_user(printing.console.environ)
    if progress.fault:
        printing.console.complain(f"warning: your progress is not known: {progress.fault}\n")
    if reset:
        return _reset(words, printing, progress)
    if words[:1] == [SEARCH]:
        return _search(" ".join(words[1:]), printing, progress)
    chosen, place = _chosen(words, all, file, progress, printing)
    if not chosen:
        if step or quiz or export or figures:
            raise UsageError("which lesson?", hint="for example: agx lesson next --step --quiz")
        if words:  # next, and there is none
            return ExitCode.OK
        _show(_listing(cards(), progress), printing)
        return ExitCode.OK
    if file and not export.lower().endswith(UNRUN):
        printing.console.complain(
            f"note: running the Python in {file}, which is not a lesson of agx's own\n"
        )
    commands = getattr(ctx.parent.command, "commands", {}) if ctx.parent else {}
    if export:
        if len(chosen) > 1:
            raise UsageError("--export writes one lesson", hint="name the one that you want")
        from autograd_cli.commands.exporting import export_lesson

        return export_lesson(chosen[0], export, printing, commands)
    if printing.output.format.name not in RUN_FORMATS:
        raise UsageError(
            f"a lesson is not shown as {printing.output.format.name}",
            hint=f"as one of {', '.join(RUN_FORMATS)}; --export writes .py, .ipynb and .html",
        )

    from autograd_cli.commands.reading import Reading

    reading = Reading(
        printing=printing,
        progress=None if file else progress,
        places=place,
        step=step,
        quiz=quiz,
        figures=figures,
        commands=commands,
    )
    return reading.read(chosen)


def _check_keyboard(option: str, printing: Printing) -> None:
    name = printing.output.format.name
    if printing.console.terminal and name != "table":
        raise UsageError(f"{option} plays the page, and not {name}", hint="leave one of them out")
    if printing.output.file or not has_keyboard(printing.console):
        raise UsageError(
            f"{option} waits for you, so it needs a terminal to read from and to write to",
            hint="leave it out: the whole lesson is printed at once",
        )


def _chosen(
    words: list[str], all: bool, file: str, progress: Progress, printing: Printing
) -> tuple[list[Card], dict[str, str]]:
    """The lessons to run, and where each stands in the course."""
    from autograd_cli.lessons.card import read_card
    from autograd_cli.lessons.library import cards, find

    if file:
        if words or all:
            raise UsageError("--file is a lesson of its own", hint="leave the names out")
        return [read_card(Path(file))], {}
    if all and words:
        raise UsageError("--all runs every lesson", hint="leave the names out")
    if not words and not all:
        return [], {}
    known = cards()
    place = {card.name: f"{number} of {len(known)}" for number, card in enumerate(known, start=1)}
    if all:
        return known, place
    chosen = []
    for word in words:
        if word != NEXT:
            chosen.append(find(word, known, (NEXT, SEARCH)))
        elif (following := progress.next(known)) is not None:
            chosen.append(following)
        else:
            printing.console.complain(
                f"all {len(known)} lessons are finished; agx lesson --reset begins again\n"
            )
    return chosen, place


def _listing(cards: Sequence[Card], progress: Progress) -> LessonList:
    following = progress.next(cards)
    return LessonList(
        lessons=tuple(_entry(card, progress) for card in cards),
        next=following.name if following else None,
    )


def _show(listing: LessonList, printing: Printing) -> None:
    """Print the list. It is the first screen of all, so no other result's page is imported."""
    if printing.output.format.name != "table" or printing.output.file:
        printing.emit(listing)
        return
    from autograd_cli.render.lesson.list import list_page
    from autograd_cli.render.style import Style
    from autograd_cli.render.terminal_lines import print_lines

    style = Style.of_console(printing.console)
    print_lines([[], *list_page(listing, style), []], printing.console.stdout, style)


def _entry(card: Card, progress: Progress, excerpt: str = "") -> LessonEntry:
    return LessonEntry(
        name=card.name,
        title=card.title,
        group=card.group,
        minutes=card.minutes,
        questions=card.questions,
        state=progress.state(card.name),
        summary=card.summary,
        excerpt=excerpt,
    )


def _search(words: str, printing: Printing, progress: Progress) -> int:
    from autograd_cli.lessons.library import cards, search

    if not words.strip():
        raise UsageError("search for what?", hint="for example: agx lesson search in-place")
    found = search(words, cards())
    if not found and printing.for_people:
        printing.console.complain(f"no lesson has {words!r}; agx lesson lists them all\n")
    elif found or not printing.for_people:
        entries = tuple(_entry(card, progress, excerpt) for card, excerpt in found)
        printing.emit(LessonList(lessons=entries))
    return ExitCode.OK if found else ExitCode.FINDING


def _reset(words: list[str], printing: Printing, progress: Progress) -> int:
    from autograd_cli.lessons.library import cards, find

    known = cards()
    names = [find(word, known).name for word in words]
    for name in names:
        progress.forget(name)
    if not names:
        progress.forget()
    progress.save()
    printing.console.complain(f"forgotten: {', '.join(names) or 'all progress'}\n")
    return ExitCode.OK
