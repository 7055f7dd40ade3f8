"""Files that are read whole: values, expressions, lessons. They are small, and must be there."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path

from autograd_cli.errors import FileError, UsageError

MOST = 1 << 24  # bytes
PATIENCE = 5.0  # seconds that a pipe may stand without anybody who writes into it
PAUSE = 0.05  # seconds between two looks at it
PART = 1 << 16


def read_text(path: str | Path, most: int = MOST) -> str:
    """The text of a file or pipe in UTF-8, whose line ends become line feeds.

    Raises: UsageError for no name at all; FileError where it cannot be read, has more than `most`
    bytes, is a device that need not end, or a pipe into which nobody writes.
    """
    if not str(path):
        raise UsageError("@ names no file", hint="for example @values.json")
    try:
        content = _content(path, most)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise _cannot(path, reason) from error
    try:
        text = content.decode("utf-8-sig")  # some editors begin with a mark
    except UnicodeDecodeError as error:
        raise _cannot(path, "it is not UTF-8 text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _content(path: str | Path, most: int) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    # Without waiting, as a pipe that nobody writes into would keep us waiting for ever.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        found = os.fstat(descriptor)
        if stat.S_ISFIFO(found.st_mode):
            content = _piped(descriptor, path, most)
        elif _may_never_end(descriptor, found):
            raise _cannot(path, "it is a device, which need not end")
        else:
            if hasattr(os, "O_NONBLOCK"):
                os.set_blocking(descriptor, True)
            content = b"" if found.st_size > most else _until_end(descriptor, most)
        if max(len(content), found.st_size) > most:
            raise _cannot(
                path,
                f"it has more than {most >> 20} MiB",
                "only a table may be larger: --points FILE, --data FILE",
            )
    finally:
        os.close(descriptor)
    return content


def _may_never_end(descriptor: int, found: os.stat_result) -> bool:
    if stat.S_ISBLK(found.st_mode):
        return True
    return (
        stat.S_ISCHR(found.st_mode)
        and not os.isatty(descriptor)
        and found.st_rdev != Path(os.devnull).stat().st_rdev
    )


def _until_end(descriptor: int, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= most and (part := os.read(descriptor, PART)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _piped(descriptor: int, path: str | Path, most: int) -> bytes:
    """What comes through a pipe: one that is written to is waited for, however long it takes."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    end = time.monotonic() + PATIENCE
    parts: list[bytes] = []
    size = 0
    is_written = False  # nothing to read is its end, and not that nobody has begun
    while size <= most:
        try:
            part = os.read(descriptor, PART)
        except BlockingIOError:
            is_written = True
            poller.poll()
            continue
        parts.append(part)
        size += len(part)
        if part:
            is_written = True
        elif is_written:
            break
        elif time.monotonic() > end:
            raise _cannot(
                path,
                f"nobody has written into this pipe for {PATIENCE:g} s",
                "start what writes into it first",
            )
        else:
            is_written = bool(poller.poll(1000 * PAUSE))  # also by somebody who has gone
    return b"".join(parts)


def _cannot(path: str | Path, reason: str, hint: str = "") -> FileError:
    return FileError(f"cannot read {str(path)!r}: {reason}", hint=hint)
