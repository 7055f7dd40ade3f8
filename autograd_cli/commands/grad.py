"""`agx grad`: derivatives, as numbers and as formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from autograd_cli.commands.derivative import Derivative
from autograd_cli.commands.differentiating import differentiate
from autograd_cli.commands.groups import (
    DERIVATIVES,
    MANY_POINTS,
    Computing,
    FormulasOutput,
    ManyPoints,
    Reading,
    grad_output_option,
    wrt_option,
)
from autograd_cli.commands.options import choice, option, switch, whole
from autograd_cli.commands.points import Many
from autograd_cli.commands.printing import Printing
from autograd_cli.results import Gradient, Value
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.engine.core.context import Context
    from autograd_cli.language.request import DerivativeRequest

EXAMPLES = """
agx grad "x**2 + 2*x*y + y**2" --at x=2,y=3
agx grad "x**3" --at x=2 --order 2
agx grad "x**2*y" --at x=1,y=2 --partial x,x,y
agx grad "sum(x**2)" --at "x=[1,2,3]" --json
agx grad "sin(x)*exp(-x)" --grid x=0:10:101 -o curve.csv
agx grad "x**2*y" --points data.csv -o gradients.csv
agx grad "x**n"                    # no values: the formulas alone
"""

VIAS = ("auto", "autograd", "symbolic")


@dataclass(frozen=True, kw_only=True)
class GradientPoints(ManyPoints):
    """Many points, of which formulas may compute the gradients."""

    via: str = option(
        "auto",
        "WAY",
        f"how many points are computed: {', '.join(VIAS)} (autograd: bit for bit as one point"
        " is; symbolic: the formulas as torch operations, checked against autograd)",
        panel=MANY_POINTS,
        callback=choice("--via", VIAS),
        complete=VIAS,
        before="jobs",
    )
    compiles: bool = switch(
        "compile the formulas with torch.compile: for hundreds of millions of points",
        panel=MANY_POINTS,
        name="--compile",
        before="append",
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which derivatives."""

    wrt: str | None = wrt_option()
    order: int = option(
        1,
        "N",
        "the order of the derivatives: 2 for the second",
        panel=DERIVATIVES,
        callback=whole("--order", 1),
    )
    partial: str | None = option(
        None, "NAMES", "one mixed partial derivative: x,x,y", panel=DERIVATIVES
    )
    along: str | None = option(
        None,
        "NAME=VALUE",
        "the derivative along a direction, which is not normalised: x=1,y=-1",
        panel=DERIVATIVES,
    )
    grad_output: str | None = grad_output_option()


def grad(
    ctx: typer.Context,
    reading: Reading,
    rows: GradientPoints,
    asked: Asked,
    computing: Computing,
    output: FormulasOutput,
) -> int | None:
    """Differentiate an expression, by autograd and by formula.

    Without values, the formulas alone are shown.
    """

    def derivative_of(read: list[Inputs]) -> _Gradient:
        from autograd_cli.language.request import read_request

        (inputs,) = read
        inputs.check_variables()
        request = read_request(
            inputs.expression,
            *(asked.wrt, asked.order, asked.partial, asked.along, asked.grad_output),
        )
        return _Gradient(inputs, request, rows.via, compiles=rows.compiles)

    return differentiate(ctx, [reading.expression], reading, rows, computing, output, derivative_of)


class _Gradient(Derivative[Gradient]):
    """Derivatives of any order, mixed ones, and those along a direction."""

    command = "grad"
    shared: ClassVar = {"gradient": {}}

    def __init__(
        self, inputs: Inputs, request: DerivativeRequest, via: str, *, compiles: bool
    ) -> None:
        super().__init__(inputs, request)
        self.request = request
        self._via = via
        self._compiles = compiles
        self._along: Mapping[str, Value] = {}
        self._weights: Value = None
        self.has_constants = bool(request.along or request.grad_output)

    def at(self, values: Mapping[str, Tensor], context: Context) -> Gradient:
        from autograd_cli.engine.derive.gradients import gradient

        return gradient(self.inputs.expression, values, context, self.request)

    def each(
        self, values: Mapping[str, Tensor], axes: Mapping[str, Tensor], context: Context
    ) -> Iterator[Gradient]:
        from autograd_cli.engine.derive.gradients import gradients

        return gradients(self.inputs.expression, values, axes, context, self.request)

    def remarks(
        self, found: Gradient, values: Mapping[str, Tensor], context: Context
    ) -> Sequence[str]:
        from autograd_cli.engine.check.conventions import conventions

        partial = tuple(one.name for one in self.request.partial)
        wrt = tuple(self.request.along) or partial or self.request.wrt
        return conventions(self.inputs.expression, values, context, wrt)

    def stream(self, settings: Settings, many: Many, printing: Printing) -> int:
        from autograd_cli.commands.gradients import run_gradients

        return run_gradients(
            *(self.inputs, self.request, settings, many, printing, self._via),
            compiles=self._compiles,
        )

    def work_out(self, context: Context) -> None:
        from autograd_cli.engine.core.batches import plain
        from autograd_cli.engine.core.evaluate import constant
        from autograd_cli.engine.derive.gradients import point

        directions = point(self.request.along, context)
        self._along = {name: plain(direction) for name, direction in directions.items()}
        if self.request.grad_output is not None:
            self._weights = plain(constant(self.request.grad_output, context))

    def question(self) -> Mapping[str, Any]:
        return {
            "task": "gradient",
            "source": self.inputs.expression.source,
            "wrt": self.request.wrt or None,
            "order": self.request.order,
            "partial": [str(component) for component in self.request.partial],
            "along": self._along,
            "grad_output": self._weights,
        }

    def formulas(self, reply: Mapping[str, Any], *, asked: bool) -> Mapping[str, Any]:
        gradient = reply.get("gradient", {})
        changes: dict[str, Any] = {"latex": reply.get("latex") or None}
        if gradient or asked:
            changes["symbolic"] = {name: gradient.get(name) for name in self._names()}
        return changes

    def alone(self, settings: Settings, reply: Mapping[str, Any]) -> Gradient:
        return Gradient(
            expression=self.inputs.expression.source,
            at={},
            dtype=settings.dtype,
            device=settings.device,
            value=None,
            gradient={},
            order=self.request.order,
            partial=tuple(map(str, self.request.partial)),
            along=self._along,
            grad_output=self._weights,
            warnings=self.inputs.expression.warnings,
        )

    def _names(self) -> list[str]:
        """The names of the derivatives that are asked for."""
        if self.request.partial:
            return [",".join(map(str, self.request.partial))]
        return (
            ["along"]
            if self.request.along
            else list(self.request.wrt or self.inputs.expression.variables)
        )
