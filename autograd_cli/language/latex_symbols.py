r"""How a variable is written in LaTeX: `mu_x` is \mu_{x}, wherever it stands.

It is the inverse of what reading makes of LaTeX: x_n_plus_1 is x_{n+1}, theta_dot is \dot{\theta}.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from autograd_cli.language.greek import LARGE_GREEK, SMALL_GREEK

_ELEMENT = re.compile(r"(.+)\[([\d,]+)\]")
_NUMBERED = re.compile(r"([^\W\d_]+?)(\d+)")
_SHAPES = {
    **{name: name for name in ("hat", "bar", "tilde", "vec", "dot", "ddot")},
    "bold": "mathbf",
}
_SIGNS = {"plus": "+", "minus": "-"}

# TeX has no commands for the letters that look as Latin ones do: these are upright, so that they
# remain apart from the variable `A`.
_FIRST_LETTERS = (
    *("Alpha", "Beta", "Epsilon", "Zeta", "Iota", "Kappa", "Mu", "Nu", "Omicron", "Tau"),
    "omicron",
)
_LATIN: Mapping[str, str] = {
    **{name: name[0] for name in _FIRST_LETTERS},
    "Eta": "H",
    "Rho": "P",
    "Chi": "X",
}
_BY_NAME: Mapping[str, str] = {
    name: rf"\mathrm{{{_LATIN[name]}}}" if name in _LATIN else rf"\{name}"
    for name in (*SMALL_GREEK, *LARGE_GREEK)
}


def _letter(name: str) -> str:
    size = "SMALL" if name.islower() else "CAPITAL"
    return unicodedata.lookup(f"GREEK {size} LETTER {name.lower().replace('lambda', 'lamda')}")


# The letters themselves: `α` is \alpha.
GREEK_LETTERS: Mapping[str, str] = {_letter(name): latex for name, latex in _BY_NAME.items()}
_GREEK = {**_BY_NAME, **GREEK_LETTERS}

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{character: "\\" + character for character in "{}$&#_%"},
    **{letter: f"${latex}$" for letter, latex in GREEK_LETTERS.items()},
}


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
    return (len(word) == 1 and word.isalpha()) or word in _GREEK


def _index(parts: Sequence[str]) -> str:
    """Indices with commas between them, or with signs."""
    text = ""
    for before, part in zip(("", *parts), parts, strict=False):
        if text and part not in _SIGNS and before not in _SIGNS:
            text += ","
        text += _SIGNS.get(part) or _word(part)
    return text


def escaped(source: str) -> str:
    """Text in which LaTeX finds no command."""
    return "".join(_SPECIAL.get(character, character) for character in source)


def _word(name: str) -> str:
    if name in _GREEK:
        return _GREEK[name]
    if not (name.isascii() and name.replace("_", "a").isalnum()):
        return rf"\texttt{{{escaped(name)}}}"  # mathematics has Latin and Greek letters alone
    if len(name) == 1 or name.isdigit():
        return name
    return rf"\mathrm{{{escaped(name)}}}"
