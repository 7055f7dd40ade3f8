"""Over which variables a plot runs, and where: from `--grid`, or chosen where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from autograd_cli.commands.inputs import Inputs
from autograd_cli.data import room
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.derive.gradients import axis as linear_axis
from autograd_cli.engine.derive.gradients import point
from autograd_cli.errors import ShapeError, UnknownNameError, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import Axis, check_values, unknown_variable
from autograd_cli.language.reader import read

REACH = 5  # of an axis that was chosen, on either side of 0 or of the value in --at
POINTS = {1: 1001, 2: 151}  # along an axis, by the number of axes
MOST_POINTS = 4_000_000
BYTES = 300  # of memory for each point that is drawn
EXAMPLE = "for example --grid x=-2:2"


@dataclass(frozen=True)
class Ranges:
    """The places along each axis, ascending; the values of the other variables; where the point
    of `--at` is on the axes, if it is; and what there is to say about axes that were chosen."""

    axes: Mapping[str, Tensor]
    fixed: Mapping[str, Tensor]
    marked: Mapping[str, Tensor]
    note: str = ""


def read_ranges(inputs: Inputs, context: Context, is_log: Sequence[bool]) -> Ranges:
    """What `--grid` and `--at` say, completed; `is_log` says which axes are logarithmic.

    Raises: UsageError where that is not one axis or two, UnknownNameError for variables that are
    missing or not there, ShapeError for an axis that does not run from one number to another.
    """
    axes = inputs.axes or _chosen(inputs)
    names = [axis.name for axis in axes]
    for axis in axes:
        if axis.name not in inputs.expression.variables:
            raise unknown_variable(axis.name, inputs.expression, "--grid")
    if len(axes) > 2:
        raise UsageError(
            f"a plot has one axis or two for variables, and --grid has {len(axes)}:"
            f" {', '.join(names)}",
            hint=f"give the others a value each: --at {names[-1]}=...",
        )
    given = dict.fromkeys(names, "--grid") | dict.fromkeys(inputs.values, "--at")
    check_values(inputs.expression, given, given)
    values = point(inputs.values, context)
    marked = {name: values[name] for name in names if name in values}
    if marked and len(marked) < len(axes):
        missing = next(name for name in names if name not in marked)
        raise UsageError(
            f"--at has {next(iter(marked))!r} of the two axes, but no {missing!r}",
            hint=f"a point has both: --at {','.join(f'{name}=...' for name in names)}",
        )
    for name, value in marked.items():
        if value.dim():
            raise ShapeError(f"--at gives '{name}' {shape_text(value)}, but an axis has numbers")
    counts = [axis.count if axis.counted else POINTS[len(axes)] for axis in axes]
    if math.prod(counts) > MOST_POINTS:
        raise UsageError(
            f"a plot of more than {MOST_POINTS:,} points", hint="use fewer points per axis"
        )
    room.need(BYTES * math.prod(counts), f"a plot of {math.prod(counts):,} points")
    ends = [replace(axis, count=count) for axis, count in zip(axes, counts, strict=True)]
    if not inputs.axes:
        ends = [_around(axis, marked.get(axis.name)) for axis in ends]
    places = {
        axis.name: _places(axis, context, option if is_log[number] else "")
        for number, (axis, option) in enumerate(zip(ends, ("--log-x", "--log-y"), strict=False))
    }
    fixed = {name: value for name, value in values.items() if name not in names}
    note = "" if inputs.axes else f"no --grid, so {_said(places)}"
    return Ranges(places, fixed, marked, note)


def _chosen(inputs: Inputs) -> list[Axis]:
    """Axes for the variables that have no value, or for all if each has one."""
    variables = list(inputs.expression.variables)
    if not variables:
        raise UsageError(
            "nothing to plot: the expression has no variables", hint="for its value, use agx eval"
        )
    free = [name for name in variables if name not in inputs.values] or variables
    if len(free) > 2:
        first = inputs.expression.variables[free[0]]
        raise UnknownNameError(
            f"a plot has one axis or two for variables, and {len(free)} are free:"
            f" {', '.join(free)}",
            hint=f"{EXAMPLE.replace('x=', free[0] + '=')} --at"
            f" {','.join(f'{name}=...' for name in free[1:])}",
            span=inputs.expression.nodes[first].span,
            source=inputs.expression.source,
        )
    zero = read("0")
    return [Axis(name, zero, zero, 0, counted=False) for name in free]


def _around(axis: Axis, value: Tensor | None) -> Axis:
    middle = 0.0 if value is None else float(value)
    return replace(axis, start=_number(middle - REACH), stop=_number(middle + REACH))


def _number(value: float) -> Expression:
    return read(repr(value))


def _places(axis: Axis, context: Context, logarithmic: str) -> Tensor:
    places = linear_axis(axis, context).sort().values
    low, high = places[0].item(), places[-1].item()
    if axis.count < 2 or not low < high or not math.isfinite(high - low):
        raise ShapeError(
            f"the axis of '{axis.name}' does not run from one number to another", hint=EXAMPLE
        )
    if not logarithmic:
        return places
    if low <= 0:
        raise UsageError(
            f"{logarithmic} needs an axis above zero, and '{axis.name}' begins at {low:g}",
            hint=f"for example --grid {axis.name}=0.01:100",
        )
    steps = torch.logspace(
        math.log10(low), math.log10(high), axis.count, dtype=context.dtype, device=context.device
    )
    steps[0], steps[-1] = low, high
    return steps


def _said(places: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name}={row[0].item():g}:{row[-1].item():g}" for name, row in places.items())
