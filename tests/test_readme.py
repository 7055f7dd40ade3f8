"""The README's tour is real: every command in it is run, and prints what stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Every `$ command` of the console blocks, with the output that follows it."""
    found = []
    for block in BLOCK.findall(README.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "expected"), commands(), ids=[c for c, _ in commands()])
def test_the_tour_prints_what_the_readme_shows(command: str, expected: str, tmp_path: Path) -> None:
    agx = f"{shlex.quote(sys.executable)} -m autograd_cli"
    line = re.sub(r"^agx ", f"{agx} ", command)
    environment = {**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}
    environment["XDG_STATE_HOME"] = str(tmp_path)  # a reader who has read no lesson yet
    done = subprocess.run(
        ["bash", "-c", f"{line} 2>&1"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.stdout == expected


def test_the_tour_is_there() -> None:
    assert len(commands()) >= 10
