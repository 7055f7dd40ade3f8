"""The figures of a fit to data."""

from __future__ import annotations

from autograd_cli.figures import Axis, Band, Curve, Figure, Layer, Line, Scatter
from autograd_cli.render.course import Course, Landscape, figures, loss_figure
from autograd_cli.render.plot import title_of
from autograd_cli.results.regression import Regression, Sample


@figures.register
def _(result: Regression, course: Course, landscape: Landscape | None) -> list[Figure]:
    found = [_fitted(result, result.sample)] if result.sample else []
    return [*found, *([loss_figure(result, course)] if len(course.steps) > 1 else [])]


def _fitted(result: Regression, sample: Sample) -> Figure:
    """The curve through the observations, or the fitted response against the observed one."""
    layers: list[Layer]
    if sample.input:
        x = [one.at[sample.input] for one in sample.curve]
        low, high = zip(*(one.confidence_interval for one in sample.curve), strict=True)
        level = f"{100 * result.statistics.confidence:g}%"
        layers = [
            Band(x, low, high, label=f"{level} confidence"),
            Scatter(sample.at, sample.observed, label="observed"),
            Curve(
                x,
                [one.value for one in sample.curve],
                label="exact" if sample.learned else "fitted",
            ),
        ]
        if sample.learned:
            layers.append(Curve(x, sample.learned, label="learned"))
        axes = Axis(label=sample.input), Axis(label=result.response)
    else:
        middle = sum(sample.observed) / len(sample.observed)
        layers = [
            Line(middle, middle, slope=1, label="fitted = observed"),
            Scatter(sample.observed, sample.fitted, label="observations"),
        ]
        axes = Axis(label=f"observed {result.response}"), Axis(label="fitted")
    title = title_of(f"{result.response} = {result.expression}", {})
    return Figure(layers=layers, title=title, x=axes[0], y=axes[1])
