"""The variables of an expression among the columns of a table."""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograd_cli.data.names import listing, quoted
from autograd_cli.data.rows import Block, Elements
from autograd_cli.data.table import Source, open_source
from autograd_cli.errors import FileError, UnknownNameError, UsageError, visible
from autograd_cli.language.expression import Expression

if TYPE_CHECKING:
    from autograd_cli.console import Console

_ELEMENT = re.compile(r"([^\[\]]+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")


def noted(source: Source, console: Console) -> Callable[[], None]:
    """Says what was found out about a table; what this gives says what has been since."""
    told: list[str] = []

    def tell() -> None:
        for note in source.notes:
            if note not in told:
                told.append(note)
                console.complain(f"note: {visible(note)}\n")

    tell()
    return tell


@dataclass(frozen=True)
class TableInput:
    """A table whose columns are variables, by the names of `mapping` (from variables, or elements
    of them, to columns) or by their own."""

    source: Source
    mapping: Mapping[str, str]

    @classmethod
    def open(cls, path: str, maps: Sequence[str], console: Console) -> TableInput:
        """Raises: FileError for what is no table, UsageError for what is no mapping."""
        read_mapping(maps)  # it is said what is wrong before a file is opened
        source = console.at_end.enter_context(closing(open_source(path, console.stdin)))
        mapping = read_mapping(maps, source.names)
        for column in mapping.values():
            if column not in source.names:
                raise no_column(column, source, "--map names it")
        return cls(source, mapping)

    def names(self) -> set[str]:
        """The names that variables may have; a column `x[0]` stands for a variable `x`."""
        return {_base(name) for name in (*self.source.names, *self.mapping)}

    def variables(self, expression: Expression, fixed: Collection[str]) -> dict[str, Elements]:
        """The columns of every variable that has no fixed value.

        Raises: UnknownNameError for a variable without a column, and for a mapped name that is no
        variable; UsageError where no variable is left for a column; FileError where an element of
        a vector is missing.
        """
        for name in self.mapping:
            base = _base(name)
            if base not in expression.variables:
                from autograd_cli.language.points import unknown_variable

                raise unknown_variable(base, expression, "--map")
            if base in fixed:
                raise UsageError(
                    f"{base!r} has both a value in --at and a column in --map",
                    hint="leave one of them out",
                )
        columns = {name: name for name in self.source.names} | dict(self.mapping)
        found = {}
        for name in expression.variables:
            if name not in fixed:
                found[name] = self._elements(name, columns, expression)
        if not found:
            raise UsageError(
                "no variable takes its values from the table of --points",
                hint=f"leave {next(iter(expression.variables))} out of --at"
                if expression.variables
                else "leave --points out: the expression has no variables",
            )
        return found

    def _elements(self, name: str, columns: Mapping[str, str], expression: Expression) -> Elements:
        places = dict(_places(name, columns))
        if name in columns:
            if places and name not in self.mapping:
                other = next(iter(places.values()))
                raise FileError(
                    f"{self.source.stream} has both a column {columns[name]!r} and {other!r}",
                    hint=f"leave one of them out, or say which: --map {name}=COLUMN",
                )
            return Elements((columns[name],))
        if not places:
            raise self._no_column(name, expression)
        dimensions = {len(index) for index in places}
        if len(dimensions) > 1:
            raise FileError(
                f"the columns of {name!r} in {self.source.stream} have different numbers of indices"
            )
        shape = tuple(max(index) + 1 for index in zip(*places, strict=True))
        if math.prod(shape) > len(places):
            for index in itertools.product(*map(range, shape)):
                if index not in places:
                    element = f"{name}[{','.join(map(str, index))}]"
                    raise no_column(element, self.source)
        order = itertools.product(*map(range, shape))
        return Elements(tuple(places[index] for index in order), shape)

    def _no_column(self, name: str, expression: Expression) -> UnknownNameError:
        stream = self.source.stream
        near = difflib.get_close_matches(name, self.source.names, n=1, cutoff=0.6)
        column = near[0] if near else self.source.names[0]
        return UnknownNameError(
            f"{stream} has no column {name!r}",
            hint=f"it has: {listing(self.source.names)}; --map {quoted(f'{name}={column}')} takes"
            f" another column, --at {name}=… a value",
            span=expression.nodes[expression.variables[name]].span,
            source=expression.source,
        )


def read_mapping(texts: Sequence[str], columns: Collection[str] = ()) -> dict[str, str]:
    """`x=col3`, repeatable, several separated by commas, which may be in the names of `columns`.

    Raises: UsageError.
    """
    mapping: dict[str, str] = {}
    for text in texts:
        whole = text.partition("=")[2].strip() in columns
        for part in [text] if whole else _parts(text):
            name, equals, column = part.partition("=")
            name = "".join(name.split())
            if not equals or not name or not column.strip():
                raise UsageError(
                    f"--map {part!r} is no NAME=COLUMN", hint="for example --map x=col3"
                )
            if name in mapping:
                raise UsageError(f"{name!r} is given twice in --map")
            mapping[name] = column.strip()
    return mapping


def _parts(text: str) -> list[str]:
    """The parts between commas that stand outside brackets and before a NAME=."""
    parts = re.split(r",(?=[^=\[\]]+(?:\[[^\]]*\])?=)", text)
    return [part.strip() for part in parts]


def _places(name: str, columns: Mapping[str, str]) -> Iterator[tuple[tuple[int, ...], str]]:
    for label, column in columns.items():
        match = _ELEMENT.fullmatch(label.strip())
        if match and match[1].strip() == name:
            yield tuple(map(int, match[2].split(","))), column


def _base(name: str) -> str:
    match = _ELEMENT.fullmatch(name.strip())
    return match[1].strip() if match else name


def no_column(name: str, source: Source, why: str = "") -> FileError:
    told = f", but {why}" if why else ""
    return FileError(
        f"{source.stream} has no column {name!r}{told}", hint=f"it has: {listing(source.names)}"
    )


def size_of(block: Block) -> int:
    """How many lines, or rows, a block has."""
    if isinstance(block.content, bytes):
        return block.content.count(b"\n")
    return len(block.content)


def within(
    blocks: Iterator[Block], start: int, stop: int | None = None, *, quotes: bool = False
) -> Iterator[Block]:
    """The rows that begin in a range of lines (or rows); with `quotes` a cell between quotes may
    reach over several lines."""
    for block in blocks:
        end = block.line + size_of(block)
        if stop is not None and block.line >= stop:
            return
        if end <= start:
            continue
        begin, finish = max(block.line, start), end if stop is None else min(end, stop)
        if (begin, finish) != (block.line, end):
            block = cut(block, begin - block.line, finish - block.line, quotes)
        if len(block.content):
            yield block


def cut(block: Block, start: int, stop: int, quotes: bool) -> Block:
    """The rows that begin in a range of lines (or rows), counted from the first of the block."""
    if not isinstance(block.content, bytes):
        return Block(block.content[start:stop], block.line + start)
    begin, before = _row_from(block.content, start, quotes)
    end, _ = _row_from(block.content, stop, quotes)
    return Block(block.content[begin:end], block.line + before)


def _row_from(text: bytes, line: int, quotes: bool) -> tuple[int, int]:
    """Where the first row begins that begins on a line or after it, and on which."""
    place = 0
    for _ in range(line):
        place = text.index(b"\n", place) + 1
    while quotes and place < len(text) and text.count(b'"', 0, place) % 2:
        place = text.index(b"\n", place) + 1
        line += 1
    return place, line
