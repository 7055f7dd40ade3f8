"""The reports of `agx fit quadratic` and `agx fit minimize`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd_cli.render.document import Document, Facts, Paragraph, Part, Title
from autograd_cli.render.fit import verdict
from autograd_cli.render.grid import linear
from autograd_cli.render.layout import Cell, Table, cell
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import (
    HEADING,
    NAME,
    line_width,
    shown,
    value_cells,
)
from autograd_cli.render.style import Style
from autograd_cli.results import Scalar, Value
from autograd_cli.results.descent import CONSTANT, VALLEY, WITH_MINIMUM, QuadraticFit
from autograd_cli.results.fit import Fit, numbers
from autograd_cli.results.minimum import MinimumFit

GOOD, BAD = "bold green", "bold yellow"
MOST_ROWS = 24  # parameters, or eigenvalues, beyond which the middle is left out
LABEL = 20

Pair = tuple[str, str]


def quadratic_page(result: QuadraticFit, style: Style) -> Document:
    """The end beside the exact minimum, and what the Hessian predicted of the way there."""
    columns: dict[str, Mapping[str, Value]] = {"start": result.initial, "end": result.parameters}
    if result.stationary is not None:
        columns["minimum" if result.kind in WITH_MINIMUM else "stationary"] = result.stationary
    pairs: list[Pair] = [("loss", short(result.loss, style.precision)), *_stationary(result, style)]
    pairs.append(("eigenvalues", _eigenvalues(result, style)))
    if result.condition_number is not None:
        pairs.append(("condition number", short(result.condition_number, style.precision)))
    pairs += _rates(result, style)
    return [[ending(result)], parameters(columns, style), [Facts(pairs)]]


def _stationary(result: QuadraticFit, style: Style) -> list[Pair]:
    value = short(result.stationary_value, style.precision)
    if result.stationary is None:
        return [("minimum", "none: the loss falls without end along a direction without curvature")]
    if result.kind not in WITH_MINIMUM:
        return [("minimum", f"none: the gradient vanishes only at a {result.kind}, value {value}")]
    if result.kind == CONSTANT:
        return [("minimum", f"everywhere: the loss is {value}")]
    place = ""
    if result.exact is not None:
        points = [f"{name} = {linear(at, style)}" for name, at in result.exact.items()]
        place = f" at {', '.join(points)} exactly"
    line = ", one point of a valley of minima" if result.kind == VALLEY else ""
    return [("minimum", f"{value}{place}{line}")]


def _eigenvalues(result: QuadraticFit, style: Style) -> str:
    texts = list(result.exact_eigenvalues)
    if not texts or max(map(len, texts)) > LABEL:
        texts = _shortened([short(value, style.precision) for value in result.eigenvalues], style)
    return f"{', '.join(texts)}: {result.definiteness}"


def _rates(result: QuadraticFit, style: Style) -> list[Pair]:
    pairs: list[Pair] = []
    digits = min(style.precision, 4) or 4
    rates = [
        f"{short(rate, digits)} {word}"
        for rate, word in ((result.predicted_rate, "predicted"), (result.observed_rate, "observed"))
        if rate is not None
    ]
    if rates:
        pairs.append(("error per step", f"times {', '.join(rates)}"))
    rate = short(result.learning_rate, style.precision)
    if result.stable_learning_rate is not None:
        rate += f"; stable below {short(result.stable_learning_rate, style.precision)}"
    if result.best_learning_rate is not None:
        rate += f", fastest at {short(result.best_learning_rate, style.precision)}"
    return [*pairs, ("learning rate", rate)]


def minimum_page(result: MinimumFit, style: Style) -> Document:
    """What kind of point the end is, with the evidence; with several starts, the distinct ends."""
    columns: dict[str, Mapping[str, Value]] = {"start": result.initial, "end": result.parameters}
    if result.basins:
        del columns["start"]
    columns["gradient"] = result.gradient
    pairs: list[Pair] = [
        ("verdict", result.verdict),
        ("loss", short(result.loss, style.precision)),
        ("gradient norm", short(result.gradient_norm, min(style.precision, 3))),
    ]
    if result.eigenvalues is not None:
        texts = _shortened([short(one, style.precision) for one in result.eigenvalues], style)
        pairs.append(("eigenvalues", f"{', '.join(texts)}: {result.definiteness}"))
    if result.condition_number is not None:
        pairs.append(("condition number", short(result.condition_number, style.precision)))
    if result.at_bounds:
        pairs.append(("held by bounds", ", ".join(result.at_bounds)))
    pairs.append(("method", result.method))
    page: list[Sequence[Part]] = [[ending(result)], parameters(columns, style), [Facts(pairs)]]
    return [*page, _basins(result, style)] if result.basins else page


def _basins(result: MinimumFit, style: Style) -> list[Part]:
    room = line_width(style)
    names = [name for name, _ in numbers(result.parameters)]
    shares = [
        cell(f"{one.found} of {result.starts}", solid=True, right=True) for one in result.basins
    ]
    verdicts = [cell(one.verdict) for one in result.basins]
    columns: list[list[Cell]] = [
        value_cells([one.loss for one in result.basins], style, room),
        shares,
        verdicts,
    ]
    headings = ["loss", "found", "verdict"]
    rows = [[value for _, value in numbers(one.parameters)] for one in result.basins]
    for number, name in enumerate(names[:MOST_ROWS]):
        headings.append(shown(name, style))
        columns.append(value_cells([row[number] for row in rows], style, room))
    return [Title("where the starts ended"), Table(headings, list(zip(*columns, strict=True)))]


# Parts --------------------------------------------------------------------------------------------


def ending(result: Fit) -> Paragraph:
    """Whether it converged, and why it ended."""
    return Paragraph(verdict(result), GOOD if result.converged else BAD)


def parameters(columns: Mapping[str, Mapping[str, Value]], style: Style) -> list[Part]:
    """A table with a row for every number of the parameters; the middle of many is left out."""
    first = next(iter(columns.values()))
    names = [shown(name, style) for name, _ in numbers(first)]
    flat: list[list[Scalar]] = [[value for _, value in numbers(one)] for one in columns.values()]
    places = list(range(len(names)))
    if len(names) > MOST_ROWS:
        places = [*places[: MOST_ROWS // 2], *places[-MOST_ROWS // 2 :]]
    cells = [[cell(names[place], NAME, solid=True) for place in places]]
    cells += [
        value_cells([column[place] for place in places], style, line_width(style))
        for column in flat
    ]
    found: list[Part] = [Table(("parameter", *columns), list(zip(*cells, strict=True)))]
    if len(names) > MOST_ROWS:
        note = f"{len(names) - MOST_ROWS} parameters in the middle are left out"
        found.append(Paragraph(note, HEADING))
    return found


def _shortened(texts: list[str], style: Style) -> list[str]:
    """A list without its middle, where it is long."""
    if len(texts) <= 8:
        return texts
    return [*texts[:4], "…" if style.unicode else "...", *texts[-3:]]
