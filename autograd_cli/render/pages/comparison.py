"""The page of several fits side by side."""

from __future__ import annotations

from autograd_cli.render.document import (
    Alignment,
    Code,
    Column,
    Curve,
    Mood,
    Number,
    Page,
    Paragraph,
    Part,
    Remark,
    Table,
    Title,
)
from autograd_cli.render.pages.descent import RATE_DIGITS, parameter_table
from autograd_cli.results.comparison import BY_RATE, Comparison
from autograd_cli.results.descent import QuadraticFit

CURVE = 12  # bars of a loss curve
LOSS_DIGITS = 6
MOST_PARAMETERS = 8  # of a network, which are not told beside its loss, that are shown
MOODS = {"fast": Mood.GOOD, "oscillating": Mood.DOUBTFUL, "diverging": Mood.BAD}
RIGHT = Alignment.RIGHT


def comparison_page(result: Comparison) -> Page:
    """A row for each, with its loss as a little curve; then where the best one ended."""
    every = result.contenders
    fits = [one.fit for one in every]
    columns = [_labels(result)]
    quadratics = [fit for fit in fits if isinstance(fit, QuadraticFit)]
    if len(quadratics) == len(fits) and result.by == BY_RATE:
        predicted = [Number(fit.predicted_rate, RATE_DIGITS) for fit in quadratics]
        observed = [Number(fit.observed_rate, RATE_DIGITS) for fit in quadratics]
        columns += [
            Column("behaviour", [_behaviour(fit.behaviour) for fit in quadratics]),
            Column("predicted", predicted, RIGHT),
            Column("observed", observed, RIGHT),
        ]
    columns += [
        Column("loss", [Number(fit.loss, LOSS_DIGITS) for fit in fits], RIGHT),
        Column("steps", [Number(fit.steps) for fit in fits], RIGHT),
    ]
    if result.by != BY_RATE:
        said = {True: Remark("yes", Mood.GOOD), False: Remark("no", Mood.DOUBTFUL)}
        columns.append(Column("converged", [said[fit.converged] for fit in fits]))
    columns.append(Column("loss curve", [Curve(one.losses, CURVE) for one in every]))
    mood = Mood.GOOD if result.converged else Mood.DOUBTFUL
    page: list[Part] = [
        Title(Code(result.expression)),
        Table(columns),
        Paragraph(("the best is ", _label(result.best), f": {result.reason}"), mood),
    ]
    if result.at or len(result.parameters) <= MOST_PARAMETERS:
        page.append(parameter_table({"start": result.initial, "end": result.parameters}))
    return page


def _labels(result: Comparison) -> Column:
    labels = [_label(one.label) for one in result.contenders]
    if result.by == BY_RATE:
        return Column("rate", labels, RIGHT, names_rows=True)
    return Column("optimizer", labels, names_rows=True)


def _label(label: str | float) -> str | Number:
    return label if isinstance(label, str) else Number(label)


def _behaviour(word: str) -> str | Remark:
    return Remark(word, MOODS[word]) if word in MOODS else word
