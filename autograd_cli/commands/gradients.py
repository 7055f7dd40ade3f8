"""Gradients at many points: which way they are computed, and from which point on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autograd_cli.commands.inputs import Inputs
from autograd_cli.commands.points import Many
from autograd_cli.commands.printing import Printing
from autograd_cli.data.rows import Block
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.language.symbolic import Worker
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.points.many import Gradients
    from autograd_cli.results.columns import Columns

# Rows times nodes of the expression that autograd carries out before the formulas may take over:
# until about then SymPy would cost as much as it saves. It is asked when half are done. The number
# does not depend on time, so that the same input gives the same bytes.
TAKE_OVER = 1 << 28


def run_gradients(
    inputs: Inputs,
    request: DerivativeRequest,
    settings: Settings,
    many: Many,
    printing: Printing,
    via: str,
    *,
    compiles: bool,
) -> int:
    """Differentiates at all points and writes what is found; the exit code."""
    way = Way(inputs, via, compiles=compiles)
    try:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.points.many import Gradients

        context = resolve(settings, accurate=True)
        values, axes = inputs.tensors(context)
        gradients = Gradients(inputs.expression, values, context, request, exact=via == "autograd")
        way.begin(gradients)

        def compute(
            places: Mapping[str, Tensor], explain: int = 0, *, fast: bool = False
        ) -> Columns:
            return gradients(places, explain, fast=fast and way.may_take_over(places))

        return many.run(
            inputs,
            values,
            axes,
            context,
            compute,
            printing,
            is_fast=way.is_fast,
            warn=way.warnings,
            command=inputs.told("grad", request=repr(request), via=via),
            gradient={},
        )
    finally:
        way.close()


class Way:
    """Says of each block whether the formulas compute it."""

    def __init__(self, inputs: Inputs, via: str, *, compiles: bool) -> None:
        self._inputs = inputs
        self._via = via
        self._compiles = compiles
        self._worker: Worker | None = None
        self._decided: bool | None = False if via == "autograd" and not compiles else None
        self._note = ""
        self._gradients: Gradients | None = None
        if self._is_forced and self._decided is None:
            self._worker = Worker.start()

    def begin(self, gradients: Gradients) -> None:
        """Says what is to be computed; formulas that were asked for are asked for now."""
        self._gradients = gradients
        if self._worker is not None:
            self._ask(self._worker, gradients)

    def _ask(self, worker: Worker, gradients: Gradients) -> None:
        worker.ask(
            {
                "task": "program",
                "source": self._inputs.expression.source,
                "given": [*self._inputs.expression.variables],
                "wrt": list(gradients.names),
            }
        )

    @property
    def _is_forced(self) -> bool:
        return self._via == "symbolic" or self._compiles

    def is_fast(self, block: Block, first: Mapping[str, Tensor] | None) -> bool:
        """Whether the formulas compute this block; `first` are the first points."""
        if self._decided is False:
            return False
        if first is None:  # the first block, which is what there is to check against
            return self._is_forced
        done = block.line * len(self._inputs.expression.nodes)
        if self._worker is None:
            if done <= TAKE_OVER // 2:
                return False
            assert self._gradients is not None
            if not self._gradients.suits(first):
                self._decided = False
                return False
            self._worker = Worker.start()
            self._ask(self._worker, self._gradients)
        if not self._is_forced and done <= TAKE_OVER:
            return False
        return self._decide(first)

    def may_take_over(self, places: Mapping[str, Tensor]) -> bool:
        """Decides at the first block itself, if the formulas were asked for."""
        return self._decided if self._decided is not None else self._decide(places)

    def _decide(self, first: Mapping[str, Tensor]) -> bool:
        if self._decided is None:
            self._note = self._adopt(first)
            self._decided = not self._note
        return self._decided

    def _adopt(self, first: Mapping[str, Tensor]) -> str:
        """Takes over; if that is not possible, why not."""
        from autograd_cli.points.program import Program

        gradients = self._gradients
        assert gradients is not None
        assert self._worker is not None
        if not gradients.suits(first):
            return "they are for first derivatives of what is elementwise in scalars"
        reply: Mapping[str, Any] = self._worker.reply()
        if "nodes" not in reply:
            return str(reply.get("note", "no closed form"))
        program = Program(reply["nodes"], reply["outputs"], gradients.dtype)
        if not gradients.adopt(program, first, compiled=self._compiles):
            return "they differ from autograd at the first points"
        return ""

    def warnings(self) -> list[str]:
        """What those who asked for the formulas should know."""
        if self._note and self._is_forced:
            return [f"computed by autograd, not by the formulas: {self._note}"]
        if self._gradients is None:
            return []
        told = []
        if self._gradients.not_compiled:
            told.append(f"the formulas were not compiled: {self._gradients.not_compiled}")
        if self._gradients.refused and self._is_forced:
            told.append(
                f"{self._gradients.refused:,} rows were computed by autograd, not by the formulas:"
                " they differ at some of them"
            )
        return told

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
