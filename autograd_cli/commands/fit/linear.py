"""`agx fit linear`: linear regression, as a demonstration and on data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from autograd_cli.commands.completing import function_calls
from autograd_cli.commands.fit.data import PANEL as DATA
from autograd_cli.commands.fit.data import Columns, DataOptions, open_columns, request
from autograd_cli.commands.fit.options import PANEL, Options
from autograd_cli.commands.options import number, option, whole
from autograd_cli.errors import ReadError, UsageError
from autograd_cli.language.linearity import first_nonlinear
from autograd_cli.language.points import variable_name
from autograd_cli.settings import OPTIMIZERS, Descent

if TYPE_CHECKING:
    from autograd_cli.commands.printing import Printing
    from autograd_cli.engine.fit.request import Request
    from autograd_cli.results.fit import Fitting

EXAMPLES = """
agx fit linear
agx fit linear --samples 1000 --noise 1 --optimizer lbfgs
agx fit linear --data homes.csv --y price --x area,rooms
agx fit linear --data points.csv --model "b0 + b1*x + b2*x**2"
"""

DEFAULTS = Descent(steps=100, learning_rate=0.1)
DEMONSTRATION = "Demonstration"
EXACT = "exact"
MOST_SAMPLES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is fitted to data, or how they are drawn."""

    x: str = option(
        "",
        "COLS",
        "the columns of the regressors; by default all but the response: area,rooms",
        panel=DATA,
    )
    model: str = option(
        "",
        "EXPR",
        "a model that is linear in its parameters, instead of a sum of the columns:"
        " b0 + b1*x + b2*x**2",
        panel=DATA,
        complete=function_calls,
    )
    samples: int | None = option(
        None, "N", "points; 100", panel=DEMONSTRATION, callback=whole("--samples", 2, MOST_SAMPLES)
    )
    true_w: float | None = option(
        None, "W", "their slope; 2", panel=DEMONSTRATION, callback=number("--true-w", example="2")
    )
    true_b: float | None = option(
        None,
        "B",
        "their intercept; 1",
        panel=DEMONSTRATION,
        callback=number("--true-b", example="1"),
    )
    noise: float | None = option(
        None,
        "SIGMA",
        "the standard deviation of their noise; 0.3",
        panel=DEMONSTRATION,
        callback=number("--noise", least=0, example="0.3"),
    )
    batch_size: int | None = option(
        None,
        "N",
        "observations in a step of gradient descent, shuffled in every epoch; all of them",
        panel=PANEL,
        callback=whole("--batch-size", 1),
    )


def linear(ctx: typer.Context, data: DataOptions, line: Line, options: Options) -> int:
    """Fit a line by gradient descent, and compare it with exact least squares.

    Without data it is a demonstration: points of y = 2 x + 1 with noise. Data are fitted by exact
    least squares, to the last digit, and by gradient descent where one of its options is given.

    Optimizer gd takes the steps that one writes by hand, w -= lr * w.grad, to the last bit, and sgd
    those of torch.optim.SGD, which rounds them once and not twice.
    """
    printing = options.printing(ctx)
    descent = options.descent(DEFAULTS, "linear", OPTIMIZERS)
    descent = replace(descent, batch_size=line.batch_size)
    drawn = {
        "samples": line.samples,
        "true_w": line.true_w,
        "true_b": line.true_b,
        "noise": line.noise,
    }
    given = {name: value for name, value in drawn.items() if value is not None}
    if not data.data:
        _check_no_data(data, line.x, line.model)
        return _demonstrate(given, descent, options, printing)
    if given:
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise UsageError(
            f"{option} is about points that are drawn, and --data brings its own",
            hint="leave one of them out",
        )
    return _fit(data, line.x, line.model, descent, options, printing)


def _check_no_data(data: DataOptions, x: str, model: str) -> None:
    about = {
        "--x": x,
        "--model": model,
        "--y": data.y,
        "--response": data.response,
        "--weights": data.weights,
        "--predict": data.predict,
    }
    for named, value in about.items():
        if value:
            raise UsageError(f"{named} is about data", hint="add --data FILE.csv")


