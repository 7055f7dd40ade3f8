"""From three answers to a verdict: what is said of one derivative, and why.

Autograd is compared with the exact derivative where there is one, else with the numerical one and
its error bar. Nothing is called right that cannot be told from something wrong, and nothing wrong
for the rounding that its own dtype makes unavoidable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograd_cli.engine.check.ladder import (
    EDGE,
    INFINITE,
    JUMPING,
    KINKED,
    SMOOTH,
    UNDEFINED,
    Slope,
    Slopes,
)
from autograd_cli.engine.core.symmetric_operands import AMONG, Symmetry
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE

UNIT = 2.0**-53
BAR = 4.0  # times the estimate of the ladder's error
RESOLVED = 1e-6  # a reference must be known to this to vouch for anything
NEGLIGIBLE = 64.0  # units of rounding, beside how steep the expression is at large
WORTH_TELLING = 4  # digits lost without doing much harm
REMOVABLE = "removable"
DETACHED = "detached"
SAME = 1e-9  # of their size: what derivatives of the same thing may differ by


@dataclass(frozen=True)
class Precision:
    """What may be expected of a dtype.

    unit       its unit of rounding
    tolerated  a relative error beyond this is wrong, whatever rounding may excuse
    ordinary   one below this is nothing to speak of
    largest    its largest number, tiny its smallest
    """

    name: str
    unit: float
    tolerated: float
    ordinary: float
    largest: float
    tiny: float

    @property
    def digits(self) -> float:
        return -math.log10(self.unit)


PRECISIONS = {
    row.name: row
    for row in (
        Precision("float64", UNIT, 1e-6, 1e-9, 1.7976931348623157e308, 2.0**-1074),
        Precision("float32", 2.0**-24, 1e-3, 1e-5, 3.4028234663852886e38, 2.0**-149),
        Precision("float16", 2.0**-11, 3e-2, 1e-2, 65504.0, 2.0**-24),
        Precision("bfloat16", 2.0**-8, 1e-1, 3e-2, 3.3895313892515355e38, 2.0**-133),
    )
}


@dataclass(frozen=True)
class Exact:
    """What the referee says of a place; the numbers as far as a float holds them.

    `value` is the derivative, with all digits in `text`; `here` and `here_text` are the value of
    the expression, unless that is undefined as it is written.
    """

    kind: str
    value: float | None = None
    text: str = ""
    here: float | None = None
    here_text: str = ""
    left: float | None = None
    right: float | None = None
    before: float | None = None
    after: float | None = None
    infinite: bool = False

    @classmethod
    def of_reply(cls, reply: Mapping[str, Any]) -> Exact:
        sides = {
            name: None if reply.get(name) is None else float(reply[name])
            for name in ("left", "right", "before", "after")
        }
        text, here = reply.get("exact") or "", reply.get("value") or ""
        return cls(
            kind=reply["kind"],
            value=float(text) if text else None,
            text=text,
            here=float(here) if here else None,
            here_text=here,
            infinite=bool(reply.get("infinite")),
            **sides,
        )


@dataclass(frozen=True)
class Evidence:
    """All that is known of one derivative.

    `wobble` is how far rounding in autograd's dtype may move it. `whose` derivative it is that is
    judged as `autograd`. `is_certainly_zero` says that the expression lets no influence through,
    where autograd gives 0 and there is no formula; `symmetry` what the input does to operands that
    have to be symmetric. Where `detach` `holds` something fixed, all but `whole` is known with it
    held; `whole` is of the value itself.
    """

    autograd: float
    slopes: Slopes
    exact: Exact | None
    wobble: float
    precision: Precision
    whose: str = "autograd's"
    is_certainly_zero: bool = False
    symmetry: Symmetry | None = None
    holds: str = ""
    whole: Evidence | None = None

    @property
    def has_numerical(self) -> bool:
        """Whether the ladder has a derivative; what settled across a corner or a jump is none."""
        return self.slopes.central.exists and self.slopes.kind == SMOOTH

    @property
    def error_bar(self) -> float:
        """Of the numerical derivative, including autograd's last digit, which it is held
        against; infinite where there is none."""
        if not self.has_numerical:
            return math.inf
        size = abs(self.autograd) if math.isfinite(self.autograd) else 0.0
        return BAR * self.slopes.central.error + 8 * UNIT * max(
            size, abs(self.slopes.central.value)
        )

    @property
    def grain(self) -> float:
        """What a derivative may be that is nothing but the rounding of terms that cancel."""
        return NEGLIGIBLE * self.precision.unit * self.slopes.terms

    @property
    def has_formula(self) -> bool:
        """Whether the referee knows the derivative."""
        return self.exact is not None and self.exact.kind == SMOOTH

    def kind(self) -> str:
        """What the place is: the referee's word, unless it has not seen it.

        Where the referee sees nothing special, a constant such as 1/3 may be a rounding away from
        the one that was computed with, which has its kink right here.
        """
        seen = self.slopes.kind
        if self.exact is None or self.exact.kind == "unknown":
            return seen
        if self.exact.kind in (UNDEFINED, REMOVABLE) and self._is_plainly_smooth():
            return SMOOTH  # as torch defines it; a formula may lack what a function is at 0/0
        if self.exact.kind != SMOOTH or seen in (SMOOTH, UNDEFINED):
            return self.exact.kind
        assert self.exact.value is not None
        apart = abs(self.autograd - self.exact.value)
        near = self.precision.tolerated * abs(self.exact.value)
        if self.exact.value == 0 and seen in (JUMPING, INFINITE):  # which rounding does as well
            near = min(self.grain, self.precision.tolerated * self.slopes.terms)
        return SMOOTH if apart <= near else seen

    def _is_plainly_smooth(self) -> bool:
        """Whether the ladder has a derivative that nothing speaks against, with digits to spare."""
        size = abs(self.slopes.central.value)
        return (
            self.has_numerical
            and math.isfinite(self.autograd)
            and self.error_bar <= RESOLVED * max(size, self.slopes.scale)
        )

    @property
    def is_held_back(self) -> bool:
        """Whether the value itself has another derivative than what `detach` leaves of it."""
        whole = self.whole
        if whole is None:
            return False
        if whole.kind() != SMOOTH:
            return whole.kind() != self.kind() or whole.sides() != self.sides()
        if self.kind() != SMOOTH:
            return True
        (one, first), (other, second) = self.known(), whole.known()
        if math.isinf(first + second):  # autograd knows as well that something is held
            (one, first), (other, second) = (self.autograd, 0.0), (whole.autograd, 0.0)
        return not abs(one - other) <= first + second + SAME * max(abs(one), abs(other))

    def known(self) -> tuple[float, float]:
        """The best that is known of the derivative, and how far it may be off: infinitely, where
        there is neither a formula nor a numerical derivative."""
        if self.has_formula and self.exact is not None and self.exact.value is not None:
            return self.exact.value, 0.0
        return self.slopes.central.value, self.error_bar

    def sides(self) -> tuple[float | None, float | None]:
        """The derivatives from the left and from the right; None where there is none."""
        if self.exact is not None and (self.exact.left, self.exact.right) != (None, None):
            return self.exact.left, self.exact.right
        found = (self.slopes.left, self.slopes.right)
        left, right = (_limit(side, self.slopes.steep) for side in found)
        return left, right


def _limit(side: Slope, steep: bool) -> float | None:
    if not side.exists:
        return None
    return math.copysign(math.inf, side.value) if steep else _tidy(side.value, BAR * side.error)


@dataclass(frozen=True)
class Tolerance:
    """A plain tolerance, for people who want one: |error| <= absolute + relative*|reference|."""

    relative: float
    absolute: float


Judgement = tuple[str, str]  # the verdict, and the reason in words


def judge(evidence: Evidence, tolerance: Tolerance | None = None) -> Judgement:
    """The verdict on autograd, and the reason in words ("" where all is well)."""
    return _held_back(evidence, among_symmetric(evidence, _judged(evidence, tolerance)))


def _judged(evidence: Evidence, tolerance: Tolerance | None) -> Judgement:
    kind = evidence.kind()
    if kind == SMOOTH:
        return _smooth(evidence, tolerance)
    return _SINGULAR[kind](evidence)


def among_symmetric(evidence: Evidence, judgement: Judgement) -> Judgement:
    """The judgement, with what functions of symmetric matrices make of it."""
    symmetry = evidence.symmetry
    verdict, note = judgement
    if symmetry is None:
        return judgement
    if symmetry.broken and (symmetry.concerns or verdict != AGREE):
        return INCONCLUSIVE, symmetry.broken
    if symmetry.leaves:
        return verdict, f"{note}; {AMONG}" if note else AMONG
    return judgement


def _held_back(evidence: Evidence, judgement: Judgement) -> Judgement:
    """The judgement, with what `detach` makes of it: a derivative that is right with something held
    fixed is not that of the value."""
    if judgement[0] == DISAGREE or not evidence.is_held_back:
        return judgement
    return INCONCLUSIVE, told_apart(evidence)


def told_apart(evidence: Evidence) -> str:
    """What `detach` holds, and the derivatives with and without it."""
    whole = evidence.whole
    assert whole is not None
    text = f"{evidence.holds}: {_n(evidence.autograd)} with it held, the value itself"
    if whole.kind() != SMOOTH:
        return f"{text} has no derivative here ({whole.kind()})"
    value, error = whole.known()
    return f"{text} changes by {_n(_tidy(value, error))}"


# Where there is no derivative --------------------------------------------------------------------


def _kink(evidence: Evidence) -> Judgement:
    left, right = evidence.sides()
    if left is None or right is None:
        return INCONCLUSIVE, "a kink"
    between = f"a kink: the derivative is {_n(left)} from the left and {_n(right)} from the right"
    low, high = min(left, right), max(left, right)
    slack = evidence.precision.tolerated * (abs(low) + abs(high))
    if not low - slack <= evidence.autograd <= high + slack:  # also where it is nan
        return DISAGREE, f"{between}; {evidence.whose} {_n(evidence.autograd)} is not between them"
    return INCONCLUSIVE, f"{between}{_told(evidence)}"


def _told(evidence: Evidence) -> str:
    """What is to be said of the number that stands where there is no derivative."""
    what = "a convention" if math.isfinite(evidence.autograd) else "no derivative"
    return f"; {evidence.whose} {_n(evidence.autograd)} is {what}"


def _edge(evidence: Evidence) -> Judgement:
    left, right = evidence.sides()
    on_right = right is not None
    if evidence.exact is None:
        on_right = evidence.slopes.right.exists or math.isfinite(evidence.slopes.after)
    side, slope = ("right", right) if on_right else ("left", left)
    text = f"the edge of the domain: there are values only to the {side}"
    if slope is None or math.isinf(slope):
        return INCONCLUSIVE, f"{text}, where the slope is infinite"
    return INCONCLUSIVE, f"{text}, where the derivative is {_n(slope)}"


def _jump(evidence: Evidence) -> Judgement:
    exact, slopes = evidence.exact, evidence.slopes
    before: float | None = slopes.before
    after: float | None = slopes.after
    if exact is not None and (exact.before, exact.after) != (None, None):
        before, after = exact.before, exact.after
    for side, one in (("right", before), ("left", after)):
        if one is not None and math.isnan(one):
            near = "the edge of the domain is next to this point"
            return INCONCLUSIVE, f"{near}: there are values only to the {side}"
    places = (before, after, slopes.value)
    sizes = [abs(one) for one in places if one is not None and math.isfinite(one)]
    size = max(sizes, default=0.0)
    first, second, here = (None if one is None else _n(_tidy(one, 1e-6 * size)) for one in places)
    if first is None or second is None:
        side = f"{second} to the right" if first is None else f"{first} to the left"
        text = f"a jump: the value is {here} at this very point, and {side}"
    elif first != second:
        text = f"a jump from {first} to {second}"
    elif here != first:
        text = f"a jump: the value is {here} at this very point, and {first} beside it"
    else:
        text = "a jump too small to be seen beside the value"
    return INCONCLUSIVE, text + _told(evidence)


def _infinite(evidence: Evidence) -> Judgement:
    text = "the slope is infinite here"
    return INCONCLUSIVE, text + (_told(evidence) if math.isfinite(evidence.autograd) else "")


def _undefined(evidence: Evidence) -> Judgement:
    if math.isfinite(evidence.slopes.value):
        return INCONCLUSIVE, "there is no value beside this very point, and so no derivative"
    return INCONCLUSIVE, f"the value is {evidence.slopes.value:g} here: there is no derivative"


def _removable(evidence: Evidence) -> Judgement:
    assert evidence.exact is not None
    limit = _n(evidence.exact.value or 0.0)
    return INCONCLUSIVE, f"undefined at this very point; the derivative tends to {limit}"


_SINGULAR: Mapping[str, Callable[[Evidence], Judgement]] = {
    KINKED: _kink,
    EDGE: _edge,
    JUMPING: _jump,
    INFINITE: _infinite,
    UNDEFINED: _undefined,
    REMOVABLE: _removable,
}


# Where there is one ------------------------------------------------------------------------------


def _smooth(evidence: Evidence, tolerance: Tolerance | None) -> Judgement:
    if not math.isfinite(evidence.autograd) or _is_only_simplified(evidence):
        return _not_finite(evidence)
    if tolerance is not None:
        return _within(evidence, tolerance)
    return _against_exact(evidence) if evidence.has_formula else _against_numerical(evidence)


def _is_only_simplified(evidence: Evidence) -> bool:
    """Whether there is no value as the expression is written: log(x) - log(x) at -1."""
    exact = evidence.exact
    return exact is not None and exact.here is None and math.isnan(evidence.slopes.value)


def _not_finite(evidence: Evidence) -> Judgement:
    precision = evidence.precision
    reference = _reference(evidence)
    size = abs(reference)
    if size > precision.largest:
        text = evidence.exact.text if evidence.exact else repr(reference)
        return INCONCLUSIVE, f"beyond {precision.name}: the derivative is {_shortened(text)}"
    here, text = _here(evidence)
    if abs(here) > precision.largest:
        return INCONCLUSIVE, f"beyond {precision.name}: the value is {text} here"
    if math.isnan(here):  # SymPy shortens x/x to 1
        return INCONCLUSIVE, f"undefined as it is written; simplified, {_the_value(evidence)}"
    if not evidence.has_formula and not evidence.has_numerical:
        return INCONCLUSIVE, f"autograd gives {evidence.autograd:g}; nothing to compare with"
    told = f"autograd gives {evidence.autograd:g}{_on_the_way(evidence)}"
    return DISAGREE, f"{told}; {_the_value(evidence)}"


def _here(evidence: Evidence) -> tuple[float, str]:
    """The value, exactly where it is known, and as text: torch may have lost it on the way."""
    exact = evidence.exact
    if exact is not None and exact.here is not None:
        return exact.here, _shortened(exact.here_text)
    return evidence.slopes.value, _n(evidence.slopes.value)


def _on_the_way(evidence: Evidence) -> str:
    """Where only an intermediate result is beyond float64, that it is."""
    here, _ = _here(evidence)
    if math.isfinite(here) and not math.isfinite(evidence.slopes.value):
        return f", as an intermediate result is beyond float64 (the value is {_n(here)})"
    return ""


def _within(evidence: Evidence, tolerance: Tolerance) -> Judgement:
    reference = _reference(evidence)
    if not math.isfinite(reference):
        return INCONCLUSIVE, "there is nothing to compare with"
    error = abs(evidence.autograd - reference)
    allowed = tolerance.absolute + tolerance.relative * abs(reference)
    if error <= allowed:
        return AGREE, ""
    return DISAGREE, f"off by {_n(error)}, where {_n(allowed)} is allowed; {_the_value(evidence)}"


def _against_exact(evidence: Evidence) -> Judgement:
    exact = evidence.exact
    assert exact is not None
    assert exact.value is not None
    precision = evidence.precision
    if math.isinf(exact.value):
        return INCONCLUSIVE, f"beyond float64: the derivative is {_shortened(exact.text)}"
    error, size = abs(evidence.autograd - exact.value), abs(exact.value)
    negligible = NEGLIGIBLE * precision.unit * evidence.slopes.scale
    rounding = 64 * precision.unit * size + 4 * evidence.wobble + precision.tiny
    if error <= precision.tiny:
        return AGREE, ""
    if exact.value == 0 and error <= max(negligible, 4 * rounding, _resolution(evidence)):
        return AGREE, f"zero, up to rounding: {_n(evidence.autograd)}"
    if error <= precision.tolerated * size:
        if error <= max(rounding, negligible, precision.ordinary * size):
            return AGREE, _digits_lost(evidence, error, size)
        return INCONCLUSIVE, f"off by {_share(error, size)}, more than rounding explains"
    if _formula_stands_alone(evidence):
        return (
            INCONCLUSIVE,
            f"autograd and the numerical derivative are the same, but the formula gives"
            f" {_n(exact.value)}",
        )
    if error <= (negligible if exact.value else evidence.grain):
        what = "rounds to 0" if evidence.autograd == 0 else _lost(error, size, precision)
        return (
            INCONCLUSIVE,
            f"autograd {what} here, the exact value is {_precise(exact.value)}; beside the"
            f" expression's own rounding it makes no difference",
        )
    return DISAGREE, _wrong(evidence, error, size, rounding)


def _resolution(evidence: Evidence) -> float:
    """What the ladder cannot tell from 0, where it is far below the terms that cancel."""
    bar = evidence.error_bar
    return bar if bar <= RESOLVED * evidence.slopes.terms else 0.0


def _against_numerical(evidence: Evidence) -> Judgement:
    precision, slopes = evidence.precision, evidence.slopes
    if not evidence.has_numerical:
        return INCONCLUSIVE, "no numerical derivative can be had here, and no formula"
    bar, reference = evidence.error_bar, slopes.central.value
    size = max(abs(evidence.autograd), abs(reference))
    error = abs(evidence.autograd - reference)
    rounding = 64 * precision.unit * size + 4 * evidence.wobble
    slack = precision.ordinary * size
    if precision.unit > UNIT:
        slack = max(slack, rounding)
    if error > bar + slack:
        if error > bar + precision.tolerated * size:
            return DISAGREE, _wrong(evidence, error, abs(reference), slack + rounding)
        if error > bar + rounding:
            share = _share(error, abs(reference))
            return INCONCLUSIVE, f"off by {share}, more than rounding explains"
    if size and bar <= RESOLVED * size and slack <= precision.tolerated * size:
        return AGREE, _digits_lost(evidence, error, size) if error > bar + slack else ""
    if evidence.autograd == 0:
        if evidence.is_certainly_zero:
            return AGREE, ""
        if bar <= precision.tiny:
            return (
                INCONCLUSIVE,
                "0 by autograd, where the values are 0 as well: it may be underflow",
            )
        return INCONCLUSIVE, f"0 by autograd, and only known to be 0 to within {_n(bar)}"
    if bar > RESOLVED * size:
        return INCONCLUSIVE, f"the numerical derivative is only known to within {_n(bar)}"
    return INCONCLUSIVE, f"beyond {precision.name}: rounding leaves no digits to compare"


def _reference(evidence: Evidence) -> float:
    if evidence.exact is not None and evidence.has_formula and evidence.exact.value is not None:
        return evidence.exact.value
    return evidence.slopes.central.value


def _formula_stands_alone(evidence: Evidence) -> bool:
    slopes, bar = evidence.slopes, evidence.error_bar
    return (
        evidence.has_numerical
        and evidence.precision.unit == UNIT
        and abs(evidence.autograd - slopes.central.value) <= bar
        and bar <= RESOLVED * abs(evidence.autograd)
    )


def _wrong(evidence: Evidence, error: float, size: float, rounding: float) -> str:
    precision = evidence.precision
    if on_the_way := _on_the_way(evidence):
        return f"autograd gives {_n(evidence.autograd)}{on_the_way}; {_the_value(evidence)}"
    if error <= 4 * rounding:
        cause = "cancellation" if precision.unit == UNIT else f"beyond {precision.name}"
        return f"{cause}: autograd {_lost(error, size, precision)} here, {_the_value(evidence)}"
    return f"autograd is off by {_share(error, size)}: {_the_value(evidence)}"


def _the_value(evidence: Evidence) -> str:
    if evidence.has_formula:
        assert evidence.exact is not None
        reference = _reference(evidence)
        text = _precise(reference) if reference else _shortened(evidence.exact.text)
        return f"the exact value is {text}"
    bar = _n(evidence.error_bar, 2)
    return f"the numerical derivative is {_precise(_reference(evidence))}, give or take {bar}"


def _digits_lost(evidence: Evidence, error: float, size: float) -> str:
    lost = _lost_digits(error, size, evidence.precision)
    if lost < WORTH_TELLING:
        return ""
    return f"autograd loses {lost} of {evidence.precision.digits:.0f} digits here"


def _lost(error: float, size: float, precision: Precision) -> str:
    if error >= size:
        return "loses all its digits"
    return f"loses {_lost_digits(error, size, precision)} digits"


def _lost_digits(error: float, size: float, precision: Precision) -> int:
    lost = math.log10(error) - math.log10(size) + precision.digits if error and size else 0.0
    return max(0, min(math.floor(lost), round(precision.digits)))


def _share(error: float, size: float) -> str:
    """An error as a percentage, or a multiple, of the right value."""
    if size == 0:
        return _n(error)
    share = error / size
    return f"{100 * share:.3g} %" if share < 10 else f"{share:.3g} times the right value"


def _tidy(value: float, error: float) -> float:
    """A number that is nothing but error is 0, and one next to a short decimal is that."""
    if abs(value) <= error:
        return 0.0
    short = float(f"{value:.6g}")
    return short if abs(short - value) <= max(error, 1e-12 * abs(value)) else value


def _n(value: float, digits: int = 6) -> str:
    return f"{value + 0.0:.{digits}g}"  # without the sign of -0


def _precise(value: float) -> str:
    return f"{value:.10g}"


def _shortened(text: str) -> str:
    """A number of fifty digits, of any size, with six."""
    mantissa, _, exponent = text.partition("e")
    short = f"{float(mantissa):.6g}"
    if not exponent:
        return short
    if abs(float(short)) >= 10:  # 9.9999999 is 10
        short, exponent = f"{float(short) / 10:.6g}", f"{int(exponent) + 1:+}"
    return f"{short}e{exponent}"
