"""Verdicts at hard but smooth points: tails, removable things, edges beside, derivatives of 0.

The truth is a closed form that holds its digits, in mpmath at 60 digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from check_cases import evidence, examined
from mpmath import mp, mpf

from autograd_cli.engine.check.ladder import EDGE, SMOOTH, UNDEFINED
from autograd_cli.engine.check.verdict import REMOVABLE, Evidence, Exact, judge
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE

SAME = mpf(10) ** -14
SMALLEST = mpf(10) ** -320


def _only(source: str, at: str, dtype: str = "float64", **question: Any) -> Evidence:
    (one,) = evidence(examined(source, at, dtype, **question), referee=True)
    return one


def _is_exact(one: Evidence, right: Any) -> bool:
    assert one.exact is not None
    assert one.exact.kind == SMOOTH
    return bool(abs(mpf(one.exact.text) - right) <= SAME * abs(right) + SMALLEST)


# Tails -------------------------------------------------------------------------------------------


def _density(x: Any) -> Any:
    return mp.exp(-(x**2) / 2) / mp.sqrt(2 * mp.pi)


def _upper(x: Any) -> Any:
    return mp.erfc(x / mp.sqrt(2)) / 2


def _logistic(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _of_erfc(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-(x**2)) / mp.erfc(x)


def _mills(x: Any) -> Any:
    return _density(x) / _upper(x)


TAILS: dict[str, Callable[[Any], Any]] = {
    "log_ndtr(x)": lambda x: _mills(-x),
    "log(ndtr(x))": lambda x: _mills(-x),
    "log(1-ndtr(x))": lambda x: -_mills(x),
    "log(0.5*(1+erf(x/sqrt(2))))": lambda x: _mills(-x),
    "log(1+erf(x))": lambda x: _of_erfc(-x),
    "log(1-erf(x))": lambda x: -_of_erfc(x),
    "log(2-erfc(x))": lambda x: _of_erfc(-x),
    "exp(-x**2/2)/sqrt(2*pi)/(1-ndtr(x))": lambda x: _mills(x) * (_mills(x) - x),
    "log(1-sigmoid(x))": lambda x: -_logistic(x),
    "log(sigmoid(x))": lambda x: _logistic(-x),
    "log(1.0-tanh(x))": lambda x: -2 * _logistic(2 * x),
    "log(1+tanh(x))": lambda x: 2 * _logistic(-2 * x),
    "log(1-tanh(x)**2)": lambda x: -2 * mp.tanh(x),
    "log(softplus(x))": lambda x: _logistic(x) / mp.log1p(mp.exp(x)),
    "log(1+exp(x))": _logistic,
    "log(exp(x)-1)": lambda x: -1 / mp.expm1(-x),
    "log(1-exp(-x))": lambda x: 1 / mp.expm1(x),
    "log(cosh(x))": mp.tanh,
    "exp(x)/(1+exp(x))": lambda x: _logistic(x) * _logistic(-x),
    "(exp(x)-exp(-x))/(exp(x)+exp(-x))": lambda x: mp.sech(x) ** 2,
    "logsigmoid(x)": lambda x: _logistic(-x),
}
OF_POSITIVE = ("log(exp(x)-1)", "log(1-exp(-x))")
PLACES_IN_TAILS = (-20, -30, -40, -100, -800, -1e4, 20, 40, 800, 1e4)
FAR = 1e100
AT_THE_END: dict[str, tuple[float, float]] = {  # at -FAR and at FAR
    "log(cosh(x))": (-1, 1),
    "log(1-tanh(x)**2)": (2, -2),
    "log(1+exp(x))": (0, 1),
    "log(sigmoid(x))": (1, 0),
    "log(1-sigmoid(x))": (0, -1),
    "log_ndtr(x)": (FAR, 0),
    "log(1+erf(x))": (2 * FAR, 0),
    "(exp(x)-exp(-x))/(exp(x)+exp(-x))": (0, 0),
}


@pytest.mark.parametrize(
    ("source", "x"),
    [(source, x) for source in TAILS for x in PLACES_IN_TAILS if x > 0 or source not in OF_POSITIVE]
    + [(source, x) for source in AT_THE_END for x in (-FAR, FAR)],
)
def test_tails_are_smooth(source: str, x: float) -> None:
    with mp.workdps(60):
        right = mpf(AT_THE_END[source][x > 0]) if abs(x) == FAR else TAILS[source](mpf(x))
    one = _only(source, f"x={x!r}")
    assert one.kind() == SMOOTH
    assert _is_exact(one, right)
    verdict, note = judge(one)
    if abs(one.autograd - right) <= 1e-9 * abs(right) + SMALLEST:
        assert verdict == AGREE, note
    else:
        assert verdict == DISAGREE or "makes no difference" in note or "loses" in note, note


# What overflows on the way -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "at", "right"),
    [
        ("log(1+exp(x))", "x=800", 1),
        ("exp(x)/(1+exp(x))", "x=800", 0),
        ("log(exp(x))", "x=800", 1),
        ("log(exp(x))", "x=-800", 1),
        ("log(exp(x)+exp(-x))", "x=1e4", 1),
        ("(exp(x)-exp(-x))/(exp(x)+exp(-x))", "x=800", 0),
        ("sinh(x)/cosh(x)", "x=-1000", 0),
        ("sqrt(x**2+1)", "x=1e200", 1),
        ("x**2/x", "x=1e200", 1),
        ("x**3/x**2", "x=-1e160", 1),
        ("gamma(x+1)/gamma(x)", "x=200", 1),
        ("exp(x)*exp(-x)", "x=900", 0),
        ("sqrt(x**2)", "x=1e-200", 1),
        ("x*exp(x)/(exp(x)+1)", "x=750", 1),
        ("log(sum(exp([x,0])))", "x=800", 1),
        ("log(1+exp(x))", "x=100", 1),
    ],
)
def test_what_only_overflows_on_the_way_is_wrong(source: str, at: str, right: float) -> None:
    """The value and the derivative are ordinary numbers; autograd's is not."""
    dtype = "float32" if at == "x=100" else "float64"
    one = _only(source, at, dtype)
    verdict, note = judge(one)
    assert verdict == DISAGREE, note
    assert one.exact is not None
    assert one.exact.value == pytest.approx(right, abs=1e-30)
    assert "cancellation" not in note
    if dtype == "float64" and at != "x=1e-200" and at != "x=-800":
        assert "an intermediate result is beyond float64" in note


