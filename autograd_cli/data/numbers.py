"""Numbers in cells: texts and JSON values as float64, or what is wrong with them."""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Sequence
from typing import Any

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
LONGEST = 40  # characters of a cell that are shown


class NoNumberError(ValueError):
    """A cell that holds no number that can be used: `str` says why."""


class Beyond(str):
    """The text of a number in JSON that float64 does not hold: `1e400`."""


def number(text: str) -> float:
    """The number that a cell's text is. Raises NoNumberError."""
    stripped = text.strip()
    if not stripped:
        raise NoNumberError("is empty")
    if stripped.isascii() and "_" not in stripped:
        try:
            found = float(stripped)
        except ValueError:
            pass
        else:
            if math.isinf(found) and is_beyond(stripped):
                raise _beyond(text)
            return found
    why = f"is {shown(text)}, which is no number"
    if stripped.count(",") == 1 and stripped.replace(",", "", 1).lstrip("+-").isdecimal():
        why += " (decimals are written with a point)"
    raise NoNumberError(why)


def is_beyond(text: str) -> bool:
    """Whether text that float64 reads as infinite is written with digits, and not `inf`."""
    return any(map(str.isdigit, text))


def _beyond(text: str) -> NoNumberError:
    return NoNumberError(
        f"is {shown(text)}, a number beyond float64, which ends near 1.8e308 (inf is infinite)"
    )


def _float(text: str) -> float | Beyond:
    found = float(text)
    return Beyond(text) if math.isinf(found) else found


_JSON = json.JSONDecoder(parse_float=_float)


def from_json(text: str) -> Any:
    """A JSON value, in which a number beyond float64 stays text. Raises: as `json.loads`."""
    return _JSON.decode(text)


def with_point(text: str) -> str:
    """A number with a decimal comma, `1,5`, as one with a point; any other text as it is."""
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def has_point(text: str) -> bool:
    """Whether a cell is a number with a decimal point."""
    return _DECIMAL_POINT.fullmatch(text) is not None


_DECIMAL_COMMA = re.compile(r"\s*[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_DECIMAL_POINT = re.compile(r"\s*[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")


def value(text: str, shape: tuple[int, ...] | None) -> tuple[array[float], tuple[int, ...]]:
    """The numbers in a cell, a single one or a list of them, flat, and their shape.

    Another shape than the one expected is wrong. Raises NoNumberError.
    """
    stripped = text.strip()
    if not stripped.startswith("["):
        return fitting(array("d", (number(text),)), (), shape)
    try:
        return flat(from_json(stripped), shape)
    except (ValueError, RecursionError) as error:
        if isinstance(error, NoNumberError):
            raise
        raise NoNumberError(f"is {shown(text)}, which is no list of numbers") from None


def flat(item: Any, shape: tuple[int, ...] | None) -> tuple[array[float], tuple[int, ...]]:
    """A JSON value as `value` gives it: a number or nested lists of them, all of one length."""
    sizes: list[int] = []
    items: list[Any] = [item]
    while items and isinstance(items[0], list):
        sizes.append(len(items[0]))
        if not sizes[-1]:
            raise NoNumberError("is an empty list")
        if not all(isinstance(part, list) and len(part) == sizes[-1] for part in items):
            raise NoNumberError("is a list whose parts differ in length")
        items = [inner for part in items for inner in part]
    return fitting(array("d", map(_json_number, items)), tuple(sizes), shape)


def _json_number(item: Any) -> float:
    if hasattr(item, "__float__") and not isinstance(item, bool):  # Decimals among them
        try:
            return float(item)
        except OverflowError:
            raise _beyond(str(item)) from None
    if isinstance(item, Beyond):
        raise _beyond(item)
    if item is None:
        raise NoNumberError("is null")
    if isinstance(item, str) and item in NON_FINITE:
        return NON_FINITE[item]
    is_json = isinstance(item, (bool, str, list, dict))
    text = json.dumps(item, ensure_ascii=False, default=str) if is_json else str(item)
    raise NoNumberError(f"is {shown(text)}, which is no number")


def fitting(
    numbers: array[float], shape: tuple[int, ...], expected: tuple[int, ...] | None
) -> tuple[array[float], tuple[int, ...]]:
    """The numbers, if they have the shape of the rows before. Raises NoNumberError."""
    if expected is not None and shape != expected:
        raise NoNumberError(
            f"is {shape_words(shape)}, and {shape_words(expected)} in the rows before"
        )
    return numbers, shape


def shape_words(shape: Sequence[int]) -> str:
    if not shape:
        return "a number"
    if len(shape) == 1:
        return f"a list of {shape[0]}"
    return f"a list of {'×'.join(map(str, shape))}"


def shown(text: str) -> str:
    """A cell's text for a message."""
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
