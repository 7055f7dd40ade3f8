"""Options: how one is declared, and how a command is given the groups of them that it has.

A group is a frozen dataclass whose fields are declared by `option`, `switch` and `argument`. A
command is written as `def grad(ctx, reading: Reading, computing: Computing, ...)`, and `unfolded`
makes of it the function that Typer reads, with all of their options.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import typer

from autograd_cli.errors import UsageError
from autograd_cli.render import unknown

INPUT, COMPUTATION, OUTPUT = "Input", "Computation", "Output"  # panels that commands share

Complete = Callable[..., list[str]] | Sequence[str]  # what may come at Tab

# How one is declared -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Declared:
    """What Typer is told of a field.

    It stands behind the field above it, unless it stands `before` another; from one that stands
    `after` another, its group goes on there.
    """

    info: Callable[[str], Any]
    after: str = ""
    before: str = ""


def option(
    default: Any,
    metavar: str | None,
    help: str,
    *,
    panel: str,
    name: str = "",
    short: str = "",
    callback: Callable[..., Any] | None = None,
    complete: Complete | None = None,
    after: str = "",
    before: str = "",
) -> Any:
    """A field that is an option, `--some-name` for `some_name` unless it has another `name`.

    `callback` turns the text into a value, or raises UsageError.
    """

    def info(field_name: str) -> Any:
        names = [name or f"--{field_name.replace('_', '-')}", *([short] if short else [])]
        return typer.Option(
            *names,
            metavar=metavar,
            help=help,
            rich_help_panel=panel,
            callback=callback,
            autocompletion=_completed(complete),
        )

    return field(default=default, metadata={_Declared: _Declared(info, after, before)})


def switch(
    help: str, *, panel: str, name: str = "", short: str = "", after: str = "", before: str = ""
) -> Any:
    """A field that is an option without a value, off where it is left out."""
    return option(
        False, None, help, panel=panel, name=name, short=short, after=after, before=before
    )


def argument(
    metavar: str, help: str, *, default: Any = MISSING, complete: Complete | None = None
) -> Any:
    """A field that is an argument, required unless it has a default."""

    def info(field_name: str) -> Any:
        return typer.Argument(metavar=metavar, help=help, autocompletion=_completed(complete))

    return field(default=default, metadata={_Declared: _Declared(info)})


def _completed(complete: Complete | None) -> Callable[..., list[str]] | None:
    if complete is None or callable(complete):
        return complete
    choices = tuple(complete)
    return lambda incomplete: [one for one in choices if one.startswith(incomplete)]


# How a text becomes a value ----------------------------------------------------------------------


def choice(what: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise unknown(what, value, list(choices))
        return value

    return check


def whole(option: str, least: int | None = None, most: int | None = None) -> Callable[[Any], Any]:
    """A callback that reads a whole number, within bounds if there are any."""
    bounds = {
        (True, True): "",
        (False, True): f" of at least {least}",
        (False, False): f" from {least} to {most}",
    }[least is None, most is None]

    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        digits = value.strip().removeprefix("-").removeprefix("+")
        if digits.isascii() and digits.isdigit() and len(digits) < 100:
            number = int(value)
            if (least is None or number >= least) and (most is None or number <= most):
                return number
        raise UsageError(f"{option} needs a whole number{bounds}, not {value!r}")

    return parse


def number(
    option: str, *, above: float = -math.inf, least: float = -math.inf, example: str
) -> Callable[[Any], Any]:
    """A callback that reads a finite number greater than `above`, and at least `least`."""

    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if math.isfinite(found) and found > above and found >= least:
            return found
        kind = "a positive number" if above == 0 else "a number"
        kind += f" of at least {least:g}" if least > -math.inf else ""
        raise UsageError(
            f"{option} needs {kind}, not {value!r}", hint=f"for example {option} {example}"
        )

    return parse


# How a command is given them ---------------------------------------------------------------------


def unfolded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as Typer reads it: with the fields of its groups as parameters of its own, in
    the order of the groups."""
    signature = inspect.signature(function, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation
        for name, one in signature.parameters.items()
        if is_dataclass(one.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, one in signature.parameters.items():
        if name in groups:
            _add_fields(parameters, groups[name])
        else:
            parameters.append(one.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    def called(**values: Any) -> Any:
        for name, group in groups.items():
            values[name] = group(**{one.name: values.pop(one.name) for one in fields(group)})
        return function(**values)

    called.__name__, called.__doc__ = function.__name__, function.__doc__
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _add_fields(parameters: list[inspect.Parameter], group: Any) -> None:
    hints = get_type_hints(group)
    described: Any = Annotated  # of types that are known when it runs
    place = len(parameters)
    for one in fields(group):
        declared: _Declared = one.metadata[_Declared]
        names = [parameter.name for parameter in parameters]
        here = names.index(declared.before) if declared.before else place
        if declared.after:
            here = place = names.index(declared.after) + 1
        annotation = described[hints[one.name], declared.info(one.name)]
        default = inspect.Parameter.empty if one.default is MISSING else one.default
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters.insert(
            here, inspect.Parameter(one.name, kind, default=default, annotation=annotation)
        )
        place += 1
