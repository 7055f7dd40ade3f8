"""CSV: a header and rows, as spreadsheets and data frames read them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import TextIO

from autograd_cli.render.listings import FunctionList, Info
from autograd_cli.render.numbers import exact
from autograd_cli.render.points import Points
from autograd_cli.render.style import Style
from autograd_cli.results import Result, Scalar


def write(result: Result, out: TextIO, style: Style) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns())
    writer.writerows(map(_cells, rows(result)))


def write_points(points: Points, out: TextIO, style: Style) -> None:
    writer = csv.writer(out, lineterminator="\n")
    for number, point in enumerate(points.points):
        if number == 0:
            writer.writerow(point.columns())
        writer.writerow(_cells(point.row()))


@singledispatch
def rows(result: Result) -> Iterator[tuple[Scalar, ...]]:
    """The rows of a result: most have one."""
    yield result.row()


@rows.register(FunctionList)
@rows.register(Info)
def _(listing: FunctionList | Info) -> Iterator[tuple[Scalar, ...]]:
    return listing.rows()


def _cells(row: Iterable[Scalar]) -> list[Scalar]:
    # The writer has the shortest texts of floats, and nothing for None, of its own.
    return [value if type(value) is float else exact(value) for value in row]
