"""The report of a fit to data: the parameters and how sure they are, the fit as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autograd_cli.render.document import (
    Alignment,
    Code,
    Column,
    Equations,
    Fact,
    Facts,
    Inline,
    Interval,
    Number,
    Page,
    Paragraph,
    Part,
    Symbol,
    Table,
    Text,
    Title,
)
from autograd_cli.render.pages.descent import verdict
from autograd_cli.results import Value
from autograd_cli.results.fit import numbers
from autograd_cli.results.regression import Prediction, Regression, Statistics

MOST_CORRELATED = 12  # parameters whose correlations are shown
DECIMALS = 3  # of correlations
CONDITION_DIGITS = 3
MOST_PREDICTIONS = 40  # that a terminal shows


def regression_page(result: Regression) -> Page:
    """The model, how it was fitted, its parameters, and what is said of the fit as a whole."""
    statistics = result.statistics
    said = verdict(result) if result.initial else result.reason
    page: list[Part] = [
        Title(Code(result.response), Code(result.expression)),
        Paragraph(f"{said}; {statistics.observations} observations"),
        _equations(result),
        _parameters(result),
        _summary(statistics),
        *_correlations(statistics),
    ]
    if result.predictions:
        page.append(_predictions(result.predictions, statistics))
    return page


def _equations(result: Regression) -> Equations:
    """Every parameter with its standard error; how good the fit is."""
    statistics = result.statistics
    exact = result.exact or {}
    rows: list[Sequence[Text]] = []
    for name, value in numbers(result.parameters):
        sides: list[tuple[Inline, ...]] = [(Symbol(name),), (Number(value),)]
        if exact.get(name, value) != value:
            sides.append((Number(exact[name]), r"_{\text{exact}}"))
        sides[-1] = (*sides[-1], r" \pm ", Number(statistics.standard_errors[name]))
        rows.append(sides)
    rows.append([r"\sum r^2", Number(statistics.rss)])
    rows.append(["s", Number(statistics.residual_standard_error)])
    rows.append(["R^2", Number(statistics.r_squared)])
    return Equations(rows)


def _parameters(result: Regression) -> Table:
    statistics = result.statistics
    names = list(statistics.standard_errors)
    learned = result.exact is not None and result.exact != result.parameters
    found: dict[str, Mapping[str, Value]] = {"learned" if learned else "fitted": result.parameters}
    if learned and result.exact is not None:
        found["exact"] = result.exact
    if result.true is not None:
        found["true"] = result.true
    found["standard error"] = statistics.standard_errors
    intervals = [Interval(*statistics.confidence_intervals[name]) for name in names]
    return Table(
        [
            Column("parameter", [Symbol(name) for name in names], names_rows=True),
            *(
                Column(heading, [Number(values[name]) for name in names])
                for heading, values in found.items()
            ),
            Column(f"{_level(statistics)} confidence", intervals),
        ]
    )


def _summary(statistics: Statistics) -> Facts:
    """What is said of the fit as a whole."""
    about = " about zero, as the model has no constant" if statistics.about_zero else ""
    freedom = statistics.degrees_of_freedom
    degrees = f"{freedom} degree{'' if freedom == 1 else 's'} of freedom"
    condition = Number(statistics.condition_number, CONDITION_DIGITS)
    return Facts(
        [
            Fact("residual sum of squares", (Number(statistics.rss), f", {degrees}")),
            Fact("residual standard error", Number(statistics.residual_standard_error)),
            Fact("R²", (Number(statistics.r_squared), about)),
            Fact("AIC, n log(rss/n) + 2 p", Number(statistics.aic)),
            Fact("BIC, n log(rss/n) + p log(n)", Number(statistics.bic)),
            Fact("condition number", condition),
        ],
        about="of the fit",
    )


def _correlations(statistics: Statistics) -> Iterator[Table]:
    """The lower triangle of the correlations, without the diagonal."""
    names = list(statistics.standard_errors)
    if not 1 < len(names) <= MOST_CORRELATED or statistics.degrees_of_freedom == 0:
        return
    columns = [Column("correlation", [Symbol(name) for name in names[1:]], names_rows=True)]
    for place, name in enumerate(names[:-1]):
        cells = [
            Number(row[place], decimals=DECIMALS) if place < count else ""
            for count, row in enumerate(statistics.correlation[1:], 1)
        ]
        columns.append(Column(Symbol(name), cells, Alignment.RIGHT))
    yield Table(columns)


def _predictions(predictions: Sequence[Prediction], statistics: Statistics) -> Table:
    level = _level(statistics)
    curve = [Interval(*one.confidence_interval) for one in predictions]
    point = [Interval(*one.prediction_interval) for one in predictions]
    return Table(
        [
            *(
                Column(Symbol(name), [Number(one.at[name]) for one in predictions])
                for name in predictions[0].at
            ),
            Column("prediction", [Number(one.value) for one in predictions]),
            Column("standard error", [Number(one.standard_error) for one in predictions]),
            Column(f"{level} of the curve", curve),
            Column(f"{level} of a point", point),
        ],
        most=MOST_PREDICTIONS,
    )


def _level(statistics: Statistics) -> str:
    return f"{100 * statistics.confidence:g}%"
