"""Over every kind of point: no false alarm, nothing wrong called right, an error bar that holds.

The points stand in data/check_points.tsv; the truth is mpmath's, at 1000 digits.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from check_cases import Case, cases, evidence, examined, truth
from mpmath import mpf

from autograd_cli.engine.check.examination import Examination
from autograd_cli.engine.check.verdict import Evidence, judge
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE

RIGHT = 1e-6  # autograd is right if it is off by less than this share
PLANTED = (1e-2, 5e-4, 1e-5)
SMALLEST = 1e-307  # a float below it has not the digits for those
SMOOTH = [case for case in cases() if case.is_smooth]
OTHERS = [case for case in cases() if not case.is_smooth]
with_and_without_formula = pytest.mark.parametrize("referee", [True, False], ids=["", "numerical"])


def _id(case: Case) -> str:
    return case.name


@functools.cache
def truths(case: Case) -> tuple[Examination, tuple[mpf, ...]]:
    """The examination, and the true derivatives (0 where there is none)."""
    examination = examined(case.expression, case.at)
    place = {name: tensor.item() for name, tensor in examination.points.items()}
    names = [one.label for one in examination.elements]
    return examination, tuple(
        truth(case.expression, place, name) if case.is_smooth else mpf(0) for name in names
    )


@functools.cache
def found(case: Case, referee: bool) -> tuple[tuple[str, Evidence, mpf], ...]:
    """For each input its name, the evidence, and the truth."""
    examination, exact = truths(case)
    names = [one.label for one in examination.elements]
    return tuple(zip(names, evidence(examination, referee=referee), exact, strict=True))


def test_there_are_enough_points_of_every_kind() -> None:
    kinds = [case.kind for case in cases()]
    assert len(set(cases())) == len(kinds) >= 60
    for kind in ("smooth", "oscillating", "cancelling", "saturated", "flat"):
        assert kinds.count(kind) >= 6, kind
    for kind in ("kink", "jump", "edge", "infinite slope"):
        assert kinds.count(kind) >= 4, kind
    for place in ("x=1e-8", "x=1e8"):
        assert sum(case.at == place for case in cases()) >= 5


@with_and_without_formula
@pytest.mark.parametrize("case", SMOOTH, ids=_id)
def test_no_false_alarm_and_nothing_wrong_is_called_right(case: Case, referee: bool) -> None:
    for _, one, exact in found(case, referee):
        verdict, note = judge(one)
        error = abs(one.autograd - exact)
        if error <= RIGHT * abs(exact):
            assert verdict != DISAGREE, note
        elif one.autograd != 0:
            assert verdict != AGREE or "zero" in note, (one.autograd, exact)
            if referee:
                assert verdict == DISAGREE or "makes no difference" in note, note


@pytest.mark.parametrize("case", SMOOTH, ids=_id)
def test_with_a_formula_what_is_right_is_called_right(case: Case) -> None:
    for _, one, exact in found(case, True):
        if abs(one.autograd - exact) <= RIGHT * abs(exact):
            assert judge(one)[0] == AGREE
        assert one.exact is not None
        assert one.exact.value == pytest.approx(float(exact), rel=1e-15, abs=1e-320)


@with_and_without_formula
@pytest.mark.parametrize("case", SMOOTH, ids=_id)
def test_no_wrong_gradient_is_called_right(case: Case, referee: bool) -> None:
    for _, one, exact in found(case, referee):
        if abs(exact) < SMALLEST:
            continue
        for share in PLANTED:
            for sign in (1, -1):
                wrong = float(exact) * (1 + sign * share)
                verdict, note = judge(replace(one, autograd=wrong))
                assert verdict != AGREE, (share, wrong, exact, note)
        if referee:
            assert judge(replace(one, autograd=-float(exact)))[0] != AGREE


@pytest.mark.parametrize("case", SMOOTH, ids=_id)
def test_the_error_bar_covers_the_truth(case: Case) -> None:
    for referee in (True, False):
        for _, one, exact in found(case, referee):
            if one.has_numerical:
                assert abs(mpf(one.slopes.central.value) - exact) <= one.error_bar


@with_and_without_formula
@pytest.mark.parametrize("case", OTHERS, ids=_id)
def test_a_place_without_a_derivative_is_called_what_it_is(case: Case, referee: bool) -> None:
    name, one, _ = found(case, referee)[0]
    assert name == "x"
    verdict, note = judge(one)
    assert verdict == INCONCLUSIVE or "autograd's" in note.partition("not between")[0]
    assert one.kind() == case.kind, note
    words = {"infinite slope": "infinite"}.get(case.kind, case.kind)
    assert words in note


def test_most_numerical_derivatives_are_good_to_six_digits() -> None:
    every = [(one, exact) for case in SMOOTH for _, one, exact in found(case, False) if exact]
    good = sum(abs(one.slopes.central.value / exact - 1) < 1e-6 for one, exact in every)
    assert good >= 0.75 * len(every)


def _summary() -> Iterator[str]:
    """The table of these points; `python tests/test_check_points.py` prints it."""
    for referee in (True, False):
        rows = [row for case in SMOOTH for row in found(case, referee)]
        right = [(one, t) for _, one, t in rows if abs(one.autograd - t) <= RIGHT * abs(t)]
        verdicts = [judge(one)[0] for one, _ in right]
        wrong = [one for _, one, t in rows if abs(one.autograd - t) > RIGHT * abs(t)]
        missed = {
            share: sum(
                judge(replace(one, autograd=float(t) * (1 + share)))[0] == AGREE
                for _, one, t in rows
                if float(t)
            )
            for share in PLANTED
        }
        bars = [abs(mpf(one.slopes.central.value) - t) <= one.error_bar for _, one, t in rows]
        kinds = [found(case, referee)[0][1].kind() == case.kind for case in OTHERS]
        yield f"{'with' if referee else 'without'} formulas: {len(rows)} derivatives"
        yield f"  autograd right at {len(right)}: " + ", ".join(
            f"{verdicts.count(one)} {one}" for one in (AGREE, INCONCLUSIVE, DISAGREE)
        )
        yield f"  autograd wrong at {len(wrong)}: {[judge(one)[0] for one in wrong]}"
        yield f"  planted errors called right: {missed}"
        yield f"  error bars that cover the truth: {sum(bars)} of {len(bars)}"
        yield f"  places without a derivative named: {sum(kinds)} of {len(kinds)}"
        for share in (1e-6, 1e-2):
            near = [abs(o.slopes.central.value - t) <= share * abs(t) for _, o, t in rows]
            yield f"  numerical within {share:g}: {sum(near)} of {len(near)}"


if __name__ == "__main__":
    print("\n".join(_summary()))
