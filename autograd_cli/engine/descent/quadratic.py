"""The descent of a quadratic, held against what its Hessian says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.derive.critical_points import spectrum
from autograd_cli.engine.descent.curvature import hessian
from autograd_cli.engine.descent.landscape import landscape
from autograd_cli.engine.descent.loop import Descending, Ending
from autograd_cli.engine.descent.objective import expression_objective
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.rates import behaviour, best_rate, observed, slowest
from autograd_cli.errors import EvaluationError, UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.results import Value, components
from autograd_cli.results.array import LISTS
from autograd_cli.results.descent import (
    CONSTANT,
    MAXIMUM,
    MINIMUM,
    RIDGE,
    SADDLE,
    SLOPE,
    VALLEY,
    WITH_MINIMUM,
    QuadraticFit,
)
from autograd_cli.results.fit import Fit, Step
from autograd_cli.results.plot import Grid
from autograd_cli.settings import Descent

EXCITED = 1e-12  # of the distance: a smaller component along an eigenvector is rounding
PROBES = 3


@dataclass(frozen=True)
class Facts:
    """What is known of a quadratic before it is descended.

    point, value  where its gradient vanishes, nearest to the start, shape (size,), and the loss
                  there; None where it vanishes nowhere
    exact         the same point as formulas, by element; empty where there are none
    eigenvalues   as formulas, ascending, where there are few
    kind          as in QuadraticFit
    note          why there is no proof, where there is none
    """

    kind: str
    point: Tensor | None
    value: float | None
    exact: Mapping[str, str]
    eigenvalues: tuple[str, ...] = ()
    note: str = ""


class QuadraticDescent:
    """A descent of a quadratic under way.

    `reply` is the symbolic worker's answer to the task `quadratic`. Raises: UsageError where the
    expression is none, EvaluationError where it has no value at the start; as `Descending`.
    """

    def __init__(
        self,
        expression: Expression,
        start: Mapping[str, Tensor],
        descent: Descent,
        context: Context,
        reply: Mapping[str, Any],
    ) -> None:
        self._expression = expression
        self._context = context
        self._descent = descent
        objective = expression_objective(expression, start, context)
        self._descending = Descending(objective, descent, context, self._conclude)
        problem = self._descending.problem
        self._origin = problem.point()
        if not math.isfinite(float(problem.loss().detach())):
            raise EvaluationError("the loss is not finite at the start").within(expression.source)
        self._hessian = hessian(problem)
        self._facts = facts(expression, problem, self._hessian, reply, context)
        self._errors: list[float] = []

    def steps(self) -> Iterator[Step]:
        """The steps of the descent, from step 0."""
        point = self._facts.point
        for step in self._descending.steps():
            if point is not None:
                difference = self._descending.problem.point() - point
                self._errors.append(float(torch.linalg.vector_norm(difference)))
            yield step

    def result(self, interrupted: bool = False) -> Fit:
        """What it came to so far."""
        return self._descending.result(interrupted)

    def landscape(self, ends: Mapping[str, tuple[float, float]]) -> Grid:
        """The loss between these ends of the two parameters."""
        return landscape(self._expression, ends, self._context)

    def _conclude(self, ending: Ending) -> QuadraticFit:
        known, problem = self._facts, self._descending.problem
        found = spectrum(self._hessian)
        curvatures = found.eigenvalues or []
        steady = self._descent.schedule == "constant"
        rate, row = self._descending.rate, self._descending.row
        largest = max(curvatures, default=0.0)
        stable = row.stable(largest) if row.stable and known.kind in (MINIMUM, VALLEY) else None
        best = best_rate(self._nonzero(curvatures)) if row.name in ("gd", "sgd") else None
        excited = self._excited(curvatures)
        predicted = slowest(row.name, excited, rate) if steady else None
        converged, reason = ending.converged, ending.reason
        if converged and known.kind not in WITH_MINIMUM:
            converged, reason = False, f"{reason}, but there is no minimum: {_NONE[known.kind]}"
        scale = float(torch.linalg.vector_norm(self._origin)) + 1.0
        floor = 100 * torch.finfo(self._context.dtype).eps * scale
        point = known.point
        return QuadraticFit(
            expression=self._expression.source,
            at=ending.parameters,
            dtype=self._context.dtype_name,
            device=str(self._context.device),
            value=ending.loss,
            task="quadratic",
            parameters=ending.parameters,
            initial=ending.initial,
            loss=ending.loss,
            steps=ending.steps,
            converged=converged,
            reason=reason,
            warnings=(*self._expression.warnings, *self._notes(), *ending.warnings),
            kind=known.kind,
            stationary=None if point is None else problem.named(point),
            exact=_shaped(known.exact, ending.parameters) if known.exact else None,
            stationary_value=known.value,
            distance=self._errors[-1] if self._errors else None,
            eigenvalues=list(curvatures),
            exact_eigenvalues=known.eigenvalues,
            definiteness=found.definiteness,
            condition_number=found.condition_number if known.kind == MINIMUM else None,
            learning_rate=rate,
            predicted_rate=None if predicted is None else abs(predicted),
            observed_rate=observed(self._errors, floor),
            stable_learning_rate=stable,
            best_learning_rate=best,
            behaviour=behaviour(predicted, converged, ending.diverged),
        )

    def _notes(self) -> tuple[str, ...]:
        return (self._facts.note,) if self._facts.note else ()

    def _nonzero(self, curvatures: list[float]) -> list[float]:
        """The eigenvalues of a minimum; in a valley, without those that are zero by rounding."""
        if self._facts.kind != VALLEY:
            return curvatures if self._facts.kind == MINIMUM else []
        zero = len(curvatures) * torch.finfo(self._context.dtype).eps * 32 * max(curvatures)
        return [curvature for curvature in curvatures if curvature > zero]

    def _excited(self, curvatures: list[float]) -> list[float]:
        """The eigenvalues along whose eigenvectors the start is off the stationary point."""
        if self._facts.point is None or not curvatures:
            return []
        _, vectors = torch.linalg.eigh(self._hessian)
        parts = (vectors.T @ (self._origin - self._facts.point)).abs()
        least = EXCITED * float(parts.max())
        return [c for c, part in zip(curvatures, parts.tolist(), strict=True) if part > least]


_NONE = {
    SADDLE: "this is a saddle",
    MAXIMUM: "this is the maximum",
    RIDGE: "this is the top of a ridge",
    SLOPE: "the loss falls without end",
}


def facts(
    expression: Expression,
    problem: Problem,
    matrix: Tensor,
    reply: Mapping[str, Any],
    context: Context,
) -> Facts:
    """What the symbolic worker says of the expression, or, where it says nothing, what the Hessian
    does after a numerical test. Raises: UsageError where the expression is not quadratic."""
    if "degree" not in reply:
        note = str(reply.get("note", "")).removeprefix("no closed form: ")
        return _numerical(expression, problem, matrix, note)
    degree = reply["degree"]
    if degree is None or degree > 2:
        raise _not_quadratic(expression, degree)
    point = None
    if "at" in reply:
        point = torch.tensor(reply["at"], dtype=context.dtype, device=context.device)
    positive, zero, negative = reply["signs"]
    return Facts(
        kind=kind_of(positive, zero, negative, point is not None),
        point=point,
        value=reply.get("value_at"),
        exact=dict(zip(reply["inputs"], reply["point"], strict=True)) if "point" in reply else {},
        eigenvalues=tuple(reply.get("eigenvalues", ())),
    )


def kind_of(positive: int, zero: int, negative: int, has_stationary: bool) -> str:
    """The kind of a quadratic, by how many eigenvalues of its Hessian have which sign."""
    if not has_stationary:
        return SLOPE
    if negative:
        return SADDLE if positive else RIDGE if zero else MAXIMUM
    if not positive:
        return CONSTANT
    return VALLEY if zero else MINIMUM


def _not_quadratic(expression: Expression, degree: int | None) -> UsageError:
    what = "it is not a polynomial" if degree is None else f"its degree is {degree}"
    return UsageError(
        f"the expression is not quadratic: {what}",
        hint=f"for any function: agx fit minimize '{expression.source}' --start ...",
    )


def _numerical(expression: Expression, problem: Problem, matrix: Tensor, note: str) -> Facts:
    """The facts by the Hessian alone, once the loss was seen to be its quadratic elsewhere."""
    origin = problem.point()
    value = float(problem.differentiate())
    slope = problem.gradient()
    generator = torch.Generator().manual_seed(0)
    for _ in range(PROBES):
        way = torch.randn(len(origin), generator=generator, dtype=torch.float64).to(origin)
        way = way * (1 + origin.abs())
        problem.place(origin + way)
        terms = (value, float(slope @ way), float(way @ matrix @ way) / 2)
        there = float(problem.loss().detach())
        slack = 1e4 * torch.finfo(origin.dtype).eps * (abs(there) + sum(map(abs, terms)))
        problem.place(origin)
        if not abs(there - sum(terms)) <= slack:
            raise _not_quadratic(expression, None)
    values, vectors = torch.linalg.eigh(matrix)
    zero = 32 * len(values) * torch.finfo(values.dtype).eps * float(values.abs().max())
    parts = vectors.T @ slope
    flat = values.abs() <= zero
    has_point = not bool((parts[flat].abs() > 1e-9 * (1 + float(slope.norm()))).any())
    move = vectors @ torch.where(flat, 0.0, -parts / torch.where(flat, 1.0, values))
    kind = kind_of(
        int((values > zero).sum()), int(flat.sum()), int((values < -zero).sum()), has_point
    )
    said = f"that it is quadratic was seen at {PROBES} points, not proved ({note})"
    if not has_point:
        return Facts(kind, None, None, {}, note=said)
    return Facts(kind, origin + move, value + float(slope @ move) / 2, {}, note=said)


def _shaped(exact: Mapping[str, str], parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Formulas by element as values in the shapes of the parameters."""
    found: dict[str, Value] = {}
    for name, value in parameters.items():
        if not isinstance(value, LISTS):
            found[name] = exact.get(name)
            continue
        texts = iter([exact.get(label) for label, _ in components(name, value)])
        found[name] = _filled(value, texts)
    return found


def _filled(shape: Any, texts: Iterator[str | None]) -> Any:
    """Lists nested as `shape`, filled with the texts in row-major order."""
    rows = [shape]
    sizes = []
    while isinstance(rows[0], (list, tuple)):  # rectangular: the first row stands for all
        sizes.append(len(rows[0]))
        rows = [rows[0][0]] if rows[0] else [None]
    row: list[Any] = list(texts)
    for size in reversed(sizes[1:]):
        row = [row[i : i + size] for i in range(0, len(row), size)]
    return row
