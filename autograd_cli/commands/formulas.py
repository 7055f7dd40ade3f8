"""The formulas of derivatives, asked of a worker while torch is loading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from autograd_cli.commands.asking import Asking
from autograd_cli.commands.beside import Beside
from autograd_cli.commands.printing import Printing
from autograd_cli.language.points import static_shape
from autograd_cli.render.notes import Noted
from autograd_cli.render.points import Points
from autograd_cli.results import Gradient
from autograd_cli.results.matrices import Hessian, Jacobian

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.commands.derivative import Derivative
    from autograd_cli.engine.core.context import Context

Found = TypeVar("Found", Gradient, Jacobian, Hessian)


class Formulas(Asking):
    """A question for the formulas of a derivative.

    It is asked at once where the text alone shows all that the worker needs to know, and otherwise
    by `ask`, when the values are there.
    """

    def __init__(self, derivative: Derivative[Any]) -> None:
        super().__init__()
        self._derivative = derivative
        self.asked = False
        shapes = {name: static_shape(value) for name, value in derivative.inputs.values.items()}
        if None not in shapes.values() and not derivative.has_constants:
            self._ask(shapes)

    def ask(
        self, values: Mapping[str, Tensor], axes: Mapping[str, Tensor], context: Context
    ) -> None:
        """Ask now that the values are known, if it was not possible before."""
        if not self.asked:
            self._derivative.work_out(context)
            shapes = {name: list(value.shape) for name, value in values.items()}
            self._ask(shapes | {name: [] for name in axes})

    def place(self, beside: Beside) -> None:
        """The points of the numbers, at which the formulas are evaluated."""
        if (question := beside.question()) is not None:
            self.worker.place(question)

    def _ask(self, shapes: Mapping[str, Any]) -> None:
        self.asked = True
        names = self._derivative.inputs.names
        question = self._derivative.question()
        self.worker.ask({**question, "given": names, "shapes": shapes, "follows": bool(names)})


def with_formulas(
    found: Found | Points,
    changes: Mapping[str, Any],
    reply: Mapping[str, Any],
    printing: Printing,
    *,
    asked: bool,
    beside: Beside | None = None,
) -> Found | Points | Noted:
    """The result with the formulas of the reply, or with the reason for having none.

    `changes` are the fields that hold them; those of `OF_POINTS` are fields of the single points as
    well, if the formulas were asked for. People are told the reason in a note; programs that asked
    for formulas get a warning, and all are told where the numbers `beside` them differ.
    """
    if beside is not None:
        found = beside.told(found, reply.get("points", ()))
    note = reply.get("note", "")
    if note and asked and not printing.for_people:
        changes = {**changes, "warnings": (*found.warnings, note)}
    result: Found | Points
    if isinstance(found, Points):
        points = found.points
        if asked:
            own = {name: changes[name] for name in OF_POINTS if name in changes}
            points = (replace(point, **own) for point in points)
        result = Points(replace(found.header, **changes), points)
    else:
        result = replace(found, **changes)
    return Noted(result, note) if note and printing.for_people else result


OF_POINTS = ("symbolic", "asks_symbolic")
