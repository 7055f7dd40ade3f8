"""`agx hessian`: the matrix of second derivatives, and what it says of the point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.commands.grad import PANEL, Wrt
from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Expr,
    Grid,
    Json,
    Precision,
    Printing,
    Seed,
    Symbolic,
    Syntax,
    Timeout,
    format_option,
    output_option,
)
from autograd_cli.commands.point_options import (
    Append,
    Jobs,
    Map,
    OnError,
    PointsOption,
    Resume,
)
from autograd_cli.commands.points import FORMATS, Many
from autograd_cli.errors import EvaluationError, UsageError
from autograd_cli.points.on_error import STOP
from autograd_cli.render import AUTO
from autograd_cli.render.points import Points
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.results.matrices import Hessian
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.commands.matrix_formulas import MatrixFormulas
    from autograd_cli.language.matrix_request import HessianRequest

EXAMPLES = """
agx hessian "x**2 - y**2" --at x=0,y=0
agx hessian "100*(y - x**2)**2 + (1 - x)**2" --at x=1,y=1 --json
agx hessian "logsumexp(A@x)" --at "A=[[1,2],[3,4]],x=[0,0]" --wrt x
agx hessian "sum(exp(x))" --at "x=linspace(0,1,100000)" --hvp "x=ones(100000)"
agx hessian "x**3*y"               # no values: the formulas alone
"""

Hvp = Annotated[
    str | None,
    typer.Option(
        "--hvp",
        metavar="NAME=VALUE",
        help="instead, the matrix times a direction, without forming it: x=1,y=0",
        rich_help_panel=PANEL,
    ),
]
Diag = Annotated[bool, typer.Option("--diag", help="the diagonal as well", rich_help_panel=PANEL)]
Trace = Annotated[
    bool,
    typer.Option(
        "--trace",
        help="the trace as well, the Laplacian; of more than 200 inputs, diagonal and trace are"
        " found without the matrix",
        rich_help_panel=PANEL,
    ),
]


def hessian(
    ctx: typer.Context,
    expression: Expr,
    at: At = None,
    grid: Grid = None,
    points: PointsOption = None,
    map: Map = None,
    on_error: OnError = STOP,
    jobs: Jobs = None,
    append: Append = False,
    resume: Resume = False,
    syntax: Syntax = "agx",
    wrt: Wrt = None,
    hvp: Hvp = None,
    diag: Diag = False,
    trace: Trace = False,
    device: Device = "cpu",
    dtype: Dtype = "float64",
    seed: Seed = 0,
    symbolic: Symbolic = None,
    precision: Precision = DEFAULT_PRECISION,
    format: Annotated[str, format_option(FORMATS)] = AUTO,
    json: Json = False,
    output: Annotated[str, output_option(FORMATS)] = "",
    color: Colour = "auto",
    timeout: Timeout = None,
    debug: Debug = False,
) -> int | None:
    """Find the matrix of second derivatives, its eigenvalues, and what kind of point this is.

    In plain text the matrix gives way to what --hvp, --diag or --trace ask for. Without values, the
    formulas alone are shown.
    """
    from autograd_cli.commands.inputs import read_inputs
    from autograd_cli.commands.matrix_formulas import MatrixFormulas, with_formulas
    from autograd_cli.language.matrix_request import read_hessian_request

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision, among=FORMATS)
    settings = Settings.checked(device, dtype, seed)
    many = Many.of_options(
        *(points, map, on_error, jobs, append, resume),
        grid=grid,
        expression=expression,
        printing=printing,
    )
    table = many.open(ctx, symbolic)
    inputs = read_inputs(expression, at or [], grid or [], syntax, printing.console, table)
    if not inputs.expression.variables:
        raise UsageError(
            "nothing to differentiate: the expression has no variables",
            hint="for its value, use agx eval",
        )
    request = read_hessian_request(inputs.expression, wrt, hvp, diag=diag, trace=trace)
    has_point = bool(inputs.values) or inputs.is_many
    if has_point or request.hvp or symbolic is False:
        inputs.check()
    if request.hvp and symbolic:
        raise UsageError(
            "there are formulas of the matrix, not of a product with it",
            hint="leave --symbolic out",
        )
    if table is not None or (inputs.axes and many.streams(printing, symbolic)):
        return _many(inputs, request, settings, many, printing)
    wanted = not request.hvp and (printing.for_people if symbolic is None else symbolic)
    if has_point and not wanted:
        printing.emit(_numbers(inputs, request, settings)[0])
        return None
    sources = [inputs.expression.source]
    with MatrixFormulas("hessian", sources, inputs, request.wrt) as formulas:
        found: Hessian | Points
        beside = None
        if has_point:
            found, beside = _numbers(inputs, request, settings, formulas)
        else:
            found = _no_numbers(inputs, settings, formulas)
        reply = formulas.reply()
        asked = symbolic is True
        printing.emit(with_formulas(found, reply, printing, asked=asked, beside=beside))
    return None


def _many(
    inputs: Inputs, request: HessianRequest, settings: Settings, many: Many, printing: Printing
) -> int:
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.hessian import hessians
    from autograd_cli.points.many import one_by_one

    context = resolve(settings, accurate=True)
    values, axes = inputs.tensors(context)
    expression = inputs.expression
    compute = one_by_one(
        lambda places, own: hessians(expression, values, places, own, request), context
    )
    told = inputs.told("hessian", request=repr(request))
    return many.run(
        inputs, values, axes, context, compute, printing, command=told, hessian=None, gradient={}
    )


def _numbers(
    inputs: Inputs,
    request: HessianRequest,
    settings: Settings,
    formulas: MatrixFormulas | None = None,
) -> tuple[Hessian | Points, Beside]:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.data.memory import keep_freed
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.hessian import hessian, hessians

    keep_freed()  # for the blocks of rows
    context = resolve(settings, accurate=True)
    values, axes = inputs.tensors(context)
    beside = Beside(
        values, axes, context, lambda at: hessian(inputs.expression, at, context, request)
    )
    if formulas is not None:
        formulas.ask(values)
        formulas.place(beside)
    if not axes:
        return hessian(inputs.expression, values, context, request), beside
    points = hessians(inputs.expression, values, axes, context, request)
    return Points.of(points, values, hessian=None, gradient={}), beside


def _no_numbers(inputs: Inputs, settings: Settings, formulas: MatrixFormulas) -> Hessian:
    """The result of which the formulas are all."""
    reply = formulas.reply()
    if "matrix" not in reply:
        raise EvaluationError(str(reply["note"]), hint=f"for numbers, add --at {inputs.blanks()}")
    return Hessian(
        expression=inputs.expression.source,
        at={},
        dtype=settings.dtype,
        device=settings.device,
        value=None,
        gradient={},
        input_names=tuple(reply["inputs"]),
        warnings=inputs.expression.warnings,
    )
