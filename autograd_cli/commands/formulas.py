"""The formulas of derivatives, asked of a worker while torch is loading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from autograd_cli.commands.beside import Beside
from autograd_cli.commands.inputs import Inputs
from autograd_cli.commands.options import Printing
from autograd_cli.language.points import static_shape
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.language.symbolic import Answer, Worker
from autograd_cli.render.notes import Noted
from autograd_cli.render.points import Points
from autograd_cli.results import Gradient, Value

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.engine.core.context import Context


class Formulas:
    """A question to the symbolic worker, which starts when this is made.

    It is asked at once where the text alone shows all that it needs to know, and otherwise by
    `ask`, when the values are there. `along` and `weights` are the request's as numbers.
    """

    def __init__(self, inputs: Inputs, request: DerivativeRequest) -> None:
        self._inputs = inputs
        self._request = request
        self._worker = Worker.start()
        self.along: Mapping[str, Value] = {}
        self.weights: Value = None
        self.asked = False
        shapes = {name: static_shape(value) for name, value in inputs.values.items()}
        if None not in shapes.values() and not (request.along or request.grad_output):
            self._ask(shapes)

    def ask(
        self, values: Mapping[str, Tensor], axes: Mapping[str, Tensor], context: Context
    ) -> None:
        """Ask now that the values are known, if it was not possible before."""
        if self.asked:
            return
        from autograd_cli.engine.core.batches import plain
        from autograd_cli.engine.core.evaluate import constant
        from autograd_cli.engine.derive.gradients import point

        directions = point(self._request.along, context)
        self.along = {name: plain(direction) for name, direction in directions.items()}
        if self._request.grad_output is not None:
            self.weights = plain(constant(self._request.grad_output, context))
        shapes: dict[str, Sequence[int]] = {name: value.shape for name, value in values.items()}
        self._ask(shapes | dict.fromkeys(axes, ()))

    def place(self, beside: Beside) -> None:
        """The points of the numbers, at which the formulas are evaluated."""
        if (question := beside.question()) is not None:
            self._worker.place(question)

    def _ask(self, shapes: Mapping[str, Any]) -> None:
        self.asked = True
        self._worker.ask(
            {
                "task": "gradient",
                "source": self._inputs.expression.source,
                "given": self._inputs.names,
                "shapes": shapes,
                "wrt": self._request.wrt or None,
                "order": self._request.order,
                "partial": [str(component) for component in self._request.partial],
                "along": self.along,
                "grad_output": self.weights,
                "follows": bool(self._inputs.names),
            }
        )

    def answer(self) -> Answer:
        """The formulas, or the reason why there are none."""
        return self._worker.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._worker.close()


def with_formulas(
    found: Gradient | Points,
    names: Sequence[str],
    answer: Answer,
    printing: Printing,
    *,
    asked: bool,
    beside: Beside | None = None,
) -> Gradient | Points | Noted:
    """The result with the formulas of the derivatives `names`, or with the reason for having none.

    People are told the reason in a note; programs that asked for formulas get a warning, and all
    are told where the numbers `beside` them differ.
    """
    if beside is not None:
        found = beside.told(found, answer.points)
    changes: dict[str, Any] = {"latex": answer.latex or None}
    if answer.gradient or asked:
        changes["symbolic"] = {name: answer.gradient.get(name) for name in names}
    if answer.note and asked and not printing.for_people:
        changes["warnings"] = (*found.warnings, answer.note)
    result: Gradient | Points
    if isinstance(found, Points):
        points = found.points
        if asked:
            symbolic = changes["symbolic"]
            points = (replace(point, symbolic=symbolic) for point in points)  # type: ignore[call-arg]
        result = Points(replace(found.header, **changes), points)
    else:
        result = replace(found, **changes)
    return Noted(result, answer.note) if answer.note and printing.for_people else result
