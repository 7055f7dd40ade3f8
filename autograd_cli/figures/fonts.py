"""Fonts that have the letters of a figure: Chinese, Japanese, Korean, and what else is written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any
from warnings import WarningMessage

BASE = "DejaVu Sans"  # comes with matplotlib
_LAST_RESORT = re.compile(r"last\s*resort", re.IGNORECASE)  # a font of nothing but boxes
_MISSING = re.compile(r"Glyph (\d+) \(")  # how matplotlib begins to say that a font has none


def missing(told: Iterable[WarningMessage]) -> set[int]:
    """The code points that warnings of matplotlib say no font had."""
    found = (_MISSING.match(str(one.message)) for one in told)
    return {int(match[1]) for match in found if match}


def having(wanted: Collection[int]) -> list[str]:
    """Families of this machine that together have as many of the code points as there are.

    The one that has most comes first; those whose letters are upright and of the usual weight are
    preferred.
    """
    from matplotlib.font_manager import fontManager

    left, families = set(wanted), []
    offered: dict[str, set[int]] = {}
    for font in sorted(fontManager.ttflist, key=_unlike):
        if font.name not in offered and not _LAST_RESORT.match(font.name):
            offered[font.name] = _letters(font.fname) & left
    while left:
        name = max(offered, key=lambda one: len(offered[one] & left), default="")
        if not name or not offered[name] & left:
            break
        families.append(name)
        left -= offered[name]
    return families


def _unlike(font: Any) -> tuple[bool, bool, bool, str]:
    """How a font differs from that of the other letters."""
    return (
        font.style != "normal",
        str(font.weight) not in ("400", "normal", "regular"),
        "sans" not in font.name.lower(),
        font.name,
    )


def _letters(file: str) -> set[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return set(FT2Font(file).get_charmap())
    except (OSError, RuntimeError):  # a font that cannot be read
        return set()
