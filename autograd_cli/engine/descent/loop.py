"""The loop of gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.context import Context
from autograd_cli.engine.derivatives import plain
from autograd_cli.engine.descent.objective import Objective
from autograd_cli.results import Value
from autograd_cli.results.fit import INTERRUPTED, Fit, Step
from autograd_cli.settings import Descent


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Where a descent ended, and why."""

    parameters: Mapping[str, Value]
    initial: Mapping[str, Value]
    loss: float
    steps: int
    converged: bool
    reason: str
    warnings: tuple[str, ...] = ()


class Descending:
    """A descent under way; `conclude` makes of its ending the result of the task."""

    def __init__(
        self,
        objective: Objective,
        descent: Descent,
        context: Context,
        conclude: Callable[[Ending], Fit],
    ) -> None:
        self._objective = objective
        self._descent = descent
        self._context = context
        self._conclude = conclude
        self._last: Step | None = None

    def steps(self) -> Iterator[Step]:
        rate = self._descent.learning_rate or 0.1
        leaves = {
            name: value.detach().clone().requires_grad_()
            for name, value in self._objective.start.items()
        }
        for number in range(self._descent.steps + 1):
            loss = self._objective.loss(leaves, None)
            gradients = torch.autograd.grad(loss, [*leaves.values()])
            self._last = self._step(number, loss, leaves, gradients, rate)
            yield self._last
            with torch.no_grad():
                for leaf, gradient in zip(leaves.values(), gradients, strict=True):
                    leaf -= rate * gradient

    def _step(
        self,
        number: int,
        loss: Tensor,
        leaves: Mapping[str, Tensor],
        gradients: tuple[Tensor, ...],
        rate: float,
    ) -> Step:
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        return Step(
            step=number,
            loss=loss.item(),
            parameters={name: plain(leaf.detach()) for name, leaf in leaves.items()},
            gradient_norm=norm.item(),
            learning_rate=rate if number else None,
        )

    def result(self, interrupted: bool = False) -> Fit:
        assert self._last is not None
        start = {name: plain(value) for name, value in self._objective.start.items()}
        ending = Ending(
            parameters=self._last.parameters,
            initial=start,
            loss=self._last.loss,
            steps=self._last.step,
            converged=not interrupted,
            reason=INTERRUPTED if interrupted else "all steps taken",
        )
        return self._conclude(ending)
