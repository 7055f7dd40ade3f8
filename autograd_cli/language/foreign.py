"""Formulas in other languages, LaTeX and Mathematica, as text in the language of agx.

The parsers are SymPy's, so this runs in the worker process, within its limits. They are used only
as far as they evaluate nothing: no text reaches `sympify`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from autograd_cli.errors import AgxError, ReadError, UsageError
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic import from_latex, from_mathematica
from autograd_cli.language.symbolic.terms import Term, write

MAX_CHARACTERS = 10_000

SYNTAXES: Mapping[str, Callable[[str], Term]] = {
    "latex": from_latex.read,
    "mathematica": from_mathematica.read,
}


def prepare(syntax: str) -> None:
    """Imports what reading the syntax needs, as far as it is installed."""
    if syntax == "latex":
        with contextlib.suppress(AgxError):  # `translate` says so
            from_latex.prepare()


def translate(text: str, syntax: str) -> str:
    """The formula as agx text, which `read` is certain to take.

    Raises: ReadError with the place in `text`, MissingExtraError if the parser is not installed,
    UsageError for an unknown syntax.
    """
    if syntax not in SYNTAXES:
        raise UsageError(f"unknown syntax '{syntax}'", hint=f"one of {', '.join(SYNTAXES)}")
    if len(text) > MAX_CHARACTERS:
        raise ReadError(f"{len(text):,} characters of {syntax}; the limit is {MAX_CHARACTERS:,}")
    if not text.strip():
        raise ReadError("the expression is empty", source=text)
    found = write(SYNTAXES[syntax](text))
    try:
        read(found)
    except AgxError as error:
        shown = found if len(found) <= 60 else f"{found[:60]}…"
        raise ReadError(
            f"it reads as {shown}, where {error.message}", source=text, hint=error.hint
        ) from error
    return found
