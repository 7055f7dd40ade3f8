"""Python started once more, for what shall not run in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def command(module: str) -> list[str]:
    """The beginning of a command line that runs a module of this package.

    `-P` keeps the current directory off the path, so that no file of the user's is imported.
    """
    return [sys.executable, "-P", "-m", module]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment in which that Python finds this very package.

    An installed package is found as it is. One that was found in the current directory or beside a
    script is not, because `-P` keeps both off the path.
    """
    found = dict(inherited)
    if ROOT.name not in ("site-packages", "dist-packages"):
        path = inherited.get("PYTHONPATH", "")
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), path)))
    return found
