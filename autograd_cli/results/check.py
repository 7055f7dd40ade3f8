"""What a gradient check found: a verdict for every input, and one for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograd_cli.results import Evaluation, Scalar, Value

AGREE, INCONCLUSIVE, DISAGREE = "agree", "inconclusive", "disagree"
VERDICTS = (AGREE, INCONCLUSIVE, DISAGREE)  # from good to bad


@dataclass(frozen=True, kw_only=True)
class Component:
    """One derivative by three ways, and what is to be said of it.

    `input` names the element it is by (`x`, `A[0,1]`; `x,y` for a second derivative). `numerical`
    is None where there is no derivative and `exact` where there is no formula. `kind` says what the
    place is: smooth, kink, edge, jump, infinite slope or undefined; `left` and `right` are the
    one-sided derivatives where they matter. `claimed` is the value of a formula under test.
    `where` and `at` tell components of different expressions or points apart.
    """

    input: str
    autograd: float
    numerical: float | None
    error_bar: float | None
    exact: float | None
    verdict: str
    note: str = ""
    kind: str = "smooth"
    left: float | None = None
    right: float | None = None
    claimed: float | None = None
    where: str = ""
    at: Mapping[str, Value] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "input": self.input,
            "autograd": self.autograd,
            "numerical": self.numerical,
            "error_bar": self.error_bar,
            "exact": self.exact,
            "verdict": self.verdict,
            "note": self.note,
            "kind": self.kind,
        }
        if self.left is not None or self.right is not None:
            found |= {"left": self.left, "right": self.right}
        if self.claimed is not None:
            found["claimed"] = self.claimed
        if self.where:
            found["expression"] = self.where
        if self.at:
            found["at"] = dict(self.at)
        return found

    @property
    def label(self) -> str:
        return f"{self.where}: {self.input}" if self.where else self.input

    @property
    def reference(self) -> float | None:
        """The best value there is to compare with."""
        return self.numerical if self.exact is None else self.exact

    @property
    def difference(self) -> float | None:
        """How far autograd, or the formula under test, is from the reference."""
        tested = self.autograd if self.claimed is None else self.claimed
        return None if self.reference is None else tested - self.reference


@dataclass(frozen=True)
class Samples:
    """A check at many random points: how many, from where, and how they came out.

    `outside` are points where the expression has no finite value. `domain` has the ends of the
    interval of every variable that was drawn.
    """

    count: int
    domain: Mapping[str, tuple[float, float]]
    outside: int
    verdicts: Mapping[str, int]  # points by verdict

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "domain": {name: list(ends) for name, ends in self.domain.items()},
            "outside": self.outside,
            **{verdict: self.verdicts.get(verdict, 0) for verdict in VERDICTS},
        }


@dataclass(frozen=True, kw_only=True)
class Check(Evaluation):
    """Is this gradient right? With `samples`, `components` are the worst of all points."""

    components: tuple[Component, ...]
    order: int = 1
    samples: Samples | None = None
    checked: int = 0  # how many components there were, if not all of them are listed
    skipped: tuple[str, ...] = ()  # functions that have no derivatives to check
    strict: bool = False  # whether what is inconclusive counts as a failure
    command: str = "check"

    @property
    def failed(self) -> bool:
        """Whether this is a negative finding."""
        return self.verdict in self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """The verdicts that count as failures."""
        return (INCONCLUSIVE, DISAGREE) if self.strict else (DISAGREE,)

    @property
    def verdict(self) -> str:
        """The worst of all; points where there is nothing to check leave it open."""
        found = {component.verdict for component in self.components}
        if self.samples is not None:
            found |= {verdict for verdict, count in self.samples.verdicts.items() if count}
        return max(found, key=VERDICTS.index, default=INCONCLUSIVE)

    def findings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"verdict": self.verdict}
        if self.order != 1:
            found["order"] = self.order
        if self.samples is not None:
            found["samples"] = self.samples.to_dict()
        if self.skipped:
            found["skipped"] = list(self.skipped)
        found["components"] = [component.to_dict() for component in self.components]
        return found

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """`INPUT VERDICT AUTOGRAD NUMERICAL ERROR_BAR EXACT`, and CLAIMED where there is one."""
        for one in self.components:
            record = one.verdict, one.autograd, one.numerical, one.error_bar, one.exact
            claimed = () if one.claimed is None else (one.claimed,)
            yield (one.label, *record, *claimed)

    def columns(self) -> tuple[str, ...]:
        claimed = ("claimed",) if any(one.claimed is not None for one in self.components) else ()
        names = "input", "verdict", "autograd", "numerical", "error_bar", "exact"
        return (*names, *claimed, "note")

    def row(self) -> tuple[Scalar, ...]:
        """The first of the rows."""
        return next(self.rows())

    def rows(self) -> Iterator[tuple[Scalar, ...]]:
        for one, record in zip(self.components, self.records(), strict=True):
            yield (*record, one.note)
