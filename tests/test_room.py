"""Memory: what is left is known, what does not fit is refused before it is made, and a shortage is
called so, whatever library says it."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest
import torch
from cli_runner import PROGRAM, environment, run

from autograd_cli.data import room
from autograd_cli.data.room import NoRoomError, available, in_units, is_shortage, need
from autograd_cli.engine.core import sizes
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import _handler, evaluate
from autograd_cli.engine.core.operations import operation
from autograd_cli.engine.core.sizes import constant_shape, need_result
from autograd_cli.errors import AgxError
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

MIB = 1 << 20
CONTEXT = resolve(Settings())

# What is left ------------------------------------------------------------------------------------

MEMINFO = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    4000000 kB\n"


def left(files: Mapping[str, str]) -> int | None:
    """What would be left on a machine with these files."""

    def read(path: str) -> str:
        try:
            return files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    return available(read)


V2 = "/sys/fs/cgroup"
V1 = "/sys/fs/cgroup/memory"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 4_000_000 << 10),
        ({"/proc/self/cgroup": "0::/a/b\n"}, 4_000_000 << 10),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                f"{V2}/a/b/memory.max": "max\n",
                f"{V2}/a/b/memory.current": "100\n",
                f"{V2}/a/memory.max": "1000000\n",
                f"{V2}/a/memory.current": "400000\n",
            },
            600_000,
        ),
        (
            {
                "/proc/self/cgroup": "0::/\n",
                f"{V2}/memory.max": "1000000\n",
                f"{V2}/memory.current": "900000\n",
                f"{V2}/memory.stat": "anon 7\nfile 300000\ninactive_file 250000\n",
            },
            350_000,
        ),
        (  # in a container the path is that outside of it
            {
                "/proc/self/cgroup": "12:cpu:/x\n4:memory:/docker/123\n",
                f"{V1}/memory.limit_in_bytes": "2000000\n",
                f"{V1}/memory.usage_in_bytes": "500000\n",
                f"{V1}/memory.stat": "inactive_file 1\ntotal_inactive_file 100000\n",
            },
            1_600_000,
        ),
        (
            {
                "/proc/self/cgroup": "4:cpu,memory:/s\n0::/\n",
                f"{V1}/s/memory.limit_in_bytes": "2000000\n",
                f"{V1}/s/memory.usage_in_bytes": "1500000\n",
                f"{V1}/memory.limit_in_bytes": "9223372036854771712\n",
                f"{V1}/memory.usage_in_bytes": "1500000\n",
            },
            500_000,
        ),
    ],
    ids=["machine", "unreadable", "v2 above", "v2 files", "v1 container", "v1"],
)
def test_what_is_left(files: Mapping[str, str], expected: int) -> None:
    assert left({"/proc/meminfo": MEMINFO, **files}) == expected


LIMITED = """
import resource
from autograd_cli.data import room
before = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
print((1 << 30) - before, room.available())
"""


def test_the_limit_of_the_process_itself() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, env=environment()
    )
    expected, told = map(int, found.stdout.split())
    assert abs(expected - told) < 4 * MIB


def test_no_more_than_a_share_is_taken() -> None:
    need(800, "this", room=1000)
    with pytest.raises(NoRoomError, match="this would take 801 bytes, and 1000 bytes are left"):
        need(801, "this", room=1000)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1024, "1.0 KiB"),
        (80_000_000, "76.3 MiB"),
        (500 * MIB, "500 MiB"),
        (8_000_000_000, "7.5 GiB"),
        (10**18, "909495 TiB"),
    ],
)
def test_sizes_in_units(size: int, text: str) -> None:
    assert in_units(size) == text


# What is refused ---------------------------------------------------------------------------------


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 MiB are left: ten million numbers fit in, more do not."""
    monkeypatch.setattr(room, "available", lambda read=None: 100 * MIB)


