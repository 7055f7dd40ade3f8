"""Letters and what is put on them, which makes variables of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.errors import Span
from autograd_cli.language.latex import functions, vocabulary
from autograd_cli.language.latex.cursor import EULER, INFINITY, PI, Part
from autograd_cli.language.latex.names import Look, index, letter, word
from autograd_cli.language.latex.numbers import Numbers
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import (
    COMMAND,
    DIGIT,
    LETTER,
    OPEN,
    SUBSCRIPT,
    Token,
    closing,
)
from autograd_cli.language.terms import name

_CONSTANTS = {"pi": PI, "inf": INFINITY, "nan": name("nan"), "True": name("True"),
              "False": name("False")}  # fmt: skip


NEVER_FACTORS = frozenset("fghFGH")  # letters that are functions where brackets follow


@dataclass
class Variables(Numbers):
    """Variables, and functions that are spelled in an alphabet."""

    def _letter(self, is_argument: bool) -> Part:
        token = self.take()
        if token.text == "e":
            if self.peek.kind == SUBSCRIPT and not is_argument:
                look = Look("e", "e", "e")
                return self._variable(look, token.span)
            return Part(EULER, token.span, is_numeric=True)
        found = letter(token)
        assert found is not None
        if is_argument:
            return self._variable(found, token.span)
        if token.text in NEVER_FACTORS and self._opens("("):
            raise self._unknown_function(token.text, token.span)
        return self._called_or_not(self._variable(found, token.span), token)

    def _greek(self, is_argument: bool) -> Rule[Part]:
        token = self.take()
        text = token.text
        if is_argument:
            if text == "pi":
                return Part(PI, token.span, is_numeric=True)
            return self._variable(self._look(token), token.span)
        if text == "Delta" and (joined := self._increment(token)) is not None:
            return self._called_or_not(joined, token)
        if text == "pi" and self.peek.kind != SUBSCRIPT:
            return Part(PI, token.span, is_numeric=True)
        if text in functions.LETTERS and self._opens("("):
            return (yield self._function(token, functions.LETTERS[text], is_letter=True))
        if self._opens("("):
            raise self._unknown_function(token.shown, token.span)
        return self._called_or_not(self._variable(self._look(token), token.span), token)

    def _look(self, token: Token) -> Look:
        found = letter(token)
        assert found is not None
        return found

    def _increment(self, sign: Token) -> Part | None:
        r"""\Delta x as one variable; None if \Delta stands alone."""
        token = self.peek
        if token.kind == COMMAND and token.text in vocabulary.ACCENTS:
            part = self._accented(is_argument=True)
        elif token.kind == COMMAND and token.text in vocabulary.STYLES:
            start = self.place
            self.take()
            part = self._variable(word(self._raw_argument(token), token, self.source),
                                  self._between(start))  # fmt: skip
        elif (found := letter(token)) is not None and token.text not in ("e", "pi"):
            part = self._variable(found, self.take().span)
        else:
            return None
        assert part.look is not None
        inner = part.look
        span = Span(sign.span.start, part.span.end)
        look = Look(rf"\Delta {inner.look}", f"Delta_{inner.plain}", f"Delta_{inner.full}")
        shown = self._shown(span)
        self.notes[f"{shown} is read as one variable, {look.plain}; for a product write"
                   rf" \Delta \cdot {self._shown(part.span)}"] = None  # fmt: skip
        return self._variable(look, span, part.array)

    def _called_or_not(self, part: Part, token: Token) -> Part:
        """The variable with its subscript, which is refused before a bracket: J_0(x)."""
        if self.peek.kind == SUBSCRIPT:
            sign = self.take()
            below = self._subscript(sign)
            span = Span(part.span.start, self.tokens[self.place - 1].span.end)
            if self.peek.kind == SUBSCRIPT:
                raise self.error("two subscripts", self.peek.span, "write x_{i,j}")
            part = self._indexed(part, below, span)
            if self._opens("("):
                raise self._unknown_function(self._shown(span), span)
        return part

    def _indexed(self, part: Part, below: Sequence[Token], span: Span) -> Part:
        if part.look is None and part.term in (EULER, PI):
            symbol = "e" if part.term == EULER else "pi"
            part = part._replace(look=Look(symbol, symbol, symbol))
        if part.look is None or part.is_scripted:
            first = below[0].span.start
            raise self.error("only a variable has an index", Span(first, below[-1].span.end),
                             "for an element write x[0] in the language of agx")  # fmt: skip
        return self._variable(part.look.indexed(index(below, self.source)), span, part.array)

    def _subscript(self, sign: Token) -> Sequence[Token]:
        """The tokens of a subscript, without its braces."""
        token = self.peek
        if token.kind == OPEN:
            end = closing(self.tokens, self.place)
            if not end:
                raise self._never_closed(token)
            content = self.tokens[self.place + 1 : end]
            self.place = end + 1
            if not content:
                raise self.error("the subscript is empty", token.span)
            return content
        if token.kind not in (LETTER, DIGIT, COMMAND) and token.shown not in ("*", "+", "-"):
            raise self.error("a subscript is missing", sign.span, "write x_{i}")
        if token.kind == COMMAND and token.text in (*vocabulary.STYLES, *vocabulary.ACCENTS):
            start = self.place
            self.take()
            self.place = (closing(self.tokens, self.place) or self.place) + 1
            return self.tokens[start : self.place]
        self.take()
        self._check_single(token, "_")
        return [token]

    def _accented(self, is_argument: bool) -> Part:
        r"""\hat{x} is a variable, x_hat."""
        start = self.place
        command = self.take()
        content = self._raw_argument(command)
        look = self._look_of(content, command)
        accent = vocabulary.ACCENTS[command.text]
        array = "vector" if accent == "vec" else ""
        part = self._variable(look.accented(accent, command.text), self._between(start), array)
        if is_argument:
            return part
        if look.plain in NEVER_FACTORS and self._opens("("):
            raise self._unknown_function(self._shown(part.span), part.span)
        if not look.is_letter and self._opens("("):
            raise self._unknown_function(self._shown(part.span), part.span)
        return self._called_or_not(part, command)

    def _look_of(self, content: Sequence[Token], command: Token) -> Look:
        """The one variable that an accent or an alphabet is put on."""
        if content and content[0].kind == COMMAND and content[0].text in vocabulary.STYLES:
            end = closing(content, 1) if len(content) > 1 else 0
            inner = content[2:end] if end else content[1:2]
            look: Look | None = word(inner, content[0], self.source)
            rest = content[end + 1 :] if end else content[2:]
        elif content and content[0].kind == COMMAND and content[0].text in vocabulary.ACCENTS:
            end = closing(content, 1) if len(content) > 1 else 0
            accent = vocabulary.ACCENTS[content[0].text]
            inner = content[2:end] if end else content[1:2]
            self._deeper(command.span)
            look = self._look_of(inner, content[0]).accented(accent, content[0].text)
            self.depth -= 1
            rest = content[end + 1 :] if end else content[2:]
        else:
            look = letter(content[0]) if content else None
            rest = content[1:]
        if look is not None and rest and rest[0].kind == SUBSCRIPT and len(rest) > 1:
            look = look.indexed(index(rest[1:], self.source))
            rest = rest[:0]
        if look is None or rest:
            raise self.error(f"'{command.shown}' stands over one variable", command.span,
                             rf"for example {command.shown}{{x}}_1")  # fmt: skip
        return look

    def _styled(self, is_argument: bool) -> Rule[Part]:
        r"""A name or a function in an alphabet of its own: \mathrm{loss}, \operatorname{erf}."""
        start = self.place
        command = self.take()
        content = self._raw_argument(command)
        style = vocabulary.STYLES[command.text]
        if content and content[0].kind == COMMAND and content[0].text in (
            *vocabulary.STYLES, *vocabulary.ACCENTS
        ):  # fmt: skip
            look = self._look_of(content, command)
            look = Look(f"{style}:{look.look}", look.plain, f"{look.full}_{style}")
        else:
            look = word(content, command, self.source)
        span = self._between(start)
        plain = look.plain
        if not is_argument and style == "rm":
            known = functions.known(plain)
            is_operator = command.text.startswith("operatorname")
            if known and self._is_applied(is_operator):
                return (yield self._function(command._replace(span=span), known))
            if known and self._begins_factor() and plain not in ("d", "e") and len(plain) > 1:
                raise self.error(
                    f"'{plain}' can be a function and a variable here", span,
                    rf"write \operatorname{{{plain}}}(x), or {self._shown(span)} \cdot x",
                )  # fmt: skip
        if style == "rm" and plain == "e" and self.peek.kind != SUBSCRIPT:
            return Part(EULER, span, is_numeric=True)
        if style == "rm" and plain in _CONSTANTS:
            return Part(_CONSTANTS[plain], span, is_numeric=True)
        if style == "rm" and plain == "d" and not is_argument and self._begins_name():
            raise self.error("an upright d is a differential", span,
                             "agx differentiates what it is given; a variable is written d",
                             )  # fmt: skip
        part = self._variable(look, span, _array_of(look, style))
        if is_argument:
            return part
        if self._opens("(") and (
            not look.is_letter or style not in ("bold", "it", "rm") or plain in NEVER_FACTORS
        ):
            raise self._unknown_function(plain, span)
        return self._called_or_not(part, command)


def _array_of(look: Look, style: str) -> str:
    """What a bold letter stands for: upper case is a matrix, lower case a vector."""
    if style != "bold" or len(look.plain.partition("_")[0]) > 1:
        return ""
    return "matrix" if look.plain[0].isupper() else "vector"
