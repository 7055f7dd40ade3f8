"""Symbolic derivatives, from the side of the program that asks for them.

SymPy may be slow or never come back, so it works in a process of its own, within limits of time
and memory. Nothing here imports SymPy or torch: a worker that is started before torch is imported
gets ready while torch is loading.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from autograd_cli import interpreter
from autograd_cli.data.room import MemoryShortageError
from autograd_cli.errors import EvaluationError, ReadError, Span
from autograd_cli.language.symbolic.limits import MEMORY as SHORTAGE
from autograd_cli.language.symbolic.limits import SECONDS, WALL
from autograd_cli.results import Value
from autograd_cli.results.array import Array

MEMORY = 2 << 30
TRANSLATION_SECONDS = 10.0

MAX_REQUEST = 60_000  # bytes; what fits into a pipe is sent at once, and more has no closed form
GUARD = 30.0  # seconds beyond the limit, for a machine so busy that imports take that long

TIME = "no closed form in time"


@dataclass(frozen=True)
class Answer:
    """Formulas of derivatives by variable, or a note on why there are none.

    `gradient` has the formulas as text, in the shapes of the variables (nested lists); `latex` the
    same in LaTeX, and the expression itself under the name "". `points` are the formulas evaluated
    at the points that were given, as far as there was time (see `evaluated`).
    """

    gradient: Mapping[str, Value] = field(default_factory=dict)
    latex: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    points: Sequence[Mapping[str, Any]] = ()


class Worker:
    """A process that answers one request.

    No failure of the process raises: it becomes the note of the answer.
    """

    def __init__(self, process: subprocess.Popen[bytes] | None, seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._reply: dict[str, Any] | None = None
        self._points: bytes | None = None
        if process is None:
            self._reply = {"note": "no formulas: Python could not be started again"}
        else:
            self._end = weakref.finalize(self, _end, process)

    @classmethod
    def start(cls, seconds: float = SECONDS, memory: int = MEMORY) -> Worker:
        """Starts a process with limits in seconds and bytes, and does not wait for it."""
        command = [*interpreter.command(f"{__name__}.worker"), str(seconds), str(memory)]
        try:
            process = interpreter.start(  # Ctrl-C is for the parent, which then ends the worker
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=interpreter.environment(os.environ),
            )
        except (OSError, ValueError):
            return cls(None, seconds)
        return cls(process, seconds)

    def ask(self, request: Mapping[str, Any]) -> None:
        """Sends the request; the answer is waited for by `answer`."""
        if self._reply is not None or self._process is None or self._process.stdin is None:
            return
        try:
            line = json.dumps(request, default=_listed).encode("ascii") + b"\n"
        except OverflowError:
            line = b""
        if not line or len(line) > MAX_REQUEST:
            self._reply = {"note": "no closed form: the expression is too long"}
            self.close()
            return
        with contextlib.suppress(OSError):  # it has died; the answer will say of what
            self._process.stdin.write(line)
            if request.get("follows"):
                return
            self._process.stdin.close()
        self._process.stdin = None

    def place(self, points: Mapping[str, Any]) -> None:
        """The points at which the formulas are to be evaluated, of a request that they follow."""
        self._points = json.dumps(points).encode("ascii") + b"\n"

    def answer(self) -> Answer:
        """Waits for the answer, not much longer than the time limit."""
        reply = self.reply()
        return Answer(
            reply.get("gradient", {}),
            reply.get("latex", {}),
            reply.get("note", ""),
            reply.get("points", ()),
        )

    def reply(self) -> Mapping[str, Any]:
        """The answer as it came; a death of the process is a note."""
        if self._reply is None:
            self._reply = self._wait()
        return self._reply

    def close(self) -> None:
        """Ends the process, if it has not ended, and frees what it held."""
        if self._process is not None:
            self._end()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _wait(self) -> dict[str, Any]:
        assert self._process is not None
        try:
            output, _ = self._process.communicate(
                self._points if self._process.stdin else None, WALL * self._seconds + GUARD
            )
        except subprocess.TimeoutExpired:
            self.close()
            return {"note": TIME}
        except (OSError, ValueError):  # closed before it was asked
            self.close()
            return {"note": "no formulas: nothing was asked for"}
        lines = output.splitlines()
        reply: dict[str, Any] = {}
        with contextlib.suppress(ValueError, TypeError):  # it died while answering
            for line in lines[1:]:
                reply |= json.loads(line)
        if reply:
            return reply
        return {"note": _epitaph(self._process.returncode, ready=bool(lines))}


def _listed(value: Any) -> list[Any]:
    """An array as JSON has it. Raises OverflowError for one that is too long for any request."""
    if not isinstance(value, Array):
        raise TypeError(f"{type(value).__name__} is no part of a request")
    if value.size > MAX_REQUEST:
        raise OverflowError
    return list(value)


def _epitaph(code: int, *, ready: bool) -> str:
    """What a process died of."""
    if code in (-getattr(signal, "SIGPROF", 27), -getattr(signal, "SIGALRM", 14)):
        return TIME
    if code == -getattr(signal, "SIGKILL", 9):  # the system's answer to a shortage
        return SHORTAGE
    if not ready:
        return "no formulas: SymPy could not be started"
    return "no closed form that SymPy can find"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and takes note of its end, so that no zombie is left."""
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def translate(text: str, syntax: str, seconds: float = TRANSLATION_SECONDS) -> str:
    """A formula of Mathematica as text in the language of agx.

    Raises: ReadError where it cannot be understood, EvaluationError if the limits were reached,
    MemoryShortageError if those were of memory.
    """
    with Worker.start(seconds) as worker:
        worker.ask({"task": "read", "text": text, "syntax": syntax})
        reply = worker.reply()
    if "source" in reply:
        return str(reply["source"])
    if "error" not in reply:
        if reply["note"] == SHORTAGE:
            raise MemoryShortageError(f"not enough memory to read the {syntax} text")
        reason = "it took too long" if reply["note"] == TIME else str(reply["note"])
        raise EvaluationError(f"the {syntax} text could not be read: {reason}")
    start, end = reply.get("column"), reply.get("end")
    span = None if start is None else Span(start, start + 1 if end is None else end)
    raise ReadError(reply["error"], hint=reply.get("hint") or "", span=span, source=text)
