"""Where the text of an expression comes from: the command line, a file, or stdin."""

from __future__ import annotations

from pathlib import Path

from autograd_cli.console import Console
from autograd_cli.errors import FileError

TOO_MUCH = 1_000_001  # characters; the reader explains its limit to whoever sends more


def source_text(argument: str, console: Console) -> str:
    """The expression for `EXPR`, `@FILE` or `-` (stdin). Raises FileError."""
    if argument != "-" and not argument.startswith("@"):
        return argument
    name = "standard input" if argument == "-" else repr(argument[1:])
    try:
        if argument == "-":
            text = console.stdin.read(TOO_MUCH)
        else:
            with Path(argument[1:]).open(encoding="utf-8-sig") as file:
                text = file.read(TOO_MUCH)
    except UnicodeDecodeError as error:
        raise FileError(f"cannot read {name}: it is not UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise FileError(f"cannot read {name}: {reason}") from error
    return text.strip()
