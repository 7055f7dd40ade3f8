"""A lesson as a value: what one Markdown file says, in the order in which it says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from markdown_it.token import Token

LIMIT = 30.0  # seconds that a block may take, unless it says otherwise


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about the block it follows; `answer` is an expression of agx's own language.

    `checks` is Python, evaluated after the block: what the answer has to be equal to.
    """

    text: str
    answer: str
    checks: str
    why: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Prose:
    """Text between the blocks: Markdown, and the tokens that it was read as."""

    text: str
    tokens: tuple[Token, ...]
    line: int


@dataclass(frozen=True, kw_only=True)
class Code:
    """Python that is run live; `number` counts the blocks of a lesson from 1.

    `raises` names the exception that belongs to the lesson, or is empty. `expected` is what has to
    be printed, or None where the lesson does not say; `...` in it stands for anything. `line` is
    where its code begins in the file.
    """

    number: int
    source: str
    line: int
    hidden: bool = False
    raises: str = ""
    limit: float = LIMIT
    expected: str | None = None
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line of agx: what it has to end with, and what has to stand in its output."""

    text: str
    comment: str = ""
    code: int = 0
    expected: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Commands of agx: run live, or, in the block that ends a lesson, for the reader to try."""

    number: int
    commands: tuple[Command, ...]
    line: int
    trial: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something drawn in a figure: its kind, its label, and Python for its values."""

    kind: str
    label: str
    values: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of values that the blocks before it computed."""

    number: int
    name: str
    settings: Mapping[str, str]
    marks: tuple[Mark, ...]
    line: int


Block: TypeAlias = Prose | Code | Commands | Picture


@dataclass(frozen=True, kw_only=True)
class Card:
    """What stands in a lesson's front matter, and how much there is to read."""

    name: str
    title: str
    group: str
    order: int
    summary: str
    minutes: int
    questions: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson that has been read completely."""

    card: Card
    blocks: tuple[Block, ...]

    def runnable(self) -> Iterator[Code | Commands | Picture]:
        """The blocks that are run, in their order."""
        for block in self.blocks:
            if not isinstance(block, Prose) and not (isinstance(block, Commands) and block.trial):
                yield block

    @property
    def trials(self) -> tuple[Command, ...]:
        """The commands at the end, for the reader to try."""
        return tuple(
            command
            for block in self.blocks
            if isinstance(block, Commands) and block.trial
            for command in block.commands
        )
