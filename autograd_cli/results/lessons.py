"""Results about lessons: which there are, and what happened when one was run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograd_cli.results import SCHEMA, Scalar

NEW, BEGUN, FINISHED = "new", "begun", "finished"


@dataclass(frozen=True, kw_only=True)
class LessonEntry:
    """A lesson as the list shows it; `minutes` is an estimate of the time it takes to read.

    `excerpt` is where a searched word stands, if one was searched.
    """

    name: str
    title: str
    group: str
    minutes: int
    questions: int
    state: str
    summary: str
    excerpt: str = ""

    def to_dict(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if not self.excerpt:
            del fields["excerpt"]
        return fields


@dataclass(frozen=True, kw_only=True)
class LessonList:
    """Lessons in the order in which they are best read."""

    lessons: tuple[LessonEntry, ...]
    next: str | None = None
    warnings: tuple[str, ...] = ()
    command: str = "lesson"

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "command": self.command,
            "lessons": [entry.to_dict() for entry in self.lessons],
            "next": self.next,
            "warnings": list(self.warnings),
        }

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        yield from self.rows()

    def columns(self) -> tuple[str, ...]:
        return "name", "title", "group", "minutes", "questions", "state", "summary"

    def row(self) -> tuple[Scalar, ...]:
        """The first of the rows."""
        return next(self.rows())

    def rows(self) -> Iterator[tuple[Scalar, ...]]:
        for entry in self.lessons:
            yield tuple(getattr(entry, name) for name in self.columns())


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of a lesson that did not hold: what was said, what came, and where it stands."""

    what: str
    block: int
    line: int

    def __str__(self) -> str:
        return f"block {self.block} (line {self.line}): {self.what}"


@dataclass(frozen=True, kw_only=True)
class BlockRun:
    """What a block did just now: its text, what it printed, and how it ended.

    `error` is the error that it raised, expected or not; "" where there is none. `trace` are the
    lines of the lesson that led to it, each with its number in the block.
    """

    kind: str
    number: int
    source: str
    output: str = ""
    error: str = ""
    trace: tuple[tuple[int, str], ...] = ()
    seconds: float = 0.0
    broken: Claim | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "block": self.number,
            "source": self.source,
            "output": self.output,
            "error": self.error or None,
            "ok": self.broken is None,
        }


@dataclass(frozen=True, kw_only=True)
class LessonRun:
    """A lesson that was run, for programs to read."""

    lesson: str
    title: str
    blocks: tuple[BlockRun, ...]
    warnings: tuple[str, ...] = ()
    command: str = "lesson"

    @property
    def broken(self) -> tuple[Claim, ...]:
        return tuple(block.broken for block in self.blocks if block.broken)

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "command": self.command,
            "lesson": self.lesson,
            "title": self.title,
            "ok": not self.broken,
            "blocks": [block.to_dict() for block in self.blocks],
            "warnings": list(self.warnings),
        }

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        yield from self.rows()

    def columns(self) -> tuple[str, ...]:
        return "lesson", "block", "kind", "ok", "source", "output", "error"

    def row(self) -> tuple[Scalar, ...]:
        """The first of the rows."""
        return next(self.rows())

    def rows(self) -> Iterator[tuple[Scalar, ...]]:
        for block in self.blocks:
            ended = (block.source, block.output, block.error)
            yield (self.lesson, block.number, block.kind, block.broken is None, *ended)
