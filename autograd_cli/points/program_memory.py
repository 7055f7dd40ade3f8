"""Instructions bound to memory: what a thread runs again and again, chunk after chunk.

Every instruction is bound once to the tensors that it reads and writes. From chunk to chunk only
those that stand for the points and for the results move on, as windows over whole columns, so that
a chunk costs one call for each operation and little else. All other tensors are buffers that stay
in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from autograd_cli.points.lent_memory import Lender

CHUNK = 32_768  # rows; a handful of buffers of them stays in the cache, and calls cost little
LINE = 64  # bytes of a cache line

Call = Callable[[], object]


@dataclass(frozen=True)
class Instruction:
    """`target = function(*operands, **options)`; `frees` are not read after it.

    `into` says whether the function can write into a given buffer, as `out`.
    """

    target: int
    function: Callable[..., Tensor]
    operands: tuple[int | Tensor | float, ...]  # an int is a node
    options: Mapping[str, float]
    into: bool
    frees: tuple[int, ...]


class Outcome(NamedTuple):
    """Columns of results, shape (points,) each, and whether all numbers in them are finite."""

    columns: list[Tensor]
    is_finite: bool


class Bound:
    """Instructions for one thread.

    `variables` are the positions of the variables by name, `outputs` the positions whose results
    are wanted, `numbers` those that are constant.
    """

    def __init__(
        self,
        instructions: Sequence[Instruction],
        variables: Mapping[str, int],
        outputs: Sequence[int],
        numbers: Mapping[int, float],
        dtype: torch.dtype,
    ) -> None:
        self._dtype = dtype
        self._outputs = tuple(outputs)
        self._windows = {name: torch.empty(0, dtype=dtype) for name in variables}
        self._results = {place: torch.empty(0, dtype=dtype) for place in dict.fromkeys(outputs)}
        slots = {place: self._windows[name] for name, place in variables.items()}
        calls: list[Call] = []
        for place, result in self._results.items():
            if place in numbers:
                calls.append(partial(result.fill_, numbers[place]))
            elif place in slots:
                calls.append(partial(result.copy_, slots[place]))
            slots[place] = slots.get(place, result)
        self._buffers = _buffers(instructions, slots, dtype)
        for one in instructions:
            operands = [slots[part] if type(part) is int else part for part in one.operands]
            target = slots[one.target]
            if one.into:
                calls.append(partial(one.function, *operands, **one.options, out=target))
            else:
                calls.append(partial(_copy, target, partial(one.function, *operands)))
        self._calls = tuple(calls)
        self._size = CHUNK
        self._lender = Lender()

    def run(self, values: Mapping[str, Tensor]) -> Outcome:
        """The outputs at every point; equal outputs are one tensor.

        `values` has a tensor of shape (points,) for every variable, or () for one that is fixed.
        """
        count = max(len(value) for value in values.values() if value.dim())
        columns = self._lender.empty((len(self._results), count), self._dtype)
        moving = [
            *((window, values[name].to(self._dtype)) for name, window in self._windows.items()),
            *zip(self._results.values(), columns, strict=True),
        ]
        windows = [
            (window, whole.untyped_storage(), whole.storage_offset(), *(whole.stride() or (0,)))
            for window, whole in moving
        ]
        is_finite = True
        with torch.no_grad():
            for start in range(0, count, CHUNK):
                size = min(CHUNK, count - start)
                self._resize(size)
                for window, memory, offset, stride in windows:
                    window.set_(memory, offset + start * stride, (size,), (stride,))
                for call in self._calls:
                    call()
                # While they are in the cache. A sum shows it, unless it overflows.
                for result in self._results.values():
                    if not math.isfinite(result.sum().item()):
                        is_finite = is_finite and bool(result.isfinite().all())
            for window, _ in moving:  # lets go of the memory
                window.set_(torch.UntypedStorage())  # type: ignore[no-untyped-call]
        found = dict(zip(self._results, columns, strict=True))
        return Outcome([found[place] for place in self._outputs], is_finite)

    def _resize(self, size: int) -> None:
        if size != self._size:
            for buffer in self._buffers:
                buffer.resize_(size)
            self._size = size


def _copy(target: Tensor, function: Callable[[], Tensor]) -> None:
    target.copy_(function())


def _buffers(
    instructions: Sequence[Instruction], slots: dict[int, Tensor], dtype: torch.dtype
) -> list[Tensor]:
    """Gives every instruction without a slot a buffer, one that nothing reads any more if there is
    one; all buffers.

    They lie a cache line apart: buffers that begin at the same place of a page would push one
    another out of the cache.
    """
    free: list[int] = []
    owners: dict[int, int] = {}
    owned: dict[int, int] = {}
    count = 0
    for one in instructions:
        free += [owned.pop(dead) for dead in one.frees if dead in owned]
        if one.target in slots:
            continue
        if free:
            number = free.pop()
        else:
            number, count = count, count + 1
        owned[one.target] = owners[one.target] = number
    between = LINE // dtype.itemsize
    memory = torch.empty(count * (CHUNK + between), dtype=dtype).untyped_storage()
    buffers = []
    for number in range(count):
        buffer = torch.empty(0, dtype=dtype)
        buffers.append(buffer.set_(memory, number * (CHUNK + between), (CHUNK,), (1,)))
    slots |= {target: buffers[number] for target, number in owners.items()}
    return buffers
