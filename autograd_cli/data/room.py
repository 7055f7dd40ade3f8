"""How much memory there is, and whether something fits into it before it is made.

Memory that is promised and not there ends a process without a word when it is written to. So what
is large is measured first, against the least of what the machine, the control groups that the
process is in, and its own limits leave.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from autograd_cli.errors import EvaluationError

SHARE = 0.8  # of what there is: the rest is for what comes beside it
TORCH = 640 << 20  # bytes of address space, loaded
TIGHT = 512 << 20  # bytes that fast ways through large blocks may take together
PLENTY = 8 << 30  # with so much, threads and their memory have their place
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
HINT = "try fewer points or smaller shapes"

Reader = Callable[[str], str]

# How libraries say it. Python says it of threads, whose stacks there is no room for.
_SHORTAGE = re.compile(
    "alloc.*memory|out of memory|not enough memory|bad_alloc|bad allocation"
    "|cannot allocate|failed to map segment|can't start new thread"
    "|size calculation overflow|integer multiplication overflow",
    re.IGNORECASE,
)


class MemoryShortageError(EvaluationError):
    """What is asked for does not fit into memory."""

    kind = "memory"


class NoRoomError(MemoryError):
    """The same on its way: no fault of numbers or shapes, so nothing that looks for those stops it.

    `said` is what the user is told.
    """

    def __init__(self, said: MemoryShortageError) -> None:
        super().__init__(said.message)
        self.said = said


def shortage(error: BaseException | None = None) -> MemoryShortageError:
    """What the user is told of an error for which `is_shortage` holds."""
    if isinstance(error, NoRoomError):
        return error.said
    return MemoryShortageError("not enough memory", hint=HINT)


def is_shortage(error: BaseException) -> bool:
    """Whether an error, of whichever library, says that there is not enough memory."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    kinds = (RuntimeError, ImportError, OSError, ValueError)
    return isinstance(error, kinds) and _SHORTAGE.search(str(error)) is not None


def need(size: int, what: str, room: int | None = None) -> None:
    """Raises NoRoomError where `size` bytes are more than a share of the `room` that there is."""
    left = available() if room is None else room
    if left is not None and size > SHARE * left:
        raise NoRoomError(
            MemoryShortageError(
                f"not enough memory: {what} would take {in_units(size)}, and"
                f" {in_units(max(left, 0))} are left",
                hint=HINT,
            )
        )


def in_units(size: int) -> str:
    """`7.5 GiB`, at three digits."""
    value, unit = float(size), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if value <= 1000 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"


def available(read: Reader | None = None) -> int | None:
    """Bytes that this process may still take, or None where nothing says so."""
    read = read or _read
    return min((left for left in _known(read) if left is not None), default=None)


def is_tight() -> bool:
    """Whether the address space has a limit that is near: some libraries end the process there."""
    return min(_of_the_process(_read), default=TIGHT) < TIGHT


def prepare(left: int | None = None) -> None:
    """Makes room for torch, and for what comes with it, where the address space has a limit.

    Libraries of linear algebra end the process when there is none for them or for their threads, so
    that there are no threads then. Raises: NoRoomError where torch could not be loaded.
    """
    if left is None:
        left = min(_of_the_process(_read), default=PLENTY)
    if left < PLENTY:
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # which says when there is no more
    if left < TORCH and "torch" not in sys.modules:
        raise NoRoomError(
            MemoryShortageError(
                f"not enough memory: torch takes {in_units(TORCH)}, and"
                f" {in_units(max(left, 0))} are left",
                hint="raise the limit: ulimit -v",
            )
        )


def _known(read: Reader) -> Iterator[int | None]:
    yield _of_the_machine(read)
    yield from _of_control_groups(read)
    yield from _of_the_process(read)


def _of_the_machine(read: Reader) -> int | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = re.search(r"^MemAvailable:\s*(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
        if found:
            return int(found[1]) << 10
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no Linux: all that there is
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


# Of each version of control groups: where they are, and the files of the limit and of what is used,
# and in which line of memory.stat stands what can be given back at once, being a copy of a file.
_GROUPS = {
    "": ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def _of_control_groups(read: Reader) -> Iterator[int | None]:
    """What each control group leaves that the process is in, and each that those are in."""
    try:
        lines = read("/proc/self/cgroup").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, own = rest.partition(":")
        kind = "memory" if "memory" in controllers.split(",") else controllers
        if kind not in _GROUPS:
            continue
        root, limit, used, unused = _GROUPS[kind]
        path = PurePosixPath("/", own.lstrip("/"))
        # Within a container, the path may be that outside of it: the root is the own group then.
        for group in (path, *path.parents):
            folder = root + str(group).rstrip("/")
            with contextlib.suppress(OSError, ValueError):
                bound = int(read(f"{folder}/{limit}"))  # or the word max
                yield bound - int(read(f"{folder}/{used}")) + _idle(read, folder, unused)


def _idle(read: Reader, folder: str, name: str) -> int:
    with contextlib.suppress(OSError):
        found = re.search(rf"^{name} (\d+)$", read(f"{folder}/memory.stat"), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


# The limits of a process, and where in /proc/self/statm stands what they count, in pages.
_OWN = {"RLIMIT_AS": 0, "RLIMIT_DATA": 5}


def _of_the_process(read: Reader) -> Iterator[int]:
    for name, place in _OWN.items():
        bound = _own_limit(name)
        if bound is None:
            continue
        used = 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            used = int(read("/proc/self/statm").split()[place]) * os.sysconf("SC_PAGE_SIZE")
        yield bound - used


def _own_limit(name: str) -> int | None:
    try:
        import resource
    except ImportError:  # not POSIX
        return None
    if not hasattr(resource, name):
        return None
    bound, _ = resource.getrlimit(getattr(resource, name))
    return None if bound == resource.RLIM_INFINITY else bound


def _read(path: str) -> str:
    return Path(path).read_text(encoding="ascii", errors="replace")