TOO_LARGE = (
    ("zeros(10**8)", "zeros"),
    ("ones(10**4, 10**4)", "ones"),
    ("full([10**4, 10**4], 2)", "full"),
    ("eye(10**4)", "eye"),
    ("rand(10**8)", "rand"),
    ("randn(10**8)", "randn"),
    ("linspace(0, 1, 10**8)", "linspace"),
    ("arange(10**8)", "arange"),
    ("arange(0, 1, 1e-8)", "arange"),
    ("zeros(10**10, 10**10)", ""),
    ("ones(10**4)*ones(10**4, 1)", "the result of *"),
    ("c + v", "the result of +"),
    ("where(c > v, 1, 0)", "the result of >"),
    ("where(v > 0, c, 0)", "the result of where"),
    ("maximum(v, c)", "the result of maximum"),
    ("outer(v, v)", "the result of outer"),
    ("c @ r", "the result of @"),
    ("kron(ones(100, 100), ones(100, 100))", "the result of kron"),
    ("diag(v)", "the result of diag"),
    ("sum(sin(outer(v, v)))", "the result of outer"),
    ("[w, w, w, w, w]", "this list"),
    ("w + zeros(10**8)", "zeros"),
)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(("text", "what"), TOO_LARGE, ids=[text for text, _ in TOO_LARGE])
def test_what_does_not_fit_is_refused_before_it_is_made(text: str, what: str) -> None:
    names = [name for name in SIZES if re.search(rf"\b{name}\b", text)]
    at = [word for name in names for word in ("--at", f"{name}=ones({SIZES[name]})")]
    peak = allocated()
    found = run("eval", f"sum({text})", *at)
    assert allocated() - peak < 60 * MIB
    assert (found.code, found.out) == (3, "")
    message, *place, hint = found.err.splitlines()
    assert message.startswith(f"error: not enough memory{f': {what} would take' if what else ''}")
    assert len(place) == 2
    assert hint == "  hint: try fewer points or smaller shapes"


SIZES = {"v": "10**4", "c": "10**4, 1", "r": "1, 10**4", "w": "3*10**6"}


def allocated() -> int:
    """The most memory that this process has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    "text", ["zeros(10**7)", "outer(ones(3000), ones(3000))", "ones(3000)*ones(3000, 1)"]
)
def test_what_fits_is_computed(text: str) -> None:
    assert run("eval", f"0*sum({text})").code == 0


CONSTANTS = (
    *("zeros(3, 2)", "ones(4)", "ones(())", "full(3, 1)", "full([3, 2], 1)", "eye(3)", "eye(3, 2)"),
    *("rand(2, 3)", "randn(5)", "linspace(0, 1, 6)", "arange(6)", "arange(1, 6)", "arange(0)"),
    *("arange(0, 1, 0.3)", "arange(5, 0, -2)", "zeros(0)"),
)


def test_the_shape_of_every_constant_is_known_from_its_options() -> None:
    measured = set()
    for text in CONSTANTS:
        try:
            expression = read(text)
        except AgxError:  # a spelling that the language has not
            continue
        node = expression.nodes[expression.root]
        value = evaluate(expression, {}, CONTEXT)[expression.root]
        assert tuple(constant_shape(dict(node.options))) == tuple(value.shape), text
        measured.add(node.op)
    assert measured == {row.name for row in FUNCTIONS.values() if row.family == "constructor"}


OPERANDS = ((3,), (3, 3), (1, 3), (3, 1), (2, 3, 3), ())


def number_array(shape: tuple[int, ...]) -> torch.Tensor:
    """Between 0 and 1, and a matrix that has an inverse and all else where it is square."""
    if shape[-2:] == (3, 3):
        return (torch.eye(3, dtype=torch.float64) * 0.5 + 0.1).expand(shape).clone()
    return torch.full(shape, 0.5, dtype=torch.float64)


@pytest.mark.parametrize(
    "name", [row.name for row in FUNCTIONS.values() if row.size or row.elementwise]
)
def test_the_shape_of_a_result_is_known_from_those_of_its_operands(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever shapes fit together: as large as torch's own result, and as many bytes a number."""
    row = FUNCTIONS[name]
    told: list[int] = []
    monkeypatch.setattr(sizes, "LARGE", 1)
    monkeypatch.setattr(room, "need", lambda size, what, left=None: told.append(size))
    count = sum(part.default is None for part in row.operands)
    compared = 0
    for shapes in itertools.product(OPERANDS, repeat=count):
        operands = [number_array(shape) for shape in shapes]
        if row.is_condition and row.name.startswith("logical"):
            operands = [operand > 0 for operand in operands]
        elif row.operands[0].name == "condition":
            operands[0] = operands[0] > 0
        options = {
            option.name: 2 if option.name == "n" else -1
            for option in row.options
            if option.name in ("n", "dim")
        }
        if row.name == "clamp":
            options = {"min": 0.0}
        try:
            with CONTEXT.defaults():
                result = operation(row)(*operands, **options)
        except (RuntimeError, IndexError, AgxError, TypeError, ValueError):
            continue
        told.clear()
        with CONTEXT.defaults():
            need_result(row, operands, name)
        assert told == [result.numel() * result.element_size()], (name, shapes)
        compared += 1
    assert compared


