"""Many points: the options that commands share, and how their points are streamed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from autograd_cli.commands.groups import ManyPoints, Rows
from autograd_cli.commands.inputs import Inputs
from autograd_cli.commands.printing import Printing
from autograd_cli.console import Console
from autograd_cli.errors import AgxError, ExitCode, FileError, UsageError
from autograd_cli.points.launched import Launched, cores
from autograd_cli.points.on_error import STOP
from autograd_cli.render import BINARY, STREAMED
from autograd_cli.render.points import Points
from autograd_cli.results import Evaluation

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.data.rows import Block
    from autograd_cli.engine.check.examination import Survey
    from autograd_cli.engine.core.context import Context
    from autograd_cli.points.grid_points import GridPoints
    from autograd_cli.points.pieces import Compute
    from autograd_cli.points.table_input import TableInput
    from autograd_cli.points.table_points import TablePoints

SURVEYED = 1_000  # rows that are checked at once


@dataclass(frozen=True)
class Many:
    """What the options about many points ask for."""

    points: str | None
    maps: Sequence[str]
    on_error: str
    jobs: int
    append: bool
    resume: bool
    launched: Launched | None = None

    @classmethod
    def of_options(
        cls,
        rows: Rows,
        expression: str,
        printing: Printing,
    ) -> Many:
        """Raises UsageError where they contradict each other or say nothing."""
        points, maps, on_error, grid = rows.points, rows.map, rows.on_error, rows.grid
        jobs, append, resume = None, False, False
        if isinstance(rows, ManyPoints):
            jobs, append, resume = rows.jobs, rows.append, rows.resume
        if points is not None and grid:
            raise UsageError(
                "--points and --grid exclude each other", hint="give the points of one of them"
            )
        if points == "-" and expression == "-":
            raise UsageError("stdin cannot be both the expression and the points")
        for name, is_given in (("--map", bool(maps)), ("--on-error", on_error != STOP)):
            if is_given and points is None:
                raise UsageError(f"{name} is for the rows of a table", hint="add --points FILE")
        if append and resume:
            raise UsageError("--append and --resume exclude each other")
        output = printing.output
        for name, is_given in (("--append", append), ("--resume", resume)):
            if not is_given:
                continue
            if points is None and not grid:
                raise UsageError(f"{name} is for many points", hint="add --points FILE")
            if not output.file:
                raise UsageError(f"{name} needs a file to write to", hint="add -o FILE")
            if output.format.name not in STREAMED or output.format.name in BINARY:
                raise UsageError(
                    f"{name} is for csv, plain and ndjson: {output.format.name} cannot be continued"
                )
        if output.format.name in BINARY and points is None and not grid:
            raise UsageError(
                f"{output.format.name} is for many points", hint="add --points FILE or --grid"
            )
        launched = Launched.of(printing.console.environ)
        if launched is not None and points is not None:
            if points == "-" or not output.file:
                raise UsageError(
                    "several processes share a file and write to a directory",
                    hint="torchrun … --points FILE -o DIRECTORY",
                )
            jobs = jobs or launched.jobs()
        return cls(points, tuple(maps or ()), on_error, jobs or cores(), append, resume, launched)

    def open(self, ctx: typer.Context, symbolic: bool | None = None) -> TableInput | None:
        """The table of --points, if there is one, open for as long as the command runs.

        Raises: as `TableInput.open`; UsageError where formulas are wanted beside its rows.
        """
        if self.points is None:
            return None
        if symbolic:
            raise UsageError(
                "--symbolic and --points exclude each other",
                hint="for the formulas alone, leave --points out",
            )
        from autograd_cli.points.table_input import TableInput, noted

        table = TableInput.open(self.points, self.maps, ctx.obj)
        ctx.call_on_close(table.source.close)
        ctx.call_on_close(noted(table.source, ctx.obj))
        return table

    @staticmethod
    def streams(printing: Printing, symbolic: bool | None) -> bool:
        """Whether the rows of a grid go out as columns: no formulas stand in them."""
        return printing.output.format.name in STREAMED and not symbolic

    def run(
        self,
        inputs: Inputs,
        values: Mapping[str, Tensor],
        axes: Mapping[str, Tensor],
        context: Context,
        compute: Compute,
        printing: Printing,
        *,
        is_fast: Callable[[Block, Mapping[str, Tensor] | None], bool] = lambda block, first: False,
        warn: Callable[[], Sequence[str]] = lambda: (),
        command: Mapping[str, Any] | None = None,
        **shared: Any,
    ) -> int:
        """Computes at all points and writes what is found; the exit code.

        `shared` are fields of the header of formats that have one. Raises: as `stream`.
        """
        from autograd_cli.points.finished import check_finished
        from autograd_cli.points.grid_points import GridPoints
        from autograd_cli.points.streaming import stream
        from autograd_cli.points.table_points import TablePoints
        from autograd_cli.render.streams.sink import Sink

        points: TablePoints | GridPoints
        lines = None
        if inputs.table is not None:
            variables = inputs.table.variables(inputs.expression, inputs.values)
            lines = self._lines(printing.console)
            points = TablePoints(inputs.table, variables, context, compute, self.on_error, lines)
        else:
            points = GridPoints(list(inputs.expression.variables), values, axes, compute)
        output, console = printing.output, printing.console
        with context.defaults():  # once for all threads
            if output.format.name not in STREAMED:
                return self._emit(points, values, printing, shared)
            sink = Sink(
                self._file(printing),
                output.format.name,
                console,
                append=self.append,
                resume=self.resume,
                command={
                    "points": self.points,
                    "map": list(self.maps),
                    "format": output.format.name,
                    "dtype": context.dtype_name,
                    "device": str(context.device),
                    "seed": context.generator.initial_seed(),
                    "lines": lines,
                    **(command or {}),
                },
                on_error=self.on_error,
                stamp=points.stamp,
            )
            if sink.finished is not None:
                check_finished(points, sink.finished, output.format.name, is_fast)
                console.complain(f"warning: nothing to resume: {output.file!r} is complete\n")
                return ExitCode.OK
            code = stream(
                points,
                console,
                sink,
                output.format.name,
                jobs=self.jobs,
                on_error=self.on_error,
                is_fast=is_fast,
            )
        console.complain("".join(f"warning: {text}\n" for text in warn()))
        return code

    def _lines(self, console: Console) -> tuple[int, int] | None:
        """The lines of the table that are this process's, if there are others."""
        from autograd_cli.data.table import open_source
        from autograd_cli.points.table_input import size_of

        if self.launched is None or self.points is None:
            return None
        first, last = None, 0
        with contextlib.closing(open_source(self.points, console.stdin)) as source:
            for block in source.blocks():
                first = block.line if first is None else first
                last = block.line + size_of(block)
        return self.launched.share(first or 0, last - (first or 0))

    def _file(self, printing: Printing) -> str:
        output = printing.output
        if self.launched is None or self.points is None:
            return output.file
        return self.launched.file(output.file, output.format.endings[0])

    def survey(
        self,
        inputs: Inputs,
        values: Mapping[str, Tensor],
        context: Context,
        survey: Survey,
        console: Console,
    ) -> tuple[int, AgxError | None]:
        """Checks at all rows of the table; how many were left out, and what ended it before."""
        from autograd_cli.engine.core.batches import batch, count_of
        from autograd_cli.points.table_points import TablePoints
        from autograd_cli.points.tally import Tally
        from autograd_cli.progress import Progress

        assert inputs.table is not None
        variables = inputs.table.variables(inputs.expression, inputs.values)
        points = TablePoints(inputs.table, variables, context, None, self.on_error)
        tally = Tally()
        with context.defaults(), Progress(console) as progress:
            for block in points.blocks():
                places, labels, faults = points.places(block)
                total = count_of(places) if labels else 0
                for start in range(0, total, SURVEYED):
                    stop = min(start + SURVEYED, total)
                    here = batch(inputs.expression, values, places, start, stop)
                    survey.add(here, variables, labels[start:stop])
                    tally.rows += stop - start
                    progress.rate(tally.rows, points.share())
                if faults and self.on_error == STOP:
                    return 0, faults[0]
                tally.miss(faults)
        tally.tell(console)
        if not tally.rows and tally.faults:
            raise FileError(f"no row of {inputs.table.source.stream} can be used")
        if not tally.rows:
            raise points.no_rows()
        return tally.faults, None

    def _emit(
        self,
        points: TablePoints | GridPoints,
        values: Mapping[str, Tensor],
        printing: Printing,
        shared: Mapping[str, Any],
    ) -> int:
        """The formats that are made of whole results, one by one."""
        from autograd_cli.points.tally import Tally

        tally = Tally()

        def results() -> Iterator[Evaluation]:
            for number, block in enumerate(points.blocks()):
                done = points.piece(block, 5 if number == 0 else 0, fast=False)
                if done.piece.found is not None:
                    yield from done.piece.found.points()
                if done.stop is not None:
                    raise done.stop
                tally.miss(done.faults)

        try:
            printing.emit(Points.of(results(), values, **shared))
        except StopIteration:
            if not tally.faults:
                raise points.no_rows() from None
        tally.tell(printing.console)  # a result stands for a point: there are no empty ones
        return ExitCode.FINDING if tally.faults else ExitCode.OK
