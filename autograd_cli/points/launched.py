"""One of several processes that share a table, and the cores that it may use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograd_cli.errors import FileError, UsageError
from autograd_cli.render.output import file_error


@dataclass(frozen=True)
class Launched:
    """One of several processes that torchrun started: its rank, how many there are, and how many
    of them on this machine."""

    rank: int
    world: int
    local: int = 1

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Launched | None:
        """What torchrun says in the environment; None for a process on its own. Raises UsageError
        where that makes no sense."""
        if "TORCHELASTIC_RUN_ID" not in environ:
            return None
        rank, world, local = (
            int(text) if text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS else -1
            for text in (environ.get(name, "") for name in ("RANK", "WORLD_SIZE", LOCAL))
        )
        if not 0 <= rank < world or local < 1:
            raise UsageError(
                "TORCHELASTIC_RUN_ID says that torchrun started this, and RANK, WORLD_SIZE and"
                f" {LOCAL} do not say which of the processes it is",
                hint="start it by torchrun, or without that variable: env -u TORCHELASTIC_RUN_ID …",
            )
        return cls(rank, world, local)

    def jobs(self) -> int:
        """The cores that are left to each process on this machine."""
        return max(1, cores() // self.local)

    def share(self, first: int, count: int) -> tuple[int, int]:
        """The lines (or rows) of this process among `count` from `first` on."""
        return (
            first + count * self.rank // self.world,
            first + count * (self.rank + 1) // self.world,
        )

    def file(self, directory: str, ending: str) -> str:
        """The file of this process in the directory, which is made. Raises FileError."""
        try:
            Path(directory).mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise FileError(
                f"{directory!r} is a file, and several processes write into a directory",
                hint="name a directory: -o DIRECTORY",
            ) from None
        except OSError as error:
            raise file_error(directory, error) from error
        return str(Path(directory) / f"part-{self.rank:05}-of-{self.world:05}{ending}")


LOCAL = "LOCAL_WORLD_SIZE"
MOST_DIGITS = 10


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
