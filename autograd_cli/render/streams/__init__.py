"""Results at many points as streams of rows: one file per kind of format, and the table of them.

An encoder turns pieces into bytes, or into Arrow's record batches, in any thread; it is made when
the first results are there, because they name the columns.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

from autograd_cli.data.rows import Rows
from autograd_cli.results.columns import Chunk

Text: TypeAlias = "bytes | memoryview"  # encoded, as it lies in memory


@dataclass(frozen=True)
class Piece:
    """Consecutive points: what was read, if it was, and what was found.

    `good` are the positions of the rows that have results, None where all have; the others are left
    out, or, with `nulls`, kept with empty results.
    """

    found: Chunk | None
    rows: Rows | None = None
    good: Sequence[int] | None = None
    nulls: bool = False

    @property
    def count(self) -> int:
        """How many rows are written."""
        if self.rows is not None and (self.good is None or self.nulls):
            return self.rows.count
        return 0 if self.found is None else self.found.size

    def places(self) -> Sequence[int | None]:
        """For every row that is written the position of its result, None where there is none."""
        if self.good is None:
            return range(self.count)
        if not self.nulls:
            return range(len(self.good))
        assert self.rows is not None
        found: list[int | None] = [None] * self.rows.count
        for place, row in enumerate(self.good):
            found[row] = place
        return found

    def written(self) -> Sequence[int] | None:
        """The positions of the rows that are written, None where all are."""
        return None if self.nulls else self.good


@dataclass(frozen=True)
class Layout:
    """The columns of a stream: those that were read and those that were found.

    `used` are the columns that were read and hold numbers; `delimiter` is what stands between the
    cells of text that was read. `example` are some results, for the keys of rows without any.
    """

    inputs: tuple[str, ...]
    results: tuple[str, ...]
    is_table: bool = False
    delimiter: str = ","
    used: Mapping[str, Sequence[int]] | None = None
    utf: bool = True
    example: Chunk | None = None


class Encoder(Protocol):
    """What writes the pieces of a stream. `is_binary` ones give record batches instead of bytes."""

    def __init__(self, layout: Layout) -> None: ...

    def header(self) -> Any: ...

    def encode(self, piece: Piece) -> Any: ...


_ENCODERS = {
    "csv": ("text", "Csv"),
    "plain": ("text", "Plain"),
    "ndjson": ("ndjson", "Ndjson"),
    "parquet": ("arrow", "Batches"),
    "arrow": ("arrow", "Batches"),
}


def encoder(format: str, layout: Layout) -> Encoder:
    """The encoder of a format that streams."""
    module, name = _ENCODERS[format]
    kind = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return cast(Encoder, kind(layout))
