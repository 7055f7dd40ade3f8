"""A recorded graph and how it shall be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograd_cli.results import Record, Scalar
from autograd_cli.results.graph import Graph

MOST_NODES = 1_000  # drawn where nothing else is said


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A graph with what was asked of its drawing; JSON has the whole graph whatever was asked.

    depth      levels below the output that are drawn; None is all
    most       nodes that are drawn
    constants  whether operands without a gradient are drawn
    raw        torch's graph alone: names and next_functions
    """

    graph: Graph
    depth: int | None = None
    most: int = MOST_NODES
    constants: bool = True
    raw: bool = False

    @property
    def command(self) -> str:
        return self.graph.command

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.graph.warnings

    def to_dict(self) -> dict[str, Any]:
        return self.graph.to_dict()

    def records(self) -> Iterator[Record]:
        return self.graph.records()

    def columns(self) -> tuple[str, ...]:
        return self.graph.columns()

    def row(self) -> tuple[Scalar, ...]:
        return self.graph.row()
