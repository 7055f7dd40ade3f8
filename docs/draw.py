"""Draws the README's pictures: real commands, run on a pseudo-terminal's colours, as SVG.

Run from the top of the repository: `python docs/draw.py`.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURES = {
    "grad": [
        'agx grad "x**2 + 2*x*y + y**2" --at x=2,y=3',
        'agx grad "u = x**2; exp(-u/2)*sin(y)" --at x=1,y=pi/4',
        'agx grad "sum(softplus(A@v))" --at "A=[[1,2],[3,4]],v=[0.5,-0.5]" --wrt A --no-symbolic',
    ],
}
COLUMNS = 92


def draw(name: str, commands: list[str]) -> None:
    """Writes docs/NAME.svg: each command and what it prints."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
    for command in commands:
        console.print(Text.assemble(("$ ", "bold green"), command))
        arguments = [*shlex.split(command)[1:], "--format", "table", "--color", "always"]
        done = subprocess.run(
            [sys.executable, "-m", "autograd_cli", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        console.print(Text.from_ansi(done.stdout))
    svg = console.export_svg(title="agx", unique_id=f"agx-{name}")
    (Path(__file__).parent / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    for picture, lines in PICTURES.items():
        draw(picture, lines)
