"""Where a sampled function jumps, has a pole, or ends, so that its picture is true.

Only its values are asked. An interval is cut into parts and one part kept, again and again. Over a
continuous function the difference between its ends shrinks with it; at a jump the difference stays;
at a pole it grows. The same search, by whether the values are finite, finds the edges of a domain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autograd_cli.results.plot import Samples

Function = Callable[[Tensor], Tensor]  # places to values, both of shape (points,)

PARTS = 8  # of an interval in each round
ROUNDS = 8  # after which an interval is 8^-8 of what it was, or 6e-8
STAYS = 0.5  # of the largest difference seen: less than that is left of any slope worth drawing
VISIBLE = 1e-3  # of the range of values: smaller jumps are not looked for
VISIBLE_EDGE = 0.05  # the same between neighbours of a grid
STEEP = 0.3  # of a peak's height, between places as close as that: a pole
GROWS = 100.0  # times the range of values, at an edge: a pole
INNER = (0.05, 0.95)  # the values between these quantiles are seen, however near a pole is
AROUND = 0.25  # of their range is seen above and below
BEYOND = 1.0  # of their range, and more is not seen of what is regular


class Intervals(NamedTuple):
    """Where they begin and end, each of shape (intervals,)."""

    start: Tensor
    end: Tensor


def sampled(function: Function, places: Tensor) -> Samples:
    """The function at ascending places, shape (points,), and around its jumps, poles and edges."""
    values = function(places)
    finite = values.isfinite()
    if not finite.any():
        return Samples(x=places.tolist(), y=values.tolist(), limits=None)
    low, high, span = _range(values[finite])
    jumps = _jumps(function, places, values, VISIBLE * span)
    poles, regular = _peaks(function, places, values, (low + high) / 2)
    edges = _edges(function, places, finite)
    extra = torch.cat([*jumps, *poles, edges])
    found = function(extra) if len(extra) else extra
    edge_values = found[len(found) - len(edges) :]
    far = ((edge_values - (low + high) / 2).abs() > GROWS * span) | ~edge_values.isfinite()
    has_pole = bool(len(poles.start)) or bool(far.any())
    gaps = torch.cat([_middle(jumps), _middle(poles)])
    x = torch.cat([places, extra, gaps])
    y = torch.cat([values, found, torch.full_like(gaps, torch.nan)])
    order = torch.argsort(x, stable=True)
    y = torch.where(y.isfinite(), y, torch.nan)[order]
    limits = _limits(values[finite], regular) if has_pole else _ends(values[finite])
    return Samples(x=x[order].tolist(), y=y.tolist(), limits=limits, has_pole=has_pole)


def _range(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inner quantiles and the size of what lies between them, or of all where that is zero."""
    ordered = values.sort().values
    low, high = (ordered[round(part * (len(ordered) - 1))] for part in INNER)
    span = high - low
    return low, high, span if span > 0 else ordered[-1] - ordered[0]


def _ends(values: Tensor) -> tuple[float, float]:
    return values.min().item(), values.max().item()


def _limits(values: Tensor, regular: Tensor) -> tuple[float, float]:
    """The values worth seeing where there are poles: the inner ones, and regular ones near them."""
    low, high, span = _range(values)
    seen = [low - AROUND * span, high + AROUND * span]
    near = regular[(regular > low - BEYOND * span) & (regular < high + BEYOND * span)]
    if len(near):
        seen = [torch.minimum(seen[0], near.min()), torch.maximum(seen[1], near.max())]
    least, most = _ends(values)
    return max(seen[0].item(), least), min(seen[1].item(), most)


