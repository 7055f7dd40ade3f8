"""What is told at the end of many points: warnings, and the rows that could not be used."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from autograd_cli.console import Console
from autograd_cli.errors import AgxError
from autograd_cli.points.pieces import Done
from autograd_cli.render.numbers import without_numbers

MOST_TOLD = 5  # faulty rows that are told of one by one


@dataclass
class Tally:
    """What is told at the end of a stream."""

    rows: int = 0
    faults: int = 0
    told: list[str] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)  # the first of those that say the same
    times: Counter[str] = field(default_factory=Counter)
    non_finite: int = 0

    def add(self, done: Done) -> None:
        self.rows += done.piece.count
        if done.stop is None:
            self.miss(done.faults)
        found = done.piece.found
        if found is not None and done.piece.count:
            self.non_finite += found.non_finite
            for text in found.header.warnings:
                self.warnings.setdefault(without_numbers(text), text)
            for texts in found.warnings.values():
                for text in texts:
                    if text not in found.header.warnings:
                        kind = without_numbers(text)
                        self.warnings.setdefault(kind, text)
                        self.times[kind] += 1

    def miss(self, errors: Sequence[AgxError]) -> None:
        """Counts rows that could not be used."""
        self.faults += len(errors)
        self.told += [error.message for error in errors[: MOST_TOLD - len(self.told)]]

    def tell(self, console: Console, *, nulls: bool = False, more: str = "") -> None:
        """Says it all on stderr; with `nulls` the rows were kept, without results."""
        have = "has no results" if self.faults == 1 else "have no results"
        texts = list(self._texts(have if nulls else "left out"))
        if more:
            texts.append(more)
        if texts:
            with contextlib.suppress(OSError, ValueError):
                console.flush()  # so that the two streams arrive in order
            console.complain("".join(f"warning: {text}\n" for text in texts))

    def _texts(self, what: str) -> Iterator[str]:
        for kind, text in self.warnings.items():
            is_counted = not self.non_finite and self.times[kind] > 1
            yield f"{text} (at {self.times[kind]:,} points)" if is_counted else text
        if self.non_finite > 1:
            yield f"{self.non_finite:,} of {self.rows:,} rows have results that are not finite"
        yield from self.told
        if self.faults:
            yield f"{self.faults:,} row{'s' * (self.faults > 1)} {what}"
