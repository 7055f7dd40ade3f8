"""Excerpts of an expression."""

from __future__ import annotations

from autograd_cli.errors import Span

LONGEST_TEXT = 2_000


def excerpt(source: str, span: Span) -> str:
    """The text of a span. Nested sub-expressions of a long one would add up to its square, so a
    very long text is cut in the middle; its span still says what it is."""
    start, end = span
    if end - start <= LONGEST_TEXT:
        return source[start:end]
    half = LONGEST_TEXT // 2
    return f"{source[start : start + half]}…{source[end - half : end]}"
