"""Where a sampled function jumps, has a pole, or ends, so that its picture is true.

Only its values are asked. An interval is cut into parts, again and again, down to neighbouring
numbers. Over a continuous function the difference between its ends shrinks with it; at a jump the
difference stays; at a pole it grows. The same search, by whether the values are finite, finds the
edges of a domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autograd_cli.results.plot import Samples

Function = Callable[[Tensor], Tensor]  # places to values, both of shape (points,)

FINE = 1000  # intervals of a curve, at least: wider ones would hide a jump there and back
PARTS = 8  # of an interval in each round
ROUNDS = 8  # after which an interval is 8^-8 of what it was, or 6e-8
TO_NEIGHBOURS = 2 * ROUNDS  # after which its ends are next to each other, or nearly
STAYS = 0.25  # of a difference, from one half of the rounds to the next: then it is a jump
MOST_FOLLOWED = 4000  # intervals in a round; those with the largest differences
VISIBLE = 1e-3  # of the range of values: smaller jumps are not looked for
VISIBLE_EDGE = 0.05  # the same between neighbours of a grid
STEEP = 0.3  # of a peak's height, between places as close as that: a pole, if ...
HIGHER = 2.0  # ... it is everywhere so many times as high as further off
GROWS = 100.0  # times the range of values, at an edge: a pole
INNER = (0.05, 0.95)  # the values between these quantiles are seen, however near a pole is
AROUND = 0.25  # of their range is seen above and below
BEYOND = 1.0  # of their range, and more is not seen of what is regular


class Intervals(NamedTuple):
    """Where they begin and end, each of shape (intervals,)."""

    start: Tensor
    end: Tensor


def sampled(function: Function, places: Tensor) -> Samples:
    """The function at ascending places, shape (points,), at some between them where they are few,
    and around its jumps, poles and edges."""
    places = _refined(places)
    values = function(places)
    finite = values.isfinite()
    if not finite.any():
        return Samples(x=places.tolist(), y=values.tolist(), limits=None)
    low, high, span = _range(values[finite])
    jumps = _jumps(function, places, values, VISIBLE * span)
    poles, regular = _peaks(function, places, values, (low + high) / 2)
    edges = _edges(function, places, finite)
    gaps = _united(jumps, poles)
    extra = torch.cat([*gaps, edges])
    found = function(extra) if len(extra) else extra
    edge_values = found[len(found) - len(edges) :]
    far = ((edge_values - (low + high) / 2).abs() > GROWS * span) | ~edge_values.isfinite()
    has_pole = bool(len(poles.start)) or bool(far.any())
    x, y = torch.cat([places, extra]), torch.cat([values, found])
    limits = _limits(values[finite], regular) if has_pole else _ends(values[finite])
    # A gap comes after everything that is at its start, and nothing is within it.
    hidden = _is_within(x, gaps)
    y = torch.where(y.isfinite() & ~hidden, y, torch.nan)
    x = torch.cat([x, gaps.start])
    y = torch.cat([y, torch.full_like(gaps.start, torch.nan)])
    order = torch.argsort(x, stable=True)
    x, y = x[order], y[order]
    is_new = torch.ones_like(x, dtype=torch.bool)
    is_new[1:] = (x[1:] != x[:-1]) | (y[1:] != y[:-1])
    x, y = x[is_new], y[is_new]
    return Samples(x=x.tolist(), y=y.tolist(), limits=limits, has_pole=has_pole)


def _refined(places: Tensor) -> Tensor:
    """The places, and so many evenly between each two that there are FINE intervals."""
    parts = math.ceil(FINE / (len(places) - 1))
    if parts == 1:
        return places
    steps = torch.arange(parts, dtype=places.dtype, device=places.device) / parts
    inner = places[:-1, None] + (places[1:] - places[:-1])[:, None] * steps
    return torch.cat([inner.reshape(-1), places[-1:]])


def _united(*several: Intervals) -> Intervals:
    """The intervals, those that overlap as one, ascending."""
    start, end = (torch.cat(ends) for ends in zip(*several, strict=True))
    order = torch.argsort(start, stable=True)
    start, end = start[order], end[order]
    if not len(start):
        return Intervals(start, end)
    reach = end.cummax(0).values
    is_first = torch.ones(len(start), dtype=torch.bool, device=start.device)
    is_first[1:] = start[1:] >= reach[:-1]
    is_last = torch.cat([is_first[1:], is_first[:1]])
    return Intervals(start[is_first], reach[is_last])


def _is_within(places: Tensor, intervals: Intervals) -> Tensor:
    """Whether a place is inside one of the ascending intervals, and not at an end of it."""
    if not len(intervals.start):
        return torch.zeros_like(places, dtype=torch.bool)
    number = torch.searchsorted(intervals.start, places) - 1  # the last that begins before it
    return (number >= 0) & (places < intervals.end[number.clamp(min=0)])


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
    least = VISIBLE_EDGE * _range(finite)[2]
    wanted = differences.isfinite() & (differences > least)
    pairs, differences = pairs[:, wanted], differences[wanted]
    ends_x, ends_y = x.repeat(rows)[pairs], y.repeat_interleave(columns)[pairs]

    def along_edges(places: Tensor) -> Tensor:
        edge = (places / 2).floor()
        part = (places - 2 * edge).to(x.dtype)
        number = edge.long()
        across = ends_x[0, number] + part * (ends_x[1] - ends_x[0])[number]
        up = ends_y[0, number] + part * (ends_y[1] - ends_y[0])[number]
        return function(across, up)

    start = 2.0 * torch.arange(pairs.shape[1], dtype=torch.float64, device=x.device)
    jumps = _followed(along_edges, Intervals(start, start + 1), differences, least)
    torn = pairs[:, (jumps.start / 2).floor().long()].reshape(-1)
    return flat.index_fill(0, torn, torch.nan).reshape(values.shape)


# The search --------------------------------------------------------------------------------------


def _jumps(function: Function, places: Tensor, values: Tensor, least: Tensor) -> Intervals:
    """Where the values differ by more than `least` however close the places are."""
    differences = (values[1:] - values[:-1]).abs()
    wanted = (differences > least) & differences.isfinite()
    between = Intervals(places[:-1][wanted], places[1:][wanted])
    return _followed(function, between, differences[wanted], least)


def _followed(
    function: Function, between: Intervals, differences: Tensor, least: Tensor
) -> Intervals:
    """What is left of intervals over which the values jump, by `differences` and more than `least`.

    Every part with such a difference is followed, as there may be several jumps in an interval.
    """
    start, end = between
    earlier = differences
    for number in range(TO_NEIGHBOURS):
        if not len(start):
            break
        xs, ys = _cut(function, start, end)
        parts = (ys[:, 1:] - ys[:, :-1]).abs().nan_to_num(torch.inf, torch.inf)
        row, part = _largest(parts, least)
        start, end = xs[row, part], xs[row, part + 1]
        differences = parts[row, part]
        earlier = differences if number == ROUNDS - 1 else earlier[row]
    kept = differences >= STAYS * earlier  # that of a root goes down, however steep it is
    # A jump by way of a value in between, as that of sign, is two; one of them may be small.
    kept |= torch.isin(start, end[kept]) | torch.isin(end, start[kept])
    return Intervals(start[kept], end[kept])


def _largest(parts: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """The rows and columns of the numbers above `least`; of too many, those of the largest."""
    chosen = parts > least
    if int(chosen.sum()) > MOST_FOLLOWED:
        most = parts.reshape(-1).topk(MOST_FOLLOWED).indices
        chosen = (
            torch.zeros_like(chosen).reshape(-1).index_fill(0, most, True).reshape(chosen.shape)
        )
    row, part = chosen.nonzero(as_tuple=True)
    return row, part


def _peaks(
    function: Function, places: Tensor, values: Tensor, middle: Tensor
) -> tuple[Intervals, Tensor]:
    """Where values grow without end, and the values at the peaks where they do not."""
    sizes = (values - middle).abs()
    inner = sizes[1:-1]
    is_level = (inner == sizes[:-2]) & (inner == sizes[2:])
    is_peak = (inner >= sizes[:-2]) & (inner >= sizes[2:]) & ~is_level
    start, end = places[:-2][is_peak], places[2:][is_peak]
    for _ in range(ROUNDS):
        xs, ys = _cut(function, start, end)
        index = (ys - middle).abs().nan_to_num(torch.inf, torch.inf)[:, 1:-1].argmax(1) + 1
        start, end = _at(xs, index - 1), _at(xs, index + 1)
    xs, ys = _cut(function, start, end)
    heights = (ys - middle).abs()
    lowest, highest = heights.aminmax(dim=1)
    steep = highest - lowest > STEEP * highest
    steep &= lowest > HIGHER * torch.maximum(sizes[:-2], sizes[2:])[is_peak]
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
