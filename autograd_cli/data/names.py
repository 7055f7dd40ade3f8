"""Names of columns in messages, as they can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

MOST_NAMED = 12  # columns in a message

_BARE = re.compile(r"[\w@%+=:./\[\]-]+")  # what shells take as it is, brackets in a word included
_SPECIAL = set('"$`\\!')  # within double quotes


def quoted(word: str) -> str:
    """A word as a shell takes it: in quotes, if it needs them."""
    if _BARE.fullmatch(word):
        return word
    return shlex.quote(word) if _SPECIAL & set(word) else f'"{word}"'


def listing(names: Sequence[str]) -> str:
    """Columns to choose from: `x, "Time (s)" and 3 more`."""
    more = len(names) - MOST_NAMED
    return ", ".join(map(quoted, names[:MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
