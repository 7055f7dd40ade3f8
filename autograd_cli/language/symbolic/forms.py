"""What an expression becomes in SymPy: a SymPy object, or an array of them.

Numbers are SymPy expressions over real symbols, conditions are SymPy's Booleans, and a vector or
matrix is an `Array`: SymPy's own matrices know nothing of broadcasting.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy

MAX_ITEMS = 4096  # elements of an intermediate array

Key: TypeAlias = Any  # an int, a slice or Ellipsis


class NoClosedForm(Exception):  # noqa: N818 - it is a finding, not a fault
    """There is no formula, or none that is worth showing; the message says why."""


@dataclass(frozen=True)
class Array:
    """An array of at least one dimension, its items in row-major order."""

    shape: tuple[int, ...]
    items: tuple[sympy.Basic, ...]


Form: TypeAlias = "sympy.Basic | Array"


def form(shape: Sequence[int], items: Sequence[sympy.Basic]) -> Form:
    """The items in a shape: an Array, or the item itself for the shape ()."""
    if len(items) > MAX_ITEMS:
        raise NoClosedForm(f"no closed form: an array of more than {MAX_ITEMS} elements")
    if not shape:
        return items[0]
    return Array(tuple(shape), tuple(items))


def shape_of(value: Form) -> tuple[int, ...]:
    return value.shape if isinstance(value, Array) else ()


def items_of(value: Form) -> tuple[sympy.Basic, ...]:
    return value.items if isinstance(value, Array) else (value,)


def symbols(name: str, shape: Sequence[int]) -> Form:
    """The real symbols of a variable: `x`; `x[0]`, `x[1]`; `A[0,0]`, `A[0,1]`."""
    if math.prod(shape) > MAX_ITEMS:
        raise NoClosedForm(f"no closed form: '{name}' has more than {MAX_ITEMS} elements")
    if not shape:
        return sympy.Symbol(name, real=True)
    return form(shape, [component(name, index) for index in indices(shape)])


def component(name: str, index: Sequence[int]) -> sympy.Symbol:
    """The symbol of one element of an array variable."""
    return sympy.Symbol(f"{name}[{','.join(map(str, index))}]", real=True)


def indices(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every index into a shape, in row-major order."""
    return itertools.product(*map(range, shape))


def offset(shape: Sequence[int], index: Sequence[int]) -> int:
    """Where an index lies in row-major order."""
    position = 0
    for size, i in zip(shape, index, strict=True):
        position = position * size + i
    return position


def at(value: Form, *index: int) -> sympy.Basic:
    """One element."""
    return items_of(value)[offset(shape_of(value), index)]


def broadcast(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The common shape, by torch's rules.

    Raises: NoClosedForm where the shapes do not fit; evaluation has the better message.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    common = [1] * rank
    for shape in shapes:
        for axis, size in enumerate(shape, start=rank - len(shape)):
            if size != 1 and common[axis] not in (1, size):
                raise NoClosedForm("no closed form: the shapes do not fit")
            if size != 1:
                common[axis] = size
    return tuple(common)


def expand(value: Form, shape: Sequence[int]) -> list[sympy.Basic]:
    """The items of `value` broadcast to `shape`."""
    own = shape_of(value)
    if own == tuple(shape):
        return list(items_of(value))
    skipped = len(shape) - len(own)
    return [
        at(value, *(i if size != 1 else 0 for i, size in zip(index[skipped:], own, strict=True)))
        for index in indices(shape)
    ]


def elementwise(function: Callable[..., sympy.Basic], *values: Form | None) -> Form:
    """`function` of corresponding elements; None (an operand left out) is passed as it is."""
    shape = broadcast(*(shape_of(value) for value in values if value is not None))
    count = math.prod(shape)
    if count > MAX_ITEMS:
        raise NoClosedForm(f"no closed form: an array of more than {MAX_ITEMS} elements")
    columns = [[None] * count if value is None else expand(value, shape) for value in values]
    return form(shape, [function(*row) for row in zip(*columns, strict=True)])


def stack(values: Sequence[Form]) -> Form:
    """The values stacked along a new first axis; scalars among vectors are not broadcast."""
    shapes = {shape_of(value) for value in values}
    if len(shapes) != 1:
        raise NoClosedForm("no closed form: the shapes in a list do not fit")
    (shape,) = shapes
    return form((len(values), *shape), [item for value in values for item in items_of(value)])


def select(value: Form, keys: Sequence[Key]) -> Form:
    """`value[keys]` with ints, slices and one Ellipsis, as in torch.

    Raises: NoClosedForm for an index out of range or too many of them.
    """
    shape = shape_of(value)
    given = [key for key in keys if key is not Ellipsis]
    if len(given) > len(shape):
        raise NoClosedForm("no closed form: too many indices")
    missing = [slice(None)] * (len(shape) - len(given))
    place = next((i for i, key in enumerate(keys) if key is Ellipsis), len(keys))
    full = [*keys[:place], *missing, *keys[place + 1 :]]
    chosen: list[Sequence[int]] = []
    kept: list[int] = []
    for key, size in zip(full, shape, strict=True):
        if isinstance(key, slice):
            chosen.append(range(size)[key])
            kept.append(len(chosen[-1]))
        elif -size <= key < size:
            chosen.append((key % size,))
        else:
            raise NoClosedForm("no closed form: an index is out of range")
    return form(kept, [at(value, *index) for index in itertools.product(*chosen)])


def number(item: sympy.Basic) -> sympy.Expr:
    """A condition as a number, 1 where it holds; numbers stay as they are."""
    if isinstance(item, sympy.Expr):  # a Symbol is an Expr and a Boolean; here it is a number
        return item
    return sympy.Piecewise((1, item), (0, True))


def condition(item: sympy.Basic) -> sympy.Basic:
    """A number as a condition: true where it is not zero; conditions stay as they are."""
    if isinstance(item, sympy.Expr):
        return sympy.Ne(item, 0)
    return item


def numbers(value: Form) -> Form:
    """`number` of every element."""
    return form(shape_of(value), [number(item) for item in items_of(value)])


def nested(value: Form, text: Callable[[sympy.Basic], Any]) -> Any:
    """`text` of every element, as lists nested like the shape."""
    row = [text(item) for item in items_of(value)]
    for size in reversed(shape_of(value)[1:]):
        row = [row[i : i + size] for i in range(0, len(row), size)] if size else []
    return row if shape_of(value) else row[0]
