"""A gradient that somebody derived by hand, held against the right one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.evaluate import evaluate, output
from autograd_cli.engine.numerical import SMOOTH
from autograd_cli.engine.verdict import Evidence, Judgement, judge
from autograd_cli.errors import ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE

CLOSE = 1e-6
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

    def value(
        self, label: str, name: str, flat: int, at: Mapping[str, Tensor], context: Context
    ) -> float:
        """What is claimed of one element, in float64.

        Raises: ShapeError if the formula of a vector or matrix has another shape.
        """
        formula = self.formulas.get(label) or self.formulas[name]
        exactly = Context(torch.device("cpu"), torch.float64, context.generator)
        values = {key: tensor.double() for key, tensor in at.items()}
        with torch.no_grad():
            found = output(formula, evaluate(formula, values, exactly), exactly).double()
        if label in self.formulas:
            if found.numel() != 1:
                raise ShapeError(f"--against: the formula for {label} is not a number")
            return found.reshape(()).item()
        shape = at[name].shape
        if found.dim() and found.shape != shape:
            raise ShapeError(
                f"--against: the formula for {name} has another shape than {name}",
                hint=f"for single elements write {name}[0]: ...",
            )
        return found.expand(shape).flatten()[flat].item()


def judge_claim(evidence: Evidence, claimed: float) -> Judgement:
    """The verdict on a claimed derivative: on autograd's own, only if that is wrong."""
    if evidence.kind() != SMOOTH:
        verdict, note = judge(replace(evidence, autograd=claimed, whose="your"))
        return (INCONCLUSIVE if verdict == AGREE else verdict), note
    verdict, note = judge(evidence)
    if evidence.has_formula:
        assert evidence.exact is not None
        right = evidence.exact.value
    elif verdict == AGREE:
        right = evidence.autograd
    elif evidence.has_numerical:
        right = evidence.slopes.central.value
    else:
        right = None
    if right is None or not math.isfinite(right):
        return INCONCLUSIVE, note or "there is nothing to compare with"
    error = abs(claimed - right)
    allowed = CLOSE * abs(right)
    if not evidence.has_formula and verdict != AGREE:
        allowed = max(allowed, evidence.error_bar)
    if error <= allowed or (right == 0 and error <= CLOSE * 1e-6):
        return AGREE, f"but {note}" if verdict == DISAGREE else ""
    return DISAGREE, f"yours is {claimed:.6g}, the derivative is {right:.6g}{_how(claimed, right)}"


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
