"""Text to tokens, one at a time, as people type and paste mathematics.

Unicode operators become the ASCII ones they stand for (`−`, `×`, `≤`), names are compared in their
compatibility form (NFKC, so `x₁` is `x1`), and what cannot be seen is refused: a formula must
not read differently from how it looks (compare Boucher & Anderson, 2021, "Trojan Source").
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from autograd_cli.errors import ReadError, Span

NUMBER = "number"
NAME = "name"
OPERATOR = "operator"  # operators and brackets; text is the ASCII form
SUPERSCRIPT = "superscript"  # x², x⁻¹; text is the exponent in ASCII
NEWLINE = "newline"
END = "end"


class Token(NamedTuple):
    """A token: its kind, its text in canonical form, and where it stands."""

    kind: str
    text: str
    span: Span


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = "⁰¹²³⁴-⁹⁺⁻"

_LOOKALIKES = {
    **dict.fromkeys("−–‐‑⁃－", "-"),
    **dict.fromkeys("×·⋅∙•∗＊", "*"),
    **dict.fromkeys("÷∕⁄／", "/"),
    "≤": "<=",
    "⩽": "<=",
    "≥": ">=",
    "⩾": ">=",
    "≠": "!=",
    "∧": "and",
    "∨": "or",
    "¬": "not",
    "√": "√",
    "∛": "∛",
}

LONGEST_NAME = 1_000

_NAME = re.compile(r"[^\W\d][\w\u0300-\u036f]*")

_WORDS = {"and", "or", "not"}

_SCAN = re.compile(
    rf"""
    (?: [^\S\n] | \#[^\n\u202a-\u202e\u2066-\u2069]* )*  # space, comments in one direction
  (?: (?P<newline> \n )
  | (?P<number>  (?: [0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)? | \.[0-9](?:_?[0-9])* )
                 (?: [eE][+-]?[0-9]+ )? )
  | (?P<name>    (?:(?![{_SUPERSCRIPT}])[^\W\d]) (?:(?![{_SUPERSCRIPT}])[\w\u0300-\u036f])* )
  | (?P<super>   [{_SUPERSCRIPT}]+ )
  | (?P<op>      \*\* | // | \.\.\. | <= | >= | == | != | && | \|\| | <> | :=
               | [-+*/%@^<>=&|~!()\[\]{{}},;:.'"?$`\\∞] )
  | (?P<end>     \Z )
  | (?P<other>   . )
  )
    """,
    re.VERBOSE,
)


class Scanner:
    """The tokens of a text, with one token of lookahead."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self._peeked: tuple[int, Token] | None = None

    def take(self) -> Token:
        """The next token; its end moves `position` on.

        Raises: ReadError where a character has no place in the language.
        """
        token = self.peek()
        self.position = token.span.end
        return token

    def peek(self) -> Token:
        """The next token, left in place."""
        if self._peeked is None or self._peeked[0] != self.position:
            self._peeked = self.position, self._scan()
        return self._peeked[1]

    def _scan(self) -> Token:
        match = _SCAN.match(self.source, self.position)
        assert match is not None  # the last alternative takes any character
        kind = match.lastgroup or ""
        text, span = match[kind], Span(*match.span(kind))
        if kind == "name":
            name = text if text.isascii() else self._canonical(text, span)
            return Token(OPERATOR if name in _WORDS else NAME, name, span)
        if kind == "op":
            if text == "∞":
                return Token(NAME, "inf", span)
            return Token(OPERATOR, "**" if text == "^" else text, span)
        if kind == "super":
            return Token(SUPERSCRIPT, text.translate(_SUPERSCRIPTS), span)
        if kind == "other":
            return self._other(span.start)
        return Token(kind, text, span)  # number, newline and end are named as their tokens

    def _canonical(self, name: str, span: Span) -> str:
        """The compatibility form of a name; finding it takes time with the square of the length."""
        if len(name) > LONGEST_NAME:
            raise ReadError(
                f"a name of {len(name):,} characters",
                hint=f"names with other than ASCII characters have at most {LONGEST_NAME:,}",
                span=span,
                source=self.source,
            )
        canonical = unicodedata.normalize("NFKC", name)
        if not _NAME.fullmatch(canonical) or not all(map(_belongs_to_a_name, name)):
            # The first character that no name may hold, or else one that may not begin it.
            strange = (
                place for place, character in enumerate(name) if not _belongs_to_a_name(character)
            )
            raise self._meaningless(span.start + next(strange, 0))
        return canonical

    def _other(self, position: int) -> Token:
        """A Unicode operator, or the error for a character that means nothing here."""
        character = self.source[position]
        span = Span(position, position + 1)
        operator = _LOOKALIKES.get(character) or unicodedata.normalize("NFKC", character)
        if character in _LOOKALIKES:
            return Token(OPERATOR, operator, span)
        if len(operator) == 1 and operator.isascii() and operator in "()[]+=<>,;:%":
            return Token(OPERATOR, operator, span)
        raise self._meaningless(position)

    def _meaningless(self, position: int) -> ReadError:
        character = self.source[position]
        return ReadError(
            f"{_describe(character)} has no meaning here",
            hint=_advice(character),
            span=Span(position, position + 1),
            source=self.source,
        )


def _belongs_to_a_name(character: str) -> bool:
    """Whether a character may stand in a name: not a superscript (`xⁿ` looks like a power), not a
    letter that cannot be seen, and nothing that is no letter in its compatibility form."""
    return (
        character not in _INVISIBLE_LETTERS
        and not unicodedata.decomposition(character).startswith("<super>")
        and _NAME.fullmatch("x" + unicodedata.normalize("NFKC", character)) is not None
    )


# Letters and marks by their category, but with no shape (Default_Ignorable_Code_Point).
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def _describe(character: str) -> str:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    hidden = character in _INVISIBLE_LETTERS
    if hidden or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return f"invisible character {code}{f' ({name})' if name else ''}"
    return f"'{character}' ({code} {name})" if name else f"character {code}"


def _advice(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return "the text is not valid UTF-8"
    if category.startswith("C") or character in _INVISIBLE_LETTERS:
        return "delete it and type the expression again"
    if unicodedata.decomposition(character).startswith("<super>"):
        return "write a power as x**n, a transpose as A.T"
    if category == "Nd":
        return "write numbers with the digits 0 to 9"
    if character in "∑∏∫∂∇":
        return "agx differentiates what is typed; sums are written out or sum(x) over a vector"
    return "see 'agx functions' for what can be typed"
