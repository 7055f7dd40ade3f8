"""Results at many points, column by column."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

from autograd_cli.results import Evaluation, Scalar, components, is_finite


class Numbers(Protocol):
    """What is asked of a column: a number for each point, or an array of them (a torch tensor)."""

    @property
    def shape(self) -> Sequence[int]: ...

    def tolist(self) -> list[Any]: ...

    def __getitem__(self, index: Any, /) -> Any: ...


Field: TypeAlias = "tuple[str, Numbers | list[Scalar]]"


def fields(name: str, numbers: Numbers) -> Iterator[Field]:
    """A column for every element: `x`; `x[0]`, `x[1]`; `A[0,0]`, `A[0,1]`."""
    shape = tuple(numbers.shape)[1:]
    if not shape:
        yield name, numbers
        return
    for index in itertools.product(*map(range, shape)):
        yield f"{name}[{','.join(map(str, index))}]", numbers[(slice(None), *index)]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The value, and for `grad` the derivatives, at consecutive points.

    `header` has what all points share: its `at` the values that do not vary, its `value` is None.
    `names` are all variables in their order. `at`, `value` and `gradient` have an axis of `size`
    points in front. `warnings` are those of single points, by position: of the first few that are
    not finite, of which there are `non_finite`.
    """

    header: Evaluation
    names: Sequence[str]
    size: int
    at: Mapping[str, Numbers]
    value: Numbers
    gradient: Mapping[str, Numbers] | None = None
    warnings: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    non_finite: int = 0

    def inputs(self) -> Iterator[tuple[str, Numbers | list[Scalar] | Scalar]]:
        """A column for every varying input, and a number for every fixed one."""
        for name in self.names:
            if name in self.at:
                yield from fields(name, self.at[name])
            else:
                yield from components(name, self.header.at[name])

    def results(self) -> Iterator[Field]:
        """The columns of what was found: `value`, then `d_x` and the like."""
        yield from fields("value", self.value)
        for name, derivative in (self.gradient or {}).items():
            yield from fields(f"d_{name}", derivative)

    def points(self) -> Iterator[Evaluation]:
        """Every point as a result of its own."""
        names = list(self.at)
        gradient = self.gradient
        columns = [self.value.tolist(), *(self.at[name].tolist() for name in names)]
        slopes = [] if gradient is None else [one.tolist() for one in gradient.values()]
        for position in range(self.size):
            at = dict(zip(names, (column[position] for column in columns[1:]), strict=True))
            changes: dict[str, Any] = {
                "at": {
                    name: at[name] if name in at else self.header.at[name] for name in self.names
                },
                "value": columns[0][position],
                "warnings": (*self.header.warnings, *self.warnings.get(position, ())),
            }
            if gradient is not None:
                own = [slope[position] for slope in slopes]
                changes["gradient"] = dict(zip(gradient, own, strict=True))
            yield replace(self.header, **changes)


@dataclass(frozen=True)
class Results:
    """Results that were made one by one, at consecutive points; `columns` of them on demand."""

    found: Sequence[Evaluation]

    @functools.cached_property
    def non_finite(self) -> int:
        """How many of them have numbers that are not finite."""
        odd: set[int] = set()
        for column in self._columns[self._width :]:
            odd.update(place for place, value in enumerate(column) if not is_finite(value))
        return len(odd)

    @property
    def size(self) -> int:
        return len(self.found)

    @property
    def header(self) -> Evaluation:
        return self.found[0]

    @property
    def warnings(self) -> Mapping[int, tuple[str, ...]]:
        return {number: one.warnings for number, one in enumerate(self.found) if one.warnings}

    def inputs(self) -> Iterator[Field]:
        yield from self._fields(0, self._width)

    def results(self) -> Iterator[Field]:
        yield from self._fields(self._width, None)

    def points(self) -> Iterator[Evaluation]:
        return iter(self.found)

    def _fields(self, start: int, stop: int | None) -> Iterator[Field]:
        names = self.header.columns()[start:stop]
        yield from zip(names, self._columns[start:stop], strict=True)

    @functools.cached_property
    def _width(self) -> int:
        """How many of the columns are inputs."""
        return len(list(self.header.inputs()))

    @functools.cached_property
    def _columns(self) -> list[list[Scalar]]:
        return list(map(list, zip(*(one.row() for one in self.found), strict=True)))


Chunk: TypeAlias = "Columns | Results"
