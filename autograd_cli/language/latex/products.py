"""Sums and products, with and without signs between the factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autograd_cli.errors import Span
from autograd_cli.language.latex import vocabulary
from autograd_cli.language.latex.cursor import Part
from autograd_cli.language.latex.lookahead import is_differential
from autograd_cli.language.latex.numbers import number_span
from autograd_cli.language.latex.scripts import Scripted
from autograd_cli.language.latex.steps import Rule
from autograd_cli.language.latex.tokens import DIGIT, Token
from autograd_cli.language.terms import Term, call, flat, name, negated, number, reciprocal

LARGEST_EXPONENT = 290  # of ten, in a number that is read as one


@dataclass
class Products(Scripted):
    """Sums, products and quotients."""

    def _sum(self) -> Rule[Part]:
        start = self.place
        first = yield self._signed()
        terms = [first.term]
        array, is_bold = first.array, first.is_bold
        while self.peek.shown in ("+", "-"):
            is_negative = self.take().shown == "-"
            part = yield self._signed()
            terms.append(negated(part.term) if is_negative else part.term)
            array, is_bold = array or part.array, is_bold or part.is_bold
        if len(terms) == 1:
            return first
        return Part(flat("+", terms), self._between(start), array=array, is_bold=is_bold)

    def _signed(self) -> Rule[Part]:
        start = self.place
        is_negative = self._signs()
        part = yield self._product()
        if self.tokens[start].shown in ("+", "-"):
            term = negated(part.term) if is_negative else part.term
            return part._replace(
                term=term, span=self._between(start), look=None, brackets="", factors=1,
                is_ratio=False,
            )  # fmt: skip
        return part

    def _product(self) -> Rule[Part]:
        """Factors with signs between them, from left to right."""
        start = self.place
        left = yield self._run()
        while operation := vocabulary.PRODUCTS.get(self.peek.shown, ""):
            sign = self.take()
            before = self.place
            is_negative = self._signs()
            right = yield self._run()
            if operation == "/":
                self._check_ratio(left, right, start, before, sign)
            if is_negative:
                right = right._replace(term=negated(right.term), factors=1)
            left = self._combined(left, operation, right, sign.span)
        return left

    def _check_ratio(self, left: Part, right: Part, start: int, before: int, sign: Token) -> None:
        r"""Refuses 1/2x and dy/dx."""
        span = Span(left.span.start, right.span.end)
        if is_differential(self.tokens[start:]) and is_differential(self.tokens[before:]):
            raise self._derivative(span)
        if left.term.head == "number" and right.factors > 1 and self.tokens[before].kind == DIGIT:
            digits = self.source[slice(*number_span(self.tokens, before))]
            rest = self.source[number_span(self.tokens, before).end : right.span.end].strip()
            above = self._shown(left.span)
            raise self.error(
                f"'{self._shown(span)}' can be read in two ways", sign.span,
                rf"write \frac{{{above}}}{{{digits}}} {rest} or {above}/({digits} {rest})",
            )  # fmt: skip

    def _combined(self, left: Part, operation: str, right: Part, sign: Span) -> Part:
        """A product or quotient of two parts."""
        span = Span(left.span.start, right.span.end)
        is_numeric = left.is_numeric and right.is_numeric
        if operation == "mod":
            return Part(call("mod", left.term, right.term), span)
        if operation in ("", "dot", "cross") and (left.array or right.array):
            return self._product_of_arrays(left, operation, right, span)
        if operation == "/":
            term = flat("*", [left.term, reciprocal(right.term)])
        else:
            term = _scientific(left.term, right.term)
        return Part(
            term,
            span,
            array=left.array or right.array,
            is_bold=left.is_bold or right.is_bold,
            factors=1 if operation else left.factors + right.factors,
            is_numeric=is_numeric,
        )

    def _product_of_arrays(self, left: Part, operation: str, right: Part, span: Span) -> Part:
        """A product in which at least one factor is known to be a vector or a matrix.

        Where letters are bold, the others are numbers; elsewhere they may be anything.
        """
        unclear = self.error(
            "LaTeX does not say which product this is", span,
            "write vectors as \\mathbf{x}, matrices as \\mathbf{A}, or A @ x in the language of"
            " agx",
        )  # fmt: skip
        is_bold = left.is_bold or right.is_bold
        factors = 1 if operation else left.factors + right.factors
        if not (left.array and right.array):
            other = right if left.array else left
            if not (is_bold or other.is_numeric):
                raise unclear
            array = left.array or right.array
            term = _scientific(left.term, right.term)
            return Part(term, span, array=array, is_bold=is_bold, factors=factors)
        kinds = (left.array, right.array)
        if operation and kinds == ("vector", "vector"):
            array = "" if operation == "dot" else "vector"
            return Part(call(operation, left.term, right.term), span, array=array, is_bold=is_bold)
        if operation == "cross" or kinds not in _MATRIX_PRODUCTS:
            raise unclear
        array = _MATRIX_PRODUCTS[kinds]
        both = (left.term, right.term)
        term = call("outer", *both) if kinds == ("vector", "row") else Term("@", both)
        return Part(term, span, array=array, is_bold=is_bold, factors=factors)

    def _run(self) -> Rule[Part]:
        """Factors without signs between them."""
        left = yield self._factor()
        while self._begins_factor():
            before = left
            left = self._juxtaposed(left, (yield self._factor()))
            if before.term.head == "number" and self.peek.kind == DIGIT:
                break
        return left

    def _juxtaposed(self, left: Part, right: Part) -> Part:
        span = Span(left.span.start, right.span.end)
        if left.term.head == "number" and right.is_ratio and left.factors == 1:
            raise self.error(
                f"'{self._shown(span)}' can be read as a sum and as a product", span,
                rf"write {self._shown(left.span)} + … or {self._shown(left.span)} \cdot …",
            )  # fmt: skip
        if left.look is not None and left.look.is_letter and right.brackets == "(":
            inner = right.term
            if inner.head in ("name", "number"):
                shown = self._shown(span)
                self.notes[f"{shown} is read as a product; a function has to be written out"] = None
        return self._combined(left, "", right, span)


_MATRIX_PRODUCTS: Mapping[tuple[str, str], str] = {
    ("matrix", "matrix"): "matrix",
    ("matrix", "vector"): "vector",
    ("row", "matrix"): "row",
    ("row", "vector"): "",
    ("vector", "row"): "matrix",
}


def _scientific(left: Term, right: Term) -> Term:
    r"""A product; 2.5 \cdot 10^{-3} in it is one number."""
    factors = list(left.args) if left.head == "*" else [left]
    behind = list(right.args) if right.head == "*" else [right]
    exponent = behind[0].args[1] if behind[0].head == "**" else name("")
    if (
        behind[0].head == "**"
        and behind[0].args[0] == number("10")
        and exponent.head == "number"
        and exponent.name.lstrip("-").isdigit()
        and abs(int(exponent.name)) <= LARGEST_EXPONENT
        and factors[-1].head == "number"
        and factors[-1].name.replace(".", "").isdigit()
    ):
        mantissa = factors.pop()
        behind[0] = number(f"{mantissa.name}e{exponent.name}")
        return flat("*", [*factors, *behind])
    return flat("*", [left, right])
