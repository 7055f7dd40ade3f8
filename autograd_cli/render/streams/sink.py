"""Where a stream of rows goes: standard output, or a file that takes its name when it is whole.

A file is written under its name with `.part`; beside it stands how far it goes.
What was interrupted can so be continued, and nothing that was computed is lost.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from autograd_cli import interpreter
from autograd_cli.console import Console
from autograd_cli.errors import FileError, UsageError
from autograd_cli.render import BINARY
from autograd_cli.render.output import file_error, is_replaceable, mode_of
from autograd_cli.render.streams import Text

PART = ".part"
STATE = ".part.json"
PAUSE = 0.5  # seconds between two notes of how far it goes: a run that is killed loses no more


class Sink:
    """Takes encoded pieces. `done` is how much of the input an interrupted run had read."""

    def __init__(
        self,
        file: str,
        format: str,
        console: Console,
        *,
        append: bool = False,
        resume: bool = False,
        command: Mapping[str, Any] | None = None,
    ) -> None:
        self._file = file
        self._format = format
        self._console = console
        self._command = dict(command or {})
        self._target = Path(file).resolve() if file and is_replaceable(file) else None
        self._appends = append
        self._out: IO[bytes] | None = None
        self._writer: Any = None
        self._rows = 0
        self._length = 0  # bytes of whole pieces
        self._saved = -PAUSE
        self.done = 0
        self.is_complete = False
        self.needs_header = True
        if resume and self._target is not None:
            self._read_state()

    @property
    def is_shown(self) -> bool:
        """Whether the rows appear on the terminal."""
        return not self._file and self._console.terminal

    # Files ----------------------------------------------------------------------------------------

    @property
    def _part(self) -> Path:
        assert self._target is not None
        return self._target.with_name(self._target.name + PART)

    @property
    def _state(self) -> Path:
        assert self._target is not None
        return self._target.with_name(self._target.name + STATE)

    def _read_state(self) -> None:
        assert self._target is not None
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            length = self._part.stat().st_size
        except (OSError, ValueError):
            self.is_complete = self._target.exists() and not self._part.exists()
            return
        if state.get("command") != self._command:
            raise UsageError(
                f"'{self._part.name}' is of another command",
                hint="repeat that one, or leave --resume out to begin anew",
            )
        if length < state["bytes"]:
            raise FileError(f"'{self._part.name}' is shorter than it was: it cannot be continued")
        self.done, self._rows = state["done"], state["rows"]
        self.needs_header = False
        with self._part.open("r+b") as part:
            part.truncate(state["bytes"])

    def _open(self) -> IO[bytes]:
        if not self._file:
            return self._console_bytes()
        if self._target is None:
            return open(self._file, "wb")  # noqa: PTH123
        if self._appends:
            return self._target.open("ab")
        if self.done:
            return self._part.open("ab")
        part = self._part.open("wb")
        self._state.unlink(missing_ok=True)  # of another run
        with contextlib.suppress(OSError):  # some file systems have no permissions
            self._part.chmod(mode_of(self._target))
        return part

    def _console_bytes(self) -> IO[bytes]:
        buffer = getattr(self._console.stdout, "buffer", None)
        if self._format in BINARY and (buffer is None or self._console.terminal):
            raise UsageError(
                f"{self._format} is not for a terminal", hint="write it to a file with -o FILE"
            )
        if buffer is None or self._console.terminal:
            return cast(IO[bytes], _Decoded(self._console))
        return cast(IO[bytes], buffer)

    # Writing --------------------------------------------------------------------------------------

    def begin(self, header: Any, schema: Any = None) -> None:
        """Opens the output and writes the header."""
        try:
            self._begin(header)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def _begin(self, header: Any) -> None:
        if self._appends and self._target is not None and self._target.exists():
            self._check_header(header)
        self._out = self._open()
        if header and self.needs_header:
            _write_all(self._out, header)

    def _check_header(self, header: bytes) -> None:
        assert self._target is not None
        with self._target.open("rb") as file:
            first = file.readline()
            if first:
                self.needs_header = False
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    raise FileError(
                        f"the last line of {self._file!r} has no end",
                        hint="remove it where it was cut off, or give it one: echo >> FILE",
                    )
        if first and header and _names(first) != _names(header):
            raise FileError(
                f"{self._file!r} has other columns: {first.decode('utf-8', 'replace').strip()}",
                hint=f"these rows have: {header.decode('utf-8', 'replace').strip()}",
            )

    def write(self, data: Any, done: int, rows: int) -> None:
        """Writes a piece of `rows` rows; the input was read up to `done`."""
        assert self._out is not None
        try:
            if self._format in BINARY:
                self._write_batch(data)
            else:
                with interpreter.whole():
                    _write_all(self._out, data)
                    self._out.flush()
            self._rows += rows
            self.done = done
            if self._keeps_state:
                self._length = self._out.tell()
                if time.monotonic() - self._saved >= PAUSE:
                    self._save()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    @property
    def _keeps_state(self) -> bool:
        return self._target is not None and not self._appends and self._format not in BINARY

    def _save(self) -> None:
        state = {
            "command": self._command,
            "done": self.done,
            "rows": self._rows,
            "bytes": self._length,
        }
        temporary = self._state.with_name(self._state.name + ".tmp")
        try:
            temporary.write_text(json.dumps(state), encoding="utf-8")
            temporary.replace(self._state)
        except OSError:  # a full disk: what stands beside it is older, but true
            temporary.unlink(missing_ok=True)
            raise
        self._saved = time.monotonic()

    def _write_batch(self, batch: Any) -> None:
        try:
            if self._writer is None:
                self._writer = self._new_writer(batch.schema)
            self._writer.write_batch(batch)
        except (ValueError, NotImplementedError) as error:  # a type that the format has not
            raise FileError(f"cannot write {self._file!r}: {error}") from None

    def _new_writer(self, schema: Any) -> Any:
        import pyarrow.ipc
        import pyarrow.parquet

        if self._format == "parquet":
            return pyarrow.parquet.ParquetWriter(self._out, schema)
        return pyarrow.ipc.new_stream(self._out, schema)

    def finish(self) -> None:
        """All is written: the file takes its name."""
        try:
            self._close()
            if self._target is not None and not self._appends:
                self._part.replace(self._target)
                self._state.unlink(missing_ok=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def abandon(self) -> str:
        """Closes what was begun; what to tell about the part that stands."""
        with contextlib.suppress(OSError, ValueError):
            self._close()
        if self._keeps_state and self._length:
            with contextlib.suppress(OSError):
                self._save()
        if self._target is None or self._appends or self._out is None:
            return ""
        if self._rows:
            again = "; --resume continues it" if self._state.exists() else ""
            rows = "1 row is" if self._rows == 1 else f"{self._rows:,} rows are"
            return f"{rows} in '{self._part.name}'{again}"
        for path in (self._part, self._state):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        return ""

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._out is not None:
            self._out.flush()
            if self._file:
                self._out.close()

    def _failed(self, error: OSError) -> Exception:
        return file_error(self._file, error) if self._file else error


def _write_all(out: IO[bytes], data: Text) -> None:
    """All of it: a stream without a buffer, as of `python -u`, stops where a signal comes."""
    rest = memoryview(data)
    while rest:
        rest = rest[out.write(rest) :]


def _names(header: bytes) -> list[str]:
    """The names in a header, however they are quoted."""
    return next(csv.reader([header.decode("utf-8-sig", "replace")]), [])


class _Decoded:
    """A stream of text that takes bytes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, data: Text) -> int:
        self._console.text.write(bytes(data).decode())
        return len(data)

    def flush(self) -> None:
        self._console.stdout.flush()