@pytest.mark.parametrize(
    ("source", "at", "note"),
    [
        ("exp(x)", "x=800", "beyond float64: the derivative is 2.72637e+347"),
        ("sqrt(exp(x))", "x=1e4", "beyond float64: the derivative is 1.48381e+2171"),
        ("log(x)*exp(-x)*exp(x)/x/x", "x=1e-300", "beyond float64: the derivative is"),
        ("x/x", "x=0", "undefined as it is written; simplified, the exact value is 0"),
        ("x**2/x", "x=0", "undefined as it is written; simplified, the exact value is 1"),
        ("exp(log(x))", "x=-1", "undefined as it is written; simplified, the exact value is 1"),
        ("log(x)-log(x)", "x=-1", "undefined as it is written; simplified, the exact value is 0"),
        ("where(x>0, 1, x/x)", "x=0", "undefined as it is written; simplified"),
        ("sin(x)/x", "x=0", "undefined at this very point; the derivative tends to 0"),
        ("expm1(x)/x", "x=0", "undefined at this very point; the derivative tends to 0.5"),
        ("1/x", "x=0", "the value is inf here: there is no derivative"),
        ("gamma(x)", "x=-3", "the value is nan here: there is no derivative"),
        ("gamma(x)", "x=-1000", "the value is nan here: there is no derivative"),
        ("log(x)", "x=0", "the value is -inf here: there is no derivative"),
        ("log(1+erf(x)-1)", "x=0", "the value is -inf here: there is no derivative"),
        ("atanh(x)", "x=1", "the value is inf here: there is no derivative"),
    ],
)
def test_what_is_beyond_or_undefined_is_said_to_be(source: str, at: str, note: str) -> None:
    verdict, found = judge(_only(source, at))
    assert verdict == INCONCLUSIVE
    assert note in found


