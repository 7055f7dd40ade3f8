"""Environments: cases and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.errors import Span
from autograd_cli.language.latex import vocabulary
from autograd_cli.language.latex.calls import Calls
from autograd_cli.language.latex.cursor import Part
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import (
    ALIGN,
    COMMAND,
    END,
    LETTER,
    OPEN,
    ROW,
    SHIFT,
    WORD,
    Token,
    closing,
)
from autograd_cli.language.terms import Term, call, name


@dataclass
class Environments(Calls):
    r"""What stands between \begin and \end."""

    def _environment(self) -> Rule[Part]:
        start = self.place
        begin = self.peek
        environment = self._environment_name()
        if not closing(self.tokens, self.place + 1):
            raise self.error("'\\begin' has no name", begin.span)
        self.place = closing(self.tokens, self.place + 1) + 1
        self._deeper(begin.span)
        if environment in vocabulary.CASES:
            part = yield self._cases(start, environment)
        elif environment in vocabulary.MATRICES or environment == "vmatrix":
            part = yield self._matrix(start, environment)
        else:
            hint = "write the formula alone"
            if environment == "Vmatrix":
                hint = "write \\operatorname{norm}(A)"
            elif environment == "array":
                hint = "write \\begin{cases} or \\begin{pmatrix}"
            raise self.error(f"agx has no form for '\\begin{{{environment}}}'",
                             Span(begin.span.start, self.tokens[self.place - 1].span.end),
                             hint)  # fmt: skip
        self.depth -= 1
        return part

    def _end(self, start: int, environment: str) -> None:
        """Takes \\end{...}."""
        token = self.peek
        if token.text != "end":
            begin = self.tokens[start]
            if token.kind == END:
                raise self.error(f"'\\begin{{{environment}}}' has no '\\end'", begin.span)
            raise self._out_of_place(token)
        ended = self._environment_name()
        if ended != environment:
            raise self.error(f"'\\begin{{{environment}}}' is ended by '\\end{{{ended}}}'",
                             token.span)  # fmt: skip
        self.place = closing(self.tokens, self.place + 1) + 1

    def _matrix(self, start: int, environment: str) -> Rule[Part]:
        rows: list[list[Term]] = [[]]
        open_before, self.waiting = self.waiting, ["matrix"]
        while True:
            rows[-1].append((yield self._logical()).term)
            if self.peek.kind == ALIGN:
                self.take()
                continue
            if self.peek.kind != ROW:
                break
            self.take()
            if self.peek.text == "end":
                break
            rows.append([])
        self._end(start, environment)
        self.waiting = open_before
        span = self._between(start)
        if len({len(row) for row in rows}) > 1:
            raise self.error("the rows of the matrix differ in length", span)
        if len(rows[0]) == 1 and environment != "vmatrix":  # a column is a vector
            term = Term("list", tuple(row[0] for row in rows))
            return Part(term, span, array="vector")
        term = Term("list", tuple(Term("list", tuple(row)) for row in rows))
        if environment == "vmatrix":
            return Part(call("det", term), span)
        return Part(term, span, array="matrix")

    def _cases_of_array(self, start: int) -> Rule[Part]:
        r"""\left\{ \begin{array}{ll} ... \end{array} \right. is cases in other words."""
        environment = self._environment_name()
        begin = self.place
        self.place = closing(self.tokens, self.place + 1) + 1
        if self.peek.kind == OPEN and environment in ("array", "alignedat"):  # the columns
            self.place = closing(self.tokens, self.place) + 1
        self._deeper(self.tokens[begin].span)
        part = yield self._cases(begin, environment)
        self.depth -= 1
        closed = self._delimiter()
        if closed is None or closed[0] != "." or closed[1] != "close":
            raise self._never_closed(self.tokens[start])
        self.place += closed[2]
        return part

    def _cases(self, start: int, environment: str) -> Rule[Part]:
        open_before, self.waiting = self.waiting, ["cases"]
        branches: list[tuple[Term, Term | None]] = []
        while True:
            row = self.peek.span
            if branches and branches[-1][1] is None:
                raise self.error("nothing can follow what holds otherwise", row)
            value = yield self._logical()
            self._pass_stops()
            if self.peek.kind != ALIGN:
                raise self.error(
                    f"a row of '\\begin{{{environment}}}' is a value, &, and when it holds",
                    Span(self.tokens[start].span.start, value.span.end),
                    "write x & x > 0 \\\\ -x & \\text{otherwise}",
                )  # fmt: skip
            self.take()
            branches.append((value.term, (yield self._condition())))
            if self.peek.kind != ROW:
                break
            self.take()
            if self.peek.text == "end":
                break
        self._end(start, environment)
        self.waiting = open_before
        result = name("nan")  # where no condition holds
        for value_term, condition in reversed(branches):
            if condition is None:
                result = value_term
            else:
                result = call("where", condition, value_term, result)
        return Part(result, self._between(start))

    def _condition(self) -> Rule[Term | None]:
        """The condition of a row; None for `otherwise`."""
        self._spell_out()
        said: list[Token] = []
        while self.peek.kind == WORD and self.peek.text not in vocabulary.NEGATIONS:
            said.append(self.take())
        self._pass_stops()
        texts = [token.text for token in said]
        ends = self.peek.kind in (ROW, END) or self.peek.text == "end"
        if ends and any(text in vocabulary.OTHERWISE | vocabulary.FILLERS for text in texts):
            return None
        strange = [one for one in said if one.text not in vocabulary.INTRODUCTIONS]
        if strange or ends:
            raise self.error("a condition is missing" if ends and not strange else
                             f"'{strange[0].text}' says no condition",
                             strange[0].span if strange else self.peek.span,
                             "write x > 0 or \\text{otherwise}")  # fmt: skip
        part = yield self._logical()
        self._pass_stops()
        if part.term.head not in _CONDITIONS:
            raise self.error("a condition compares two sides", part.span, "write x > 0")
        return part.term

    def _spell_out(self) -> None:
        r"""Puts the words of \text{if } in the place of the command, up to the end of the row."""
        end = self.place
        depth = 0
        while self.tokens[end].kind != END and not (
            depth == 0 and (self.tokens[end].kind in (ROW, ALIGN) or self.tokens[end].text == "end")
        ):
            depth += (self.tokens[end].text == "begin") - (self.tokens[end].text == "end")
            end += 1
        at = self.place
        spelled: list[Token] = []
        while at < end:
            token = self.tokens[at]
            closed = closing(self.tokens, at + 1)
            is_text = token.kind == COMMAND and vocabulary.STYLES.get(token.text) in ("rm", "it")
            if is_text and closed and self._is_said(at + 2, closed):
                spelled += _words(self.tokens[at + 2 : closed])
                at = closed + 1
            else:
                spelled.append(token)
                at += 1
        self.tokens[self.place : end] = spelled

    def _is_said(self, start: int, end: int) -> bool:
        """Whether braces hold words of a sentence, not a name."""
        told = _words(self.tokens[start:end])
        every = (
            vocabulary.INTRODUCTIONS | vocabulary.OTHERWISE | vocabulary.FILLERS
            | vocabulary.CONJUNCTIONS | vocabulary.DISJUNCTIONS | vocabulary.NEGATIONS
        )  # fmt: skip
        return any(token.kind == WORD and token.text in every for token in told)


_CONDITIONS = frozenset(["<", "<=", ">", ">=", "==", "!=", "and", "or", "not"])


def _words(tokens: Sequence[Token]) -> list[Token]:
    """The words of a text, and the tokens of formulas within dollars."""
    found: list[Token] = []
    is_formula = False
    is_open = False
    for token in tokens:
        if token.kind == SHIFT:
            is_formula, is_open = not is_formula, False
        elif is_formula:
            found.append(token)
        elif token.kind == LETTER and is_open and not token.spaced:
            last = found.pop()
            span = Span(last.span.start, token.span.end)
            found.append(last._replace(text=last.text + token.text.lower(), span=span))
        elif token.kind == LETTER:
            found.append(Token(WORD, token.text.lower(), token.span, token.spaced))
            is_open = True
        else:
            is_open = False
            if token.shown not in (",", ".", ":"):
                found.append(token)
    return found
