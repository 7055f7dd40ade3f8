"""Numbers that are shown beside formulas: what is said where the two differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from autograd_cli.render.points import Points
from autograd_cli.results import Gradient, components
from autograd_cli.results.matrices import Hessian, Jacobian, Matrix

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.engine.check.beside import Difference
    from autograd_cli.engine.core.context import Context

Found = TypeVar("Found", Gradient, Jacobian, Hessian)

MOST_ELEMENTS = 64  # of the values; of more there are no formulas
MOST_POINTS = 10_000
MOST_TOLD = 20  # points of a grid at which they differ
MORE = "at further points, which are not told, formulas and numbers differ as well"


class Beside:
    """The points at which numbers are computed, and how; `compute` gives the result at one."""

    def __init__(
        self,
        values: Mapping[str, Tensor],
        axes: Mapping[str, Tensor],
        context: Context,
        compute: Callable[[Mapping[str, Tensor]], Gradient | Matrix],
    ) -> None:
        self._values = values
        self._axes = axes
        self._context = context
        self._compute = compute

    def question(self) -> dict[str, Any] | None:
        """What the worker is asked (see `language.symbolic.evaluated`), if it is not too much."""
        import torch

        from autograd_cli.engine.core.batches import count_of

        if sum(value.numel() for value in self._values.values()) > MOST_ELEMENTS:
            return None
        if self._axes and count_of(self._axes) > MOST_POINTS:
            return None
        return {
            "at": {name: value.tolist() for name, value in self._values.items()},
            "axes": {name: value.tolist() for name, value in self._axes.items()},
            "unit": torch.finfo(self._context.dtype).eps / 2,
        }

    def told(self, found: Found | Points, findings: Sequence[Mapping[str, Any]]) -> Found | Points:
        """The result with warnings where its numbers differ from its formulas."""
        if isinstance(found, Points):
            return replace(found, points=self._each(found, findings))
        texts: list[str] = self._remarks(found, findings[0] if findings else {}, self._values)
        return replace(found, warnings=(*found.warnings, *texts))

    def _each(
        self, found: Points, findings: Sequence[Mapping[str, Any]]
    ) -> Iterator[Gradient | Matrix]:
        told = 0
        for number, point in enumerate(found.points):
            assert isinstance(point, (Gradient, Matrix))
            texts: list[str] = []
            if number < len(findings) and told <= MOST_TOLD:
                texts = self._remarks(point, findings[number], self._at(point))
                told += bool(texts)
                texts = texts if told <= MOST_TOLD else [MORE]
            yield replace(point, warnings=(*point.warnings, *texts)) if texts else point

    def _at(self, point: Gradient | Matrix) -> dict[str, Tensor]:
        """The values of the variables at a point of the grid."""
        moving = {name: self._context.tensor(point.at[name]) for name in self._axes}
        return {**self._values, **moving}

    def _remarks(
        self,
        found: Gradient | Matrix,
        findings: Mapping[str, Any],
        values: Mapping[str, Tensor],
    ) -> list[str]:
        from autograd_cli.engine.check.beside import Entry, differences, moved, numbers_at

        def entries(result: Gradient | Matrix) -> Iterator[Entry]:
            return (Entry(*one) for one in result.entries())

        def again() -> Iterator[Mapping[str, float]]:
            return numbers_at(moved(values), lambda place: entries(self._compute(place)))

        numbers = (number for _, number in components("", found.value))
        is_undefined = any(isinstance(one, float) and math.isnan(one) for one in numbers)
        held = differences(
            entries(found), findings, self._context.dtype, again, is_undefined=is_undefined
        )
        return _words(list(held))


def _words(found: Sequence[Difference]) -> list[str]:
    """A sentence for each reason: the first of those that have it stands for the others."""
    kinds: dict[tuple[str, bool], list[Difference]] = {}
    for one in found:
        kinds.setdefault((one.reason, one.formula is None), []).append(one)
    return [
        str(first) + (f"; {len(others)} more like it" if others else "")
        for first, *others in kinds.values()
    ]
