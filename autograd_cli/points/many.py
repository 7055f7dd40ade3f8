"""Gradients at many points, in the faster of two ways that agree.

Autograd differentiates what was typed; the symbolic derivative is a program of few operations (see
`program`). The program is believed only after it gave the same as autograd on the first points.
After that every block is held against autograd at some of its rows (see `spot_check`), and one in
which a row differs, or in which a number is not finite, is computed by autograd as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import backward
from autograd_cli.engine.core.batch_layout import is_reordered
from autograd_cli.engine.core.batches import (
    CHUNK,
    LEAST,
    Listed,
    batches,
    count_of,
    is_pointwise,
    plain,
)
from autograd_cli.engine.core.batches import batch as batch_of
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.derive.gradients import (
    evaluation_columns,
    gradient_columns,
    gradient_header,
)
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.points.compiled import Compiled
from autograd_cli.points.program import Program
from autograd_cli.points.program_memory import Outcome
from autograd_cli.points.spot_check import SpotCheck, at_rows, even_rows, telling_rows
from autograd_cli.results import Evaluation
from autograd_cli.results.columns import Chunk, Columns, Results

AUTOGRAD, SYMBOLIC, AUTO = "autograd", "symbolic", "auto"
VIAS = (AUTO, AUTOGRAD, SYMBOLIC)

DTYPES = (torch.float64, torch.float32)  # that programs are for


def own_context(context: Context) -> Context:
    """The same context with a generator of its own, for another thread."""
    generator = torch.Generator()
    generator.set_state(context.generator.get_state())
    return replace(context, generator=generator)


def joined(parts: Sequence[Columns], places: Mapping[str, Tensor]) -> Columns:
    """Consecutive columns as one; `places` are the points of all of them."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    cat: Callable[[list[Any]], Any] = torch.cat
    warnings: dict[int, tuple[str, ...]] = {}
    start = 0
    for part in parts:
        warnings |= {start + position: texts for position, texts in part.warnings.items()}
        start += part.size
    gradient = None
    if first.gradient is not None:
        names = list(first.gradient)
        gradient = {name: cat([(part.gradient or {})[name] for part in parts]) for name in names}
    return replace(
        first,
        size=start,
        at={name: places[name] for name in first.at},
        value=cat([part.value for part in parts]),
        gradient=gradient,
        warnings=warnings,
        non_finite=sum(part.non_finite for part in parts),
    )


def one_by_one(
    results: Callable[[Mapping[str, Tensor], Context], Iterator[Evaluation]], context: Context
) -> Callable[..., Chunk]:
    """What is computed at listed points as results of their own; `results` is given the points and
    a context."""

    def compute(places: Mapping[str, Tensor], explain: int = 0, *, fast: bool = False) -> Chunk:
        return Results(list(results(places, own_context(context))))

    return compute


class Evaluations:
    """The value of an expression at many points."""

    def __init__(self, expression: Expression, at: Mapping[str, Tensor], context: Context) -> None:
        self.expression = expression
        self._at = at
        self._context = context

    def __call__(
        self, places: Mapping[str, Tensor], explain: int = 0, *, fast: bool = False
    ) -> Columns:
        """The values at listed points. Raises: as `evaluation`."""
        parts: list[Columns] = []
        for batch in batches(self.expression, self._at, places):
            own = own_context(self._context)
            found = evaluation_columns(self.expression, batch, places, own, explain=explain)
            parts.append(found)
            explain -= len(found.warnings)
        return joined(parts, places)


