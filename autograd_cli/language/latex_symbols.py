r"""How a variable is written in LaTeX: `mu_x` is \mu_{x}, wherever it stands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from autograd_cli.language.greek import LARGE_GREEK, SMALL_GREEK

_ELEMENT = re.compile(r"(.+)\[([\d,]+)\]")
_SUBSCRIPTED = re.compile(r"([^\W\d_]+?)_*(\d+|(?<=_)\w+)")

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
    """A variable's name in LaTeX: `alpha`, `x_1` and `x1` as mathematicians write them."""
    element = _ELEMENT.fullmatch(name)
    if element is not None:
        base = symbol_latex(element[1])
        return f"{{{base}}}_{{{element[2]}}}" if "_" in base else f"{base}_{{{element[2]}}}"
    split = _SUBSCRIPTED.fullmatch(name)
    if split is not None and (len(split[1]) == 1 or split[1] in _GREEK):
        return f"{_word(split[1])}_{{{_word(split[2])}}}"
    return _word(name)


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
