"""Formulas in other languages, LaTeX and Mathematica, as text in the language of agx.

LaTeX is read here. Mathematica's input form goes through SymPy's parser for it, in the worker
process and within its limits, only as far as that evaluates nothing: no text reaches `sympify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from autograd_cli.errors import AgxError, ReadError, Span, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.reader import read

MAX_CHARACTERS = 10_000


def translate(text: str, syntax: str) -> str:
    """The formula as agx text, which `read` is certain to take.

    Raises: ReadError with the place in `text`, UsageError for an unknown syntax.
    """
    _check_syntax(syntax)
    _check(text, syntax)
    found = _SYNTAXES[syntax](text)
    _checked(text, found)
    return found


def read_all(texts: Sequence[str], syntax: str, given: Collection[str] = ()) -> list[Expression]:
    """The expressions of formulas that belong together: a variable has one name in all of them.

    `given` are the names that have values. Raises: ReadError, UnknownNameError, UsageError, and
    EvaluationError where the worker's limits were reached.
    """
    _check_syntax(syntax)
    if syntax == "agx":
        return [read(text, given) for text in texts]
    for text in texts:
        _check(text, syntax)
    if syntax == "mathematica":
        from autograd_cli.language import symbolic

        return [read(symbolic.translate(text, syntax), given) for text in texts]
    return _read_latex(texts, given)


def _read_latex(texts: Sequence[str], given: Collection[str]) -> list[Expression]:
    from autograd_cli.language import latex  # only formulas in LaTeX need it
    from autograd_cli.language.latex.names import Names

    names = Names()
    for text in texts:  # what a variable is called depends on all of them
        latex.translate(text, names=names)
    found: list[Expression] = []
    for text in texts:
        translation = latex.translate(text, [*given, *names.chosen().values()], names)
        expression = _checked(text, translation.text, [*given, *translation.variables])
        notes = (*translation.notes, *expression.warnings)
        found.append(replace(expression, warnings=notes))
    return found


def _latex(text: str) -> str:
    from autograd_cli.language import latex

    return latex.translate(text).text


def _mathematica(text: str) -> str:
    from autograd_cli.language.symbolic import from_mathematica
    from autograd_cli.language.terms import write

    return write(from_mathematica.read(text))


_SYNTAXES: Mapping[str, Callable[[str], str]] = {
    "latex": _latex,
    "mathematica": _mathematica,
}
SYNTAXES = ("agx", *_SYNTAXES)


def _check_syntax(syntax: str) -> None:
    if syntax not in SYNTAXES:
        raise UsageError(f"unknown syntax '{syntax}'", hint=f"one of {', '.join(SYNTAXES)}")


def _check(text: str, syntax: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise ReadError(f"{len(text):,} characters of {syntax}; the limit is {MAX_CHARACTERS:,}")
    if not text.strip():
        raise ReadError("the expression is empty", source=text)


def _checked(text: str, found: str, given: Collection[str] = ()) -> Expression:
    """The expression that a formula was translated to."""
    try:
        return read(found, given)
    except AgxError as error:
        shown = found if len(found) <= 60 else f"{found[:60]}…"
        raise ReadError(
            f"it reads as {shown}, where {error.message}",
            source=text,
            span=Span(0, len(text)),
            hint=error.hint,
        ) from error
