"""The table of several fits side by side."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_cli.render.descent import BAD, GOOD, parameters
from autograd_cli.render.document import Document, Paragraph, Part, Source
from autograd_cli.render.layout import Cell, Table, cell
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import NAME, NUMBER
from autograd_cli.render.sparkline import sparkline
from autograd_cli.render.style import Style
from autograd_cli.results.comparison import BY_RATE, Comparison
from autograd_cli.results.descent import QuadraticFit

MOST_PARAMETERS = 8  # whose table is shown
CURVE = 12  # columns of a loss curve
LOOKS = {"fast": GOOD, "slow": "", "oscillating": "yellow", "diverging": "bold red"}


def comparison_page(result: Comparison, style: Style) -> Document:
    """A row for each, with its loss as a little curve; then where the best one ended."""
    every = result.contenders
    labels = [short(one.label, style.precision) for one in every]
    columns: dict[str, list[Cell]] = {}
    if result.by == BY_RATE:
        columns["rate"] = [cell(text, NAME, solid=True, right=True) for text in labels]
    else:
        columns["optimizer"] = [cell(text, NAME, solid=True) for text in labels]
    if all(isinstance(one.fit, QuadraticFit) for one in every) and result.by == BY_RATE:
        words = [one.fit.behaviour for one in every if isinstance(one.fit, QuadraticFit)]
        columns["behaviour"] = [cell(word, LOOKS[word], solid=True) for word in words]
        rates = [
            (one.fit.predicted_rate, one.fit.observed_rate)
            for one in every
            if isinstance(one.fit, QuadraticFit)
        ]
        columns["predicted"] = [_number(predicted, 4) for predicted, _ in rates]
        columns["observed"] = [_number(observed, 4) for _, observed in rates]
    columns["loss"] = [_number(one.fit.loss, min(style.precision, 6) or 6) for one in every]
    columns["steps"] = [_number(one.fit.steps, 0) for one in every]
    if result.by != BY_RATE:
        columns["converged"] = [
            cell("yes", GOOD) if one.fit.converged else cell("no", BAD) for one in every
        ]
    columns["loss curve"] = [
        cell(sparkline(one.losses, CURVE, unicode=style.unicode), NUMBER, solid=True)
        for one in every
    ]
    best = f"the best is {short(result.best, style.precision)}: {result.reason}"
    page: list[Sequence[Part]] = [
        [Source(result.expression)],
        [Table(list(columns), list(zip(*columns.values(), strict=True)))],
        [Paragraph(best, GOOD if result.converged else BAD)],
    ]
    if len(result.parameters) > MOST_PARAMETERS:
        return page
    return [*page, parameters({"start": result.initial, "end": result.parameters}, style)]


def _number(value: float | None, precision: int) -> Cell:
    return cell("" if value is None else short(value, precision), NUMBER, solid=True, right=True)
