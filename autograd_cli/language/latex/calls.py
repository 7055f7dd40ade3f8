"""Functions and where their arguments end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.errors import AgxError, ReadError, Span
from autograd_cli.language.latex import functions, vocabulary
from autograd_cli.language.latex.cursor import Part, Scripts
from autograd_cli.language.latex.names import word
from autograd_cli.language.latex.products import Products
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import (
    COMMAND,
    DIGIT,
    END,
    OPEN,
    SUBSCRIPT,
    SUPERSCRIPT,
    Token,
    closing,
)
from autograd_cli.language.reader import read
from autograd_cli.language.terms import Term, call, name, negated, number, power, write


@dataclass
class Calls(Products):
    """Functions with their arguments, in brackets or without."""

    def _open(self) -> tuple[str, Token]:
        """Takes an opening delimiter."""
        found = self._delimiter()
        assert found is not None
        delimiter, side, count = found
        token = self.peek
        if side == "close" or delimiter not in vocabulary.PAIRS:
            raise self._missing(token)
        self.place += count
        self._deeper(token.span)
        self.waiting.append(delimiter)
        return delimiter, token

    def _close(self, delimiter: str, opening: Token) -> None:
        """Takes the delimiter that closes one."""
        found = self._delimiter()
        token = self.peek
        if found is None or found[1] == "open":
            if token.kind == END:
                raise self.error(f"the formula is not finished: '{opening.shown}' is never closed",
                                 token.span, f"add the missing '{vocabulary.PAIRS[delimiter]}'",
                                 )  # fmt: skip
            raise self._out_of_place(token)
        if found[0] != vocabulary.PAIRS[delimiter]:
            if delimiter == "." or found[0] == ".":
                raise self.error("a delimiter on one side alone", token.span,
                                 "agx evaluates at values given in --at, not at x = 0")  # fmt: skip
            raise self.error(f"'{delimiter}' is closed by '{found[0]}'", token.span,
                             f"write '{vocabulary.PAIRS[delimiter]}'")  # fmt: skip
        self.place += found[2]
        self.waiting.pop()
        self.depth -= 1

    def _function(self, token: Token, word: str, *, is_letter: bool = False) -> Rule[Part]:
        """A function with its arguments."""
        start = token.span.start
        scripts = yield self._function_scripts(token, word)
        shown = self._shown(token.span) if is_letter or token.shown[1:] != word else token.shown
        arguments = yield self._arguments(token, shown)
        function = functions.known(word) or word
        span = Span(start, self.tokens[self.place - 1].span.end)
        inverse = False
        if scripts.above is not None and scripts.above.term == number("-1"):
            if function not in functions.INVERSES:
                raise self.error(f"'{shown}^{{-1}}' can be the inverse and the reciprocal",
                                 token.span, rf"write \frac{{1}}{{{shown}(x)}}")  # fmt: skip
            function, inverse = functions.INVERSES[function], True
        base = None
        if scripts.below is not None:
            base = yield self._base(scripts.below)
        term = self._applied(function, base, arguments, token, shown)
        if scripts.above is not None and not inverse:
            term = power(term, scripts.above.term)
        return Part(term, span)

    def _function_scripts(self, token: Token, word: str) -> Rule[Scripts]:
        if self.peek.kind not in (SUPERSCRIPT, SUBSCRIPT) and self.peek.shown != "'":
            return Scripts()
        scripts = yield self._scripts(None)
        if scripts.mark:
            raise self.error(f"a transpose of '{token.shown}'", token.span)
        if scripts.below is not None and word != "log":
            first, last = scripts.below[0].span, scripts.below[-1].span
            raise self.error(f"'{token.shown}' has no index", Span(first.start, last.end),
                             "write its arguments in brackets")  # fmt: skip
        return scripts

    def _base(self, below: Sequence[Token]) -> Rule[Term]:
        """The base of a logarithm, which is a formula."""
        end = below[-1].span
        kept = self.tokens, self.place, self.waiting
        self.tokens = [*below, Token(END, "", Span(end.end, end.end + 1))]
        self.place, self.waiting = 0, []
        part = yield self._logical()
        if self.peek.kind != END:
            raise self._out_of_place(self.peek)
        self.tokens, self.place, self.waiting = kept
        return part.term

    def _arguments(self, token: Token, shown: str) -> Rule[list[Term]]:
        """The arguments, in brackets or without."""
        opening = self._delimiter()
        if opening and opening[0] in ("(", "[", "\\{") and opening[1] != "close":
            return (yield self._listed())
        if self.peek.kind == OPEN and self._holds_brackets():
            self.take()
            items = yield self._listed()
            self.take()
            return items
        if token.text in ("max", "min"):
            raise self.error(f"'{shown}' needs its arguments in brackets", token.span,
                             f"write {shown}(a, b)")  # fmt: skip
        is_negative = self._signs()
        part = yield self._bare(token, shown)
        return [negated(part.term) if is_negative else part.term]

    def _listed(self) -> Rule[list[Term]]:
        """Arguments in brackets, with commas between them."""
        delimiter, opening = self._open()
        closing_next = self._delimiter()
        if closing_next and closing_next[1] == "close":
            raise self.error("the brackets are empty", opening.span, "put a value between them")
        items: list[Term] = []
        while True:
            items.append((yield self._item()))
            if self.peek.text != ",":
                break
            comma = self.take()
            self._check_comma(comma)
        self._close(delimiter, opening)
        return items

    def _check_comma(self, comma: Token) -> None:
        """Refuses \\max(1,000): a number or two?"""
        before = self.tokens[self.place - 2]
        group = self.tokens[self.place : self.place + 4]
        is_group = [t.kind for t in group[:3]] == [DIGIT] * 3 and group[3].kind != DIGIT
        if before.kind == DIGIT and is_group and not group[0].spaced:
            raise self.error("a comma between digits can be read in two ways", comma.span,
                             "write 1{,}000 for thousands, 1, 000 for two numbers")  # fmt: skip

    def _item(self) -> Rule[Term]:
        r"""An argument in brackets: a formula, or a setting such as \mathrm{dim}=0."""
        token = self.peek
        if token.kind == COMMAND and token.text in vocabulary.STYLES:
            end = closing(self.tokens, self.place + 1)
            if end and self.tokens[end + 1].shown == "=":
                self.take()
                option = word(self._raw_argument(token), token, self.source).plain
                self.take()
                return Term("option", ((yield self._setting()),), option)
        part = yield self._logical()
        return part.term

    def _setting(self) -> Rule[Term]:
        token = self.peek
        if token.kind == COMMAND and token.text in vocabulary.STYLES:
            self.take()
            return name(word(self._raw_argument(token), token, self.source).plain)
        if self._opens("("):
            items = yield self._listed()
            return Term("list", tuple(items))
        return (yield self._sum()).term

    def _bare(self, function: Token, shown: str) -> Rule[Part]:
        """The argument without brackets: the product that follows."""
        start = self.place
        if self._is_function():
            self._deeper(function.span)
            part = yield self._factor()
            self.depth -= 1
            self._check_end(part, function, shown, start, "function")
            return part
        if self.peek.kind == OPEN:
            part = yield self._group()
            self._check_braces(part, function, shown, start)
            return part
        if not self._begins_factor():
            raise self.error(f"'{shown}' has no argument", function.span, f"write {shown}(x)")
        left = yield self._factor()
        if left.brackets:
            self._check_end(left, function, shown, start, "brackets")
            return left
        while self._begins_factor() and not self._is_function():
            if self._opens("(") or self._opens("["):
                if not left.is_numeric:
                    raise self._unclear(shown, start)
                left = self._juxtaposed(left, (yield self._factor()))
                self._check_end(left, function, shown, start, "brackets")
                return left
            left = self._juxtaposed(left, (yield self._factor()))
        self._check_slash(shown, start)
        return left

    def _check_slash(self, shown: str, start: int) -> None:
        if vocabulary.PRODUCTS.get(self.peek.shown) != "/":
            return
        self.place += 1
        is_function = self._is_function()
        self.place -= 1
        if not is_function:
            raise self._unclear(shown, start)

    def _check_end(self, part: Part, function: Token, shown: str, start: int, kind: str) -> None:
        """Refuses what might still belong to the argument: \\ln|x| y, \\log\\sin x\\cos x."""
        if self._begins_factor() and (kind == "function" or not self._is_function()):
            raise self._unclear(shown, start)
        self._check_slash(shown, start)

    def _check_braces(self, part: Part, function: Token, shown: str, start: int) -> None:
        r"""Refuses \sin{x}^2 and \sin{x + y}: braces cannot be seen."""
        is_sum = part.term.head == "+" and not part.brackets
        if is_sum or self.peek.kind in (SUPERSCRIPT, SUBSCRIPT) or self.peek.shown == "!":
            raise self._unclear(shown, start)
        self._check_end(part, function, shown, start, "braces")

    def _unclear(self, shown: str, start: int) -> ReadError:
        argument = self._shown(self._between(start)).strip("{}")
        return self.error(
            f"it is not clear where the argument of '{shown}' ends", self.peek.span,
            f"write it in brackets: {shown}({argument}) or {shown}({argument} ...)",
        )  # fmt: skip

    def _applied(
        self,
        function: str,
        base: Term | None,
        arguments: list[Term],
        token: Token,
        shown: str,
    ) -> Term:
        """The call, which the table is certain to take."""
        count = len(arguments)
        if (function, count) in functions.IN_OTHER_WORDS:
            return functions.IN_OTHER_WORDS[function, count](*arguments)
        if base is not None and count > 1:
            raise self.error(f"'{shown}' with a base takes one argument", token.span)
        if base is not None:
            return functions.logarithm(base, *arguments)
        if function == "log" and count == 1 and arguments[0].head == "call":
            inner = arguments[0]
            if inner.name == "det":
                return call("logdet", *inner.args)
        term = call(function, *arguments)
        self._check_taken(term, function, shown, token)
        return term

    def _check_taken(self, term: Term, function: str, shown: str, token: Token) -> None:
        """Refuses a call that the reader would refuse, at its place in LaTeX."""
        stand_ins = tuple(
            arg if arg.head in ("number", "option") else name("x") for arg in term.args
        )
        try:
            read(write(term._replace(args=stand_ins)))
        except AgxError as error:
            letters = functions.LETTERS.values()
            if function in letters and len(term.args) == 1:
                raise self._unknown_function(shown, token.span) from None
            raise self.error(error.message, token.span, error.hint) from None
