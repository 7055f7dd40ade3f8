"""How large the evidence of a gradient check is: not a verdict, the numbers that one rests on."""

from __future__ import annotations

import math

import pytest
import torch
from check_cases import evidence, examined

from autograd_cli.engine.check.aliasing import ALIASED, unseen
from autograd_cli.engine.check.ladder import Ladder
from autograd_cli.engine.check.rounding import Rounding
from autograd_cli.engine.check.verdict import PRECISIONS
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.vectorised import Vectorised
from autograd_cli.engine.derive.gradients import point
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings.checked("cpu", "float64"))


# What a dtype can hold ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRECISIONS)
def test_precisions_are_those_of_the_dtypes(name: str) -> None:
    precision, info = PRECISIONS[name], torch.finfo(getattr(torch, name))
    assert precision.name == name
    assert precision.unit == info.eps / 2
    assert precision.largest == info.max
    assert precision.tiny == info.smallest_normal * info.eps  # the smallest number of all
    assert precision.digits == pytest.approx(-math.log10(info.eps / 2))
    assert precision.unit < precision.ordinary < precision.tolerated < 1


# Oscillations that no step resolves --------------------------------------------------------------


def _unseen(source: str, x: float) -> tuple[torch.Tensor, torch.Tensor]:
    """How steep what is not seen may be at the places of a ladder, and how far those are away."""
    expression = read(source, given=["x"])
    here = {"x": torch.tensor([x], dtype=torch.float64)}
    ladder = Ladder.at(here["x"])
    rounding = Rounding(Vectorised(expression, {"x": here["x"][0]}, CONTEXT))
    found = rounding.values({"x": ladder.places.flatten()})
    away = (ladder.places - ladder.x[:, None]).abs()[0]
    return unseen(ladder, found.phases)[0], away


@pytest.mark.parametrize(
    ("source", "x", "steepest"),
    [
        ("sin(1e20*x)", 1.0, 1e20),
        ("cos(1e20*x)*1e-3", 0.7, 1e17),
        ("frac(1e18*x)", 0.3, 1e18),
        ("frac(x*1e15)*1e-3", 0.3, 1e12),
        ("mod(x, 1e-18)", 1.1, 1.0),
        ("5*mod(3*x, 1e-18)", 1.1, 15.0),
    ],
)
def test_what_is_not_seen_may_be_as_steep_as_the_wave(
    source: str, x: float, steepest: float
) -> None:
    found, away = _unseen(source, x)
    beside = away > 0
    slopes = found[beside] / away[beside]
    assert slopes.min() >= 0.3 * steepest
    assert slopes.max() <= 1.01 * steepest
    assert found[~beside].max() == 0


@pytest.mark.parametrize("frequency", [10.0, 1e3, 1e6])
def test_only_steps_beyond_half_a_period_are_mistrusted(frequency: float) -> None:
    """Those that turn the phase by less are narrow enough to follow the wave."""
    for source, turn in (
        (f"sin({frequency!r}*x)", frequency),
        (f"frac({frequency!r}*x)", 2 * math.pi * frequency),
        (f"mod(x, {1 / frequency!r})", 2 * math.pi * frequency),
    ):
        found, away = _unseen(source, 0.3)
        turned = turn * away
        assert (found[turned > 1.01 * ALIASED] > 0).all(), source
        assert (found[turned < 0.99 * ALIASED] == 0).all(), source
        assert found.max() > 0, source


@pytest.mark.parametrize("source", ["sin(x)", "frac(x/8)", "mod(x, 5)", "x**2", "exp(x)"])
def test_what_is_slow_is_seen(source: str) -> None:
    found, _ = _unseen(source, 0.3)
    assert found.max() == 0


# What rounding does to a gradient ----------------------------------------------------------------


def _wobble(source: str, at: str, unit: float) -> list[float]:
    values = read_values([at])
    expression = read(source, given=list(values))
    points = {name: one[None] for name, one in point(values, CONTEXT).items()}
    rounding = Rounding(Vectorised(expression, {k: v[0] for k, v in points.items()}, CONTEXT))
    return [value for one in rounding.wobble(points, unit) for value in one.flatten().tolist()]


@pytest.mark.parametrize(
    ("source", "at", "share"),
    [
        # 1 - cos(x) is off by a unit, and its derivative has 2/x**3 times that
        ("(1-cos(x))/x**2", "x=1e-3", 2e9),
        ("sum(1-cos(v))/sum(v**2)", "v=[1e-3]", 2e9),
        # the phase 1e8*x is off by a unit of itself, and 1e8*sin of it as much
        ("sin(1e8*x)", "x=1.3", 1e8 * 1.3e8 * abs(math.sin(1.3e8))),
        ("cos(1e6*x)", "x=0.7", 1e6 * 7e5 * abs(math.cos(7e5))),
        # the divisor x + 1 - 1 is off by a unit of 1
        ("1/(x+1-1)", "x=1e-5", 2e15),
        ("log(x+1-1)", "x=1e-4", 1e8),
    ],
)
def test_the_wobble_is_the_error_that_cancellation_makes(
    source: str, at: str, share: float
) -> None:
    unit = 2 * PRECISIONS["float64"].unit  # it cannot be disturbed by less
    found = max(_wobble(source, at, PRECISIONS["float64"].unit))
    assert 0.3 * share * unit <= found <= 3 * share * unit


@pytest.mark.parametrize("unit", [2.0**-24, 2.0**-11, 2.0**-8])
@pytest.mark.parametrize(
    ("source", "at", "size"),
    [
        ("exp(x)", "x=2", math.exp(2)),
        ("x*y", "x=3,y=0", 3.0),  # by x it is 0, by y it is x
        ("dot(v, w)", "v=[1,2],w=[0,0]", 2.0),
        ("x**2*sin(y)", "x=3,y=0", 9.0),
        ("sum(1000*softmax(v))", "v=[0,0]", 250.0),  # p*(1-p) of each of two
    ],
)
def test_the_wobble_is_a_unit_of_the_gradient(
    source: str, at: str, size: float, unit: float
) -> None:
    """Of its terms, where they cancel."""
    assert 0.3 * size * unit <= max(_wobble(source, at, unit)) <= 3 * size * unit


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("(1-cos(x))/x**2", "x={}"),
        ("x*exp(-x)/(1+x)", "x={}"),
        ("sum(softmax([x,1,2*x])*[1,5,2])", "x={}"),
        ("std([x,1,2*x])/mean([x,x**2])", "x={}"),
        ("log(sum(exp([x,1,2*x])))-x", "x={}"),
        ("norm([x,1,x**2])/(1+x)", "x={}"),
    ],
)
def test_the_wobble_is_that_of_float32(source: str, at: str) -> None:
    """The largest error of torch's float32 gradients at points close together."""
    errors, wobbles = [], []
    for number in range(40):
        place = at.format(torch.tensor(0.7 + number / 997, dtype=torch.float32).item())
        (single,) = evidence(examined(source, place, "float32"), referee=False)
        (double,) = evidence(examined(source, place), referee=False)
        errors.append(abs(single.autograd - double.autograd))
        wobbles.append(single.wobble)
    typical = sorted(wobbles)[len(wobbles) // 2]
    assert 0.3 * typical <= max(errors) <= 3 * typical


def test_exact_operations_do_not_wobble() -> None:
    assert _wobble("x+y", "x=3,y=5", 2.0**-24)[0] <= 2.0**-23
    assert _wobble("relu(x)", "x=-1", 2.0**-24) == [0.0]
