"""Many numbers as nested lists, without the lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

PIECE = 65_536  # numbers that are Python's at once


class Array(Sequence[Any]):
    """A vector, matrix or more, which reads as nested lists of numbers do.

    As lists, numbers take four times the memory that they have in `numbers`, a tensor: so they are
    made when somebody looks at them, a piece at a time.
    """

    def __init__(self, numbers: Any) -> None:
        self._numbers = numbers

    @property
    def is_flat(self) -> bool:
        """Whether this is a vector."""
        return len(self._numbers.shape) == 1

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(self._numbers.numel())

    @property
    def all_finite(self) -> bool:
        return bool(self._numbers.isfinite().all())

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Any) -> Any:
        part = self._numbers[index]
        return Array(part) if part.shape else part.item()

    def __iter__(self) -> Iterator[Any]:
        for piece in self.pieces():
            yield from piece

    def pieces(self) -> Iterator[Sequence[Any]]:
        """Consecutive parts, as lists where they are not too long themselves."""
        one = self._numbers[:1].numel()
        if one > PIECE:
            for number in range(len(self)):
                yield [Array(self._numbers[number])]
            return
        step = max(PIECE // max(one, 1), 1)
        for start in range(0, len(self), step):
            yield self._numbers[start : start + step].tolist()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (list, tuple, Array)):
            return NotImplemented
        if len(self) != len(other):
            return False
        return all(mine == own for mine, own in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Array({'×'.join(map(str, self._numbers.shape))})"


LISTS = (list, tuple, Array)  # what a value that is no number is made of


def pieces(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Consecutive parts of a sequence of any length."""
    if isinstance(values, Array):
        yield from values.pieces()
        return
    for start in range(0, len(values), PIECE):
        yield values[start : start + PIECE]
