r"""LaTeX to terms: the grammar of formulas as people write them, and what of it is refused.

What TeX sets can be ambiguous: \sin x/y, 1/2x, f(x). Where books differ, or where the one reading
and the other are equally near, the formula is refused and both are told. Elsewhere the conventions
are those of the AMS and of ISO 80000-2: a product without a sign binds tighter than one with a sign
or a slash, and the argument of \sin without brackets is the product that follows, up to the next
function, sign of multiplication, plus or minus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autograd_cli.errors import ReadError, Span
from autograd_cli.language.latex import vocabulary
from autograd_cli.language.latex.atoms import Atoms
from autograd_cli.language.latex.cursor import EULER, Part
from autograd_cli.language.latex.names import Names
from autograd_cli.language.latex.steps import Rule, run
from autograd_cli.language.latex.tokens import END
from autograd_cli.language.terms import Term, call, name, names_in, number, write


class Translation(NamedTuple):
    """A formula in the language of agx, the names in it that are variables, and what is to be told
    of how it was read."""

    text: str
    variables: tuple[str, ...]
    notes: tuple[str, ...] = ()


def translate(source: str, given: Sequence[str] = (), names: Names | None = None) -> Translation:
    """A LaTeX formula in the language of agx.

    `given` are the names that have values: a constant is not written by a name among them. `names`
    are those of formulas that belong together.
    Raises: ReadError, with the place in `source` and how to mend it.
    """
    names = names or Names()
    parser = Parser(source)
    term = run(parser.whole())
    keys = [key for key in names_in(term) if key in parser.looks]
    for key in keys:
        names.add(key, *parser.looks[key], source)
    chosen = names.chosen()
    variables = tuple(chosen[key] for key in keys)
    meanings = {key: name(text) for key, text in chosen.items()}
    if "E" in (*chosen.values(), *given):
        meanings[EULER.name] = call("exp", number("1"))
    try:
        text = write(term, meanings)
    except ReadError as error:
        raise error.within(source, Span(0, len(source))) from None
    return Translation(text, variables, tuple(parser.notes))


@dataclass
class Parser(Atoms):
    """The rules of the grammar, from whole formulas down."""

    def whole(self) -> Rule[Term]:
        """The formula from end to end."""
        if self.peek.kind == END:
            raise self.error("the expression is empty", Span(0, len(self.source)))
        part = yield self._logical(is_condition=False)
        if self.peek.kind != END:
            raise self._out_of_place(self.peek)
        return part.term

    def _logical(self, *, is_condition: bool = True) -> Rule[Part]:
        """Comparisons, joined by `and` and `or`."""
        start = self.place
        either = [(yield self._conjunction(is_condition))]
        while self.peek.shown in vocabulary.DISJUNCTIONS:
            self.take()
            either.append((yield self._conjunction(is_condition)))
        if len(either) == 1:
            return either[0]
        return Part(Term("or", tuple(part.term for part in either)), self._between(start))

    def _conjunction(self, is_condition: bool) -> Rule[Part]:
        start = self.place
        both = [(yield self._comparison(is_condition))]
        while self.peek.shown in vocabulary.CONJUNCTIONS:
            self.take()
            both.append((yield self._comparison(is_condition)))
        if len(both) == 1:
            return both[0]
        return Part(Term("and", tuple(part.term for part in both)), self._between(start))

    def _comparison(self, is_condition: bool) -> Rule[Part]:
        start = self.place
        negations = 0
        while self.peek.shown in vocabulary.NEGATIONS:
            self.take()
            negations += 1
        parts = [(yield self._sum())]
        signs: list[str] = []
        while sign := self._relation(is_condition):
            signs.append(sign)
            parts.append((yield self._sum()))
        part = parts[0]
        if signs:
            part = Part(_chain([one.term for one in parts], signs), self._between(start))
        if negations % 2:
            part = Part(Term("not", (part.term,)), self._between(start))
        return part

    def _relation(self, is_condition: bool) -> str:
        """Takes a sign of comparison; "" if none stands here."""
        shown, span = self.peek.shown, self.peek.span
        if shown == "\\not" and self.after().shown == "=":
            self.take()
            shown = "\\neq"
        sign = vocabulary.RELATIONS.get(shown, "")
        if sign == "==" and not is_condition:
            raise self.error("agx has no form for an equation", span,
                             "leave out the left side: agx takes the expression alone")  # fmt: skip
        if sign:
            self.take()
        return sign


def _chain(terms: Sequence[Term], signs: Sequence[str]) -> Term:
    """`a < b < c` as one term, `a < b \\leq c` as two."""
    if len(set(signs)) == 1:
        return Term(signs[0], tuple(terms))
    pairs = zip(signs, terms, terms[1:], strict=False)
    return Term("and", tuple(Term(sign, (left, right)) for sign, left, right in pairs))
