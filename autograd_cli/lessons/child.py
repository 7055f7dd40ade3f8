"""The process in which a lesson's Python runs. The one place in the package that runs any text.

It is started as a program with the lesson files as its arguments, reads them itself, and takes from
its standard input nothing but block numbers: so what it runs is what stands in those files. No
other module imports this one. On its standard output go answers, a JSON object a line; what the
blocks print goes to its standard error.

    LESSON BLOCK    run this block of this lesson; an answer follows
    LESSON end      the lesson is over; the same or another one may begin

Torch is imported at once, while the reader of the lesson is still reading. Each lesson runs in a
process of its own, forked from the one that has imported torch, and keeps its state between blocks.
"""

from __future__ import annotations

import io
import json
import linecache
import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import Any, TextIO

from autograd_cli import interpreter
from autograd_cli.errors import AgxError
from autograd_cli.lessons.card import LessonError
from autograd_cli.lessons.lesson import Code, Lesson, Picture
from autograd_cli.lessons.reader import read_lesson

END = "end"
OVER = 121  # the exit code of a lesson's process at its end; any other is a block's doing
VALUES = "__values__"
PLACE = re.compile(r"\s*\(Triggered internally at .*?\)\.?")  # in torch's own sources
FRAME = re.compile(r'  File "(?!<block).*\n(    .*\n?)*')  # of a traceback, outside the lesson


def main(paths: list[str]) -> int:
    """Run the lessons of these files, one at a time, in the order in which they are asked for."""
    requests, answers = _take_streams()
    try:
        lessons = [read_lesson(Path(path)) for path in paths]
        programs = [(lesson, _programs(lesson)) for lesson in lessons]
    except AgxError as error:
        _say(answers, {"fault": [error.message, error.hint]})
        return 1
    _say(answers, {"fault": None})
    _import_torch(lessons)
    _say(answers, {"ready": True})
    for request in iter(requests.readline, b""):
        number, _, block = request.decode("ascii").strip().partition(" ")
        child = os.fork() if len(programs) > 1 and block != END else 0
        if child:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code != OVER:
                _say(answers, {"ended": code})
        elif block != END:
            _serve(*programs[int(number)], block, requests, answers)
            if len(programs) > 1:
                os._exit(OVER)
    return 0


def _import_torch(lessons: Sequence[Lesson]) -> None:
    """Import what the blocks begin with, so that it is there when they are asked for."""
    sources = [
        block.source for one in lessons for block in one.runnable() if isinstance(block, Code)
    ]
    if not any("torch" in source for source in sources):
        return
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    import torch

    if len(lessons) > 1 and any("torch.optim" in source for source in sources):
        torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # dear at its first use


def _take_streams() -> tuple[io.FileIO, TextIO]:
    """Keep the pipes to the other side for ourselves; blocks get an empty input and one output."""
    requests = io.FileIO(os.dup(0))  # unbuffered: what one process leaves, the next one reads
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8", write_through=True)
    warnings.formatwarning = _warning  # type: ignore[assignment]
    return requests, answers


def _warning(message: Warning | str, category: type[Warning], *place: Any) -> str:
    text = FRAME.sub("", PLACE.sub("", str(message))).strip()
    return f"{category.__name__}: {text}\n"


def _say(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def _programs(lesson: Lesson) -> dict[int, CodeType]:
    """Every block as code, by its number. Raises LessonError for one that is not Python."""
    found = {}
    for block in lesson.runnable():
        if isinstance(block, Code):
            sources = [(block.source, _file(block.number), block.line)]
            checks = [question.checks for question in block.questions]
        elif isinstance(block, Picture):
            sources = []
            checks = [f"[{mark.values}]" for mark in block.marks]
        else:
            continue
        if checks:
            sources.append((f"{VALUES} = [{', '.join(checks)}]", "<values>", block.line))
        for source, name, line in sources:
            try:
                code = compile(source, name, "exec")
            except (SyntaxError, ValueError) as error:
                number = line + (getattr(error, "lineno", None) or 1) - 1
                text = (getattr(error, "text", None) or "").strip()
                raise LessonError(
                    f"{lesson.card.path.name}, line {number} (block {block.number}):"
                    f" {getattr(error, 'msg', error)}",
                    hint=f"it says: {text}" if text else "",
                ) from error
            found[2 * block.number + (name == "<values>")] = code
    return found


def _file(number: int) -> str:
    return f"<block {number}>"


def _serve(
    lesson: Lesson,
    program: dict[int, CodeType],
    block: str,
    requests: io.FileIO,
    answers: TextIO,
) -> None:
    """Run this block of a lesson and those that are asked for next, all in one namespace."""
    for one in lesson.runnable():
        if isinstance(one, Code):  # so that tracebacks can quote it
            lines = one.source.splitlines(keepends=True)
            linecache.cache[_file(one.number)] = (len(one.source), None, lines, "")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    while block not in (END, ""):
        error = None
        values: Any = None
        for key in (2 * int(block), 2 * int(block) + 1):
            if key not in program:
                continue
            try:
                exec(program[key], namespace)  # noqa: S102  (what this module is for)
            except BaseException as raised:  # SystemExit and KeyboardInterrupt too end the block
                error = error or _told(raised)
        if namespace.get(VALUES) is not None:
            values = [_plain(value) for value in namespace.pop(VALUES)]
        sys.stdout.flush()
        _say(answers, {"error": error, "values": values})
        block = requests.readline().decode("ascii").strip().partition(" ")[2]


def _told(error: BaseException) -> dict[str, Any]:
    """An error as a learner needs it: what it says, and which lines of the lesson led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith("<block ")]
    if isinstance(error, SyntaxError):
        own = []
    return {
        "type": type(error).__name__,
        "message": PLACE.sub("", str(error)).strip(),
        "trace": [[frame.lineno or 0, (frame.line or "").strip()] for frame in own],
    }


def _plain(value: Any) -> Any:
    """Tensors, and lists of them, as numbers; what has no number is its text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple, range)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    return str(value)


if __name__ == "__main__":
    interpreter.end(main(sys.argv[1:]))
