"""The referee of a gradient check: exact derivatives, by formula, in as many digits as it takes.

The symbolic derivative is evaluated by mpmath at the exact binary values of a point, at rising
precision until two results are the same. Where the formula passes a switch (the corner of an abs,
the step of a floor, the end of a domain), the derivative is taken on both sides of it, so close by
that nothing else can lie between.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import sympy
from mpmath import mp

from autograd_cli.language.expression import Expression, Node
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.bridge import forms_of, leaves
from autograd_cli.language.symbolic.calculus import differentiate
from autograd_cli.language.symbolic.elementwise import detach
from autograd_cli.language.symbolic.forms import Form, NoClosedForm, items_of, number
from autograd_cli.language.symbolic.gradients import MAX_ELEMENTS, MAX_NODES
from autograd_cli.language.symbolic.multiprecision import Run, Tape
from autograd_cli.results import components

DIGITS = 50
FIRST, LAST = 180, 3000  # bits: 50 digits and some, and where it is given up
POWER = 2.5  # of the bits that a run takes time by, at most
SURE, SURE_OF_ZERO = 700, 1400  # bits to settle at where a sum is lost to rounding
SAME = mp.mpf(2) ** -100  # what two precisions may differ by
NEAR, NEARER = 200, 300  # a side is looked at 2^-NEAR and 2^-NEARER of the coordinate away
SIDE = 1400  # bits there, where differences of values are that small
FLAT = mp.mpf(2) ** -90  # what derivatives on one side may differ by, and what counts as none
CLOSE = mp.mpf(2) ** -10  # what those of a side that slowly come to rest may differ by
GROWN = 2**10  # times that a value is nearer by what it was: it has a pole
STAYS = 0.9  # a gap between two sides that keeps this share of itself is a jump
LARGEST = mp.mpf(10) ** 10**15  # of what is written out: it is infinite for every float
GAP = mp.mpf(2) ** -1200  # the least share of the values that is a gap, and not rounding
TINIEST = mp.mpf(2) ** -1074  # of float64's numbers: what is less is no gap that one could see

DIVIDING = ("div", "floor_divide", "mod", "fmod", "log_base")  # by their second operand

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
        found = case.at(place, deadline)
        points.append([_found(found, number) for number in range(len(case.wanted))])
    return {"points": points}


def _found(place: _Place, number: int) -> dict[str, Any]:
    try:
        return place.finding(number)
    except (NoClosedForm, MemoryError, RecursionError):
        raise
    except Exception:  # a function that mpmath cannot evaluate here
        return {"kind": "unknown"}


class _Case:
    """One expression with its derivatives, ready to be evaluated.

    `wanted` are the elements to differentiate by in turn. The tape has for each entry a pair: what
    is differentiated last (the expression, or its derivative of one order less) and the derivative;
    beside them stands what the expression is `written` in.
    """

    def __init__(
        self,
        wanted: list[list[str]],
        pairs: list[tuple[sympy.Expr, sympy.Expr]],
        written: _Written,
        held: Mapping[sympy.Expr, sympy.Symbol],
    ) -> None:
        self.wanted = wanted
        self.written = written
        self.tape = Tape(pairs, written.items)
        self._names = [symbol.name for symbol in held.values()]
        self._held = Tape([], [part.args[0] for part in held])

    def held(self, place: Mapping[str, Number]) -> dict[str, Number]:
        """What `detach` holds at a point, by the symbols that stand for it."""
        with mp.workprec(LAST):
            values = self._held.run(place).beside
        return dict(zip(self._names, values, strict=True))

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
        written = _Written(expression, forms_of(expression, shapes, DIGITS + 10))
        items = written.forms[expression.root]
        if len(items) != 1:
            raise NoClosedForm("no closed form: the output is not a scalar")
        output = number(items[0])
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
        return cls([list(names) for names in job["wanted"]], pairs, written, held)

    def at(self, place: Mapping[str, Number], deadline: float) -> _Place:
        return _Place(self, place, deadline)


class _Written:
    """What an expression is made of as it was typed: SymPy shortens x/x to 1, at 0 as well.

    `forms` are the items of every node, and `items` all of them in a row.
    """

    def __init__(self, expression: Expression, forms: Sequence[Form | None]) -> None:
        self._nodes = expression.nodes
        self._root = expression.root
        self.forms = [
            () if form is None else tuple(map(_as_exact_as_it_gets, items_of(form)))
            for form in forms
        ]
        self.items = [item for items in self.forms for item in items]

    def is_defined(self, values: Sequence[Any]) -> bool:
        """Whether the parts that count have values, if these are those of `items`."""
        left = iter(values)
        parts = [[next(left) for _ in items] for items in self.forms]
        pending = [self._root]
        seen = set()
        while pending:
            position = pending.pop()
            if position in seen:
                continue
            seen.add(position)
            node = self._nodes[position]
            if any(value is None for value in parts[position]):
                return False
            if node.op in DIVIDING and any(divisor == 0 for divisor in parts[node.operands[1]]):
                return False
            pending += self._that_count(node, parts)
        return True

    def _that_count(self, node: Node, parts: Sequence[Sequence[Any]]) -> Sequence[int]:
        """The operands, but of a condition that is a single one the branch not taken."""
        if node.op != "where" or len(parts[node.operands[0]]) != 1:
            return node.operands
        condition, first, second = node.operands
        return (condition, first if parts[condition][0] else second)


class _Place:
    """A case at one point, a look at which is taken once at every precision."""

    def __init__(self, case: _Case, place: Mapping[str, Number], deadline: float) -> None:
        self._case = case
        self._place = place
        self._deadline = deadline
        self._seen: dict[int, Run] = {}
        self._pace = 0.0

    def finding(self, number: int) -> dict[str, Any]:
        """What is so here: `kind`, the derivative, and those of the sides if they matter.

        `smooth`: `exact` is the derivative, and `value` that of what is differentiated, unless it
        is only defined when simplified. `kink`: the derivative differs from `left` to `right`.
        `edge`: it is defined on one side only. `jump`: the value goes from `before` to `after`.
        `infinite slope`. `undefined`: there is no value.
        """
        value, slope, tied = self._settled(number)
        if not tied and value is not None and slope is not None:
            return {"kind": "smooth", "exact": _text(slope), **self._value(value)}
        name = self._case.wanted[number][-1]
        sides = {sign: self._side(number, name, sign) for sign in (-1, 1)}
        if value is not None:  # as exactly as beside it: where a slope is 0, the gaps are tiny
            value = self._run(SIDE).pairs[number][0]
            for sign, side in sides.items():
                side.rest_on(value, sign * (abs(self._place[name]) or mp.one))
        found = _classified(value, slope, sides)
        return {**found, **self._value(value)} if found["kind"] == "smooth" else found

    def _value(self, value: Number) -> dict[str, Any]:
        written = self._run(max(self._seen)).beside
        return {"value": _text(value)} if self._case.written.is_defined(written) else {}

    def _run(self, bits: int) -> Run:
        """The tape at the point."""
        if bits not in self._seen:
            self._seen[bits] = self._run_at(self._place, bits)
        return self._seen[bits]

    def _run_at(self, place: Mapping[str, Number], bits: int) -> Run:
        """The tape at the point or beside it. Raises: TimeoutError where the time is short."""
        start = time.process_time()
        if start + self._pace * bits**POWER > self._deadline:
            raise TimeoutError
        with mp.workprec(bits):
            run = self._case.tape.run(place)
        self._pace = (time.process_time() - start) / bits**POWER
        return run

    def _settled(self, number: int) -> tuple[Any, Any, bool]:
        """The value before the last differentiation, the derivative, and whether there is a switch,
        at a precision from which on nothing changes."""
        bits = FIRST
        last = self._run(bits)
        while bits < LAST:
            bits *= 2
            run = self._run(bits)
            if _is_settled(last.pairs[number], run.pairs[number]) and (
                not run.lost[number] or bits >= _sure(*run.pairs[number])
            ):
                return *run.pairs[number], run.tied[number]
            last = run
        value, slope = last.pairs[number]
        if slope is not None and abs(slope) < mp.mpf(2) ** -LAST:
            slope = mp.zero
        return value, slope, last.tied[number]

    def _side(self, number: int, name: str, sign: int) -> _Side:
        scale = abs(self._place[name]) or mp.one
        found = []
        for bits in (NEAR, NEARER):
            with mp.workprec(SIDE):
                there = self._place[name] + sign * scale * mp.mpf(2) ** -bits
            found.append(self._run_at({**self._place, name: there}, SIDE).pairs[number])
        return _Side(*found)


def _is_settled(coarse: tuple[Any, Any], fine: tuple[Any, Any]) -> bool:
    """Whether a finer precision has changed nothing: in what there is, and in the derivative."""
    if any((one is None) != (other is None) for one, other in zip(coarse, fine, strict=True)):
        return False
    return fine[1] is None or _same(coarse[1], fine[1], SAME)


def _sure(value: Any, slope: Any) -> int:
    """The bits from which on a result is believed although a sum is lost to rounding: it may have
    left a 0 where a tiny number divides."""
    if value is None or slope is None:
        return LAST
    return SURE if slope else SURE_OF_ZERO


class _Side:
    """What value and derivative tend to from one side.

    `slope` is None where it has no limit; `infinite` where it grows without bound, and `grows`
    where the value does. `values` are those at both distances, the nearer one last.
    """

    def __init__(self, far: tuple[Any, Any], near: tuple[Any, Any]) -> None:
        self.values = far[0], near[0]
        self.exists = near[0] is not None
        self.grows = self.exists and far[0] is not None and abs(near[0]) > GROWN * abs(far[0])
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
    if not there or (value is None and any(side.infinite or side.grows for side in there)):
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
    return bool(near > max(rounding, TINIEST) and near > STAYS * far)


def _same(one: Any, other: Any, share: Any) -> bool:
    return bool(abs(one - other) <= share * max(abs(one), abs(other)))


def _text(value: Any) -> str:
    if mp.isinf(value):
        return "inf" if value > 0 else "-inf"
    if not 1 / LARGEST < abs(value) < LARGEST and value:
        return "0.0" if abs(value) < 1 else _text(mp.inf * mp.sign(value))
    return str(mp.nstr(value, DIGITS, min_fixed=0, max_fixed=0))


def _as_exact_as_it_gets(item: sympy.Basic) -> sympy.Basic:
    """Decimals keep their binary values, but are calculated with to `DIGITS` digits from now on."""
    floats = item.atoms(sympy.Float)
    return item.xreplace({one: sympy.Float(one, DIGITS + 10) for one in floats})
