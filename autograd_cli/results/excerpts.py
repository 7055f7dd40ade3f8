"""Excerpts of an expression."""

from __future__ import annotations

from autograd_cli.errors import Span


def excerpt(source: str, span: Span, longest: int) -> str:
    """The text of a span. Nested sub-expressions of a long one would add up to its square, so a
    very long text is cut in the middle; its span still says what it is."""
    start, end = span
    if end - start <= longest:
        return source[start:end]
    half = longest // 2
    return f"{source[start : start + half]}…{source[end - half : end]}"
