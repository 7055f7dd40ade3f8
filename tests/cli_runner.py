"""Runs agx for the tests: in this process with a console of one's own, or as a real program."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograd_cli import cli
from autograd_cli.console import Console

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-m", "autograd_cli"]


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    out: str
    err: str


def run(
    *words: str,
    stdin: str = "",
    terminal: bool = False,
    width: int = 80,
    unicode: bool = True,
    utf: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Outcome:
    """Run agx in this process."""
    out, err = io.StringIO(), io.StringIO()
    console = Console(
        stdin=io.StringIO(stdin),
        stdout=out,
        stderr=err,
        terminal=terminal,
        width=width,
        unicode=unicode,
        utf=utf,
        environ=environ or {},
    )
    code = cli.main(words, console)
    return Outcome(int(code), out.getvalue(), err.getvalue())


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of a program that knows nothing of this terminal and locale."""
    strange = (
        "COLUMNS",
        "LINES",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "LC_ALL",
        "LC_CTYPE",
        "LANG",
        "PYTHONUTF8",
    )
    inherited = {name: value for name, value in os.environ.items() if name not in strange}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    changed = {**inherited, "TERM": "xterm-256color", "PYTHONPATH": path, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def agx(
    *words: str | bytes, stdin: str = "", cwd: Path | None = None, **environ: str | None
) -> subprocess.CompletedProcess[str]:
    """Run agx as a program, its streams connected to pipes."""
    return subprocess.run(
        [*PROGRAM, *words],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env=environment(**environ),
        cwd=cwd,
        timeout=120,
        check=False,
    )
