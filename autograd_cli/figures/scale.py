"""How far axes reach, and where their ticks are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from autograd_cli.figures.figure import (
    LOG,
    Axis,
    Band,
    Bars,
    Field,
    Layer,
    Limits,
    Line,
    Path,
    Scatter,
)

MARGIN = 0.04  # of an axis, beyond the outermost points
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def x_limits(layers: Sequence[Layer], axis: Axis) -> Limits:
    """The ends of the horizontal axis."""
    tight = not any(isinstance(layer, Scatter | Bars | Path) for layer in layers)
    tight = tight or any(isinstance(layer, Field) for layer in layers)
    return _limits(chain.from_iterable(map(_xs, layers)), axis, 0 if tight else MARGIN)


def y_limits(layers: Sequence[Layer], axis: Axis) -> Limits:
    """The ends of the vertical axis."""
    tight = any(isinstance(layer, Field) for layer in layers)
    found = _limits(chain.from_iterable(map(_ys, layers)), axis, 0 if tight else MARGIN)
    if axis.limits is None and any(isinstance(layer, Bars) for layer in layers):
        return (min(found[0], 0.0), found[1]) if axis.scale != LOG else found
    return found


def _xs(layer: Layer) -> Iterable[float]:
    match layer:
        case Line():
            return (layer.x,)
        case Bars():
            return (-0.5, len(layer.names) - 0.5)
    return layer.x


def _ys(layer: Layer) -> Iterable[float]:
    match layer:
        case Line():
            return (layer.y,)
        case Bars():
            return layer.heights
        case Band():
            return chain(layer.low, layer.high)
    return layer.y


def _limits(numbers: Iterable[float], axis: Axis, margin: float) -> Limits:
    if axis.limits is not None:
        return axis.limits
    is_log = axis.scale == LOG
    finite = [one for one in numbers if math.isfinite(one) and (one > 0 or not is_log)]
    if not finite:
        return (0.1, 10.0) if is_log else (-1.0, 1.0)
    low, high = min(finite), max(finite)
    if is_log:
        low, high = math.log10(low), math.log10(high)
    room = (high - low) * margin
    if not room and low == high:
        room = abs(low) * 0.1 or 1.0
    low, high = low - room, high + room
    return (10**low, 10**high) if is_log else (low, high)


def ticks(limits: Limits, scale: str, count: int) -> list[float]:
    """Round numbers within the limits, some `count` of them."""
    if scale == LOG:
        found = list(_decades(limits, count))
        if len(found) > 1:
            return found
    low, high = limits
    step = _round_step((high - low) / max(count, 1))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [_rounded(number * step, step) for number in range(first, last + 1)]


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * (1 - 1e-9))


def _rounded(number: float, step: float) -> float:
    """Without the dust of multiplication: 0.30000000000000004 is 0.3."""
    digits = max(0, 3 - math.floor(math.log10(step)))
    return round(number, min(digits, 300)) + 0.0


def _decades(limits: Limits, count: int) -> Iterator[float]:
    low, high = (math.log10(end) for end in limits)
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / max(count, 1)))
    for power in range(first, last + 1):
        if power % stride == 0:
            yield 10.0**power


def label(number: float, among: Sequence[float] = ()) -> str:
    """A tick in words, as short as the others allow."""
    if number == 0:
        return "0"
    largest = max(map(abs, among), default=abs(number)) or abs(number)
    if largest >= 1e5 or largest < 1e-3:
        mantissa, _, exponent = f"{number:.4e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{number:.10g}"
