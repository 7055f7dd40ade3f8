"""The points of a table: its rows, and what becomes of those that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from autograd_cli.data import checksum
from autograd_cli.data.delimited import Delimited
from autograd_cli.data.rows import Block, Elements, Rows
from autograd_cli.data.table import no_rows
from autograd_cli.errors import AgxError, DomainError, FileError
from autograd_cli.points.on_error import NULL, STOP
from autograd_cli.points.pieces import Compute, Done
from autograd_cli.points.table_input import TableInput, cut, size_of, within
from autograd_cli.render.streams import Layout, Piece
from autograd_cli.render.streams.state import Mark, State
from autograd_cli.results.columns import Chunk

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.engine.core.context import Context


class TablePoints:
    """The points of a table.

    A row that cannot be used ends the stream, or is left out, or has empty results, as `on_error`
    says. With a range of `lines` (or rows) the points are those in it.
    """

    def __init__(
        self,
        table: TableInput,
        variables: Mapping[str, Elements],
        context: Context,
        compute: Compute | None,
        on_error: str,
        lines: tuple[int, int] | None = None,
    ) -> None:
        self._lines = lines
        self._source = table.source
        self._variables = variables
        self._context = context
        self._compute: Compute = compute or _nothing
        self._on_error = on_error
        self.is_traced = False  # whether marks say what was read
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._wanted = list(
            dict.fromkeys(column for one in variables.values() for column in one.columns)
        )
        self.layout_inputs = self._source.names
        self.first: Mapping[str, Tensor] | None = None
        self._example: Block | None = None  # the first there is, be it this process's or not

    @property
    def stamp(self) -> tuple[int, int] | None:
        return self._source.stamp

    def share(self) -> float | None:
        return self._source.share()

    def layout(self, found: Chunk | None, *, utf: bool) -> Layout:
        names = () if found is None else tuple(name for name, _ in found.results())
        for name in names:
            if name in self._source.names:
                raise FileError(
                    f"{self._source.stream} has a column {name!r}, and so has the result",
                    hint="rename the column: its name stands for what is computed here",
                )
        return Layout(
            inputs=self._source.names,
            results=names,
            is_table=True,
            delimiter=getattr(self._source, "delimiter", ","),
            used=dict.fromkeys(self._wanted, ()),
            utf=utf,
            example=found if self._on_error == NULL else None,
        )

    def blocks(self, earlier: State | None = None, anew: str = "") -> Iterator[Block]:
        """The rows in their order, or those after the ones that an earlier run has read.

        Raises FileError where those are not the same any more; `anew` says how to begin anew.
        """
        blocks = self._source.blocks()
        if self._lines is not None:
            first, last = self._lines
            blocks = within(self._noted(blocks), first, last, quotes=self._quotes)
        if self.is_traced or earlier is not None:
            delimiter = getattr(self._source, "delimiter", "")
            blocks = traced(blocks, checksum.of_names(self._source.names, delimiter))
        return blocks if earlier is None else self._rest(blocks, earlier, anew)

    @property
    def _quotes(self) -> bool:
        """Whether a row may reach over lines."""
        return isinstance(self._source, Delimited)

    def _rest(self, blocks: Iterator[Block], earlier: State, anew: str) -> Iterator[Block]:
        for block in blocks:
            if block.line + size_of(block) < earlier.place:
                continue
            done, rest = parted(block, earlier.place, self._quotes)
            if done.after != earlier.checksum:
                break
            if len(rest.content):
                yield rest
            yield from blocks
            return
        how = _how(earlier.stamp, self.stamp)
        raise FileError(
            f"{self._source.stream} has changed{how}: what stands before {self._source.place}"
            f" {earlier.place} is not what was read",
            hint=anew,
        )

    def _noted(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            if self._example is None:
                self._example = block
            yield block

    def nothing(self) -> Piece:
        """A piece of no rows, for a process whose share has none; its columns are those of others.

        Raises FileError where there are no rows for anyone.
        """
        if self._lines is None or self._example is None:
            raise self.no_rows()
        whole = self.piece(self._example, 0, fast=False).piece
        return replace(whole, good=(), nulls=False)

    def places(
        self, block: Block
    ) -> tuple[Mapping[str, Tensor], Sequence[str], Sequence[AgxError]]:
        """The points of a block, what to call them, and what is wrong with other rows."""
        from autograd_cli.points.tables import listed

        rows = self._read(block)
        limit = min(rows.faults, default=rows.count) if self._on_error == STOP else rows.count
        good = [row for row in range(limit) if row not in rows.faults]
        places = listed(self._variables, rows.columns, self._context, good)
        labels = [f"{self._source.place} {rows.places[row]}" for row in good]
        return places, labels, [rows.faults[row] for row in sorted(rows.faults)]

    def _read(self, block: Block) -> Rows:
        rows = self._source.rows(block, self._wanted, self._shapes)
        if not self._shapes and len(rows.faults) < rows.count:
            self._shapes = {name: column.shape for name, column in rows.columns.items()}
        return rows

    def piece(self, block: Block, explain: int, *, fast: bool) -> Done:
        """What becomes of a block; it is not encoded yet. Raises: as the computation, where no row
        can be computed at all."""
        rows = self._read(block)
        faults: dict[int, AgxError] = dict(rows.faults)
        if self._on_error == STOP and faults:
            first = min(faults)
            good: list[int] | None = list(range(first))
        elif faults:
            good = [row for row in range(rows.count) if row not in faults]
        else:
            good = None
        found, failed = self._found(rows, good, explain, fast)
        if failed:
            faults |= failed
            kept = range(rows.count) if good is None else good
            limit = min(faults) if self._on_error == STOP else rows.count
            good = [row for row in kept if row not in faults and row < limit]
        stop = faults[min(faults)] if faults and self._on_error == STOP else None
        if stop is None:
            mark = Mark(_after(block, rows), block.after)
        else:
            done, _ = parted(block, rows.places[min(faults)], self._quotes)
            mark = Mark(done.line + size_of(done), done.after)
        piece = Piece(found, rows, good, nulls=self._on_error == NULL)
        return Done(piece, None, mark, [faults[row] for row in sorted(faults)], stop)

    def _found(
        self, rows: Rows, good: Sequence[int] | None, explain: int, fast: bool
    ) -> tuple[Chunk | None, dict[int, AgxError]]:
        """The results at the good rows, and what is wrong with those that cannot be computed."""
        from autograd_cli.points.tables import listed

        if rows.count == 0 or (good is not None and not good):
            return None, {}
        places = listed(self._variables, rows.columns, self._context, good)
        if self.first is None:
            self.first = places
        try:
            return self._compute(places, explain, fast=fast), {}
        except AgxError as error:
            return self._one_by_one(places, rows, good, error)

    def _one_by_one(
        self,
        places: Mapping[str, Tensor],
        rows: Rows,
        good: Sequence[int] | None,
        error: AgxError,
    ) -> tuple[Chunk | None, dict[int, AgxError]]:
        """Halves until it is known which rows cannot be computed. Raises: what is wrong at every
        point."""
        positions = range(rows.count) if good is None else good
        failed: dict[int, AgxError] = {}
        pending = [(0, len(positions))]
        while pending:
            start, stop = pending.pop()
            try:
                self._compute(_some(places, range(start, stop)))
            except AgxError as reason:
                if stop - start > 1:
                    middle = (start + stop) // 2
                    pending += [(middle, stop), (start, middle)]
                    continue
                failed[start] = reason
                if self._on_error == STOP:
                    break
        if not isinstance(error, DomainError) and (
            len(failed) == len(positions) or (0 in failed and self._on_error == STOP)
        ):
            raise error  # the expression itself is wrong, not the numbers of a row
        told = {
            positions[place]: FileError(
                f"{self._source.stream}, {self._source.place} {rows.places[positions[place]]}:"
                f" {reason.message}",
                hint=reason.hint,
            )
            for place, reason in failed.items()
        }
        limit = min(failed) if self._on_error == STOP else len(positions)
        kept = [place for place in range(limit) if place not in failed]
        return (self._compute(_some(places, kept)) if kept else None), dict(told)

    def no_rows(self) -> AgxError:
        return no_rows(self._source)


def _nothing(places: Mapping[str, Tensor], explain: int = 0, *, fast: bool = False) -> Chunk:
    raise NotImplementedError("these points are not computed here")


def traced(blocks: Iterator[Block], before: int) -> Iterator[Block]:
    """Blocks with the checksums of the rows so far; `before` is that before the first."""
    for block in blocks:
        after = checksum.of_rows(block.content, before)
        yield block._replace(before=before, after=after)
        before = after


def parted(block: Block, place: int, quotes: bool) -> tuple[Block, Block]:
    """The rows of a whole block that begin before a line (or row), and those from it on.

    The checksum of rows in columns is one of a whole block: it is taken from its first row on.
    """
    whole = block.whole or block
    count = size_of(whole)
    between = min(max(place - whole.line, 0), count)
    done, rest = cut(whole, 0, between, quotes), cut(whole, between, count, quotes)
    if whole.before is not None:
        done = done._replace(after=checksum.of_rows(done.content, whole.before))
    return done, rest._replace(after=whole.after, whole=whole)


def _how(was: tuple[int, int] | None, now: tuple[int, int] | None) -> str:
    if was is None or now is None or was == now:
        return ""
    if was[0] != now[0]:
        return f" (it had {was[0]:,} bytes, and has {now[0]:,})"
    return " (it was written anew)"


def _after(block: Block, rows: Rows) -> int:
    """The line, or row, after a block."""
    if isinstance(rows.places, range):
        return rows.places.stop
    return block.line + size_of(block)


def _some(places: Mapping[str, Tensor], rows: Sequence[int]) -> Mapping[str, Tensor]:
    import torch

    from autograd_cli.engine.core.batches import Listed

    index = torch.tensor(list(rows), dtype=torch.int64)
    return Listed({name: column[index] for name, column in places.items()})
