"""What a command that differentiates has of its own; the flow around it is `differentiate`'s."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from autograd_cli.commands.points import Many
from autograd_cli.commands.printing import Printing
from autograd_cli.results import Gradient
from autograd_cli.results.matrices import Hessian, Jacobian
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.engine.core.context import Context

Found = TypeVar("Found", Gradient, Jacobian, Hessian)


class Derivative(ABC, Generic[Found]):
    """What one command finds at a point, at many, and without one."""

    command: ClassVar[str]
    shared: ClassVar[Mapping[str, Any]]  # fields of the header of many points
    is_product = False  # with a matrix that is not formed: of it there are no formulas
    has_constants = False  # in the request, which have to be worked out before it can be asked

    def __init__(self, inputs: Inputs, request: object) -> None:
        self.inputs = inputs
        self._request = request

    @abstractmethod
    def at(self, values: Mapping[str, Tensor], context: Context) -> Found:
        """The derivative at a point."""

    @abstractmethod
    def each(
        self, values: Mapping[str, Tensor], axes: Mapping[str, Tensor], context: Context
    ) -> Iterator[Found]:
        """The derivatives at every combination of the coordinates."""

    @abstractmethod
    def question(self) -> Mapping[str, Any]:
        """What the symbolic worker is asked, but for the values."""

    @abstractmethod
    def formulas(self, reply: Mapping[str, Any], *, asked: bool) -> Mapping[str, Any]:
        """The fields of the result that hold the formulas."""

    @abstractmethod
    def alone(self, settings: Settings, reply: Mapping[str, Any]) -> Found:
        """The result without a point, of which the formulas are all."""

    def work_out(self, context: Context) -> None:
        """Find the numbers of constants in the request."""

    def prepare(self) -> None:
        """What is done before the first number."""

    def remarks(
        self, found: Found, values: Mapping[str, Tensor], context: Context
    ) -> Sequence[str]:
        """Further warnings about a point."""
        return ()

    def stream(self, settings: Settings, many: Many, printing: Printing) -> int:
        """Differentiate at many points, a chunk at a time; the exit code."""
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.points.many import one_by_one

        context = resolve(settings, accurate=True)
        values, axes = self.inputs.tensors(context)
        compute = one_by_one(lambda places, own: self.each(values, places, own), context)
        told = self.inputs.told(self.command, request=repr(self._request))
        return many.run(
            *(self.inputs, values, axes, context, compute, printing), command=told, **self.shared
        )