def tear(
    function: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, values: Tensor
) -> Tensor:
    """The values over a grid, shape (y, x), with nan on either side of every jump.

    Every edge between two neighbours of the grid is searched, with a parameter that runs over the
    n-th of them from 2n to 2n + 1.
    """
    finite = values[values.isfinite()]
    if not len(finite):
        return values
    (rows, columns), index = values.shape, torch.arange(values.numel()).reshape(values.shape)
    pairs = torch.cat(
        [
            torch.stack([index[:, :-1].reshape(-1), index[:, 1:].reshape(-1)]),
            torch.stack([index[:-1].reshape(-1), index[1:].reshape(-1)]),
        ],
        dim=1,
    )
    flat = values.reshape(-1)
    differences = (flat[pairs[0]] - flat[pairs[1]]).abs()
    wanted = differences.isfinite() & (differences > VISIBLE_EDGE * _range(finite)[2])
    pairs, differences = pairs[:, wanted], differences[wanted]
    ends_x, ends_y = x.repeat(rows)[pairs], y.repeat_interleave(columns)[pairs]

    def along_edges(places: Tensor) -> Tensor:
        edge = (places / 2).floor()
        part = places - 2 * edge
        number = edge.long()
        across = ends_x[0, number] + part * (ends_x[1] - ends_x[0])[number]
        up = ends_y[0, number] + part * (ends_y[1] - ends_y[0])[number]
        return function(across, up)

    start = 2.0 * torch.arange(pairs.shape[1], dtype=x.dtype, device=x.device)
    jumps = _followed(along_edges, start, start + 1, differences)
    torn = pairs[:, (jumps.start / 2).floor().long()].reshape(-1)
    return flat.index_fill(0, torn, torch.nan).reshape(values.shape)


# The search --------------------------------------------------------------------------------------


def _jumps(function: Function, places: Tensor, values: Tensor, least: Tensor) -> Intervals:
    """Where the values differ by more than `least` however close the places are."""
    differences = (values[1:] - values[:-1]).abs()
    wanted = (differences > least) & differences.isfinite()
    return _followed(function, places[:-1][wanted], places[1:][wanted], differences[wanted])


def _followed(function: Function, start: Tensor, end: Tensor, largest: Tensor) -> Intervals:
    """What is left of intervals over which the values jump; `largest` are their differences."""
    for _ in range(ROUNDS):
        xs, ys = _cut(function, start, end)
        parts = (ys[:, 1:] - ys[:, :-1]).abs().nan_to_num(torch.inf, torch.inf)
        last, index = parts.max(1)
        start, end = _at(xs, index), _at(xs, index + 1)
        largest = torch.maximum(largest, last)
        # What has shrunk so far that it cannot be a jump is not followed any further.
        kept = last > STAYS * largest
        start, end, largest = start[kept], end[kept], largest[kept]
    return Intervals(start, end)


def _peaks(
    function: Function, places: Tensor, values: Tensor, middle: Tensor
) -> tuple[Intervals, Tensor]:
    """Where values grow without end, and the values at the peaks where they do not."""
    sizes = (values - middle).abs()
    inner = sizes[1:-1]
    is_peak = (inner >= sizes[:-2]) & (inner >= sizes[2:])
    start, end = places[:-2][is_peak], places[2:][is_peak]
    for _ in range(ROUNDS):
        xs, ys = _cut(function, start, end)
        index = (ys - middle).abs().nan_to_num(torch.inf, torch.inf)[:, 1:-1].argmax(1) + 1
        start, end = _at(xs, index - 1), _at(xs, index + 1)
    xs, ys = _cut(function, start, end)
    heights = (ys - middle).abs()
    steep = heights.amax(1) - heights.amin(1) > STEEP * heights.amax(1)
    steep |= ~heights.isfinite().all(1)
    ends = values[[0, -1]]
    regular = torch.cat([values[1:-1][is_peak][~steep], ends[ends.isfinite()]])
    return Intervals(start[steep], end[steep]), regular


def _edges(function: Function, places: Tensor, finite: Tensor) -> Tensor:
    """The outermost places where the function is still finite."""
    changes = finite[1:] != finite[:-1]
    start, end = places[:-1][changes], places[1:][changes]
    rises = finite[1:][changes]  # it is finite after the edge
    for _ in range(ROUNDS):
        xs, ys = _cut(function, start, end)
        there = ys.isfinite() == rises[:, None]  # on the far side of the edge
        index = there.int().argmax(1).clamp(min=1)
        start, end = _at(xs, index - 1), _at(xs, index)
    return torch.where(rises, end, start)


def _cut(function: Function, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """The ends of the parts of each interval and the values there: (intervals, parts + 1)."""
    parts = torch.linspace(0, 1, PARTS + 1, dtype=start.dtype, device=start.device)
    xs = start[:, None] + (end - start)[:, None] * parts
    xs[:, -1] = end
    if not len(start):
        return xs, xs
    return xs, function(xs.reshape(-1)).reshape(xs.shape)


def _at(xs: Tensor, index: Tensor) -> Tensor:
    return xs.gather(1, index[:, None])[:, 0]


def _middle(intervals: Intervals) -> Tensor:
    return intervals.start / 2 + intervals.end / 2
