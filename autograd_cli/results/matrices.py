"""Matrices of derivatives, as `agx jacobian` and `agx hessian` find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from autograd_cli.results import Evaluation, Scalar, Value, components
from autograd_cli.results.array import LISTS

Row: TypeAlias = "list[float]"
Rows: TypeAlias = "list[list[float]]"


@dataclass(frozen=True, kw_only=True)
class Matrix(Evaluation):
    """What the two have in common: columns named by `input_names`, and the formulas of the entries.

    `symbolic` has them as text, in the shape of the matrix (None where there is none), and `latex`
    for typesetting, with that of the expression in `latex_expression`; the latter two are not part
    of the JSON.
    """

    input_names: tuple[str, ...]
    symbolic: Value = None
    latex: Value = None
    latex_expression: Value = None
    asks_symbolic: bool = False

    @property
    def rows(self) -> Rows | None:
        """The matrix, or None where it was not computed."""
        raise NotImplementedError

    @property
    def row_labels(self) -> tuple[str, ...]:
        raise NotImplementedError

    def vector(self) -> tuple[Sequence[str], Sequence[Scalar]] | None:
        """What there is instead of a matrix, with its labels."""
        raise NotImplementedError

    def entries(self) -> Iterator[tuple[str, str, float]]:
        """Every entry of the matrix: its index, in words, and its number."""
        for i, (label, row) in enumerate(zip(self.row_labels, self.rows or (), strict=False)):
            for j, (name, number) in enumerate(zip(self.input_names, row, strict=True)):
                yield f"[{i},{j}]", self._entry(label, name), number

    def _entry(self, row: str, column: str) -> str:
        """An entry in words."""
        raise NotImplementedError

    def csv_header(self) -> tuple[str, ...]:
        """The first row of a table of the matrix: its columns' names, after that of its rows."""
        if (vector := self.vector()) is not None:
            return tuple(vector[0])
        symbolic = tuple(f"symbolic_{name}" for name in self.input_names) if self.symbolic else ()
        return ("output", *(self.input_names if self.rows is not None else ()), *symbolic)

    def csv_rows(self) -> Iterator[tuple[Scalar, ...]]:
        """The rows of that table, each after its name."""
        if (vector := self.vector()) is not None:
            yield tuple(vector[1])
            return
        rows: Any = self.rows
        formulas: Any = self.symbolic
        for number, label in enumerate(self.row_labels):
            numbers = rows[number] if rows is not None else ()
            yield (label, *numbers, *(formulas[number] if formulas else ()))

    def formula_findings(self) -> dict[str, Any]:
        shown = self.asks_symbolic or self.symbolic is not None
        return {"symbolic": self.symbolic} if shown else {}

    def matrix_records(self) -> Iterator[tuple[Scalar, ...]]:
        """The rows of the matrix, each with its formulas after its numbers where those were asked
        for; where no point was given, the rows of the formulas."""
        formulas: Any = self.symbolic or []
        if self.rows is None:
            yield from map(tuple, formulas)
            return
        for number, row in enumerate(self.rows):
            yield (*row, *(formulas[number] if formulas else ()))


@dataclass(frozen=True, kw_only=True)
class Jacobian(Matrix):
    """First derivatives: `jacobian[i][j]` is that of `output_names[i]` by
    `input_names[j]`.

    `mode` is the one that was used. `vjp` is the product weights @ J, an entry for each input, with
    the weights in `grad_output`; `jvp` is J @ direction, an entry for each output, with the
    direction in `along`; where one of them was asked for, there is no matrix.
    """

    output_names: tuple[str, ...]
    jacobian: Rows | None = None
    mode: str = ""
    det: float | None = None
    cond: float | None = None
    singular_values: Row | None = None
    grad_output: Value = None
    vjp: Row | None = None
    along: Mapping[str, Value] = field(default_factory=dict)
    jvp: Row | None = None
    command: str = "jacobian"

    @property
    def rows(self) -> Rows | None:
        return self.jacobian

    @property
    def row_labels(self) -> tuple[str, ...]:
        return self.output_names

    def _entry(self, row: str, column: str) -> str:
        return f"{row} by {column}"

    def vector(self) -> tuple[Sequence[str], Sequence[Scalar]] | None:
        if self.vjp is not None:
            return self.input_names, self.vjp
        return None if self.jvp is None else (self.output_names, self.jvp)

    def findings(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "outputs": list(self.output_names),
            "inputs": list(self.input_names),
        }
        if self.vjp is not None:
            found |= {"grad_output": self.grad_output, "vjp": self.vjp}
        elif self.jvp is not None:
            found |= {"along": dict(self.along), "jvp": self.jvp}
        else:
            found["jacobian"] = self.jacobian
        if self.mode:
            found["mode"] = self.mode
        found |= self.extras()
        return {**found, **self.formula_findings()}

    def extras(self) -> dict[str, Any]:
        """What was asked for beyond the matrix."""
        named = {"det": self.det, "cond": self.cond, "singular_values": self.singular_values}
        return {name: value for name, value in named.items() if value is not None}

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """The rows of the matrix, or what was asked for instead: a line for each product and for
        each of determinant, condition number and singular values; J @ direction is a column."""
        if self.vjp is not None:
            yield tuple(self.vjp)
        elif self.jvp is not None:
            yield from ((entry,) for entry in self.jvp)
        elif extras := self.extras():
            yield from (tuple(x) if isinstance(x, LISTS) else (x,) for x in extras.values())
        else:
            yield from self.matrix_records()

    def cells(self) -> Iterator[tuple[str, Scalar]]:
        """A row of a table of points: `jacobian[0,0]` is the first output's by the first input."""
        yield from super().cells()
        for name in ("vjp", "jvp", "jacobian"):
            value = getattr(self, name)
            if value is not None:
                yield from components(name, value)
        for name, value in self.extras().items():
            yield from components(name, value)


