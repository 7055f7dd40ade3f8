"""Jacobians and Hessians as pages of a terminal: labelled rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_cli.render.grid import EDGE, MOST, linear
from autograd_cli.render.layout import GUTTER, INDENT, Cell, Line, Table, cell, hanging
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import (
    HEADING,
    NAME,
    TITLE,
    given,
    heading,
    line_width,
    shown,
    value_cells,
)
from autograd_cli.render.style import Style
from autograd_cli.results import Value, components
from autograd_cli.results.array import LISTS
from autograd_cli.results.matrices import (
    KINDS,
    NOT_CRITICAL,
    UNKNOWN,
    ZERO,
    Hessian,
    Jacobian,
    Matrix,
)


def jacobian_page(result: Jacobian, style: Style) -> list[Line]:
    """The lines that show a Jacobian, or the product with it."""
    lines = _top(result, style)
    if result.vjp is not None:
        lines += _weights(result.grad_output, style)
        lines += [[], *_vector(result.input_names, result.vjp, "input", "weights·J", style)]
    elif result.jvp is not None:
        lines += given(result.along, style, "along")
        lines += [[], *_vector(result.output_names, result.jvp, "output", "J·direction", style)]
    else:
        lines += _matrices(result, "∂/∂" if style.unicode else "d/d", style)
    pairs = [(_MEASURES[name], _numbers(value, style)) for name, value in result.extras().items()]
    return [*lines, *_pairs(pairs, style)]


_MEASURES = {
    "det": "determinant",
    "cond": "condition number",
    "singular_values": "singular values",
    "diag": "diagonal",
    "trace": "trace",
}


def hessian_page(result: Hessian, style: Style) -> list[Line]:
    """The lines that show a Hessian, and what it says of the point."""
    lines = _top(result, style)
    if result.hvp is not None:
        lines += given(result.along, style, "along")
        lines += [[], *_vector(result.input_names, result.hvp, "input", "H·direction", style)]
        return lines
    lines += _matrices(result, "∂²f" if style.unicode else "d2f", style)
    spectrum = result.spectrum
    if spectrum is not None and spectrum.eigenvalues is not None:
        vectors = spectrum.eigenvectors
        eigenvalues: Value = spectrum.eigenvalues
        if vectors is not None and len(vectors) <= MOST:
            corner = value_cells(eigenvalues, style, line_width(style))  # type: ignore[arg-type]
            entries = _entries(vectors, style)
            lines += [[], *_table("eigenvalue", corner, result.input_names, entries, style)]
            eigenvalues = None
        pairs = [("eigenvalues", _numbers(eigenvalues, style))] if eigenvalues else []
        condition = spectrum.condition_number
        pairs.append(("condition number", _numbers(condition, style)))
    else:
        pairs = []
    pairs = [("gradient", _named(result.gradient, style)), *pairs] if result.gradient else pairs
    pairs += [(_MEASURES[name], _numbers(value, style)) for name, value in result.extras().items()]
    lines += _pairs(pairs, style)
    if result.kind is not None:
        lines += [
            [],
            *hanging([], cell(shown(verdict(result, style), style), TITLE), line_width(style)),
        ]
    return lines


# Kinds of points that second derivatives leave open.
_OPEN = (KINDS[ZERO], KINDS[UNKNOWN])


def verdict(result: Hessian, style: Style) -> str:
    """What kind of point this is and why, as a sentence."""
    spectrum, kind = result.spectrum, result.kind
    assert spectrum is not None
    if kind == NOT_CRITICAL:
        entries = [
            entry for value in result.gradient.values() for _, entry in components("", value)
        ]
        slope = linear(entries[0] if len(entries) == 1 else entries, style)
        return f"{kind}: the gradient is {slope}; the Hessian is {spectrum.definiteness}"
    if kind in _OPEN:
        why = f"the gradient is zero and the Hessian only {spectrum.definiteness}"
        if spectrum.definiteness == UNKNOWN:
            return f"{kind}: the gradient is zero and the Hessian is not finite"
        if spectrum.definiteness == ZERO:
            why = "the gradient and the Hessian are zero"
        return f"{kind}: {why}; second derivatives do not decide"
    return f"{kind}: the gradient is zero and the Hessian {spectrum.definiteness}"


def _top(result: Matrix, style: Style) -> list[Line]:
    return [*heading(result, style), *given(result.at, style, "at")]


def _weights(weights: Value, style: Style) -> list[Line]:
    return hanging([("weighted with ", HEADING)], cell(linear(weights, style)), line_width(style))


def _matrices(result: Matrix, corner: str, style: Style) -> list[Line]:
    """The numbers and then the formulas, each with its labels."""
    lines: list[Line] = []
    labels = [cell(shown(label, style), NAME) for label in _ends(result.row_labels, style)]
    names = _ends(result.input_names, style)
    if result.rows is not None:
        cut = [_ends(row, style) for row in _ends(result.rows, style, len(result.input_names))]
        lines += [[], *_table(corner, labels, names, _entries(cut, style), style)]
    if result.symbolic is not None:
        formulas: Any = result.symbolic
        cut = [_ends(row, style) for row in _ends(formulas, style, len(result.input_names))]
        cells = [[cell(shown(entry, style)) for entry in row] for row in cut]
        lines += [[], *_table(corner, labels, names, cells, style)]
    return lines


def _ends(values: Sequence[Any], style: Style, width: int = 0) -> list[Any]:
    """The values, with the middle of many left out: a sign stands for it, or a row of `width`."""
    if len(values) <= MOST:
        return list(values)
    sign = "…" if style.unicode else "..."
    return [*values[:EDGE], [sign] * width if width else sign, *values[-EDGE:]]


def _entries(rows: Sequence[Sequence[Any]], style: Style) -> list[list[Cell]]:
    """The numbers of a matrix as cells, the decimal points of a column under each other."""
    columns = [value_cells(column, style, line_width(style)) for column in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _table(
    corner: str,
    labels: Sequence[Cell],
    names: Sequence[str],
    cells: Sequence[Sequence[Cell]],
    style: Style,
) -> list[Line]:
    """A labelled matrix; where it is too wide, so many columns at a time as there is room for."""
    room = line_width(style)
    headings = [shown(name, style) for name in names]
    lines: list[Line] = []
    start = 0
    while start < len(names):
        for stop in range(len(names), start, -1):
            rows = [[label, *row[start:stop]] for label, row in zip(labels, cells, strict=True)]
            table = Table([corner, *headings[start:stop]], rows, spaced=False)
            widths = table.widths(room)
            if widths and (stop == start + 1 or _is_easy(table, widths)):
                break
        lines += [[]] if lines else []
        lines += table.lines(widths, HEADING) if widths else table.records(room, HEADING)
        start = stop
    return lines


def _is_easy(table: Table, widths: Sequence[int]) -> bool:
    """Whether no entry beside the labels is wrapped."""
    return all(
        entry.width <= width
        for row in table.rows
        for entry, width in zip(row[1:], widths[1:], strict=True)
    )


def _vector(
    names: Sequence[str], values: Sequence[Any], what: str, title: str, style: Style
) -> list[Line]:
    labels = [cell(shown(name, style), NAME) for name in _ends(names, style)]
    numbers = value_cells(_ends(values, style), style, line_width(style))
    title = title if style.unicode else title.replace("·", " . ")
    table = Table([what, title], list(zip(labels, numbers, strict=True)))
    return table.drawn(line_width(style), HEADING)


def _numbers(value: Any, style: Style) -> str:
    if isinstance(value, LISTS):
        return ", ".join(
            entry if isinstance(entry, str) else short(entry, style.precision)
            for entry in _ends(value, style)
        )
    return short(value, style.precision)


def _named(values: Mapping[str, Value], style: Style) -> str:
    return ", ".join(f"{name}: {linear(value, style)}" for name, value in values.items())


def _pairs(pairs: Sequence[tuple[str, str]], style: Style) -> list[Line]:
    """A list of labels and texts; where there is little room, each text is below its label."""
    room = line_width(style)
    width = max((len(label) for label, _ in pairs), default=0) + GUTTER
    lines: list[Line] = [[]] if pairs else []
    for label, text in pairs:
        content = cell(shown(text, style))
        if 2 * width > room:
            lines += [[(label, HEADING)], *hanging([(" " * INDENT, "")], content, room)]
        else:
            lines += hanging([(label.ljust(width), HEADING)], content, room)
    return lines
