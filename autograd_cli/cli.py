"""The Typer app, the order of its commands, and `main`, which turns errors into exit codes."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from types import FrameType
from typing import Any, NamedTuple

import typer

from autograd_cli import interpreter
from autograd_cli.commands.command import COMPLETE, PROGRAM, Command, Commands, Group
from autograd_cli.commands.deadline import LATE, Late, TimeIsUp
from autograd_cli.commands.options import unfolded
from autograd_cli.console import Console
from autograd_cli.data.room import is_shortage, shortage
from autograd_cli.errors import (
    AgxError,
    ExitCode,
    FileError,
    UsageError,
    describe,
)
from autograd_cli.results import SCHEMA

EXAMPLES = """
agx grad "x**2 + 2*x*y + y**2" --at x=2,y=3
agx grad "sum(x**2)" --at "x=[1,2,3]" --json
agx eval "sqrt(2)*pi"
agx functions softmax
"""


HELP = """Explore derivatives from the command line.

Type an expression as in SymPy or PyTorch: agx reads it, evaluates it with torch, and shows
its derivatives."""


class Row(NamedTuple):
    """A command: its name, and where in `commands` its function is (or the group of its tasks).

    Its module is imported when the command is needed: most runs need one.
    """

    name: str
    place: str

    @property
    def module(self) -> Any:
        return importlib.import_module(f"{PACKAGE}.{self.place.rpartition('.')[0]}")

    @property
    def function(self) -> Callable[..., object] | typer.Typer:
        found: Callable[..., object] | typer.Typer
        found = getattr(self.module, self.place.rpartition(".")[2])
        return found

    @property
    def examples(self) -> str:
        return str(self.module.EXAMPLES)

    def command(self) -> Any:
        """The command as Typer makes it of the function's signature and its groups of options."""
        function = self.function
        if isinstance(function, typer.Typer):
            return typer.main.get_group(function)
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(self.name, cls=Command, epilog=self.examples, add_help_option=False)(
            unfolded(function)
        )
        return typer.main.get_command(alone)


# Typer does not export it.
TYPERS_USAGE_ERROR: Any = typer.BadParameter.__bases__[0]

PACKAGE = "autograd_cli.commands"
COMMANDS = (
    Row("grad", "grad.grad"),
    Row("graph", "graph.graph"),
    Row("explain", "explain.explain"),
    Row("jacobian", "jacobian.jacobian"),
    Row("hessian", "hessian.hessian"),
    Row("check", "check.check"),
    Row("fit", "fit.app"),
    Row("plot", "plot.plot"),
    Row("eval", "evaluate.evaluate"),
    Row("lesson", "lesson.lesson"),
    Row("functions", "functions.functions"),
    Row("info", "info.info"),
    Row("completion", "completion.completion"),
)


def program() -> Group:
    """`agx` with all its commands."""
    return Group(
        name=PROGRAM,
        commands=Commands({row.name: row.command for row in COMMANDS}),
        help=HELP,
        epilog=EXAMPLES,
        rich_markup_mode=None,
        add_help_option=False,
    )


def main(words: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run `agx` with these words and return its exit code.

    A command's exit code is what its function returns; None is 0.
    """
    is_program = words is None
    if words is None:  # this is the program, not a call from Python
        words = sys.argv[1:]
        signal.signal(signal.SIGINT, _interrupt)
    console = console or Console.of_process()
    debug = "--debug" in words
    try:
        with warnings.catch_warnings():
            if not debug:
                warnings.simplefilter("ignore")  # what libraries mumble is nothing for users
            code = _run(words, console, is_program=is_program)
            console.flush()
            return code
    except KeyboardInterrupt:
        console.complain("\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        console.abandon_stdout()
        return ExitCode.PIPE
    except TimeIsUp as late:
        console.abandon_stdout()  # half a result is none
        _report(late.said, words, console)
        return late.said.exit_code
    except Exception as error:
        if signal.getsignal(signal.SIGINT) is _end_at_once:  # what a library made of Ctrl-C
            console.complain("\n")
            return ExitCode.INTERRUPTED
        if debug:
            console.complain("".join(traceback.format_exception(error)))
        known = _as_known(error)
        if isinstance(error, OSError):
            console.abandon_stdout()
        _report(known, words, console)
        return known.exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C as Python has it; but some libraries swallow that, so the second one ends it all.

    So does the first one while torch is being imported, whose C++ may abort on an exception.
    """
    if interpreter.is_loading("torch"):
        _end_at_once(number, frame)
    signal.signal(signal.SIGINT, _end_at_once)
    raise KeyboardInterrupt


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\n")
    interpreter.end_at_once(ExitCode.INTERRUPTED)


def _run(words: Sequence[str], console: Console, *, is_program: bool) -> int:
    command: Any = program()
    asked = console.environ.get(COMPLETE)
    if asked:
        from autograd_cli.commands import completion

        return completion.complete(command, asked, console)
    try:
        with console.at_end, command.make_context(PROGRAM, list(words), obj=console) as context:
            report = partial(_report, words=words, console=console)
            context.meta[LATE] = Late(report, ends_process=is_program)
            return int(command.invoke(context) or ExitCode.OK)
    except typer.Exit as exit:
        return exit.exit_code


def _as_known(error: Exception) -> AgxError:
    """The error as one of ours."""
    if isinstance(error, AgxError):
        return error
    if is_shortage(error):
        return shortage(error)
    if isinstance(error, TYPERS_USAGE_ERROR):  # what our own reading of words left to Typer
        return UsageError(error.format_message())
    if isinstance(error, OSError):
        place = "standard output" if error.filename is None else repr(error.filename)
        return FileError(f"cannot write to {place}: {(error.strerror or str(error)).lower()}")
    return InternalError(
        f"internal error: {type(error).__name__}: {error}",
        hint="this should not happen: please report it, with the output of the same command"
        " and --debug",
    )


class InternalError(AgxError):
    """A mistake in agx itself."""

    kind = "internal"
    exit_code = ExitCode.EVALUATION


def _report(error: AgxError, words: Sequence[str], console: Console) -> None:
    """Tell the error on stderr: as JSON to those who asked for JSON, in words to all others."""
    if _asks_for_json(words):
        content = {"schema": SCHEMA, "error": error.to_dict()}
        console.complain(json.dumps(content, ensure_ascii=not console.utf) + "\n")
        return
    text = describe(error)
    if not console.unicode:
        text = text.replace("…", "...").encode("ascii", "backslashreplace").decode()
    console.complain(text)


def _asks_for_json(words: Sequence[str]) -> bool:
    """Whether `--json` or `--format json` is there, even where the words cannot be read."""
    pairs = [*pairwise(words), *(word.split("=", 1) for word in words)]
    formats = [pair[1] for pair in pairs if pair[0] in ("--format", "-f") and len(pair) == 2]
    return "--json" in words or any(name in ("json", "ndjson") for name in formats)
