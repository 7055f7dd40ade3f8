"""A fit that is shown while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from autograd_cli.results.fit import Fit, Fitting, Step

Observer = Callable[[Step], None]


class Run:
    """The steps of a fit as they come, and its result once they have ended.

    Shown are the steps of which `shows` says so, by their numbers, and the last one; none where it
    is None. The observers are told of all. `stopped` is asked before every step whether the user
    wants no more of it. There will be `total` steps at most, if that is known; a `live` run may be
    drawn in place as it goes on, and then takes about `pace` seconds at least.
    """

    command = "fit"

    def __init__(
        self,
        fitting: Fitting,
        shows: Callable[[int], bool] | None = lambda step: True,
        stopped: Callable[[], bool] = lambda: False,
        observers: Sequence[Observer] = (),
        *,
        total: int | None = None,
        live: bool = False,
        pace: float = 0.0,
    ) -> None:
        self.total = total
        self.live = live
        self.pace = pace
        self._fitting = fitting
        self._shows = shows
        self._stopped = stopped
        self._observers = list(observers)
        self._steps = fitting.steps()
        self._interrupted = False

    @property
    def introduction(self) -> object:
        """What there is to show before the steps; None for most fits."""
        return getattr(self._fitting, "introduction", None)

    @property
    def counted(self) -> str:
        """What its steps are called: a fit from several starts counts those."""
        return getattr(self._fitting, "counted", "step")

    def watch(self, observer: Observer) -> None:
        """Tell the observer of every step that is still to come."""
        self._observers.append(observer)

    def steps(self) -> Iterator[Step]:
        """The steps to be shown; what a first caller has taken does not come again."""
        held: Step | None = None  # may turn out to be the last one
        for step in self._steps:
            for observe in self._observers:
                observe(step)
            held = step
            if self._shows is not None and self._shows(step.step):
                yield step
                held = None
            if self._stopped():
                self._interrupted = True
                break
        if held is not None and self._shows is not None:
            yield held

    @cached_property
    def shown(self) -> list[Step]:
        """The steps that are left to be shown, all at once."""
        return list(self.steps())

    @cached_property
    def result(self) -> Fit:
        """What the fit came to, after all its steps."""
        assert self.shown is not None
        return self._fitting.result(interrupted=self._interrupted)
