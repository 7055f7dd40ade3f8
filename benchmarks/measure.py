"""Timing whole commands in turn, so that a machine that speeds up or slows down spoils no ratio."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def in_turn(
    commands: Mapping[str, Sequence[str]], rounds: int, expected_exit: Mapping[str, int]
) -> dict[str, list[float]]:
    """Wall-clock seconds of every command, one run of each per round, the order alternating.

    A first round warms the disk cache and is not counted. Raises: RuntimeError if a command ends
    with another exit code than expected.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    names = list(commands)
    for number in range(rounds + 1):
        for name in names if number % 2 == 0 else reversed(names):
            start = time.perf_counter()
            done = subprocess.run(commands[name], capture_output=True, check=False)
            elapsed = time.perf_counter() - start
            if done.returncode != expected_exit.get(name, 0):
                raise RuntimeError(f"{name}: exit code {done.returncode}: {done.stderr.decode()}")
            if number:
                seconds[name].append(elapsed)
    return seconds


def ratios(seconds: Mapping[str, Sequence[float]], baseline: str) -> dict[str, float]:
    """The median over the rounds of each command's time over the baseline's in the same round."""
    return {
        name: statistics.median(
            own / base for own, base in zip(times, seconds[baseline], strict=True)
        )
        for name, times in seconds.items()
    }


def machine(names: Sequence[str] = ("torch", "typer", "rich", "sympy")) -> str:
    """What it was measured on, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()}, {cpus} cores, Python {platform.python_version()}, {packages}"


def report(name: str, lines: Sequence[str], *, keep: bool) -> None:
    """Prints a result in Markdown and keeps it under benchmarks/results/."""
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
