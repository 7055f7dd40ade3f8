"""Numbers: 12.5, 1{,}000, and where TeX takes one digit alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.errors import Span
from autograd_cli.language.latex.cursor import Part
from autograd_cli.language.latex.lookahead import Lookahead
from autograd_cli.language.latex.tokens import CLOSE, DIGIT, OPEN, SYMBOL, Token
from autograd_cli.language.terms import number


@dataclass
class Numbers(Lookahead):
    """Numbers, digit by digit."""

    def _number(self) -> Part:
        start = self.place
        digits = self._digits()
        first = digits
        while self._is_thousands(first):
            if self.peek.kind == OPEN:
                self.place += 3
            elif self.peek.kind == SYMBOL:
                self.take()
            digits += "".join(self.take().text for _ in range(3))
        if self.peek.kind == OPEN and self.after().text == "," and self.after(2).kind == CLOSE:
            span = self._between(start)
            raise self.error("a comma in a number separates thousands", span,
                             f"write the point of decimals as {digits}.5")  # fmt: skip
        if self.peek.text == "." and self.after().kind == DIGIT and not self.peek.spaced:
            self.take()
            digits = f"{digits or '0'}.{self._digits()}"
        if self.peek.kind == DIGIT:
            following = self.source[slice(*number_span(self.tokens, self.place))]
            raise self.error(
                f"'{digits} {following}' is set as '{digits}{following}'", self.peek.span,
                rf"write {digits}{following} or {digits} \cdot {following}",
            )  # fmt: skip
        return Part(number(digits), self._between(start), is_numeric=True)

    def _digits(self) -> str:
        """Takes digits that follow one another without blanks."""
        digits = ""
        while self.peek.kind == DIGIT and not (digits and self.peek.spaced):
            digits += self.take().text
        return digits

    def _is_thousands(self, first: str) -> bool:
        """Whether three more digits follow: 1{,}000, 1 000 and, but in a list, 1,000."""
        if not 1 <= len(first) <= 3 or first[0] == "0":
            return False
        at = self.place
        if self.peek.kind == OPEN and self.after().text == "," and self.after(2).kind == CLOSE:
            at += 3
        elif self.peek.text == "," and not self.after().spaced:
            if self.waiting:
                return False
            at += 1
        elif not (self.peek.kind == DIGIT and self.peek.spaced):
            return False
        group = self.tokens[at : at + 4]
        return (
            len(group) == 4
            and all(token.kind == DIGIT for token in group[:3])
            and not any(token.spaced for token in group[1:3])
            and not (group[3].kind == DIGIT and not group[3].spaced)
        )

    def _check_single(self, token: Token, sign: str) -> None:
        """Refuses x^10 and x_12, of which TeX takes the first digit alone."""
        following = self.peek
        joined = token.kind == DIGIT and not following.spaced
        is_point = following.text == "." and self.after().kind == DIGIT
        if joined and (following.kind == DIGIT or is_point):
            span = Span(token.span.start, number_span(self.tokens, self.place - 1).end)
            digits = self.source[slice(*span)]
            meant = f"{sign}{{{digits[0]}}}{digits[1:]}"
            raise self.error(
                f"'{sign}{digits}' is '{meant}' in TeX", span, f"write {sign}{{{digits}}}"
            )


def number_span(tokens: Sequence[Token], place: int) -> Span:
    """Where the number extends that the digit at `place` begins."""
    end = place
    while tokens[end + 1].kind == DIGIT or (
        tokens[end + 1].text == "." and tokens[end + 2].kind == DIGIT
    ):
        if tokens[end + 1].spaced:
            break
        end += 1
    return Span(tokens[place].span.start, tokens[end].span.end)
