"""Where text goes: stdout, or a file that is either written completely or not touched."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from autograd_cli.console import Console
from autograd_cli.errors import FileError

# The streams of this process under their file names; replacing those files would go past them.
STREAMS = ("/dev/std", "/dev/fd/", "/proc/")


@contextlib.contextmanager
def destination(file: str, console: Console) -> Iterator[TextIO]:
    """The stream for `--output`; "" and "-" are stdout.

    A regular file is replaced when all is written: until then, and after a failure, the old one
    stands. Devices and pipes are written directly. Raises FileError.
    """
    if file in ("", "-"):
        yield console.stdout
        return
    try:
        with _replacing(Path(file)) if is_replaceable(file) else _open(Path(file)) as out:
            yield out
    except BrokenPipeError:
        raise
    except OSError as error:
        raise file_error(file, error) from error


def file_error(file: str, error: OSError) -> FileError:
    """What went wrong with a file, in words."""
    reason = (error.strerror or str(error)).lower()
    hint = ""
    folder = Path(file).parent
    if isinstance(error, FileNotFoundError) and not folder.is_dir():
        hint = f"the directory {str(folder)!r} does not exist: make it first"
    return FileError(f"cannot write {file!r}: {reason}", hint=hint)


def is_replaceable(file: str) -> bool:
    if file.startswith(STREAMS):
        return False
    try:
        return stat.S_ISREG(Path(file).stat().st_mode)
    except FileNotFoundError:
        return True


def _open(file: Path | int) -> TextIO:
    # A descriptor is opened by no method of Path.
    return open(  # noqa: PTH123
        file, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
    )


@contextlib.contextmanager
def _replacing(file: Path) -> Iterator[TextIO]:
    target = file.resolve()  # a link stays a link
    descriptor, name = tempfile.mkstemp(
        prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent
    )
    temporary = Path(name)
    try:
        with _open(descriptor) as out:
            yield out
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _mode(target: Path) -> int:
    """The permissions of the old file, or those of any new one."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
