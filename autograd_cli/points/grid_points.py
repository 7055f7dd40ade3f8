"""The points of a grid: every combination of coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from autograd_cli.data.rows import Block
from autograd_cli.errors import AgxError, FileError
from autograd_cli.points.pieces import Compute, Done
from autograd_cli.render.streams import Layout, Piece
from autograd_cli.render.streams.state import Mark, State
from autograd_cli.results.columns import Chunk

if TYPE_CHECKING:
    from torch import Tensor

GRID_ROWS = 65_536


class GridPoints:
    """The points of a grid, in which every combination of coordinates is a row."""

    def __init__(
        self,
        variables: Sequence[str],
        fixed: Mapping[str, Tensor],
        axes: Mapping[str, Tensor],
        compute: Compute,
    ) -> None:
        from autograd_cli.engine.core.batches import count_of

        self._variables = variables
        self._fixed = fixed
        self._axes = axes
        self._compute = compute
        self._total = count_of(axes)
        self._read = 0
        self.layout_inputs: tuple[str, ...] = ()
        self.first: Mapping[str, Tensor] | None = None
        self.is_traced = False  # the axes are part of the command
        self.stamp: tuple[int, int] | None = None

    def share(self) -> float | None:
        return self._read / self._total

    def no_rows(self) -> AgxError:
        return FileError("the grid has no points")

    def nothing(self) -> Piece:
        """A grid has points: raises FileError."""
        raise self.no_rows()

    def layout(self, found: Chunk | None, *, utf: bool) -> Layout:
        assert found is not None
        return Layout(
            inputs=tuple(name for name, _ in found.inputs()),
            results=tuple(name for name, _ in found.results()),
            utf=utf,
        )

    def blocks(self, earlier: State | None = None, anew: str = "") -> Iterator[Block]:
        from autograd_cli.engine.core.batches import rows_of

        size = min(GRID_ROWS, rows_of(self._fixed, self._axes))
        start = 0 if earlier is None else max(earlier.place - 1, 0)
        for begin in range(start, self._total, size):
            self._read = begin
            yield Block(range(begin, min(begin + size, self._total)), begin + 1)

    def piece(self, block: Block, explain: int, *, fast: bool) -> Done:
        from autograd_cli.engine.core.batches import Listed, coordinates

        rows = block.content
        places = Listed(coordinates(self._axes, rows.start, rows.stop))
        if self.first is None:
            self.first = places
        return Done(Piece(self._compute(places, explain, fast=fast)), None, Mark(rows.stop + 1))
