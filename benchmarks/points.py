"""Many points: gradients in memory against torch, jax and numpy; from CSV to CSV against scripts.

In memory every contender computes the value and the gradient at the same million points, with one
thread, one after the other in alternating order; the ratio is the median over the rounds of a
contender's time over agx's in the same round. End to end whole commands are timed, with the peak of
their memory. Peers that are not installed are left out.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import machine, report

QUAD = "x**2 + 2*x*y + y**2"
MIX = "sin(x)*exp(-y**2) + log(1 + x**2*y**2)"
OP30 = (
    "sin(x)*exp(-y**2) + log(1 + x**2*y**2) + sqrt(1 + x**2)*tanh(x*y)"
    " - cos(x + y)/(2 + sin(x*y)) + exp(-x**2/2)*y"
)
ROS10 = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
DIMENSIONS = 10

# Each as everybody writes it, for the arrays of one of these libraries.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "quad": lambda m, x, y: x**2 + 2 * x * y + y**2,
    "mix": lambda m, x, y: m.sin(x) * m.exp(-(y**2)) + m.log(1 + x**2 * y**2),
    "op30": lambda m, x, y: (
        m.sin(x) * m.exp(-(y**2))
        + m.log(1 + x**2 * y**2)
        + m.sqrt(1 + x**2) * m.tanh(x * y)
        - m.cos(x + y) / (2 + m.sin(x * y))
        + m.exp(-(x**2) / 2) * y
    ),
    "ros10": lambda m, x: (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(
        -1
    ),
}
TEXTS = {"quad": QUAD, "mix": MIX, "op30": OP30, "ros10": ROS10}

# How many times as long the peer may take at least, by problem.
GOALS: Mapping[tuple[str, str], float] = {
    ("quad", "torch, whole batch"): 2,
    ("mix", "torch, whole batch"): 2,
    ("op30", "torch, whole batch"): 2,
    ("ros10", "torch, whole batch"): 1,
    ("mix", "jax jit(vmap(grad))"): 2,
    ("op30", "jax jit(vmap(grad))"): 2,
    ("quad", "SymPy lambdify, numpy"): 1,
    ("mix", "SymPy lambdify, numpy"): 1,
    ("op30", "SymPy lambdify, numpy"): 1,
}

Contender = Callable[[], object]


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


# In memory ---------------------------------------------------------------------------------------


def contenders(problem: str, count: int) -> dict[str, Contender]:
    """agx first, then the peers that are installed."""
    import torch

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    shape = (count, DIMENSIONS) if problem == "ros10" else (count,)
    names = ("x",) if problem == "ros10" else ("x", "y")
    points = {name: torch.randn(shape, dtype=torch.float64, generator=generator) for name in names}
    found: dict[str, Contender] = {"agx": agx(problem, points, fast=problem != "ros10")}
    if problem != "ros10":
        found["agx --via autograd"] = agx(problem, points, fast=False)
    found["torch, whole batch"] = torch_batch(problem, points)
    if has("jax"):
        found["jax jit(vmap(grad))"] = jax_batch(problem, points)
    if has("numpy") and problem != "ros10":
        found["SymPy lambdify, numpy"] = lambdified(problem, points)
    return found


def agx(problem: str, points: Mapping[str, Any], *, fast: bool) -> Contender:
    import torch

    from autograd_cli.engine.core.batches import Listed
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.language.reader import read
    from autograd_cli.language.request import DerivativeRequest
    from autograd_cli.language.symbolic import Worker
    from autograd_cli.points.many import Gradients
    from autograd_cli.points.program import Program
    from autograd_cli.settings import Settings

    expression = read(TEXTS[problem])
    gradients = Gradients(expression, {}, resolve(Settings()), DerivativeRequest())
    if fast:
        with Worker.start(60) as worker:
            worker.ask({"task": "program", "source": expression.source, "wrt": list(points)})
            reply = worker.reply()
        program = Program(reply["nodes"], reply["outputs"], torch.float64)
        few = Listed({name: column[:1000] for name, column in points.items()})
        if not gradients.adopt(program, few):
            raise RuntimeError(f"{problem}: the formulas differ from autograd")
    return lambda: gradients(Listed(points), fast=fast)


def torch_batch(problem: str, points: Mapping[str, Any]) -> Contender:
    import torch

    function = FUNCTIONS[problem]

    def run() -> object:
        leaves = [column.detach().clone().requires_grad_() for column in points.values()]
        value = function(torch, *leaves)
        return value.detach(), torch.autograd.grad(value.sum(), leaves)

    return run


def jax_batch(problem: str, points: Mapping[str, Any]) -> Contender:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    function = FUNCTIONS[problem]
    places = tuple(range(len(points)))

    def single(*values: Any) -> Any:
        return function(jnp, *values)

    compiled = jax.jit(jax.vmap(jax.value_and_grad(single, argnums=places)))
    columns = [jnp.asarray(column.numpy()) for column in points.values()]
    return lambda: jax.block_until_ready(compiled(*columns))


def lambdified(problem: str, points: Mapping[str, Any]) -> Contender:
    import sympy

    symbols = sympy.symbols("x y", real=True)
    value = FUNCTIONS[problem](sympy, *symbols)
    parts = [value, *(sympy.diff(value, symbol) for symbol in symbols)]
    function = sympy.lambdify(symbols, parts, "numpy", cse=True)
    columns = [column.numpy() for column in points.values()]
    return lambda: function(*columns)


def timed(calls: Mapping[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Seconds of every call, one of each a round, in alternating order; a first round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name in list(calls) if number % 2 else reversed(list(calls)):
            start = time.perf_counter()
            calls[name]()
            elapsed = time.perf_counter() - start
            if number:
                seconds[name].append(elapsed)
    return seconds


def in_memory(problem: str, count: int, rounds: int) -> None:
    """Prints the seconds of every round, as JSON."""
    print(json.dumps(timed(contenders(problem, count), rounds)))


def memory_rows(problems: Iterable[str], count: int, rounds: int) -> list[str]:
    lines = [
        f"In memory, {count:,} points, float64, one thread; medians of {rounds} rounds.",
        "",
        "| problem | contender | ns a point | times agx's | goal |",
        "|---|---|---:|---:|---:|",
    ]
    for problem in problems:
        code = f"from benchmarks.points import in_memory as m; m{(problem, count, rounds)}"
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        seconds: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
        for name, times in seconds.items():
            ratio = statistics.median(
                own / base for own, base in zip(times, seconds["agx"], strict=True)
            )
            goal = GOALS.get((problem, name))
            shown = f"≥ {goal:g}" if goal else ""
            each = 1e9 * statistics.median(times) / count
            lines.append(f"| {problem} | {name} | {each:.1f} | {ratio:.2f} | {shown} |")
    return lines


# End to end --------------------------------------------------------------------------------------

PANDAS = """
import sys, pandas, torch
table = pandas.read_csv(sys.argv[1])
x, y = (torch.tensor(table[name].values, requires_grad=True) for name in "xy")
value = x**2 + 2*x*y + y**2
d_x, d_y = torch.autograd.grad(value.sum(), (x, y))
table["value"], table["d_x"], table["d_y"] = value.detach().numpy(), d_x.numpy(), d_y.numpy()
table.to_csv(sys.argv[2], index=False)
"""
MODULE = """
import csv, sys, torch
with open(sys.argv[1], newline="") as file:
    rows = csv.reader(file)
    next(rows)
    points = [(float(x), float(y)) for x, y in rows]