def test_a_branch_not_taken_does_not_count_as_written() -> None:
    """The logarithm of a negative number is not computed with; what is overflows on the way."""
    verdict, note = judge(_only("where(x>0, log(x), log(1+exp(-x)))", "x=-800"))
    assert verdict == DISAGREE
    assert "the exact value is -1" in note


# 0 log 0 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "at", "of", "right"),
    [
        ("entr(a)+entr(b)", "a=0,b=0.5", "b", -1 - mp.log(mpf("0.5"))),
        ("sum(entr(p))", "p=[0,0.25]", "p[1]", -1 - mp.log(mpf("0.25"))),
        ("xlogy(x,x)+y**2", "x=0,y=3", "y", mpf(6)),
        ("xlogy(x,y)", "x=0,y=2", "x", mp.log(2)),
        ("xlogy(x,y)", "x=0,y=2", "y", mpf(0)),
        ("xlogy(x,y)*z", "x=0,y=0,z=2", "z", mpf(0)),
        ("xlog1py(x,y)", "x=0,y=3", "x", mp.log(4)),
        ("xlog1py(x,y)+z**3", "x=0,y=-1,z=2", "z", mpf(12)),
        ("bce_loss(p,[0,1])", "p=[0,0.25]", "p[1]", mpf(-2)),
        ("bce_loss([0.25,1],t)", "t=[0.5,1]", "t[0]", (mp.log(3)) / 2),
    ],
)
def test_zero_times_its_logarithm_is_zero(source: str, at: str, of: str, right: Any) -> None:
    examination = examined(source, at)
    place = [element.label for element in examination.elements].index(of)
    one = evidence(examination, referee=True)[place]
    assert _is_exact(one, right)
    assert judge(one)[0] == AGREE


@pytest.mark.parametrize("source", ["xlogy(x,x)", "entr(x)", "-xlogy(x,x)+x**2", "xlogy(x,2*x)"])
def test_the_end_of_its_domain_is_an_edge(source: str) -> None:
    one = _only(source, "x=0")
    assert one.kind() == EDGE
    verdict, note = judge(one)
    assert verdict == INCONCLUSIVE
    assert "only to the right, where the slope is infinite" in note


def test_a_plainly_smooth_ladder_is_believed_before_a_formula_that_is_undefined() -> None:
    one = _only("log_ndtr(x)", "x=-40")
    for kind in (UNDEFINED, REMOVABLE):
        lost = replace(one, exact=Exact(kind, 1.0))
        assert judge(lost)[0] == AGREE
        for share in (1e-2, 5e-4, 1e-5):
            assert judge(replace(lost, autograd=one.autograd * (1 + share)))[0] == DISAGREE
    for source, at in (("abs(x)", "x=0"), ("1/x", "x=0"), ("floor(x)", "x=2"), ("sqrt(x)", "x=0")):
        one = _only(source, at)
        assert replace(one, exact=Exact(UNDEFINED)).kind() == UNDEFINED


# Derivatives that are 0 by cancellation ----------------------------------------------------------

