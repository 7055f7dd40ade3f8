"""Start-up: `agx` against a hand-written script that computes the same gradient with torch."""

from __future__ import annotations

import statistics
import sys

from benchmarks.measure import in_turn, machine, ratios, report

SCRIPT = """
import json, torch
x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
y = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
z = x**2 + 2*x*y + y**2
gx, gy = torch.autograd.grad(z, (x, y))
print(json.dumps({"value": z.item(), "gradient": {"x": gx.item(), "y": gy.item()}}))
"""
BASELINE = "python -c (torch, by hand)"
EXPRESSION = "x**2+2*x*y+y**2"
POINT = ("--at", "x=2,y=3")

AGX = (sys.executable, "-m", "autograd_cli")
COMMANDS = {
    BASELINE: (sys.executable, "-c", SCRIPT),
    "agx grad … --json": (*AGX, "grad", EXPRESSION, *POINT, "--json"),
    "agx grad … (table, with formulas)": (*AGX, "grad", EXPRESSION, *POINT, "--format", "table"),
    "agx --help": (*AGX, "--help"),
    "agx --version": (*AGX, "--version"),
    "a parse error": (*AGX, "grad", "sigmod(x)", "--at", "x=1"),
}
GOALS = {
    "agx grad … --json": 1.2,
    "agx grad … (table, with formulas)": 1.25,
    "agx --help": 0.2,
    "agx --version": 0.2,
    "a parse error": 0.2,
}


def run(*, quick: bool) -> None:
    """Prints each command's median time and its ratio to the hand-written script."""
    rounds = 1 if quick else 15
    seconds = in_turn(COMMANDS, rounds, expected_exit={"a parse error": 2})
    ratio = ratios(seconds, BASELINE)
    lines = [
        "# Start-up",
        "",
        f"{machine()}; medians of {rounds} rounds in alternating order.",
        "",
        "| command | seconds | ratio | goal |",
        "|---|---:|---:|---:|",
    ]
    for name, times in seconds.items():
        goal = f"≤ {GOALS[name]:g}" if name in GOALS else ""
        lines.append(f"| {name} | {statistics.median(times):.2f} | {ratio[name]:.2f} | {goal} |")
    report("startup", lines, keep=not quick)
