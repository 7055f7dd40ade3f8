"""How blocks of a lesson look on a terminal, in any width."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from autograd_cli.lessons.lesson import Command, Commands
from autograd_cli.render.lesson import page
from autograd_cli.render.style import Style
from autograd_cli.results.lessons import BlockRun


def text_of(lines: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in lines]


def test_the_lines_of_an_error_keep_its_bar() -> None:
    call = "torch.autograd.gradcheck(Cube.apply, double, eps=1e-6, atol=1e-6)"
    run = BlockRun(kind="python", number=1, source=call, error="E: no", trace=((13, call),))
    assert text_of(page.ending(run, Style(width=80, unicode=True))) == [
        "    │ an error, as expected",
        "    │ line 13: torch.autograd.gradcheck(Cube.apply, double, eps=1e-6,",
        "    │          atol=1e-6)",
        "    │ E: no",
        "",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_command_of_several_lines_can_be_copied(width: int) -> None:
    """A shell reads the lines as they are shown as the words of the command."""
    command = 'agx grad "mean((w*x + b - y)**2)" --at "x=[0,1,2],y=[1,3,5],w=0,b=0" --wrt w,b'
    block = Commands(number=1, commands=(Command(text=command),), line=1, trial=True)
    lines = text_of(page.opening(block, Style(width=width, unicode=True)))
    assert max(map(len, lines)) <= width
    shown = "\n".join(lines[2:]).replace("$ agx", "printf '%s\\n'")
    words = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True).stdout
    assert ["".join(word.split()) for word in words.splitlines()] == [
        "".join(word.split()) for word in shlex.split(command)[1:]
    ]
