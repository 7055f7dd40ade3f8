"""Terms: what other languages' formulas become on their way to agx text, and their spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from autograd_cli.errors import ReadError

# What binds tighter has the larger number; the order is Python's.
OR, AND, NOT, COMPARE, ADD, MUL, NEG, POW, ATOM = range(9)


class Term(NamedTuple):
    """A node of a formula.

    `head` is `number` or `name` (with the text in `name`), `+`, `*`, `**`, `@`, `list`, `index`, a
    comparison, `and`, `or`, `not`, `call` (of the function `name`), `option` (`name` of a call) or
    `transpose`.
    """

    head: str
    args: tuple[Term, ...] = ()
    name: str = ""


_NO_MEANINGS: Mapping[str, Term] = {}


def number(text: str) -> Term:
    return Term("number", name=text)


def name(text: str) -> Term:
    return Term("name", name=text)


def call(function: str, *args: Term) -> Term:
    return Term("call", args, function)


def power(base: Term, exponent: Term) -> Term:
    return Term("**", (base, exponent))


def reciprocal(base: Term) -> Term:
    return power(base, number("-1"))


def negated(term: Term) -> Term:
    """The term with the other sign; a number is written with it."""
    if term.head == "number":
        return number(term.name.removeprefix("-") if term.name[:1] == "-" else f"-{term.name}")
    return flat("*", [number("-1"), term])


def flat(head: str, args: Sequence[Term]) -> Term:
    """A sum or product, with the sums or products among its arguments spliced in.

    A negative product within a product stays whole: `a*(-b)` is not `a*(-1)*b`.
    """
    if len(args) == 1:
        return args[0]
    spliced: list[Term] = []
    for arg in args:
        negative = head == "*" and arg.args and arg.args[0].name.startswith("-")
        spliced += arg.args if arg.head == head and not (negative and spliced) else (arg,)
    return Term(head, tuple(spliced))


class _Piece(NamedTuple):
    """Text of a term; `negated` is it without its minus sign, `under` what 1 is divided by."""

    text: str
    binds: int = ATOM
    negated: str = ""
    under: str = ""


LONGEST = 1_000_000  # characters; a term that occurs twice is written twice


def write(term: Term, meanings: Mapping[str, Term] = _NO_MEANINGS) -> str:
    """The term in the language of agx, with what names stand for in their place.

    Raises: ReadError where the text would be too long to be read.
    """
    pieces: dict[int, _Piece] = {}
    for node in _in_order(term):
        meant = meanings.get(node.name, node) if node.head == "name" else node
        pieces[id(node)] = piece = _piece(meant, [pieces[id(arg)] for arg in meant.args])
        if len(piece.text) > LONGEST:
            raise ReadError(f"written out, the formula is longer than {LONGEST:,} characters")
    return pieces[id(term)].text


def names_in(term: Term) -> list[str]:
    """The names in the term, in order of first appearance."""
    return list(dict.fromkeys(node.name for node in _in_order(term) if node.head == "name"))


def _in_order(term: Term) -> Iterator[Term]:
    """Every term after its arguments, and once even where it occurs often."""
    seen: set[int] = set()
    pending: list[tuple[Term, bool]] = [(term, False)]
    while pending:
        node, is_ready = pending.pop()
        if is_ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending += [(arg, False) for arg in reversed(node.args)]


def _piece(term: Term, args: Sequence[_Piece]) -> _Piece:
    if term.head == "number" and term.name.startswith("-"):
        return _Piece(term.name, NEG, negated=term.name[1:])
    if term.head in ("number", "name"):
        return _Piece(term.name)
    if term.head == "call":
        return _Piece(f"{term.name}({_listed(args)})")
    if term.head == "list":
        return _Piece(f"[{_listed(args)}]")
    if term.head == "option":
        return _Piece(f"{term.name}={args[0].text}", OR)
    if term.head == "transpose":
        return _Piece(f"{_within(args[0], ATOM)}.T")
    if term.head == "index":
        return _Piece(f"{_within(args[0], ATOM)}[{_listed(args[1:])}]")
    return _WRITERS[term.head](args)


def _listed(args: Sequence[_Piece]) -> str:
    return ", ".join(arg.text for arg in args)


def _within(piece: _Piece, binds: int) -> str:
    return piece.text if piece.binds >= binds else f"({piece.text})"


def _sum(terms: Sequence[_Piece]) -> _Piece:
    text = _within(terms[0], ADD)
    for term in terms[1:]:
        text += f" - {term.negated}" if term.negated else f" + {_within(term, MUL)}"
    return _Piece(text, ADD)


def _product(factors: Sequence[_Piece]) -> _Piece:
    first, *rest = factors
    sign = "-" if first.negated else ""
    if first.negated == "1" and rest:  # -1*x is -x
        first, *rest = rest
    elif first.negated:
        first = _Piece(first.negated, MUL)
    text = f"1/{first.under}" if first.under else _within(first, MUL)
    for factor in rest:
        text += f"/{factor.under}" if factor.under else f"*{_within(factor, POW)}"
    return _Piece(sign + text, MUL, negated=text if sign else "")


def _power(args: Sequence[_Piece]) -> _Piece:
    base, exponent = args
    if exponent.text == "-1":
        under = _within(base, POW)
        return _Piece(f"1/{under}", MUL, under=under)
    return _Piece(f"{_within(base, ATOM)}**{_within(exponent, POW)}", POW)


def _chain(sign: str, binds: int) -> Callable[[Sequence[_Piece]], _Piece]:
    def write(args: Sequence[_Piece]) -> _Piece:
        return _Piece(sign.join(_within(arg, binds + 1) for arg in args), binds)

    return write


_WRITERS: Mapping[str, Callable[[Sequence[_Piece]], _Piece]] = {
    "+": _sum,
    "*": _product,
    "**": _power,
    "@": _chain(" @ ", MUL),
    **{sign: _chain(f" {sign} ", COMPARE) for sign in ("<", "<=", ">", ">=", "==", "!=")},
    "and": _chain(" and ", AND),
    "or": _chain(" or ", OR),
    "not": lambda args: _Piece(f"not {_within(args[0], COMPARE)}", NOT),
}
