"""Named pipes, which wait for whoever writes into them, but not for ever."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from autograd_cli.errors import FileError

PATIENCE = 5.0  # seconds that a pipe may stand without anybody who writes into it


def is_pipe(path: str | Path) -> bool:
    """Whether it is there, and a pipe."""
    try:
        return Path(path).is_fifo()
    except ValueError:  # a name that no file can have
        return False


def open_pipe(path: str | Path) -> int:
    """The descriptor of a pipe for reading, once somebody writes into it.

    Raises: FileError if nobody does for `PATIENCE` seconds, OSError where it cannot be opened.
    """
    found: list[int | OSError] = []

    def wait() -> None:
        try:
            found.append(os.open(path, os.O_RDONLY))
        except OSError as error:
            found.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(PATIENCE)
    if not found:
        with contextlib.suppress(OSError):  # a writer that comes and goes, so that the wait ends
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        waiting.join(PATIENCE)
        for one in found:
            if isinstance(one, int):
                os.close(one)
        raise FileError(
            f"cannot read {str(path)!r}: nobody has written into this pipe for {PATIENCE:g} s",
            hint="start what writes into it first",
        )
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]
