"""What a command found, as plain values.

A result is a frozen dataclass of numbers, texts and (nested) lists. It knows three views of itself:
`to_dict` for JSON, `records` for plain text (one record a line) and `columns` with `row` for tables
of many points. What it looks like on a terminal or in LaTeX is for `render` to know.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from autograd_cli.results.array import LISTS, Array

SCHEMA = "agx/1"

Scalar: TypeAlias = float | int | bool | str | None
Record: TypeAlias = "Sequence[Scalar]"  # a line of plain text
Value: TypeAlias = "Scalar | Sequence[Value]"  # a number, a vector as a list, a matrix as lists


def is_finite(value: Scalar) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def all_finite(value: Value) -> bool:
    """Whether every number of a value is finite."""
    if isinstance(value, Array):
        return value.all_finite
    return all(is_finite(entry) for _, entry in components("", value))


class Result(Protocol):
    """What `render` asks of a result."""

    @property
    def command(self) -> str: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    def to_dict(self) -> dict[str, Any]: ...

    def records(self) -> Iterator[Record]: ...

    def columns(self) -> tuple[str, ...]: ...

    def row(self) -> tuple[Scalar, ...]: ...


def components(name: str, value: Value) -> Iterator[tuple[str, Scalar]]:
    """Every number of a value with its name: `x`; `x[0]`, `x[1]`; `A[0,0]`, `A[0,1]`."""
    if not isinstance(value, LISTS):
        yield name, value  # type: ignore[misc]
        return
    pending: list[tuple[str, Iterator[tuple[int, Any]]]] = [("", enumerate(value))]
    while pending:
        above, items = pending[-1]
        for number, item in items:
            if isinstance(item, LISTS):
                pending.append((f"{above}{number},", enumerate(item)))
                break
            yield f"{name}[{above}{number}]", item
        else:
            pending.pop()


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The value of an expression at a point: `agx eval`, and what every other result begins with.

    `at` holds the values of the variables as they were used, in `dtype`, on `device`.
    """

    expression: str
    at: Mapping[str, Value]
    dtype: str
    device: str
    value: Value
    warnings: tuple[str, ...] = ()
    command: str = "eval"

    def header(self) -> dict[str, Any]:
        """The keys that every result starts with, in their fixed order."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "expression": self.expression,
            "at": dict(self.at),
            "dtype": self.dtype,
            "device": self.device,
            "value": self.value,
        }

    def findings(self) -> dict[str, Any]:
        """The keys of this kind of result, after the header."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        return {**self.header(), **self.findings(), "warnings": list(self.warnings)}

    def records(self) -> Iterator[Record]:
        """The value: a vector is one line of numbers, a matrix a line a row."""
        yield from _lines(self.value)

    def inputs(self) -> Iterator[tuple[str, Scalar]]:
        for name, value in self.at.items():
            yield from components(name, value)

    def columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.cells())

    def row(self) -> tuple[Scalar, ...]:
        return tuple(cell for _, cell in self.cells())

    def cells(self) -> Iterator[tuple[str, Scalar]]:
        """The input columns, then the value."""
        yield from self.inputs()
        yield from components("value", self.value)


@dataclass(frozen=True, kw_only=True)
class Gradient(Evaluation):
    """Derivatives: `gradient` by variable, each in the variable's own shape.

    What was asked (`order`, `partial`, `along`, `grad_output`) is echoed; with `partial` and
    `along`, `gradient` has one entry, named by the partial (`x,x,y`) or `along`. `symbolic` has
    formulas in the shape of the gradient, where they were wanted and found; `latex` the same and
    the expression itself (under the name "") for typesetting, and is not part of the JSON.
    """

    gradient: Mapping[str, Value]
    order: int = 1
    partial: tuple[str, ...] = ()
    along: Mapping[str, Value] = field(default_factory=dict)
    grad_output: Value = None
    symbolic: Mapping[str, Value] | None = None
    latex: Mapping[str, Value] | None = None
    command: str = "grad"

    def findings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"gradient": dict(self.gradient)}
        if self.order != 1:
            found["order"] = self.order
        if self.partial:
            found["partial"] = list(self.partial)
        if self.along:
            found["along"] = dict(self.along)
        if self.grad_output is not None:
            found["grad_output"] = self.grad_output
        if self.symbolic is not None:
            found["symbolic"] = dict(self.symbolic)
        return found

    def records(self) -> Iterator[Record]:
        """`NAME VALUE` for every number, and the formula where one was asked for."""
        formulas = dict(self.formulas())
        if not self.gradient:  # no point was given: the formulas alone
            yield from formulas.items()
            return
        for name, value in self.derivatives():
            yield (name, value) if self.symbolic is None else (name, value, formulas.get(name))

    def derivatives(self) -> Iterator[tuple[str, Scalar]]:
        """Every number of the gradient with its name."""
        for name, value in self.gradient.items():
            yield from components(name, value)

    def entries(self) -> Iterator[tuple[str, str, float]]:
        """Every derivative: its name, in words, and its number."""
        for name, value in self.derivatives():
            yield name, f"by {name}" if not self.along else name, float(value)  # type: ignore[arg-type]

    def formulas(self) -> Iterator[tuple[str, Scalar]]:
        """Every formula of the symbolic gradient with its name."""
        for name, value in (self.symbolic or {}).items():
            yield from components(name, value)

    def cells(self) -> Iterator[tuple[str, Scalar]]:
        if self.gradient:
            yield from super().cells()
            yield from ((f"d_{name}", value) for name, value in self.derivatives())
        yield from ((f"symbolic_{name}", formula) for name, formula in self.formulas())


def _lines(value: Value) -> Iterator[Record]:
    if not isinstance(value, LISTS):
        yield (value,)  # type: ignore[misc]
    elif isinstance(value, Array) and value.is_flat:
        yield value
    elif not any(isinstance(item, LISTS) for item in value):
        yield tuple(value)
    else:
        for item in value:
            yield from _lines(item)
