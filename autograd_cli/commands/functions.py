"""`agx functions`: what can be typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from autograd_cli.commands.completing import function_names
from autograd_cli.commands.groups import Writing
from autograd_cli.commands.options import argument
from autograd_cli.errors import UnknownNameError

if TYPE_CHECKING:
    from autograd_cli.language.functions import Function
    from autograd_cli.render.listings import FunctionEntry, FunctionList

EXAMPLES = """
agx functions
agx functions softmax
agx functions --format csv > functions.csv
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which of them."""

    name: str | None = argument("NAME", "only this one", default=None, complete=function_names)


def functions(ctx: typer.Context, asked: Asked, writing: Writing) -> None:
    """List the functions of the expression language, or explain one.

    The table has what to type, the derivative, other spellings, and a word about it. In plain text
    the columns are: name, usage, family, derivatives, domain, help.
    """
    printing = writing.printing(ctx)
    printing.emit(_all() if asked.name is None else _one(asked.name))


def _all() -> FunctionList:
    from autograd_cli.language.functions import FUNCTIONS
    from autograd_cli.render.listings import FunctionList

    return FunctionList(functions=tuple(map(_entry, FUNCTIONS.values())))


def _one(name: str) -> FunctionList:
    from autograd_cli.language.functions import FUNCTIONS, OPERATORS, find, suggest
    from autograd_cli.render.listings import FunctionList

    row = find(name) or FUNCTIONS.get(OPERATORS.get(name, ""))
    if row is None:
        near = suggest(name)
        hint = f"did you mean {near!r}?" if near else "agx functions lists them all"
        raise UnknownNameError(f"unknown function {name!r}", hint=hint)
    return FunctionList(functions=(_entry(row),), detailed=True)


BETTER = "torch's value; where torch's derivative loses digits, grad has a better one"
SYMMETRIC = (
    "torch reads one triangle, and its derivative is the one on symmetric matrices;"
    " of other matrices write {name}((A+A.T)/2)"
)


def _entry(row: Function) -> FunctionEntry:
    from autograd_cli.render.listings import FunctionEntry

    usage = row.usage
    if row.symbol and row.family == "operator":
        usage = f"x {row.symbol} y" if len(row.operands) == 2 else f"{row.symbol} x"
    return FunctionEntry(
        name=row.name,
        usage=usage,
        aliases=row.aliases,
        family=row.family,
        derivatives=row.derivatives,
        domain=row.domain,
        help=row.help,
        note=_note(row),
    )


def _note(row: Function) -> str:
    """What there is to know of its derivative."""
    if row.symmetric:
        return SYMMETRIC.format(name=row.name)
    return BETTER if row.accurate else ""
