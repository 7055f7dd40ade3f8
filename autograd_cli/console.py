"""The surroundings of a run as one value: streams, terminal or pipe, width, colour, Unicode.

Everything that looks around (at the environment, at the streams) looks here, once, when the run
begins; the rest is given a `Console`. A test builds one from `io.StringIO` and says what it is.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TextIO, cast

from autograd_cli.errors import UsageError, printable

DEFAULT_WIDTH = 80
COLOUR_CHOICES = ("auto", "always", "never")
FORCED = ("FORCE_COLOR", "CLICOLOR_FORCE")  # in the environment: colour, whatever stdout is


@dataclass(frozen=True, kw_only=True)
class Console:
    """Where a run reads, writes and complains, and what can be shown there.

    `terminal` says that stdout is one; `height` is that of its window in lines, None where nothing
    scrolls away. `utf` says that stdout can hold any character, `unicode`
    that the user's locale can show them too; `colour` that escape codes are welcome. What a run
    has opened is closed `at_end`, however it ends.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    terminal: bool = False
    width: int = DEFAULT_WIDTH
    height: int | None = None
    colour: bool = False
    utf: bool = True
    unicode: bool = True
    environ: Mapping[str, str]
    at_end: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def of_process(cls) -> Console:
        """The console of this process."""
        return cls.of_streams(
            sys.stdin or io.StringIO(),
            sys.stdout or cast(TextIO, _Closed()),
            sys.stderr or io.StringIO(),
            os.environ,
        )

    @classmethod
    def of_streams(
        cls, stdin: TextIO, stdout: TextIO, stderr: TextIO, environ: Mapping[str, str]
    ) -> Console:
        """The console that these streams make in this environment."""
        for stream in (stdout, stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A character that the encoding cannot hold is written as its escape.
                stream.reconfigure(errors="backslashreplace")
        utf = _is_utf(stdout)
        console = cls(
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            terminal=_is_terminal(stdout),
            width=_width(stdout, environ),
            height=_height(stdout, environ),
            utf=utf,
            unicode=utf and not _is_plain_locale(environ),
            environ=environ,
        )
        return console.with_colour("auto")

    def with_colour(self, choice: str) -> Console:
        """The same console under `--color auto|always|never`."""
        if choice not in COLOUR_CHOICES:
            raise UsageError(f"unknown colour setting {choice!r}")
        if choice != "auto":
            return replace(self, colour=choice == "always")
        if self.environ.get("NO_COLOR"):
            return replace(self, colour=False)
        if any(self.environ.get(name, "0") not in ("", "0") for name in FORCED):
            return replace(self, colour=True)
        is_welcome = self.environ.get("TERM") != "dumb" and self.environ.get("CLICOLOR") != "0"
        return replace(self, colour=self.terminal and is_welcome)

    def resized(self) -> Console:
        """The same console with the size that it has now."""
        return replace(
            self,
            width=_width(self.stdout, self.environ),
            height=_height(self.stdout, self.environ),
        )

    def flush(self) -> None:
        """Deliver what was written, so that a failure shows now and not at exit."""
        self.stdout.flush()

    @property
    def text(self) -> TextIO:
        """Stdout for what stands in it as it is: what users typed or their files hold may be
        anything, and a terminal is shown it and does not obey it."""
        return cast(TextIO, _Shown(self.stdout)) if self.terminal else self.stdout

    def complain(self, text: str) -> None:
        """Write to stderr; when even that is gone, there is nobody to tell."""
        self.draw(printable(text) if _is_terminal(self.stderr) else text)

    def draw(self, text: str) -> None:
        """Write to stderr what may move the cursor there and set colours."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except (OSError, ValueError):
            pass

    def abandon_stdout(self) -> None:
        """Let stdout lead nowhere, so that what is still buffered cannot fail at exit."""
        try:
            descriptor = self.stdout.fileno()
        except (OSError, ValueError):
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


class _Shown:
    """A terminal for text without commands to it."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def write(self, text: str) -> int:
        return self._terminal.write(printable(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._terminal.flush()


class _Closed(io.TextIOBase):
    """What stands for a stdout that was closed before the run began (`agx … >&-`)."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def _is_utf(stream: TextIO) -> bool:
    # An io.StringIO has no encoding: it holds anything.
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith(("utf", "cp65001"))


def _is_plain_locale(environ: Mapping[str, str]) -> bool:
    """Whether the user asked for the C locale. Unset does not count: Python knows better then."""
    chosen = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG")
    return chosen in ("C", "POSIX")


def _height(stream: TextIO, environ: Mapping[str, str]) -> int | None:
    """The lines of a terminal, None for anything else and where they are not known."""
    if not _is_terminal(stream):
        return None
    lines = environ.get("LINES", "")
    if lines.isdecimal() and int(lines) > 0:
        return int(lines)
    try:
        return os.get_terminal_size(stream.fileno()).lines or None
    except (OSError, ValueError):
        return None


def _width(stream: TextIO, environ: Mapping[str, str]) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH
