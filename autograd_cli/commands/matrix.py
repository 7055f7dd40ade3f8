"""What the commands that find a matrix of derivatives have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from autograd_cli.commands.derivative import Derivative
from autograd_cli.results.matrices import Hessian, Jacobian
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.inputs import Inputs

Found = TypeVar("Found", Jacobian, Hessian)


class MatrixDerivative(Derivative[Found]):
    """A matrix of derivatives; `sources` are the expressions."""

    kind: ClassVar[type[Any]]

    def __init__(
        self, inputs: Inputs, request: object, sources: Sequence[str], wrt: Sequence[str]
    ) -> None:
        super().__init__(inputs, request)
        self._sources = list(sources)
        self._wrt = list(wrt) or None

    def prepare(self) -> None:
        from autograd_cli.data.memory import keep_freed

        keep_freed()  # for the blocks of rows

    def question(self) -> Mapping[str, Any]:
        return {"task": self.command, "sources": self._sources, "wrt": self._wrt}

    def formulas(self, reply: Mapping[str, Any], *, asked: bool) -> Mapping[str, Any]:
        return {
            "symbolic": reply.get("matrix"),
            "latex": reply.get("latex"),
            "latex_expression": reply.get("expression"),
            "asks_symbolic": asked,
        }

    def alone(self, settings: Settings, reply: Mapping[str, Any]) -> Found:
        found: Found = self.kind(
            expression=self.inputs.expression.source,
            at={},
            dtype=settings.dtype,
            device=settings.device,
            value=None,
            input_names=tuple(reply["inputs"]),
            warnings=self.inputs.expression.warnings,
            **self.own(reply),
        )
        return found

    @abstractmethod
    def own(self, reply: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields of the result that this matrix has alone."""
