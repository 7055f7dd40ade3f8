"""What can go wrong, as values: a kind, a message, where it is, and how to mend it."""

from __future__ import annotations

import enum
import re
import unicodedata
from typing import NamedTuple


class ExitCode(enum.IntEnum):
    """The exit codes that scripts may rely on."""

    OK = 0
    FINDING = 1  # a negative finding: check disagrees, fit did not converge
    USAGE = 2  # the command line or the expression is wrong
    EVALUATION = 3  # it could not be evaluated: shapes, devices, extras, files
    INTERRUPTED = 130  # Ctrl-C, as shells report SIGINT
    PIPE = 141  # the reader of the pipe went away, as shells report SIGPIPE


class Span(NamedTuple):
    """A half-open range of characters in a source text."""

    start: int
    end: int


class AgxError(Exception):
    """The base of every error that a user can cause.

    `message` says what is wrong, `span` in `source` says where, `hint` says how to mend it.
    """

    kind = "error"
    exit_code = ExitCode.USAGE

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        span: Span | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = _presentable(message)
        self.hint = _presentable(hint)
        self.span = span
        self.source = source

    def within(self, source: str, span: Span | None = None) -> AgxError:
        """The same error, placed in `source` if it does not know its place yet."""
        if self.source is None:
            self.source = source
            self.span = self.span or span
        return self

    def to_dict(self) -> dict[str, object]:
        """The `error` object of the JSON contract."""
        return {
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint or None,
            "span": list(self.span) if self.span is not None else None,
        }


LONGEST_WORD = 150  # a path may be that long


def _presentable(text: str) -> str:
    """`text` on one line: what users typed may hold anything, at any length."""
    return re.sub(
        rf"\S{{{LONGEST_WORD + 1},}}",
        lambda word: f"{word[0][: LONGEST_WORD - 10]}…{word[0][-9:]}",
        visible(text),
    )


class UsageError(AgxError):
    """The command line is wrong: an option, its value, or a combination of them."""

    kind = "usage"


class ReadError(AgxError):
    """The text is not an expression of the language."""

    kind = "syntax"


class UnknownNameError(AgxError):
    """A function, variable or value that does not exist, or that nobody uses."""

    kind = "name"


class EvaluationError(AgxError):
    """The expression is right, but it has no value (or no derivative) here."""

    kind = "evaluation"
    exit_code = ExitCode.EVALUATION


class DomainError(EvaluationError):
    """There is no value at these numbers; at others there may be."""


class ShapeError(EvaluationError):
    """Operands whose shapes do not fit each other or the operation."""

    kind = "shape"


class DerivativeError(EvaluationError):
    """There is a value, but torch has no derivative for it."""

    kind = "derivative"


class DeviceError(EvaluationError):
    """A device that is not available in this torch or on this machine."""

    kind = "device"


class MissingExtraError(EvaluationError):
    """An optional dependency is not installed."""

    kind = "extra"


class FileError(EvaluationError):
    """A file that cannot be read or written."""

    kind = "file"


WINDOW = 72  # columns of source shown around an error


def excerpt(source: str, span: Span) -> tuple[str, str]:
    """The line of `source` that `span` starts in, and carets under the span.

    A long line is cut to a window around the span, so that one wrong character among a million is
    still seen. Wide and combining characters count as the columns they take on a terminal.
    """
    start = min(max(span.start, 0), len(source))
    line_start = source.rfind("\n", 0, start) + 1
    line_end = source.find("\n", start)
    line = source[line_start : line_end if line_end >= 0 else len(source)]
    first = start - line_start
    last = max(min(span.end - line_start, len(line)), first)
    prefix = ""
    if len(line) > WINDOW:
        left = max(0, min(first - WINDOW // 3, len(line) - WINDOW))
        prefix = "…" if left else ""
        suffix = "…" if left + WINDOW < len(line) else ""
        first, last = first - left, min(last - left, WINDOW)
        line = line[left : left + WINDOW] + suffix
    indent = columns(prefix + line[:first])
    carets = max(1, columns(line[first:last]))
    return prefix + visible(line), " " * indent + "^" * carets


def columns(text: str) -> int:
    """How many terminal columns `text` takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(_width(character) for character in visible(text))


def visible(text: str) -> str:
    """`text` with control, bidirectional and unpaired characters replaced by a visible box."""
    if text.isprintable():
        return text
    return "".join(
        "�" if unicodedata.category(character) in _UNPRINTABLE else character for character in text
    )


def printable(text: str) -> str:
    """`text` for a terminal: in its lines and columns nothing that a terminal would obey."""
    return "\n".join(
        line if line.isprintable() else "\t".join(map(visible, line.split("\t")))
        for line in text.split("\n")
    )


_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def describe(error: AgxError) -> str:
    """The error as shown to people: what, where (with a caret), and how to mend it."""
    lines = [f"error: {error.message}"]
    if error.source and not error.source.isspace() and error.span is not None:
        line, carets = excerpt(error.source, error.span)
        lines += [f"  {line}", f"  {carets}"]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    return "\n".join(lines) + "\n"
