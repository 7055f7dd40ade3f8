"""`agx completion`: the script that makes a shell ask agx at Tab."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from dataclasses import dataclass
from typing import Any

import typer

from autograd_cli.commands.command import COMPLETE, PROGRAM
from autograd_cli.commands.groups import debug_option
from autograd_cli.commands.options import argument
from autograd_cli.console import Console
from autograd_cli.render import unknown

LINE, WORD = "_AGX_LINE", "_AGX_WORD"  # from bash: the line so far, and its idea of the last word
SHELLS = ("bash", "zsh", "fish")

# Bash cuts words at = and : and keeps quotes; agx is given the line instead, and cuts it itself.
BASH = """
_agx_completion() {
    local IFS=$'\\n' word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=( $(_AGX_COMPLETE=complete_bash _AGX_LINE="${COMP_LINE:0:COMP_POINT}" \\
        _AGX_WORD="$word" "$1" 2>/dev/null) )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=\\(] ]]; then
        compopt -o nospace
    fi
}
complete -o default -F _agx_completion agx
""".strip()

EXAMPLES = """
eval "$(agx completion bash)"      # in ~/.bashrc
eval "$(agx completion zsh)"       # in ~/.zshrc
agx completion fish | source       # in ~/.config/fish/config.fish
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """For which shell."""

    shell: str = argument("SHELL", ", ".join(SHELLS), complete=SHELLS)
    debug: bool = debug_option()


def completion(ctx: typer.Context, asked: Asked) -> None:
    """Print the completion script for a shell.

    It completes commands, options and their values, functions inside an expression, and the
    variables that have no value yet.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    shell = asked.shell
    if shell not in SHELLS:
        raise unknown("shell", shell, list(SHELLS))
    script = BASH
    if shell != "bash":
        script = get_completion_script(prog_name=PROGRAM, complete_var=COMPLETE, shell=shell)
    ctx.obj.stdout.write(script + "\n")


def complete(command: Any, instruction: str, console: Console) -> int:
    """Answer a shell that asks what may come next."""
    from typer.completion import completion_init, shell_complete  # type: ignore[attr-defined]

    completion_init()
    line = console.environ.get(LINE)
    if line is None:
        return shell_complete(command, {}, PROGRAM, COMPLETE, instruction)
    words = _words(line)
    os.environ |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    offered = io.StringIO()
    with contextlib.redirect_stdout(offered):
        code = shell_complete(command, {}, PROGRAM, COMPLETE, instruction)
    # Bash replaces only what it takes for the last word, so that is all it may be offered.
    part = console.environ.get(WORD, "").lstrip("\"'").removeprefix("=")
    before = words[-1].removesuffix(part)
    for offer in filter(None, offered.getvalue().splitlines()):
        console.stdout.write(offer.removeprefix(before) + "\n")
    return code


def _words(line: str) -> list[str]:
    """The words of a line that may end within quotes, the last one being typed."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split = True
    reader.commenters = ""
    words: list[str] = []
    try:
        words.extend(reader)
    except ValueError:  # an open quote; what follows it is in `token`
        return [*words, reader.token]
    return [*words, ""] if line.endswith(" ") else words
