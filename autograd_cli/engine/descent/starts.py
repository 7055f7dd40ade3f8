"""A minimisation from several starts, and the distinct points where they end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.descent.bounds import Box
from autograd_cli.engine.descent.landscape import landscape
from autograd_cli.engine.descent.minimize import Minimizing
from autograd_cli.engine.descent.problem import flat
from autograd_cli.errors import EvaluationError
from autograd_cli.language.expression import Expression
from autograd_cli.results import Value
from autograd_cli.results.fit import INTERRUPTED, Fit, Step, numbers
from autograd_cli.results.minimum import (
    FLAT,
    KINK,
    MINIMUM,
    UNBOUNDED,
    UNKNOWN,
    Basin,
    MinimumFit,
)
from autograd_cli.results.plot import Grid
from autograd_cli.settings import Descent

SAME = 1e-5  # of their size: ends that close are the same
SPREAD = 3.0  # of its own size, the deviation of random starts about a given one


@dataclass(frozen=True)
class Starts:
    """Starts to try: the one that was given, and random ones.

    Where both bounds of a parameter are finite, it is drawn evenly between them; otherwise about
    the given start, or 0, from a normal distribution whose deviation is 3 times its size, at least
    3.
    """

    start: Mapping[str, Tensor]
    box: Box
    count: int
    given: bool

    def draw(self, context: Context) -> Iterator[dict[str, Tensor]]:
        """The starts, in an order that the seed decides."""
        origin = flat(list(self.start.values()))
        sizes = [value.numel() for value in self.start.values()]
        finite = self.box.low.isfinite() & self.box.high.isfinite()
        for number in range(self.count):
            generator = context.generator
            even = torch.rand(len(origin), generator=generator, dtype=torch.float64).to(origin)
            normal = torch.randn(len(origin), generator=generator, dtype=torch.float64).to(origin)
            inside = self.box.low + even * (self.box.high - self.box.low)
            around = self.box.project(origin + SPREAD * (1 + origin.abs()) * normal)
            point = torch.where(finite, inside, around)
            if number == 0 and self.given:
                point = self.box.project(origin)
            parts = torch.split(point, sizes)
            yield {
                name: part.view(value.shape)
                for (name, value), part in zip(self.start.items(), parts, strict=True)
            }


class ManyStarts:
    """A minimisation from several starts under way: a step is the end of one of them.

    A random start outside the domain is left out. Raises: EvaluationError where all are.
    """

    counted = "start"

    def __init__(
        self, expression: Expression, starts: Starts, descent: Descent, context: Context
    ) -> None:
        self._expression = expression
        self._starts = starts
        self._descent = descent
        self._context = context
        self._fits: list[MinimumFit] = []
        self._outside = 0

    def landscape(self, ends: Mapping[str, tuple[float, float]]) -> Grid:
        """The loss between these ends of the two parameters."""
        return landscape(self._expression, ends, self._context)

    def steps(self) -> Iterator[Step]:
        """The end of every start, numbered from 1."""
        points = list(self._starts.draw(self._context))
        refused: EvaluationError | None = None
        for number, start in enumerate(points, 1):
            try:
                fitting = Minimizing(
                    self._expression, start, self._starts.box, self._descent, self._context
                )
            except EvaluationError as error:
                self._outside += 1
                refused = error
                continue
            for _ in fitting.steps():
                pass
            fit = fitting.result()
            self._fits.append(fit)
            yield Step(
                step=number,
                loss=fit.loss,
                parameters=fit.parameters,
                gradient_norm=fit.gradient_norm,
            )
        if refused is not None and not self._fits:
            raise refused

    def result(self, interrupted: bool = False) -> Fit:
        """The best end, with the distinct ones of all."""
        found = gathered(self._fits)
        if self._outside:
            said = f"{self._outside} of {self._starts.count} starts were outside the domain"
            found = replace(found, warnings=(*found.warnings, said))
        if interrupted:
            found = replace(found, converged=False, reason=INTERRUPTED)
        return found


def gathered(fits: Sequence[MinimumFit]) -> MinimumFit:
    """The best of several fits, with the distinct ends of all.

    The best is the lowest of those that are shown to be minima, then of those that converged.
    """
    ranked = sorted(fits, key=_rank)
    basins: list[Basin] = []
    for fit in ranked:
        for place, known in enumerate(basins):
            if _are_same(known, fit):
                basins[place] = replace(known, found=known.found + 1)
                break
        else:
            basins.append(
                Basin(loss=fit.loss, parameters=fit.parameters, verdict=fit.verdict, found=1)
            )
    return replace(ranked[0], basins=tuple(basins), starts=len(fits))


def _rank(fit: MinimumFit) -> tuple[int, float]:
    order = {MINIMUM: 0, KINK: 0, FLAT: 0 if fit.converged else 1}.get(fit.verdict, 1)
    return order, fit.loss if not math.isnan(fit.loss) else math.inf


def _are_same(known: Basin, fit: MinimumFit) -> bool:
    if known.verdict != fit.verdict:
        return False
    if fit.verdict in (UNBOUNDED, UNKNOWN):
        return True
    one, two = (_vector(parameters) for parameters in (known.parameters, fit.parameters))
    loose = 1e-2 if fit.verdict == FLAT else SAME  # a flat one is found less exactly
    return float((one - two).norm()) <= loose * (1 + float(one.norm()))


def _vector(parameters: Mapping[str, Value]) -> Tensor:
    return torch.tensor([value for _, value in numbers(parameters)], dtype=torch.float64)
