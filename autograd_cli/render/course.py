"""The figures of a fit: the course of its loss, its path over the loss, the flow of gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch

from autograd_cli.figures import LINEAR, LOG, Axis, Contour, Curve, Figure, Layer, Path, Scatter
from autograd_cli.render.numbers import short
from autograd_cli.render.plot import SKEWED, comparable, title_of
from autograd_cli.results.comparison import BY_RATE, Comparison
from autograd_cli.results.fit import Fit, Step, numbers
from autograd_cli.results.minimum import MinimumFit
from autograd_cli.results.network import NetworkFit
from autograd_cli.results.plot import Grid

KEPT = 4000  # steps; of more, every other one goes
DECADES = 1.5  # of a positive row's range from which on its axis is logarithmic
TOWARDS_ZERO = 1e-16  # of the greatest value: a smaller one is rounding, and not drawn on such axes
AROUND = 0.25  # of the extent of a path, how much of the loss is shown around it
LEAST_SHARE = 0.5  # of the longer side, what the shorter side of a landscape has at least, ...
FLAT = 0.02  # ... unless its extent is a smaller share: then each side has a scale of its own

Ends = tuple[float, float]
Landscape = Callable[[Mapping[str, Ends]], Grid]  # the loss between these ends of two parameters


@dataclass
class Course:
    """What is kept of the steps of a fit, to be drawn: an observer of its run."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)  # of two parameters
    names: tuple[str, ...] = ()
    stride: int = 1

    def observe(self, step: Step) -> None:
        """Keep a step."""
        if step.step % self.stride:
            return
        values = list(numbers(step.parameters))
        self.names = tuple(name for name, _ in values[:3])
        self.steps.append(step.step)
        self.losses.append(step.loss)
        if len(values) == 2:
            x, y = (float(value or 0) for _, value in values)
            self.places.append((x, y))
        if len(self.steps) > KEPT:
            self.stride *= 2
            self.steps, self.losses = self.steps[::2], self.losses[::2]
            self.places = self.places[::2]


@singledispatch
def figures(result: Fit, course: Course, landscape: Landscape | None) -> list[Figure]:
    """The figures of a fit: the course of the loss and, over two parameters, the path."""
    found = [loss_figure(result, course)]
    if landscape is not None and len(course.places) > 1:
        path = _plane_figure(result, course, landscape)
        found += [path] if path else []
    return found


@figures.register
def _(result: MinimumFit, course: Course, landscape: Landscape | None) -> list[Figure]:
    if result.starts == 1:
        return figures.dispatch(Fit)(result, course, landscape)
    if landscape is not None and len(course.places) > 1:
        found = _plane_figure(result, course, landscape)
        return [found] if found else []
    ends = Figure(
        layers=[Scatter(course.steps, course.losses)],
        title=f"minima: {title_of(result.expression, {})}",
        x=Axis(label="start"),
        y=Axis(label="loss where it ended"),
    )
    return [ends]


@figures.register
def _(result: NetworkFit, course: Course, landscape: Landscape | None) -> list[Figure]:
    layers = [
        Curve(range(len(one.norms)), _drawable(one.norms), label=f"layer {one.layer}")
        for one in result.flow
    ]
    scale = _scale([norm for one in result.flow for norm in one.norms])
    flow = Figure(
        layers=layers,
        title="gradient flow",
        x=Axis(label="step"),
        y=Axis(label="norm of the gradient", scale=scale),
    )
    return [loss_figure(result, course), flow]


@figures.register
def _(result: Comparison, course: Course, landscape: Landscape | None) -> list[Figure]:
    by_rate = result.by == BY_RATE
    every = [loss for one in result.contenders for loss in one.losses]
    scale = _scale(every)
    limits = _limits(result, scale)
    layers: list[Layer] = []
    for one in result.contenders:
        label = f"rate {short(one.label, 3)}" if by_rate else str(one.label)
        floor = limits[0] if limits and scale == LOG else -math.inf
        layers.append(Curve(range(len(one.losses)), _fallen(one.losses, floor), label=label))
    return [
        Figure(
            layers=layers,
            title=title_of(result.expression, {}),
            x=Axis(label="step"),
            y=Axis(label="loss", scale=scale, limits=limits),
        )
    ]


