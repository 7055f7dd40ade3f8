"""Python started once more, for what shall not run in this process, and ended."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

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


_children: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()
_left_to_do: list[Callable[[], object]] = []
_begun: list[None] = []


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """A process in a session of its own, which does not outlive this one. Raises: OSError."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    _children.add(process)
    return process


@contextlib.contextmanager
def undone(action: Callable[[], object]) -> Iterator[None]:
    """What is done if the process is ended at once meanwhile; an exception is no such end."""
    _left_to_do.append(action)
    try:
        yield
    finally:
        _left_to_do.remove(action)


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """What is not to be left half done, such as a line of output, when the time is up."""
    _begun.append(None)
    try:
        yield
    finally:
        _begun.pop()


def is_between() -> bool:
    """Whether nothing is `whole` just now."""
    return not _begun


def end_at_once(code: int) -> NoReturn:
    """Ends the process whatever it is doing, from any thread.

    Its children end too, and so does what it had only begun to write; what waits in the buffers of
    its streams is not delivered.
    """
    for process in list(_children):
        if process.returncode is None:
            with contextlib.suppress(OSError, AttributeError):  # no groups on this system
                os.killpg(process.pid, signal.SIGKILL)
    for action in reversed(_left_to_do):
        with contextlib.suppress(OSError):
            action()
    os._exit(code)


def is_loading(module: str) -> bool:
    """Whether a module is being imported just now."""
    found = getattr(sys.modules.get(module), "__spec__", None)
    return bool(getattr(found, "_initializing", False))


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
