"""Several fits one after another, as one fit under way: `--compare` and the sweep of rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from autograd_cli.results.comparison import Comparison, Contender
from autograd_cli.results.fit import Fitting, Step

Begun = tuple[str | float, Callable[[], Fitting]]  # a label, and what begins its fit


class Comparing:
    """The fits side by side, each begun when the one before has ended.

    The steps are those of all of them, with the optimizer or the learning rate that is
    compared. `told` hears of every step, with its label and how many fits have ended. One that is
    stopped is the last one: those that were not begun are left out.
    """

    def __init__(
        self,
        by: str,
        begun: Sequence[Begun],
        told: Callable[[Step, str, int], None] = lambda step, label, ended: None,
    ) -> None:
        self._by = by
        self._begun = begun
        self._told = told
        self._contenders: list[Contender] = []
        self._current: tuple[str | float, Fitting, list[float]] | None = None

    def steps(self) -> Iterator[Step]:
        """The steps of one fit after the other, each from its step 0."""
        for label, start in self._begun:
            losses: list[float] = []
            fitting = start()
            self._current = (label, fitting, losses)
            for step in fitting.steps():
                losses.append(step.loss)
                self._told(step, str(label), len(self._contenders))
                yield (
                    replace(step, optimizer=label)
                    if isinstance(label, str)
                    else replace(step, sweep=label)
                )
            self._end()

    def _end(self, interrupted: bool = False) -> None:
        if self._current is not None:
            label, fitting, losses = self._current
            fit = fitting.result(interrupted)
            self._contenders.append(Contender(label=label, fit=fit, losses=losses))
            self._current = None

    def result(self, interrupted: bool = False) -> Comparison:
        """The comparison of those that were begun."""
        self._end(interrupted)
        return Comparison.of(self._by, self._contenders)
