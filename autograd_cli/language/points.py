"""Where to evaluate: the values of `--at`, the axes of `--grid`, the directions of `--along`."""

from __future__ import annotations

import contextlib
import difflib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograd_cli.errors import FileError, ReadError, Span, UnknownNameError, UsageError
from autograd_cli.language import tokens
from autograd_cli.language.expression import LIST, NUMBER, Expression
from autograd_cli.language.reader import read, read_assignments
from autograd_cli.language.tokens import Scanner

MAX_GRID_POINTS = 100_000_000

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """An axis of a grid: `count` points from `start` to `stop`, both included.

    `counted` says that the count was given.
    """

    name: str
    start: Expression
    stop: Expression
    count: int
    counted: bool = True


def read_values(texts: Sequence[str], option: str = "--at") -> dict[str, Expression]:
    """The values of `x=2,y=pi/4` (several texts add up), or of a JSON object in `@file.json`.

    Every value is a constant expression. Raises: ReadError and UnknownNameError with the place in
    the text, UsageError for a name that is given twice, FileError for a file that cannot be read.
    """
    values: dict[str, Expression] = {}
    for text in texts:
        if text.startswith("@"):
            found = [(name, None, value) for name, value in _read_json(text[1:]).items()]
            source = text
        else:
            found = list(read_assignments(text))  # type: ignore[arg-type]
            source = text
        if not found:
            raise UsageError(f"{option} is empty", hint=f"for example {option} x=2,y=pi/4")
        for name, span, value in found:
            if name in values:
                raise UsageError(
                    f"'{name}' is given twice in {option}",
                    hint="give every variable one value",
                    span=span,
                    source=source if span else None,
                )
            _check_constant(value, option)
            values[name] = value
    return values


def _check_constant(value: Expression, option: str) -> None:
    for name, position in value.variables.items():
        raise UnknownNameError(
            f"'{name}' has no value here: what {option} assigns are constants",
            hint="for example x=2, x=pi/4, v=[1, 2, 3], A=randn(3, 3)",
            span=value.nodes[position].span,
            source=value.source,
        )


def _kept(path: str, text: str) -> Callable[[str], float]:
    """What reads the numbers of a JSON file, and raises ReadError for those beyond float64."""

    def number(digits: str) -> float:
        with contextlib.suppress(OverflowError):
            found = float(digits) if set(digits) & set(".eE") else int(digits)
            if math.isfinite(found):
                return found
        line = text.count("\n", 0, text.find(digits)) + 1
        shown = digits if len(digits) <= 40 else f"{digits[:40]}…"
        raise ReadError(
            f"'{path}', line {line}: {shown} is beyond float64, which ends near 1.8e308",
            hint='for an infinite value write "Infinity"',
        )

    return number


def _read_json(path: str) -> dict[str, Expression]:
    """The values in a JSON object: numbers, (nested) lists, or expressions as strings.

    Raises: as `read_text`; ReadError for other JSON, UsageError for a key that is there twice.
    """
    from autograd_cli.data.textfile import read_text  # most values are typed

    try:
        text = read_text(path)
    except FileError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.strerror:
            raise FileError(f"cannot read '{path}': {error.__cause__.strerror}") from None
        raise
    try:
        kept = _kept(path, text)
        content = json.loads(text, parse_float=kept, parse_int=kept)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ReadError(
            f"'{path}' is not JSON: {getattr(error, 'msg', error)}, line {line}",
            hint='for example {"x": 2, "v": [1, 2, 3], "t": "pi/4"}',
        ) from None
    except RecursionError:
        raise ReadError(f"'{path}' is nested too deeply") from None
    if not isinstance(content, dict):
        raise ReadError(
            f"'{path}' holds no JSON object", hint='for example {"x": 2, "v": [1, 2, 3]}'
        )
    _check_once(text, path)
    return {
        variable_name(name) or name: _from_json(value, name, path)
        for name, value in content.items()
    }


def _check_once(text: str, path: str) -> None:
    """Every key of a JSON object is there once, however it is spelled. Raises UsageError."""
    seen: set[str] = set()
    for name, span in _keys(text):
        variable = variable_name(name) or name
        if variable in seen:
            line = text.count("\n", 0, span.start) + 1
            raise UsageError(
                f"'{variable}' is given twice in '{path}', line {line}",
                hint="give every variable one value",
                span=span,
                source=text,
            )
        seen.add(variable)