x, y = (torch.tensor(c, dtype=torch.float64, requires_grad=True) for c in zip(*points))
value = x**2 + 2*x*y + y**2
d_x, d_y = torch.autograd.grad(value.sum(), (x, y))
with open(sys.argv[2], "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["x", "y", "value", "d_x", "d_y"])
    writer.writerows(zip(*(c.tolist() for c in (x, y, value, d_x, d_y))))
"""


def write_points(path: Path, count: int) -> None:
    draw = random.Random(0).gauss
    some = [f"{draw(0, 1)!r},{draw(0, 1)!r}\n" for _ in range(min(count, 100_000))]
    with path.open("w") as file:
        file.write("x,y\n")
        for start in range(0, count, len(some)):
            file.writelines(some[: count - start])


def commands(points: Path, folder: Path) -> dict[str, Sequence[str]]:
    """Whole commands from a CSV to a CSV."""
    agx = (sys.executable, "-m", "autograd_cli", "grad", QUAD, "--points", str(points))
    found: dict[str, Sequence[str]] = {
        "agx": (*agx, "-o", str(folder / "agx.csv")),
        "csv module + torch": (sys.executable, "-c", MODULE, str(points), str(folder / "csv.csv")),
    }
    if has("pandas"):
        script = (sys.executable, "-c", PANDAS, str(points), str(folder / "pandas.csv"))
        found["pandas + torch"] = script
    return found


def measured(command: Sequence[str]) -> tuple[float, float]:
    """The seconds that a command takes, and the peak of its memory in MB. Its last word is the
    file that it writes, which is removed before: a gigabyte takes a second or two to delete."""
    Path(command[-1]).unlink(missing_ok=True)
    start = time.perf_counter()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command}: exit code {process.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - start, usage.ru_maxrss * scale / 1e6


def in_rounds(
    all_commands: Mapping[str, Sequence[str]], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """The seconds and the peak of each, one of each a round, in alternating order."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in all_commands}
    for number in range(rounds):
        for name in list(all_commands) if number % 2 == 0 else reversed(list(all_commands)):
            found[name].append(measured(all_commands[name]))
    return found


def end_to_end(count: int, rounds: int) -> list[str]:
    tenth = max(count // 10, 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        points, fewer = folder / "points.csv", folder / "tenth.csv"
        write_points(points, count)
        write_points(fewer, tenth)
        lines = command_rows(points, count, rounds, folder)
        _, peak = measured(commands(fewer, folder)["agx"])
        lines += ["", f"agx's peak of memory at {tenth:,} rows: {peak:.0f} MB."]
        return [*lines, "", *job_rows({tenth: fewer, count: points}, rounds, folder)]


def command_rows(points: Path, count: int, rounds: int, folder: Path) -> list[str]:
    lines = [
        f"From CSV to CSV, *quad*, {count:,} rows of two columns; medians of {rounds} rounds.",
        "",
        "| command | seconds | times agx's | goal | peak, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    goals = {"pandas + torch": 3.0, "csv module + torch": 10.0}
    found = in_rounds(commands(points, folder), rounds)
    for one, measurements in found.items():
        ratio = statistics.median(
            own / base for (own, _), (base, _) in zip(measurements, found["agx"], strict=True)
        )
        goal = f"≥ {goals[one]:g}" if one in goals else "at most 600 MB"
        seconds = statistics.median(own for own, _ in measurements)
        peak = max(peak for _, peak in measurements)
        lines.append(f"| {one} | {seconds:.1f} | {ratio:.2f} | {goal} | {peak:.0f} |")
    return lines


def job_rows(files: Mapping[int, Path], rounds: int, folder: Path) -> list[str]:
    """One job and two, at few rows and at many. What lies between the two is the work without the
    start, which jobs do not share: it is one import of torch, most of it."""
    few, many = files
    all_commands: dict[str, Sequence[str]] = {}
    for jobs in (1, 2):
        for count, points in files.items():
            *agx, option, out = commands(points, folder)["agx"]
            all_commands[f"{jobs} {count}"] = (*agx, "--jobs", str(jobs), option, out)
    found = in_rounds(all_commands, rounds)

    def seconds(jobs: int, count: int) -> list[float]:
        return [own for own, _ in found[f"{jobs} {count}"]]

    between = {
        jobs: [b - a for a, b in zip(seconds(jobs, few), seconds(jobs, many), strict=True)]
        for jobs in (1, 2)
    }

    def times(one: list[float], two: list[float]) -> str:
        return f"{statistics.median(a / b for a, b in zip(one, two, strict=True)):.2f}"

    lines = [
        f"The same with one job and with two; medians of {rounds} rounds.",
        "",
        "| rows | one job, s | two jobs, s | times as fast | goal |",
        "|---|---:|---:|---:|---:|",
    ]
    for label, one, two, goal in (
        (f"{few:,}", seconds(1, few), seconds(2, few), ""),
        (f"{many:,}", seconds(1, many), seconds(2, many), ""),
        (f"the {many - few:,} between: without the start", between[1], between[2], "≥ 1.5"),
    ):
        lines.append(
            f"| {label} | {statistics.median(one):.2f} | {statistics.median(two):.2f}"
            f" | {times(one, two)} | {goal} |"
        )
    return lines


def run(*, quick: bool) -> None:
    """Prints both tables: gradients in memory, and whole commands."""
    lines = [
        "# Many points",
        "",
        f"{machine()}; alternating order.",
        "",
        *(memory_rows(["quad"], 20_000, 2) if quick else memory_rows(TEXTS, 1_000_000, 9)),
        "",
        *end_to_end(20_000 if quick else 10_000_000, 1 if quick else 3),
    ]
    report("points", lines, keep=not quick)
