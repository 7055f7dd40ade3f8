"""`agx jacobian`: the matrix of first derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.commands.completing import function_calls
from autograd_cli.commands.grad import PANEL, Wrt
from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Grid,
    Json,
    Precision,
    Printing,
    Seed,
    Symbolic,
    Syntax,
    Timeout,
    choice,
    format_option,
    output_option,
    words,
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
from autograd_cli.language.matrix_request import AUTO as AUTO_MODE
from autograd_cli.language.matrix_request import MODES
from autograd_cli.points.on_error import STOP
from autograd_cli.render import AUTO
from autograd_cli.render.points import Points
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.results.matrices import Jacobian
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.commands.inputs import Inputs
    from autograd_cli.commands.matrix_formulas import MatrixFormulas
    from autograd_cli.language.matrix_request import JacobianRequest
    from autograd_cli.language.outputs import Outputs

EXAMPLES = """
agx jacobian "[x1**2, x1*x2, x2**2]" --at x1=2,x2=3
agx jacobian "r*cos(t)" "r*sin(t)" --at r=2,t=pi/3 --det
agx jacobian "softmax(W@x)" --at "W=[[1,2],[3,4]],x=[1,0]" --wrt x
agx jacobian "[x1**2, x1*x2]" --at x1=2,x2=3 --vjp 1,-1
agx jacobian "[x**2*y, x*y]"       # no values: the formulas alone
"""

Expressions = Annotated[
    list[str],
    typer.Argument(
        metavar="EXPR...",
        help="the outputs: expressions such as '[x**2, x*y]', each a number, a vector or a matrix;"
        " @FILE reads one from a file, - from stdin",
        autocompletion=function_calls,
    ),
]
Mode = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="MODE",
        help=f"how: {', '.join(MODES)} (reverse costs a pass for each output, forward one for each"
        " input)",
        rich_help_panel=PANEL,
        callback=choice("mode", MODES),
        autocompletion=words(MODES),
    ),
]
Vjp = Annotated[
    str | None,
    typer.Option(
        "--vjp",
        metavar="WEIGHTS",
        help="instead, weights times the matrix, without forming it: a weight for each output,"
        " 1,0,2",
        rich_help_panel=PANEL,
    ),
]
Jvp = Annotated[
    str | None,
    typer.Option(
        "--jvp",
        metavar="NAME=VALUE",
        help="instead, the matrix times a direction, without forming it: x1=1,x2=0",
        rich_help_panel=PANEL,
    ),
]
Det = Annotated[bool, typer.Option("--det", help="the determinant as well", rich_help_panel=PANEL)]
Cond = Annotated[
    bool, typer.Option("--cond", help="the condition number as well", rich_help_panel=PANEL)
]
Svd = Annotated[
    bool, typer.Option("--svd", help="the singular values as well", rich_help_panel=PANEL)
]


def jacobian(
    ctx: typer.Context,
    expressions: Expressions,
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
    mode: Mode = AUTO_MODE,
    vjp: Vjp = None,
    jvp: Jvp = None,
    det: Det = False,
    cond: Cond = False,
    svd: Svd = False,
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
    """Find the matrix of first derivatives: a row for each output, a column for each input.

    In plain text the matrix gives way to what --vjp, --jvp, --det, --cond or --svd ask for.
    Without values, the formulas alone are shown.
    """
    from autograd_cli.commands.inputs import Inputs, read_together
    from autograd_cli.commands.matrix_formulas import MatrixFormulas, with_formulas
    from autograd_cli.language.matrix_request import read_jacobian_request
    from autograd_cli.language.outputs import Outputs

    printing = Printing.of_options(ctx.obj, format, json, output, color, precision, among=FORMATS)
    settings = Settings.checked(device, dtype, seed)
    many = Many.of_options(
        *(points, map, on_error, jobs, append, resume),
        grid=grid,
        expression=expressions[0],
        printing=printing,
    )
    table = many.open(ctx, symbolic)
    read = read_together(expressions, at or [], grid or [], syntax, printing.console, table)
    outputs = Outputs.of([one.expression for one in read])
    inputs = Inputs(outputs.expression, read[0].values, read[0].axes, table)
    if not inputs.expression.variables:
        raise UsageError(
            "nothing to differentiate: the expression has no variables",
            hint="for its value, use agx eval",
        )
    request = read_jacobian_request(
        inputs.expression, wrt, mode, vjp, jvp, det=det, cond=cond, svd=svd
    )
    is_product = request.vjp is not None or bool(request.jvp)
    has_point = bool(inputs.values) or inputs.is_many
    if has_point or is_product or symbolic is False:
        inputs.check()
    if is_product and symbolic:
        raise UsageError(
            "there are formulas of the matrix, not of a product with it",
            hint="leave --symbolic out",
        )
    if table is not None or (inputs.axes and many.streams(printing, symbolic)):
        return _many(inputs, outputs, request, settings, many, printing)
    wanted = not is_product and (printing.for_people if symbolic is None else symbolic)
    if has_point and not wanted:
        printing.emit(_numbers(inputs, outputs, request, settings)[0])
        return None
    sources = [one.expression.source for one in read]
    with MatrixFormulas("jacobian", sources, inputs, request.wrt) as formulas:
        found: Jacobian | Points
        beside = None
        if has_point:
            found, beside = _numbers(inputs, outputs, request, settings, formulas)
        else:
            found = _no_numbers(inputs, outputs, settings, formulas)
        reply = formulas.reply()
        asked = symbolic is True
        printing.emit(with_formulas(found, reply, printing, asked=asked, beside=beside))
    return None


def _many(
    inputs: Inputs,
    outputs: Outputs,
    request: JacobianRequest,
    settings: Settings,
    many: Many,
    printing: Printing,
) -> int:
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.jacobian import jacobians
    from autograd_cli.points.many import one_by_one

    context = resolve(settings, accurate=True)
    values, axes = inputs.tensors(context)
    compute = one_by_one(
        lambda places, own: jacobians(outputs, values, places, own, request), context
    )
    told = inputs.told("jacobian", request=repr(request))
    return many.run(inputs, values, axes, context, compute, printing, command=told, jacobian=None)


def _numbers(
    inputs: Inputs,
    outputs: Outputs,
    request: JacobianRequest,
    settings: Settings,
    formulas: MatrixFormulas | None = None,
) -> tuple[Jacobian | Points, Beside]:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.data.memory import keep_freed
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.jacobian import jacobian, jacobians

    keep_freed()  # for the blocks of rows
    context = resolve(settings, accurate=True)
    values, axes = inputs.tensors(context)
    beside = Beside(values, axes, context, lambda at: jacobian(outputs, at, context, request))
    if formulas is not None:
        formulas.ask(values)
        formulas.place(beside)
    if not axes:
        return jacobian(outputs, values, context, request), beside
    points = jacobians(outputs, values, axes, context, request)
    return Points.of(points, values, jacobian=None), beside


def _no_numbers(
    inputs: Inputs, outputs: Outputs, settings: Settings, formulas: MatrixFormulas
) -> Jacobian:
    """The result of which the formulas are all; they say how many inputs and outputs there are."""
    reply = formulas.reply()
    if "matrix" not in reply:
        raise EvaluationError(str(reply["note"]), hint=f"for numbers, add --at {inputs.blanks()}")
    rows = len(reply["matrix"])
    return Jacobian(
        expression=inputs.expression.source,
        at={},
        dtype=settings.dtype,
        device=settings.device,
        value=None,
        output_names=tuple(outputs.labels_of(rows)),
        input_names=tuple(reply["inputs"]),
        warnings=inputs.expression.warnings,
    )
