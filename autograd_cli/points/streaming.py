"""Many points as a stream: blocks are read, computed and written in pieces, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from autograd_cli.console import Console
from autograd_cli.data.memory import keep_freed
from autograd_cli.data.rows import Block
from autograd_cli.errors import ExitCode
from autograd_cli.points.grid_points import GridPoints
from autograd_cli.points.on_error import NULL, STOP
from autograd_cli.points.pieces import Done
from autograd_cli.points.pipeline import ordered
from autograd_cli.points.table_points import TablePoints
from autograd_cli.points.tally import MOST_TOLD, Tally
from autograd_cli.progress import Progress
from autograd_cli.render import BINARY
from autograd_cli.render.streams import Encoder, encoder
from autograd_cli.render.streams.sink import Sink
from autograd_cli.render.streams.state import Mark

if TYPE_CHECKING:
    from torch import Tensor

EXPLAINED = 4  # blocks in which results that are not finite are explained

Task: TypeAlias = "tuple[int, Block, bool]"  # its number, and whether it goes the faster way


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
    the first points. Raises: what stops it, after the rows before that are written.
    """
    tally = Tally(faults=sink.earlier.faults if sink.earlier else 0)
    points.is_traced = sink.keeps_state
    coder: Encoder | None = None
    utf = console.utf or bool(sink.file)

    def work(task: Task) -> Done:
        number, block, fast = task
        done = points.piece(block, MOST_TOLD if number < EXPLAINED else 0, fast=fast)
        if coder is None or not done.piece.count:
            return done
        return replace(done, data=coder.encode(done.piece))

    def begin() -> None:
        import torch

        torch.set_num_threads(1)

    keep_freed()
    begin()
    tasks: Iterator[Task] = (
        (number, block, is_fast(block, points.first))
        for number, block in enumerate(points.blocks(sink.earlier, sink.anew))
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
                    if done.piece.count:  # first of all, because it says what type columns have
                        waiting[-1] = replace(done, data=coder.encode(done.piece))
                    ready, waiting = waiting, []
                else:
                    ready = [done]
                for one in ready:
                    tally.add(one)
                    if one.piece.count:
                        data = coder.encode(one.piece) if one.data is None else one.data
                        sink.write(data, one.mark, one.piece.count, tally.faults)
                    if not sink.is_shown:
                        progress.rate(tally.rows, points.share())
                    if one.stop is not None:
                        raise one.stop
            if coder is None:
                empty = points.nothing() if not waiting and not sink.earlier else None
                coder = encoder(format, points.layout(empty.found if empty else None, utf=utf))
                sink.begin(coder.header())
                for one in waiting:
                    tally.add(one)
                    if one.piece.count or format in BINARY:
                        sink.write(coder.encode(one.piece), one.mark, one.piece.count, tally.faults)
                if empty and format in BINARY:
                    sink.write(coder.encode(empty), Mark(), 0)
        sink.finish()
    except BaseException:
        tally.tell(console, nulls=on_error == NULL, more=sink.abandon())
        raise
    tally.tell(console, nulls=on_error == NULL)
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
