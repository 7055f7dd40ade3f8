"""Reads a lesson: front matter, prose, and fenced blocks with their meanings.

A lesson begins with front matter, `key: value` lines between two lines of `---`. Then follows
Markdown, in which a fenced block means what its first word says:

- `python` is run live. More words: `hidden` (run, but not shown), `raises=NAME` (this exception
  belongs to the lesson), `limit=SECONDS`.
- `output` after it is what it has to print, or, after an exception, what that has to say; `...`
  stands for anything.
- `quiz` after it holds `question:`, `answer:` (in agx's language), `checks:` (Python that has to be
  equal to the answer after the block has run) and `why:`.
- `console` holds `$ agx ...` lines that are run live; a line below one has to be found in its
  output. `code=1` is the exit code of them all, if it is not 0.
- `sh` ends the lesson: commands to try, each after a comment, which may end with `(exit code 1)`.
- `figure NAME` draws: `title:`, `x:`, `y:`, and marks such as `line LABEL: xs, ys`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from autograd_cli.lessons.card import FENCE, FRONT, PAIR, LessonError, card_of, fault, text_of
from autograd_cli.lessons.lesson import (
    Block,
    Code,
    Command,
    Commands,
    Lesson,
    Mark,
    Picture,
    Prose,
    Question,
)

QUESTION_KEYS = ("question", "answer", "checks", "why")
MARKS = {  # what can be drawn, and of how many values
    "line": 2,
    "points": 2,
    "path": 2,
    "bars": 2,
    "surface": 3,
    "contour": 3,
    "arrows": 4,
}
SETTINGS = ("title", "x", "y", "z", "scale", "equal")
EXIT_CODE = re.compile(r"\s*\(exit code ([0-9]+)\)$")


def read_lesson(path: Path) -> Lesson:
    """A lesson file. Raises LessonError with the block and line, and FileError."""
    text = text_of(path)
    card = card_of(path, text)
    lines = text.split("\n")
    start = lines.index(FRONT, 1) + 1
    body = "\n" * start + "\n".join(lines[start:])  # so that lines keep their numbers
    return Lesson(card=card, blocks=_Blocks(path, body).blocks)


def markdown() -> MarkdownIt:
    """The Markdown of lessons: CommonMark and tables, and no HTML."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


