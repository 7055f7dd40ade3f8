r"""Greek letters, and how the name of a variable is set in LaTeX.

It is the inverse of what reading makes of LaTeX: x_n_plus_1 is x_{n+1}, theta_dot is \dot{\theta}.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

SMALL_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi"),
    *("psi", "omega"),
)
GREEK = (*SMALL_GREEK, *(name.capitalize() for name in SMALL_GREEK))
LETTERS = {  # by the character
    unicodedata.lookup(f"GREEK SMALL LETTER {name.replace('lambda', 'lamda')}"): name
    for name in SMALL_GREEK
}
# Letters that look Latin, for which LaTeX has no command.
_LATIN = {
    "Alpha": "A",
    "Beta": "B",
    "Epsilon": "E",
    "Zeta": "Z",
    "Eta": "H",
    "Iota": "I",
    "Kappa": "K",
    "Mu": "M",
    "Nu": "N",
    "Omicron": "O",
    "Rho": "P",
    "Tau": "T",
    "Chi": "X",
    "omicron": "o",
}
_SHAPES = {
    **{name: name for name in ("hat", "bar", "tilde", "vec", "dot", "ddot")},
    "bold": "mathbf",
}
_SIGNS = {"plus": "+", "minus": "-"}
_ELEMENT = re.compile(r"(.+)\[([\d,]+)\]")
_NUMBERED = re.compile(r"([^\W\d_]+?)(\d+)")


def symbol_latex(name: str) -> str:
    r"""A variable's name in LaTeX: ``\alpha_{1}``, ``x_{1}``, ``\mathrm{speed}``, ``A_{0,1}``."""
    element = _ELEMENT.fullmatch(name)
    if element is not None:
        base = symbol_latex(element[1])
        return f"{{{base}}}_{{{element[2]}}}" if "_" in base else f"{base}_{{{element[2]}}}"
    head, *parts = name.split("_")
    numbered = _NUMBERED.fullmatch(head)
    if numbered is not None and _is_letter(numbered[1]):
        head, parts = numbered[1], [numbered[2], *parts]
    parts = [part for part in parts if part]
    if not _is_letter(head) or not parts:
        return _word(name)
    base = _word(head)
    while parts and parts[0] in _SHAPES:
        base = rf"\{_SHAPES[parts.pop(0)]}{{{base}}}"
    return f"{base}_{{{_index(parts)}}}" if parts else base


def _is_letter(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in GREEK


def _index(parts: Sequence[str]) -> str:
    """Indices with commas between them, or with signs."""
    text = ""
    for before, part in zip(("", *parts), parts, strict=False):
        if text and part not in _SIGNS and before not in _SIGNS:
            text += ","
        text += _SIGNS.get(part) or _word(part)
    return text


def _word(name: str) -> str:
    name = LETTERS.get(name, name)
    if name in _LATIN:
        return rf"\mathrm{{{_LATIN[name]}}}"
    if name in GREEK:
        return rf"\{name}"
    if (len(name) == 1 and name.isalpha()) or name.isdigit():
        return name
    escaped = name.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"
