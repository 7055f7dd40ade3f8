"""CSV: a header and rows, as spreadsheets and data frames read them."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import TextIO

from autograd_cli.render.listings import FunctionList, Info
from autograd_cli.render.numbers import exact
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Evaluation, Result, Scalar
from autograd_cli.results.array import PIECE
from autograd_cli.results.check import Check
from autograd_cli.results.comparison import Comparison
from autograd_cli.results.matrices import Matrix


def write(result: Result, out: TextIO, style: Style) -> None:
    _write_row(header(result), out)
    for row in rows(result):
        _write_row(row, out)


def write_points(points: Points, out: TextIO, style: Style) -> None:
    writer = csv.writer(out, lineterminator="\n")
    for number, point in enumerate(points.points):
        if number == 0:
            writer.writerow(point.columns())
        writer.writerow(_cells(point.row()))


def write_run(run: Run, out: TextIO, style: Style) -> None:
    columns, rows = run.result.table(run.shown)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_cells, rows))


def _write_row(row: Iterable[Scalar], out: TextIO) -> None:
    """A line, however many cells it has, in pieces."""
    cells = iter(row)
    piece = list(itertools.islice(cells, PIECE))
    between = ""
    while piece or not between:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(_cells(piece))
        is_last_alone = bool(between) and len(piece) == 1
        own = text.getvalue()
        out.write(between + ("" if is_last_alone and own == '""' else own))  # no line of its own
        between = ","
        piece = list(itertools.islice(cells, PIECE))
    out.write("\n")


@singledispatch
def header(result: Result) -> Iterable[str]:
    """The names of the columns of `rows`."""
    return result.columns()


@header.register
def _(result: Evaluation) -> Iterable[str]:
    if type(result).columns is not Evaluation.columns:
        return result.columns()
    return (name for name, _ in result.cells())  # there may be very many


@header.register
def _(matrix: Matrix) -> tuple[str, ...]:
    return matrix.csv_header()


@singledispatch
def rows(result: Result) -> Iterator[Iterable[Scalar]]:
    """The rows of a result: most have one."""
    yield result.row()


@rows.register
def _(result: Evaluation) -> Iterator[Iterable[Scalar]]:
    own = type(result).row is not Evaluation.row
    yield result.row() if own else (value for _, value in result.cells())


@rows.register(FunctionList)
@rows.register(Info)
def _(listing: FunctionList | Info) -> Iterator[tuple[Scalar, ...]]:
    return listing.rows()


@rows.register
def _(check: Check) -> Iterator[tuple[Scalar, ...]]:
    return check.rows()


@rows.register
def _(comparison: Comparison) -> Iterator[tuple[Scalar, ...]]:
    return comparison.records()


@rows.register
def _(matrix: Matrix) -> Iterator[tuple[Scalar, ...]]:
    return matrix.csv_rows()


def _cells(row: Iterable[Scalar]) -> list[Scalar]:
    # The writer has the shortest texts of floats, and nothing for None, of its own.
    return [value if type(value) is float else exact(value) for value in row]