class _Blocks:
    """The blocks of a lesson, as they are read one after the other."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.split("\n")
        self._number = 0
        self.blocks: tuple[Block, ...] = ()
        prose: list[Token] = []
        for token in markdown().parse(text):
            if token.type == "fence" and token.level == 0:
                self._flush(prose)
                prose = []
                self._fence(token)
            else:
                prose.append(token)
        self._flush(prose)

    def _flush(self, tokens: Sequence[Token]) -> None:
        places = [token.map for token in tokens if token.map]
        if not places:
            return
        start, end = places[0][0], max(place[1] for place in places)
        text = "\n".join(self._lines[start:end]).strip("\n")
        self._add(Prose(text=text, tokens=tuple(tokens), line=start + 1))

    def _add(self, block: Block) -> None:
        self.blocks = (*self.blocks, block)

    def _fence(self, token: Token) -> None:
        line = token.map[0] + 1 if token.map else 0
        kind, *words = token.info.split() or [""]
        read = self._KINDS.get(kind)
        if read is None:
            known = ", ".join(self._KINDS)
            raise self._fault(line, f"unknown kind of block {kind!r}", f"known: {known}")
        read(self, token.content, words, line + 1)

    def _fault(self, line: int, message: str, hint: str = "") -> LessonError:
        return fault(self._path, line, message, hint, self._number)

    def _python(self, text: str, words: Sequence[str], line: int) -> None:
        self._number += 1
        found = self._options(words, line, {"hidden": "", "raises": "", "limit": ""})
        limit = found.pop("limit", "")
        if limit and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", limit):
            raise self._fault(line - 1, f"'limit' is a number of seconds, not {limit!r}")
        code = Code(
            number=self._number,
            source=text,
            line=line,
            hidden="hidden" in found,
            raises=found.get("raises", ""),
        )
        self._add(replace(code, limit=float(limit)) if limit else code)

    def _output(self, text: str, words: Sequence[str], line: int) -> None:
        code = self._code("output", line)
        self._options(words, line, {})
        self.blocks = (*self.blocks[:-1], replace(code, expected=text.rstrip("\n")))

    def _quiz(self, text: str, words: Sequence[str], line: int) -> None:
        code = self._code("quiz", line)
        self._options(words, line, {})
        found = dict(self._pairs(text, line, QUESTION_KEYS))
        missing = [key for key in QUESTION_KEYS if not found.get(key)]
        if missing:
            raise self._fault(line, f"the quiz has no {missing[0]!r}")
        question = Question(
            text=found["question"],
            answer=found["answer"],
            checks=found["checks"],
            why=found["why"],
            line=line,
        )
        questions = (*code.questions, question)
        self.blocks = (*self.blocks[:-1], replace(code, questions=questions))

    def _console(self, text: str, words: Sequence[str], line: int) -> None:
        self._number += 1
        code = self._options(words, line, {"code": ""}).get("code", "0")
        commands: list[Command] = []
        for number, row in enumerate(text.splitlines(), start=line):
            if row.startswith("$ "):
                self._check_program(row[2:], number)
                commands.append(Command(text=row[2:], code=int(code)))
            elif commands and row.strip():
                last = commands.pop()
                commands.append(replace(last, expected=(*last.expected, row)))
            elif row.strip():
                raise self._fault(number, "a console block begins with '$ agx ...'")
        self._add(Commands(number=self._number, commands=tuple(commands), line=line))

    def _shell(self, text: str, words: Sequence[str], line: int) -> None:
        self._number += 1
        self._options(words, line, {})
        commands: list[Command] = []
        comment = ""
        for number, row in enumerate(text.splitlines(), start=line):
            if row.startswith("#"):
                comment = row.removeprefix("#").strip()
            elif row.strip():
                self._check_program(row, number)
                ends = EXIT_CODE.search(comment)
                commands.append(
                    Command(
                        text=row,
                        comment=EXIT_CODE.sub("", comment),
                        code=int(ends[1]) if ends else 0,
                    )
                )
                comment = ""
        block = Commands(number=self._number, commands=tuple(commands), line=line, trial=True)
        self._add(block)

    def _figure(self, text: str, words: Sequence[str], line: int) -> None:
        self._number += 1
        if len(words) != 1:
            raise self._fault(line - 1, "a figure has one name", "for example: figure loss")
        settings, marks = {}, []
        for key, value in self._pairs(text, line, None):
            kind, _, label = key.partition(" ")
            if key in SETTINGS:
                settings[key] = value
            elif kind in MARKS:
                marks.append(Mark(kind=kind, label=label.strip(), values=value))
            else:
                known = ", ".join([*SETTINGS, *MARKS])
                raise self._fault(line, f"a figure has no {key!r}", f"known: {known}")
        self._add(
            Picture(
                number=self._number,
                name=words[0],
                settings=settings,
                marks=tuple(marks),
                line=line,
            )
        )

    def _code(self, kind: str, line: int) -> Code:
        last = self.blocks[-1] if self.blocks else None
        if not isinstance(last, Code):
            raise self._fault(line - 1, f"{kind!r} follows a python block")
        return last

    def _check_program(self, command: str, line: int) -> None:
        if command.split()[:1] != ["agx"]:
            raise self._fault(line, f"only agx is run: {command!r}")

    def _options(self, words: Sequence[str], line: int, known: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for word in words:
            key, _, value = word.partition("=")
            if key not in known:
                raise self._fault(
                    line - 1, f"unknown word {word!r} after {FENCE}", f"known: {', '.join(known)}"
                )
            found[key] = value
        return found

    def _pairs(self, text: str, line: int, known: Sequence[str] | None) -> list[tuple[str, str]]:
        """The `key: value` lines of a block; an indented line goes on with the one before."""
        found: list[tuple[str, str]] = []
        for number, row in enumerate(text.splitlines(), start=line):
            if found and row.startswith((" ", "\t")):
                key, value = found.pop()
                found.append((key, f"{value} {row.strip()}"))
                continue
            match = PAIR.fullmatch(row)
            if match is None or (known is not None and match[1] not in known):
                raise self._fault(
                    number, f"not a 'key: value' line: {row!r}", f"keys: {', '.join(known or ())}"
                )
            found.append((match[1], match[2]))
        return found

    _KINDS: Mapping[str, Callable[[_Blocks, str, Sequence[str], int], None]] = {
        "python": _python,
        "output": _output,
        "quiz": _quiz,
        "console": _console,
        "sh": _shell,
        "figure": _figure,
    }
