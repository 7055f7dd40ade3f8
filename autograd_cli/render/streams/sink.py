"""Where a stream of rows goes: standard output, or a file that takes its name when it is whole.

A file is written under its name with `.part`; beside it stands how far it goes.
What was interrupted can so be continued, and nothing that was computed is lost.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from autograd_cli import interpreter
from autograd_cli.console import Console
from autograd_cli.errors import FileError, UsageError
from autograd_cli.render import BINARY, lock
from autograd_cli.render.output import check_writable, file_error, is_replaceable, stream_or_path
from autograd_cli.render.streams import Text
from autograd_cli.render.streams.part import PART, STATE, Part, another_run
from autograd_cli.render.streams.state import Mark, State

PAUSE = 0.5  # seconds between two notes of how far it goes: a run that is killed loses no more


class Sink:
    """Takes encoded pieces.

    `command` is what was asked, `on_error` what becomes of rows that cannot be used, `stamp` the
    size and time of the input. A file is this run's alone from when this is made. `earlier` is how
    far a run came that is continued; `finished` is the file where there is nothing to continue.

    Raises: FileError for a file that is protected, is written by another run, or holds what nobody
    asked to drop; UsageError for what another command began.
    """

    def __init__(
        self,
        file: str,
        format: str,
        console: Console,
        *,
        append: bool = False,
        resume: bool = False,
        command: Mapping[str, Any] | None = None,
        on_error: str = "",
        stamp: tuple[int, int] | None = None,
    ) -> None:
        self.file = file
        self._format = format
        self._console = console
        self._command = json.loads(json.dumps(dict(command or {})))  # as it comes back
        self._on_error = on_error
        self._stamp = stamp
        self._appends = append
        self._part: Part | None = None
        self._out: IO[bytes] | None = None
        self._writer: Any = None
        self._rows = 0
        self._length = 0  # bytes of whole pieces
        self._saved = -PAUSE
        self._mark = Mark()
        self._faults = 0
        self.earlier: State | None = None
        self.finished: Path | None = None
        self.needs_header = True
        self._target: Path | None = None
        try:
            if file and is_replaceable(file):
                check_writable(file)
                self._target = Path(file).resolve()
                self._claim(resume)
        except OSError as error:
            raise self._failed(error) from error

    @property
    def is_shown(self) -> bool:
        """Whether the rows appear on the terminal."""
        return not self.file and self._console.terminal

    @property
    def keeps_state(self) -> bool:
        """Whether what is interrupted can be continued."""
        return self._target is not None and not self._appends and self._format not in BINARY

    @property
    def anew(self) -> str:
        """How to begin anew where there is a part."""
        if self._part is None:
            return ""
        return f"to begin anew, remove it: rm {shlex.quote(str(self._part.path))}"

    # Files ----------------------------------------------------------------------------------------

    def _claim(self, resume: bool) -> None:
        assert self._target is not None
        if self._appends:
            return
        begun = [self._target.with_name(self._target.name + ending) for ending in (PART, STATE)]
        if resume and self._target.exists() and not any(map(os.path.lexists, begun)):
            self.finished = self._target
            return
        self._part = Part(self._target)
        try:
            if not self._part.size:
                self._part.check_state()
            elif resume:
                self._continue(self._part)
            else:
                self._refuse_to_drop(self._part)
        except BaseException:
            self._part.release()
            raise

    def _refuse_to_drop(self, part: Part) -> None:
        """Raises FileError where a part holds more than the beginning of its first piece."""
        state = part.state() if self.keeps_state else None
        if state is None:
            raise FileError(
                f"{part.name!r} is there already: what an interrupted run wrote, or something else",
                hint=self.anew,
            )
        if state.rows:
            rows = "1 row is" if state.rows == 1 else f"{state.rows:,} rows are"
            raise FileError(
                f"{rows} in {part.name!r} already, of a run that was interrupted",
                hint=f"--resume continues it; {self.anew}",
            )

    def _continue(self, part: Part) -> None:
        """Raises FileError, UsageError where that is not possible."""
        state = part.state()
        if state is None:
            raise FileError(
                f"{part.name!r} cannot be continued: {part.state_path.name!r} is missing, which"
                " says how far it goes",
                hint=self.anew,
            )
        other = self._differences(state)
        if other:
            raise UsageError(
                f"{part.name!r} is of another command",
                hint=f"it differs in {', '.join(other)}; {self.anew}",
            )
        if part.size < state.bytes:
            raise FileError(
                f"{part.name!r} is shorter than it was: it cannot be continued", hint=self.anew
            )
        if not part.ends_a_line(state.bytes):
            raise FileError(f"{part.name!r} was changed: it cannot be continued", hint=self.anew)
        self._length, self._rows, self._faults = state.bytes, state.rows, state.faults
        self._mark = Mark(state.place, state.checksum)
        self.needs_header = not state.bytes
        self.earlier = state if state.rows else None

    def _differences(self, state: State) -> list[str]:
        """What was asked otherwise, by name. What becomes of rows that cannot be used may change
        where there were none so far."""
        own = {**self._command, "on_error": self._on_error}
        theirs = {**own, **dict.fromkeys(self._command), **state.command}
        if state.faults:
            theirs["on_error"] = state.on_error
        return [name for name, value in theirs.items() if own.get(name) != value]

    def _opened(self) -> IO[bytes]:
        if not self.file:
            return self._console_bytes()
        if self._target is None:
            return open(stream_or_path(self.file), "wb")  # noqa: PTH123
        if self._part is not None:
            return self._part.begin(self._length)
        out = self._target.open("ab")
        if not (lock.take(out.fileno()) and lock.is_still(out.fileno(), self._target)):
            out.close()
            raise another_run(self._target)
        return out

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
            self._out = self._opened()
            if self._appends and self._target is not None:
                self._check_header(header)
            if self.keeps_state and not self._length:
                with contextlib.suppress(OSError):
                    self._save()  # that nothing is done yet: a part without it is somebody else's
            if header and self.needs_header:
                with interpreter.whole():
                    _write_all(self._out, header)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def _check_header(self, header: bytes) -> None:
        assert self._target is not None
        with self._target.open("rb") as file:
            first = file.readline()
            if first:
                self.needs_header = False
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    raise FileError(
                        f"the last line of {self.file!r} has no end",
                        hint="remove it where it was cut off, or give it one: echo >> FILE",
                    )
        if first and header and _names(first) != _names(header):
            raise FileError(
                f"{self.file!r} has other columns: {first.decode('utf-8', 'replace').strip()}",
                hint=f"these rows have: {header.decode('utf-8', 'replace').strip()}",
            )

    def write(self, data: Any, mark: Mark, rows: int, faults: int = 0) -> None:
        """Writes a piece of `rows` rows; the input was read up to `mark`, and `faults` of its rows
        could not be used so far."""
        assert self._out is not None
        try:
            if self._format in BINARY:
                self._write_batch(data)
            else:
                with interpreter.whole():
                    _write_all(self._out, data)
                    self._out.flush()
            self._rows += rows
            self._mark, self._faults = mark, faults
            if self.keeps_state:
                self._length = self._out.tell()
                if time.monotonic() - self._saved >= PAUSE:
                    self._save()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def _save(self) -> None:
        assert self._part is not None
        self._part.save(
            State(
                command=self._command,
                on_error=self._on_error,
                stamp=self._stamp,
                place=self._mark.place,
                checksum=self._mark.checksum,
                rows=self._rows,
                faults=self._faults,
                bytes=self._length,
            )
        )
        if self._length:
            self._saved = time.monotonic()

    def _write_batch(self, batch: Any) -> None:
        try:
            if self._writer is None:
                self._writer = self._new_writer(batch.schema)
            self._writer.write_batch(batch)
        except (ValueError, NotImplementedError) as error:  # a type that the format has not
            raise FileError(f"cannot write {self.file!r}: {error}") from None

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
            if self._part is not None:
                self._part.finish()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def abandon(self) -> str:
        """Closes what was begun; what to tell about the part that stands."""
        with contextlib.suppress(OSError, ValueError):
            self._close()
        part = self._part
        if part is None:
            return ""
        if self._out is None:
            part.release()
            return ""
        if not self._rows:
            part.remove()
            return ""
        if self.keeps_state:
            with contextlib.suppress(OSError):
                self._save()
        again = "; --resume continues it" if self.keeps_state and part.has_rows() else ""
        part.close()
        rows = "1 row is" if self._rows == 1 else f"{self._rows:,} rows are"
        return f"{rows} in {part.name!r}{again}"

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._out is not None:
            self._out.flush()
            if self.file and self._part is None:  # a part is closed when it has its name
                self._out.close()

    def _failed(self, error: OSError) -> Exception:
        return file_error(self.file, error) if self.file else error


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
