"""Text to `Expression`: named steps and the expression after them, or assignments."""

from __future__ import annotations

from collections.abc import Collection

from autograd_cli.errors import ReadError, Span
from autograd_cli.language import tokens
from autograd_cli.language.builder import Builder
from autograd_cli.language.expression import Expression
from autograd_cli.language.parser import Operand, Parser
from autograd_cli.language.tokens import Token

MAX_CHARACTERS = 1_000_000


def read(source: str, given: Collection[str] = ()) -> Expression:
    """Reads an expression, with its named steps.

    `given` are the names that are variables although they look like constants (`E`, `pi`).
    Raises: ReadError and UnknownNameError, with the place in `source` and how to mend it.
    """
    return _Reader(source, given).expression()


def read_assignments(source: str) -> list[tuple[str, Span, Expression]]:
    """Reads `x=2, y=pi/4`: names, their places, and the expression assigned to each.

    Raises: ReadError and UnknownNameError, as `read`.
    """
    return _Reader(source, ()).assignments()


class _Reader:
    def __init__(self, source: str, given: Collection[str]) -> None:
        if len(source) > MAX_CHARACTERS:
            raise ReadError(
                f"{len(source):,} characters; the limit is {MAX_CHARACTERS:,}",
                hint="agx reads expressions, not data: pass data with --at @values.json",
            )
        self.source = source
        self.parser = Parser(source, given)
        self.scanner = self.parser.scanner

    def expression(self) -> Expression:
        output: Operand | None = None
        last_step: Token | None = None
        while self._next_statement().kind != tokens.END:
            if output is not None:
                raise self._error(
                    "this expression is never used",
                    output.span,
                    "name it (u = …) and use the name, or make one list: [a, b]",
                )
            name = self._assigned_name()
            if name is None:
                output = self.parser.expression((";",))
            else:
                self._check_step(name)
                last_step, position = name, self.parser.expression((";",)).position
                self._check_step(name)  # again: it may have used itself
                self.parser.steps[name.text] = position
        if output is None:
            raise self._no_output(last_step)
        return self.parser.builder.finish(
            output.position,
            {position: name for name, position in self.parser.steps.items()},
            tuple(
                f"the step '{name}' is not used"
                for name in self.parser.steps
                if name not in self.parser.used
            ),
        )

    def assignments(self) -> list[tuple[str, Span, Expression]]:
        found: list[tuple[str, Span, Expression]] = []
        while (token := self._next_statement()).kind != tokens.END:
            name = self._assigned_name()
            if name is None:
                raise self._error(
                    "a value is written NAME=VALUE", token.span, "for example x=2,y=pi/4"
                )
            value = self.parser.expression((",", ";"))
            found.append((name.text, name.span, self.parser.builder.finish(value.position, {})))
            self.parser.builder = Builder(self.source)
            if self.scanner.peek().text == ",":
                self.scanner.take()
        return found

    def _next_statement(self) -> Token:
        while (token := self.scanner.peek()).kind == tokens.NEWLINE or token.text == ";":
            self.scanner.take()
        return token

    def _assigned_name(self) -> Token | None:
        """The name before a single `=`, taken with it; None if this is no assignment."""
        start = self.scanner.position
        name = self.scanner.take()
        if name.kind == tokens.NAME and self.scanner.peek().text == "=":
            self.scanner.take()
            return name
        self.scanner.position = start
        return None

    def _check_step(self, name: Token) -> None:
        if name.text in self.parser.steps:
            raise self._error(
                f"the step '{name.text}' is defined twice", name.span, "give it another name"
            )
        if name.text in self.parser.given:
            raise self._error(
                f"'{name.text}' is a named step and has a value in --at as well",
                name.span,
                "rename the step, or leave its value out of --at",
            )
        if name.text in self.parser.builder.variables:
            raise self._error(
                f"'{name.text}' is used before this step defines it",
                name.span,
                "define a step before its first use, under a name of its own",
            )

    def _no_output(self, last_step: Token | None) -> ReadError:
        if last_step is None:
            return self._error(
                "the expression is empty", Span(0, len(self.source)), 'for example "x**2 + 1"'
            )
        return self._error(
            f"'{last_step.text} = …' names a step, but no expression follows it",
            last_step.span,
            f"end with what to evaluate: …; {last_step.text} (to compare, write ==)",
        )

    def _error(self, message: str, span: Span, hint: str = "") -> ReadError:
        return self.parser.builder.error(message, span, hint)
