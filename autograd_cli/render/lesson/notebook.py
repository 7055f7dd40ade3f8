"""A lesson as a Jupyter notebook (nbformat 4.5), without outputs: they come when it is run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from autograd_cli import __version__
from autograd_cli.lessons.lesson import Code, Commands, Lesson, Picture, Prose, Question
from autograd_cli.render.lesson.drawing import matplotlib_code


def notebook(lesson: Lesson) -> str:
    """The JSON of a notebook that opens in Jupyter and executes."""
    cells = [
        {**cell, "id": f"{lesson.card.name[:40]}-{number}"}
        for number, cell in enumerate(_cells(lesson), start=1)
    ]
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cells(lesson: Lesson) -> Iterator[dict[str, Any]]:
    card = lesson.card
    yield _markdown(
        f"# {card.title}\n\n{card.summary}\n\n"
        f"*A lesson of agx {__version__}: `agx lesson {card.name}`*"
    )
    for block in lesson.blocks:
        if isinstance(block, Prose):
            yield _markdown(block.text)
        elif isinstance(block, Code):
            for question in block.questions:
                yield _markdown(_question(question))
            yield _code(block.source, _tags(block))
        elif isinstance(block, Picture):
            yield _code(matplotlib_code(block, "plt.show()"), {})
        elif block.trial:
            yield _markdown(_trials(block))
        else:
            yield _code("\n".join(f"!{command.text}" for command in block.commands), {})


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}


def _code(source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": _lines(source),
    }


def _tags(block: Code) -> dict[str, Any]:
    if block.raises:
        return {"tags": ["raises-exception"]}  # what Jupyter itself calls it
    return {"jupyter": {"source_hidden": True}} if block.hidden else {}


def _question(question: Question) -> str:
    answer = f"<code>{escape(question.answer)}</code>. {escape(question.why)}"
    return (
        f"**Before you run the next cell:** {question.text}\n\n"
        f"<details><summary>Answer</summary>{answer}</details>"
    )


def _trials(block: Commands) -> str:
    lines = [
        f"{command.comment}\n\n```sh\n{command.text}\n```" if command.comment else command.text
        for command in block.commands
    ]
    return "\n\n".join(["## Try it", *lines])


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").splitlines(keepends=True)
