"""`agx lesson`: autograd's ideas and traps, run live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.groups import LimitedWriting, output_option
from autograd_cli.commands.keyboard import has_keyboard
from autograd_cli.commands.options import OUTPUT, argument, option, switch
from autograd_cli.commands.printing import Printing
from autograd_cli.errors import ExitCode, UsageError
from autograd_cli.render import GENERAL
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


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which lessons, and how they are read."""

    names: list[str] | None = argument(
        "NAME",
        "the lessons to run; next: the one to go on with; search WORD: those that have it;"
        " without a name they are listed",
        default=None,
        complete=_names,
    )
    all: bool = switch("run every lesson, in order", panel=PANEL)
    step: bool = switch("one block at a time on a terminal: any key goes on, q ends", panel=PANEL)
    quiz: bool = switch(
        "ask before showing; answers are numbers or expressions, such as 2*cos(1)", panel=PANEL
    )
    file: str = option(
        "",
        "PATH",
        "run a lesson file of your own; its Python runs with your rights, so trust it first",
        panel=PANEL,
    )
    reset: bool = switch("forget the progress in the named lessons, or in all of them", panel=PANEL)
    export: str = option(
        "",
        "FILE",
        "write the lesson as a script (.py), a notebook (.ipynb) or a page (.html)",
        panel=OUTPUT,
    )
    figures: str = option(
        "", "DIR", "write the lesson's figures there as well, as pictures", panel=OUTPUT
    )


@dataclass(frozen=True, kw_only=True)
class LessonOutput(LimitedWriting):
    """The options about output, of which a lesson has fewer."""

    output: str = output_option(GENERAL, "write to FILE")


def lesson(ctx: typer.Context, asked: Asked, writing: LessonOutput) -> int:
    """Learn autograd: its ideas and traps, run live.

    A lesson is prose, Python that runs as you read, and what it really prints. Without a name, the
    lessons are listed, with the minutes they take and how far you are.
    """
    words = list(asked.names or ())
    printing = writing.printing(ctx)
    for is_wanted, named in ((asked.step, "--step"), (asked.quiz, "--quiz")):
        if is_wanted:
            _check_keyboard(named, printing)

    from autograd_cli.lessons.library import cards
    from autograd_cli.lessons.progress import Progress

    progress = Progress.of_user(printing.console.environ)
    if progress.fault:
        printing.console.complain(f"warning: your progress is not known: {progress.fault}\n")
    if asked.reset:
        return _reset(words, printing, progress)
    if words[:1] == [SEARCH]:
        return _search(" ".join(words[1:]), printing, progress)
    chosen, place = _chosen(words, asked.all, asked.file, progress, printing)
    if not chosen:
        if asked.step or asked.quiz or asked.export or asked.figures:
            raise UsageError("which lesson?", hint="for example: agx lesson next --step --quiz")
        if words:  # next, and there is none
            return ExitCode.OK
        _show(_listing(cards(), progress), printing)
        return ExitCode.OK
    if asked.file and not asked.export.lower().endswith(UNRUN):
        printing.console.complain(
            f"note: running the Python in {asked.file}, which is not a lesson of agx's own\n"
        )
    commands = getattr(ctx.parent.command, "commands", {}) if ctx.parent else {}
    if asked.export:
        if len(chosen) > 1:
            raise UsageError("--export writes one lesson", hint="name the one that you want")
        from autograd_cli.commands.exporting import export_lesson

        return export_lesson(chosen[0], asked.export, printing, commands)
    if printing.output.format.name not in RUN_FORMATS:
        raise UsageError(
            f"a lesson is not shown as {printing.output.format.name}",
            hint=f"as one of {', '.join(RUN_FORMATS)}; --export writes .py, .ipynb and .html",
        )

    from autograd_cli.commands.reading import Reading

    reading = Reading(
        printing=printing,
        progress=None if asked.file else progress,
        places=place,
        step=asked.step,
        quiz=asked.quiz,
        figures=asked.figures,
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
