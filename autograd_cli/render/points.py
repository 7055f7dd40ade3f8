"""One question asked at many points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from autograd_cli.results import Evaluation

OWN = frozenset(  # the keys of a result that differ from point to point
    {
        *("value", "gradient", "jacobian", "vjp", "jvp", "det", "cond", "singular_values"),
        *("hessian", "eigenvalues", "eigenvectors", "definiteness", "critical_point", "kind"),
        *("condition_number", "asymmetry", "hvp", "diag", "trace"),
    }
)


@dataclass(frozen=True)
class Points:
    """The same result at many points, which are computed as they are asked for.

    `header` is what they share: its `at` holds the fixed values, and its `value` is None.
    """

    header: Evaluation
    points: Iterable[Evaluation]

    @classmethod
    def of(cls, points: Iterator[Evaluation], fixed: Collection[str], **header: Any) -> Points:
        """The points, with a header made of the first one; `fixed` are the names that do not vary.

        Other fields of the header can be given. There is at least one point.
        """
        first = next(points)
        at = {name: value for name, value in first.at.items() if name in fixed}
        shared = replace(first, at=at, value=None, warnings=(), **header)
        return cls(shared, chain([first], points))

    @property
    def command(self) -> str:
        return self.header.command

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.header.warnings

    def shared(self) -> dict[str, Any]:
        """The keys of the JSON object before `points`."""
        findings = self.header.findings().items()
        return {**self.header.header(), **{k: v for k, v in findings if k not in OWN}}

    def own(self, point: Evaluation) -> dict[str, Any]:
        """The keys of one point: its place among the varying values, and what was found there."""
        at = {name: value for name, value in point.at.items() if name not in self.header.at}
        found = {"value": point.value, **point.findings()}
        kept = {key: value for key, value in found.items() if key in OWN}
        return {"at": at, **kept, "warnings": list(point.warnings)}