class Gradients:
    """The gradient of an expression at many points; `program` is None as long as autograd is the
    way.

    With `exact`, autograd gives each point what it gives that point alone, to the bit, even where
    that takes a graph for every point. `refused` counts the points of blocks for which there was a
    program, but one that differs from autograd at some of them.
    """

    def __init__(
        self,
        expression: Expression,
        at: Mapping[str, Tensor],
        context: Context,
        request: DerivativeRequest,
        *,
        exact: bool = False,
    ) -> None:
        self.expression = expression
        self._at = at
        self._context = context
        self._request = request
        is_higher = request.order > 1 or len(request.partial) > 1
        self._singly = exact and (is_higher or is_reordered(expression))
        self.program: Callable[[Mapping[str, Tensor]], Outcome] | None = None
        self.refused = 0
        self._spots = SpotCheck(expression, self.names, context.dtype)
        self._compiled: Compiled | None = None
        self._lock = Lock()

    @property
    def dtype(self) -> torch.dtype:
        return self._context.dtype

    @property
    def not_compiled(self) -> str:
        """Why the program could not be compiled, if that was wanted, or ""."""
        return "" if self._compiled is None else self._compiled.fault

    @property
    def names(self) -> tuple[str, ...]:
        """The variables to differentiate by."""
        return self._request.wrt or tuple(self.expression.variables)

    def suits(self, places: Mapping[str, Tensor]) -> bool:
        """Whether there may be a program: for first derivatives of what is elementwise in
        scalars."""
        request = self._request
        if request.order > 1 or request.partial or request.along or request.grad_output:
            return False
        if self._context.dtype not in DTYPES or self._context.device.type != "cpu":
            return False
        return is_pointwise(self.expression, batch_of(self.expression, self._at, places, 0, 1))

    def adopt(
        self, program: Program, places: Mapping[str, Tensor], *, compiled: bool = False
    ) -> bool:
        """Takes the program as the way from now on, if it agrees with autograd at some of these
        points."""
        self._compiled = Compiled(program) if compiled else None
        run = program.run if self._compiled is None else self._compiled.run
        values = self._values(places)
        if not self._agree(values, run(values).columns, even_rows(count_of(places))):
            return False
        self.program = run
        return True

    def __call__(
        self, places: Mapping[str, Tensor], explain: int = 0, *, fast: bool = False
    ) -> Columns:
        """The gradients at listed points, by the program if that is wanted and there is one.

        Raises: as `gradient`.
        """
        if fast and self.program is not None:
            values = self._values(places)
            found = self.program(values)
            if found.is_finite:
                moving = (places[name] for name in values if name in places)
                rows = telling_rows([*moving, *found.columns], count_of(places))
                if self._agree(values, found.columns, rows):
                    value, *slopes = found.columns
                    return self._columns(places, value, slopes)
                with self._lock:
                    self.refused += count_of(places)
        return self._by_autograd(places, explain)

    def _agree(self, values: Mapping[str, Tensor], found: Sequence[Tensor], rows: Tensor) -> bool:
        """Whether these columns of a program are autograd's, at some rows."""
        points = Listed(at_rows(values, rows))
        expected = self._by_autograd(points, 0)
        wanted = [expected.value, *(expected.gradient or {}).values()]
        here = [column[rows] for column in found]
        return self._spots.agree(points, here, wanted)  # type: ignore[arg-type]

    def _by_autograd(self, places: Mapping[str, Tensor], explain: int) -> Columns:
        parts: list[Columns] = []
        most = LEAST if self._singly else CHUNK
        for batch in batches(self.expression, self._at, places, most):
            own = own_context(self._context)
            found = gradient_columns(
                self.expression,
                batch,
                places,
                own,
                self._request,
                explain=explain,
                singly=self._singly,
            )
            parts.append(found)
            explain -= len(found.warnings)
        return joined(parts, places)

    def _values(self, places: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: places[name] if name in places else self._at[name]
            for name in self.expression.variables
        }

    def _columns(
        self, places: Mapping[str, Tensor], value: Tensor, slopes: Sequence[Tensor]
    ) -> Columns:
        moving: Collection[str] = places
        at = {name: plain(tensor) for name, tensor in self._at.items() if name not in moving}
        header = gradient_header(
            self.expression, at, self._context, self._request, backward.Weights()
        )
        variables = self.expression.variables
        return Columns(
            header=header,
            names=list(variables),
            size=count_of(places),
            at={name: places[name] for name in variables if name in places},
            value=value,
            gradient=dict(zip(self.names, slopes, strict=True)),
        )
