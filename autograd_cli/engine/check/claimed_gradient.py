"""A gradient that somebody derived by hand, held against the right one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import torch
from torch import Tensor

from autograd_cli.engine.check.ladder import SMOOTH
from autograd_cli.engine.check.rounding import UNIT, Rounding
from autograd_cli.engine.check.verdict import (
    Evidence,
    Judgement,
    among_symmetric,
    judge,
    told_apart,
)
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.core.vectorised import Vectorised
from autograd_cli.errors import ShapeError
from autograd_cli.language.expression import INDEX, Expression, Node
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE

CLOSE = 1e-6
SLACK = 8.0  # times the bound of a formula's rounding: its constants are rounded as well
TINY = 5e-324  # two floats that are next to each other about 0
SIMPLE = 12  # the largest denominator of a factor worth naming


@dataclass(frozen=True)
class Claims:
    """Formulas by what they are claimed to be the derivative by: `x`, `v`, or `v[0]`."""

    formulas: Mapping[str, Expression] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.formulas)

    def labels(self) -> set[str]:
        return set(self.formulas)

    def variables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(label.partition("[")[0] for label in self.formulas))

    def claim(
        self, label: str, name: str, flat: int, at: Mapping[str, Tensor], context: Context
    ) -> Claim:
        """What is claimed of one element, in float64.

        Raises: ShapeError if the formula of a vector or matrix has another shape.
        """
        formula = self.formulas.get(label) or self.formulas[name]
        exactly = Context(torch.device("cpu"), torch.float64, context.generator)
        values = {key: tensor.cpu().double() for key, tensor in at.items()}
        with torch.no_grad():
            found = output(formula, evaluate(formula, values, exactly), exactly).double()
        place = flat
        if label in self.formulas:
            if found.numel() != 1:
                raise ShapeError(f"--against: the formula for {label} is not a number")
            place = 0
        elif found.dim() and found.shape != at[name].shape:
            raise ShapeError(
                f"--against: the formula for {name} has another shape than {name}",
                hint=f"for single elements write {name}[0]: ...",
            )
        elif not found.dim():
            place = 0
        index = tuple(int(part) for part in torch.unravel_index(torch.tensor(place), found.shape))
        return Claim(found.flatten()[place].item(), _noise(formula, index, values, exactly))


@dataclass(frozen=True)
class Claim:
    """A number that is claimed, and how far rounding may have moved it from its formula."""

    value: float
    noise: float = 0.0


def _noise(
    formula: Expression, index: tuple[int, ...], at: Mapping[str, Tensor], context: Context
) -> float:
    """The bound of the rounding errors of one element of a formula's value."""
    names = list(formula.variables)
    if not names:
        return 0.0
    nodes, root = formula.nodes, formula.root
    if index:  # one more node takes the element
        nodes = (*nodes, Node(INDEX, (root,), nodes[root].span, index))
        root = len(nodes) - 1
    single = replace(formula, nodes=nodes, root=root)
    point = {name: at[name] for name in names}
    rounding = Rounding(Vectorised(single, point, context))
    return rounding.values({name: one[None] for name, one in point.items()}).noise[0].item()


def judge_claim(evidence: Evidence, claim: Claim) -> Judgement:
    """The verdict on a claimed derivative: on autograd's own, only if that is wrong.

    A claim is right only where what is known could have told it from a wrong one.
    """
    if evidence.is_held_back:
        return _beside_detach(evidence, claim)
    if evidence.kind() != SMOOTH:
        verdict, note = judge(replace(evidence, autograd=claim.value, whose="your"))
        return (INCONCLUSIVE if verdict == AGREE else verdict), note
    return among_symmetric(evidence, _judged(evidence, claim))


def _judged(evidence: Evidence, claim: Claim) -> Judgement:
    verdict, note = judge(replace(evidence, symmetry=None))
    right, bar = evidence.known()
    if not evidence.has_formula and verdict == AGREE and evidence.precision.unit == UNIT:
        right, bar = evidence.autograd, 0.0  # it has more digits than the numerical one
    if not (math.isfinite(right) and math.isfinite(bar)):
        return INCONCLUSIVE, note or "there is nothing to compare with"
    error = abs(claim.value - right)
    if error <= CLOSE * abs(right) + bar:
        if bar <= CLOSE * abs(right):
            return AGREE, f"but {note}" if verdict == DISAGREE else ""
        return INCONCLUSIVE, (
            f"yours is {claim.value:.6g}; the numerical derivative is {right:.6g} and only known"
            f" to within {bar:.2g}"
        )
    if error <= SLACK * claim.noise + bar + TINY:
        if right == bar == 0:
            return AGREE, ""
        return INCONCLUSIVE, (
            f"yours is {claim.value:.6g} up to its own rounding of {claim.noise:.2g},"
            f" the derivative is {right:.6g}"
        )
    if bar > CLOSE * abs(right):
        the = f"the numerical derivative is {right:.6g}, give or take {bar:.2g}"
        return DISAGREE, f"yours is {claim.value:.6g}, {the}"
    how = _how(claim.value, right)
    return DISAGREE, f"yours is {claim.value:.6g}, the derivative is {right:.6g}{how}"


def _beside_detach(evidence: Evidence, claim: Claim) -> Judgement:
    """Where `detach` makes two derivatives of one: a claim of either cannot be called right, and
    one of neither is wrong."""
    assert evidence.whole is not None
    apart = replace(evidence, whole=None), evidence.whole
    found = {_judged(one, claim)[0] for one in apart if one.kind() == SMOOTH}
    told = told_apart(evidence)
    if found == {DISAGREE} and all(one.kind() == SMOOTH for one in apart):
        return DISAGREE, f"yours is {claim.value:.6g}; {told}"
    return INCONCLUSIVE, told


def _how(claimed: float, right: float) -> str:
    """In what way it is wrong, if that is simple to say."""
    if not math.isfinite(claimed) or right == 0:
        return ""
    ratio = claimed / right
    if abs(ratio + 1) < CLOSE:
        return ": the sign is wrong"
    simple = Fraction(ratio).limit_denominator(SIMPLE)
    if simple and abs(ratio - float(simple)) < CLOSE * abs(ratio) and abs(simple) <= SIMPLE:
        return f": {simple} {'times' if simple.denominator == 1 else 'of'} the right value"
    return f": off by {abs(claimed - right):.6g}"