def _limits(result: Comparison, scale: str) -> Ends | None:
    """The range of a comparison: from the least loss to a little above the start, so that what
    diverges leaves the figure."""
    every = [loss for one in result.contenders for loss in one.losses if math.isfinite(loss)]
    start = max(one.losses[0] for one in result.contenders)
    if not every or not math.isfinite(start):
        return None
    if scale == LOG:
        low = min(loss for loss in every if loss > 0)
        low = max(low, start * TOWARDS_ZERO) if start > 0 else low
        high = min(max(every), start * 100)
        return (low / 2, high * 2) if 0 < low < high else None
    low = min(every)
    high = min(max(every), start + (start - low))
    return (low - 0.05 * (high - low), high + 0.05 * (high - low)) if low < high else None


def _fallen(losses: Sequence[float], floor: float) -> list[float]:
    """The losses; the first below the floor, as 0 is on a logarithmic axis, at it, and then gaps:
    so even one that is 0 after a step is seen to fall."""
    under = [number for number, loss in enumerate(losses) if loss < floor]
    return [
        loss if not loss < floor else floor if number == under[0] else math.nan
        for number, loss in enumerate(losses)
    ]


def loss_figure(result: Fit, course: Course) -> Figure:
    """The loss at every step."""
    return Figure(
        layers=[Curve(course.steps, _drawable(course.losses))],
        title=f"loss: {title_of(result.expression, {})}",
        x=Axis(label="step"),
        y=Axis(label="loss", scale=_scale(course.losses)),
    )


def _plane_figure(result: Fit, course: Course, landscape: Landscape) -> Figure | None:
    """The path over the contours of the loss, or where each of several starts ended."""
    finite = [place for place in course.places if all(map(math.isfinite, place))]
    if len(finite) < 2:
        return None
    columns = dict(zip(course.names, zip(*finite, strict=True), strict=True))
    (name, xs), (other, ys) = sorted(columns.items())  # x to the right, y up
    x, y = _rectangle(xs, ys)
    grid = landscape({name: x, other: y})
    is_equal = comparable(x, y)
    is_path = not isinstance(result, MinimumFit) or result.starts == 1
    return Figure(
        layers=[
            Contour(grid.x, grid.y, grid.z),
            Path(xs, ys, label="descent") if is_path else Scatter(xs, ys, label="minima"),
        ],
        title=title_of(result.expression, {}),
        x=Axis(label=name, limits=x),
        y=Axis(label=other, limits=y),
        equal=is_equal,
        note="" if is_equal or not is_path else SKEWED,
    )


def _rectangle(xs: Sequence[float], ys: Sequence[float]) -> list[Ends]:
    """The extent of a path with some room around; no side is much shorter than the other, unless
    that would hide the path."""
    spans = [max(row) - min(row) for row in (xs, ys)]
    longest = max(spans) or 1.0
    found = []
    for row, span in zip((xs, ys), spans, strict=True):
        middle = (max(row) + min(row)) / 2
        is_flat = 0 < span < FLAT * longest
        half = (span if is_flat else max(span, LEAST_SHARE * longest)) * (0.5 + AROUND)
        found.append((middle - half, middle + half))
    return found


def _scale(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    if not finite or min(finite) < 0 or max(finite) <= 0:
        return LINEAR
    positive = [value for value in finite if value > 0]
    return LOG if math.log10(max(positive) / min(positive)) > DECADES else LINEAR


def _drawable(values: Sequence[float]) -> list[float]:
    """The values; on a logarithmic axis, a gap in place of what fell to zero or to rounding."""
    if _scale(values) != LOG:
        return list(values)
    least = TOWARDS_ZERO * max(value for value in values if math.isfinite(value))
    return [value if value > least else math.nan for value in values]
