"""Help: plain text that fits the terminal, examples first."""

from __future__ import annotations

import inspect
import textwrap
from itertools import groupby
from typing import Any

from autograd_cli.console import Console

WIDEST = 100
NARROWEST = 40
LABELS = 26  # columns that option names may take before their help moves to the next line


def of_command(command: Any, path: str, console: Console) -> str:
    """The help of one command; `path` is how it is called: `agx grad`."""
    width = _width(console)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = [one.metavar if one.required else f"[{one.metavar}]" for one in arguments]
    lines = [" ".join(["Usage:", path, *usage, "[OPTIONS]"]), ""]
    lines += _text(command.help, width)
    lines += _examples(command)
    lines += _section("Arguments", [(one.metavar, one.help or "") for one in arguments], width)
    for panel, members in groupby(options, lambda one: one.rich_help_panel or "Options"):
        lines += _section(panel, [(_label(one), one.help or "") for one in members], width)
    lines += ["", "  -h, --help".ljust(LABELS + 4) + "show this help"]
    return "\n".join(lines) + "\n"


def of_group(group: Any, member: str, path: str, console: Console) -> str:
    """The help of `agx` itself, or of a command whose members are tasks."""
    width = _width(console)
    title = member.upper()
    lines = [f"Usage: {path} {title} [ARGUMENTS] [OPTIONS]", "", *_text(group.help, width)]
    lines += _examples(group)
    rows = [
        (name, _summary(command)) for name, command in group.commands.items() if not command.hidden
    ]
    lines += _section(
        f"{member.capitalize()}s", rows, width, labels=max(len(name) for name, _ in rows) + 2
    )
    more = f"{path} {title} --help says more about a {member}"
    lines += ["", f"{more}; agx --version is the version." if member == "command" else f"{more}."]
    return "\n".join(lines) + "\n"


def first_example(command: Any) -> str:
    """How the command is called, for those who left something out."""
    return f"for example: {inspect.cleandoc(command.epilog).splitlines()[0]}"


def _summary(command: Any) -> str:
    return str(inspect.cleandoc(command.help).split("\n")[0])


def _width(console: Console) -> int:
    return max(NARROWEST, min(console.width, WIDEST))


def _text(text: str, width: int) -> list[str]:
    paragraphs = inspect.cleandoc(text).split("\n\n")
    wrapped = [textwrap.wrap(" ".join(part.split()), width) for part in paragraphs]
    return [line for lines in wrapped for line in [*lines, ""]][:-1]


def _examples(command: Any) -> list[str]:
    if not command.epilog:
        return []
    return [
        "",
        "Examples:",
        *("  " + line for line in inspect.cleandoc(command.epilog).split("\n")),
    ]


def _section(
    title: str, rows: list[tuple[str, str]], width: int, labels: int = LABELS
) -> list[str]:
    lines = ["", f"{title}:"] if rows else []
    for label, text in rows:
        wrapped = textwrap.wrap(text, width - labels - 4) or [""]
        first = f"  {label}".ljust(labels + 4)
        if len(label) > labels:
            lines.append(f"  {label}")
            first = " " * (labels + 4)
        lines.append((first + wrapped[0]).rstrip())
        lines += [" " * (labels + 4) + line for line in wrapped[1:]]
    return lines


def _label(option: Any) -> str:
    names = sorted(option.opts, key=len)
    text = ", ".join(names) if len(names[0]) == 2 else f"    {', '.join(names)}"
    if option.secondary_opts:
        text += f"/{option.secondary_opts[0]}"
    return text if option.is_flag else f"{text} {option.metavar}"
