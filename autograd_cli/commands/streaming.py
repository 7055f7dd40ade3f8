"""Many points as a stream: blocks are read, computed and written in pieces, in their order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from autograd_cli.commands.pipeline import ordered
from autograd_cli.commands.points import NULL, SKIP, STOP
from autograd_cli.commands.progress import Progress
from autograd_cli.commands.table_input import TableInput, size_of, within
from autograd_cli.console import Console
from autograd_cli.data.rows import Block, Elements, Rows
from autograd_cli.data.table import no_rows
from autograd_cli.errors import AgxError, ExitCode, FileError
from autograd_cli.render.streams import Encoder, Layout, Piece, encoder
from autograd_cli.render.streams.sink import Sink
from autograd_cli.results.columns import Chunk

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.engine.context import Context

EXPLAINED = 4  # blocks in which results that are not finite are explained
MOST_TOLD = 5  # faulty rows that are told of one by one
GRID_ROWS = 65_536


Task: TypeAlias = "tuple[int, Block, bool]"  # its number, and whether it goes the faster way


class Compute(Protocol):
    """What is computed at listed points: gradients, values, matrices."""

    def __call__(
        self, places: Mapping[str, Tensor], explain: int = 0, *, fast: bool = False
    ) -> Chunk: ...


@dataclass(frozen=True)
class Done:
    """What became of a block: the piece and its encoding, up to where the input was read."""

    piece: Piece
    data: Any
    place: int
    faults: Sequence[AgxError] = ()
    stop: AgxError | None = None


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
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._wanted = list(
            dict.fromkeys(column for one in variables.values() for column in one.columns)
        )
        self.layout_inputs = self._source.names
        self.first: Mapping[str, Tensor] | None = None

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
        )

    def blocks(self, start: int) -> Iterator[Block]:
        blocks = self._source.blocks()
        if self._lines is None:
            return within(blocks, start) if start else blocks
        return within(blocks, max(start, self._lines[0]), self._lines[1])

    def places(
        self, block: Block
    ) -> tuple[Mapping[str, Tensor], Sequence[str], Sequence[AgxError]]:
        """The points of a block, what to call them, and what is wrong with other rows."""
        from autograd_cli.engine.tables import listed

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
        end = rows.places[min(faults)] if stop else _after(block)
        piece = Piece(found, rows, good, nulls=self._on_error == NULL)
        return Done(piece, None, end, [faults[row] for row in sorted(faults)], stop)

    def _found(
        self, rows: Rows, good: Sequence[int] | None, explain: int, fast: bool
    ) -> tuple[Chunk | None, dict[int, AgxError]]:
        """The results at the good rows, and what is wrong with those that cannot be computed."""
        from autograd_cli.engine.tables import listed

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
        """Halves until it is known which rows cannot be computed; where none can, raises why."""
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
        if len(failed) == len(positions) or (0 in failed and self._on_error == STOP):
            raise error
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


def _after(block: Block) -> int:
    """The line, or row, after a block."""
    return block.line + size_of(block)


def _some(places: Mapping[str, Tensor], rows: Sequence[int]) -> Mapping[str, Tensor]:
    import torch

    from autograd_cli.engine.batches import Listed

    index = torch.tensor(list(rows), dtype=torch.int64)
    return Listed({name: column[index] for name, column in places.items()})


class GridPoints:
    """The points of a grid, in which every combination of coordinates is a row."""

    def __init__(
        self,
        variables: Sequence[str],
        fixed: Mapping[str, Tensor],
        axes: Mapping[str, Tensor],
        compute: Compute,
    ) -> None:
        from autograd_cli.engine.batches import count_of

        self._variables = variables
        self._fixed = fixed
        self._axes = axes
        self._compute = compute
        self._total = count_of(axes)
        self._read = 0
        self.layout_inputs: tuple[str, ...] = ()
        self.first: Mapping[str, Tensor] | None = None

    def share(self) -> float | None:
        return self._read / self._total

    def no_rows(self) -> AgxError:
        return FileError("the grid has no points")

    def layout(self, found: Chunk | None, *, utf: bool) -> Layout:
        assert found is not None
        return Layout(
            inputs=tuple(name for name, _ in found.inputs()),
            results=tuple(name for name, _ in found.results()),
            utf=utf,
        )

    def blocks(self, start: int) -> Iterator[Block]:
        from autograd_cli.engine.batches import rows_of

        size = min(GRID_ROWS, rows_of(self._fixed, self._axes))
        for begin in range(max(start - 1, 0), self._total, size):
            self._read = begin
            yield Block(range(begin, min(begin + size, self._total)), begin + 1)

    def piece(self, block: Block, explain: int, *, fast: bool) -> Done:
        from autograd_cli.engine.batches import Listed, coordinates

        rows = block.content
        places = Listed(coordinates(self._axes, rows.start, rows.stop))
        if self.first is None:
            self.first = places
        return Done(Piece(self._compute(places, explain, fast=fast)), None, rows.stop + 1)


@dataclass
class Tally:
    """What is told at the end of a stream."""

    rows: int = 0
    faults: int = 0
    told: list[str] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)

    def add(self, done: Done) -> None:
        self.rows += done.piece.count
        if done.stop is None:
            self.faults += len(done.faults)
            for error in done.faults[: MOST_TOLD - len(self.told)]:
                self.told.append(error.message)
        found = done.piece.found
        if found is not None and done.piece.count:
            for text in found.header.warnings:
                self.warnings.setdefault(text, 1)
            for texts in found.warnings.values():
                for text in texts:
                    if text not in found.header.warnings:
                        self.warnings[text] = self.warnings.get(text, 0) + 1

    def texts(self, on_error: str) -> Iterator[str]:
        for text, times in self.warnings.items():
            yield text if times == 1 else f"{text} (at {times} points)"
        yield from self.told
        if self.faults:
            what = "left out" if on_error == SKIP else "have no results"
            yield f"{self.faults:,} row{'s' * (self.faults > 1)} {what}"


def stream(
    points: TablePoints | GridPoints,
    console: Console,
    sink: Sink,
    format: str,
    *,
    jobs: int = 1,
    on_error: str = STOP,
    is_fast: Callable[[Block, Mapping[str, Tensor] | None], bool] = lambda block, first: False,
) -> int:
    """Reads, computes and writes all points; the exit code is 1 if rows were left out.

    `is_fast` says of each block, in order, whether it is computed in the faster way; it is given
    the first points. Raises: what stops it, after the
    rows before that are written.
    """
    tally = Tally()
    coder: Encoder | None = None
    utf = console.utf or bool(getattr(sink, "file", ""))

    def work(task: Task) -> Done:
        number, block, fast = task
        done = points.piece(block, MOST_TOLD if number < EXPLAINED else 0, fast=fast)
        if coder is None or not done.piece.count:
            return done
        return replace(done, data=coder.encode(done.piece))

    def begin() -> None:
        import torch

        torch.set_num_threads(1)

    begin()
    tasks: Iterator[Task] = (
        (number, block, is_fast(block, points.first))
        for number, block in enumerate(points.blocks(sink.done))
    )
    waiting: list[Done] = []
    try:
        with Progress(console) as progress:
            for done in _primed(work, tasks, jobs, begin):
                if coder is None:
                    waiting.append(done)
                    if done.piece.found is None and done.stop is None:
                        continue
                    coder = encoder(format, points.layout(done.piece.found, utf=utf))
                    sink.begin(coder.header())
                    ready, waiting = waiting, []
                else:
                    ready = [done]
                for one in ready:
                    tally.add(one)
                    if one.piece.count:
                        data = coder.encode(one.piece) if one.data is None else one.data
                        sink.write(data, one.place, one.piece.count)
                    progress.rate(tally.rows, points.share())
                    if one.stop is not None:
                        raise one.stop
            if coder is None:
                if not waiting and not sink.done:
                    raise points.no_rows()
                coder = encoder(format, points.layout(None, utf=utf))
                sink.begin(coder.header())
                for one in waiting:
                    tally.add(one)
                    if one.piece.count:
                        sink.write(coder.encode(one.piece), one.place, one.piece.count)
        sink.finish()
    except BaseException:
        _tell(tally, console, on_error, sink.abandon())
        raise
    _tell(tally, console, on_error)
    return ExitCode.FINDING if tally.faults else ExitCode.OK


def _primed(
    work: Callable[[Task], Done],
    tasks: Iterator[Task],
    jobs: int,
    begin: Callable[[], None],
) -> Iterator[Done]:
    """The first results are found here, one by one, until one says what the columns are."""
    for task in tasks:
        done = work(task)
        yield done
        if done.piece.found is not None or done.stop is not None:
            break
    yield from ordered(work, tasks, jobs, begin)


def _tell(tally: Tally, console: Console, on_error: str, more: str = "") -> None:
    texts = [*tally.texts(on_error), *([more] if more else [])]
    if texts:
        with contextlib.suppress(OSError, ValueError):
            console.flush()  # so that the two streams arrive in order
        console.complain("".join(f"warning: {text}\n" for text in texts))