# What the second derivatives say of a point where the gradient is zero.
POSITIVE, NEGATIVE = "positive definite", "negative definite"
INDEFINITE, ZERO, UNKNOWN = "indefinite", "zero", "unknown"
POSITIVE_SEMI, NEGATIVE_SEMI = "positive semidefinite", "negative semidefinite"
KINDS = {
    POSITIVE: "strict minimum",
    NEGATIVE: "strict maximum",
    INDEFINITE: "saddle",
    POSITIVE_SEMI: "degenerate",
    NEGATIVE_SEMI: "degenerate",
    ZERO: "degenerate",
    UNKNOWN: "unknown",
}
NOT_CRITICAL = "not a critical point"


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """The eigenvalues of a symmetric matrix, ascending; `eigenvectors[k]` belongs to the k-th.

    `definiteness` is one of the keys of KINDS; the condition number is the largest |eigenvalue|
    over the smallest. Eigenvectors of a large matrix are None.
    """

    eigenvalues: Row | None
    eigenvectors: Rows | None
    definiteness: str
    condition_number: float | None


@dataclass(frozen=True, kw_only=True)
class Hessian(Matrix):
    """Second derivatives: a symmetric matrix, with what it says of the point.

    `asymmetry` is the largest difference between an entry and its mirror image as autograd computed
    them, before they were averaged. `hvp` is the product with the direction in `along`, `diagonal`
    and `trace` are those of the matrix; where only they were computed, `hessian` is None.
    """

    gradient: Mapping[str, Value]
    critical_point: bool | None = None
    hessian: Rows | None = None
    spectrum: Spectrum | None = None
    asymmetry: float | None = None
    along: Mapping[str, Value] = field(default_factory=dict)
    hvp: Row | None = None
    diagonal: Row | None = None
    trace: float | None = None
    command: str = "hessian"

    @property
    def rows(self) -> Rows | None:
        return self.hessian

    @property
    def row_labels(self) -> tuple[str, ...]:
        return self.input_names

    def _entry(self, row: str, column: str) -> str:
        return f"by {row} twice" if row == column else f"by {row} and {column}"

    @property
    def kind(self) -> str | None:
        """What kind of point this is, as far as second derivatives can tell."""
        if self.spectrum is None or self.critical_point is None:
            return None
        return KINDS[self.spectrum.definiteness] if self.critical_point else NOT_CRITICAL

    def vector(self) -> tuple[Sequence[str], Sequence[Scalar]] | None:
        if self.hvp is not None:
            return self.input_names, self.hvp
        if self.hessian is None and self.diagonal is not None:
            return self.input_names, self.diagonal
        if self.hessian is None and self.trace is not None:
            return ("trace",), (self.trace,)
        return None

    def findings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"inputs": list(self.input_names)}
        if self.hvp is None and (self.hessian is not None or not self.extras()):
            found["hessian"] = self.hessian
        if self.spectrum is not None:
            found["eigenvalues"] = self.spectrum.eigenvalues
            found["definiteness"] = self.spectrum.definiteness
        found["gradient"] = dict(self.gradient)
        if self.critical_point is not None:
            found["critical_point"] = self.critical_point
        if self.spectrum is not None:
            found["kind"] = self.kind
            found["condition_number"] = self.spectrum.condition_number
            found["asymmetry"] = self.asymmetry
            if self.spectrum.eigenvectors is not None:
                found["eigenvectors"] = self.spectrum.eigenvectors
        if self.hvp is not None:
            found |= {"along": dict(self.along), "hvp": self.hvp}
        return {**found, **self.extras(), **self.formula_findings()}

    def extras(self) -> dict[str, Any]:
        """What was asked for beyond the matrix."""
        named = {"diag": self.diagonal, "trace": self.trace}
        return {name: value for name, value in named.items() if value is not None}

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        """The rows of the matrix, or what was asked for instead, a line each: the product with a
        direction, the diagonal, the trace."""
        if self.hvp is not None:
            yield tuple(self.hvp)
        elif extras := self.extras():
            yield from (tuple(x) if isinstance(x, LISTS) else (x,) for x in extras.values())
        else:
            yield from self.matrix_records()

    def cells(self) -> Iterator[tuple[str, Scalar]]:
        """A row of a table of points: the gradient as `d_x`, the matrix as `hessian[0,0]`."""
        yield from super().cells()
        for name, value in self.gradient.items():
            yield from ((f"d_{label}", entry) for label, entry in components(name, value))
        for name, value in (("hvp", self.hvp), ("hessian", self.hessian)):
            if value is not None:
                yield from components(name, value)
        for name, value in self.extras().items():
            yield from components(name, value)
