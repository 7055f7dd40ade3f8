"""Rows of a block at which a program for many points is held against autograd.

Where the formulas of a program cancel, some number is small: a result, or a variable. So besides
rows at even distances those are looked at where a column has its smallest and its largest numbers.
A number of the program may differ from autograd's by what rounding does to autograd's own, at that
row, whatever else stands in the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock

import torch
from torch import Tensor

from autograd_cli.engine.check.rounding import UNIT, Rounding
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.vectorised import Vectorised
from autograd_cli.language.expression import Expression

EVENLY = 32  # rows at even distances
SEGMENT = 256  # numbers among which an extreme one is looked for at a time
AT_ONCE = 65_536  # numbers of a column, which stay in the cache
CLOSE = 256  # units of rounding within which two numbers are the same without more ado
TIMES = 4  # autograd's bound, for the program rounds too, in an order of its own


def even_rows(count: int) -> Tensor:
    """Some of so many rows, at even distances, with the first and the last."""
    return torch.linspace(0, count - 1, min(EVENLY, count), dtype=torch.float64).round().long()


def telling_rows(columns: Iterable[Tensor], count: int) -> Tensor:
    """Those and the rows of the smallest and largest numbers of the columns, ascending."""
    found = [even_rows(count)]
    for column in columns:
        parts = column.split(AT_ONCE)  # type: ignore[no-untyped-call]
        found += [AT_ONCE * number + _extremes(part) for number, part in enumerate(parts)]
    rows: Tensor = torch.cat(found).unique()  # type: ignore[no-untyped-call]
    return rows


def _extremes(column: Tensor) -> Tensor:
    """Where the sizes of numbers are smallest, smallest but for zeros, and largest."""
    sizes = column.abs()
    least, largest = _extreme_places(sizes)
    if sizes[least] > 0:
        return torch.stack([least, largest])
    without = torch.where(sizes == 0, torch.inf, sizes)
    return torch.stack([least, largest, _extreme_places(without)[0]])


def _extreme_places(sizes: Tensor) -> tuple[Tensor, Tensor]:
    """The places of the smallest and the largest number. By segments: `argmin` of the whole is an
    order of magnitude slower than the least number of every segment."""
    whole = len(sizes) - len(sizes) % SEGMENT
    if not whole:
        return sizes.argmin(), sizes.argmax()
    low, high = sizes[:whole].view(-1, SEGMENT).aminmax(dim=1)
    rest = sizes[whole:]
    places = []
    for ends, find in ((low, torch.argmin), (high, torch.argmax)):
        segment = find(ends)
        start = segment * SEGMENT
        place = start + find(sizes[int(start) : int(start) + SEGMENT])
        if len(rest):
            other = whole + find(rest)
            place = torch.stack([place, other])[find(sizes[torch.stack([place, other])])]
        places.append(place)
    return places[0], places[1]


class SpotCheck:
    """Judges columns of numbers: values of an expression, then its derivatives by some variables.

    It may be asked by several threads.
    """

    def __init__(self, expression: Expression, names: Sequence[str], dtype: torch.dtype) -> None:
        self._expression = expression
        self._names = names
        self._unit = torch.finfo(dtype).eps / 2
        self._made: Rounding | None = None
        self._lock = Lock()

    def agree(
        self, points: Mapping[str, Tensor], found: Sequence[Tensor], expected: Sequence[Tensor]
    ) -> bool:
        """Whether all numbers found are those expected at these points, but for rounding.

        All are of shape (points,); what is not finite has to be the same.
        """
        for column, (one, other) in enumerate(zip(found, expected, strict=True)):
            off = (one - other).double().abs()
            same = (one == other) | (one.isnan() & other.isnan())
            open_ = ~same & ~(off <= CLOSE * self._unit * other.double().abs())
            if not bool(open_.any()):
                continue
            rows = open_.nonzero().flatten()
            there = {name: value[rows].double() for name, value in points.items()}
            if not bool((off[rows] <= TIMES * self._bound(there, column)).all()):
                return False
        return True

    def _bound(self, points: Mapping[str, Tensor], column: int) -> Tensor:
        """What rounding does to autograd's numbers of a column, at most."""
        rounding = self._rounding(points)
        if column:
            noise = rounding.slopes(points, (self._names[column - 1], 0)).noise
        else:
            noise = rounding.values(points).noise
        return noise * (self._unit / UNIT)

    def _rounding(self, points: Mapping[str, Tensor]) -> Rounding:
        with self._lock:
            if self._made is None:
                context = Context(torch.device("cpu"), torch.float64, torch.Generator())
                first = {name: value[0] for name, value in points.items()}
                self._made = Rounding(Vectorised(self._expression, first, context))
            return self._made


def at_rows(points: Mapping[str, Tensor], rows: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The points of some rows; a value that does not vary, of shape (), stands for all."""
    for name, value in points.items():
        yield name, value[rows] if value.dim() else value.expand(len(rows))
