"""Golden files: what is printed, held against files in `golden/`.

After a wanted change `AGX_UPDATE_GOLDEN=1 python -m pytest -n 0 tests/test_NAME.py` writes them
anew; the difference is to be read line by line. A variant such as `table-40` that prints what
`table` does has no file of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
IS_UPDATED = "AGX_UPDATE_GOLDEN" in os.environ


NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?|-?\d+e[-+]\d+")
NOISE = 1e-8  # of gradients and cosines at the end


def rounded(text: str) -> str:
    """The text with its numbers rounded: their last digits are the linear algebra library's."""
    return NUMBER.sub(lambda match: _short(float(match[0])), text)


def _short(value: float) -> str:
    return f"{value:.8g}" if abs(value) > NOISE else "0"


def _as_it_is(text: str) -> str:
    return text


class Golden:
    """The golden files of a folder, each of a case and a variant.

    `key` is what of a text has to be the same: numbers may be rounded.
    """

    def __init__(self, folder: str, key: Callable[[str], str] = _as_it_is) -> None:
        self._folder = FOLDER / folder
        self._key = key

    def _file(self, case: str, variant: str) -> Path:
        return self._folder / f"{case}.{variant}.txt"

    def holds(self, case: str, variant: str, text: str) -> None:
        """Assert that this is what the case prints in the variant."""
        own = self._file(case, variant)
        base = self._file(case, variant.partition("-")[0])
        printed = text.encode("utf-8", "backslashreplace").decode()
        if IS_UPDATED:
            is_like_base = own != base and base.exists() and _read(base) == printed
            own.unlink(missing_ok=True) if is_like_base else _write(own, printed)
        expected = _read(own if own.exists() else base)
        assert self._key(printed) == self._key(expected)

    def has_none_but(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Assert that no file is left over of a case or a variant that is no more."""
        names = {self._file(*one).name for one in wanted}
        assert {file.name for file in self._folder.iterdir()} <= names


def _read(file: Path) -> str:
    return file.read_bytes().decode()


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode())
