"""One of several processes that share a table, and the cores that it may use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Launched:
    """One of several processes that torchrun started: its rank, and how many there are."""

    rank: int
    world: int

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Launched | None:
        """What torchrun says in the environment; None for a process on its own."""
        if "TORCHELASTIC_RUN_ID" not in environ:
            return None
        return cls(int(environ["RANK"]), int(environ["WORLD_SIZE"]))

    def share(self, first: int, count: int) -> tuple[int, int]:
        """The lines (or rows) of this process among `count` from `first` on."""
        return (
            first + count * self.rank // self.world,
            first + count * (self.rank + 1) // self.world,
        )

    def file(self, directory: str, ending: str) -> str:
        """The file of this process in the directory, which is made."""
        Path(directory).mkdir(parents=True, exist_ok=True)
        return str(Path(directory) / f"part-{self.rank:05}-of-{self.world:05}{ending}")


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
