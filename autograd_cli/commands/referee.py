"""The symbolic worker as the one who knows exact derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_cli.commands.asking import Asking

SECONDS = 5.0  # for the exact derivatives; a share of it for those of many points
MOST_ASKED = 50_000  # characters of a question


class Referee(Asking):
    """Asks the worker for the exact derivatives at points; a context in which it runs."""

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__(seconds)
        self._seconds = seconds

    def ask(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Asks about as many points as fit into one question."""
        size = sum(len(str(job)) for job in jobs)
        if size > MOST_ASKED:
            share = MOST_ASKED / size
            jobs = [
                {**job, "points": job["points"][: max(1, int(share * len(job["points"])))]}
                for job in jobs
            ]
        self.worker.ask({"task": "referee", "seconds": 0.6 * self._seconds, "jobs": list(jobs)})

    def replies(self) -> Sequence[Mapping[str, Any]]:
        jobs: Sequence[Mapping[str, Any]] = self.reply().get("jobs") or ()
        return jobs