@pytest.mark.parametrize("name", [r.name for r in FUNCTIONS.values() if sizes.threshold(r) > 1e18])
def test_what_is_not_measured_is_no_larger_than_its_operands(name: str) -> None:
    row = FUNCTIONS[name]
    if row.family == "constructor":
        return
    count = sum(part.default is None for part in row.operands)
    compared = 0
    for shapes in itertools.product(OPERANDS, repeat=count):
        operands = [number_array(shape) for shape in shapes]
        if name == "cross_entropy" and shapes[0] != shapes[1]:
            continue
        try:
            with CONTEXT.defaults():
                result = operation(row)(*operands)
        except (RuntimeError, IndexError, AgxError, TypeError, ValueError):
            continue
        size = result.numel() if isinstance(result, torch.Tensor) else 1
        assert size <= max(1, *(one.numel() for one in operands)) or name == "solve"
        compared += 1
    assert compared


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("jacobian", "sin(x)", "--at", "x=ones(5000)"), "a Jacobian of 5000×5000"),
        (("hessian", "sum(sin(x)**2)", "--at", "x=ones(5000)"), "a Hessian of 5000×5000"),
        (("eval", "x", "--grid", "x=0:1:10000000"), "an axis of 10,000,000 points"),
        (("grad", "x", "--grid", "x=0:1:10000000", "--json"), "an axis of 10,000,000 points"),
        (("plot", "x", "--grid", "x=0:1:1000000"), "a plot of 1,000,000 points"),
        (("plot", "x*y", "--grid", "x=0:1:1000,y=0:1:1000"), "a plot of 1,000,000 points"),
        (("grad", "sum(outer(x, x))", "--at", "x=ones(5000)"), "the result of outer"),
        (("check", "sum(outer(x, x))", "--at", "x=ones(5000)"), "the result of outer"),
        (("graph", "sum(outer(x, x))", "--at", "x=ones(5000)"), "the result of outer"),
        (("explain", "sum(outer(x, x))", "--at", "x=ones(5000)"), "the result of outer"),
        (("fit", "minimize", "sum(x**2)", "--start", "x=ones(10**8)"), "ones"),
        (("fit", "mlp", "--hidden", "4096,4096,4096"), "a network of"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_results_and_grids_that_do_not_fit(words: tuple[str, ...], what: str) -> None:
    found = run(*words)
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith(
        '{"schema"' if "--json" in words else f"error: not enough memory: {what} "
    )
    if "--json" in words:
        error = json.loads(found.err)["error"]
        assert error["kind"] == "memory"
        assert error["message"].startswith(f"not enough memory: {what} ")


@pytest.mark.usefixtures("little")
def test_many_points_each_with_a_large_matrix_are_computed_one_by_one() -> None:
    """All together they would not fit, and each does."""
    found = run("eval", "sum(outer(x*ones(1000), ones(1000)))", "--grid", "x=0:40:41", "-f", "csv")
    assert found.code == 0
    rows = [tuple(map(float, line.split(","))) for line in found.out.splitlines()[1:]]
    assert rows == [(float(x), x * 1e6) for x in range(41)]


# A shortage --------------------------------------------------------------------------------------

SAID = (
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate"
                 " memory: you tried to allocate 8000 bytes. Error code 12 (Cannot allocate)"),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    RuntimeError("std::bad_alloc"),
    RuntimeError("can't start new thread"),
    OSError(12, "Cannot allocate memory"),
    ImportError("libtorch_cpu.so: failed to map segment from shared object"),
)  # fmt: skip


