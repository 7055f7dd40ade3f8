"""Atoms: fractions, roots, and whatever stands in brackets or braces."""

from __future__ import annotations

from dataclasses import dataclass

from autograd_cli.errors import Span
from autograd_cli.language.latex import functions, vocabulary
from autograd_cli.language.latex.cursor import INFINITY, Part
from autograd_cli.language.latex.environments import Environments
from autograd_cli.language.latex.names import letter
from autograd_cli.language.latex.numbers import number_span
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import CLOSE, COMMAND, DIGIT, END, LETTER, OPEN, Token
from autograd_cli.language.terms import Term, call, flat, number, power, reciprocal


@dataclass
class Atoms(Environments):
    """What has no parts that signs could join."""

    def _atom(self, *, is_argument: bool = False) -> Rule[Part]:
        """What has no parts that signs could join; an argument of TeX is one token."""
        token = self.peek
        if token.kind == DIGIT or (token.text == "." and self.after().kind == DIGIT):
            return self._number()
        if token.kind == LETTER:
            return self._letter(is_argument)
        if token.kind == OPEN:
            return (yield self._group())
        if self._delimiter():
            return (yield self._bracketed())
        if token.kind != COMMAND:
            raise self._missing(token)
        text = token.text
        if text in vocabulary.FRACTIONS:
            return (yield self._fraction())
        if text == "sqrt":
            return (yield self._root())
        if text in vocabulary.BINOMIALS:
            return (yield self._binomial())
        if text == "begin":
            return (yield self._environment())
        if text in vocabulary.STYLES:
            return (yield self._styled(is_argument))
        if text in vocabulary.ACCENTS:
            return self._accented(is_argument)
        if text in vocabulary.ABSENT:
            what, hint = vocabulary.ABSENT[text]
            raise self.error(f"agx has no form for {what}", token.span, hint)
        if text == "infty":
            return Part(INFINITY, self.take().span, is_numeric=True)
        if letter(token) is not None:
            return (yield self._greek(is_argument))
        if self._is_function():
            return (yield self._function(self.take(), text))
        if self._ends_or_joins():
            raise self._missing(token)
        raise self.error(f"'{token.shown}' cannot be read here", token.span,
                         r"a name of several letters is written \mathrm{name}")  # fmt: skip

    def _group(self) -> Rule[Part]:
        """What braces hold."""
        brace = self.take()
        self._deeper(brace.span)
        open_before, self.waiting = self.waiting, []
        part = yield self._logical()
        self.waiting = open_before
        if self.peek.kind != CLOSE:
            raise (
                self._never_closed(brace)
                if self.peek.kind == END
                else self._out_of_place(self.peek)
            )
        self.take()
        self.depth -= 1
        return part._replace(factors=1)

    def _fraction(self) -> Rule[Part]:
        start = self.place
        command = self.take()
        if self._is_derivative():
            raise self._derivative(Span(command.span.start, self._end_of_fraction()))
        above = yield self._argument(command)
        below = yield self._argument(command)
        term = flat("*", [above.term, reciprocal(below.term)])
        return Part(
            term,
            self._between(start),
            array=above.array,
            is_numeric=above.is_numeric and below.is_numeric,
            is_ratio=above.term.head == below.term.head == "number",
        )

    def _argument(self, command: Token) -> Rule[Part]:
        r"""An argument of TeX: one token, or what braces hold."""
        token = self.peek
        if token.kind == OPEN:
            if self.after().kind == CLOSE:
                raise self.error(f"an argument of '{command.shown}' is empty", token.span)
            return (yield self._group())
        if token.kind == DIGIT:
            self.take()
            following = self.peek
            is_last = command.text == "sqrt" or self.tokens[self.place - 2].kind != COMMAND
            if is_last and following.kind == DIGIT and not following.spaced:
                span = Span(token.span.start, number_span(self.tokens, self.place).end)
                raise self.error(f"'{command.shown}' takes the first digit alone", span,
                                 f"write {{{self.source[slice(*span)]}}}")  # fmt: skip
            return Part(number(token.text), token.span, is_numeric=True)
        if token.kind not in (LETTER, COMMAND) or self._is_function() or self._delimiter():
            raise self.error(f"'{command.shown}' takes what stands in braces", token.span
                             if token.kind != END else command.span,
                             f"write {command.shown}{{...}}")  # fmt: skip
        return (yield self._atom(is_argument=True))

    def _root(self) -> Rule[Part]:
        start = self.place
        command = self.take()
        degree: Part | None = None
        if self.peek.text == "[":
            bracket = self.take()
            self._deeper(bracket.span)
            self.waiting.append("[")
            degree = yield self._sum()
            self.waiting.pop()
            if self.peek.text != "]":
                raise self._never_closed(bracket)
            self.take()
            self.depth -= 1
        part = yield self._argument(command)
        span = self._between(start)
        root = degree.term if degree is not None else number("2")
        if root == number("2"):
            term = call("sqrt", part.term)
        elif root == number("3"):  # a cube root in a formula is the real one
            term = call("cbrt", part.term)
        else:
            term = power(part.term, flat("*", [number("1"), reciprocal(root)]))
        return Part(term, span, is_numeric=part.is_numeric)

    def _binomial(self) -> Rule[Part]:
        start = self.place
        command = self.take()
        n = yield self._argument(command)
        k = yield self._argument(command)
        return Part(functions.IN_OTHER_WORDS["binom", 2](n.term, k.term), self._between(start))

    def _bracketed(self) -> Rule[Part]:
        start = self.place
        delimiter, opening = self._open()
        is_cases = delimiter == "\\{" and self.peek.text == "begin"
        if is_cases and self._environment_name() in vocabulary.ROWS:
            self.waiting.pop()
            self.depth -= 1
            return (yield self._cases_of_array(start))
        if self._delimiter() and self._delimiter()[1] == "close":  # type: ignore[index]
            raise self.error("the brackets are empty", opening.span, "put a value between them")
        part = yield self._logical()
        if self.peek.text == "," and delimiter == "[":
            return (yield self._list(part, start, delimiter, opening))
        if self.peek.text in (",", ";"):
            raise self.error(f"'{self.peek.text}' cannot be read here", self.peek.span,
                             "a list is written [a, b]; a number of thousands 1{,}000",
                             )  # fmt: skip
        self._close(delimiter, opening)
        span = self._between(start)
        function = _AROUND.get(delimiter)
        if function is not None:
            return Part(call(function, part.term), span, brackets=delimiter)
        return part._replace(
            span=span, brackets=delimiter, look=None, factors=1, is_scripted=False, is_ratio=False
        )

    def _list(self, first: Part, start: int, delimiter: str, opening: Token) -> Rule[Part]:
        items = [first.term]
        while self.peek.text == ",":
            self.take()
            items.append((yield self._logical()).term)
        self._close(delimiter, opening)
        return Part(Term("list", tuple(items)), self._between(start), array="vector")


_AROUND = {"|": "abs", "\\lfloor": "floor", "\\rfloor": "floor", "\\lceil": "ceil"}
