"""How far a run has come: what a run that continues it has to know, and to find again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

LARGEST = 1 << 62  # no count is larger


class Mark(NamedTuple):
    """A place in the input: the line, or row, that is next, and the checksum of those before it.

    The place is 0 at the beginning, whatever line that is; a grid has no checksum.
    """

    place: int = 0
    checksum: int | None = None


@dataclass(frozen=True)
class State:
    """What stands beside the part of a file.

    `command` is what was asked, `on_error` what became of rows that could not be used and `faults`
    how many they were, `stamp` the size of the input and its time in nanoseconds, if it is a file.
    The input was read up to `place`; its rows before that have the `checksum`. They became `rows`
    in the first `bytes` of the part.
    """

    command: Mapping[str, Any]
    on_error: str
    stamp: tuple[int, int] | None
    place: int
    checksum: int | None
    rows: int
    faults: int
    bytes: int

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> State:
        """The state in a file that anybody may have written. Raises ValueError."""
        try:
            found = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        names = [one.name for one in fields(cls)]
        if not isinstance(found, dict) or set(found) != set(names):
            raise ValueError("it has other keys")
        stamp = found["stamp"]
        if isinstance(stamp, list) and len(stamp) == 2:
            found["stamp"] = stamp = tuple(stamp)
        are_counts = all(map(_is_count, (found[name] for name in _COUNTS)))
        if (
            not are_counts
            or not (found["checksum"] is None or _is_count(found["checksum"]))
            or not isinstance(found["command"], dict)
            or not isinstance(found["on_error"], str)
            or not (stamp is None or (isinstance(stamp, tuple) and all(map(_is_whole, stamp))))
        ):
            raise ValueError("a value is of another kind")
        return cls(**found)


def is_state(text: str) -> bool:
    """Whether a run wrote it, be it of another version."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"command", "bytes"} <= set(found)


_COUNTS = ("place", "rows", "faults", "bytes")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 0
