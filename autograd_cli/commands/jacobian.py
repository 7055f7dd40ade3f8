"""`agx jacobian`: the matrix of first derivatives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from autograd_cli.commands.completing import function_calls
from autograd_cli.commands.differentiating import differentiate
from autograd_cli.commands.groups import (
    DERIVATIVES,
    Computing,
    FormulasOutput,
    ManyPoints,
    Values,
    wrt_option,
)
from autograd_cli.commands.matrix import MatrixDerivative
from autograd_cli.commands.options import argument, choice, option, switch
from autograd_cli.language.matrix_request import AUTO, MODES
from autograd_cli.results.matrices import Jacobian

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.engine.core.context import Context
    from autograd_cli.language.matrix_request import JacobianRequest
    from autograd_cli.language.outputs import Outputs

EXAMPLES = """
agx jacobian "[x1**2, x1*x2, x2**2]" --at x1=2,x2=3
agx jacobian "r*cos(t)" "r*sin(t)" --at r=2,t=pi/3 --det
agx jacobian "softmax(W@x)" --at "W=[[1,2],[3,4]],x=[1,0]" --wrt x
agx jacobian "[x1**2, x1*x2]" --at x1=2,x2=3 --vjp 1,-1
agx jacobian "[x**2*y, x*y]"       # no values: the formulas alone
"""


@dataclass(frozen=True, kw_only=True)
class Reading(Values):
    """The expressions and their values."""

    expressions: list[str] = argument(
        "EXPR...",
        "the outputs: expressions such as '[x**2, x*y]', each a number, a vector or a matrix;"
        " @FILE reads one from a file, - from stdin",
        complete=function_calls,
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """By what, how, and what of the matrix."""

    wrt: str | None = wrt_option()
    mode: str = option(
        AUTO,
        "MODE",
        f"how: {', '.join(MODES)} (reverse costs a pass for each output, forward one for each"
        " input)",
        panel=DERIVATIVES,
        callback=choice("mode", MODES),
        complete=MODES,
    )
    vjp: str | None = option(
        None,
        "WEIGHTS",
        "instead, weights times the matrix, without forming it: a weight for each output, 1,0,2",
        panel=DERIVATIVES,
    )
    jvp: str | None = option(
        None,
        "NAME=VALUE",
        "instead, the matrix times a direction, without forming it: x1=1,x2=0",
        panel=DERIVATIVES,
    )
    det: bool = switch("the determinant as well", panel=DERIVATIVES)
    cond: bool = switch("the condition number as well", panel=DERIVATIVES)
    svd: bool = switch("the singular values as well", panel=DERIVATIVES)


def jacobian(
    ctx: typer.Context,
    reading: Reading,
    rows: ManyPoints,
    asked: Asked,
    computing: Computing,
    output: FormulasOutput,
) -> int | None:
    """Find the matrix of first derivatives: a row for each output, a column for each input.

    In plain text the matrix gives way to what --vjp, --jvp, --det, --cond or --svd ask for.
    Without values, the formulas alone are shown.
    """

    def derivative_of(read: list[Inputs]) -> _Jacobian:
        from autograd_cli.commands.inputs import Inputs
        from autograd_cli.language.matrix_request import read_jacobian_request
        from autograd_cli.language.outputs import Outputs

        outputs = Outputs.of([one.expression for one in read])
        inputs = Inputs(outputs.expression, read[0].values, read[0].axes, read[0].table)
        inputs.check_variables()
        request = read_jacobian_request(
            inputs.expression,
            *(asked.wrt, asked.mode, asked.vjp, asked.jvp),
            det=asked.det,
            cond=asked.cond,
            svd=asked.svd,
        )
        sources = [one.expression.source for one in read]
        return _Jacobian(inputs, request, sources, outputs)

    return differentiate(ctx, reading.expressions, reading, rows, computing, output, derivative_of)


class _Jacobian(MatrixDerivative[Jacobian]):
    """The Jacobian of all outputs, or a product with it."""

    command = "jacobian"
    shared: ClassVar = {"jacobian": None}
    kind = Jacobian

    def __init__(
        self, inputs: Inputs, request: JacobianRequest, sources: Sequence[str], outputs: Outputs
    ) -> None:
        super().__init__(inputs, request, sources, request.wrt)
        self.request = request
        self._outputs = outputs
        self.is_product = request.vjp is not None or bool(request.jvp)

    def at(self, values: Mapping[str, Tensor], context: Context) -> Jacobian:
        from autograd_cli.engine.derive.jacobian import jacobian

        return jacobian(self._outputs, values, context, self.request)

    def each(
        self, values: Mapping[str, Tensor], axes: Mapping[str, Tensor], context: Context
    ) -> Iterator[Jacobian]:
        from autograd_cli.engine.derive.jacobian import jacobians

        return jacobians(self._outputs, values, axes, context, self.request)

    def own(self, reply: Mapping[str, Any]) -> Mapping[str, Any]:
        """The formulas say how many outputs there are."""
        return {"output_names": tuple(self._outputs.labels_of(len(reply["matrix"])))}
