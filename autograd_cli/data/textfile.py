"""Files that are read whole: values, expressions, lessons. They are small, and must be there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autograd_cli.data.pipes import is_pipe, open_pipe
from autograd_cli.errors import FileError, UsageError

MOST = 1 << 24  # bytes
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
    descriptor = open_pipe(path) if is_pipe(path) else os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if may_never_end(descriptor, found):
            raise _cannot(path, "it is a device, which need not end")
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


def may_never_end(descriptor: int, found: os.stat_result) -> bool:
    """Whether it is a device that can be read from for ever."""
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


def _cannot(path: str | Path, reason: str, hint: str = "") -> FileError:
    return FileError(f"cannot read {str(path)!r}: {reason}", hint=hint)
