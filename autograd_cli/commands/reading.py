"""A lesson in front of its reader: shown block by block, run live, at the reader's pace."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from autograd_cli.commands.keyboard import ENDS, forget_typed, keys, prompt
from autograd_cli.commands.printing import Printing
from autograd_cli.console import Console
from autograd_cli.errors import AgxError, ExitCode, describe
from autograd_cli.lessons.lesson import Card, Code, Commands, Lesson, Picture, Prose, Question
from autograd_cli.lessons.performance import Performance
from autograd_cli.lessons.progress import Progress
from autograd_cli.lessons.session import Session
from autograd_cli.render.output import destination, file_error
from autograd_cli.render.style import Style
from autograd_cli.results.lessons import FINISHED, BlockRun, Claim, LessonRun

if TYPE_CHECKING:
    from autograd_cli.commands.picturing import Pictures

PROMPT = "any key: go on   q: the end"
ANSWERS = "a number or an expression   Enter alone: show it   q: the end"
ATTEMPTS = 2
WIDEST = 90  # columns of a figure
PATIENCE = 0.6  # seconds before it is said that something takes time
RIGHT, WRONG, SHOWN = ("✓", "+", "bold green"), ("✗", "x", "bold red"), ("→", ">", "yellow")


class _LeftError(Exception):
    """The reader has had enough for now."""


@dataclass
class Reading:
    """Lessons as they are read; `commands` are agx's own, `places` say where a lesson stands."""

    printing: Printing
    progress: Progress | None
    places: Mapping[str, str]
    step: bool = False
    quiz: bool = False
    figures: str = ""
    commands: Mapping[str, Any] = field(default_factory=dict)

    def read(self, cards: Sequence[Card]) -> int:
        """Run these lessons; the exit code is 1 if a claim does not hold. Raises FileError."""
        if self.figures:
            _make_folder(self.figures)
        runs: list[LessonRun] = []
        rest = list(cards)
        try:
            while rest:
                done = self._read_in_one_process(rest)
                runs += done
                rest = rest[len(done) :]
        except _LeftError:
            return ExitCode.OK
        finally:
            self._save()
        broken = [run for run in runs if run.broken]
        if self._whole:
            for run in runs:
                self.printing.emit(run)
        elif len(runs) > 1:
            self._tell_all(runs, broken)
        return ExitCode.FINDING if broken else ExitCode.OK

    @property
    def _whole(self) -> bool:
        """Whether the result is for programs, and written when it is complete."""
        return self.printing.output.format.name not in ("table", "plain")

    def _read_in_one_process(self, cards: Sequence[Card]) -> list[LessonRun]:
        """As many of these lessons as one process can run: until one of them ends it."""
        runs: list[LessonRun] = []
        console = self.printing.console
        with Session([card.path for card in cards]) as session:
            from autograd_cli.commands.programs import agx_program
            from autograd_cli.lessons.reader import read_lesson

            if not self.places:  # a file of the reader's own may be anything
                session.check()
            if self.quiz:
                threading.Thread(target=_warm, daemon=True).start()
            file = "" if self._whole else self.printing.output.file
            for number, card in enumerate(cards):
                with destination(file, console) as out:
                    page = _Page(self, console, out)
                    lesson = read_lesson(card.path)
                    agx = agx_program(page.style, self.commands)
                    performance = Performance(lesson, session, number, agx, page.waiting)
                    runs.append(page.play(lesson, performance))
                session.finish(number)
                if session.stopped:
                    break
        return runs

    def _tell_all(self, runs: Sequence[LessonRun], broken: Sequence[LessonRun]) -> None:
        lines = [f"{len(runs)} lessons, {len(broken)} with a claim that does not hold"]
        lines += [f"  {run.lesson}: {run.broken[0]}" for run in broken]
        self.printing.console.flush()
        self.printing.console.complain("\n".join(lines) + "\n")

    def _save(self) -> None:
        if self.progress is None:
            return
        try:
            self.progress.save()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self.printing.console.complain(
                f"warning: your progress could not be kept in {str(self.progress.file)!r}:"
                f" {reason}\n"
            )


