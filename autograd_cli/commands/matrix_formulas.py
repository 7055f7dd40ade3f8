"""The formulas of a matrix of derivatives, asked of a worker while torch is loading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from autograd_cli.commands.beside import Beside
from autograd_cli.commands.inputs import Inputs
from autograd_cli.commands.options import Printing
from autograd_cli.language.points import static_shape
from autograd_cli.language.symbolic import Worker
from autograd_cli.render.notes import Noted
from autograd_cli.render.points import Points
from autograd_cli.results.matrices import Hessian, Jacobian

if TYPE_CHECKING:
    from torch import Tensor

Found = TypeVar("Found", Jacobian, Hessian)


class MatrixFormulas:
    """A question to the symbolic worker, which starts when this is made.

    `task` is `jacobian` or `hessian`, `sources` are the expressions. It is asked at once where the
    text alone shows the shapes of the values, and otherwise by `ask`, when the values are there.
    """

    def __init__(
        self, task: str, sources: Sequence[str], inputs: Inputs, wrt: Sequence[str]
    ) -> None:
        self._question = {
            "task": task,
            "sources": list(sources),
            "given": inputs.names,
            "wrt": list(wrt) or None,
            "follows": bool(inputs.names),
        }
        self._worker = Worker.start()
        self._asked = False
        shapes = {name: static_shape(value) for name, value in inputs.values.items()}
        if None not in shapes.values():
            self._ask(shapes)

    def ask(self, values: Mapping[str, Tensor]) -> None:
        """Ask now that the values are known, if it was not possible before."""
        if not self._asked:
            self._ask({name: list(value.shape) for name, value in values.items()})

    def place(self, beside: Beside) -> None:
        """The points of the numbers, at which the formulas are evaluated."""
        if (question := beside.question()) is not None:
            self._worker.place(question)

    def _ask(self, shapes: Mapping[str, Any]) -> None:
        self._asked = True
        self._worker.ask({**self._question, "shapes": shapes})

    def reply(self) -> Mapping[str, Any]:
        """The formulas as `matrix`, or the reason why there are none as `note`."""
        return self._worker.reply()

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
    found: Found | Points,
    reply: Mapping[str, Any],
    printing: Printing,
    *,
    asked: bool,
    beside: Beside | None = None,
) -> Found | Points | Noted:
    """The result with the formulas of the reply, or with the reason for having none.

    People are told the reason in a note; programs that asked for formulas get a warning, and all
    are told where the numbers `beside` them differ.
    """
    if beside is not None:
        found = beside.told(found, reply.get("points", ()))
    note = reply.get("note", "")
    changes: dict[str, Any] = {
        "symbolic": reply.get("matrix"),
        "latex": reply.get("latex"),
        "latex_expression": reply.get("expression"),
        "asks_symbolic": asked,
    }
    if note and asked and not printing.for_people:
        changes["warnings"] = (*found.warnings, note)
    result: Found | Points
    if isinstance(found, Points):
        points = found.points
        if asked:
            symbolic = changes["symbolic"]
            points = (
                replace(point, symbolic=symbolic, asks_symbolic=True)  # type: ignore[call-arg]
                for point in points
            )
        result = Points(replace(found.header, **changes), points)
    else:
        result = replace(found, **changes)
    return Noted(result, note) if note and printing.for_people else result
