"""The lessons that come with the package, and how to find one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograd_cli.errors import UnknownNameError
from autograd_cli.lessons.card import FENCE, FRONT, read_card, text_of
from autograd_cli.lessons.lesson import Card

FOLDER = Path(__file__).parent
MOST = 72  # columns of an excerpt
SHOWN = tuple(FENCE + kind for kind in ("python", "output", "console", "sh"))
MARKUP = re.compile(r"^[#>\s]+")  # of a line of prose, and not its words
EMPHASIS = re.compile(r"(\*\*|\*|`)(?=\S)(.+?)(?<=\S)\1")


def cards() -> list[Card]:
    """Every lesson, in the order in which they are best read."""
    return sorted(map(read_card, FOLDER.glob("*.md")), key=lambda card: (card.order, card.name))


def find(name: str, among: Sequence[Card], words: Sequence[str] = ()) -> Card:
    """The lesson of this name. Raises UnknownNameError with a suggestion: a name, or a word."""
    named = {card.name: card for card in among}
    wanted = re.sub(r"[\s_]+", "-", name.strip().lower()).removesuffix(".md")
    if wanted in named:
        return named[wanted]
    titled = {re.sub(r"\W+", "-", card.title.lower()): card.name for card in among}
    close = difflib.get_close_matches(wanted, [*named, *titled, *words], n=1)
    parts = [one for one in named if wanted and (wanted in one or one in wanted)]
    hint = "agx lesson lists them all"
    if close or parts:
        near = titled.get(close[0], close[0]) if close else parts[0]
        hint = f"did you mean {near!r}? {hint}"
    raise UnknownNameError(f"unknown lesson {name!r}", hint=hint)


def search(words: str, among: Sequence[Card]) -> list[tuple[Card, str]]:
    """The lessons in which these words stand, each with the line that has most of them.

    A word is found where one begins with it: `grad` in `requires_grad`, not in `degrade`.
    """
    wanted = [re.compile(rf"(?<![^\W_]){re.escape(one)}", re.IGNORECASE) for one in words.split()]
    found = []
    for card in among:
        lines = list(_shown_lines(card))
        hits = [[bool(word.search(line)) for word in wanted] for line in lines]
        if all(map(any, zip(*hits, strict=True))):
            best = lines[hits.index(max(hits, key=sum))]
            starts = [match.start() for word in wanted if (match := word.search(best))]
            found.append((card, _excerpt(best, min(starts))))
    return found


def _shown_lines(card: Card) -> Iterator[str]:
    """What a reader of the lesson gets to see: first its prose, then its code, and its name."""
    yield from (card.title, card.summary)
    later: list[str] = []
    fence = ""
    for line in text_of(card.path).partition(f"\n{FRONT}\n")[2].splitlines():
        if line.startswith(FENCE):
            fence = "" if fence else line
        elif not fence:
            yield EMPHASIS.sub(r"\2", MARKUP.sub("", line))
        elif "hidden" not in fence and fence.startswith(SHOWN):
            later.append(line.strip())
    yield from (*later, card.name)


def _excerpt(line: str, place: int) -> str:
    """The line, or the whole words of it around this place."""
    if len(line) <= MOST:
        return line
    start = max(0, min(place - MOST // 2, len(line) - MOST))
    end = start + MOST
    if start:
        start = line.find(" ", start, place) + 1 or start
    if end < len(line):
        end = max(line.rfind(" ", place, end), place) if " " in line[place:end] else end
    return f"{'… ' if start else ''}{line[start:end].strip()}{' …' if end < len(line) else ''}"
