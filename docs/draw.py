"""Draws the README's pictures: real commands, run on a pseudo-terminal's colours, as SVG.

Run from the top of the repository: `python docs/draw.py`.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
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
# Fonts that are there, instead of one from the network; a renderer that is no browser has these.
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SVG = (
    re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    .replace("Fira Code, monospace", FONTS)
    .replace("font-family: arial", "font-family: Arial, 'DejaVu Sans', sans-serif")
)
PLOTS = {
    "valley": (
        "(1-x)**2 + 100*(y-x**2)**2",
        ["--grid", "x=-2:2:101,y=-1:3:101", "--size", "640x600"],
    ),
}
STEPS, RATE, MOMENTUM = 600, 0.0005, 0.9  # of the descent on top


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
    svg = console.export_svg(title="agx", unique_id=f"agx-{name}", code_format=SVG)
    (Path(__file__).parent / f"{name}.svg").write_text(svg, encoding="utf-8")


def plot(name: str, expression: str, options: list[str]) -> None:
    """Writes docs/NAME.svg: contours, the gradient, and the way of a descent."""
    file = Path(__file__).parent / f"{name}.svg"
    subprocess.run(
        [
            *(sys.executable, "-m", "autograd_cli", "plot", expression, *options),
            *("--path", "-", "-o", str(file)),
        ],
        input="\n".join(descent()),
        text=True,
        check=True,
    )


def descent() -> Iterator[str]:
    """The steps of gradient descent with momentum through Rosenbrock's valley, as NDJSON."""
    x, y, across, up = -1.2, 1.0, 0.0, 0.0
    for step in range(STEPS):
        loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        yield json.dumps({"step": step, "loss": loss, "parameters": {"x": x, "y": y}})
        across = MOMENTUM * across - RATE * (-2 * (1 - x) - 400 * x * (y - x**2))
        up = MOMENTUM * up - RATE * 200 * (y - x**2)
        x, y = x + across, y + up


if __name__ == "__main__":
    for picture, lines in PICTURES.items():
        draw(picture, lines)
    for picture, (function, settings) in PLOTS.items():
        plot(picture, function, settings)