class _Page:
    """Where one lesson is printed."""

    def __init__(self, reading: Reading, console: Console, out: TextIO) -> None:
        self.reading = reading
        self.style = Style.of_console(console)
        if reading.printing.output.file:
            self.style = self.style.for_file()
        self._console = console
        self._out = out
        self._said = False
        self._answers = 0
        self._asked = False
        self._pictures: Pictures | None = None

    def play(self, lesson: Lesson, performance: Performance) -> LessonRun:
        """Show the lesson and run it; up to the first claim that does not hold."""
        from autograd_cli.render.lesson import page

        card, progress = lesson.card, self.reading.progress
        place = self.reading.places.get(card.name, "")
        if progress is not None:
            progress.begin(card.name)
        self._print([[], *page.title(card, place, self.style), []])
        runs: list[BlockRun] = []
        broken: Claim | None = None
        shown = False  # whether there was something to see since the last key
        for block in lesson.blocks:
            lines = page.opening(block, self.style)
            if lines:
                if shown and isinstance(block, Prose) and self.reading.step:
                    self._wait()
                self._print(lines)
                shown = shown or not isinstance(block, Prose)
            if isinstance(block, Prose) or (isinstance(block, Commands) and block.trial):
                continue
            answers: list[tuple[Question, list[Any]]] = []
            if isinstance(block, Code) and self.reading.quiz:
                answers = [(one, self._ask(one)) for one in block.questions]
            run = performance.run(block)
            self.quiet()
            if isinstance(block, Picture) and run.broken is None:
                self._draw(lesson, block, performance)
            self._print(page.ending(run, self.style))
            runs.append(run)
            broken = run.broken
            if broken is not None:
                break
            for number, (question, tried) in enumerate(answers):
                self._judge(question, tried, performance.values[number])
        self._finish(lesson, broken)
        return LessonRun(lesson=card.name, title=card.title, blocks=tuple(runs))

    def waiting(self, seconds: float) -> None:
        """Say on a terminal that something takes its time."""
        if self._said or seconds < PATIENCE or not self._console.terminal or self._is_silent:
            return
        self._said = True
        prompt(self._console, "running ...")

    def quiet(self) -> None:
        if self._said:
            prompt(self._console, "")
            self._said = False

    @property
    def _is_silent(self) -> bool:
        return self.reading._whole or bool(self.reading.printing.output.file)

    def _print(self, lines: list[Any]) -> None:
        if self.reading._whole or not lines:
            return
        from autograd_cli.render.terminal_lines import print_lines

        print_lines(lines, self._out, self.style)
        self._out.flush()

    def _wait(self) -> None:
        with keys(self._console) as pressed:
            prompt(self._console, PROMPT)
            key = next(pressed)
            prompt(self._console, "")
        if key in ENDS:
            self._leave()

    def _leave(self) -> None:
        self._print([[("agx lesson next goes on here", "dim")], []])
        raise _LeftError

    def _ask(self, question: Question) -> list[Any]:
        """The values that the reader gave as answers; the last may be right."""
        from autograd_cli.lessons.answers import agrees, value_of
        from autograd_cli.render.lesson import page

        self._print(page.question(question.text, self.style))
        if not self._asked:
            self._asked = True
            self._print(page.hint(ANSWERS, self.style))
        forget_typed(self._console)  # a key pressed too early is no answer
        truth = None
        tried: list[Any] = []
        while len(tried) < ATTEMPTS:
            self._console.stdout.write("  > ")
            self._console.flush()
            line = self._console.stdin.readline()
            typed = line.strip()
            if not line or typed in ("q", "quit", "exit"):
                self._print([[]])
                self._leave()
            if not typed:
                break
            try:
                value = value_of(typed)
            except AgxError as error:
                self._console.flush()
                self._console.complain(
                    "".join(f"  {row}\n" for row in describe(error).splitlines())
                )
                continue
            truth = value_of(question.answer) if truth is None else truth
            tried.append(value)
            if agrees(value, truth):
                break
            if len(tried) < ATTEMPTS:
                self._print(page.remark(WRONG, "Not that. Once more, or Enter to see.", self.style))
        self._print([[]])
        return tried

    def _judge(self, question: Question, tried: Sequence[Any], truth: Any) -> None:
        from autograd_cli.lessons.answers import agrees
        from autograd_cli.render.lesson import page

        right = bool(tried) and agrees(tried[-1], truth)
        self._answers += right
        mark = RIGHT if right else WRONG if tried else SHOWN
        word = "Right" if right else "The answer is"
        text = f"{word}: `{question.answer}`. {question.why}"
        self._print([*page.remark(mark, text, self.style), []])

    def _draw(self, lesson: Lesson, block: Picture, performance: Performance) -> None:
        if self.reading._whole and not self.reading.figures:
            return
        if self._pictures is None:
            from autograd_cli.commands.picturing import Pictures

            self._pictures = Pictures(self._narrow(), self.reading.figures)
        name = lesson.card.name
        self._print(self._pictures.draw(name, block, performance.values, self.style))

    def _narrow(self) -> Console:
        """The console of what is drawn between the margins."""
        return replace(
            self._console,
            width=min(self.style.width - 2, WIDEST),
            unicode=self.style.unicode,
            colour=self.style.colour,
        )

    def _finish(self, lesson: Lesson, broken: Claim | None) -> None:
        if broken is not None:
            return
        from autograd_cli.render.lesson import page

        progress, name = self.reading.progress, lesson.card.name
        notes: list[str] = []
        if self.reading.quiz and lesson.card.questions:
            notes.append(f"{self._answers} of {lesson.card.questions} answered rightly.")
        if progress is not None:
            progress.finish(name)
            if notes:
                progress.answered(name, self._answers)
            notes.append(self._onward(name, progress))
        if notes:
            lines = [line for text in notes for line in page.note(text, self.style)]
            self._print([*lines, []])

    def _onward(self, name: str, progress: Progress) -> str:
        names = list(self.reading.places)
        position = names.index(name) + 1
        if position < len(names):
            return f"Next: agx lesson {names[position]}"
        if all(progress.state(one) == FINISHED for one in names):
            return f"That was the last one: all {len(names)} lessons are finished."
        return "That was the last one. agx lesson next goes on with those you have not read."


def _make_folder(name: str) -> None:
    """Before there is anything to lose. Raises FileError."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        reason = NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        raise file_error(name, reason) from error
    except OSError as error:
        raise file_error(name, error) from error


def _warm() -> None:
    """Import what answers are evaluated with, while the reader reads.

    A reader who leaves early ends the interpreter in the middle of it, which then cannot succeed.
    """
    with contextlib.suppress(Exception):
        from autograd_cli.engine.derive import gradients as derivatives  # noqa: F401
