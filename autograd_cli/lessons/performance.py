"""Runs the blocks of a lesson, and holds what they do against what the lesson claims."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from autograd_cli.lessons.lesson import Code, Command, Commands, Lesson, Picture
from autograd_cli.lessons.session import Ending, Session
from autograd_cli.results.lessons import BlockRun, Claim

ANYTHING = "..."  # in an expected output

Agx = Callable[[str], tuple[int, str]]  # a command line of agx: its exit code and output
Waiting = Callable[[float], None]


class Performance:
    """A lesson being run in a session, a block at a time and in their order.

    `values` are what the last block was asked for: of a figure, the parts of its marks; of a block
    with questions, what the answers have to be equal to.
    """

    def __init__(
        self, lesson: Lesson, session: Session, place: int, agx: Agx, waiting: Waiting | None = None
    ) -> None:
        self.lesson = lesson
        self.values: list[Any] = []
        self._session = session
        self._place = place
        self._agx = agx
        self._waiting = waiting

    def run(self, block: Code | Commands | Picture) -> BlockRun:
        """Run a block; `broken` says which of its claims did not hold."""
        if isinstance(block, Commands):
            return self._commands(block)
        limit = block.limit if isinstance(block, Code) else Code.limit
        ending = self._session.run(self._place, block.number, limit, self._waiting)
        self.values = ending.values or []
        what = _broken(block, ending)
        if isinstance(block, Picture):
            kind, source = "figure", block.name
        else:
            kind, source = "python", block.source
        return BlockRun(
            kind=kind,
            number=block.number,
            source=source,
            output=ending.output,
            error=_said(ending),
            trace=ending.trace,
            seconds=ending.seconds,
            broken=Claim(what=what, block=block.number, line=_line(block, ending))
            if what
            else None,
        )

    def _commands(self, block: Commands) -> BlockRun:
        begun = time.monotonic()
        outputs, broken = [], ""
        for command in block.commands:
            code, output = self._agx(command.text)
            outputs.append(output)
            broken = broken or complaint(command, code, output)
        return BlockRun(
            kind="console",
            number=block.number,
            source="\n".join(command.text for command in block.commands),
            output=OUTPUTS.join(outputs),
            seconds=time.monotonic() - begun,
            broken=Claim(what=broken, block=block.number, line=block.line) if broken else None,
        )


OUTPUTS = "\x1e"  # between the outputs of several commands: ASCII's record separator


def complaint(command: Command, code: int, output: str) -> str:
    """What is wrong with how a command of the lesson ended; "" if nothing is."""
    if code != command.code:
        return f"exit code {code} instead of {command.code}: {command.text}"
    found = " ".join(output.split())
    missing = [line for line in command.expected if " ".join(line.split()) not in found]
    return f"the output of {command.text!r} lacks {missing[0]!r}" if missing else ""


def _line(block: Code | Picture, ending: Ending) -> int:
    """Where the block went wrong: the line of its statement that raised, or its first one."""
    return block.line + (ending.trace[0][0] - 1 if ending.trace else 0)


def _broken(block: Code | Picture, ending: Ending) -> str:
    if ending.stopped:
        return ending.stopped
    raises = block.raises if isinstance(block, Code) else ""
    if ending.error != raises:
        if not ending.error:
            return f"it did not raise {raises}"
        if ending.error == "AssertionError":
            return f"not true: {ending.trace[-1][1] if ending.trace else ''}"
        return f"it raised {_said(ending)}"
    if isinstance(block, Picture):
        return "" if ending.values else "the figure has no values"
    if block.questions and ending.values is None:
        return "a question has no value"
    if block.expected is not None:
        printed = ending.output + _said(ending)
        if not matches(printed, block.expected):
            return f"it printed {printed.strip()!r} instead of {block.expected!r}"
    return ""


def _said(ending: Ending) -> str:
    """The error as Python writes it at the end of a traceback."""
    if not ending.error:
        return ""
    return f"{ending.error}: {ending.message}" if ending.message else ending.error


def matches(printed: str, expected: str) -> bool:
    """Whether this was to be printed; spaces at the ends of lines do not count."""
    pattern = ".*?".join(map(re.escape, _trimmed(expected).split(ANYTHING)))
    return re.fullmatch(pattern, _trimmed(printed), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def outputs_of(run: BlockRun) -> Sequence[str]:
    """What each command of a console block printed."""
    return run.output.split(OUTPUTS)
