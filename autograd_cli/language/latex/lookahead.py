"""What comes next: a factor, a function, brackets, a derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.language.latex import functions, vocabulary
from autograd_cli.language.latex.cursor import Cursor
from autograd_cli.language.latex.names import letter
from autograd_cli.language.latex.tokens import (
    COMMAND,
    DIGIT,
    LETTER,
    OPEN,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    Token,
    closing,
)


@dataclass
class Lookahead(Cursor):
    """Questions about the tokens that come next; nothing is taken."""

    def _opens(self, bracket: str) -> bool:
        found = self._delimiter()
        return found is not None and found[0] == bracket and found[1] != "close"

    def _begins_factor(self) -> bool:
        """Whether what comes next is one more factor."""
        token = self.peek
        if token.kind in (LETTER, DIGIT, OPEN):
            return True
        if token.kind == SYMBOL and token.text == "." and self.after().kind == DIGIT:
            return True
        if opening := self._delimiter():
            return opening[1] != "close" and not (
                opening[1] == "either" and "|" in self.waiting[-1:]
            )
        if token.kind != COMMAND:
            return False
        text = token.text
        return (
            letter(token) is not None
            or text == "infty"
            or text in vocabulary.STYLES
            or text in vocabulary.ACCENTS
            or text in vocabulary.FRACTIONS
            or text in vocabulary.BINOMIALS
            or text in ("sqrt", "begin", "cbrt")
            or text in vocabulary.ABSENT
            or self._is_function()
            or not self._ends_or_joins()
        )

    def _ends_or_joins(self) -> bool:
        """Whether a command stands here that closes something or stands between two parts."""
        shown = self.peek.shown
        return (
            shown in vocabulary.PRODUCTS
            or shown in vocabulary.RELATIONS
            or shown in vocabulary.CONJUNCTIONS
            or shown in vocabulary.DISJUNCTIONS
            or self.peek.text in vocabulary.SIZES
            or self.peek.text in ("end", "hline")
        )

    def _begins_name(self) -> bool:
        token = self.peek
        return letter(token) is not None or (
            token.kind == COMMAND and token.text in (*vocabulary.STYLES, *vocabulary.ACCENTS)
        )

    def _is_function(self) -> bool:
        """Whether a function begins here."""
        token = self.peek
        if token.kind != COMMAND:
            return False
        text = token.text
        if text in functions.OPERATORS:
            return True
        if text.startswith("operatorname"):
            end = closing(self.tokens, self.place + 1)
            content = self.tokens[self.place + 2 : end]
            return bool(functions.known("".join(one.text for one in content).replace("_", "")))
        if (
            text in vocabulary.STYLES
            or text in vocabulary.ABSENT
            or letter(token) is not None
            or text in vocabulary.SIZES
        ):
            return False
        self.place += 1
        is_called = self._opens("(")
        self.place -= 1
        return is_called and bool(functions.known(text))

    def _is_applied(self, is_operator: bool) -> bool:
        """Whether a word that is a function is one here: brackets follow, after scripts or not."""
        if self._opens("(") or is_operator:
            return True
        at = self.place
        while self.tokens[at].kind in (SUPERSCRIPT, SUBSCRIPT):
            at = (closing(self.tokens, at + 1) or at + 1) + 1
        if at == self.place:
            return self.peek.kind == OPEN and self._holds_brackets()
        place, self.place = self.place, at
        is_called = self._opens("(") or (self.peek.kind == OPEN and self._holds_brackets())
        self.place = place
        return is_called

    def _holds_brackets(self) -> bool:
        r"""Whether the braces that come next hold brackets and nothing else: {\left(x\right)}."""
        end = closing(self.tokens, self.place)
        if not end:
            return False
        place, self.place = self.place, self.place + 1
        found = self._delimiter()
        inner = self.tokens[self.place : end]
        self.place = place
        if found is None or found[0] not in ("(", "[") or found[1] == "close":
            return False
        opening, closed = found[0], vocabulary.PAIRS[found[0]]
        depth = 0
        for count, token in enumerate(inner):
            depth += (token.text == opening) - (token.text == closed)
            if token.text == closed and not depth:
                return count == len(inner) - 1
        return False

    def _end_of_bracket(self) -> int:
        """The place of the round bracket that closes the one that comes next."""
        depth = 0
        for at in range(self.place, len(self.tokens)):
            shown = self.tokens[at].shown
            depth += (shown == "(") - (shown == ")")
            if not depth and shown == ")":
                return at
        return len(self.tokens) - 1

    def _is_lone(self) -> bool:
        """Whether the brackets that come next hold one sign, or several with commas."""
        end = self._end_of_bracket()
        held = [t for t in self.tokens[self.place + 1 : end] if t.text not in vocabulary.SIZES]
        held = [t for t in held if t.shown != "("]
        return len(held) <= 1 or any(token.shown == "," for token in held)

    def _is_derivative(self) -> bool:
        r"""Whether the fraction that begins here is d/dx or dy/dx."""
        end = closing(self.tokens, self.place)
        if not end:
            return False
        above: Sequence[Token] = self.tokens[self.place + 1 : end]
        below: Sequence[Token] = self.tokens[end + 1 :]
        if below[:1] and below[0].kind == OPEN:
            below = below[1:]
        if any(token.text == "partial" for token in (*above[:1], *below[:1])):
            return True
        above = _upright_d(above)
        starts = bool(above) and above[0].text == "d" and (
            len(above) == 1 or above[1].kind == SUPERSCRIPT or above[1].kind in (LETTER, COMMAND)
        )  # fmt: skip
        return starts and is_differential(_upright_d(below))

    def _end_of_fraction(self) -> int:
        end = closing(self.tokens, self.place)
        second = closing(self.tokens, end + 1) or end + 1
        return self.tokens[min(second, len(self.tokens) - 1)].span.end


def _upright_d(tokens: Sequence[Token]) -> Sequence[Token]:
    r"""The tokens with \mathrm{d} at their beginning as d."""
    if (
        len(tokens) > 3
        and tokens[0].text in vocabulary.STYLES
        and tokens[1].kind == OPEN
        and tokens[2].text == "d"
    ):
        return [tokens[2], *tokens[4:]]
    return tokens


def is_differential(tokens: Sequence[Token]) -> bool:
    """Whether these tokens begin with dx."""
    return (
        len(tokens) > 1
        and tokens[0].kind == LETTER
        and tokens[0].text == "d"
        and letter(tokens[1]) is not None
        and tokens[1].text != "d"
    )
