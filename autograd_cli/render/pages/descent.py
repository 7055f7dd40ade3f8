"""The reports of `agx fit quadratic` and `agx fit minimize`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autograd_cli.render.document import (
    Alignment,
    Code,
    Column,
    Fact,
    Facts,
    Inline,
    Mood,
    Number,
    Page,
    Paragraph,
    Symbol,
    Table,
    Text,
    Title,
    listed,
)
from autograd_cli.results import Value
from autograd_cli.results.descent import CONSTANT, VALLEY, WITH_MINIMUM, QuadraticFit
from autograd_cli.results.fit import Fit, numbers
from autograd_cli.results.minimum import MinimumFit

MOST_ROWS = 24  # parameters beyond which the middle is left out
LONGEST = 20  # characters of an eigenvalue as a formula
RATE_DIGITS = 4
NORM_DIGITS = 3


def quadratic_page(result: QuadraticFit) -> Page:
    """The end beside the exact minimum, and what the Hessian predicted of the way there."""
    columns: dict[str, Mapping[str, Value]] = {"start": result.initial, "end": result.parameters}
    if result.stationary is not None:
        columns["minimum" if result.kind in WITH_MINIMUM else "stationary"] = result.stationary
    facts = [Fact("loss", Number(result.loss)), Fact("minimum", _minimum(result))]
    facts.append(Fact("eigenvalues", (*_spectrum(result), f": {result.definiteness}")))
    if result.condition_number is not None:
        facts.append(Fact("condition number", Number(result.condition_number)))
    return [*opening(result), parameter_table(columns), Facts([*facts, *_rates(result)])]


def _minimum(result: QuadraticFit) -> Text:
    value = Number(result.stationary_value)
    if result.stationary is None:
        return "none: the loss falls without end along a direction without curvature"
    if result.kind not in WITH_MINIMUM:
        return (f"none: the gradient vanishes only at a {result.kind}, value ", value)
    if result.kind == CONSTANT:
        return ("everywhere: the loss is ", value)
    line = ", one point of a valley of minima" if result.kind == VALLEY else ""
    if result.exact is None:
        return (value, line)
    place: list[Inline] = []
    for name, at in result.exact.items():
        place += [", " if place else " at ", Symbol(name), " = ", Code(at)]
    return (value, *place, f" exactly{line}")


def _spectrum(result: QuadraticFit) -> tuple[Inline, ...]:
    texts = result.exact_eigenvalues
    if texts and max(map(len, texts)) <= LONGEST:
        return tuple(part for text in texts for part in (", ", Code(text)))[1:]
    return listed([Number(value) for value in result.eigenvalues])


def _rates(result: QuadraticFit) -> Iterator[Fact]:
    rates = {"predicted": result.predicted_rate, "observed": result.observed_rate}
    known = [
        (Number(rate, RATE_DIGITS), f" {word}") for word, rate in rates.items() if rate is not None
    ]
    if known:
        between = [part for pair in known for part in (", ", *pair)][1:]
        yield Fact("error per step", ("times ", *between))
    text: list[Inline] = [Number(result.learning_rate)]
    if result.stable_learning_rate is not None:
        text += ["; stable below ", Number(result.stable_learning_rate)]
    if result.best_learning_rate is not None:
        text += [", fastest at ", Number(result.best_learning_rate)]
    yield Fact("learning rate", tuple(text))


def minimum_page(result: MinimumFit) -> Page:
    """What kind of point the end is, with the evidence; with several starts, the distinct ends."""
    columns: dict[str, Mapping[str, Value]] = {"start": result.initial, "end": result.parameters}
    if result.basins:
        del columns["start"]
    columns["gradient"] = result.gradient
    facts = [
        Fact("verdict", result.verdict),
        Fact("loss", Number(result.loss)),
        Fact("gradient norm", Number(result.gradient_norm, NORM_DIGITS)),
    ]
    if result.eigenvalues is not None:
        spectrum = listed([Number(one) for one in result.eigenvalues])
        facts.append(Fact("eigenvalues", (*spectrum, f": {result.definiteness}")))
    if result.condition_number is not None:
        facts.append(Fact("condition number", Number(result.condition_number)))
    if result.at_bounds:
        held = [part for name in result.at_bounds for part in (", ", Symbol(name))][1:]
        facts.append(Fact("held by bounds", tuple(held)))
    facts.append(Fact("method", result.method))
    basins = [_basins(result)] if result.basins else []
    return [*opening(result), parameter_table(columns), Facts(facts), *basins]


def _basins(result: MinimumFit) -> Table:
    names = [name for name, _ in numbers(result.parameters)][:MOST_ROWS]
    rows = [[value for _, value in numbers(one.parameters)] for one in result.basins]
    shares = [f"{one.found} of {result.starts}" for one in result.basins]
    columns = [
        Column("loss", [Number(one.loss) for one in result.basins]),
        Column("found", shares, Alignment.RIGHT),
        Column("verdict", [one.verdict for one in result.basins]),
    ]
    columns += [
        Column(Symbol(name), [Number(row[number]) for row in rows])
        for number, name in enumerate(names)
    ]
    return Table(columns, caption="where the starts ended")


# Parts --------------------------------------------------------------------------------------------


def opening(result: Fit) -> Page:
    """What was fitted, whether it converged, and why it ended."""
    mood = Mood.GOOD if result.converged else Mood.DOUBTFUL
    return [
        Title(Code(result.expression), Number(result.loss), is_typed=True),
        Paragraph(verdict(result), mood),
    ]


def verdict(result: Fit) -> str:
    """Whether it converged, and why it ended."""
    steps = "step" if result.steps == 1 else "steps"
    return f"{result.ended} {result.steps} {steps}: {result.reason}"


def parameter_table(columns: Mapping[str, Mapping[str, Value]]) -> Table:
    """A row for every number of the parameters; the middle of many is left out."""
    names = [name for name, _ in numbers(next(iter(columns.values())))]
    places = list(range(len(names)))
    left_out = len(places) - MOST_ROWS
    if left_out > 0:
        places = [*places[: MOST_ROWS // 2], *places[-MOST_ROWS // 2 :]]
    flat = {head: [value for _, value in numbers(one)] for head, one in columns.items()}
    return Table(
        [
            Column("parameter", [Symbol(names[place]) for place in places], names_rows=True),
            *(
                Column(head, [Number(values[place]) for place in places])
                for head, values in flat.items()
            ),
        ],
        note=f"{left_out} parameters in the middle are left out" if left_out > 0 else "",
    )
