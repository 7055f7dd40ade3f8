"""Whether a file that is whole is what a run would write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from autograd_cli.data.rows import Block
from autograd_cli.errors import FileError
from autograd_cli.points.grid_points import GridPoints
from autograd_cli.points.pieces import Done
from autograd_cli.points.table_points import TablePoints
from autograd_cli.render.streams import encoder

if TYPE_CHECKING:
    from torch import Tensor


def check_finished(
    points: TablePoints | GridPoints,
    file: Path,
    format: str,
    is_fast: Callable[[Block, Mapping[str, Tensor] | None], bool],
) -> None:
    """Raises FileError where a file does not begin and end as the results of these points do.

    Nothing says any more what command and input a finished file is of. So its first rows and its
    last ones are computed again; those between would take as long as they took.
    """
    with file.open("rb") as written:
        if not _is_of(points, written, format, is_fast):
            raise FileError(
                f"{file.name!r} is finished, and is not what this command writes of this input",
                hint="leave --resume out to replace it, or write to another file",
            )


def _is_of(
    points: TablePoints | GridPoints,
    written: BinaryIO,
    format: str,
    is_fast: Callable[[Block, Mapping[str, Tensor] | None], bool],
) -> bool:
    blocks = points.blocks()
    begun: list[Done] = []
    for block in blocks:
        begun.append(points.piece(block, 0, fast=is_fast(block, points.first)))
        if begun[-1].stop is not None:
            return False
        if begun[-1].piece.found is not None:
            break
    example = begun[-1].piece if begun else points.nothing()
    coder = encoder(format, points.layout(example.found, utf=True))
    beginning = b"".join(
        (coder.header(), *(coder.encode(one.piece) for one in begun if one.piece.count))
    )
    if written.read(len(beginning)) != beginning:
        return False
    last = None
    for block in blocks:
        last = block, is_fast(block, points.first)
    if last is None:
        return not written.read(1)
    block, fast = last
    done = points.piece(block, 0, fast=fast)
    if done.stop is not None:
        return False
    end = bytes(coder.encode(done.piece)) if done.piece.count else b""
    written.seek(max(written.seek(0, 2) - len(end), len(beginning)))
    return written.read() == end