VECTORS = (
    *("sum(softmax(x))", "sum(softmax(x))-1", "sum((x-mean(x))/std(x,correction=0))"),
    *("mean(x-mean(x))*1e6", "sum(((x-mean(x))/std(x))**2)", "norm(x/norm(x))-1", "sum(x/sum(x))"),
    *("logsumexp(log_softmax(x))", "sum(exp(x-logsumexp(x)))", "logsumexp(x)-logsumexp(x+1)"),
    *("sum((x-mean(x))/sqrt(var(x,correction=0)+1e-5))", "var(x)-var(x+3)", "sum(x**2)-dot(x,x)"),
    *("cross_entropy(x,1)-cross_entropy(x+2,1)", "log(sum(exp(log_softmax(x))))"),
)
SCALARS = (
    *("sin(x)**2+cos(x)**2", "cosh(x)**2-sinh(x)**2", "x/x", "(x+1)**2-x**2-2*x", "x*(1/x)"),
    *("log(2*x)-log(x)", "sigmoid(x)+sigmoid(-x)", "ndtr(x)+ndtr(-x)", "erf(x)+erfc(x)"),
    *("tanh(x)-2*sigmoid(2*x)", "atan(x)+atan(1/x)", "sqrt(x)*sqrt(x)-x", "x**3/x-x**2"),
    *("softplus(x)-softplus(-x)-x", "exp(x)*exp(-x)", "sin(2*x)-2*sin(x)*cos(x)"),
    *("log(x**2)-2*log(x)", "sec(x)**2-tan(x)**2", "hypot(cos(x),sin(x))"),
    *("1e6*(sin(x)**2+cos(x)**2)", "(x**3-1)/(x-1)-x**2-x"),
)
PLACES = {
    **dict.fromkeys(
        VECTORS,
        ("x=[1,1,1,2]", "x=[0.3,-1.2,2.5,0.7]", "x=[30,31,12,29.5]", "x=[1e-3,2e-3,5e-3,4e-3]"),
    ),
    **dict.fromkeys(SCALARS, ("x=0.37", "x=3.3", "x=1e-3", "x=17")),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("source", PLACES)
def test_zeros_by_cancellation_are_right_within_their_rounding(source: str, dtype: str) -> None:
    for at in PLACES[source]:
        for one in evidence(examined(source, at, dtype), referee=True):
            if one.exact is None or one.autograd != one.autograd:  # 0/0 in that precision
                continue
            assert one.exact.value == 0, at
            verdict, note = judge(one)
            assert verdict == AGREE or (dtype == "bfloat16" and verdict == INCONCLUSIVE), (at, note)
            assert not note or note.startswith("zero, up to rounding: ")


@pytest.mark.parametrize("source", PLACES)
def test_what_is_wrong_beside_a_zero_is_found(source: str) -> None:
    """Errors of a millionth of the terms that cancel, and of the value for its size."""
    for at in PLACES[source]:
        for one in evidence(examined(source, at), referee=True):
            terms = max(one.wobble / one.precision.unit, one.slopes.scale)
            for share in (1e-6, -1e-6, 1e-2, 1, -1):
                wrong = replace(one, autograd=share * terms)
                assert judge(wrong)[0] == DISAGREE, (at, share)


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("sum((x-mean(x))/std(x,correction=0))", "x=[1,1,1,2]"),
        ("sin(x)**2+cos(x)**2", "x=1"),
        ("cosh(x)**2-sinh(x)**2", "x=3"),
        ("exp(x)*exp(-x)", "x=3"),
        ("log(2*x)-log(x)", "x=0.7"),
    ],
)
def test_second_derivatives_that_cancel(source: str, at: str) -> None:
    for one in evidence(examined(source, at, order=2), referee=True):
        assert judge(one)[0] == AGREE
        assert judge(replace(one, autograd=1e-3))[0] == DISAGREE


# Words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "note"),
    [
        (
            "where(x==0, 1, 0*x)",
            "a jump: the value is 1 at this very point, and 0 beside it;"
            " autograd's 0 is a convention",
        ),
        ("where(x==0, 5, x+2)", "a jump: the value is 5 at this very point, and 2 beside it"),
        ("atan(1/x)+0*x", "a jump from -1.5708 to 1.5708; autograd's nan is no derivative"),
        ("sign(x)", "a jump from -1 to 1; autograd's 0 is a convention"),
        ("0**x", "a jump: the value is 1 at this very point, and 0 to the right"),
        ("abs(x)", "from the right; autograd's 0 is a convention"),
    ],
)
def test_what_is_no_derivative_is_told_in_words(source: str, note: str) -> None:
    verdict, found = judge(_only(source, "x=0"))
    assert verdict == INCONCLUSIVE
    assert note in found
