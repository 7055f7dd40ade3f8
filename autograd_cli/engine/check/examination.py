"""Is autograd right here? Autograd, the numerical ladder and the referee, side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from autograd_cli.engine.check.aliasing import unseen
from autograd_cli.engine.check.claimed_gradient import Claims, judge_claim
from autograd_cli.engine.check.ladder import SMOOTH, Ladder, Slopes, slopes
from autograd_cli.engine.check.rounding import Noisy, Rounding
from autograd_cli.engine.check.vanishing import vanishing
from autograd_cli.engine.check.verdict import (
    DETACHED,
    PRECISIONS,
    Evidence,
    Exact,
    Tolerance,
    judge,
)
from autograd_cli.engine.core import backward
from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, evaluate, output
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.core.symmetric_operands import Symmetries, Symmetry, together
from autograd_cli.engine.core.threads import one_thread
from autograd_cli.engine.core.vectorised import Vectorised
from autograd_cli.engine.derive.gradients import gradient
from autograd_cli.engine.derive.sparsity import interactions
from autograd_cli.errors import EvaluationError, ShapeError
from autograd_cli.language.detached import holds, released
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.results import Gradient
from autograd_cli.results.check import DISAGREE, VERDICTS, Check, Component, Samples

CHUNK_ELEMENTS = 4_000_000  # numbers of a forward pass that are held at once
MOST_ELEMENTS = 200  # inputs that are checked
MOST_LISTED = 5  # of the worst components of many points

Job = dict[str, Any]
Reply = Mapping[str, Any]


class Referee(Protocol):
    """Who knows exact derivatives: he is asked early, and answers when he is done."""

    def ask(self, jobs: Sequence[Job]) -> None: ...

    def replies(self) -> Sequence[Reply]: ...


@dataclass(frozen=True)
class Question:
    """What is to be checked: by which variables (empty means all), up to which order, and how."""

    wrt: tuple[str, ...] = ()
    order: int = 1
    tolerance: Tolerance | None = None
    claims: Claims = field(default_factory=Claims)


@dataclass(frozen=True)
class Element:
    """One element of a variable: its label, and its place when the variable is flattened."""

    label: str
    name: str
    flat: int


def check(
    expression: Expression,
    at: Mapping[str, Tensor],
    context: Context,
    question: Question,
    referee: Referee,
) -> Check:
    """The verdict on autograd at a point.

    `at` holds a tensor of any shape for every variable, in the context's dtype. Raises: as
    `derivatives.gradient`.
    """
    state = context.generator.get_state()
    points = {name: tensor[None] for name, tensor in at.items()}
    request = DerivativeRequest(wrt=question.wrt)
    examination = Examination(expression, points, context, question)
    referee.ask(examination.jobs())
    found: Gradient = gradient(expression, at, context, request)
    context.generator.set_state(state)
    examination.prepare()
    (components,) = examination.components(*referee.replies())
    return Check(
        expression=found.expression,
        at=found.at,
        dtype=found.dtype,
        device=found.device,
        value=found.value,
        components=tuple(components),
        order=question.order,
        warnings=(*found.warnings, *examination.warnings),
    )


def check_samples(
    expression: Expression,
    fixed: Mapping[str, Tensor],
    domain: Mapping[str, tuple[float, float]],
    count: int,
    context: Context,
    question: Question,
    referee: Referee,
) -> Check:
    """The verdict on autograd at `count` random points of a domain.

    Every element of the variables of `domain` is drawn from its interval, evenly; `fixed` has the
    values of the others and the shapes of those. Raises: as `check`.
    """
    state = context.generator.get_state()
    points = {}
    for name in expression.variables:
        shape = fixed[name].shape if name in fixed else ()
        if name in domain:
            low, high = domain[name]
            drawn = torch.rand((count, *shape), generator=context.generator, dtype=torch.float64)
            points[name] = (low + (high - low) * drawn).to(context.dtype)
        else:
            points[name] = fixed[name].expand(count, *shape).clone()
    context.generator.set_state(state)
    survey = Survey(expression, fixed, context, question, referee)
    survey.add(points, [name for name in points if name in domain])
    return survey.result(domain)


class Survey:
    """Verdicts at many points, which come in batches: how many there are, and the worst of them.

    The referee is asked about the first batch.
    """

    def __init__(
        self,
        expression: Expression,
        fixed: Mapping[str, Tensor],
        context: Context,
        question: Question,
        referee: Referee,
    ) -> None:
        self._expression = expression
        self._fixed = fixed
        self._context = context
        self._question = question
        self._referee = referee
        self._is_first = True
        self._moving: Collection[str] = ()
        self.count = self._outside = self._checked = 0
        self._verdicts: dict[str, int] = {}
        self._worst: list[Component] = []
        self._warnings: dict[str, None] = dict.fromkeys(expression.warnings)

    def add(
        self,
        points: Mapping[str, Tensor],
        moving: Collection[str],
        labels: Sequence[str] | None = None,
    ) -> None:
        """Checks a batch: tensors of shape (points, *shape) for every variable, of which `moving`
        are those that vary; `labels` name the points. Raises: as `check`."""
        examination = Examination(self._expression, points, self._context, self._question)
        if self._is_first:
            self._referee.ask(examination.jobs())
        examination.prepare()
        outside = examination.outside()
        replies = self._referee.replies() if self._is_first else ()
        self._is_first = False
        every: list[Component] = []
        for number, components in enumerate(examination.components(*replies)):
            if number in outside:
                continue
            here = {name: plain(points[name][number]) for name in points if name in moving}
            worst = max((one.verdict for one in components), key=VERDICTS.index)
            self._verdicts[worst] = self._verdicts.get(worst, 0) + 1
            label = "" if labels is None else labels[number]
            every += [replace(one, at=here, where=label or one.where) for one in components]
        self._moving = moving
        self.count += len(next(iter(points.values())))
        self._outside += len(outside)
        self._checked += len(every)
        self._worst = sorted([*self._worst, *every], key=_badness, reverse=True)[:MOST_LISTED]
        self._warnings |= dict.fromkeys(examination.warnings)

    def result(self, domain: Mapping[str, tuple[float, float]]) -> Check:
        """What all batches came to; `domain` is where the points were drawn from, if they were."""
        fixed = [name for name in self._expression.variables if name not in self._moving]
        return Check(
            expression=self._expression.source,
            at={name: plain(self._fixed[name]) for name in fixed},
            dtype=self._context.dtype_name,
            device=str(self._context.device),
            value=None,
            components=tuple(self._worst),
            order=self._question.order,
            samples=Samples(self.count, domain, self._outside, self._verdicts),
            checked=self._checked,
            warnings=tuple(self._warnings),
        )


def _badness(component: Component) -> tuple[int, float]:
    difference, reference = component.difference, component.reference
    share = 0.0
    if difference is not None and reference:
        share = abs(difference / reference)
    return VERDICTS.index(component.verdict), math.inf if math.isnan(share) else share


class Examination:
    """One expression at some points: what autograd and the ladder say, and what the referee said.

    `points` holds for every variable a tensor of shape (points, *shape). Where `detach` holds
    something fixed, `released` is the examination of the same expression without it.
    """

    def __init__(
        self,
        expression: Expression,
        points: Mapping[str, Tensor],
        context: Context,
        question: Question,
    ) -> None:
        self.expression = expression
        self.points = {name: points[name] for name in expression.variables}
        self.context = context
        self.question = question
        self.count = len(next(iter(points.values())))
        names = question.claims.variables() or question.wrt or tuple(expression.variables)
        self.elements = [
            Element(label, name, flat) for name in names for flat, label in self._labels(name)
        ]
        if question.claims:
            wanted = question.claims.labels()
            known = {one.label for one in self.elements} | set(names)
            for label in sorted(wanted - known):
                whole = label.partition("[")[0]
                raise ShapeError(
                    f"--against: there is no element {label}",
                    hint=f"'{whole}' is {shape_text(self.points[whole][0])}",
                )
            self.elements = [
                one for one in self.elements if one.label in wanted or one.name in wanted
            ]
        self.warnings: tuple[str, ...] = ()
        self.every = self.elements
        self.keep(self.elements)
        self._prepared: _Prepared | None = None
        self.holds = holds(expression)
        self.released: Examination | None = None
        if self.holds:
            self.released = Examination(released(expression), points, context, question)

    def keep(self, elements: Sequence[Element]) -> None:
        """Check these of all the elements alone, or as many of them as there is time for."""
        self.elements = list(elements)
        if len(elements) > MOST_ELEMENTS:
            every = len(elements)
            chosen = torch.linspace(0, every - 1, MOST_ELEMENTS).round().long().tolist()
            self.elements = [elements[number] for number in chosen]
            self.warnings = (f"checked {MOST_ELEMENTS} of {every} inputs, evenly spread",)

    def _labels(self, name: str) -> Iterator[tuple[int, str]]:
        shape = self.points[name].shape[1:]
        for flat, index in enumerate(itertools.product(*map(range, shape))):
            yield flat, f"{name}[{','.join(map(str, index))}]" if shape else name

    def _wanted(self) -> list[tuple[Element, ...]]:
        """The derivatives that are checked: of first order, then the upper triangle of second."""
        first: list[tuple[Element, ...]] = [(one,) for one in self.elements]
        if self.question.order == 1:
            return first
        return first + list(itertools.combinations_with_replacement(self.elements, 2))

    def jobs(self) -> list[Job]:
        """What the referee is asked: of the expression, and of the one without `detach`."""
        if self.released is None:
            return [self.job()]
        return [self.job(), {**self.released.job(), "released": True}]

    def job(self) -> Job:
        """What the referee is asked."""
        numbers = {name: tensor.double().tolist() for name, tensor in self.points.items()}
        return {
            "source": self.expression.source,
            "given": list(self.points),
            "shapes": {name: list(tensor.shape[1:]) for name, tensor in self.points.items()},
            "wanted": [[one.label for one in elements] for elements in self._wanted()],
            "points": [
                {name: numbers[name][number] for name in numbers} for number in range(self.count)
            ],
        }

    def prepare(self) -> None:
        """Autograd and the ladder, while the referee is thinking. Raises: as `check`."""
        if self._prepared is None:
            with one_thread():
                self._prepared = _Prepared(self)
        if self.released is not None:
            self.released.prepare()

    def outside(self) -> set[int]:
        """The points where the expression has no finite value."""
        self.prepare()
        assert self._prepared is not None
        return {n for n, value in enumerate(self._prepared.values) if not math.isfinite(value)}

    def components(self, *replies: Reply) -> Iterator[list[Component]]:
        """The components of every point, judged, with the replies to `jobs` that there are."""
        for number, found in enumerate(self.evidence(*replies)):
            yield [
                self._component(number, elements, one)
                for elements, one in zip(self._wanted(), found, strict=True)
            ]

    def evidence(self, *replies: Reply) -> Iterator[list[Evidence]]:
        """What is known of every derivative, point by point, in the order they are asked for."""
        found = self._evidence(*replies[:1])
        if self.released is None:
            yield from found
            return
        for here, without in zip(found, self.released.evidence(*replies[1:]), strict=True):
            yield [
                replace(one, holds=self.holds, whole=whole)
                for one, whole in zip(here, without, strict=True)
            ]

    def _evidence(self, reply: Reply | None = None) -> Iterator[list[Evidence]]:
        self.prepare()
        assert self._prepared is not None
        wanted = self._wanted()
        exact = [
            [Exact.of_reply(one) for one in findings]
            for findings in (reply or {}).get("points") or ()
        ]
        for number in range(self.count):
            known: Sequence[Exact | None] = (
                exact[number] if number < len(exact) else [None] * len(wanted)
            )
            certain = self._certain_zeros(number, known)
            yield [
                Evidence(
                    autograd=self._prepared.autograd[number][place],
                    slopes=self._prepared.slopes[number][place],
                    exact=known[place],
                    wobble=self._prepared.wobble[number][place],
                    precision=PRECISIONS[self.context.dtype_name],
                    symmetry=self._prepared.symmetry[number][place],
                    is_certainly_zero=certain[place],
                )
                for place in range(len(wanted))
            ]

    def _certain_zeros(self, number: int, known: Sequence[Exact | None]) -> Sequence[bool]:
        """Which of the derivatives are 0 for certain, where nothing else could tell."""
        assert self._prepared is not None
        values = self._prepared.autograd[number]
        if any(value == 0 and one is None for value, one in zip(values, known, strict=True)):
            return self._prepared.certain_zeros(number)
        return [False] * len(values)

    def _component(
        self, number: int, elements: tuple[Element, ...], evidence: Evidence
    ) -> Component:
        last = elements[-1]
        claimed = None
        if self.question.claims and len(elements) == 1:
            at = {name: tensor[number] for name, tensor in self.points.items()}
            claim = self.question.claims.claim(last.label, last.name, last.flat, at, self.context)
            claimed = claim.value
            verdict, note = judge_claim(evidence, claim)
        else:
            verdict, note = judge(evidence, self.question.tolerance)
        return component(evidence, ",".join(one.label for one in elements), verdict, note, claimed)


def component(
    evidence: Evidence, label: str, verdict: str, note: str, claimed: float | None = None
) -> Component:
    """The evidence as a component of the result."""
    own = evidence.autograd
    if verdict != DISAGREE and evidence.is_held_back:  # what autograd is not the derivative of
        assert evidence.whole is not None
        evidence = evidence.whole
        kind, is_smooth = DETACHED, evidence.kind() == SMOOTH
    else:
        kind = evidence.kind()
        is_smooth = kind == SMOOTH
    central = evidence.slopes.central
    known = is_smooth and evidence.has_numerical
    left, right = (None, None) if is_smooth else evidence.sides()
    return Component(
        input=label,
        autograd=own,
        numerical=central.value if known else None,
        error_bar=evidence.error_bar if known else None,
        exact=evidence.exact.value if evidence.exact is not None and is_smooth else None,
        verdict=verdict,
        note=note,
        kind=kind,
        left=left,
        right=right,
        claimed=claimed,
    )


class _Prepared:
    """Autograd's derivatives, what the ladder found, and what rounding may do: for every point, in
    the order of what is wanted."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._elements = examination.elements
        self._reference = reference = replace(
            examination.context, device=torch.device("cpu"), dtype=torch.float64
        )
        self._count = examination.count
        context = examination.context
        state = context.generator.get_state()
        self._points = {name: one.cpu().double() for name, one in examination.points.items()}
        first = {name: tensor[0] for name, tensor in self._points.items()}
        exactly = Vectorised(
            examination.expression,
            first,
            reference,
            rounded=context.dtype,
            among_symmetric=True,
        )
        self._rounding = Rounding(exactly)
        self._held_at_once = max(exactly.elements, 1)  # numbers of one point
        context.generator.set_state(state)
        own = Vectorised(
            examination.expression,
            {name: tensor[0] for name, tensor in examination.points.items()},
            context,
        )
        value, gradients = own.gradients(examination.points)
        self.values: list[float] = value.double().tolist()
        self.autograd = self._picked(gradients)
        self.wobble = self._picked(
            self._rounding.wobble(self._points, PRECISIONS[context.dtype_name].unit)
        )
        held = exactly.held(self._points)
        self._stairs = exactly.stairs(self._points)
        self.symmetry = self._symmetries(exactly, held)
        self.slopes = self._ladders(None, held)
        if examination.question.order > 1:
            self._second_order(own, held)

    def _picked(self, tensors: Sequence[Tensor]) -> list[list[float]]:
        """The wanted elements of tensors by variable, for every point."""
        names = list(self._points)
        flat = {
            name: tensor.reshape(self._count, -1)
            for name, tensor in zip(names, tensors, strict=True)
        }
        columns = [flat[one.name][:, one.flat].double().tolist() for one in self._elements]
        return [list(row) for row in zip(*columns, strict=True)] or [[]] * self._count

    def _second_order(self, own: Vectorised, held: Sequence[Tensor]) -> None:
        pairs = list(itertools.combinations_with_replacement(range(len(self._elements)), 2))
        by = [
            self._picked(own.second(self._examination.points, (one.name, one.flat)))
            for one in self._elements
        ]
        ladders = [self._ladders((one.name, one.flat), held) for one in self._elements]
        unit = PRECISIONS[self._examination.context.dtype_name].unit
        wobble = [
            self._picked(self._rounding.wobble(self._points, unit, (one.name, one.flat)))
            for one in self._elements
        ]
        for number in range(self._count):
            self.autograd[number] += [by[i][number][j] for i, j in pairs]
            self.slopes[number] += [ladders[i][number][j] for i, j in pairs]
            self.wobble[number] += [wobble[i][number][j] for i, j in pairs]
            row = self.symmetry[number]
            self.symmetry[number] = row + [together(row[i], row[j]) for i, j in pairs]

    def certain_zeros(self, number: int) -> list[bool]:
        """Which of the wanted derivatives are 0 for certain at a point."""
        expression, generator = self._examination.expression, self._reference.generator
        at = {name: tensor[number] for name, tensor in self._points.items()}
        state = generator.get_state()
        is_first = self._examination.question.order == 1
        zeros = vanishing(expression, at, self._reference)
        found = [self._in(zeros, one) for one in self._elements]
        if not is_first:
            steady = vanishing(expression, at, self._reference, around=True)
            alone = [self._in(steady, one) for one in self._elements]
            met = self._interacting(evaluate(expression, at, self._reference))
            pairs = itertools.combinations_with_replacement(range(len(self._elements)), 2)
            found += [alone[i] or alone[j] or not met[i][j] for i, j in pairs]
        generator.set_state(state)
        return found

    def _interacting(self, values: Sequence[NodeValue]) -> list[list[bool]]:
        """Which elements meet in an operation that is not linear in them, pair by pair."""
        expression = self._examination.expression
        sizes = [one[0].numel() for one in self._points.values()]
        starts = dict(zip(self._points, itertools.accumulate(sizes, initial=0), strict=False))
        count = sum(sizes)
        pairs = interactions(expression, values, list(self._points), self._reference, count)
        met = torch.ones(count, count, dtype=torch.bool)
        if pairs is not None:
            met[:] = False
            met[pairs[:, 0], pairs[:, 1]] = True
        chosen = torch.tensor([starts[one.name] + one.flat for one in self._elements])
        return met[chosen][:, chosen].tolist()

    def _in(self, masks: Mapping[str, Tensor], element: Element) -> bool:
        return bool(masks[element.name].flatten()[element.flat])

    def _symmetries(
        self, exactly: Vectorised, held: Sequence[Tensor]
    ) -> list[list[Symmetry | None]]:
        """What every element does to operands that have to be symmetric, at every point."""

        def values(points: Mapping[str, Tensor], wanted: Sequence[int]) -> Sequence[Tensor]:
            with torch.no_grad():
                return exactly.forward(points, held, {}, wanted)[1]

        found = Symmetries(exactly.expression, self._points, values)
        return found.by([(one.name, one.flat) for one in self._elements])

    def _ladders(self, of: tuple[str, int] | None, held: Sequence[Tensor]) -> list[list[Slopes]]:
        """The ladders along every element at every point: of the expression, or of its derivative
        by an element."""
        rows = [(number, one) for number in range(self._count) for one in self._elements]
        places = Ladder.at(torch.zeros(1)).places.shape[1]
        chunk = max(1, CHUNK_ELEMENTS // (places * self._held_at_once))
        found: list[Slopes] = []
        for start in range(0, len(rows), chunk):
            found += self._climb(rows[start : start + chunk], of, held)
        width = len(self._elements)
        return [found[i * width : (i + 1) * width] for i in range(self._count)]

    def _climb(
        self,
        rows: Sequence[tuple[int, Element]],
        of: tuple[str, int] | None,
        held: Sequence[Tensor],
    ) -> list[Slopes]:
        numbers = torch.tensor([number for number, _ in rows])
        x = torch.stack(
            [self._points[one.name][number].flatten()[one.flat] for number, one in rows]
        )
        ladder = Ladder.at(x)
        width = ladder.places.shape[1]
        points = {}
        for name, tensor in self._points.items():
            shape = tensor.shape[1:]
            here = tensor[numbers].reshape(len(rows), 1, -1).repeat(1, width, 1)
            for row, (_, one) in enumerate(rows):
                if one.name == name:
                    here[row, :, one.flat] = ladder.places[row]
            points[name] = here.reshape(len(rows) * width, *shape)
        kept = [one[numbers].repeat_interleave(width, 0) for one in held]
        found: Noisy
        if of is not None:
            found = self._rounding.slopes(points, of, kept)
        else:
            flat = [one[numbers].repeat_interleave(width, 0) for one in self._stairs]
            found = self._rounding.values(points, kept, flat)
        values, noise, strayed = (
            one.reshape(-1, width) for one in (found.values, found.noise, found.strayed)
        )
        return slopes(ladder, values, noise + unseen(ladder, found.phases), strayed)


def check_output(expression: Expression, at: Mapping[str, Tensor], context: Context) -> None:
    """Raises ShapeError or DerivativeError if the expression has no single number to
    differentiate."""
    with torch.no_grad():
        value = output(expression, evaluate(expression, at, context), context)
    backward.check_differentiable(expression, value, backward.Weights())
    if not value.numel():
        raise EvaluationError("the expression has no value: it is empty")
