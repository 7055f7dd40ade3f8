"""The graph: agx's model of it, with every value, gradient and contribution, against torchviz's
`make_dot`: the names of the nodes alone, and with the values it has (those that torch saved).

All begin with the forward pass; only agx runs the backward pass, whose numbers it shows.

torchviz and the Python package graphviz are needed for it: `pip install torchviz graphviz`.
"""

from __future__ import annotations

import gc
import statistics
import sys
import threading
import time
from collections.abc import Callable

import torch

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.tape.recording import record
from autograd_cli.language.expression import Expression
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings
from benchmarks.measure import machine, ratios, report

SIZES = (1_000, 10_000)
GOAL = 1.0
DEEP = 10_000_000  # Python's recursion limit, which make_dot would reach at 1,000 nodes
STACK = 1 << 29  # bytes, for the same reason


def run(*, quick: bool) -> None:
    """Prints the median times, and agx's over torchviz's in the same round."""
    try:
        from torchviz import make_dot
    except ImportError:
        print("benchmarks graph needs torchviz: pip install torchviz graphviz", file=sys.stderr)
        return
    lines = [
        "# The graph",
        "",
        f"{machine()}; in one process, in alternating order.",
        "",
        "| nodes | make_dot, s | with values, s | agx, s | agx/make_dot | agx/with values | goal |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    context = resolve(Settings())
    for size in SIZES[:1] if quick else SIZES:
        expression = sum_of_sines(size)
        leaf = torch.tensor(0.5, dtype=torch.float64)

        def drawn(
            expression: Expression = expression, leaf: torch.Tensor = leaf, **options: bool
        ) -> None:
            leaves = {"x": leaf.clone().requires_grad_()}
            value = output(expression, evaluate(expression, leaves, context), context)
            make_dot(value, params=leaves, **options)

        def recorded(expression: Expression = expression, leaf: torch.Tensor = leaf) -> None:
            record(expression, {"x": leaf}, context)

        seconds = _in_turn(
            {
                "make_dot": drawn,
                "with values": lambda drawn=drawn: drawn(show_attrs=True, show_saved=True),
                "agx": recorded,
            },
            rounds=3 if quick else 9,
        )
        names = ratios(seconds, "make_dot")["agx"]
        values = ratios(seconds, "with values")["agx"]
        times = " | ".join(f"{statistics.median(one):.3f}" for one in seconds.values())
        lines.append(f"| {size} | {times} | {names:.2f} | {values:.2f} | ≤ {GOAL:g} |")
    report("graph", lines, keep=not quick)


def sum_of_sines(nodes: int) -> Expression:
    """`sin(x*1) + sin(x*2) + …`: three nodes a term, and one leaf."""
    return read(" + ".join(f"sin(x*{number})" for number in range(1, nodes // 3 + 1)))


def _in_turn(calls: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every call, one of each a round; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}

    def measure() -> None:
        names = list(calls)
        for number in range(rounds + 1):
            for name in names if number % 2 else reversed(names):
                gc.collect()  # nobody pays for what another has left behind
                start = time.perf_counter()
                calls[name]()
                elapsed = time.perf_counter() - start
                if number:
                    seconds[name].append(elapsed)

    _deeply(measure)
    return seconds


def _deeply(call: Callable[[], None]) -> None:
    """Runs a call in a thread that may recurse as deep as make_dot does."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(DEEP)
    before = threading.stack_size(STACK)
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    threading.stack_size(before)
    sys.setrecursionlimit(limit)