@pytest.mark.parametrize("error", SAID, ids=str)
@pytest.mark.parametrize("is_json", [False, True])
def test_a_shortage_is_called_so(
    error: Exception, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "sinh", fail)
    for cache in (operation, _handler):
        cache.cache_clear()
    try:
        found = run("eval", "sinh(x)", "--at", "x=1", *(["--json"] if is_json else []))
    finally:
        for cache in (operation, _handler):
            cache.cache_clear()
    assert is_shortage(error)
    assert found.code == 3
    if is_json:
        assert json.loads(found.err)["error"]["message"] == "not enough memory"
    else:
        assert found.err.startswith("error: not enough memory\n")


@pytest.mark.parametrize(
    "error",
    [RuntimeError("expected a matrix"), ValueError("no"), OSError(2, "gone"), AgxError("memory")],
)
def test_what_is_none(error: Exception) -> None:
    assert not is_shortage(error)


def limited(*words: str, kilobytes: int) -> subprocess.CompletedProcess[str]:
    """agx with so much address space."""
    import resource

    limit = kilobytes << 10
    return subprocess.run(
        [*PROGRAM, *words],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        timeout=300,
        check=False,
    )


LITTLE = (
    ("eval", "sum(outer(x, x))", "--at", "x=randn(30000)"),
    ("grad", "sum(sin(x)*cos(x))", "--at", "x=randn(20000000)"),
    ("hessian", "sum(x)**2", "--at", "x=randn(20000)"),
    ("eval", "sum(randn(10**8))", "--json"),
    ("check", "sum(outer(x, x))", "--at", "x=randn(30000)"),
    ("fit", "minimize", "sum(x**2)", "--start", "x=randn(10**8)"),
    ("eval", "x", "--grid", "x=0:1:90000000", "-o", os.devnull, "-f", "csv"),
)


@pytest.mark.parametrize("kilobytes", [120_000, 500_000, 640_000, 1_000_000])
@pytest.mark.parametrize("words", LITTLE, ids=" ".join)
def test_little_memory(words: tuple[str, ...], kilobytes: int) -> None:
    found = limited(*words, kilobytes=kilobytes)
    assert found.returncode == 3, found.stderr
    assert "not enough memory" in found.stderr
    assert "internal" not in found.stderr
    assert "Traceback" not in found.stderr
    assert found.stdout == ""


def test_a_shortage_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    found = run("eval", "x", "--grid", "x=0:1:200000", "-f", "csv", "--jobs", "2")
    assert found.code == 3
    assert "error: not enough memory\n" in found.err


SCANNED = (
    ("grad", "x**2", "--at", "x=1"),
    ("eval", "x", "--grid", "x=0:1:300000", "-f", "csv"),
    ("lesson", "first-gradient"),
    ("fit", "linear", "-q"),
)


@pytest.mark.parametrize("kilobytes", [150_000, 300_000, 500_000, 660_000, 720_000, 760_000])
@pytest.mark.parametrize("words", SCANNED, ids=" ".join)
def test_near_the_least_memory_nothing_crashes(words: tuple[str, ...], kilobytes: int) -> None:
    """Libraries that would end the process are not loaded where there is no room for them."""
    found = limited(*words, kilobytes=kilobytes)
    assert found.returncode in (0, 3), found.stderr
    if found.returncode:
        assert "not enough memory" in found.stderr
