"""The report of `agx fit mlp`: one step in its stages, then the flow of the gradients."""

from __future__ import annotations

from autograd_cli.render.document import (
    Alignment,
    Column,
    Curve,
    Fact,
    Facts,
    Number,
    Page,
    Symbol,
    Table,
    Title,
)
from autograd_cli.render.pages.descent import opening
from autograd_cli.results.network import NetworkFit, Shape, TrainingStep

CURVE = 24  # bars of a curve of gradient norms


def step_page(step: TrainingStep) -> Page:
    """A training step: forward, loss, backward, update, zero."""
    forward = Table(
        [
            Column("tensor", [Symbol(one.name) for one in step.forward], names_rows=True),
            Column("shape", [_shape(one.shape) for one in step.forward]),
            Column("operation", [one.operation for one in step.forward]),
        ]
    )
    backward = Table(
        [
            Column("parameter", [Symbol(one.parameter) for one in step.slopes], names_rows=True),
            Column("shape", [_shape(one.shape) for one in step.slopes]),
            Column("gradient norm", [Number(one.gradient_norm) for one in step.slopes]),
            Column("mean", [Number(one.gradient_mean) for one in step.slopes]),
            Column("change", [Number(one.change_norm) for one in step.slopes]),
        ]
    )
    stages = [
        Fact("1 forward", "the batch through the layers", forward),
        Fact("2 loss", (f"{step.loss_name} = ", Number(step.loss))),
        Fact("3 backward", "the gradient of the loss by every parameter", backward),
        Fact("4 update", (f"{step.update}; the loss is now ", Number(step.loss_after))),
        Fact("5 zero", "the gradients are cleared, or the next would be added to them"),
    ]
    return [Title(f"one training step, {step.architecture}"), Facts(stages)]


def network_page(result: NetworkFit) -> Page:
    """How the training ended, and the gradient of every layer's weights on the way."""
    flow = result.flow
    facts = [Fact("loss", Number(result.loss))]
    if result.accuracy is not None:
        text = f"{result.accuracy:.1%} of {result.samples} samples"
        facts.append(Fact("accuracy", text))
    layers = [Number(one.layer) for one in flow]
    table = Table(
        [
            Column("layer", layers, Alignment.RIGHT, names_rows=True),
            Column("weights", [Symbol(one.parameter) for one in flow]),
            Column("gradient at first", [Number(one.norms[0]) for one in flow]),
            Column("at last", [Number(one.norms[-1]) for one in flow]),
            Column("on the way", [Curve(one.norms, CURVE) for one in flow]),
        ],
        caption="the gradient's flow, by the norm in every layer",
    )
    return [*opening(result), Facts(facts), table]


def _shape(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "scalar"
