"""Where text goes: stdout, or a file that is either written completely or not touched."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

from autograd_cli import interpreter
from autograd_cli.console import Console
from autograd_cli.errors import FileError

Stream = TypeVar("Stream", TextIO, BinaryIO)

# The streams of this process under their file names; replacing those files would go past them.
STREAMS = ("/dev/std", "/dev/fd/", "/proc/")
_STREAM = re.compile(r"/dev/(?:std(?P<name>out|err)|fd/(?P<number>[0-9]{1,9}))")


@contextlib.contextmanager
def destination(file: str, console: Console, *, styled: bool = True) -> Iterator[TextIO]:
    """The stream for `--output`; "" and "-" are stdout.

    What a terminal is shown there is text alone, unless it is `styled`.

    A regular file is replaced when all is written: until then, and after a failure, the old one
    stands. Devices and pipes are written directly. Raises FileError.
    """
    if file in ("", "-"):
        yield console.stdout if styled else console.text
        return
    with _writing(file, open_text) as out:
        yield out


def write_bytes(content: bytes, file: str, console: Console) -> None:
    """Write a file as `destination` does. Raises FileError."""
    if file not in ("", "-"):
        with _writing(file, _open_binary) as out:
            out.write(content)
        return
    console.flush()
    binary = getattr(console.stdout, "buffer", None)
    if binary is None:
        raise FileError("standard output takes text only", hint="write to a file: -o FILE")
    binary.write(content)
    binary.flush()


@contextlib.contextmanager
def _writing(file: str, opener: Callable[[Path | int], Stream]) -> Iterator[Stream]:
    try:
        if is_replaceable(file):
            check_writable(file)
            with replacing(Path(file), opener) as out:
                yield out
        else:
            with opener(stream_or_path(file)) as out:
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


def check_writable(file: str) -> None:
    """Raises FileError for a file that is there and protected from being written.

    To take its name would be possible; that it is protected says that nobody shall. The bits count
    for root as well, whom the system lets write everything.
    """
    path = Path(file)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    anybody = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    if not mode & anybody or not os.access(path, os.W_OK):
        raise FileError(
            f"cannot write {file!r}: it is write-protected",
            hint="name another file, or allow it: chmod u+w FILE",
        )


def stream_or_path(file: str) -> Path | int:
    """What to open for the name of a device or pipe.

    The streams of this process are taken as they are. Opened anew, a file that one of them leads to
    would be written from its beginning, over what others wrote there.
    """
    match = _STREAM.fullmatch(file)
    if match is None:
        return Path(file)
    return os.dup(int(match["number"] or ("out", "err").index(match["name"]) + 1))


def open_text(file: Path | int) -> TextIO:
    # A descriptor is opened by no method of Path.
    return open(  # noqa: PTH123
        file, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
    )


def _open_binary(file: Path | int) -> BinaryIO:
    return open(file, "wb")  # noqa: PTH123


@contextlib.contextmanager
def replacing(file: Path, opener: Callable[[Path | int], Stream]) -> Iterator[Stream]:
    """A file beside the one of this name, which it replaces when all is written."""
    target = file.resolve()  # a link stays a link
    descriptor, name = tempfile.mkstemp(
        prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent
    )
    temporary = Path(name)
    try:
        with interpreter.undone(temporary.unlink), opener(descriptor) as out:
            yield out
        temporary.chmod(mode_of(target))
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def mode_of(target: Path) -> int:
    """The permissions of the old file, or those of any new one."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
