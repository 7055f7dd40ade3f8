"""Training a network: the first step in its stages, and the flow of the gradients."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.descent.loop import Descending, Ending
from autograd_cli.engine.descent.network import Network
from autograd_cli.engine.descent.optimizers import optimizer
from autograd_cli.engine.descent.problem import Problem
from autograd_cli.engine.descent.schedules import schedule
from autograd_cli.results.fit import Fit, Step
from autograd_cli.results.network import Activity, Flow, NetworkFit, Slope, TrainingStep
from autograd_cli.settings import Descent

VANISHING, EXPLODING = 1e-3, 1e3  # the first layer's gradient beside the last one's

_RULES = dict.fromkeys(("gd", "sgd"), "W -= {rate:g} * gradient")


class Training:
    """A training under way; `introduction` is its first step in its stages, ready at once."""

    def __init__(self, name: str, network: Network, descent: Descent, context: Context) -> None:
        self._name = name
        self._network = network
        self._context = context
        self._descent = descent
        self._descending = Descending(network.objective(), descent, context, self._conclude)
        self._norms: list[list[float]] = []
        self.introduction = first_step(network, descent)

    def steps(self) -> Iterator[Step]:
        """The steps of the training, from step 0."""
        weights = [
            tensor
            for name, tensor in self._descending.problem.parameters.items()
            if name.startswith("W")
        ]
        for step in self._descending.steps():
            self._norms.append([float(w.grad.norm()) for w in weights if w.grad is not None])
            yield step

    def result(self, interrupted: bool = False) -> Fit:
        """What it came to so far."""
        return self._descending.result(interrupted)

    def _conclude(self, ending: Ending) -> NetworkFit:
        network = self._network
        converged, reason = ending.converged, ending.reason
        first = self._descending.first
        assert first is not None
        fell = math.isfinite(ending.loss) and ending.loss < first.loss
        if fell and self._descent.tolerance is None and ending.steps == self._descent.steps:
            converged = True
            reason = f"the loss fell from {first.loss:.4g} to {ending.loss:.4g}"
        flow = tuple(
            Flow(layer=layer, parameter=f"W{layer}", norms=[row[layer - 1] for row in self._norms])
            for layer in network.layers
        )
        shape = " -> ".join(map(str, network.sizes))
        return NetworkFit(
            expression=f"mlp {shape}, {network.activation}",
            at={},
            dtype=self._context.dtype_name,
            device=str(self._context.device),
            value=ending.loss,
            warnings=(*ending.warnings, *self._flow_warnings(flow)),
            task="mlp",
            parameters=ending.parameters,
            initial=ending.initial,
            loss=ending.loss,
            steps=ending.steps,
            converged=converged,
            reason=reason,
            sizes=network.sizes,
            activation=network.activation,
            data=self._name,
            samples=len(network.x),
            training_step=self.introduction,
            flow=flow,
            accuracy=network.accuracy(self._descending.problem.parameters),
        )

    def _flow_warnings(self, flow: tuple[Flow, ...]) -> Iterator[str]:
        """At most one sentence: where the gradient vanishes or explodes on its way back."""
        if len(flow) < 2:
            return
        sizes = [math.sqrt(b * a) for a, b in itertools.pairwise(self._network.sizes)]
        moments = (("at the start", 0), (f"after {len(self._norms) - 1} steps", -1))
        for when, place in moments:
            means = [one.norms[place] / size for one, size in zip(flow, sizes, strict=True)]
            if not all(map(math.isfinite, means)) or not means[-1]:
                continue
            ratio = means[0] / means[-1]
            beside = f"{ratio:.2g} of layer {len(flow)}'s {when} (root mean squares)"
            if ratio == 0:
                yield (
                    f"no gradient reaches layer 1 {when}: its units are dead or saturated;"
                    f" try another --activation, seed or learning rate"
                )
                return
            if ratio < VANISHING:
                yield (
                    f"the gradient vanishes on its way back: layer 1's is {beside};"
                    " fewer layers or another --activation help"
                )
                return
            if ratio > EXPLODING:
                yield (
                    f"the gradient explodes on its way back: layer 1's is {beside};"
                    " fewer layers or a smaller learning rate help"
                )
                return


def first_step(network: Network, descent: Descent) -> TrainingStep:
    """The first training step on parameters of its own: forward, loss, backward, update, zero."""
    row = optimizer(descent.optimizer)
    rate = row.rate if descent.learning_rate is None else descent.learning_rate
    rate *= schedule(descent.schedule, descent.steps)(0)
    problem = Problem(network.objective())
    with torch.no_grad():
        passed = network.activities(problem.parameters, network.x)
    loss = float(problem.differentiate())
    before = {name: tensor.detach().clone() for name, tensor in problem.parameters.items()}
    slopes = {
        name: torch.zeros_like(t) if t.grad is None else t.grad.clone()
        for name, t in problem.parameters.items()
    }
    row.make(problem)(rate)
    after = float(problem.loss().detach())
    return TrainingStep(
        architecture=" → ".join(map(str, network.sizes)),
        forward=tuple(
            Activity(name=name, operation=operation, shape=tuple(value.shape))
            for name, operation, value in passed
        ),
        loss_name=network.task.loss_name,
        loss=loss,
        slopes=tuple(
            Slope(
                parameter=name,
                shape=tuple(slopes[name].shape),
                gradient_norm=float(slopes[name].norm()),
                gradient_mean=float(slopes[name].mean()),
                change_norm=float((tensor.detach() - before[name]).norm()),
            )
            for name, tensor in problem.parameters.items()
        ),
        update=_RULES.get(row.name, "{name}, learning rate {rate:g}").format(
            rate=rate, name=row.name
        ),
        loss_after=after,
    )
