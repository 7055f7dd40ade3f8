"""What `agx fit mlp` shows: one training step in its stages, and how the gradients flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd_cli.results.fit import Fit

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A tensor of the forward pass: what it is called, how it comes about, its shape."""

    name: str
    operation: str
    shape: Shape

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "operation": self.operation, "shape": list(self.shape)}


@dataclass(frozen=True, kw_only=True)
class Slope:
    """A parameter in one step: its gradient's norm and mean, and the norm of its change."""

    parameter: str
    shape: Shape
    gradient_norm: float
    gradient_mean: float
    change_norm: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "parameter": self.parameter,
            "shape": list(self.shape),
            "gradient_norm": self.gradient_norm,
            "gradient_mean": self.gradient_mean,
            "change_norm": self.change_norm,
        }


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """The first step of a training in its five stages: forward, loss, backward, update, zero."""

    architecture: str
    forward: tuple[Activity, ...]
    loss_name: str
    loss: float
    slopes: tuple[Slope, ...]
    update: str
    loss_after: float

    def to_dict(self) -> list[dict[str, Any]]:
        backward = [
            {key: value for key, value in one.to_dict().items() if key != "change_norm"}
            for one in self.slopes
        ]
        changes = [
            {"parameter": one.parameter, "change_norm": one.change_norm} for one in self.slopes
        ]
        return [
            {"stage": "forward", "tensors": [one.to_dict() for one in self.forward]},
            {"stage": "loss", "name": self.loss_name, "value": self.loss},
            {"stage": "backward", "gradients": backward},
            {"stage": "update", "rule": self.update, "changes": changes},
            {"stage": "zero", "gradients": None, "loss_after": self.loss_after},
        ]


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The gradient of a layer's weights during a training: its norm at every step from 0."""

    layer: int
    parameter: str
    norms: Sequence[float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "parameter": self.parameter,
            "first": self.norms[0],
            "last": self.norms[-1],
            "least": min(self.norms),
            "greatest": max(self.norms),
        }


@dataclass(frozen=True, kw_only=True)
class NetworkFit(Fit):
    """A trained network. `accuracy` is the share of samples classified right, None in regression.

    `at` is empty: there are too many parameters to say them twice.
    """

    sizes: tuple[int, ...]
    activation: str
    data: str
    samples: int
    training_step: TrainingStep
    flow: tuple[Flow, ...]
    accuracy: float | None = None

    @property
    def ended(self) -> str:
        """A network is trained for so many steps: what is asked is that the loss falls."""
        return "trained for" if self.converged else super().ended

    def certified(self) -> dict[str, Any]:
        return {
            "sizes": list(self.sizes),
            "activation": self.activation,
            "data": self.data,
            "samples": self.samples,
            "accuracy": self.accuracy,
            "stages": self.training_step.to_dict(),
            "gradient_flow": [one.to_dict() for one in self.flow],
        }
