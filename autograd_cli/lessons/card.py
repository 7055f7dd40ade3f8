"""The head of a lesson: its front matter, and how long the text takes to read.

It is all that the list of lessons needs, and does not need a Markdown parser.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from autograd_cli.errors import ExitCode, ReadError
from autograd_cli.lessons.lesson import Card

FENCE = "```"
FRONT = "---"
KEYS = ("title", "group", "order", "summary")
_KNOWN = ", ".join(f"{key}:" for key in KEYS)
WORDS_A_MINUTE = 170  # of prose that is thought about
SECONDS_A_LINE = 2.5  # of code
SECONDS_A_COMMAND = 12
PAIR = re.compile(r"([^\s:][^:]*?)\s*:\s*(.*)")


class LessonError(ReadError):
    """A lesson file that is not in the format of lessons."""

    kind = "lesson"
    exit_code = ExitCode.EVALUATION


def read_card(path: Path) -> Card:
    """The front matter of a lesson, without reading its Markdown. Raises LessonError, FileError."""
    return card_of(path, text_of(path))


def text_of(path: Path) -> str:
    """The text of a file. Raises FileError."""
    from autograd_cli.data.textfile import read_text

    return read_text(path)


def fault(path: Path, line: int, message: str, hint: str = "", block: int = 0) -> LessonError:
    """An error in the file, at a line and, where it is known, in a block."""
    place = f"{path.name}, line {line}" + (f" (block {block})" if block else "")
    return LessonError(f"{place}: {message}", hint=hint)


def card_of(path: Path, text: str) -> Card:
    """The front matter of this text, and how much there is to read. Raises LessonError."""
    lines = text.split("\n")
    if lines[0] != FRONT or FRONT not in lines[1:]:
        raise fault(
            path,
            1,
            "a lesson begins with front matter",
            f"a line {FRONT}, then a line each of {_KNOWN}, then a line {FRONT}",
        )
    end = lines.index(FRONT, 1)
    found = {}
    for number, line in enumerate(lines[1:end], start=2):
        match = PAIR.fullmatch(line.strip())
        if match is None or match[1] not in KEYS:
            raise fault(path, number, f"not a line of front matter: {line!r}", f"known: {_KNOWN}")
        found[match[1]] = match[2]
    missing = [key for key in KEYS if not found.get(key)]
    if missing:
        raise fault(path, 1, f"the front matter has no {missing[0]!r}")
    if not found["order"].isdecimal():
        raise fault(path, 1, f"'order' is a whole number, not {found['order']!r}")
    return Card(
        name=path.stem,
        title=found["title"],
        group=found["group"],
        order=int(found["order"]),
        summary=found["summary"],
        minutes=minutes(text),
        questions=len(re.findall(r"^```quiz", text, re.MULTILINE)),
        path=path,
    )


def minutes(text: str) -> int:
    """How long a lesson takes to read: its words of prose, its lines of code, its commands."""
    words = code = commands = 0
    kind = ""
    for line in text.split("\n"):
        if line.startswith(FENCE):
            kind = "" if kind else line.removeprefix(FENCE) or "text"
        elif not kind:
            words += len(line.split())
        elif kind.startswith(("console", "sh")):
            commands += line.startswith(("$ ", "agx "))
        elif kind.startswith("python") and "hidden" not in kind:
            code += bool(line.strip())
    seconds = words / WORDS_A_MINUTE * 60 + code * SECONDS_A_LINE + commands * SECONDS_A_COMMAND
    return max(1, math.ceil(seconds / 60))
