"""Sampled functions against what is known of them: where they jump, have poles, begin and end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context, resolve
from autograd_cli.engine.sampled.sampling import curves, outputs, over, slopes, tangent, thinned
from autograd_cli.errors import ShapeError
from autograd_cli.language.reader import read
from autograd_cli.results.plot import Samples
from autograd_cli.settings import Settings

CLOSE = 1e-6
PI = math.pi


def here() -> Context:
    return resolve(Settings())


def sampled(text: str, start: float, stop: float, order: int = 0, count: int = 1001) -> Samples:
    places = torch.linspace(start, stop, count, dtype=torch.float64)
    return curves(read(text), {}, "x", places, order, here())[order]


def gaps(samples: Samples) -> list[float]:
    """Where the curve is interrupted between finite values: one number for each interruption."""
    found: list[float] = []
    seen = False
    pending: list[float] = []
    for x, y in zip(samples.x, samples.y, strict=True):
        if math.isnan(y):
            pending.append(x)
            continue
        if seen and pending and not (found and pending[0] - found[-1] < 2 * CLOSE):
            found.append(pending[len(pending) // 2])
        seen, pending = True, []
    return found


@pytest.mark.parametrize(
    ("text", "start", "stop", "places"),
    [
        ("1/x", -2, 2, [0]),
        ("1/x", -2, 2.003, [0]),
        ("1/x**2", -2, 2.01, [0]),
        ("tan(x)", -5, 5, [-1.5 * PI, -0.5 * PI, 0.5 * PI, 1.5 * PI]),
        ("x/(x-1)", -10, 10, [1]),
        ("1/((x-1)*(x+2))", -5, 5.1, [-2, 1]),
        ("gamma(x)", -3.7, 4, [-3, -2, -1, 0]),
        ("floor(x)", -2.5, 2.5, [-2, -1, 0, 1, 2]),
        ("sign(x)", -1, 1.01, [0]),
        ("heaviside(x, 1)", -1, 1.01, [0]),
        ("where(x < 0.3, x, x + 0.2)", -1, 1, [0.3]),
        ("atan(1/x)", -1, 1.01, [0]),
    ],
)
def test_a_curve_is_interrupted_where_the_function_is(
    text: str, start: float, stop: float, places: list[float]
) -> None:
    found = gaps(sampled(text, start, stop))
    assert len(found) == len(places), found
    for gap, place in zip(found, places, strict=True):
        assert abs(gap - place) < CLOSE


# A function that is made of jumps, and the places of them between two ends.
STEPS: dict[str, Callable[[float], bool]] = {
    "floor(x)": lambda x: x % 1 == 0,
    "ceil(x)": lambda x: x % 1 == 0,
    "trunc(x)": lambda x: x % 1 == 0 and x != 0,
    "round(x)": lambda x: x % 1 == 0.5,
    "frac(x)": lambda x: x % 1 == 0 and x != 0,
    "mod(x, 1)": lambda x: x % 1 == 0,
    "floor(2*x)": lambda x: x % 0.5 == 0,
    "x - floor(x) + floor(x/2)": lambda x: x % 2 == 1,
    "sign(x)": lambda x: x == 0,
    "heaviside(x, 0.1)": lambda x: x == 0,
    "Piecewise((0, x<0), (1, x<1.5), (3, True))": lambda x: x in (0, 1.5),
    "relu(x) + 2*(x>1)": lambda x: x == 1,
}
# Those that hit the jumps exactly, those that do not, and coarse ones of both kinds.
GRIDS = [(-2, 3, 1001), (-5, 5, 1001), (-1, 4, 1001), (-2.3, 3.7, 997), (-3, 3, 4000)]
COARSE = [(-2, 3, 6), (-5, 5, 3), (-1, 4, 21), (-2.3, 3.7, 2), (-3, 3, 7)]
HALVES = [number / 2 for number in range(-10, 11)]


def nearest_half(x: float) -> float:
    return round(2 * x) / 2


@pytest.mark.parametrize("text", STEPS)
@pytest.mark.parametrize(("start", "stop", "count"), GRIDS + COARSE)
def test_no_line_joins_the_two_sides_of_a_jump(
    text: str, start: float, stop: float, count: int
) -> None:
    samples = sampled(text, start, stop, count=count)
    jumps = [x for x in HALVES if STEPS[text](x)]
    points = zip(samples.x, samples.y, strict=True)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if math.isfinite(y0) and math.isfinite(y1):
            assert abs(y1 - y0) <= 1.01 * (x1 - x0) + 1e-9, (x0, y0, x1, y1)
    found = gaps(samples)
    assert {x for x in jumps if start < x < stop} <= set(map(nearest_half, found))
    assert set(map(nearest_half, found)) <= set(jumps)
    assert all(abs(gap - nearest_half(gap)) < CLOSE for gap in found)


def test_a_value_by_itself_is_by_itself() -> None:
    places = torch.arange(-4, 5, dtype=torch.float64) / 4
    (samples,) = curves(read("where(x == 0.5, 3, x)"), {}, "x", places, 0, here())
    around = [y for x, y in zip(samples.x, samples.y, strict=True) if abs(x - 0.5) < CLOSE]
    assert [y for y in around if y == 3] == [3.0]  # and no line to it, or from it
    number = around.index(3.0)
    assert math.isnan(around[number - 1])
    assert math.isnan(around[number + 1])


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("x**2", -2, 2),
        ("abs(x)", -1, 1.003),
        ("cbrt(x)", -1, 1),
        ("tanh(1000*x)", -1, 1.003),
        ("tanh(100*x)", -1, 1),
        ("tanh(1000000*(x - 0.3))", -1, 1),
        ("1/(1 + exp(-50*x))", -5, 5),
        ("x**9", -2, 3),
        ("relu(x)", -2, 3),
        ("clamp(x, -1, 1)", -5, 5),
        ("abs(x - 0.3)**(1/8)", -1, 1),
        ("x**2*sin(1/x)", -1, 1.003),
        ("x/(0.00001 + x**2)", -1, 1),
        ("erf(1000*x)", -1, 4),
        ("exp(-1000000*(x-0.001)**2)", -2, 2),
        ("sin(300*x)", -2, 2),
        ("sqrt(abs(x))", -1, 1),
        ("exp(x)", -20, 20),
        ("max(x, 0)", -1, 1),
        ("0*x + 3", 0, 1),
    ],
)
def test_a_continuous_function_has_no_gap_and_its_whole_range_is_seen(
    text: str, start: float, stop: float
) -> None:
    samples = sampled(text, start, stop)
    assert gaps(samples) == []
    assert not samples.has_pole
    places = torch.linspace(start, stop, 1001, dtype=torch.float64)
    plain = [y for x, y in zip(samples.x, samples.y, strict=True) if x in set(places.tolist())]
    assert samples.limits == (min(plain), max(plain))


@pytest.mark.parametrize(
    ("text", "start", "stop", "low", "high"),
    [
        ("sqrt(x)", -1, 4, 0, 4),
        ("log(x)", -1.003, 5, 0, 5),
        ("asin(x)", -2.003, 2.005, -1, 1),
        ("sqrt(2 - x**2)", -3, 3, -math.sqrt(2), math.sqrt(2)),
    ],
)
def test_a_curve_reaches_to_the_edges_of_the_domain(
    text: str, start: float, stop: float, low: float, high: float
) -> None:
    samples = sampled(text, start, stop)
    finite = [x for x, y in zip(samples.x, samples.y, strict=True) if math.isfinite(y)]
    assert low <= finite[0] < low + CLOSE
    assert high - CLOSE < finite[-1] <= high


@pytest.mark.parametrize(
    ("text", "start", "stop", "inside", "outside"),
    [
        ("1/x", -2, 2, (-1, 1), (-50, 50)),
        ("tan(x)", -5, 5, (-4, 4), (-50, 50)),
        ("1/x**2", -2, 2.01, (0.25, 4), (0, 500)),
        ("gamma(x)", -4, 4, (-3.5, 6), (-50, 50)),
        ("x + 1/(1000*(x-1))", -3, 3, (-2.9, 2.9), (-6, 6)),
        ("1/sqrt(x)", 0, 2, (0.71, 3), (0, 20)),
    ],
)
def test_a_pole_does_not_ruin_the_scale(
    text: str,
    start: float,
    stop: float,
    inside: tuple[float, float],
    outside: tuple[float, float],
) -> None:
    samples = sampled(text, start, stop)
    assert samples.has_pole
    assert samples.limits is not None
    low, high = samples.limits
    assert outside[0] < low <= inside[0]
    assert inside[1] <= high < outside[1]


def test_nothing_finite_has_no_limits() -> None:
    assert sampled("sqrt(-1 - x**2)", -1, 1).limits is None


def test_places_ascend_and_the_grid_is_among_them() -> None:
    samples = sampled("tan(x)", -5, 5, count=101)
    assert list(samples.x) == sorted(samples.x)
    assert set(torch.linspace(-5, 5, 101, dtype=torch.float64).tolist()) <= set(samples.x)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_derivatives_are_those_of_the_closed_form(order: int) -> None:
    samples = sampled("sin(2*x)", -3, 3, order)
    for x, y in zip(samples.x, samples.y, strict=True):
        assert y == pytest.approx(2**order * math.sin(2 * x + order * PI / 2), abs=1e-13)


def test_a_derivative_jumps_where_the_function_has_a_kink() -> None:
    (gap,) = gaps(sampled("abs(x - 0.1)", -1, 1, order=1))
    assert abs(gap - 0.1) < CLOSE


def test_the_tangent_is_value_and_slope() -> None:
    place = torch.tensor(1.5, dtype=torch.float64)
    found = tangent(read("a*x**2"), {"a": torch.tensor(2.0).double()}, "x", place, here())
    assert (found.x, found.y, found.slope) == (1.5, 4.5, 6.0)


def test_each_number_of_a_list_is_differentiated_for_itself() -> None:
    """At 0 the slope of the square root is infinite, and 0 times that is nan."""
    first = {"x": torch.zeros(1, dtype=torch.float64)}
    parts = outputs(read("[sqrt(x), 3*x]"), {}, first, here())
    assert [label for label, _ in parts] == ["sqrt(x)", "3*x"]
    found = tangent(parts[1][1], {}, "x", first["x"][0], here())
    assert (found.y, found.slope) == (0.0, 3.0)


def test_the_elements_of_a_vector_are_functions_too() -> None:
    first = {"x": torch.ones(1, dtype=torch.float64)}
    parts = outputs(read("x*v"), {"v": torch.tensor([1.0, 2.0]).double()}, first, here())
    assert [label for label, _ in parts] == ["(x*v)[0]", "(x*v)[1]"]
    v = {"v": torch.tensor([1.0, 2.0]).double()}
    assert tangent(parts[1][1], v, "x", first["x"][0], here()).slope == 2.0


def test_a_matrix_is_no_curve() -> None:
    with pytest.raises(ShapeError, match="an array of 2x2"):
        outputs(read("[[x, 1], [2, 3]]"), {}, {"x": torch.ones(1).double()}, here())


def axes(**ends: tuple[float, float, int]) -> Mapping[str, Tensor]:
    return {name: torch.linspace(*one, dtype=torch.float64) for name, one in ends.items()}


def test_a_field_has_a_row_for_each_y() -> None:
    grid = over(read("x + 10*y"), {}, axes(x=(0, 2, 3), y=(0, 1, 2)), here())
    assert grid.x == [0, 1, 2]
    assert grid.y == [0, 1]
    assert grid.z == [[0, 1, 2], [10, 11, 12]]


def test_the_axes_may_come_in_any_order() -> None:
    grid = over(read("x + 10*y"), {}, axes(y=(0, 1, 2), x=(0, 2, 3)), here())
    assert grid.z == [[0, 10], [1, 11], [2, 12]]


@pytest.mark.parametrize(
    ("text", "is_torn"),
    [
        ("1/(x-0.15) + y", lambda x, y: x in (0, 1)),
        ("where(y > 0.5, 3, 0) + x/9", lambda x, y: y in (0, 1)),
        ("where(x + y > 0.5, 5, 0)", lambda x, y: x + y in (0, 1)),
        ("x**2 + 9*y**2", lambda x, y: False),
        ("tanh(300*x) + y", lambda x, y: False),
    ],
)
def test_a_field_is_torn_where_it_jumps(text: str, is_torn: Callable[[float, float], bool]) -> None:
    grid = over(read(text), {}, axes(x=(-3, 3, 7), y=(-2, 2, 5)), here(), torn=True)
    whole = over(read(text), {}, axes(x=(-3, 3, 7), y=(-2, 2, 5)), here())
    for y, row, full in zip(grid.y, grid.z, whole.z, strict=True):
        for x, value, kept in zip(grid.x, row, full, strict=True):
            assert math.isnan(value) if is_torn(x, y) else value == kept, (x, y)


def test_the_gradient_field_is_that_of_the_closed_form() -> None:
    found = slopes(read("x**2*y"), {}, axes(x=(-1, 1, 5), y=(0, 3, 4)), here())
    assert len(found.x) == 20
    for x, y, u, v in zip(found.x, found.y, found.u, found.v, strict=True):
        assert (u, v) == (2 * x * y, x**2)


def test_arrows_stand_in_the_middles_of_equal_parts() -> None:
    places = torch.linspace(0, 10, 101, dtype=torch.float64)
    assert thinned(places, 5).tolist() == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_jumps_are_found_in_either_precision(dtype: str) -> None:
    context = resolve(Settings(dtype=dtype))
    places = torch.linspace(-2.5, 2.5, 1001, dtype=context.dtype)
    (samples,) = curves(read("floor(x)"), {}, "x", places, 0, context)
    assert [round(gap) for gap in gaps(samples)] == [-2, -1, 0, 1, 2]
