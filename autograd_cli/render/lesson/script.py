"""A lesson as a Python script: prose as comments, expected errors caught, claims as asserts."""

from __future__ import annotations

import textwrap

from autograd_cli import __version__
from autograd_cli.lessons.lesson import Block, Code, Commands, Lesson, Picture, Prose
from autograd_cli.render.lesson.drawing import matplotlib_code


def script(lesson: Lesson) -> str:
    """The text of a script that runs as it is, where torch is installed."""
    card = lesson.card
    head = "\n".join(
        [
            f'"""{card.title}: {card.summary}.',
            "",
            f"A lesson of agx {__version__}: agx lesson {card.name}",
            '"""',
        ]
    )
    return "\n\n".join([head, *(_text(lesson, block) for block in lesson.blocks)]) + "\n"


def _text(lesson: Lesson, block: Block) -> str:
    if isinstance(block, Prose):
        return _comment(block.text)
    if isinstance(block, Code):
        if block.raises:
            return _caught(block)
        before = "# What this lesson claims.\n" if block.hidden else ""
        return before + block.source.rstrip("\n")
    if isinstance(block, Commands):
        return _commands(block)
    return _drawn(lesson, block)


def _comment(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.split("\n"))


def _caught(block: Code) -> str:
    name = block.raises
    return "\n".join(
        [
            f"try:  # this raises {name}",
            textwrap.indent(block.source.rstrip("\n"), "    "),
            "except Exception as error:",
            f'    assert type(error).__name__ == "{name}", error',
            f'    print(f"{name}: {{error}}")',
            "else:",
            f'    raise AssertionError("this should have raised {name}")',
        ]
    )


def _commands(block: Commands) -> str:
    lines = ["Try it:"] if block.trial else ["In a shell:"]
    for command in block.commands:
        lines += [f"  # {command.comment}"] if command.comment else []
        lines.append(f"  {command.text}")
    return _comment("\n".join(lines))


def _drawn(lesson: Lesson, block: Picture) -> str:
    file = f"{lesson.card.name}-{block.name}.png"
    code = matplotlib_code(block, f'plt.savefig("{file}")')
    title = block.settings.get("title", block.name)
    return f"# Figure: {title}\n{code.rstrip()}\n    print('figure: {file}')"
