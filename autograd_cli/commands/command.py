"""The classes of agx's commands: Typer's, with our own reading of words, values and help.

Typer's classes decide with prefixes what an option is, import pydantic to turn a str into a str,
and print help for programmers. Only their public methods are replaced.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from autograd_cli import __version__
from autograd_cli.commands import help as help_text
from autograd_cli.commands.arguments import Grammar, Words, no_such_option, take_apart
from autograd_cli.console import Console
from autograd_cli.errors import UsageError

PROGRAM = "agx"
COMPLETE = "_AGX_COMPLETE"  # set by the shell when it asks at Tab
HELP = ("--help", "-h")
VERSION = "--version"
VERSIONS = (VERSION, "-V", "version")  # where a command is wanted
HELP_FIRST = "help"  # `agx help grad` is `agx grad --help`
FILES = ("FILE", "PATH", "DIR")  # what options call the files that they name
MANY = 1000  # arguments, of a kind that may be repeated


class Command(TyperCommand):
    """A command of agx."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return self._parse_for_completion(ctx, args)
        words = take_apart(args, self._grammar(ctx))
        if any(name in HELP for name, _ in words.options):
            ctx.obj.stdout.write(help_text.of_command(self, ctx.command_path, ctx.obj))
            raise typer.Exit
        if any(name == VERSION for name, _ in words.options):
            _tell_version(ctx.obj)
        _check_not_empty(self.params, words)
        missing = [one for one in self.params if is_argument(one) and one.required]
        if len(words.arguments) < len(missing):
            name = missing[len(words.arguments)].metavar
            raise UsageError(f"missing {name}", hint=help_text.first_example(self))
        _take_values_as_they_are(self.params)
        return super().parse_args(ctx, words.canonical())

    def _parse_for_completion(self, ctx: typer.Context, args: list[str]) -> list[str]:
        """Make of a line that is still being typed what can be made of it."""
        _take_values_as_they_are(self.params)
        if args and options_of(self).get(args[-1]):  # its value is what will be completed
            args = args[:-1]
        with contextlib.suppress(UsageError):
            args = take_apart(args, self._grammar(ctx)).canonical()
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The options that begin like this, or else the expressions that do: `-sin(x)`."""
        found = super().shell_complete(ctx, incomplete)
        arguments = [one for one in self.params if is_argument(one)]
        return found or [item for one in arguments for item in one.shell_complete(ctx, incomplete)]

    def _grammar(self, ctx: typer.Context) -> Grammar:
        group = ctx.parent.command if ctx.parent else None
        siblings = group.commands if isinstance(group, TyperGroup) else {}
        above = _without_program(ctx.parent.command_path) if ctx.parent else ""
        elsewhere = _Elsewhere(self, siblings, above)
        arguments = [
            str(one.metavar)
            for one in self.params
            if is_argument(one)
            for _ in range(MANY if one.nargs == -1 else 1)
        ]
        options = options_of(self) | {VERSION: False}
        return Grammar(_without_program(ctx.command_path), options, arguments, elsewhere)


class _Elsewhere(Mapping[str, str]):
    """The options that other commands have, and how the first of them is called.

    It is needed when a word is no option here, and only then are the other commands loaded.
    """

    def __init__(self, command: Command, siblings: Mapping[str, Any], above: str) -> None:
        self._command = command
        self._siblings = siblings
        self._above = above

    @cached_property
    def _found(self) -> dict[str, str]:
        own = options_of(self._command)
        return {
            name: f"{self._above} {sibling}".strip()
            for sibling, command in reversed(list(self._siblings.items()))
            for name in options_of(command)
            if name not in own
        }

    def __getitem__(self, name: str) -> str:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class Commands(dict[str, Any]):
    """Commands by name, each made by its function when it is asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__(dict.fromkeys(makers))
        self._makers = makers

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if found is None:
            found = self[name] = self._makers[name]()
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return default if name not in self else self[name]  # noqa: SIM401  (it is `get`)

    def values(self) -> Any:
        return [self[name] for name in self]

    def items(self) -> Any:
        return [(name, self[name]) for name in self]


class Group(TyperGroup):
    """`agx` itself: a command comes first, or `--help` or `--version`."""

    member = "command"  # what its members are called

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _take_values_as_they_are(self.params)
        if not ctx.resilient_parsing:
            console: Console = ctx.obj
            if args and args[0] == HELP_FIRST:
                args = [*args[1:], HELP[0]]
            first = args[0] if args else HELP[0]
            if first in HELP:
                console.stdout.write(
                    help_text.of_group(self, self.member, ctx.command_path, console)
                )
                raise typer.Exit
            if first in VERSIONS:
                _tell_version(console)
            if first not in self.commands:
                raise self._no_such(first, ctx.command_path)
        return super().parse_args(ctx, args)

    def instead(self, word: str) -> str:
        """What may be done with a word that is no member but, by its signs, an expression."""
        return f"for the derivatives of an expression: agx grad {word!r} --at ..."

    def _no_such(self, word: str, path: str) -> UsageError:
        has = {
            name: command_name
            for command_name, command in reversed(list(self.commands.items()))
            for name in options_of(command)
        }
        if word.partition("=")[0] in has:
            name = word.partition("=")[0]
            return UsageError(
                f"option {name!r} before the {self.member}",
                hint=f"options follow it: {path} {has[name]} EXPR {name} ...",
            )
        if word.startswith("--") and word[2:].isalpha():
            return no_such_option(
                word, Grammar(_without_program(path), dict.fromkeys([*HELP, VERSION], False), ())
            )
        close = difflib.get_close_matches(word.lower(), self.commands, n=1)
        hint = f"{self.member}s: {', '.join(self.commands)}"
        if close:
            hint = f"did you mean {close[0]!r}? {hint}"
        elif not word.isalpha():
            hint = self.instead(word)
        return UsageError(f"no such {self.member} {word!r}", hint=hint)


def _tell_version(console: Console) -> NoReturn:
    console.stdout.write(f"agx {__version__}\n")
    raise typer.Exit


def options_of(command: Any) -> dict[str, bool]:
    """Every option name of a command, or of a group's members, and whether it takes a value."""
    options = dict.fromkeys(HELP, False)
    for member in getattr(command, "commands", {}).values():
        options |= options_of(member)
    for one in command.params:
        if not is_argument(one):
            options |= dict.fromkeys([*one.opts, *one.secondary_opts], not one.is_flag)
    return options


def _without_program(path: str) -> str:
    """`agx fit linear` as `fit linear`."""
    return path.partition(" ")[2]


def is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _check_not_empty(parameters: list[Any], words: Words) -> None:
    """Raises UsageError for an empty text that would be taken for an option left out, or that has
    to name a file."""
    options = {name: one for one in parameters if not is_argument(one) for name in one.opts}
    for name, value in words.options:
        one = options.get(name)
        if value == "" and one is not None and (one.default == "" or one.metavar in FILES):
            raise UsageError(
                f"{name} is empty", hint=f"leave it out, or write {name} {one.metavar}"
            )


def _take_values_as_they_are(parameters: list[Any]) -> None:
    for parameter in parameters:
        parameter.process_value = _processed_by(parameter)


def _processed_by(parameter: Any) -> Callable[[typer.Context, Any], Any]:
    """Leave the meaning of a value to the callback of its option."""

    def process(ctx: typer.Context, value: Any) -> Any:
        if value is None and (parameter.multiple or parameter.nargs == -1):
            value = ()
        return value if parameter.callback is None else parameter.callback(ctx, parameter, value)

    return process
