"""What is computed of a block of points, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from autograd_cli.errors import AgxError
from autograd_cli.render.streams import Piece
from autograd_cli.render.streams.state import Mark
from autograd_cli.results.columns import Chunk

if TYPE_CHECKING:
    from torch import Tensor


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
    mark: Mark
    faults: Sequence[AgxError] = ()
    stop: AgxError | None = None
