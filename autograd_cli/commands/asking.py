"""The symbolic worker as commands ask it: started before torch is imported, ended with them."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from autograd_cli.language.symbolic import Worker
from autograd_cli.language.symbolic.limits import SECONDS


class Asking:
    """One question to a worker, which starts when this is made; a context in which it runs."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.worker = Worker.start(seconds)

    def reply(self) -> Mapping[str, Any]:
        """The answer, with a `note` where there is none."""
        return self.worker.reply()

    def close(self) -> None:
        self.worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
