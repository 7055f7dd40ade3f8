"""One expression, from tokens to nodes: operator precedence with an explicit stack.

The method is Dijkstra's shunting yard (1961) with Python's grammar of operators: two alternating
states, one that expects an operand and one that expects an operator, and a stack of what is still
open. There is no recursion, so neither a sum of 100,000 terms nor deep nesting can overflow.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from autograd_cli.errors import ReadError, Span
from autograd_cli.language import advice, tokens
from autograd_cli.language.builder import TUPLE, Argument, Builder
from autograd_cli.language.expression import INDEX, LIST, NUMBER
from autograd_cli.language.functions import OPERATORS, find
from autograd_cli.language.grammar import (
    ATTRIBUTES,
    BINARY,
    CLOSING,
    COMPARISONS,
    CONSTANTS,
    ELLIPSIS,
    LIBRARIES,
    LIBRARY_CONSTANT,
    NOT,
    PREFIX,
    RIGHT_ASSOCIATIVE,
    ROOT,
    SPELLINGS,
)
from autograd_cli.language.tokens import Scanner, Token

MAX_NESTING = 200


class Operand(NamedTuple):
    """A finished part: its node, its extent with brackets, and what a chained `<` compares next."""

    position: int
    span: Span
    compared: Compared | None = None


class Compared(NamedTuple):
    """The right side of a comparison, which a chained one compares again."""

    position: int
    span: Span


class Operator(NamedTuple):
    """An operator that waits for its right operand."""

    precedence: int
    row: str
    span: Span
    binary: bool
    comparison: bool = False


@dataclass
class Bracket:
    """An open bracket and what has been read in it.

    `start` is where the whole (`sin(…)`, `x[…]`) begins, `span` the bracket itself. An index keeps
    its finished items in `indices` and the parts of the current slice in `parts`.
    """

    kind: str  # "group", "list", "call", "piecewise" or "index"
    start: int
    span: Span
    opening: str = "("
    name: str = ""
    base: int = 0
    items: list[Argument] = field(default_factory=list)
    keyword: str = ""
    trailing_comma: bool = False
    parts: list[Operand | None] = field(default_factory=list)
    indices: list[object] = field(default_factory=list)


class Parser:
    """The expressions of a source, one after another.

    `given` are the names that are variables although they look like constants, `steps` the named
    steps so far and their nodes, `used` those of them that were used.
    """

    def __init__(self, source: str, given: Collection[str]) -> None:
        self.source = source
        self.given = frozenset(given)
        self.scanner = Scanner(source)
        self.builder = Builder(source)
        self.steps: dict[str, int] = {}
        self.used: set[str] = set()
        self.operands: list[Operand] = []
        self.waiting: list[Operator | Bracket] = []
        self.brackets: list[Bracket] = []

    def expression(self, ends: tuple[str, ...]) -> Operand:
        """Reads up to the end of the statement, which stays in the scanner."""
        before = Token(tokens.END, "", Span(self.scanner.position, self.scanner.position))
        expects_operand = True
        while True:
            start = self.scanner.position
            token = self.scanner.take()
            if token.kind == tokens.NEWLINE:
                if expects_operand or self.brackets:
                    continue
                break
            if token.kind == tokens.END or (token.text in ends and not self.brackets):
                break
            if expects_operand:
                expects_operand = self._take_operand(token)
            else:
                expects_operand = self._take_operator(token)
            before = token
        self.scanner.position = start
        if self.brackets and not (
            expects_operand and before.kind == tokens.OPERATOR and before.text in BINARY
        ):
            opening = self.brackets[-1]
            raise self._error(
                f"'{opening.opening}' was never closed",
                opening.span,
                f"add the missing '{CLOSING[opening.opening]}'",
            )
        if expects_operand:
            raise advice.incomplete(before, token, self.source)
        self._reduce(0)
        return self.operands.pop()

    def _take_operand(self, token: Token) -> bool:
        """Takes a token where an operand begins; True while one is still expected."""
        if token.kind == tokens.NUMBER:
            self._number(token)
            return False
        if token.kind == tokens.NAME:
            return self._name(token)
        if token.kind == tokens.OPERATOR:
            if token.text in PREFIX:
                self._prefix(token)
                return True
            if token.text == "(":
                return self._open(Bracket("group", token.span.start, token.span))
            if token.text == "[":
                return self._open(Bracket("list", token.span.start, token.span, "["))
            if token.text in (")", "]"):
                return self._close(token, has_operand=False)
            if self._in("index") and self._at_start():
                if token.text == "...":
                    return self._ellipsis(token)
                if token.text == ":":
                    self.brackets[-1].parts.append(None)
                    return True
                if token.text == "," and self.brackets[-1].parts:
                    self._end_index_item(has_operand=False)
                    return True
        raise advice.expected_value(token, self.source)

    def _take_operator(self, token: Token) -> bool:
        """Takes a token where an operator may stand; True if an operand must follow."""
        text = token.text
        if token.kind == tokens.SUPERSCRIPT:
            return self._superscript(token)
        if token.kind == tokens.OPERATOR:
            if text in BINARY:
                return self._binary(token)
            if text in (")", "]"):
                return self._close(token, has_operand=True)
            if text == "[":
                base = self._finished_operand()
                return self._open(
                    Bracket("index", base.span.start, token.span, "[", base=base.position)
                )
            if text == ".":
                return self._attribute(token)
            if text == "," and self.brackets:
                return self._comma()
            if text == ":" and self._in("index"):
                self._reduce(0)
                self.brackets[-1].parts.append(self.operands.pop())
                return True
        raise advice.after_value(token, self.operands[-1].span, self.source)

    def _error(self, message: str, span: Span, hint: str = "") -> ReadError:
        return self.builder.error(message, span, hint)

    # Operands -----------------------------------------------------------------------------------

    def _push(self, position: int, span: Span, compared: Compared | None = None) -> None:
        self.operands.append(Operand(position, span, compared))

    def _finished_operand(self) -> Operand:
        """The last operand, after the roots that stand right before it."""
        self._reduce(ROOT)
        return self.operands.pop()

    def _number(self, token: Token) -> None:
        text = token.text.replace("_", "")
        following = self.scanner.peek()
        if following.kind == tokens.NAME and following.span.start == token.span.end:
            raise advice.missing_sign(
                Span(token.span.start, following.span.end), token.text, following.text, self.source
            )
        is_integer = text.isdigit()
        value: int | float = float(text)
        if math.isinf(value):
            raise self._error(
                "a number beyond float64, which ends near 1.8e308", token.span, "write inf or oo"
            )
        if is_integer:
            value = int(text.lstrip("0") or "0")  # Python limits the digits, zeros included
        self._push(self.builder.add(NUMBER, (), token.span, value), token.span)

    def _name(self, token: Token) -> bool:
        token = self._without_library(token)
        name = token.text
        following = self._following()
        if following.text == "(":
            self.scanner.take()
            kind = "piecewise" if name == "Piecewise" else "call"
            if kind == "call" and find(name) is None:
                raise advice.unknown_function(token, self.source, self.steps, self.given)
            return self._open(Bracket(kind, token.span.start, following.span, name=name))
        if (
            following.text == "="
            and self._in("call")
            and self._at_start()
            and not self.brackets[-1].keyword
        ):
            self.scanner.take()
            self.brackets[-1].keyword = name
            return True
        if token.kind == LIBRARY_CONSTANT:
            self._push(self.builder.add(NUMBER, (), token.span, CONSTANTS[name]), token.span)
        elif name in self.steps:
            self.used.add(name)
            self._push(self.steps[name], token.span)
        elif name in CONSTANTS and name not in self.given:
            value = CONSTANTS[name]
            self._push(self.builder.add(NUMBER, (), token.span, value), token.span)
        else:
            self._push(self.builder.variable(name, token.span), token.span)
        return False

    def _without_library(self, token: Token) -> Token:
        """`torch.special.erf` as `erf`, with the span of the whole."""
        name = token
        while name.text in LIBRARIES and not (name is token and name.text in self.given):
            before = self.scanner.position
            if self._following().text != ".":
                self.scanner.position = before
                break
            self.scanner.take()
            member = self._following()
            if member.kind != tokens.NAME or member.text in ATTRIBUTES:
                self.scanner.position = before
                break
            self.scanner.take()
            name = Token(tokens.NAME, member.text, Span(token.span.start, member.span.end))
        if name is token or self._following().text == "(":
            return name
        constant = "E" if name.text == "e" else name.text  # math.e
        if constant not in CONSTANTS:
            raise advice.no_such_member(name, self.source)
        return name._replace(kind=LIBRARY_CONSTANT, text=constant)

    def _following(self) -> Token:
        """The next token; inside brackets a line may end before it."""
        while self.brackets and self.scanner.peek().kind == tokens.NEWLINE:
            self.scanner.take()
        return self.scanner.peek()

    def _ellipsis(self, token: Token) -> bool:
        if self._following().text not in (",", "]"):
            raise advice.expected_value(self._following(), self.source)
        self._push(ELLIPSIS, token.span)
        return False

    # Operators ----------------------------------------------------------------------------------

    def _prefix(self, token: Token) -> None:
        precedence, row = PREFIX[token.text]
        above = self.waiting[-1] if self.waiting else None
        if precedence == NOT and isinstance(above, Operator) and above.precedence > NOT:
            raise self._error("'not' needs brackets here", token.span, "write (not …)")
        self.waiting.append(Operator(precedence, row, token.span, binary=False))

    def _binary(self, token: Token) -> bool:
        text = SPELLINGS.get(token.text, token.text)
        precedence = BINARY[token.text]
        self._reduce(precedence + (text in RIGHT_ASSOCIATIVE))
        self.waiting.append(
            Operator(precedence, OPERATORS[text], token.span, True, text in COMPARISONS)
        )
        return True

    def _reduce(self, precedence: int) -> None:
        """Applies the waiting operators that bind at least as tightly as `precedence`."""
        while self.waiting:
            operator = self.waiting[-1]
            if isinstance(operator, Bracket) or operator.precedence < precedence:
                return
            self.waiting.pop()
            right = self.operands.pop()
            if operator.binary:
                self._apply_binary(operator, self.operands.pop(), right)
                continue
            span = Span(operator.span.start, right.span.end)
            position = right.position
            if operator.row:  # a plus sign leaves its operand as it is
                position = self.builder.add(operator.row, (position,), span)
            self._push(position, span)

    def _apply_binary(self, operator: Operator, left: Operand, right: Operand) -> None:
        span = Span(left.span.start, right.span.end)
        if not operator.comparison:
            self._push(self.builder.add(operator.row, (left.position, right.position), span), span)
            return
        if left.compared is None:
            position = self.builder.add(operator.row, (left.position, right.position), span)
        else:  # a < b < c means a < b and b < c
            part = Span(left.compared.span.start, right.span.end)
            pair = (left.compared.position, right.position)
            second = self.builder.add(operator.row, pair, part)
            position = self.builder.add("logical_and", (left.position, second), span)
        self._push(position, span, Compared(right.position, right.span))

    def _superscript(self, token: Token) -> bool:
        base = self._finished_operand()
        if not token.text.removeprefix("-").removeprefix("+").isdigit() or len(token.text) > 18:
            raise self._error("not a whole number", token.span, "for example x² or x⁻¹")
        exponent = self.builder.add(NUMBER, (), token.span, int(token.text))
        span = Span(base.span.start, token.span.end)
        self._push(self.builder.add("pow", (base.position, exponent), span), span)
        return False

    def _attribute(self, dot: Token) -> bool:
        name = self._following()
        self.scanner.take()
        base = self._finished_operand()
        if name.text not in ATTRIBUTES:
            raise advice.attribute(
                Span(dot.span.start, name.span.end), name, base.span, self.source
            )
        span = Span(base.span.start, name.span.end)
        self._push(self.builder.add(ATTRIBUTES[name.text], (base.position,), span), span)
        return False

    # Brackets -----------------------------------------------------------------------------------

    def _in(self, kind: str) -> bool:
        return bool(self.brackets) and self.brackets[-1].kind == kind

    def _at_start(self) -> bool:
        """Nothing waits inside the innermost bracket: an argument begins here."""
        return self.waiting[-1] is self.brackets[-1]

    def _open(self, bracket: Bracket) -> bool:
        if len(self.brackets) >= MAX_NESTING:
            raise self._error(
                f"more than {MAX_NESTING} levels of nesting",
                bracket.span,
                "use named steps: u = …; v = sin(u); v",
            )
        self.brackets.append(bracket)
        self.waiting.append(bracket)
        return True

    def _comma(self) -> bool:
        self._end_item(has_operand=True)
        self.brackets[-1].trailing_comma = True
        return True

    def _end_item(self, has_operand: bool) -> None:
        """Ends an item of the innermost bracket, at a comma or at its end."""
        bracket = self.brackets[-1]
        if bracket.kind == "index":
            self._end_index_item(has_operand)
        elif has_operand:
            self._reduce(0)
            item = self.operands.pop()
            if bracket.items and bracket.items[-1].keyword and not bracket.keyword:
                raise self._error(
                    "a positional argument after a named one",
                    item.span,
                    "put the positional arguments first",
                )
            bracket.items.append(Argument(item.position, item.span, bracket.keyword))
            bracket.keyword, bracket.trailing_comma = "", False

    def _end_index_item(self, has_operand: bool) -> None:
        bracket = self.brackets[-1]
        last: Operand | None = None
        if has_operand:
            self._reduce(0)
            last = self.operands.pop()
        if bracket.parts:
            parts = [*bracket.parts, last]
            if len(parts) > 3:
                raise self._error("a slice is start:stop:step", bracket.span)
            bracket.indices.append(slice(*(part and self._integer(part) for part in parts)))
            bracket.parts = []
        elif last is not None:
            is_ellipsis = last.position == ELLIPSIS
            bracket.indices.append(Ellipsis if is_ellipsis else self._integer(last))
        bracket.trailing_comma = False

    def _integer(self, operand: Operand) -> int:
        value = self.builder.constant(operand.position)
        if type(value) is not int:
            raise self._error(
                "an index must be a whole number", operand.span, "for example x[0], A[:, 1]"
            )
        if abs(value) >= 2**63:
            raise self._error("an index beyond any tensor", operand.span)
        return value

    def _close(self, token: Token, has_operand: bool) -> bool:
        if not self.brackets:
            raise self._error(
                f"'{token.text}' closes nothing", token.span, "delete it, or open a bracket before"
            )
        bracket = self.brackets[-1]
        if CLOSING[bracket.opening] != token.text:
            raise self._error(
                f"'{token.text}' closes '{bracket.opening}'",
                token.span,
                f"close it with '{CLOSING[bracket.opening]}'",
            )
        if not has_operand and (not self._at_start() or bracket.keyword):
            raise advice.expected_value(token, self.source)
        self._end_item(has_operand)
        self.waiting.pop()
        self.brackets.pop()
        span = Span(bracket.start, token.span.end)
        self._push(self._closed(bracket, span), span)
        return False

    def _closed(self, bracket: Bracket, span: Span) -> int:
        """The node that a finished bracket stands for."""
        positions = tuple(item.position for item in bracket.items)
        if bracket.kind == "call":
            row = find(bracket.name)
            assert row is not None  # checked when the bracket was opened
            return self.builder.call(row, bracket.items, span)
        if bracket.kind == "piecewise":
            return self.builder.piecewise(bracket.items, span)
        if bracket.kind == "index":
            if not bracket.indices:
                raise self._error("the index is empty", span, "for example x[0]")
            return self.builder.add(INDEX, (bracket.base,), span, tuple(bracket.indices))
        if not positions:
            raise self._error("the brackets are empty", span, "put a value between them")
        if bracket.kind == "list":
            return self.builder.add(LIST, positions, span)
        if len(positions) == 1 and not bracket.trailing_comma:
            return positions[0]
        if self._in("piecewise"):
            return self.builder.add(TUPLE, positions, span)
        if self._in("call"):
            return self.builder.add(LIST, positions, span)
        raise self._error("a list is written with square brackets", span, "write [a, b]")
