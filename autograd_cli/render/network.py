"""The report of `agx fit mlp`: one step in its stages, then the flow of the gradients."""

from __future__ import annotations

from autograd_cli.render.descent import ending
from autograd_cli.render.document import Document, Facts, Title, table_lines
from autograd_cli.render.layout import Cell, Line, Table, cell, hanging
from autograd_cli.render.numbers import short
from autograd_cli.render.parts import (
    HEADING,
    NAME,
    NUMBER,
    TITLE,
    line_width,
    paragraph,
    value_cells,
)
from autograd_cli.render.sparkline import sparkline
from autograd_cli.render.style import Style
from autograd_cli.results.network import NetworkFit, Shape, TrainingStep

CURVE = 24  # columns of a curve of gradient norms


def step_page(step: TrainingStep, style: Style) -> list[Line]:
    """A training step: forward, loss, backward, update, zero."""
    room = line_width(style)
    digits = style.precision
    forward: list[list[Cell]] = [
        [cell(one.name, NAME, solid=True) for one in step.forward],
        [cell(_shape(one.shape, style), NUMBER, solid=True) for one in step.forward],
        [cell(one.operation) for one in step.forward],
    ]
    backward: list[list[Cell]] = [
        [cell(one.parameter, NAME, solid=True) for one in step.slopes],
        [cell(_shape(one.shape, style), NUMBER, solid=True) for one in step.slopes],
        value_cells([one.gradient_norm for one in step.slopes], style, room),
        value_cells([one.gradient_mean for one in step.slopes], style, room),
        value_cells([one.change_norm for one in step.slopes], style, room),
    ]
    after = short(step.loss_after, digits)
    arrow = step.architecture if style.unicode else step.architecture.replace("→", "->")
    return [
        *paragraph([(f"one training step, {arrow}", TITLE)], room),
        [],
        *_stage(1, "forward", "the batch through the layers", room),
        *_table(("tensor", "shape", "operation"), forward, room),
        [],
        *_stage(2, "loss", f"{step.loss_name} = {short(step.loss, digits)}", room),
        [],
        *_stage(3, "backward", "the gradient of the loss by every parameter", room),
        *_table(("parameter", "shape", "gradient norm", "mean", "change"), backward, room),
        [],
        *_stage(4, "update", f"{step.update}; the loss is now {after}", room),
        *_stage(5, "zero", "the gradients are cleared, or the next would be added to them", room),
    ]


def network_page(result: NetworkFit, style: Style) -> Document:
    """How the training ended, and the gradient of every layer's weights on the way."""
    room = line_width(style)
    flow = result.flow
    cells: list[list[Cell]] = [
        [cell(str(one.layer), NAME, solid=True, right=True) for one in flow],
        [cell(one.parameter, solid=True) for one in flow],
        value_cells([one.norms[0] for one in flow], style, room),
        value_cells([one.norms[-1] for one in flow], style, room),
        [
            cell(sparkline(one.norms, CURVE, unicode=style.unicode), NUMBER, solid=True)
            for one in flow
        ],
    ]
    pairs = [("loss", short(result.loss, style.precision))]
    if result.accuracy is not None:
        pairs.append(("accuracy", f"{result.accuracy:.1%} of {result.samples} samples"))
    heads = ("layer", "weights", "gradient at first", "at last", "on the way")
    flow_table = Table(heads, list(zip(*cells, strict=True)))
    return [
        [ending(result)],
        [Facts(pairs)],
        [Title("the gradient's flow, by the norm in every layer"), flow_table],
    ]


def _stage(number: int, name: str, text: str, room: int) -> list[Line]:
    return hanging([(f"{number} ", HEADING), (f"{name:<10}", TITLE)], cell(text), room)


def _shape(shape: Shape, style: Style) -> str:
    return ("×" if style.unicode else "x").join(map(str, shape)) or "scalar"


def _table(headings: tuple[str, ...], columns: list[list[Cell]], room: int) -> list[Line]:
    return table_lines(Table(headings, list(zip(*columns, strict=True))), room, indent=2)
