"""`agx grad`: derivatives, as numbers and as formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from autograd_cli.commands.options import (
    At,
    Colour,
    Debug,
    Device,
    Dtype,
    Expr,
    Grid,
    Json,
    Order,
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
from autograd_cli.commands.point_options import PANEL as POINTS_PANEL
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
from autograd_cli.results import Gradient
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.commands.formulas import Formulas
    from autograd_cli.commands.inputs import Inputs
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

PANEL = "Derivatives"

Wrt = Annotated[
    str | None,
    typer.Option(
        "--wrt", metavar="NAMES", help="only by these variables: x,y", rich_help_panel=PANEL
    ),
]
Partial = Annotated[
    str | None,
    typer.Option(
        "--partial",
        metavar="NAMES",
        help="one mixed partial derivative: x,x,y",
        rich_help_panel=PANEL,
    ),
]
Along = Annotated[
    str | None,
    typer.Option(
        "--along",
        metavar="NAME=VALUE",
        help="the derivative along a direction, which is not normalised: x=1,y=-1",
        rich_help_panel=PANEL,
    ),
]
GradOutput = Annotated[
    str | None,
    typer.Option(
        "--grad-output",
        metavar="WEIGHTS",
        help="weights of the outputs, for an expression that has several: 1,0,2",
        rich_help_panel=PANEL,
    ),
]

VIAS = ("auto", "autograd", "symbolic")
Via = Annotated[
    str,
    typer.Option(
        "--via",
        metavar="WAY",
        help=f"how many points are computed: {', '.join(VIAS)} (autograd: bit for bit as one point"
        " is; symbolic: the formulas as torch operations, checked against autograd)",
        rich_help_panel=POINTS_PANEL,
        callback=choice("--via", VIAS),
        autocompletion=words(VIAS),
    ),
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="compile the formulas with torch.compile: for hundreds of millions of points",
        rich_help_panel=POINTS_PANEL,
    ),
]


def grad(
    ctx: typer.Context,
    expression: Expr,
    at: At = None,
    grid: Grid = None,
    points: PointsOption = None,
    map: Map = None,
    on_error: OnError = STOP,
    via: Via = "auto",
    jobs: Jobs = None,
    compiles: Compile = False,
    append: Append = False,
    resume: Resume = False,
    syntax: Syntax = "agx",
    wrt: Wrt = None,
    order: Order = 1,
    partial: Partial = None,
    along: Along = None,
    grad_output: GradOutput = None,
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
    """Differentiate an expression, by autograd and by formula.

    Without values, the formulas alone are shown.
    """
    from autograd_cli.commands.formulas import Formulas, with_formulas
    from autograd_cli.commands.inputs import read_inputs
    from autograd_cli.language.request import read_request

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
    request = read_request(inputs.expression, wrt, order, partial, along, grad_output)
    has_point = bool(inputs.values) or inputs.is_many
    if has_point or symbolic is False:
        inputs.check()
    if table is not None or (inputs.axes and many.streams(printing, symbolic)):
        from autograd_cli.commands.gradients import run_gradients

        return run_gradients(inputs, request, settings, many, printing, via, compiles=compiles)
    wanted = printing.for_people if symbolic is None else symbolic
    if not (wanted or not has_point):
        printing.emit(_numbers(inputs, request, settings)[0])
        return None
    with Formulas(inputs, request) as formulas:
        beside = None
        if has_point:
            found, beside = _numbers(inputs, request, settings, formulas)
        else:
            found = _no_numbers(inputs, request, settings, formulas)
        answer = formulas.answer()
        if answer.note and not has_point:
            raise EvaluationError(answer.note, hint="for numbers, add --at " + _blanks(inputs))
        names = _names(inputs, request)
        asked = symbolic is True
        printing.emit(with_formulas(found, names, answer, printing, asked=asked, beside=beside))
    return None


def _numbers(
    inputs: Inputs,
    request: DerivativeRequest,
    settings: Settings,
    formulas: Formulas | None = None,
) -> tuple[Gradient | Points, Beside]:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.engine.check.conventions import conventions
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.gradients import gradient, gradients

    context = resolve(settings, accurate=True)
    values, axes = inputs.tensors(context)
    beside = Beside(
        values, axes, context, lambda at: gradient(inputs.expression, at, context, request)
    )
    if formulas is not None:
        formulas.ask(values, axes, context)
        formulas.place(beside)
    if not axes:
        found = gradient(inputs.expression, values, context, request)
        wrt = tuple(request.along) or tuple(one.name for one in request.partial) or request.wrt
        told = conventions(inputs.expression, values, context, wrt)
        return replace(found, warnings=(*found.warnings, *told)), beside
    points = gradients(inputs.expression, values, axes, context, request)
    return Points.of(points, values, gradient={}), beside


def _no_numbers(
    inputs: Inputs, request: DerivativeRequest, settings: Settings, formulas: Formulas
) -> Gradient:
    if not formulas.asked:  # the directions and weights are still to be worked out
        from autograd_cli.engine.core.context import resolve

        formulas.ask({}, {}, resolve(settings, accurate=True))
    return Gradient(
        expression=inputs.expression.source,
        at={},
        dtype=settings.dtype,
        device=settings.device,
        value=None,
        gradient={},
        order=request.order,
        partial=tuple(map(str, request.partial)),
        along=formulas.along,
        grad_output=formulas.weights,
        warnings=inputs.expression.warnings,
    )


def _names(inputs: Inputs, request: DerivativeRequest) -> list[str]:
    """The names of the derivatives that are asked for."""
    if request.partial:
        return [",".join(map(str, request.partial))]
    return ["along"] if request.along else list(request.wrt or inputs.expression.variables)


def _blanks(inputs: Inputs) -> str:
    return ",".join(f"{name}=..." for name in inputs.expression.variables)
