"""The lessons that come with the package, and how to find one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from autograd_cli.errors import UnknownNameError
from autograd_cli.lessons.card import read_card
from autograd_cli.lessons.lesson import Card

FOLDER = Path(__file__).parent
MOST = 72  # columns of an excerpt


def cards() -> list[Card]:
    """Every lesson, in the order in which they are best read."""
    return sorted(map(read_card, FOLDER.glob("*.md")), key=lambda card: (card.order, card.name))


def find(name: str, among: Sequence[Card]) -> Card:
    """The lesson of this name. Raises UnknownNameError with a suggestion."""
    named = {card.name: card for card in among}
    wanted = re.sub(r"[\s_]+", "-", name.strip().lower()).removesuffix(".md")
    if wanted in named:
        return named[wanted]
    titled = {re.sub(r"\W+", "-", card.title.lower()): card.name for card in among}
    close = difflib.get_close_matches(wanted, [*named, *titled], n=1)
    parts = [one for one in named if wanted and (wanted in one or one in wanted)]
    hint = "agx lesson lists them all"
    if close or parts:
        near = titled.get(close[0], close[0]) if close else parts[0]
        hint = f"did you mean {near!r}? {hint}"
    raise UnknownNameError(f"unknown lesson {name!r}", hint=hint)


def search(words: str, among: Sequence[Card]) -> list[tuple[Card, str]]:
    """The lessons in which these words stand, each with the first line that has them."""
    wanted = words.casefold().split()
    found = []
    for card in among:
        lines = card.path.read_text(encoding="utf-8").splitlines()
        if all(any(word in line.casefold() for line in lines) for word in wanted):
            first = next(line for line in lines if wanted[0] in line.casefold())
            found.append((card, _excerpt(first.strip(), wanted[0])))
    return found


def _excerpt(line: str, word: str) -> str:
    """The line, or the part of it around the word."""
    if len(line) <= MOST:
        return line
    start = max(0, min(line.casefold().find(word) - MOST // 2, len(line) - MOST))
    part = line[start : start + MOST]
    return f"{'… ' if start else ''}{part.strip()}{' …' if start + MOST < len(line) else ''}"
