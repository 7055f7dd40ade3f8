"""`agx hessian`: the matrix of second derivatives, and what it says of the point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from autograd_cli.commands.differentiating import differentiate
from autograd_cli.commands.groups import (
    DERIVATIVES,
    Computing,
    FormulasOutput,
    ManyPoints,
    Reading,
    wrt_option,
)
from autograd_cli.commands.matrix import MatrixDerivative
from autograd_cli.commands.options import option, switch
from autograd_cli.results.matrices import Hessian

if TYPE_CHECKING:
    from torch import Tensor

    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.engine.core.context import Context
    from autograd_cli.language.matrix_request import HessianRequest

EXAMPLES = """
agx hessian "x**2 - y**2" --at x=0,y=0
agx hessian "100*(y - x**2)**2 + (1 - x)**2" --at x=1,y=1 --json
agx hessian "logsumexp(A@x)" --at "A=[[1,2],[3,4]],x=[0,0]" --wrt x
agx hessian "sum(exp(x))" --at "x=linspace(0,1,100000)" --hvp "x=ones(100000)"
agx hessian "x**3*y"               # no values: the formulas alone
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """By what, and what of the matrix."""

    wrt: str | None = wrt_option()
    hvp: str | None = option(
        None,
        "NAME=VALUE",
        "instead, the matrix times a direction, without forming it: x=1,y=0",
        panel=DERIVATIVES,
    )
    diag: bool = switch("the diagonal as well", panel=DERIVATIVES)
    trace: bool = switch(
        "the trace as well, the Laplacian; of more than 200 inputs, diagonal and trace are"
        " found without the matrix",
        panel=DERIVATIVES,
    )


def hessian(
    ctx: typer.Context,
    reading: Reading,
    rows: ManyPoints,
    asked: Asked,
    computing: Computing,
    output: FormulasOutput,
) -> int | None:
    """Find the matrix of second derivatives, its eigenvalues, and what kind of point this is.

    In plain text the matrix gives way to what --hvp, --diag or --trace ask for. Without values, the
    formulas alone are shown.
    """

    def derivative_of(read: list[Inputs]) -> _Hessian:
        from autograd_cli.language.matrix_request import read_hessian_request

        (inputs,) = read
        inputs.check_variables()
        request = read_hessian_request(
            inputs.expression, asked.wrt, asked.hvp, diag=asked.diag, trace=asked.trace
        )
        return _Hessian(inputs, request)

    return differentiate(ctx, [reading.expression], reading, rows, computing, output, derivative_of)


class _Hessian(MatrixDerivative[Hessian]):
    """The Hessian, or its product with a direction."""

    command = "hessian"
    shared: ClassVar = {"hessian": None, "gradient": {}}
    kind = Hessian

    def __init__(self, inputs: Inputs, request: HessianRequest) -> None:
        super().__init__(inputs, request, [inputs.expression.source], request.wrt)
        self.request = request
        self.is_product = bool(request.hvp)

    def at(self, values: Mapping[str, Tensor], context: Context) -> Hessian:
        from autograd_cli.engine.derive.hessian import hessian

        return hessian(self.inputs.expression, values, context, self.request)

    def each(
        self, values: Mapping[str, Tensor], axes: Mapping[str, Tensor], context: Context
    ) -> Iterator[Hessian]:
        from autograd_cli.engine.derive.hessian import hessians

        return hessians(self.inputs.expression, values, axes, context, self.request)

    def own(self, reply: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"gradient": {}}