def _keys(text: str) -> Iterator[tuple[str, Span]]:
    """The keys of a valid JSON object, and where they stand, quotes included."""
    decoder = json.JSONDecoder()
    position = _beyond_blanks(text, text.index("{") + 1)
    while text[position] == '"':
        name, end = decoder.raw_decode(text, position)
        yield name, Span(position, end)
        position = _beyond_blanks(text, text.index(":", end) + 1)
        _, position = decoder.raw_decode(text, position)
        position = _beyond_blanks(text, position)
        if text[position] == ",":
            position = _beyond_blanks(text, position + 1)


def _beyond_blanks(text: str, position: int) -> int:
    while text[position] in " \t\n\r":
        position += 1
    return position


def _from_json(value: object, name: str, path: str) -> Expression:
    if isinstance(value, str):
        return read(_NON_FINITE.get(value, value))
    try:
        return read(_as_expression(value))
    except ReadError:
        raise ReadError(
            f"'{name}' in '{path}' is neither a number, a list of numbers nor an expression",
            hint='for example {"x": 2, "v": [1, 2, 3], "t": "pi/4"}',
        ) from None


def _as_expression(value: object) -> str:
    """JSON as text of the language: in lists too, strings are expressions or non-finite numbers."""
    text = re.sub(r'"([^"\\]*)"', r"(\1)", json.dumps(value, ensure_ascii=False))
    for name, number in (("Infinity", "inf"), ("NaN", "nan"), ("true", "True"), ("false", "False")):
        text = re.sub(rf"\b{name}\b", number, text)
    return text


_NON_FINITE = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}  # as in agx's own JSON


def read_grid(text: str) -> tuple[Axis, ...]:
    """The axes of `x=-2:2:41,y=0:1:3`: start, stop and the number of points.

    Raises: ReadError for anything else, UsageError for a count below 1 or too many points.
    """
    axes: list[Axis] = []
    for name, span, parts in grid_parts(
        text, "an axis is written NAME=START:STOP:COUNT", "for example --grid x=-2:2:41"
    ):
        if any(axis.name == name for axis in axes):
            raise UsageError(
                f"'{name}' is given twice in --grid",
                hint="give every variable one axis",
                span=span,
                source=text,
            )
        axes.append(_axis(name, span, parts, text))
    if math.prod(axis.count for axis in axes) > MAX_GRID_POINTS:
        raise UsageError(
            f"the grid has more than {MAX_GRID_POINTS:,} points", hint="use fewer points per axis"
        )
    return tuple(axes)


def grid_parts(text: str, form: str, hint: str) -> list[tuple[str, Span, list[tuple[str, int]]]]:
    """The names of `x=-2:2:41,y=0:1`, with the texts between their colons and where those begin.

    Raises: ReadError for anything else, which says the `form` and the `hint`.
    """
    found = []
    position = 0
    for item in _split(text, ","):
        name, equals, rest = item.partition("=")
        start = position + len(name) - len(name.lstrip())
        span = Span(start, start + len(name.strip()))
        canonical = variable_name(name) if equals else None
        if canonical is None:
            raise ReadError(
                form,
                hint=hint,
                span=Span(position, position + len(item)),
                source=text,
            )
        offset = position + len(name) + 1
        parts = []
        for part in _split(rest, ":"):
            parts.append((part, offset))
            offset += len(part) + 1
        found.append((canonical, span, parts))
        position += len(item) + 1
    return found


def variable_name(text: str) -> str | None:
    """The canonical form of a variable's name, or None if `text` is not one."""
    scanner = Scanner(text)
    try:
        name, end = scanner.take(), scanner.take()
    except ReadError:
        return None
    return name.text if name.kind == tokens.NAME and end.kind == tokens.END else None


