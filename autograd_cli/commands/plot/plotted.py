"""What a plot shows: the numbers behind it, or the figure that is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from autograd_cli.commands.plot.ranges import Ranges
from autograd_cli.engine.check.conventions import conventions
from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.derive.gradients import evaluations, gradients
from autograd_cli.engine.sampled.sampling import (
    along,
    at_points,
    curves,
    outputs,
    over,
    slopes,
    tangent,
    thinned,
)
from autograd_cli.errors import EvaluationError
from autograd_cli.figures import Figure
from autograd_cli.language.descent_path import DescentPath
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.render.plot import (
    Drawn,
    Frame,
    Way,
    comparable,
    curve_figure,
    field_figure,
    title_of,
)
from autograd_cli.render.points import Points
from autograd_cli.results.plot import Tangent


@dataclass(frozen=True)
class Plotted:
    """An expression over its ranges; `order` is that of the derivatives, None to choose."""

    expression: Expression
    ranges: Ranges
    order: int | None
    context: Context

    def title(self) -> str:
        fixed = {name: plain(value) for name, value in self.ranges.fixed.items()}
        return title_of(self.expression.source, fixed)

    def proportions(self) -> tuple[float, float]:
        """The width and the height of the plane as shares of the longer one, where they are drawn
        to one scale."""
        x, y = ((row[0].item(), row[-1].item()) for row in self.ranges.axes.values())
        ratio = (y[1] - y[0]) / (x[1] - x[0]) if comparable(x, y) else 1.0
        return min(1.0, 1 / ratio), min(1.0, ratio)

    def numbers(self) -> Points:
        """The values and derivatives at the places along the axes.

        Raises: as `gradients` and `evaluations`.
        """
        expression, axes, fixed = self.expression, self.ranges.axes, self.ranges.fixed
        order = self.order
        if order is None:
            order = int(len(self._parts) == 1)
        if order == 0:
            values = evaluations(expression, fixed, axes, self.context)
            return Points.of((replace(one, command="plot") for one in values), fixed)
        request = DerivativeRequest(wrt=tuple(axes), order=order)
        found = gradients(expression, fixed, axes, self.context, request)
        return Points.of((replace(one, command="plot") for one in found), fixed, gradient={})

    def warnings(self) -> list[str]:
        """Why there is no tangent where one was asked for."""
        if len(self.ranges.axes) != 1 or not self.ranges.marked:
            return []
        ((name, place),) = self.ranges.marked.items()
        notes = dict.fromkeys(note for note in self._kinks if note)
        return [f"no tangent at {name} = {place.item():g}: {note}" for note in notes]

    @cached_property
    def _parts(self) -> list[tuple[str, Expression]]:
        """The functions of one variable and what they are called."""
        first = {name: places[:1] for name, places in self.ranges.axes.items()}
        return outputs(self.expression, self.ranges.fixed, first, self.context)

    @cached_property
    def _kinks(self) -> list[str]:
        """For each function why its slope at the point of --at is a convention, "" if it is not."""
        (name,) = self.ranges.axes
        if name not in self.ranges.marked:
            return [""] * len(self._parts)
        at = {**self.ranges.fixed, name: self.ranges.marked[name]}
        told = [
            conventions(part, {one: at[one] for one in part.variables}, self.context, [name])
            for _, part in self._parts
        ]
        return [found[0].partition(": ")[2] if found else "" for found in told]

    def curves(self, paths: Sequence[DescentPath], frame: Frame) -> Figure:
        """The curves of one variable. Raises: EvaluationError where there is nothing to see."""
        ((name, places),) = self.ranges.axes.items()
        fixed, context = self.ranges.fixed, self.context
        parts = self._parts
        order = int(len(parts) == 1) if self.order is None else self.order
        functions = [
            Drawn(
                expression=label,
                samples=curves(part, fixed, name, places, order, context),
                tangent=None if kink else self._tangent(part, name),
                bare=self._bare(part, name) if kink else None,
            )
            for (label, part), kink in zip(parts, self._kinks, strict=True)
        ]
        if all(one.samples[0].limits is None for one in functions):
            ends = f"from {places[0].item():g} to {places[-1].item():g}"
            raise self._nothing(f"for {name} {ends}")
        if frame.log_y and not any(y > 0 for one in functions for y in one.samples[0].y):
            raise self._nothing("and above zero, for a logarithmic axis")
        ways = []
        for path in paths:
            (xs,) = path.places
            (ys,) = along(parts[0][1], fixed, name, places.new_tensor(xs), 0, context)
            ways.append(Way(x=xs, y=ys.tolist(), label=path.label))
        return curve_figure(functions, ways, frame)

    def field(
        self,
        kind: str,
        paths: Sequence[DescentPath],
        density: tuple[int, int],
        frame: Frame,
    ) -> Figure:
        """The function of two variables as a `kind`, "" for contours with the gradient; `density`
        is how many arrows there are along each axis.

        Raises: EvaluationError where there is nothing to see.
        """
        axes, fixed, context = self.ranges.axes, self.ranges.fixed, self.context
        grid = over(self.expression, fixed, axes, context, torn=kind in ("", "contour", "surface"))
        if not any(math.isfinite(value) for row in grid.z for value in row):
            raise self._nothing("on the grid")
        arrows = None
        if kind in ("", "gradient"):
            pairs = zip(axes.items(), density, strict=True)
            coarse = {name: thinned(places, count) for (name, places), count in pairs}
            arrows = slopes(self.expression, fixed, coarse, context)
        ways = [Way(x=path.places[0], y=path.places[1], label=path.label) for path in paths]
        mark = tuple(value.item() for value in self.ranges.marked.values())
        if kind == "surface":
            ways = [replace(way, z=self._heights(way)) for way in ways]
        return field_figure(kind or "contour", grid, arrows, mark, ways, frame)

    def _tangent(self, part: Expression, name: str) -> Tangent | None:
        """The tangent at the point of --at. Raises: EvaluationError where there is none."""
        if name not in self.ranges.marked:
            return None
        found = tangent(part, self.ranges.fixed, name, self.ranges.marked[name], self.context)
        if math.isfinite(found.y) and not math.isnan(found.slope):
            return found
        what = "value" if not math.isfinite(found.y) else "slope"
        number = found.y if what == "value" else found.slope
        raise EvaluationError(
            f"no tangent at {name} = {found.x:g}: the {what} there is {number}",
            hint="give --at another place",
        ).within(part.source, part.nodes[part.root].span)

    def _bare(self, part: Expression, name: str) -> tuple[float, float]:
        """The point of --at, where the function has no tangent."""
        place = self.ranges.marked[name]
        (value,) = along(part, self.ranges.fixed, name, place[None], 0, self.context)
        return place.item(), value.item()

    def _heights(self, way: Way) -> Sequence[float]:
        x, y = self.ranges.axes
        places: dict[str, Tensor] = {
            name: self.ranges.axes[name].new_tensor(row) for name, row in ((x, way.x), (y, way.y))
        }
        heights = at_points(self.expression, self.ranges.fixed, places, self.context)
        found: list[float] = heights.tolist()
        return found

    def _nothing(self, where: str) -> EvaluationError:
        error = EvaluationError(
            f"nothing to draw: no value is finite {where}", hint="try another --grid"
        )
        error.within(self.expression.source, self.expression.nodes[self.expression.root].span)
        return error
