"""The options of fits to data, and what the names in a model are: columns or parameters."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_cli.commands.options import number, option
from autograd_cli.data.names import listing
from autograd_cli.errors import FileError, ReadError, UnknownNameError, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.linearity import is_linear, reduction_of_a_number
from autograd_cli.language.points import unknown_variable, variable_name
from autograd_cli.language.reader import read

if TYPE_CHECKING:
    from autograd_cli.console import Console
    from autograd_cli.data.table import Source
    from autograd_cli.engine.fit.request import Request

PANEL = "Data"
CONFIDENCE = 0.95


def between_zero_and_one(value: Any) -> Any:
    found = number("--confidence", above=0, example="0.95")(value)
    if not found < 1:
        raise UsageError(
            f"--confidence is between 0 and 1, not {found:g}", hint="for example --confidence 0.95"
        )
    return found


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """The data, what of them is fitted, and what is predicted."""

    data: str = option(
        "",
        "FILE",
        "CSV, TSV or NDJSON with a column for every variable; - is standard input",
        panel=PANEL,
    )
    y: str = option(
        "",
        "COL",
        "the column of the response; by default y, or the one that the model does not use",
        panel=PANEL,
    )
    response: str = option(
        "", "EXPR", "fit the model to a function of columns: log(y)", panel=PANEL
    )
    weights: str = option(
        "", "COL", "the column of weights of the squared residuals: 1/variance", panel=PANEL
    )
    predict: str = option(
        "",
        "FILE",
        "predict the response for the rows of FILE, with standard errors and intervals",
        panel=PANEL,
    )
    confidence: float = option(
        CONFIDENCE,
        "LEVEL",
        "the level of confidence of intervals",
        panel=PANEL,
        callback=between_zero_and_one,
    )


class Columns:
    """The columns of a table by the names that they have in expressions.

    A name that is written in another way there (`λ` is `lambda`) is found under its own.
    """

    def __init__(self, source: Source, tell: Callable[[], None] = lambda: None) -> None:
        self.source = source
        self._tell = tell  # what was found out about it
        self.by_variable = {
            variable: column
            for column in source.names
            if (variable := variable_name(column)) is not None
        }

    def __contains__(self, variable: object) -> bool:
        return variable in self.by_variable

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(self.by_variable)

    def column(self, name: str, option: str) -> str:
        """The variable of the column that an option names. Raises UnknownNameError."""
        variable = variable_name(name)
        if variable in self.by_variable:
            return str(variable)
        if name in self.source.names:
            raise UsageError(
                f"the column {name!r} cannot be used: its name is no name in expressions",
                hint="rename it in the file: letters, digits and _",
            )
        raise UnknownNameError(
            f"{self.source.stream} has no column {name!r}, but {option} names it",
            hint=f"it has: {listing(self.source.names)}",
        )

    def values(self, variables: Iterable[str]) -> dict[str, Sequence[float]]:
        """The numbers of these columns. Raises FileError for cells that hold none."""
        from autograd_cli.data.table import whole

        wanted = {variable: self.by_variable[variable] for variable in dict.fromkeys(variables)}
        try:
            table = whole(self.source, list(wanted.values()))
        except FileError as error:
            if ", line " in error.message:
                needed = ", ".join(map(repr, wanted.values()))
                error.hint = error.hint or f"every row needs a number in {needed}"
            raise
        self._tell()
        return {variable: table[column] for variable, column in wanted.items()}


def open_columns(path: str, console: Console) -> Columns:
    """The columns of the table in a file, or on standard input for `-`. Raises FileError."""
    from autograd_cli.data.table import open_source
    from autograd_cli.points.table_input import noted

    source = console.at_end.enter_context(closing(open_source(path, console.stdin)))
    return Columns(source, noted(source, console))


def request(
    model: str,
    start: Mapping[str, Expression],
    options: DataOptions,
    columns: Columns,
    console: Console,
    needs_start: Callable[[bool], bool],
) -> Request:
    """What is to be fitted, with the data read.

    `needs_start` says whether every parameter needs a start, for a model that is linear in them or
    not. Raises: ReadError, UnknownNameError, UsageError and FileError.
    """
    from autograd_cli.engine.fit.request import Request

    expression = read_model(model, columns, start)
    parameters = tuple(
        name for name in expression.variables if name in start or name not in columns
    )
    if not parameters:
        raise UsageError(
            "the model has no parameters: every name in it is a column",
            hint="for example a*x + b",
        ).within(expression.source)
    linear = is_linear(expression, parameters)
    if needs_start(linear):
        _check_start(expression, parameters, start, columns)
    weights = columns.column(options.weights, "--weights") if options.weights else ""
    response = read_response(options.y, options.response, weights, expression, parameters, columns)
    inputs = [name for name in expression.variables if name not in parameters]
    wanted = [*inputs, *response.variables, *([weights] if weights else [])]
    elsewhere = None
    if options.predict:
        other = open_columns(options.predict, console)
        elsewhere = other.values(
            other.column(columns.by_variable[one], "the model") for one in inputs
        )
    return Request(
        model=expression,
        parameters=parameters,
        linear=linear,
        response=response,
        columns=columns.values(wanted),
        weights=weights,
        start={name: start[name] for name in parameters if name in start},
        elsewhere=elsewhere,
        confidence=options.confidence,
    )


def _check_start(
    model: Expression, parameters: Sequence[str], start: Mapping[str, Expression], columns: Columns
) -> None:
    missing = [name for name in parameters if name not in start]
    if not missing:
        return
    near = difflib.get_close_matches(missing[0], columns.variables, n=1)
    blanks = ",".join(f"{name}=..." for name in missing)
    raise UnknownNameError(
        f"no start for {', '.join(map(repr, missing))}",
        hint=f"did you mean the column {near[0]!r}?"
        if near
        else f"add --start {blanks}; the columns are {listing(columns.source.names)}",
        span=model.nodes[model.variables[missing[0]]].span,
        source=model.source,
    )


def read_model(text: str, columns: Columns, start: Mapping[str, Expression]) -> Expression:
    """A model over columns and parameters. Raises: ReadError, and UsageError where no column is in
    it."""
    model = read(text, given=[*columns.variables, *start])
    if not any(name in columns and name not in start for name in model.variables):
        raise UsageError(
            "the model has no data variable: none of its names is a column of"
            f" {columns.source.stream}",
            hint=f"the columns are: {listing(columns.source.names)}",
        ).within(model.source)
    for name in start:
        if name not in model.variables:
            raise unknown_variable(name, model, "--start")
    position = reduction_of_a_number(model)
    if position is not None:
        raise ReadError(
            "a model is about one row of the data, and this is about a whole column",
            hint="write the number that it is: x - 3.2 instead of x - mean(x)",
            span=model.nodes[position].span,
            source=model.source,
        )
    return model


def read_response(
    y: str,
    response: str,
    weights: str,
    model: Expression,
    parameters: Sequence[str],
    columns: Columns,
) -> Expression:
    """What the model is fitted to, as an expression over columns.

    Raises: ReadError, UnknownNameError, UsageError where it is not clear which column is meant.
    """
    if y and response:
        raise UsageError("--y and --response exclude each other", hint="leave one of them out")
    if response:
        found = read(response, given=columns.variables)
        for name, position in found.variables.items():
            if name not in columns:
                raise UnknownNameError(
                    f"{columns.source.stream} has no column {name!r}, but the response needs it",
                    hint=f"it has: {listing(columns.source.names)}",
                    span=found.nodes[position].span,
                    source=found.source,
                )
        if not found.variables:
            raise UsageError(
                "the response has no column in it", hint='for example --response "log(y)"'
            )
        return found
    used = [name for name in model.variables if name not in parameters]
    name = columns.column(y, "--y") if y else _likely_response([*used, weights], columns)
    if name in used:
        raise UsageError(
            f"{name!r} is the response, and the model uses it",
            hint="name another column with --y",
            span=model.nodes[model.variables[name]].span,
            source=model.source,
        )
    return read(name, given=[name])


def _likely_response(used: Sequence[str], columns: Columns) -> str:
    others = [name for name in columns.variables if name not in used]
    if "y" in others:
        return "y"
    if len(others) == 1:
        return others[0]
    what = "no column is left for the response"
    if others:
        what = f"which column is the response? {', '.join(others)}"
    raise UsageError(what, hint="name it with --y COL")
