"""The referee of a gradient check: exact derivatives, by formula, in as many digits as it takes.

The symbolic derivative is evaluated by mpmath at the exact binary values of a point, at rising
precision until two results are the same. Where the formula passes a switch (the corner of an abs,
the step of a floor, the end of a domain), the derivative is taken on both sides of it, so close by
that nothing else can lie between.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sympy
from mpmath import mp

from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.bridge import leaves, to_sympy
from autograd_cli.language.symbolic.calculus import differentiate
from autograd_cli.language.symbolic.elementwise import detach
from autograd_cli.language.symbolic.forms import NoClosedForm, items_of, number
from autograd_cli.language.symbolic.gradients import MAX_ELEMENTS, MAX_NODES
from autograd_cli.language.symbolic.multiprecision import Tape
from autograd_cli.results import components

DIGITS = 50
FIRST, LAST = 180, 3000  # bits: 50 digits and some, and where it is given up
SAME = mp.mpf(2) ** -100  # what two precisions may differ by
NEAR, NEARER = 200, 300  # a side is looked at 2^-NEAR and 2^-NEARER of the coordinate away
SIDE = 1400  # bits there, where differences of values are that small
FLAT = mp.mpf(2) ** -90  # what derivatives on one side may differ by, and what counts as none
CLOSE = mp.mpf(2) ** -10  # what those of a side that slowly come to rest may differ by
STAYS = 0.9  # a gap between two sides that keeps this share of itself is a jump
GAP = mp.mpf(2) ** -1200  # the least share of the values that is a gap, and not rounding

Number = Any  # an mpmath number


def referee(request: Mapping[str, Any]) -> dict[str, Any]:
    """The derivatives of every job of a request, each at every one of its points.

    A job has `source`, `given` and `shapes`, as for `gradients.gradient`; `wanted`, lists of the
    elements to differentiate by in turn; `weights` of the outputs, or null; and `points`, values of
    the variables by name; where it is `released`, what `detach` holds moves with them. The
    reply has under `jobs` for each a `note`, or `points`: for each a list of findings in the order
    of `wanted`, as far as the `seconds` of the request go.
    """
    deadline = time.process_time() + float(request.get("seconds") or 1e9)
    return {"jobs": [_job(job, deadline) for job in request["jobs"]]}


def _job(job: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    try:
        case = _Case.of(job)
    except NoClosedForm as reason:
        return {"note": str(reason)}
    except Exception:  # SymPy's own failures, of any kind
        return {"note": "no closed form that SymPy can find"}
    points: list[list[dict[str, Any]]] = []
    for point in job["points"]:
        if time.process_time() > deadline:
            break
        place = {
            name: mp.mpf(value)
            for key, nested in point.items()
            for name, value in components(key, nested)
        }
        place |= case.held(place)
        points.append([_found(case, number, place) for number in range(len(case.wanted))])
    return {"points": points}


def _found(case: _Case, number: int, place: Mapping[str, Number]) -> dict[str, Any]:
    try:
        return case.finding(number, place)
    except (NoClosedForm, MemoryError, RecursionError):
        raise
    except Exception:  # a function that mpmath cannot evaluate here
        return {"kind": "unknown"}


class _Case:
    """One expression with its derivatives, ready to be evaluated.

    For each entry of `wanted`, `before` is what is differentiated last (the expression, or its
    derivative of one order less) and `after` the derivative: positions on the tape.
    """

    def __init__(
        self,
        wanted: list[list[str]],
        pairs: list[tuple[sympy.Expr, sympy.Expr]],
        held: Mapping[sympy.Expr, sympy.Symbol],
    ) -> None:
        self.wanted = wanted
        self._tape = Tape([item for pair in pairs for item in pair])
        self._names = [symbol.name for symbol in held.values()]
        self._held = Tape([part.args[0] for part in held for _ in range(2)])  # a tape of pairs

    def held(self, place: Mapping[str, Number]) -> dict[str, Number]:
        """What `detach` holds at a point, by the symbols that stand for it."""
        with mp.workprec(LAST):
            values, _ = self._held.run(place)
        return dict(zip(self._names, values[::2], strict=True))

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> _Case:
        expression = read(job["source"], job.get("given") or ())
        if len(expression.nodes) > MAX_NODES:
            raise NoClosedForm(f"no closed form of more than {MAX_NODES} operations")
        shapes = {name: tuple(shape) for name, shape in (job.get("shapes") or {}).items()}
        known = {
            symbol.name: symbol
            for value in leaves(expression, shapes).values()
            for symbol in items_of(value)
        }
        if len(known) > MAX_ELEMENTS:
            raise NoClosedForm(f"no closed form of more than {MAX_ELEMENTS} elements")
        items = [number(item) for item in items_of(to_sympy(expression, shapes, DIGITS + 10))]
        if len(items) != 1:
            raise NoClosedForm("no closed form: the output is not a scalar")
        output = _as_exact_as_it_gets(items[0])
        parts = () if job.get("released") else sorted(output.atoms(detach), key=str)
        held = {part: sympy.Symbol(f"held {i}", real=True) for i, part in enumerate(parts)}
        output = output.xreplace(held).replace(detach, lambda x: x)
        pairs = []
        cache: dict[tuple[str, ...], sympy.Expr] = {(): output}
        for names in job["wanted"]:
            for count in range(1, len(names) + 1):
                key = tuple(names[:count])
                if key not in cache:
                    cache[key] = differentiate(cache[key[:-1]], [known[names[count - 1]]])
            pairs.append((cache[tuple(names[:-1])], cache[tuple(names)]))
        return cls([list(names) for names in job["wanted"]], pairs, held)

    def finding(self, number: int, place: Mapping[str, Number]) -> dict[str, Any]:
        """What is so at a point: `kind`, the derivative, and those of the sides if they matter.

        `smooth`: `exact` is the derivative. `kink`: it differs from `left` to `right`. `edge`: it
        is defined on one side only. `jump`: the value goes from `before` to `after`. `infinite
        slope`. `undefined`: there is no value.
        """
        value, slope, tied = self._settled(number, place)
        if not tied and value is not None and slope is not None:
            return {"kind": "smooth", "exact": _text(slope)}
        name = self.wanted[number][-1]
        sides = {sign: self._side(number, place, name, sign) for sign in (-1, 1)}
        if value is not None:  # as exactly as beside it: where a slope is 0, the gaps are tiny
            value = self._at(number, place, SIDE)[0]
            for sign, side in sides.items():
                side.rest_on(value, sign * (abs(place[name]) or mp.one))
        return _classified(value, slope, sides)

    def _at(self, number: int, place: Mapping[str, Number], bits: int) -> tuple[Any, Any, bool]:
        """The value before the last differentiation, the derivative, and if there is a switch."""
        with mp.workprec(bits):
            values, tied = self._tape.run(place)
            return values[2 * number], values[2 * number + 1], tied[number]

    def _settled(self, number: int, place: Mapping[str, Number]) -> tuple[Any, Any, bool]:
        """`_at`, at a precision from which on nothing changes."""
        bits = FIRST
        last = self._at(number, place, bits)
        while bits < LAST:
            bits *= 2
            value, slope, tied = self._at(number, place, bits)
            if slope is None or (last[1] is not None and _same(last[1], slope, SAME)):
                return value, slope, tied
            last = value, slope, tied
        return last[0], mp.zero if abs(last[1]) < mp.mpf(2) ** -LAST else last[1], last[2]

    def _side(self, number: int, place: Mapping[str, Number], name: str, sign: int) -> _Side:
        scale = abs(place[name]) or mp.one
        found = []
        for bits in (NEAR, NEARER):
            with mp.workprec(SIDE):
                there = place[name] + sign * scale * mp.mpf(2) ** -bits
            value, slope, _ = self._at(number, {**place, name: there}, SIDE)
            found.append((value, slope))
        return _Side(*found)


class _Side:
    """What value and derivative tend to from one side.

    `slope` is None where it has no limit; `infinite` where it grows without bound. `values` are
    those at both distances, the nearer one last.
    """

    def __init__(self, far: tuple[Any, Any], near: tuple[Any, Any]) -> None:
        self.values = far[0], near[0]
        self.exists = near[0] is not None
        self.infinite = False
        self.slope = near[1] if far[1] is not None else None
        if self.slope is None or _same(far[1], self.slope, FLAT):
            return
        if abs(near[1]) > max(abs(far[1]), 10):  # roots grow, and logarithms
            self.infinite, self.slope = True, mp.inf * mp.sign(near[1])
        elif abs(near[1]) < FLAT:
            self.slope = mp.zero  # it is on its way there
        elif not _same(far[1], near[1], CLOSE):
            self.slope = None  # it swings, as that of x**2*sin(1/x)

    def rest_on(self, value: Any, scale: Any) -> None:
        """Takes the slopes of the secants from `value`, at the point itself, where those of the
        tangents have no limit: the derivative can be there all the same."""
        if self.slope is not None or not self.exists or self.values[0] is None:
            return
        with mp.workprec(SIDE):
            far, near = (
                (there - value) / (scale * mp.mpf(2) ** -bits)
                for there, bits in zip(self.values, (NEAR, NEARER), strict=True)
            )
        if abs(near) < FLAT:
            self.slope = mp.zero
        elif _same(far, near, FLAT):
            self.slope = near


def _classified(value: Any, slope: Any, sides: Mapping[int, _Side]) -> dict[str, Any]:
    left, right = sides[-1], sides[1]
    found = {
        "left": None if left.slope is None else _text(left.slope),
        "right": None if right.slope is None else _text(right.slope),
        "before": None if not left.exists else _text(left.values[1]),
        "after": None if not right.exists else _text(right.values[1]),
    }
    here = (value, value)
    there = [side for side in (left, right) if side.exists]
    if not there or (value is None and any(side.infinite for side in there)):
        return {"kind": "undefined", **found}  # a pole, if anything
    if value is not None and any(_jumps(here, side.values) for side in there):
        return {"kind": "jump", **found}
    if len(there) == 1:
        return {"kind": "edge", **found, "infinite": there[0].infinite}
    if _jumps(left.values, right.values):
        return {"kind": "jump", **found}
    if left.infinite or right.infinite:
        return {"kind": "infinite slope", **found}
    if left.slope is None or right.slope is None:
        return {"kind": "unknown"}
    if abs(left.slope - right.slope) > FLAT * (abs(left.slope) + abs(right.slope)) + FLAT:
        return {"kind": "kink", **found}
    return {"kind": "smooth" if value is not None else "removable", "exact": _text(right.slope)}


def _jumps(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Whether a gap between values stays as it is when they are taken from nearer by."""
    far, near = abs(one[0] - other[0]), abs(one[1] - other[1])
    rounding = GAP * max(abs(one[1]), abs(other[1]))
    return bool(near > rounding and near > STAYS * far)


def _same(one: Any, other: Any, share: Any) -> bool:
    return bool(abs(one - other) <= share * max(abs(one), abs(other)))


def _text(value: Any) -> str:
    if mp.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(mp.nstr(value, DIGITS, min_fixed=0, max_fixed=0))


def _as_exact_as_it_gets(expression: sympy.Expr) -> sympy.Expr:
    """Decimals keep their binary values, but are calculated with to `DIGITS` digits from now on."""
    floats = expression.atoms(sympy.Float)
    return expression.xreplace({one: sympy.Float(one, DIGITS + 10) for one in floats})
