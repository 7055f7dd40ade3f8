"""The list of nodes that a reader fills, and the rules for calling a row of the function table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from autograd_cli.errors import EvaluationError, ReadError, Span
from autograd_cli.language import arithmetic
from autograd_cli.language.expression import (
    LIST,
    NUMBER,
    VARIABLE,
    Expression,
    Node,
    OptionValue,
)
from autograd_cli.language.functions import FUNCTIONS, Function, Parameter
from autograd_cli.language.functions.row import OPTION_ALIASES

MAX_OPERATIONS = 200_000
WORDS = {"word": ("mean", "sum", "none"), "order": ("fro", "nuc")}  # by the type of an option
TUPLE = "tuple"  # (a, b): only inside Piecewise and as an option; never in an Expression


class Argument(NamedTuple):
    """An argument of a call: the position of its node, its place, its keyword if it has one."""

    position: int
    span: Span
    keyword: str = ""


class Builder:
    """Nodes in evaluation order, while the text is being read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes: list[Node] = []
        self.variables: dict[str, int] = {}
        self.operations = 0

    def error(self, message: str, span: Span, hint: str = "") -> ReadError:
        return ReadError(message, hint=hint, span=span, source=self.source)

    def add(
        self,
        op: str,
        operands: tuple[int, ...],
        span: Span,
        value: object = None,
        options: tuple[tuple[str, OptionValue], ...] = (),
    ) -> int:
        """A new node; returns its position."""
        self.operations += op not in (NUMBER, VARIABLE)
        for number, operand in enumerate(operands):
            if self._is_absent(operand) and not _may_be_absent(op, number):
                raise self.error("None has no value", self.nodes[operand].span)
        if self.operations > MAX_OPERATIONS:
            raise self.error(
                f"more than {MAX_OPERATIONS:,} operations",
                span,
                "agx reads expressions; for programs of this size write a torch script",
            )
        self.nodes.append(Node(op, operands, span, value, options))
        return len(self.nodes) - 1

    def variable(self, name: str, span: Span) -> int:
        """The one node of a variable, made at its first appearance."""
        if name not in self.variables:
            self.variables[name] = self.add(VARIABLE, (), span, name)
        return self.variables[name]

    def call(self, row: Function, arguments: Sequence[Argument], span: Span) -> int:
        """A call of `row`: operands and options by position and keyword, as in Python.

        Raises: ReadError for a wrong number of arguments, an unknown or doubled keyword, or an
        option that is not a constant of its type.
        """
        positional = [argument for argument in arguments if not argument.keyword]
        if row.overload and (len(positional) > 1 or _names_more(row, arguments)):
            row = FUNCTIONS[row.overload]
        if row.folds and len(positional) > 2 and len(positional) == len(arguments):
            position = self._apply(row, positional[:2], span)
            for argument in positional[2:]:
                position = self._apply(row, [Argument(position, span), argument], span)
            return position
        return self._apply(row, arguments, span)

    def piecewise(self, branches: Sequence[Argument], span: Span) -> int:
        """SymPy's `Piecewise((a, condition), ..., (b, True))` as nested `where`."""
        pairs = [self.nodes[branch.position] for branch in branches]
        for branch, pair in zip(branches, pairs, strict=True):
            if pair.op != TUPLE or len(pair.operands) != 2:
                raise self.error(
                    "a branch is (value, condition)",
                    branch.span,
                    "Piecewise((a, x < 0), (b, True))",
                )
        if not pairs:
            raise self.error("Piecewise has no branches", span, "Piecewise((a, x < 0), (b, True))")
        last_value, last_condition = pairs[-1].operands
        if self.nodes[last_condition].value is True:
            position = last_value
            pairs.pop()
        else:  # no branch for the rest: the value there is nan, as in SymPy
            position = self.add(NUMBER, (), span, math.nan)
        for pair in reversed(pairs):
            value, condition = pair.operands
            position = self.add("where", (condition, value, position), span)
        return position

    def _apply(self, row: Function, arguments: Sequence[Argument], span: Span) -> int:
        bound = self._bind(row, arguments, span)
        operands: list[int] = []
        options: list[tuple[str, OptionValue]] = []
        for parameter in row.parameters:
            given = bound.get(parameter.name, [])
            if parameter.is_operand:
                if given and self._is_absent(given[0].position) and parameter.default != "None":
                    raise self.error("None has no value", given[0].span)
                operands.append(
                    given[0].position if given else self._default_operand(parameter, span)
                )
            elif parameter.variadic:
                options.append((parameter.name, self._sizes(parameter, given)))
            elif given:
                options.append((parameter.name, self._option(parameter, given[0])))
            elif parameter.default != "None":
                options.append((parameter.name, _default_option(parameter)))
        while operands and self._is_absent(operands[-1]):
            operands.pop()
        return self.add(row.name, tuple(operands), span, None, tuple(options))

    def _bind(
        self, row: Function, arguments: Sequence[Argument], span: Span
    ) -> dict[str, list[Argument]]:
        """Arguments by the parameter they belong to."""
        parameters = list(row.parameters)
        by_name = {parameter.name: parameter for parameter in parameters}
        bound: dict[str, list[Argument]] = {}
        for count, argument in enumerate(arguments):
            if argument.keyword:
                name = OPTION_ALIASES.get(argument.keyword, argument.keyword)
                if name not in by_name:
                    known = ", ".join(by_name) or "none"
                    raise self.error(
                        f"{row.name} has no parameter '{argument.keyword}'",
                        argument.span,
                        f"its parameters: {known}",
                    )
            elif parameters and parameters[-1].variadic and count >= len(parameters) - 1:
                name = parameters[-1].name
            elif count < len(parameters):
                name = parameters[count].name
            else:
                raise self._arity(row, len(arguments), span)
            if name in bound and not by_name[name].variadic:
                raise self.error(f"'{name}' is given twice", argument.span, row.usage)
            bound.setdefault(name, []).append(argument)
        for parameter in parameters:
            if parameter.name not in bound and parameter.default is None:
                raise self._arity(row, len(arguments), span)
        return bound

    def _arity(self, row: Function, given: int, span: Span) -> ReadError:
        required = sum(parameter.default is None for parameter in row.parameters)
        most = len(row.parameters)
        takes = f"{required}" if required == most else f"{required} to {most}"
        if row.folds or row.parameters[-1].variadic:
            takes = f"{required} or more"
        elif row.overload:
            takes = f"{required} or more" if FUNCTIONS[row.overload].folds else f"{required} or 2"
        noun = "argument" if takes == "1" else "arguments"
        return self.error(
            f"{row.name} takes {takes} {noun}, {given} given", span, f"write {row.usage}"
        )

    def _default_operand(self, parameter: Parameter, span: Span) -> int:
        default = parameter.default or "None"
        value = None if default == "None" else float(default) if "." in default else int(default)
        return self.add(NUMBER, (), Span(span.end, span.end), value)

    def _is_absent(self, position: int) -> bool:
        node = self.nodes[position]
        return node.op == NUMBER and node.value is None

    def _sizes(self, parameter: Parameter, given: Sequence[Argument]) -> OptionValue:
        sizes: list[int] = []
        for argument in given:
            value = self._option(parameter._replace(type="ints"), argument)
            sizes += [value] if isinstance(value, int) else value or ()  # type: ignore[arg-type]
        return tuple(sizes)

    def _option(self, parameter: Parameter, argument: Argument) -> OptionValue:
        """The constant that an option is set to, checked against the option's type."""
        node = self.nodes[argument.position]
        words = WORDS.get(parameter.type, ())
        if node.op == VARIABLE and node.value in words:
            return str(node.value)
        if node.op in (LIST, TUPLE) and parameter.type == "ints":
            items = [self.constant(position) for position in node.operands]
            if all(type(item) is int for item in items):
                return tuple(items)  # type: ignore[arg-type]
        value = self.constant(argument.position)
        if self._is_absent(argument.position) and parameter.default == "None":
            return None
        kinds: dict[str, tuple[type, ...]] = {
            "int": (int,),
            "ints": (int,),
            "bool": (bool,),
            "number": (int, float),
            "order": (int, float),
        }
        if value is None or type(value) not in kinds.get(parameter.type, ()):
            wanted = {
                "int": "an integer",
                "ints": "an integer or a list of integers",
                "bool": "True or False",
                "number": "a constant number",
                "order": "a number, inf, fro or nuc",
                "word": "mean, sum or none",
            }[parameter.type]
            raise self.error(f"{parameter.name} must be {wanted}", argument.span)
        if isinstance(value, int) and abs(value) >= 2**63:
            raise self.error(f"{parameter.name} is beyond 64 bits", argument.span)
        return value

    def constant(self, position: int) -> int | float | bool | None:
        """The value of a node that is arithmetic on numbers alone, or None."""
        node = self.nodes[position]
        pending, wanted = [position], []
        while pending:
            at = pending.pop()
            wanted.append(at)
            if len(wanted) > 64:  # an option, not a computation
                return None
            pending += self.nodes[at].operands
        values: dict[int, int | float | bool | None] = {}
        for at in sorted(set(wanted)):
            node = self.nodes[at]
            if node.op == NUMBER:
                values[at] = node.value  # type: ignore[assignment]
            elif node.op in arithmetic.OPERATORS:
                operands = [values[operand] for operand in node.operands]
                try:
                    values[at] = arithmetic.apply(node.op, operands)
                except (EvaluationError, TypeError):  # TypeError: None stands among the operands
                    return None
            else:
                return None
        return values[position]

    def finish(
        self, root: int, steps: dict[int, str], warnings: tuple[str, ...] = ()
    ) -> Expression:
        """The expression that ends in `root`: what it does not need is dropped."""
        needed = bytearray(root + 1)
        needed[root] = 1
        for position in range(root, -1, -1):
            if needed[position]:
                for operand in self.nodes[position].operands:
                    needed[operand] = 1
        moved: dict[int, int] = {}
        nodes: list[Node] = []
        for position in range(root + 1):
            if needed[position]:
                node = self.nodes[position]
                moved[position] = len(nodes)
                nodes.append(node._replace(operands=tuple(moved[o] for o in node.operands)))
        named = {moved[position]: name for position, name in steps.items() if position in moved}
        return Expression(self.source, tuple(nodes), moved[root], named, warnings)


def _may_be_absent(op: str, number: int) -> bool:
    """Whether an operand may be left out: the bounds of clamp may."""
    operands = FUNCTIONS[op].operands if op in FUNCTIONS else ()
    return number < len(operands) and operands[number].default == "None"


def _names_more(row: Function, arguments: Sequence[Argument]) -> bool:
    """Whether a keyword belongs to the overload of `row` alone: `log(x, base=2)`."""
    own = {parameter.name for parameter in row.parameters}
    more = {parameter.name for parameter in FUNCTIONS[row.overload].parameters} - own
    return any(argument.keyword in more for argument in arguments)


def _default_option(parameter: Parameter) -> OptionValue:
    text = parameter.default or "None"
    if parameter.type == "bool":
        return text == "True"
    if parameter.type == "word":
        return text
    return float(text) if "." in text else int(text)
