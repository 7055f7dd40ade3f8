"""Python started once more, for what shall not run in this process, and ended."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]


def command(module: str) -> list[str]:
    """The beginning of a command line that runs a module of this package.

    `-P` keeps the current directory off the path, so that no file of the user's is imported.
    """
    return [sys.executable, "-P", "-m", module]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment in which that Python finds this very package.

    An installed package is found as it is. One that was found in the current directory or beside a
    script is not, because `-P` keeps both off the path.
    """
    found = dict(inherited)
    if ROOT.name not in ("site-packages", "dist-packages"):
        path = inherited.get("PYTHONPATH", "")
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), path)))
    return found


def end(code: int) -> NoReturn:
    """Ends the process without taking it apart; what was written is delivered.

    Python would spend most of a second on torch's modules, a third of a short run; and a thread
    that still reads or computes for nobody would be ended in the midst of C++, which aborts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # it may be None, or closed
            stream.flush()
    os._exit(code)
