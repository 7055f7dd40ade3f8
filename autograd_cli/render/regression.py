"""The report of a fit to data: for a terminal, in Markdown and in LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autograd_cli.render.fit import verdict
from autograd_cli.render.layout import GUTTER, Line, Table, cell, hanging
from autograd_cli.render.numbers import align, short
from autograd_cli.render.parts import (
    HEADING,
    NAME,
    NUMBER,
    TITLE,
    line_width,
    paragraph,
    shown,
)
from autograd_cli.render.style import Style
from autograd_cli.results import Scalar, Value
from autograd_cli.results.regression import Prediction, Regression, Statistics

MOST_CORRELATED = 12  # parameters whose correlations are shown
FEW_DIGITS = 3  # of correlations, beyond the point
SHOWN_PREDICTIONS = 40
NARROW = 20  # columns for what is said of a fit


def regression_page(result: Regression, style: Style) -> list[Line]:
    room = line_width(style)
    lines: list[Line] = [
        *paragraph([(shown(equation(result), style), TITLE)], room),
        *paragraph([(ending(result), "")], room),
        [],
        *_parameters(result, style).drawn(room, HEADING),
        [],
    ]
    facts = summary(result.statistics, style)
    labels = max(len(label) for label, _ in facts) + GUTTER
    for label, text in facts:
        if room - labels < NARROW:  # a line for the label, one for what it says
            lines.append([(label, HEADING)])
            lines += hanging([("  ", "")], cell(text), room)
        else:
            lines += hanging([(label.ljust(labels), HEADING)], cell(text), room)
    lines += _correlations(result.statistics, style)
    if result.predictions:
        lines += _predictions(result.predictions, result.statistics, style)
    return lines


def equation(result: Regression) -> str:
    return f"{result.response} = {result.expression}"


def ending(result: Regression) -> str:
    """How it ended, and on how many observations."""
    said = verdict(result) if result.initial else result.reason
    return f"{said}; {result.statistics.observations} observations"


def parameter_columns(result: Regression, style: Style) -> dict[str, list[str]]:
    """The columns of the table of parameters as texts, their names first."""
    statistics = result.statistics
    names = list(statistics.standard_errors)
    learned = result.exact is not None and result.exact != result.parameters
    found: dict[str, Mapping[str, Value]] = {"learned" if learned else "fitted": result.parameters}
    if learned and result.exact is not None:
        found["exact"] = result.exact
    if result.true is not None:
        found["true"] = result.true
    found["standard error"] = statistics.standard_errors
    columns = {
        heading: _aligned([values[name] for name in names], style)  # type: ignore[misc]
        for heading, values in found.items()
    }
    intervals = [statistics.confidence_intervals[name] for name in names]
    columns[f"{_level(statistics)} confidence"] = _intervals(intervals, style)
    return {"parameter": [shown(name, style) for name in names], **columns}


def prediction_columns(
    predictions: Sequence[Prediction], statistics: Statistics, style: Style
) -> dict[str, list[str]]:
    """The columns of the table of predictions as texts, the inputs first."""
    level = _level(statistics)
    inputs = {
        shown(name, style): _aligned([one.at[name] for one in predictions], style)
        for name in predictions[0].at
    }
    return {
        **inputs,
        "prediction": _aligned([one.value for one in predictions], style),
        "standard error": _aligned([one.standard_error for one in predictions], style),
        f"{level} of the curve": _intervals(
            [one.confidence_interval for one in predictions], style
        ),
        f"{level} of a point": _intervals([one.prediction_interval for one in predictions], style),
    }


def summary(statistics: Statistics, style: Style) -> list[tuple[str, str]]:
    """What is said of the fit as a whole: labels and texts."""

    def number(value: Scalar) -> str:
        return short(value, style.precision)

    about = " about zero, as the model has no constant" if statistics.about_zero else ""
    freedom = statistics.degrees_of_freedom
    degrees = f"{freedom} degree{'' if freedom == 1 else 's'} of freedom"
    return [
        ("residual sum of squares", f"{number(statistics.rss)}, {degrees}"),
        ("residual standard error", number(statistics.residual_standard_error)),
        ("R²" if style.unicode else "R^2", number(statistics.r_squared) + about),
        ("AIC, n log(rss/n) + 2 p", number(statistics.aic)),
        ("BIC, n log(rss/n) + p log(n)", number(statistics.bic)),
        ("condition number", f"{statistics.condition_number:.3g}"),
    ]


def correlation_rows(statistics: Statistics) -> list[list[str]]:
    """The lower triangle of the correlations, rounded, without the diagonal."""
    names = list(statistics.standard_errors)
    rows = zip(names[1:], statistics.correlation[1:], strict=True)
    return [
        [name, *(f"{value:.{FEW_DIGITS}f}" for value in row[:count])]
        for count, (name, row) in enumerate(rows, 1)
    ]


def _parameters(result: Regression, style: Style) -> Table:
    return _table(parameter_columns(result, style), 1)


def _table(columns: Mapping[str, list[str]], names: int) -> Table:
    """A table of texts, of which the first columns, so many, are names."""
    cells = [
        [
            cell(text, NAME if number < names else NUMBER, solid=True, right=number >= names)
            for text in column
        ]
        for number, column in enumerate(columns.values())
    ]
    return Table(list(columns), list(zip(*cells, strict=True)))


def _correlations(statistics: Statistics, style: Style) -> list[Line]:
    rows = correlation_rows(statistics)
    if not rows or len(rows) >= MOST_CORRELATED or statistics.degrees_of_freedom == 0:
        return []
    names = [shown(name, style) for name in statistics.standard_errors]
    cells = [
        [cell(shown(row[0], style), NAME, solid=True)]
        + [cell(text, solid=True, right=True) for text in row[1:]]
        + [cell("", right=True)] * (len(rows) - len(row) + 1)
        for row in rows
    ]
    table = Table(("correlation", *names[:-1]), cells)
    widths = table.widths(line_width(style))
    return [[], *table.lines(widths, HEADING)] if widths else []


def _predictions(
    predictions: Sequence[Prediction], statistics: Statistics, style: Style
) -> list[Line]:
    room = line_width(style)
    first = predictions[:SHOWN_PREDICTIONS]
    lines = [[], *_table(prediction_columns(first, statistics, style), 0).drawn(room, HEADING)]
    left = len(predictions) - len(first)
    if left > 0:
        lines += paragraph([(f"and {left} more, which --format csv has", HEADING)], room)
    return lines


def _level(statistics: Statistics) -> str:
    return f"{100 * statistics.confidence:g}%"


def _aligned(values: Sequence[Scalar], style: Style) -> list[str]:
    return align([short(value, style.precision) for value in values])


def _intervals(intervals: Sequence[tuple[float, float]], style: Style) -> list[str]:
    lows = [short(low, style.precision) for low, _ in intervals]
    highs = [short(high, style.precision) for _, high in intervals]
    width, dots = max(map(len, highs)), "…" if style.unicode else "..."
    return [f"{low} {dots} {high:<{width}}" for low, high in zip(lows, highs, strict=True)]


def tables(result: Regression, style: Style) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The tables of the report, for Markdown: their headings and rows."""
    yield _rows(parameter_columns(result, style))
    facts = summary(result.statistics, style)
    yield ["of the fit", "value"], [[label, text] for label, text in facts]
    if result.predictions:
        yield _rows(prediction_columns(result.predictions, result.statistics, style))


def _rows(columns: Mapping[str, list[str]]) -> tuple[list[str], list[list[str]]]:
    rows = zip(*columns.values(), strict=True)
    return list(columns), [[text.strip() for text in row] for row in rows]
