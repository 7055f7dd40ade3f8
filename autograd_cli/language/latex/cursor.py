"""The tokens of a formula, a place among them, and the errors that know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd_cli.errors import ReadError, Span
from autograd_cli.language.functions import suggest
from autograd_cli.language.latex import vocabulary
from autograd_cli.language.latex.displays import formula_of
from autograd_cli.language.latex.names import Look
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import (
    CLOSE,
    COMMAND,
    DIGIT,
    END,
    LETTER,
    OPEN,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    Token,
    closing,
    tokenize,
)
from autograd_cli.language.terms import Term, name

MAX_NESTING = 200


EULER, PI, INFINITY = name("E"), name("pi"), name("inf")


class Part(NamedTuple):
    """A part of the formula that has been read.

    look       set if it is a variable and nothing else
    brackets   the delimiter it stands in, if it is nothing but what they hold
    array      "vector", "row", "matrix" or "transposed" if that can be seen
    is_bold    whether bold letters or arrows say so
    factors    of how many factors it is a product without signs
    is_scripted  whether it ends in an exponent
    is_numeric whether it is made of numbers and pi alone
    is_ratio   whether it is a fraction of two plain numbers
    """

    term: Term
    span: Span
    look: Look | None = None
    brackets: str = ""
    array: str = ""
    is_bold: bool = False
    factors: int = 1
    is_scripted: bool = False
    is_numeric: bool = False
    is_ratio: bool = False


class Scripts(NamedTuple):
    """A subscript, as tokens, and an exponent: as a part, or a mark such as `T` or `*`."""

    below: Sequence[Token] | None = None
    above: Part | None = None
    mark: str = ""
    end: int = 0


@dataclass
class Cursor:
    """The tokens of one source, and where the parser stands."""

    source: str
    looks: dict[str, tuple[Look, Span]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    tokens: list[Token] = field(init=False)
    place: int = 0
    depth: int = 0
    waiting: list[str] = field(default_factory=list)  # the delimiters that are open

    def __post_init__(self) -> None:
        self.tokens = formula_of(tokenize(self.source), self.source)

    @property
    def peek(self) -> Token:
        return self.tokens[self.place]

    def after(self, count: int = 1) -> Token:
        """The token that comes `count` later."""
        return self.tokens[min(self.place + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.peek
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def error(self, message: str, span: Span, hint: str = "") -> ReadError:
        return ReadError(message, span=span, source=self.source, hint=hint)

    def _between(self, start: int) -> Span:
        """The span from the token at a place to the last one that was taken."""
        last = self.tokens[max(self.place - 1, start)]
        return Span(self.tokens[start].span.start, last.span.end)

    def _shown(self, span: Span) -> str:
        return " ".join(self.source[slice(*span)].split())

    def _deeper(self, span: Span) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.error(f"more than {MAX_NESTING} levels of nesting", span,
                             "name a part of it, and give that in the language of agx: u = ...;"
                             " f(u)")  # fmt: skip

    def _signs(self) -> bool:
        """Takes signs; True if an odd number of them are minus signs."""
        is_negative = False
        while self.peek.shown in ("+", "-"):
            is_negative ^= self.take().shown == "-"
        return is_negative

    def _pass_stops(self) -> None:
        while self.peek.kind == SYMBOL and self.peek.text in (",", ".", ";"):
            self.take()

    def _delimiter(self) -> tuple[str, str, int] | None:
        r"""The delimiter that comes next: its name, the side it is for, and how many tokens it is
        (\left| is two)."""
        token = self.peek
        if token.kind == COMMAND and token.text in vocabulary.SIZES:
            role = vocabulary.SIZES[token.text]
            shown = self.after().shown
            if shown == ".":
                return (".", role, 2)
            if shown in vocabulary.DELIMITERS:
                delimiter, side = vocabulary.DELIMITERS[shown]
                return (delimiter, side if role == "either" else role, 2)
            if self.after().text in vocabulary.ABSENT:
                what, hint = vocabulary.ABSENT[self.after().text]
                raise self.error(f"agx has no form for {what}",
                                 Span(token.span.start, self.after().span.end), hint)  # fmt: skip
            raise self.error(f"'{token.shown}' stands before a bracket", token.span)
        if token.kind in (SYMBOL, COMMAND) and token.shown in vocabulary.DELIMITERS:
            return (*vocabulary.DELIMITERS[token.shown], 1)
        return None

    def _raw_argument(self, command: Token) -> Sequence[Token]:
        """Takes an argument of TeX as it stands: one token, or what braces hold."""
        token = self.peek
        if token.kind == OPEN:
            end = closing(self.tokens, self.place)
            if not end:
                raise self._never_closed(token)
            content = self.tokens[self.place + 1 : end]
            self.place = end + 1
            return content
        if token.kind not in (LETTER, DIGIT, COMMAND):
            raise self.error(f"'{command.shown}' has no argument", command.span)
        return [self.take()]

    def _environment_name(self) -> str:
        end = closing(self.tokens, self.place + 1)
        return "".join(token.shown for token in self.tokens[self.place + 2 : end])

    def _variable(self, look: Look, span: Span, array: str = "") -> Part:
        """A variable; the sign for it is kept until all names are known."""
        key = f"\0{look.look}"
        self.looks.setdefault(key, (look, span))
        return Part(name(key), span, look=look, array=array, is_bold=bool(array))

    def _derivative(self, span: Span) -> ReadError:
        return self.error("agx has no form for a derivative", span,
                          "agx differentiates what it is given: leave d/dx out")  # fmt: skip

    def _unknown_function(self, shown: str, span: Span) -> ReadError:
        plain = shown.lstrip("\\")
        near = suggest(plain) if len(plain) > 2 and not set("_^{}") & set(plain) else ""
        hint = rf"if it is a factor, write \cdot after it: {shown} \cdot (...)"
        if shown in _SUGGESTED:
            hint = f"the function is {_SUGGESTED[shown]}; {hint}"
        elif near and near != plain:
            hint = f"did you mean \\operatorname{{{near}}}? {hint}"
        return self.error(f"unknown function '{plain}'", span, hint)

    def _missing(self, token: Token) -> ReadError:
        if token.kind == END:
            return self.error("the formula is not finished", token.span)
        if token.kind in (SUPERSCRIPT, SUBSCRIPT):
            return self.error(f"nothing stands before '{token.shown}'", token.span)
        if token.shown in _STRAY:
            return self.error(f"'{token.shown}' cannot be read here", token.span,
                              _STRAY[token.shown])  # fmt: skip
        return self.error(f"a value is missing before '{token.shown}'", token.span)

    def _never_closed(self, token: Token) -> ReadError:
        return self.error(f"the formula is not finished: '{token.shown}' is never closed",
                          token.span)  # fmt: skip

    def _out_of_place(self, token: Token) -> ReadError:
        if token.kind == COMMAND and token.text in vocabulary.ABSENT:
            what, hint = vocabulary.ABSENT[token.text]
            return self.error(f"agx has no form for {what}", token.span, hint)
        if token.kind == CLOSE or token.shown in (")", "]", "\\}", "\\right", "|"):
            return self.error(f"'{token.shown}' closes nothing", token.span)
        hint = _STRAY.get(token.shown, "")
        return self.error(f"'{token.shown}' cannot be read here", token.span, hint)

    # Rules that others, further up, complete -----------------------------------------------------

    def _logical(self, *, is_condition: bool = True) -> Rule[Part]:
        """A formula: comparisons, joined by `and` and `or`."""
        raise NotImplementedError

    def _atom(self, *, is_argument: bool = False) -> Rule[Part]:
        """What has no parts that signs could join; an argument of TeX is one token."""
        raise NotImplementedError

    def _group(self) -> Rule[Part]:
        """What braces hold."""
        raise NotImplementedError

    def _function(self, token: Token, word: str, *, is_letter: bool = False) -> Rule[Part]:
        """A function with its arguments."""
        raise NotImplementedError


_STRAY: Mapping[str, str] = {
    ",": "agx takes one formula; thousands are written 1{,}000, decimals 1.5",
    ";": "agx takes one formula",
    "&": "agx takes one formula, not lines of them",
    "\\\\": "agx takes one formula, not lines of them",
    "$": "the dollars stand round the whole formula",
    "$$": "the dollars stand round the whole formula",
    "'": "agx differentiates what it is given: write the function out",
}


_SUGGESTED: Mapping[str, str] = {
    "\\Phi": "\\operatorname{ndtr}(x)",
    "\\sigma": "\\operatorname{sigmoid}(x)",
    "\\gamma": "\\Gamma(x)",
    **{f"{letter}_{order}": f"\\operatorname{{{letter.lower()}{order}}}(x)"
       for letter in "JYIK" for order in (0, 1)},
    **{f"{letter}_{{{order}}}": f"\\operatorname{{{letter.lower()}{order}}}(x)"
       for letter in "JYIK" for order in (0, 1)},
}  # fmt: skip
