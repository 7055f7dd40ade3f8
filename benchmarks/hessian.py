"""Hessians: `agx hessian` against a script with torch.func, from a cold start and in process.

Rosenbrock's chain has a sparse matrix, which agx sees in the expression; log-sum-exp a full one.
Times in process are the best of some runs in alternating order, each library in a process of its
own for the memory it takes at its peak.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.measure import in_turn, machine, ratios, report

CHAIN = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
PATIENCE = 4.0  # seconds in one process after which no further run is begun
FULL = "logsumexp(x) + sum(x)**2"
PROBLEMS = {"Rosenbrock": (CHAIN, (10, 100, 1000, 3000)), "log-sum-exp": (FULL, (10, 100, 1000))}

SCRIPT = """
import json, torch
def f(x):
    return 100*(x[1] - x[0]**2)**2 + (1 - x[0])**2
x = torch.tensor([0.5, 0.7], dtype=torch.float64)
h = torch.func.hessian(f)(x)
print(json.dumps({"hessian": h.tolist(), "eigenvalues": torch.linalg.eigvalsh(h).tolist()}))
"""
BASELINE = "python -c (torch.func.hessian)"
COLD = {
    BASELINE: (sys.executable, "-c", SCRIPT),
    "agx hessian … --json": (
        *(sys.executable, "-m", "autograd_cli", "hessian"),
        *("100*(x[1] - x[0]**2)**2 + (1 - x[0])**2", "--at", "x=[0.5,0.7]", "--json"),
    ),
}


def agx(text: str, size: int) -> Callable[[], Any]:
    """The Hessian as agx computes it, at a point of `size` variables."""
    from autograd_cli.data.memory import keep_freed
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.derive.gradients import point
    from autograd_cli.engine.derive.hessian import hessian_matrix
    from autograd_cli.language.points import read_values
    from autograd_cli.language.reader import read
    from autograd_cli.settings import Settings

    keep_freed()  # as the command does, and so are the derivatives the accurate ones
    context = resolve(Settings(), accurate=True)
    values = read_values([f"x=linspace(-1,1,{size})"])
    at = point(values, context)
    expression = read(text, given=values)
    return lambda: hessian_matrix(expression, at, context)


def func(text: str, size: int) -> Callable[[], Any]:
    """The Hessian by torch.func."""
    import torch

    x = torch.linspace(-1, 1, size, dtype=torch.float64)

    def chain(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    def full(x: Any) -> Any:
        return torch.logsumexp(x, 0) + x.sum() ** 2

    function = chain if text == CHAIN else full
    return lambda: torch.func.hessian(function)(x)


LIBRARIES = {"agx": agx, "torch.func": func}


def measure(library: str, problem: str, size: int, runs: int) -> None:
    """Prints the seconds of each run and the peak of memory in MB, as JSON."""
    import resource
    import time

    solve = LIBRARIES[library](PROBLEMS[problem][0], size)
    seconds = []
    for _ in range(runs + 1):  # the first one warms up
        start = time.perf_counter()
        solve()
        seconds.append(time.perf_counter() - start)
        if len(seconds) > 1 and sum(seconds) > PATIENCE:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds[1:], "peak": peak}))


def run(*, quick: bool) -> None:
    """Prints both tables: whole commands, and the matrix alone in process."""
    rounds = 1 if quick else 9
    seconds = in_turn(COLD, rounds, expected_exit={})
    ratio = ratios(seconds, BASELINE)
    lines = [
        "# Hessians",
        "",
        f"{machine()}; medians of {rounds} rounds in alternating order.",
        "",
        "| cold start | seconds | ratio | goal |",
        "|---|---:|---:|---:|",
    ]
    for name, times in seconds.items():
        goal = "" if name == BASELINE else "≤ 0.75"
        lines.append(f"| {name} | {statistics.median(times):.2f} | {ratio[name]:.2f} | {goal} |")
    lines += [
        "",
        "| in process | n | agx, ms | torch.func, ms | ratio | agx, MB | torch.func, MB | goal |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for problem, (_, sizes) in PROBLEMS.items():
        for size in sizes[:1] if quick else sizes:
            lines.append(_row(problem, size, quick=quick))
    report("hessian", lines, keep=not quick)


def _row(problem: str, size: int, *, quick: bool) -> str:
    runs = 3 if quick else 30
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in LIBRARIES}
    for number in range(1 if quick else 2):
        order = list(LIBRARIES) if number % 2 == 0 else list(reversed(LIBRARIES))
        for library in order:
            code = f"from benchmarks.hessian import measure as m; m{(library, problem, size, runs)}"
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[library].append(json.loads(done.stdout))
    best = {name: 1e3 * min(min(one["seconds"]) for one in all) for name, all in found.items()}
    peak = {name: min(one["peak"] for one in all) for name, all in found.items()}
    goal = 0.05 if problem == "Rosenbrock" and size >= 3000 else 1.0
    return (
        f"| {problem} | {size} | {best['agx']:.2f} | {best['torch.func']:.2f}"
        f" | {best['agx'] / best['torch.func']:.3f} | {peak['agx']:.0f}"
        f" | {peak['torch.func']:.0f} | {f'≤ {goal:g}' if size >= 100 else ''} |"
    )
