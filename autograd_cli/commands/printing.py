"""Where a command's result goes, and how it looks there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from autograd_cli.console import Console
from autograd_cli.errors import UsageError
from autograd_cli.render import AUTO, GENERAL, Output, choose, emit
from autograd_cli.render.notes import Noted
from autograd_cli.render.points import Points
from autograd_cli.render.style import DEFAULT_PRECISION
from autograd_cli.results import Result


@dataclass(frozen=True)
class Printing:
    """The console, and the format and the file for what is found."""

    console: Console
    output: Output

    @classmethod
    def of_options(
        cls,
        console: Console,
        format: str = AUTO,
        json: bool = False,
        file: str = "",
        colour: str = "auto",
        precision: int = DEFAULT_PRECISION,
        among: Collection[str] = GENERAL,
    ) -> Printing:
        """What the options ask for. Raises UsageError where they contradict each other."""
        if json:
            if format not in (AUTO, "json"):
                raise UsageError(
                    f"--json and --format {format} exclude each other", hint="leave one of them out"
                )
            format = "json"
        file = "" if file == "-" else file
        chosen = choose(format, file, terminal=console.terminal, among=among)
        output = Output(format=chosen, file=file, precision=precision)
        return cls(console.with_colour(colour), output)

    @property
    def for_people(self) -> bool:
        """Whether the format is for people, who get the formulas without asking."""
        return self.output.format.for_people

    def emit(self, result: Result | Points | Noted) -> None:
        emit(result, self.console, self.output)
