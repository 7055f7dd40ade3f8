"""The bytes of a file or of standard input: decompressed, and as soon as they are there."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import lzma
import os
import select
import stat
import zlib
from collections.abc import Callable
from typing import IO, Any, BinaryIO, TextIO, cast

from autograd_cli.data.pipes import is_pipe, open_pipe
from autograd_cli.data.textfile import may_never_end
from autograd_cli.errors import FileError

# Bytes that are read at once: with half of it a run takes 7 % longer, with twice as much no less.
BLOCK = 1 << 21
PATIENCE = 0.02  # seconds that a pipe may take for more before what is there is handed on


def _zstd(file: Any) -> Any:
    """Python has no zstd of its own before 3.14, pyarrow has."""
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(file, "r"), "zstd")


# Magic numbers, and what opens a stream that begins with them.
_COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    **({b"\x28\xb5\x2f\xfd": _zstd} if importlib.util.find_spec("pyarrow") else {}),
}
_FOREIGN = {
    b"PK\x03\x04": ("a zip archive", "unpack it first, or use gzip, bzip2 or xz"),
    b"\x28\xb5\x2f\xfd": (
        "compressed with zstd",
        "pip install 'autograd-cli[data]' reads it, or: zstd -dc FILE | agx …",
    ),
    b"FEA1": ("a Feather file of the first version", "write it as Parquet or Arrow"),
    b"%PDF": ("a PDF", "save the table in it as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old Excel or Word file", "save the table in it as CSV"),
    b"\xff\xfe": ("UTF-16 text, not UTF-8", "convert it: iconv -f UTF-16 -t UTF-8 FILE"),
    b"\xfe\xff": ("UTF-16 text, not UTF-8", "convert it: iconv -f UTF-16 -t UTF-8 FILE"),
}
_PEEK = 8
# What reading can end with; pyarrow, which reads zstd, has errors that are values or memory.
_UNREADABLE = (OSError, zlib.error, lzma.LZMAError, ValueError, MemoryError)


class ByteStream:
    """What stands in a file, piece by piece.

    `name` is what messages call it; `size` is the length of a regular file that is read as it is,
    and None for anything else; `head` is the magic of what stands in it, so far as eight bytes say.
    `stamp` is the length of any regular file, and when it was written, in nanoseconds.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self.size: int | None = None
        self.stamp: tuple[int, int] | None = None
        self.read_bytes = 0
        self._descriptor: int | None = None
        mode = _mode(file)
        if mode is not None and stat.S_ISREG(mode):
            status = os.fstat(file.fileno())
            self.size = status.st_size
            self.stamp = (status.st_size, status.st_mtime_ns)
        elif mode is not None:
            self._descriptor = file.fileno()
        self._raw = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file, BLOCK)  # type: ignore[type-var]
        self._file: IO[bytes] = self._raw
        self.head = self._peek()
        for magic, opened in _COMPRESSED.items():
            if self.head.startswith(magic):
                self._file = cast(IO[bytes], io.BufferedReader(opened(self._raw), BLOCK))
                self.size = None
                self.head = self._peek()
                break
        for magic, (what, hint) in _FOREIGN.items():
            if self.head.startswith(magic):
                raise FileError(f"{name} is {what}", hint=hint)

    def read(self) -> bytes:
        """The next bytes: a whole block of a file, what there is of a pipe, b"" at the end.

        Raises: FileError where it cannot be read, or became shorter while it was read.
        """
        try:
            found = self._some()
        except EOFError:
            raise FileError(f"{self.name} ends too early: it was cut off") from None
        except _UNREADABLE as error:
            raise read_error(self.name, error) from error
        self.read_bytes += len(found)
        if not found and self.size is not None and self.read_bytes < self.size:
            raise FileError(
                f"{self.name} became shorter while it was read:"
                f" {self.read_bytes:,} bytes of {self.size:,}"
            )
        return found

    def handle(self) -> IO[bytes]:
        """The decompressed stream itself, for readers of their own kind."""
        return self._file

    def share(self) -> float | None:
        """How much of a file has been read, where its length is known."""
        return self.read_bytes / self.size if self.size else None

    def close(self) -> None:
        """Closes a file; a pipe is left alone, because a thread may be waiting for it."""
        if self._descriptor is None:
            self._file.close()
            self._raw.close()

    def _some(self) -> bytes:
        if self._descriptor is None:
            return self._file.read(BLOCK)
        # A pipe: what comes at once is one block, but nobody waits for a block to be full.
        buffered = cast(io.BufferedReader, self._file)
        pieces = [buffered.read1(BLOCK)]
        length = len(pieces[0])
        while pieces[-1] and length < BLOCK and self._more():
            pieces.append(buffered.read1(BLOCK - length))
            length += len(pieces[-1])
        return b"".join(pieces)

    def _more(self) -> bool:
        """Whether more comes soon."""
        assert self._descriptor is not None
        try:
            ready, _, _ = select.select([self._descriptor], [], [], PATIENCE)
        except (OSError, ValueError):  # nothing that can be waited for
            return True
        return bool(ready)

    def _peek(self) -> bytes:
        try:
            return cast(io.BufferedReader, self._file).peek(_PEEK)[:_PEEK]
        except EOFError:
            raise FileError(f"{self.name} ends too early: it was cut off") from None
        except _UNREADABLE as error:
            raise read_error(self.name, error) from error


def open_bytes(path: str, stdin: TextIO) -> ByteStream:
    """The bytes of a file, or of standard input for `-`. Raises FileError."""
    if path == "-":
        try:
            # A buffer of its own: a thread that still waits for it at the end locks nothing else.
            buffer: BinaryIO = open(stdin.fileno(), "rb", closefd=False)  # noqa: SIM115
        except (OSError, ValueError):  # text without bytes under it
            buffer = io.BytesIO(stdin.read().encode())
        return ByteStream(buffer, "standard input")
    name = repr(path)
    try:
        file = open(open_pipe(path) if is_pipe(path) else path, "rb")  # noqa: SIM115, PTH123
    except (OSError, ValueError) as error:
        raise read_error(name, error) from error
    try:
        if may_never_end(file.fileno(), os.fstat(file.fileno())):
            raise FileError(f"cannot read {name}: it is a device, which need not end")
        return ByteStream(file, name)
    except BaseException:
        file.close()
        raise


def read_error(name: str, error: Exception) -> FileError:
    """What went wrong with reading, in words."""
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    hint = ""
    if isinstance(error, IsADirectoryError):
        hint = "name one file in it, or join them: cat FILES | agx …"
    return FileError(f"cannot read {name}: {reason}", hint=hint)


def _mode(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):
        return None
