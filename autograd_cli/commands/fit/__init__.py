"""`agx fit TASK`: gradient descent that one can watch, and fits that one can trust.

A task is a file with its function and its examples, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import typer

from autograd_cli.commands.command import Command, Group
from autograd_cli.commands.fit import curve, linear, minimize, mlp, quadratic
from autograd_cli.commands.options import unfolded

EXAMPLES = """
agx fit linear
agx fit quadratic
agx fit minimize "100*(y-x**2)**2 + (1-x)**2" --start x=-1.2,y=1
agx fit curve "a*exp(-b*x) + c" --data decay.csv --start a=1,b=1,c=0
"""


class Row(NamedTuple):
    """A task: its name, its function, and its examples."""

    name: str
    function: Callable[..., int]
    examples: str


TASKS = (
    Row("linear", linear.linear, linear.EXAMPLES),
    Row("curve", curve.curve, curve.EXAMPLES),
    Row("quadratic", quadratic.quadratic, quadratic.EXAMPLES),
    Row("minimize", minimize.minimize, minimize.EXAMPLES),
    Row("mlp", mlp.mlp, mlp.EXAMPLES),
)


class Tasks(Group):
    """`agx fit`: a task comes first."""

    member = "task"

    def instead(self, word: str) -> str:
        return f"for the minimum of a function: agx fit minimize {word!r} --start ..."


app = typer.Typer(
    name="fit",
    cls=Tasks,
    help="""Watch gradient descent, and fit models to data.

    Every task shows its steps as they are taken and certifies what it ends with; the exit code is
    1 where it did not converge.""",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    add_help_option=False,
)
for row in TASKS:
    app.command(row.name, cls=Command, epilog=row.examples, add_help_option=False)(
        unfolded(row.function)
    )
