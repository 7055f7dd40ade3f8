"""How far a learner is: a small file in the user's state directory (XDG)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograd_cli.data.textfile import read_text
from autograd_cli.errors import FileError
from autograd_cli.lessons.lesson import Card
from autograd_cli.render.output import open_text, replacing
from autograd_cli.results.lessons import BEGUN, FINISHED, NEW

FILE = Path("agx", "lessons.json")
SPOILED = (  # what a file that anybody may have written can lead to: numbers, depth, other types
    *(ValueError, KeyError, TypeError, AttributeError),
    *(OverflowError, RecursionError),
)


@dataclass
class Progress:
    """The state of each lesson that was begun, the most recent one last.

    `states` maps names to `begun` or `finished`, `answers` to the questions answered rightly;
    `fault` says why a file that is there could not be read.
    """

    file: Path
    states: dict[str, str] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Progress:
        """What is known; a file that is missing or spoiled is no progress."""
        file = state_directory(environ) / FILE
        try:
            content: Any = json.loads(read_text(file))
            lessons = dict(content["lessons"])
            states = {str(name): str(one["state"]) for name, one in lessons.items()}
            answers = {str(name): int(one.get("answers", 0)) for name, one in lessons.items()}
        except FileError as error:
            is_missing = isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError))
            return cls(file, fault="" if is_missing else error.message)
        except SPOILED:
            return cls(file)
        return cls(file, states, answers)

    def state(self, name: str) -> str:
        known = self.states.get(name, NEW)
        return known if known in (BEGUN, FINISHED) else NEW

    def begin(self, name: str) -> None:
        """The lesson is the most recent one; finished it stays finished."""
        self.states[name] = self.states.pop(name, BEGUN)

    def finish(self, name: str) -> None:
        self.states.pop(name, None)
        self.states[name] = FINISHED

    def answered(self, name: str, right: int) -> None:
        self.answers[name] = max(right, self.answers.get(name, 0))

    def next(self, cards: Sequence[Card]) -> Card | None:
        """Where to go on: the lesson that was begun last, or the first new one after it."""
        names = [card.name for card in cards]
        recent = [name for name in self.states if name in names]
        start = names.index(recent[-1]) if recent else 0
        for card in [*cards[start:], *cards[:start]]:
            if self.state(card.name) != FINISHED:
                return card
        return None

    def forget(self, name: str | None = None) -> None:
        """Forget a lesson, or all of them."""
        if name is None:
            self.states.clear()
            self.answers.clear()
        self.states.pop(name or "", None)
        self.answers.pop(name or "", None)

    def save(self) -> None:
        """Write it, all or nothing. Raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lessons = {
            name: {"state": state, "answers": self.answers.get(name, 0)}
            for name, state in self.states.items()
        }
        text = json.dumps({"schema": "agx/1", "lessons": lessons}, indent=2) + "\n"
        with replacing(self.file, open_text) as out:
            out.write(text)


def state_directory(environ: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME`, which counts only if it is absolute, or `~/.local/state`."""
    named = Path(environ.get("XDG_STATE_HOME", ""))
    if named.is_absolute():
        return named
    return Path(environ.get("HOME") or Path.home()) / ".local" / "state"