def _split(text: str, separator: str) -> list[str]:
    """`text` cut at separators outside brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == separator and depth <= 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _axis(name: str, span: Span, parts: list[tuple[str, int]], source: str) -> Axis:
    whole = Span(span.start, parts[-1][1] + len(parts[-1][0]))
    if len(parts) not in (2, 3):
        raise ReadError(
            "an axis is written NAME=START:STOP:COUNT",
            hint="for example --grid x=-2:2:41",
            span=whole,
            source=source,
        )
    bounds = []
    for text, offset in parts[:2]:
        try:
            bound = read(text)
        except (ReadError, UnknownNameError) as error:
            if error.span is not None:
                error.span = Span(error.span.start + offset, error.span.end + offset)
            error.source = source
            raise
        _check_constant(bound, "--grid")
        bounds.append(bound)
    count = 11
    if len(parts) == 3:
        text, offset = parts[2]
        place = Span(offset, offset + len(text))
        if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 12:
            raise ReadError(
                "the number of points is a whole number",
                span=place,
                source=source,
                hint="for example x=-2:2:41",
            )
        count = int(text)
        if count < 1:
            raise UsageError(
                "a grid of zero points", hint="ask for at least 1", span=place, source=source
            )
    return Axis(name, bounds[0], bounds[1], count, len(parts) == 3)


def read_names(text: str, expression: Expression, option: str) -> tuple[str, ...]:
    """The variables of `x,y`, each in the expression.

    Raises: UnknownNameError for a name that is not a variable of the expression, UsageError for an
    empty list or a name given twice.
    """
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise UsageError(f"{option} is a list of variables", hint=f"for example {option} x,y")
    for name in names:
        if name not in expression.variables:
            raise unknown_variable(name, expression, option)
    if option == "--wrt" and len(set(names)) < len(names):
        raise UsageError(f"a variable is given twice in {option}", hint="name every variable once")
    return names


def unknown_variable(name: str, expression: Expression, option: str) -> UnknownNameError:
    """The error for a name that the expression does not have, with the one that may be meant."""
    near = difflib.get_close_matches(name, expression.variables, n=1, cutoff=0.5)
    known = ", ".join(expression.variables) or "none"
    hint = f"did you mean '{near[0]}'?" if near else f"its variables: {known}"
    return UnknownNameError(f"no '{name}' in the expression, but in {option}", hint=hint)


def check_values(
    expression: Expression, given: Collection[str], options: Mapping[str, str]
) -> None:
    """Every variable has a value, and every value a variable.

    `options` says for a given name where it came from (`--at`, `--grid`). Raises: UnknownNameError.
    """
    missing = [name for name in expression.variables if name not in given]
    if missing:
        name = missing[0]
        values = ",".join(f"{name}=…" for name in missing)
        raise UnknownNameError(
            f"no value for '{name}'",
            hint=f"add --at {values}" + _lookalike(name, given),
            span=expression.nodes[expression.variables[name]].span,
            source=expression.source,
        )
    for name in given:
        if name not in expression.variables:
            raise unknown_variable(name, expression, options[name])


def _lookalike(name: str, given: Collection[str]) -> str:
    """More advice: letters that look the same (Cyrillic х), or a product written together."""
    if not name.isascii():
        strange = next(character for character in name if not character.isascii())
        return f" ('{strange}' is {unicodedata.name(strange, 'unnamed')})"
    if name == "e":
        return "; Euler's number is written E"
    if len(name) > 1 and given and all(letter in given for letter in name):
        return f", or write {'*'.join(name)} for the product"
    return ""


def static_shape(value: Expression) -> Shape | None:
    """The shape of a value if the text alone shows it (numbers and lists of them), else None."""
    shapes: list[Shape | None] = []
    for node in value.nodes:
        operands = [shapes[i] for i in node.operands]
        if node.op == NUMBER:
            shapes.append(())
        elif node.op == LIST:
            first = operands[0]
            same = first is not None and all(shape == first for shape in operands)
            shapes.append((len(operands), *first) if same and first is not None else None)
        elif node.op in _SCALAR_ARITHMETIC and all(shape == () for shape in operands):
            shapes.append(())
        else:
            shapes.append(None)
    return shapes[value.root]


_SCALAR_ARITHMETIC = {"neg", "add", "sub", "mul", "div", "pow", "sqrt", "exp", "log", "sin", "cos"}
