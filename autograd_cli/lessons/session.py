"""The process that runs lessons, seen from outside: started at once, asked for one block at a time.

Whatever a block does, it can neither keep us waiting beyond its limit nor reach the terminal: it
has no terminal, its input is empty, and what it prints comes through a pipe and is only then shown.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from autograd_cli import interpreter
from autograd_cli.data import room
from autograd_cli.errors import EvaluationError
from autograd_cli.lessons.card import LessonError

PROGRAM = "autograd_cli.lessons.child"
START_LIMIT = 120.0  # seconds for importing torch, on a slow disk
MOST_OUTPUT = 20_000  # characters of one block
MOST_READS = 16  # of the pipe, after a block has ended
PAUSE = 0.1  # seconds between two looks at the clock


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a block ended.

    `error` is the name of an exception, `message` what it says, `trace` the lines of the lesson
    that led to it. `stopped` says why the process is gone, if it is: the time limit, a crash.
    `values` are the values that the block was asked for, and `seconds` is how long it took.
    """

    output: str
    error: str = ""
    message: str = ""
    trace: tuple[tuple[int, str], ...] = ()
    values: list[Any] | None = None
    stopped: str = ""
    seconds: float = 0.0


class Session:
    """A process for these lessons, run one at a time. Use it in a `with` statement."""

    def __init__(self, paths: Sequence[Path], environ: dict[str, str] | None = None) -> None:
        room.prepare()  # that process has the limits of this one
        environ = interpreter.environment(os.environ if environ is None else environ)
        # Code of the lesson is not found in the current directory, nor does it write there.
        self._folder = tempfile.TemporaryDirectory(prefix="agx-lesson-")
        self._process = interpreter.start(
            [*interpreter.command(PROGRAM), *(str(path.resolve()) for path in paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder.name,
            env={**environ, "PYTHONUTF8": "1", "NO_COLOR": "1"},
        )
        self._output = b""
        self._answers = b""
        self._checked = self._ready = self._ended = False
        self.stopped = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def check(self) -> None:
        """Wait until the lessons have been read, and every block as Python. Raises LessonError.

        It takes a moment only, as torch is imported after that.
        """
        fault = self._answer(START_LIMIT, None).get("fault")
        if fault:
            message, hint = fault
            raise LessonError(message, hint=hint)
        self._checked = True

    def start(self, waiting: Callable[[float], None] | None = None) -> None:
        """Wait until torch has been imported. Raises LessonError and EvaluationError."""
        if not self._checked:
            self.check()
        if not self._ready:
            self._answer(START_LIMIT, waiting)
            self._ready = True
        self._output = b""  # what torch had to say at its import

    def run(
        self,
        lesson: int,
        block: int,
        limit: float,
        waiting: Callable[[float], None] | None = None,
    ) -> Ending:
        """Run a block of a lesson (the number among this session's), within `limit` seconds.

        `waiting` is called now and then while it lasts, with the seconds so far.
        """
        if self.stopped:
            return Ending(output="", stopped=self.stopped)
        begun = time.monotonic()
        self.start(waiting)
        started = time.monotonic()
        try:
            self._ask(f"{lesson} {block}")
            answer = self._answer(limit, waiting, begun)
        except _StoppedError as stopped:
            self.stopped = str(stopped)
            return Ending(output=self._taken(), stopped=self.stopped)
        if "ended" in answer:  # the process of this lesson only; there is one for the others
            return Ending(output=self._taken(), stopped=_ended(answer["ended"]))
        error = answer.get("error") or {}
        return Ending(
            output=self._taken(),
            error=error.get("type", ""),
            message=error.get("message", ""),
            trace=tuple((line, text) for line, text in error.get("trace", ())),
            values=answer.get("values"),
            seconds=time.monotonic() - started,
        )

    def finish(self, lesson: int) -> None:
        """The lesson is over; another one may begin."""
        if self.stopped:
            return
        try:
            self._ask(f"{lesson} end")
        except _StoppedError as stopped:
            self.stopped = str(stopped)

    def _ask(self, request: str) -> None:
        stdin = _opened(self._process.stdin)
        try:
            stdin.write(request.encode("ascii") + b"\n")
            stdin.flush()
        except OSError as error:
            raise _StoppedError(self._how_it_ended()) from error

    def _answer(
        self, limit: float, waiting: Callable[[float], None] | None, begun: float | None = None
    ) -> dict[str, Any]:
        """The next answer; what is printed meanwhile is collected."""
        start = time.monotonic()
        answers, output = _opened(self._process.stdout), _opened(self._process.stderr)
        with selectors.DefaultSelector() as selector:
            for stream in (answers, output):
                selector.register(stream, selectors.EVENT_READ)
            while b"\n" not in self._answers:
                now = time.monotonic()
                if now - start > limit:
                    self._end()
                    raise _StoppedError(f"stopped after {limit:g} s, its time limit")
                if waiting is not None:
                    waiting(now - (begun or start))
                for key, _ in selector.select(PAUSE):
                    part = os.read(key.fd, 65536)
                    if key.fileobj is answers:
                        self._answers += part
                        if not part:
                            self._collect(output)
                            raise _StoppedError(self._how_it_ended())
                    elif part:
                        self._keep(part)
                    else:
                        selector.unregister(output)
            self._collect(output)
        line, _, self._answers = self._answers.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise _StoppedError("the block spoiled its own process")
        return answer

    def _collect(self, output: IO[bytes]) -> None:
        """Read what was printed before the answer."""
        os.set_blocking(output.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(MOST_READS):  # a thread that prints for ever must not hold us
                if not (part := os.read(output.fileno(), 65536)):
                    break
                self._keep(part)
        os.set_blocking(output.fileno(), True)

    def _keep(self, part: bytes) -> None:
        if len(self._output) <= 4 * MOST_OUTPUT:
            self._output += part

    def _taken(self) -> str:
        text = self._output.decode("utf-8", "replace").replace("\r\n", "\n")
        self._output = b""
        if len(text) > MOST_OUTPUT:
            return text[:MOST_OUTPUT] + "\n... (it printed more than is shown)\n"
        return text

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._end()
            return "it closed its own streams"
        return _ended(code)

    def _end(self) -> None:
        """End the process and whatever it has started."""
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                _opened(stream).close()
        self._folder.cleanup()


class _StoppedError(EvaluationError):
    """The process is gone."""

    kind = "lesson"


def _ended(code: int) -> str:
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
