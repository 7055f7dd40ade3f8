"""How blocks of a lesson look on a terminal, in any width."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from autograd_cli.lessons.lesson import Card, Code, Command, Commands, Prose
from autograd_cli.lessons.library import cards
from autograd_cli.lessons.reader import read_lesson
from autograd_cli.render.lesson import page
from autograd_cli.render.lesson.wording import worded
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


@pytest.mark.parametrize(
    ("text", "ascii_only"),
    [
        ("f′(x) = sin(x²) + 2x²·cos(x²)", "f'(x) = sin(x^2) + 2x^2*cos(x^2)"),
        ("10⁻¹² − ∞ ≈ −∞", "10^-12 - inf ~ -inf"),
        ("x₁³ + x₂³", "x1^3 + x2^3"),
        ("wᵢⱼ", "w_ij"),
        ("1/(2√x), √(a) and √2", "1/(2 sqrt x), sqrt(a) and sqrt 2"),
        ("∂z/∂x → Aᵀ", "dz/dx -> A^T"),
        ("a 字", "a \\u5b57"),
    ],
)
def test_formulas_can_be_read_without_unicode(text: str, ascii_only: str) -> None:
    assert worded(text, Style(width=80, unicode=False)) == ascii_only
    assert worded(text, Style(width=80, unicode=True)) == text


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.name)
def test_no_word_of_a_lesson_needs_unicode(card: Card) -> None:
    """Not a single escape is left in what is written for people."""
    style = Style(width=60, unicode=False)
    lines = [*page.title(card, "1 of 2", style), *page.note(card.summary, style)]
    for block in read_lesson(card.path).blocks:
        if isinstance(block, (Prose, Commands)):
            lines += page.opening(block, style)
        elif isinstance(block, Code):
            for question in block.questions:
                lines += page.question(f"{question.text} {question.why}", style)
    shown = "\n".join(text_of(lines))
    assert shown.isascii()
    assert not re.search(r"\\(x|u)[0-9a-f]{2}", shown)
