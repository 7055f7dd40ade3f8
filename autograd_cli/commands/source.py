"""Where the text of an expression comes from: the command line, a file, or stdin."""

from __future__ import annotations

from autograd_cli.console import Console
from autograd_cli.errors import FileError

TOO_MUCH = 1_000_001  # characters; the reader explains its limit to whoever sends more


def source_text(argument: str, console: Console) -> str:
    """The expression for `EXPR`, `@FILE` or `-` (stdin). Raises FileError, UsageError for `@`."""
    if argument != "-" and not argument.startswith("@"):
        return argument
    if argument != "-":
        from autograd_cli.data.textfile import read_text  # most expressions are typed

        return read_text(argument[1:]).strip()
    try:
        return console.stdin.read(TOO_MUCH).strip()
    except UnicodeDecodeError as error:
        raise FileError("cannot read standard input: it is not UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise FileError(f"cannot read standard input: {reason}") from error
