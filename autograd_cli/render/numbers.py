"""Numbers as text: exact for machines, short for people."""

from __future__ import annotations

import re

from autograd_cli.results import Scalar

DECIMAL = re.compile(r"-?\d+(\.\d+)?|…|\.\.\.")
NUMBER = re.compile(r"(?<![\w\[,.])-?\d+(\.\d+)?(e[-+]?\d+)?")


def exact(value: Scalar) -> str:
    """The shortest text that reads back as the same value; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return repr(value)


def short(value: Scalar, precision: int) -> str:
    """The value at `precision` significant digits; whole numbers without a point.

    A precision of 0 is the shortest text that reads back as the same value.
    """
    if isinstance(value, float) and precision:
        return f"{value:.{precision}g}"
    return exact(value)


def without_numbers(text: str) -> str:
    """What a text says, whatever the numbers in it; those in names and indices stay."""
    return NUMBER.sub("", text)


def align(texts: list[str]) -> list[str]:
    """Numbers padded to one width, with their decimal points in one column.

    Where a power of ten or a word stands among them, they are aligned at the right instead.
    """
    if all(DECIMAL.fullmatch(text) for text in texts):
        tails = [0 if "..." in text else len(text) - (text + ".").index(".") for text in texts]
        longest = max(tails, default=0)
        texts = [text + " " * (longest - tail) for text, tail in zip(texts, tails, strict=True)]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]
