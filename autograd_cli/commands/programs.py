"""agx run by agx, for the commands in a lesson."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_cli import interpreter
from autograd_cli.commands.command import options_of
from autograd_cli.lessons.performance import Agx
from autograd_cli.render.lesson.page import AGX_INDENT
from autograd_cli.render.parts import MARGIN
from autograd_cli.render.style import Style

COMMAND_LIMIT = 120.0  # seconds for a command of agx


def agx_program(style: Style, commands: Mapping[str, Any]) -> Agx:
    """agx as a program of its own, for the console blocks of a lesson.

    It prints what it would on this terminal: for people, in its width, in its colours or without.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environ = interpreter.environment(inherited)
    environ |= {"COLUMNS": str(max(style.width - MARGIN - AGX_INDENT, 20)), "PYTHONUTF8": "1"}
    environ |= {"FORCE_COLOR": "1"} if style.colour else {"NO_COLOR": "1", "FORCE_COLOR": ""}
    if not style.unicode:
        environ["LC_ALL"] = "C"

    def run(line: str) -> tuple[int, str]:
        words = as_on_a_terminal(shlex.split(line)[1:], commands)
        try:
            done = subprocess.run(
                [*interpreter.command("autograd_cli"), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environ,
                timeout=COMMAND_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -1, f"stopped after {COMMAND_LIMIT:g} s, its time limit\n"
        return done.returncode, done.stdout.decode("utf-8", "replace")

    return run


def as_on_a_terminal(words: Sequence[str], commands: Mapping[str, Any]) -> list[str]:
    """The words of a command, with the table that it would print on a terminal."""
    chosen = ("-f", "--format", "--json", "-o", "--output")
    known = options_of(commands[words[0]]) if words and words[0] in commands else {}
    asked = any(word.split("=")[0] in chosen for word in words)
    return [*words, *(["--format", "table"] if "--format" in known and not asked else [])]
