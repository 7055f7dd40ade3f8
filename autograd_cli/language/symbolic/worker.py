"""The program that does the symbolic work: one request in, one answer out, within hard limits.

`python -P -m autograd_cli.language.symbolic.worker SECONDS BYTES` imports SymPy, writes the line
`ready`, reads one JSON request from its standard input, writes one JSON answer and exits. Where
points follow a request for formulas, it then reads another line, the points, and writes another:
`{"points": …}`, what the formulas are there (see `evaluated`). The time limit is the kernel's: a
Python timeout could not interrupt a multiplication of huge integers.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from autograd_cli.data.room import is_shortage
from autograd_cli.language.symbolic.limits import MEMORY, WALL

RECURSION = 6_000  # SymPy descends into an expression with some ten frames a level


def main() -> None:
    gc.set_threshold(100_000, 20, 20)  # what SymPy's import makes lives to the end
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody else writes there
    try:
        from autograd_cli.language.symbolic import calculus, gradients  # noqa: F401
    except (ImportError, MemoryError) as error:
        nothing = "no formulas: SymPy is not installed"
        _say(answers, {"note": MEMORY if is_shortage(error) else nothing})
        return
    answers.write("ready\n")
    answers.flush()
    line = sys.stdin.readline()
    if not line:  # the parent has gone, or does not want to know
        return
    request = json.loads(line)
    if request.get("task") == "read":
        _load_parser()
    _limit_memory(memory)
    _limit_time(max(seconds, 0.001))
    sys.setrecursionlimit(RECURSION)
    answer = respond(request)
    formulas = answer.pop("formulas", None)
    _say(answers, answer)
    if formulas is not None:
        _limit_time(0)  # the points come when the other side has them
        if line := sys.stdin.readline():
            _limit_time(seconds / 2)
            _say(answers, _evaluated(formulas, json.loads(line), seconds / 2))


def respond(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request; whatever SymPy fails at becomes a note."""
    from autograd_cli.errors import AgxError
    from autograd_cli.language.symbolic.calculus import rules_of_autograd
    from autograd_cli.language.symbolic.forms import NoClosedForm

    try:
        if request["task"] == "read":
            from autograd_cli.language import foreign

            return {"source": foreign.translate(request["text"], request["syntax"])}
        with rules_of_autograd():
            return _task(request["task"])(request)
    except AgxError as error:
        return {
            "note": f"no closed form: {error.message}",
            "error": error.message,
            "kind": error.kind,
            "hint": error.hint,
            "column": error.span.start if error.span else None,
            "end": error.span.end if error.span else None,
        }
    except NoClosedForm as reason:
        return {"note": str(reason)}
    except MemoryError:
        return {"note": MEMORY}
    except RecursionError:
        return {"note": "no closed form: it is nested too deeply"}
    except Exception as error:  # SymPy's own failures, of any kind
        return {"note": MEMORY if is_shortage(error) else "no closed form that SymPy can find"}


def _evaluated(
    formulas: Mapping[str, Any], question: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """What the formulas are at points; nothing where that cannot be found out."""
    from autograd_cli.language.symbolic.evaluated import evaluated

    try:
        return {"points": evaluated(formulas, question, seconds)}
    except Exception:  # mpmath's own failures, of any kind
        return {"points": []}


# Where the tasks are; each module is imported when it is asked for.
_TASKS = {
    "gradient": "gradients",
    "jacobian": "derivative_matrices",
    "hessian": "derivative_matrices",
    "referee": "referee",
    "program": "program",
    "quadratic": "quadratic",
}


def _task(name: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    module = importlib.import_module(f"autograd_cli.language.symbolic.{_TASKS[name]}")
    return cast(Callable[[Mapping[str, Any]], dict[str, Any]], getattr(module, name))


def _say(answers: Any, answer: Mapping[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _load_parser() -> None:
    """Imports SymPy's parser before the limits hold: importing is not the work."""
    from autograd_cli.language.symbolic import from_mathematica  # noqa: F401


def _limit_time(seconds: float) -> None:
    """`seconds` of processor time, so that a busy machine gives the same answers as an idle one,
    and a wall-clock limit in case the process gets no processor; 0 is no limit."""
    if hasattr(signal, "setitimer"):
        for number, timer, limit in (
            (signal.SIGPROF, signal.ITIMER_PROF, seconds),
            (signal.SIGALRM, signal.ITIMER_REAL, WALL * seconds),
        ):
            signal.signal(number, signal.SIG_DFL)
            signal.setitimer(timer, limit)


def _limit_memory(memory: int) -> None:
    """`memory` bytes beyond what is mapped now; no core dumps."""
    try:
        import resource
    except ImportError:  # not POSIX: the parent's clock is the only limit
        return
    for which, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, _mapped() + memory),
    ):
        _, hard = resource.getrlimit(which)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(ValueError, OSError):  # this system does not limit that
            resource.setrlimit(which, (allowed, allowed))


def _mapped() -> int:
    """The address space in use, in bytes."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 30


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the other side waits for the end, and taking SymPy apart takes a while
