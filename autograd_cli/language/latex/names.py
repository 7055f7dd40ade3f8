r"""What letters with accents, alphabets and indices are called: x_{n+1} is x_n_plus_1.

TeX tells variables apart by how they look. Two that look alike are one, and two that look different
never become one: a name says which alphabet or which shape of a letter it means where the plain one
occurs as well (`varepsilon` beside `epsilon`, `x_bold` beside `x`), and where that does not help
the formula is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd_cli.errors import ReadError, Span
from autograd_cli.language.greek import LARGE_GREEK, SMALL_GREEK
from autograd_cli.language.latex import vocabulary as words
from autograd_cli.language.latex.tokens import (
    CLOSE,
    COMMAND,
    DIGIT,
    LETTER,
    OPEN,
    SUBSCRIPT,
    SUPERSCRIPT,
    Token,
    closing,
)

_LETTER = re.compile(r"(?:\w+\()*(?:\w+:)?[A-Za-z]\)*")


class Look(NamedTuple):
    """How a variable looks, and its name without and with the alphabets and shapes of letters."""

    look: str
    plain: str
    full: str

    @property
    def is_letter(self) -> bool:
        """Whether this is a single Latin letter, in any alphabet, with any accent."""
        return _LETTER.fullmatch(self.look) is not None

    def styled(self, style: str) -> Look:
        """The same in an alphabet; the usual one of letters is italic, of words upright."""
        if style == ("it" if len(self.plain) == 1 else "rm"):
            return self
        return Look(f"{style}:{self.look}", self.plain, f"{self.full}_{style}")

    def accented(self, accent: str, spelling: str) -> Look:
        return Look(f"{spelling}({self.look})", f"{self.plain}_{accent}", f"{self.full}_{accent}")

    def indexed(self, index: Look) -> Look:
        return Look(
            f"{self.look}_{{{index.look}}}",
            f"{self.plain}_{index.plain}",
            f"{self.full}_{index.full}",
        )


def letter(token: Token) -> Look | None:
    """The variable that a letter or the command of one is; None if it is neither."""
    text = token.text
    if token.kind == LETTER:
        return Look(text, text, text)
    if token.kind != COMMAND:
        return None
    if text in SMALL_GREEK or text in LARGE_GREEK or text in words.LETTERS:
        return Look(f"\\{text}", text, text)
    if text in words.VARIANTS:
        return Look(f"\\{text}", words.VARIANTS[text], text)
    return None


def index(tokens: Sequence[Token], source: str) -> Look:
    """What a subscript is called. Raises: ReadError for what has no name."""
    parts: list[Look] = []
    is_open = False  # whether the next letter or digit belongs to the last part
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind in (LETTER, DIGIT):
            found = Look(token.text, token.text, token.text)
            if is_open:
                found = Look(*(a + b for a, b in zip(parts.pop(), found, strict=True)))
            parts.append(found)
        elif token.kind == COMMAND and token.text in words.STYLES:
            content, place = _argument(tokens, place, source)
            parts.append(word(content, token, source))
        elif token.kind == COMMAND and token.text in words.ACCENTS:
            content, place = _argument(tokens, place, source)
            if any(one.text in words.ACCENTS for one in content):
                raise ReadError("an accent over an accent", span=token.span, source=source)
            accented = index(content, source)
            parts.append(accented.accented(words.ACCENTS[token.text], token.text))
        else:
            found_part = _part(token, source)
            parts += [found_part] if found_part is not None else []
        is_open = token.kind in (LETTER, DIGIT)
        place += 1
    named = [part for part in parts if part.plain]
    if not named:
        span = Span(tokens[0].span.start, tokens[-1].span.end) if tokens else None
        raise ReadError("an index without a name", span=span, source=source)
    return Look(
        " ".join(part.look for part in parts),
        "_".join(part.plain for part in named),
        "_".join(part.full for part in named),
    )


def _part(token: Token, source: str) -> Look | None:
    """A part of an index that is one token; None for a brace."""
    found = letter(token)
    if found is not None:
        return found
    shown = token.shown
    if token.kind in (OPEN, CLOSE):
        return None
    if shown in words.BETWEEN:
        return Look(shown, "", "")
    if shown in words.IN_AN_INDEX:
        return Look(shown, words.IN_AN_INDEX[shown], words.IN_AN_INDEX[shown])
    if token.kind == COMMAND and token.text.isalpha() and _is_upright(token.text):
        return Look(f"rm:{token.text}", token.text, token.text)
    raise ReadError(
        f"'{shown}' cannot be part of a name",
        span=token.span,
        source=source,
        hint="name the variable in letters and digits: x_{n1}",
    )


def _is_upright(command: str) -> bool:
    r"""Whether a command sets its own name in upright letters, as \max does."""
    from autograd_cli.language.latex.functions import OPERATORS

    others = ("sup", "inf", "lim", "arg", "deg", "dim", "ker", "gcd", "hom", "Pr", "limsup")
    return command in OPERATORS or command in others


def _argument(tokens: Sequence[Token], place: int, source: str) -> tuple[Sequence[Token], int]:
    """The argument of the command at `place`, without its braces, and where it ends."""
    start = place + 1
    if start >= len(tokens):
        command = tokens[place]
        raise ReadError(f"'{command.shown}' has no argument", span=command.span, source=source)
    end = closing(tokens, start)
    return (tokens[start + 1 : end], end) if end else (tokens[start : start + 1], start)


def word(content: Sequence[Token], command: Token, source: str) -> Look:
    r"""The name that an alphabet's braces hold: \mathrm{K_m} is K_m, \text{learning rate} is
    learning_rate."""
    style = words.STYLES[command.text]
    if len(content) == 1 and (single := letter(content[0])) is not None:
        if content[0].kind == LETTER:
            return single.styled(style)
        return Look(f"{style}:{single.look}", single.plain, f"{single.full}_{style}")
    text = ""
    for place, token in enumerate(content):
        if token.spaced and text and command.text in words.TEXT:
            text += "_"
        text += _character(token, place, len(content), command, source)
    plain = re.sub(r"_+", "_", text) if command.text in words.TEXT else text
    if not plain or (not plain[0].isalnum() and plain[0] != "_") or not plain.strip("_"):
        raise ReadError(
            f"'{command.shown}' holds no name",
            span=Span(command.span.start, (content[-1] if content else command).span.end),
            source=source,
        )
    look = "".join(token.shown if token.kind != SUBSCRIPT else "_" for token in content)
    return Look(look, plain, plain).styled(style)


def _character(token: Token, place: int, count: int, command: Token, source: str) -> str:
    if token.kind in (LETTER, DIGIT):
        return token.text
    if token.kind in (OPEN, CLOSE):
        return ""
    if token.kind == SUBSCRIPT or token.shown == "\\_":
        return "_"
    if token.shown in ("-", ",", ".") and command.text in words.TEXT:
        return "_" if 0 < place < count - 1 else ""
    found = letter(token)
    if found is not None:
        return f"_{found.plain}_".strip("_") if count == 1 else found.plain
    hint = "letters, digits and _ can stand in a name"
    if token.kind == SUPERSCRIPT:
        hint = f"write the power after the name: {command.shown}{{x}}^2"
    raise ReadError(f"'{token.shown}' cannot be part of a name", span=token.span, source=source,
                    hint=hint)  # fmt: skip


@dataclass
class Names:
    """The variables of one formula or several, and where each of them stands first."""

    spans: dict[str, tuple[Span, str]] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)

    def add(self, key: str, look: Look, span: Span, source: str) -> None:
        """Takes note of a variable under the sign by which the parser knows it."""
        self.looks.setdefault(key, look)
        self.spans.setdefault(key, (span, source))

    def chosen(self) -> Mapping[str, str]:
        """Every variable's name by its sign. Raises: ReadError where two would have the same."""
        by_name: dict[str, list[str]] = {}
        for key, look in self.looks.items():
            by_name.setdefault(look.plain, []).append(key)
        found: dict[str, str] = {}
        for plain, keys in by_name.items():
            for key in keys:
                found[key] = plain if len(keys) == 1 else self.looks[key].full
        taken: dict[str, str] = {}
        for key, name in found.items():
            if name in taken:
                raise self._meeting(taken[name], key, name)
            taken[name] = key
        return found

    def _meeting(self, first: str, second: str, name: str) -> ReadError:
        span, source = self.spans[second]
        other, where = self.spans[first]
        return ReadError(
            f"'{where[slice(*other)]}' and '{source[slice(*span)]}' would both be called '{name}'",
            span=span,
            source=source,
            hint="write them alike if they are one variable, or give one of them another name",
        )
