r"""LaTeX to terms: the grammar of formulas as people write them, and what of it is refused.

What TeX sets can be ambiguous: \sin x/y, 1/2x, f(x). Where books differ, or where the one reading
and the other are equally near, the formula is refused and both are told. Elsewhere the conventions
are those of the AMS and of ISO 80000-2: a product without a sign binds tighter than one with a sign
or a slash, and the argument of \sin without brackets is the product that follows, up to the next
function, sign of multiplication, plus or minus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd_cli.errors import AgxError, ReadError, Span
from autograd_cli.language.functions import suggest
from autograd_cli.language.latex import functions, vocabulary
from autograd_cli.language.latex.names import Look, Names, index, letter, word
from autograd_cli.language.latex.steps import Rule, run
from autograd_cli.language.latex.tokens import (
    ALIGN,
    CLOSE,
    COMMAND,
    DIGIT,
    END,
    LETTER,
    OPEN,
    ROW,
    SHIFT,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    WORD,
    Token,
    closing,
    tokenize,
)
from autograd_cli.language.reader import read
from autograd_cli.language.terms import (
    Term,
    call,
    flat,
    name,
    names_in,
    negated,
    number,
    power,
    reciprocal,
    write,
)

MAX_NESTING = 200
LARGEST_EXPONENT = 290  # of ten, in a number that is read as one

EULER, PI, INFINITY = name("E"), name("pi"), name("inf")
_CONSTANTS = {"pi": PI, "inf": INFINITY, "nan": name("nan"), "True": name("True"),
              "False": name("False")}  # fmt: skip
_NEVER_FACTORS = frozenset("fghFGH")  # letters that are functions where brackets follow


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
    return Translation(write(term, meanings), variables, tuple(parser.notes))


class Part(NamedTuple):
    """A part of the formula that has been read.

    look       set if it is a variable and nothing else
    brackets   the delimiter it stands in, if it is nothing but what they hold
    array      "vector", "row", "matrix" or "transposed" if that can be seen
    is_bold    whether bold letters or arrows say so
    factors    of how many factors it is a product without signs
    is_scripted  whether it ends in an exponent
    is_numeric whether it is made of numbers and pi alone
    is_ratio   whether it is a fraction of two plain numbers
    """

    term: Term
    span: Span
    look: Look | None = None
    brackets: str = ""
    array: str = ""
    is_bold: bool = False
    factors: int = 1
    is_scripted: bool = False
    is_numeric: bool = False
    is_ratio: bool = False


class Scripts(NamedTuple):
    """A subscript, as tokens, and an exponent: as a part, or a mark such as `T` or `*`."""

    below: Sequence[Token] | None = None
    above: Part | None = None
    mark: str = ""
    end: int = 0


@dataclass
class Parser:
    """The rules of the grammar over the tokens of one source."""

    source: str
    looks: dict[str, tuple[Look, Span]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    tokens: list[Token] = field(init=False)
    place: int = 0
    depth: int = 0
    waiting: list[str] = field(default_factory=list)  # the delimiters that are open

    def __post_init__(self) -> None:
        self.tokens = _formula_of(tokenize(self.source), self.source)

    # Tokens --------------------------------------------------------------------------------------

    @property
    def peek(self) -> Token:
        return self.tokens[self.place]

    def after(self, count: int = 1) -> Token:
        """The token that comes `count` later."""
        return self.tokens[min(self.place + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.peek
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def error(self, message: str, span: Span, hint: str = "") -> ReadError:
        return ReadError(message, span=span, source=self.source, hint=hint)

    def _between(self, start: int) -> Span:
        """The span from the token at a place to the last one that was taken."""
        last = self.tokens[max(self.place - 1, start)]
        return Span(self.tokens[start].span.start, last.span.end)

    def _shown(self, span: Span) -> str:
        return " ".join(self.source[slice(*span)].split())

    def _deeper(self, span: Span) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.error(f"more than {MAX_NESTING} levels of nesting", span,
                             "name a part of it, and give that in the language of agx: u = ...;"
                             " f(u)")  # fmt: skip

    # Sums, products and what is above them -------------------------------------------------------

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

    def _signs(self) -> bool:
        """Takes signs; True if an odd number of them are minus signs."""
        is_negative = False
        while self.peek.shown in ("+", "-"):
            is_negative ^= self.take().shown == "-"
        return is_negative

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
        if _is_differential(self.tokens[start:]) and _is_differential(self.tokens[before:]):
            raise self._derivative(span)
        if left.term.head == "number" and right.factors > 1 and self.tokens[before].kind == DIGIT:
            digits = self.source[slice(*_number_span(self.tokens, before))]
            rest = self.source[_number_span(self.tokens, before).end : right.span.end].strip()
            above = self._shown(left.span)
            raise self.error(
                f"'{self._shown(span)}' can be read in two ways", sign.span,
                rf"write \frac{{{above}}}{{{digits}}} {rest} or {above}/({digits} {rest})",
            )  # fmt: skip

    def _derivative(self, span: Span) -> ReadError:
        return self.error("agx has no form for a derivative", span,
                          "agx differentiates what it is given: leave d/dx out")  # fmt: skip

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

    # Factors -------------------------------------------------------------------------------------

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

    def _check_single(self, token: Token, sign: str) -> None:
        """Refuses x^10 and x_12, of which TeX takes the first digit alone."""
        following = self.peek
        joined = token.kind == DIGIT and not following.spaced
        is_point = following.text == "." and self.after().kind == DIGIT
        if joined and (following.kind == DIGIT or is_point):
            span = Span(token.span.start, _number_span(self.tokens, self.place - 1).end)
            digits = self.source[slice(*span)]
            raise self.error(f"'{sign}{digits}' is '{sign}{{{digits[0]}}}{digits[1:]}' in TeX", span,
                             f"write {sign}{{{digits}}}")  # fmt: skip

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
        if shown.strip("'") == "" and shown or shown.replace("\\prime", "") == "" and content:
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

    def _indexed(self, part: Part, below: Sequence[Token], span: Span) -> Part:
        if part.look is None and part.term in (EULER, PI):
            symbol = "e" if part.term == EULER else "pi"
            part = part._replace(look=Look(symbol, symbol, symbol))
        if part.look is None or part.is_scripted:
            first = below[0].span.start
            raise self.error("only a variable has an index", Span(first, below[-1].span.end),
                             "for an element write x[0] in the language of agx")  # fmt: skip
        return self._variable(part.look.indexed(index(below, self.source)), span, part.array)

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
        if token.text in _NEVER_FACTORS or (is_simple and not (plain and token.kind == LETTER)):
            raise self._unknown_function(self._shown(part.span), part.span)

    def _opens(self, bracket: str) -> bool:
        found = self._delimiter()
        return bool(found) and found[0] == bracket and found[1] != "close"

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

    # Atoms ---------------------------------------------------------------------------------------

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
            following = self.source[slice(*_number_span(self.tokens, self.place))]
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
        if token.text in _NEVER_FACTORS and self._opens("("):
            raise self._unknown_function(token.text, token.span)
        return self._called_or_not(self._variable(found, token.span), token)

    def _variable(self, look: Look, span: Span, array: str = "") -> Part:
        """A variable; the sign for it is kept until all names are known."""
        key = f"\0{look.look}"
        self.looks.setdefault(key, (look, span))
        return Part(name(key), span, look=look, array=array, is_bold=bool(array))

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

    def _unknown_function(self, shown: str, span: Span) -> ReadError:
        plain = shown.lstrip("\\")
        near = suggest(plain) if len(plain) > 2 and not set("_^{}") & set(plain) else ""
        hint = rf"if it is a factor, write \cdot after it: {shown} \cdot (...)"
        if shown in _SUGGESTED:
            hint = f"the function is {_SUGGESTED[shown]}; {hint}"
        elif near and near != plain:
            hint = f"did you mean \\operatorname{{{near}}}? {hint}"
        return self.error(f"unknown function '{plain}'", span, hint)

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

    def _raw_argument(self, command: Token) -> Sequence[Token]:
        """Takes an argument of TeX as it stands: one token, or what braces hold."""
        token = self.peek
        if token.kind == OPEN:
            end = closing(self.tokens, self.place)
            if not end:
                raise self._never_closed(token)
            content = self.tokens[self.place + 1 : end]
            self.place = end + 1
            return content
        if token.kind not in (LETTER, DIGIT, COMMAND):
            raise self.error(f"'{command.shown}' has no argument", command.span)
        return [self.take()]

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
        if look.plain in _NEVER_FACTORS and self._opens("("):
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
            look = self._look_of(inner, content[0]).accented(accent, content[0].text)
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
            not look.is_letter or style not in ("bold", "it", "rm") or plain in _NEVER_FACTORS
        ):
            raise self._unknown_function(plain, span)
        return self._called_or_not(part, command)

    def _begins_name(self) -> bool:
        token = self.peek
        return letter(token) is not None or (
            token.kind == COMMAND and token.text in (*vocabulary.STYLES, *vocabulary.ACCENTS)
        )

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

    def _is_derivative(self) -> bool:
        r"""Whether the fraction that begins here is d/dx or dy/dx."""
        end = closing(self.tokens, self.place)
        if not end:
            return False
        above, below = self.tokens[self.place + 1 : end], self.tokens[end + 1 :]
        if below[:1] and below[0].kind == OPEN:
            below = below[1:]
        if any(token.text == "partial" for token in (*above[:1], *below[:1])):
            return True
        above = _upright_d(above)
        starts = bool(above) and above[0].text == "d" and (
            len(above) == 1 or above[1].kind == SUPERSCRIPT or above[1].kind in (LETTER, COMMAND)
        )  # fmt: skip
        return starts and _is_differential(_upright_d(below))

    def _end_of_fraction(self) -> int:
        end = closing(self.tokens, self.place)
        second = closing(self.tokens, end + 1) or end + 1
        return self.tokens[min(second, len(self.tokens) - 1)].span.end

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
                span = Span(token.span.start, _number_span(self.tokens, self.place).end)
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

    # Delimiters ----------------------------------------------------------------------------------

    def _delimiter(self) -> tuple[str, str, int] | None:
        r"""The delimiter that comes next: its name, the side it is for, and how many tokens it is
        (\left| is two)."""
        token = self.peek
        if token.kind == COMMAND and token.text in vocabulary.SIZES:
            role = vocabulary.SIZES[token.text]
            shown = self.after().shown
            if shown == ".":
                return (".", role, 2)
            if shown in vocabulary.DELIMITERS:
                delimiter, side = vocabulary.DELIMITERS[shown]
                return (delimiter, side if role == "either" else role, 2)
            if self.after().text in vocabulary.ABSENT:
                what, hint = vocabulary.ABSENT[self.after().text]
                raise self.error(f"agx has no form for {what}",
                                 Span(token.span.start, self.after().span.end), hint)  # fmt: skip
            raise self.error(f"'{token.shown}' stands before a bracket", token.span)
        if token.kind in (SYMBOL, COMMAND) and token.shown in vocabulary.DELIMITERS:
            return (*vocabulary.DELIMITERS[token.shown], 1)
        return None

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

    def _bracketed(self) -> Rule[Part]:
        start = self.place
        delimiter, opening = self._open()
        if delimiter == "\\{" and self.peek.text == "begin":
            if self.after(2).text[:1] and self._environment_name() in vocabulary.ROWS:
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

    # Functions -----------------------------------------------------------------------------------

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

    def _function(self, token: Token, word: str, *, is_letter: bool = False) -> Rule[Part]:
        """A function with its arguments."""
        start = token.span.start
        self._deeper(token.span)
        scripts = yield self._function_scripts(token, word)
        shown = self._shown(token.span) if is_letter or token.shown[1:] != word else token.shown
        arguments, is_bare, array = yield self._arguments(token, shown)
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
        self.depth -= 1
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

    def _arguments(self, token: Token, shown: str) -> Rule[tuple[list[Term], bool, str]]:
        """The arguments: whether they stand without brackets, and their kind."""
        opening = self._delimiter()
        if opening and opening[0] in ("(", "[", "\\{") and opening[1] != "close":
            return (yield self._listed()), False, ""
        if self.peek.kind == OPEN and self._holds_brackets():
            self.take()
            items = yield self._listed()
            self.take()
            return items, False, ""
        if token.text in ("max", "min"):
            raise self.error(f"'{shown}' needs its arguments in brackets", token.span,
                             f"write {shown}(a, b)")  # fmt: skip
        is_negative = self._signs()
        part = yield self._bare(token, shown)
        return [negated(part.term) if is_negative else part.term], True, part.array

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
            part = yield self._factor()
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
        if base is not None and count == 1:
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

    # Environments --------------------------------------------------------------------------------

    def _environment_name(self) -> str:
        end = closing(self.tokens, self.place + 1)
        return "".join(token.shown for token in self.tokens[self.place + 2 : end])

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

    def _pass_stops(self) -> None:
        while self.peek.kind == SYMBOL and self.peek.text in (",", ".", ";"):
            self.take()

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

    # Errors --------------------------------------------------------------------------------------

    def _missing(self, token: Token) -> ReadError:
        if token.kind == END:
            return self.error("the formula is not finished", token.span)
        if token.kind in (SUPERSCRIPT, SUBSCRIPT):
            return self.error(f"nothing stands before '{token.shown}'", token.span)
        if token.shown in _STRAY:
            return self.error(f"'{token.shown}' cannot be read here", token.span,
                              _STRAY[token.shown])  # fmt: skip
        return self.error(f"a value is missing before '{token.shown}'", token.span)

    def _never_closed(self, token: Token) -> ReadError:
        return self.error(f"the formula is not finished: '{token.shown}' is never closed",
                          token.span)  # fmt: skip

    def _out_of_place(self, token: Token) -> ReadError:
        if token.kind == COMMAND and token.text in vocabulary.ABSENT:
            what, hint = vocabulary.ABSENT[token.text]
            return self.error(f"agx has no form for {what}", token.span, hint)
        if token.kind == CLOSE or token.shown in (")", "]", "\\}", "\\right", "|"):
            return self.error(f"'{token.shown}' closes nothing", token.span)
        hint = _STRAY.get(token.shown, "")
        return self.error(f"'{token.shown}' cannot be read here", token.span, hint)


_STRAY: Mapping[str, str] = {
    ",": "agx takes one formula; thousands are written 1{,}000, decimals 1.5",
    ";": "agx takes one formula",
    "&": "agx takes one formula, not lines of them",
    "\\\\": "agx takes one formula, not lines of them",
    "$": "the dollars stand round the whole formula",
    "$$": "the dollars stand round the whole formula",
    "'": "agx differentiates what it is given: write the function out",
}
_TRANSPOSES = frozenset(
    ["\\top", "\\intercal", "\\mathsf{T}", "\\mathrm{T}", "\\text{T}", "\\mathrm{t}",
     "\\mathsf{T}", "\\mathsf{t}", "\\mathtt{T}"]
)  # fmt: skip
_MARKS = frozenset(["*", "+", "-", "\\ast", "\\star", "\\dagger", "\\pm", "\\mp", "\\sharp",
                    "\\flat", "\\ddagger", "\\bullet", "\\perp"])  # fmt: skip
_MATRIX_PRODUCTS: Mapping[tuple[str, str], str] = {
    ("matrix", "matrix"): "matrix",
    ("matrix", "vector"): "vector",
    ("row", "matrix"): "row",
    ("row", "vector"): "",
    ("vector", "row"): "matrix",
}
_AROUND = {"|": "abs", "\\lfloor": "floor", "\\rfloor": "floor", "\\lceil": "ceil"}
_SUGGESTED: Mapping[str, str] = {
    "\\Phi": "\\operatorname{ndtr}(x)",
    "\\sigma": "\\operatorname{sigmoid}(x)",
    "\\gamma": "\\Gamma(x)",
    **{f"{letter}_{order}": f"\\operatorname{{{letter.lower()}{order}}}(x)"
       for letter in "JYIK" for order in (0, 1)},
    **{f"{letter}_{{{order}}}": f"\\operatorname{{{letter.lower()}{order}}}(x)"
       for letter in "JYIK" for order in (0, 1)},
}  # fmt: skip
_CONDITIONS = frozenset(["<", "<=", ">", ">=", "==", "!=", "and", "or", "not"])


def _formula_of(tokens: list[Token], source: str) -> list[Token]:
    r"""The tokens without $…$, \[…\], \begin{equation} and the full stop round them."""
    *tokens, end = tokens
    while True:
        while _ends_in_a_stop(tokens):
            end = tokens.pop()._replace(kind=END, text="")
        opening = tokens[0].shown if tokens else ""
        closes = {"$": "$", "$$": "$$", "\\[": "\\]", "\\(": "\\)"}.get(opening, "")
        name_end = closing(tokens, 1) if opening == "\\begin" and len(tokens) > 1 else 0
        display = "".join(token.shown for token in tokens[2:name_end])
        if closes and len(tokens) > 1 and tokens[-1].shown == closes:
            end = tokens[-1]._replace(kind=END, text="")
            tokens = tokens[1:-1]
        elif closes:
            raise ReadError(f"'{opening}' is never closed", span=tokens[0].span, source=source)
        elif display in vocabulary.DISPLAYS and _ends_display(tokens, display):
            end = tokens[-len(display) - 3]._replace(kind=END, text="")
            tokens = tokens[name_end + 1 : -len(display) - 3]
        else:
            return [*tokens, end]


def _ends_in_a_stop(tokens: Sequence[Token]) -> bool:
    r"""Whether a full stop or a comma ends the sentence here; the one of \right. does not."""
    if not tokens or tokens[-1].kind != SYMBOL or tokens[-1].text not in (".", ",", ";"):
        return False
    return len(tokens) == 1 or tokens[-2].text not in vocabulary.SIZES


def _ends_display(tokens: Sequence[Token], display: str) -> bool:
    ended = "".join(token.shown for token in tokens[-len(display) - 3 :])
    return ended == f"\\end{{{display}}}"


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


def _chain(terms: Sequence[Term], signs: Sequence[str]) -> Term:
    """`a < b < c` as one term, `a < b \\leq c` as two."""
    if len(set(signs)) == 1:
        return Term(signs[0], tuple(terms))
    pairs = zip(signs, terms, terms[1:], strict=False)
    return Term("and", tuple(Term(sign, (left, right)) for sign, left, right in pairs))


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


def _array_of(look: Look, style: str) -> str:
    """What a bold letter stands for: upper case is a matrix, lower case a vector."""
    if style != "bold" or len(look.plain.partition("_")[0]) > 1:
        return ""
    return "matrix" if look.plain[0].isupper() else "vector"


def _number_span(tokens: Sequence[Token], place: int) -> Span:
    """Where the number extends that the digit at `place` begins."""
    end = place
    while tokens[end + 1].kind == DIGIT or (
        tokens[end + 1].text == "." and tokens[end + 2].kind == DIGIT
    ):
        if tokens[end + 1].spaced:
            break
        end += 1
    return Span(tokens[place].span.start, tokens[end].span.end)


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


def _is_differential(tokens: Sequence[Token]) -> bool:
    """Whether these tokens begin with dx."""
    return (
        len(tokens) > 1
        and tokens[0].kind == LETTER
        and tokens[0].text == "d"
        and letter(tokens[1]) is not None
        and tokens[1].text != "d"
    )