def _demonstrate(
    given: Mapping[str, Any], descent: Descent, options: Options, printing: Printing
) -> int:
    from autograd_cli.commands.fit.running import run

    settings = options.settings()

    def begin(optimizer: str) -> Fitting:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.fit.demonstration import Line, demonstration

        chosen = options.with_optimizer(descent, optimizer)
        return demonstration(Line(**given), chosen, resolve(settings))

    return run(begin, descent.optimizer, descent.steps, options, printing, demonstration=True)


def _fit(
    data: DataOptions, x: str, model: str, descent: Descent, options: Options, printing: Printing
) -> int:
    from autograd_cli.commands.fit.running import run
    from autograd_cli.commands.source import source_text

    settings = options.settings()
    descends = (
        options.optimizer is not None
        or options.lr is not None
        or options.steps is not None
        or options.schedule != "constant"
        or options.tol is not None
        or descent.batch_size is not None
        or bool(options.compare)
    )
    if not descends:
        options.without_descent("linear")
    columns = open_columns(data.data, printing.console)
    if model:
        text = source_text(model, printing.console)
    else:
        text = _sum_of(_regressors(data, x, columns), columns)
    asked = request(text, {}, data, columns, printing.console, needs_start=lambda linear: False)
    _check_model(asked, x, columns)

    def begin(optimizer: str) -> Fitting:
        from autograd_cli.engine.core.context import resolve
        from autograd_cli.engine.fit.descending import linear_descent
        from autograd_cli.engine.fit.exact import ExactFitting
        from autograd_cli.settings import Settings

        if optimizer == EXACT:
            return ExactFitting(asked, "linear", resolve(Settings()))
        context, fine = resolve(settings), resolve(Settings())
        start = {name: context.tensor(0.0) for name in asked.parameters}
        return linear_descent(
            asked, start, options.with_optimizer(descent, optimizer), context, fine
        )

    chosen = descent.optimizer if descends else EXACT
    return run(begin, chosen, descent.steps, options, printing)


def _regressors(data: DataOptions, x: str, columns: Columns) -> list[str]:
    """The columns of `--x`, or all but those that are the response or the weights."""
    if x:
        return [columns.column(name.strip(), "--x") for name in x.split(",")]
    others = {columns.column(name, "--weights") for name in [data.weights] if name}
    if data.response:
        from autograd_cli.language.reader import read

        others |= set(read(data.response, given=columns.variables).variables)
    elif data.y or "y" in columns:
        others.add(columns.column(data.y or "y", "--y"))
    else:
        raise UsageError(
            f"which column is the response? {', '.join(columns.source.names)}",
            hint="name it with --y COL",
        )
    return [name for name in columns.variables if name not in others]


def _sum_of(regressors: Sequence[str], columns: Columns) -> str:
    """`b0 + b1*area + b2*rooms`, with other letters where columns are called b0, b1, ..."""
    if not regressors:
        odd = [name for name in columns.source.names if variable_name(name) is None]
        hint = "a line needs another one, for x"
        if odd:
            hint = f"rename {odd[0]!r}: a name in expressions has letters, digits and _ alone"
        raise UsageError(
            f"{columns.source.stream} has no column that can be used besides the response",
            hint=hint,
        )
    names = next(
        names
        for letter in ("b", "beta", "coefficient_", "_b_")
        if not set(names := [f"{letter}{i}" for i in range(len(regressors) + 1)])
        & set(columns.variables)
    )
    terms = [f"{name}*{column}" for name, column in zip(names[1:], regressors, strict=True)]
    return " + ".join([names[0], *terms])


def _check_model(asked: Request, x: str, columns: Columns) -> None:
    model = asked.model
    if not asked.linear:
        node = model.nodes[first_nonlinear(model, asked.parameters)]
        blanks = ",".join(f"{name}=..." for name in asked.parameters)
        raise ReadError(
            "the model is not linear in its parameters",
            hint=f"agx fit curve takes it, with a start: --start {blanks}",
            span=node.span,
            source=model.source,
        )
    for name in x.split(",") if x else ():
        if columns.column(name.strip(), "--x") not in model.variables:
            raise UsageError(
                f"the model does not use the column {name.strip()!r}, which --x names",
                hint="leave --x out: the model says which columns it needs",
            )
