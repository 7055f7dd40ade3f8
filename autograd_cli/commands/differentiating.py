"""The flow of the commands that differentiate: from what was typed to numbers and formulas.

A command says what it finds in a `Derivative`, and `differentiate` does the rest, the same for
all: it reads, checks, and writes many points as a stream, numbers alone, or numbers and formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from autograd_cli.commands.derivative import Derivative, Found
from autograd_cli.commands.groups import Computing, FormulasOutput, ManyPoints, Values
from autograd_cli.commands.points import Many
from autograd_cli.commands.printing import Printing
from autograd_cli.errors import EvaluationError, UsageError
from autograd_cli.render.points import Points
from autograd_cli.settings import Settings

if TYPE_CHECKING:
    from autograd_cli.commands.beside import Beside
    from autograd_cli.commands.formulas import Formulas
    from autograd_cli.commands.inputs import Inputs


def differentiate(
    ctx: typer.Context,
    expressions: Sequence[str],
    values: Values,
    rows: ManyPoints,
    computing: Computing,
    output: FormulasOutput,
    derivative_of: Callable[[list[Inputs]], Derivative[Any]],
) -> int | None:
    """Find what was asked for and write it; the exit code.

    `derivative_of` makes of the expressions what is to be found. Raises AgxError.
    """
    printing, settings, symbolic = output.printing(ctx), computing.settings(), output.symbolic
    many = Many.of_options(rows, expressions[0], printing)
    table = many.open(ctx, symbolic)
    derivative = derivative_of(values.read(expressions, printing.console, rows.grid, table))
    inputs = derivative.inputs
    has_point = bool(inputs.values) or inputs.is_many
    if has_point or derivative.is_product or symbolic is False:
        inputs.check()
    if derivative.is_product and symbolic:
        raise UsageError(
            "there are formulas of the matrix, not of a product with it",
            hint="leave --symbolic out",
        )
    if table is not None or (inputs.axes and many.streams(printing, symbolic)):
        return derivative.stream(settings, many, printing)
    wanted = not derivative.is_product and (printing.for_people if symbolic is None else symbolic)
    if has_point and not wanted:
        printing.emit(_numbers(derivative, settings)[0])
    else:
        _emit_formulas(derivative, settings, printing, asked=symbolic is True, has_point=has_point)
    return None


def _emit_formulas(
    derivative: Derivative[Found],
    settings: Settings,
    printing: Printing,
    *,
    asked: bool,
    has_point: bool,
) -> None:
    """The formulas, beside the numbers if there is a point."""
    from autograd_cli.commands.formulas import Formulas, with_formulas

    beside = None
    with Formulas(derivative) as formulas:  # started before torch is imported
        if has_point:
            found, beside = _numbers(derivative, settings, formulas)
        elif not formulas.asked:
            from autograd_cli.engine.core.context import resolve

            formulas.ask({}, {}, resolve(settings, accurate=True))
        reply = formulas.reply()
        if not has_point:
            found = _alone(derivative, settings, reply)
        changes = derivative.formulas(reply, asked=asked)
        printing.emit(with_formulas(found, changes, reply, printing, asked=asked, beside=beside))


def _alone(derivative: Derivative[Found], settings: Settings, reply: Mapping[str, Any]) -> Found:
    if reply.get("note"):
        blanks = derivative.inputs.blanks()
        raise EvaluationError(str(reply["note"]), hint=f"for numbers, add --at {blanks}")
    return derivative.alone(settings, reply)


def _numbers(
    derivative: Derivative[Found], settings: Settings, formulas: Formulas | None = None
) -> tuple[Found | Points, Beside]:
    """The numbers, and the points that the formulas are held against."""
    from autograd_cli.commands.beside import Beside
    from autograd_cli.engine.core.context import resolve

    derivative.prepare()
    context = resolve(settings, accurate=True)
    values, axes = derivative.inputs.tensors(context)
    beside = Beside(values, axes, context, lambda at: derivative.at(at, context))
    if formulas is not None:
        formulas.ask(values, axes, context)
        formulas.place(beside)
    if axes:
        points = derivative.each(values, axes, context)
        return Points.of(points, values, **derivative.shared), beside
    found: Found = derivative.at(values, context)
    told: Sequence[str] = derivative.remarks(found, values, context)
    return replace(found, warnings=(*found.warnings, *told)), beside
