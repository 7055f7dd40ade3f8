"""What a shell offers at Tab: functions inside an expression, the variables that lack a value."""

from __future__ import annotations

import re
from typing import Any

import typer

LAST_NAME = re.compile(r"[^\W\d]\w*\Z")


def function_calls(incomplete: str) -> list[str]:
    """The expression with its last name completed to a function.

    A single function is offered twice, with its arguments as well: that shows them, and keeps the
    shell from closing the quotes behind it.
    """
    from autograd_cli.language.functions import FUNCTIONS

    match = LAST_NAME.search(incomplete)
    if match is None:
        return []
    before, name = incomplete[: match.start()], match.group()
    usages = {
        spelling: spelling + row.usage.removeprefix(row.name)
        for row in FUNCTIONS.values()
        if row.family != "operator"
        for spelling in (row.name, *row.aliases)
        if spelling.startswith(name)
    }
    calls = [f"{before}{spelling}(" for spelling in usages]
    if len(usages) == 1:
        calls += [before + usage for usage in usages.values()]
    return calls


def assignments(ctx: typer.Context, incomplete: str) -> list[str]:
    """`x=` for every variable of the expression that has no value yet."""
    from autograd_cli.errors import AgxError
    from autograd_cli.language.reader import read

    before, comma, name = incomplete.rpartition(",")
    try:
        names = read(str(ctx.params.get("expression") or "")).variables
    except AgxError:
        return []
    given = re.findall(r"(\w+)\s*=", ",".join([before, *_texts(ctx.params.get("at"))]))
    return [f"{before}{comma}{one}=" for one in names if one.startswith(name) and one not in given]


def function_names(incomplete: str) -> list[str]:
    """The functions whose names begin like this."""
    from autograd_cli.language.functions import FUNCTIONS

    return [name for name in FUNCTIONS if name.startswith(incomplete)]


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values or ()]
