"""The bounds of `--bounds x=0:1,y=-5:5`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograd_cli.errors import ReadError, Span, UnknownNameError, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import grid_parts
from autograd_cli.language.reader import read

OPTION = "--bounds"
HINT = "for example --bounds x=0:1,y=-5:5; x=0: has no upper bound"


@dataclass(frozen=True)
class Bound:
    """The least and the greatest value of a variable, constants; None where there is none."""

    name: str
    low: Expression | None
    high: Expression | None
    text: str


def read_bounds(texts: Sequence[str]) -> dict[str, Bound]:
    """The bounds by name. Raises: ReadError for anything else, UsageError for a name given twice,
    UnknownNameError for a bound that is no constant."""
    found: dict[str, Bound] = {}
    for text in texts:
        for name, span, parts in grid_parts(text, "a bound is written NAME=LOW:HIGH", HINT):
            if name in found:
                raise UsageError(
                    f"'{name}' is given twice in {OPTION}",
                    hint="give every variable one range",
                    span=span,
                    source=text,
                )
            if len(parts) != 2:
                end = parts[-1][1] + len(parts[-1][0])
                raise ReadError(
                    "a bound is written NAME=LOW:HIGH",
                    hint=HINT,
                    span=Span(span.start, end),
                    source=text,
                )
            low, high = (_side(part, offset, text) for part, offset in parts)
            whole = f"{parts[0][0].strip()}:{parts[1][0].strip()}"
            found[name] = Bound(name, low, high, whole)
    return found


def _side(part: str, offset: int, source: str) -> Expression | None:
    if not part.strip():
        return None
    try:
        value = read(part)
    except (ReadError, UnknownNameError) as error:
        if error.span is not None:
            error.span = Span(error.span.start + offset, error.span.end + offset)
        error.source = source
        raise
    for name, position in value.variables.items():
        start, end = value.nodes[position].span
        raise UnknownNameError(
            f"'{name}' has no value here: bounds are constants",
            hint=HINT,
            span=Span(start + offset, end + offset),
            source=source,
        )
    return value
