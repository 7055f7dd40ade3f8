"""Factors: an atom with its sub- and superscripts and factorials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.errors import ReadError, Span
from autograd_cli.language.latex.cursor import EULER, Part, Scripts
from autograd_cli.language.latex.names import letter
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import (
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
)
from autograd_cli.language.latex.variables import NEVER_FACTORS, Variables
from autograd_cli.language.terms import Term, call, number, power


@dataclass
class Scripted(Variables):
    """Atoms with what stands behind and above them."""

    def _factor(self) -> Rule[Part]:
        """An atom with its scripts and factorials."""
        start = self.place
        part = yield self._atom()
        while True:
            token = self.peek
            if token.kind in (SUPERSCRIPT, SUBSCRIPT) or token.shown == "'":
                scripts = yield self._scripts(part)
                part = self._scripted(part, scripts, start)
                if part.look is None or scripts.above is not None:
                    self._check_call(part, start)
            elif token.shown == "!":
                part = self._factorial(part, token)
            else:
                return part

    def _factorial(self, part: Part, sign: Token) -> Part:
        if part.is_scripted:
            raise self.error("'!' after an exponent can be read in two ways", sign.span,
                             "write (x^n)! or x^{n!}")  # fmt: skip
        self.take()
        if self.peek.shown == "!":
            raise self.error("agx has no form for a double factorial", self.peek.span,
                             "for the factorial of a factorial write (n!)!")  # fmt: skip
        span = Span(part.span.start, sign.span.end)
        return Part(call("factorial", part.term), span, is_numeric=part.is_numeric)

    def _scripts(self, base: Part | None) -> Rule[Scripts]:
        """The sub- and superscript that follow, in whatever order."""
        found = Scripts()
        while True:
            token = self.peek
            if token.shown == "'":
                raise self._prime(base, token)
            if token.kind == SUBSCRIPT:
                if found.below is not None:
                    raise self.error("two subscripts", token.span, "write x_{i,j}")
                self.take()
                found = found._replace(below=self._subscript(token))
            elif token.kind == SUPERSCRIPT:
                if found.above is not None or found.mark:
                    raise self.error("two superscripts", token.span, "write x^{y^z} or {x^y}^z")
                self.take()
                above, mark = yield self._superscript(token, base)
                found = found._replace(above=above, mark=mark)
            else:
                return found._replace(end=self.tokens[self.place - 1].span.end)

    def _superscript(self, sign: Token, base: Part | None) -> Rule[tuple[Part | None, str]]:
        """An exponent, or a mark that stands in its place."""
        token = self.peek
        if token.kind == OPEN:
            end = closing(self.tokens, self.place)
            if not end:
                raise self._never_closed(token)
            content = self.tokens[self.place + 1 : end]
            if mark := self._mark(content, Span(sign.span.start, self.tokens[end].span.end), base):
                self.place = end + 1
                return None, mark
            if not content:
                raise self.error("the exponent is empty", Span(sign.span.start, token.span.end))
            return (yield self._group()), ""
        if token.shown in ("+", "-") and self.after().kind in (DIGIT, LETTER, COMMAND):
            raise self.error(f"'^{token.shown}' is all that TeX raises", token.span,
                             f"write ^{{{token.shown}{self.after().shown}}}")  # fmt: skip
        if mark := self._mark([token], Span(sign.span.start, token.span.end), base):
            self.take()
            return None, mark
        if token.kind not in (LETTER, DIGIT, COMMAND) or self._is_function():
            wrong = token.span if token.kind != END else sign.span
            raise self.error("an exponent of several signs stands in braces", wrong,
                             f"write ^{{{token.shown}...}}" if token.kind != END else "write ^{2}",
                             )  # fmt: skip
        if token.kind == DIGIT:
            self.take()
            self._check_single(token, "^")
            return Part(number(token.text), token.span, is_numeric=True), ""
        return (yield self._atom(is_argument=True)), ""

    def _mark(self, content: Sequence[Token], span: Span, base: Part | None) -> str:
        """What stands where an exponent might and is none; "" if it is one."""
        shown = "".join(token.shown for token in content)
        if shown in _TRANSPOSES:
            return "T"
        if (shown.strip("'") == "" and shown) or (shown.replace("\\prime", "") == "" and content):
            raise self._prime(base, content[0])
        if shown in _MARKS:
            raise self.error(f"'^{shown}' is no exponent", span,
                             f"write the mark as an index: x_{{{shown}}}")  # fmt: skip
        if shown == "\\circ":
            raise self.error("agx has no degrees", span, "write \\frac{\\pi}{180} x")
        lone = len(content) == 3 and content[0].text == "(" and content[2].text == ")"
        if lone and content[1].kind in (LETTER, DIGIT) and base is not None and base.look:
            inner = content[1].text
            raise self.error(
                f"'^{{({inner})}}' can be an exponent and the number of a sample or derivative",
                span, f"write ^{{{inner}}} for the power, _{{{inner}}} for a name",
            )  # fmt: skip
        return ""

    def _prime(self, base: Part | None, token: Token) -> ReadError:
        shown = self._shown(Span(base.span.start, token.span.end)) if base else token.shown
        return self.error(
            f"agx has no form for the derivative {shown}", token.span,
            "write the function out; agx differentiates it. A variable of its own is x_{1}",
        )  # fmt: skip

    def _scripted(self, part: Part, scripts: Scripts, start: int) -> Part:
        """The part with its scripts: TeX sets x_1^2 and x^2_1 alike."""
        span = Span(part.span.start, scripts.end)
        if scripts.below is not None:
            part = self._indexed(part, scripts.below, span)
        if scripts.mark == "T":
            if part.array in ("vector", "row"):  # in agx a vector is neither row nor column
                other = "row" if part.array == "vector" else "vector"
                return Part(part.term, span, array=other, is_bold=part.is_bold)
            array = part.array or "transposed"
            return Part(Term("transpose", (part.term,)), span, array=array, is_bold=part.is_bold)
        if scripts.above is None:
            return part
        return self._raised(part, scripts.above, span)

    def _raised(self, base: Part, exponent: Part, span: Span) -> Part:
        is_numeric = base.is_numeric and exponent.is_numeric
        whole = exponent.term.head == "number" and exponent.term.name.lstrip("-").isdigit()
        array = base.array
        if base.term == EULER:
            term = call("exp", exponent.term)
        elif base.array == "matrix" and exponent.term == number("-1"):
            term = call("inv", base.term)
        elif base.array == "matrix" and whole:
            term = call("matrix_power", base.term, exponent.term)
        else:
            term = power(base.term, exponent.term)
        return Part(
            term, span, array=array, is_bold=base.is_bold, is_scripted=True, is_numeric=is_numeric
        )

    def _check_call(self, part: Part, start: int) -> None:
        """Refuses f^2(x), and x_1^2(y): whether it is a product is anybody's guess."""
        token = self.tokens[start]
        found = letter(token)
        if not part.is_scripted or found is None or not self._opens("("):
            return
        is_simple = self.tokens[self._end_of_bracket()].kind == SYMBOL and self._is_lone()
        plain = start + 1 < len(self.tokens) and self.tokens[start + 1].kind == SUPERSCRIPT
        if token.text in NEVER_FACTORS or (is_simple and not (plain and token.kind == LETTER)):
            raise self._unknown_function(self._shown(part.span), part.span)


_TRANSPOSES = frozenset(
    ["\\top", "\\intercal", "\\mathsf{T}", "\\mathsf{t}", "\\mathrm{T}", "\\mathrm{t}", "\\text{T}"]
)
_MARKS = frozenset(["*", "+", "-", "\\ast", "\\star", "\\dagger", "\\pm", "\\bullet", "\\perp"])
