"""A program compiled by torch: one loop over the points, for very long runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.derive.gradients import all_finite
from autograd_cli.points.lent_memory import Lender
from autograd_cli.points.program import Program
from autograd_cli.points.program_memory import Outcome

CHUNK = 16_384  # rows of a chunk that is compiled

Function = Callable[..., Sequence[Tensor]]


class Compiled:
    """The program compiled for chunks of one size; what is left over runs as it is.

    It is compiled when there is a whole chunk for the first time. Where that is not possible, as
    without a C++ compiler, `fault` says why, and everything runs as it is.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._function: Function | None = None
        self._lock = threading.Lock()
        self._lender = Lender()
        self.fault = ""

    def run(self, values: Mapping[str, Tensor]) -> Outcome:
        """The outputs at every point, as `Program.run`."""
        count = max(len(value) for value in values.values() if value.dim())
        function = self._compiled(values) if count >= CHUNK else None
        if function is None:
            return self._program.run(values)
        whole = count - count % CHUNK
        columns = [
            value if value.dim() else value.expand(count)
            for value in (values[name] for name in self._program.variables)
        ]
        results = self._lender.empty((len(self._program.outputs), count), columns[0].dtype)
        is_finite = True
        with torch.no_grad():
            for start in range(0, whole, CHUNK):
                stop = start + CHUNK
                parts = function(*(column[start:stop].contiguous() for column in columns))
                for result, part in zip(results, parts, strict=True):
                    result[start:stop] = part
                    is_finite = is_finite and all_finite(part)
        if whole < count:
            rest = (column[whole:] for column in columns)
            own = self._program.run(dict(zip(self._program.variables, rest, strict=True)))
            is_finite = is_finite and own.is_finite
            for result, part in zip(results, own.columns, strict=True):
                result[whole:] = part
        return Outcome(list(results), is_finite)

    def _compiled(self, values: Mapping[str, Tensor]) -> Function | None:
        with self._lock:
            if self._function is None and not self.fault:
                like = next(iter(values.values()))
                try:
                    function: Function = torch.compile(self._program.plain, dynamic=False)
                    with torch.no_grad():
                        function(*(like.new_zeros(CHUNK) for _ in self._program.variables))
                except Exception as error:  # its backends raise what they like
                    self.fault = _reason(error)
                else:
                    self._function = function
            return self._function


def _reason(error: Exception) -> str:
    if "compiler" in str(error).lower():
        return "torch finds no working C++ compiler"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
