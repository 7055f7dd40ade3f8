"""A vector-valued function at a point: all outputs as one vector, by the variables asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, constants, evaluate
from autograd_cli.engine.core.faults import shape_text
from autograd_cli.engine.derive.dependence import independent
from autograd_cli.engine.derive.rows import batched
from autograd_cli.engine.nodewise.nonfinite import explain_gradient, explain_value
from autograd_cli.errors import DerivativeError, EvaluationError, ShapeError
from autograd_cli.language.expression import Expression
from autograd_cli.language.outputs import Outputs
from autograd_cli.results import components


class Point:
    """The outputs at a point, attached to their graph.

    expression  the nodes of all outputs
    leaves      every variable; those in `names` require a gradient
    wanted      the leaves to differentiate by
    nodes       the value of every node
    parts       the outputs as vectors: one for each expression, or for each entry of a typed list
    value       the outputs one after another, shape (outputs,)
    size        the number of elements of `wanted`, `width` that of the largest tensor of all
    shape       that of the one output; where there are several, that of `value`
    inputs      the names of the elements of `wanted`; `outputs` those of the elements of `value`
    """

    def __init__(
        self,
        outputs: Outputs,
        at: Mapping[str, Tensor],
        context: Context,
        names: Collection[str] = (),
    ) -> None:
        self._outputs = outputs
        self._random = context.generator.get_state()
        self.context = context
        self.expression = outputs.expression
        self.names = tuple(names) or tuple(self.expression.variables)
        self.leaves = self.fresh(at)
        self.wanted = [self.leaves[name] for name in self.names]
        self.nodes = evaluate(self.expression, self.leaves, context)
        self._check()
        shapes = [self._tensor(self.nodes[root]).shape for root in outputs.roots]
        self.parts = self._select(self.nodes)
        self.value = torch.cat(list(self.parts))
        self.shape = shapes[0] if len(shapes) == 1 else self.value.shape
        self.size = sum(leaf.numel() for leaf in self.wanted)
        tensors = [node for node in self.nodes if isinstance(node, Tensor)]
        self.width = max([self.size, *(tensor.numel() for tensor in tensors)])
        self._shapes = shapes

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self._outputs.labels(self._shapes))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(
            label
            for name, leaf in zip(self.names, self.wanted, strict=True)
            for label, _ in components(name, leaf.tolist())
        )

    def fresh(self, at: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Fresh leaves: only what is asked for requires a gradient, so that nothing else need have
        one."""
        return {
            name: at[name].detach().clone().requires_grad_(name in self.names)
            for name in self.expression.variables
        }

    def values(self, leaves: Mapping[str, Tensor], batch: bool) -> tuple[Tensor, ...]:
        """The parts of the outputs; in a batch of points, with an axis in front."""
        names = list(leaves)
        self.context.generator.set_state(self._random)  # the same random constants every time

        def single(*tensors: Tensor) -> tuple[Tensor, ...]:
            at = dict(zip(names, tensors, strict=True))
            return self._select(evaluate(self.expression, at, self.context))

        return batched(single, [*leaves.values()]) if batch else single(*leaves.values())

    def steps(self, direction: Mapping[str, Tensor]) -> list[Tensor]:
        """A direction's parts in the order of `wanted`; zero for what it does not name."""
        return [
            direction[name] if name in direction else torch.zeros_like(leaf).detach()
            for name, leaf in zip(self.names, self.wanted, strict=True)
        ]

    def warnings(self) -> list[str]:
        """What was said of the expression, and why an output is not finite."""
        found = [
            text
            for one in self._outputs.each()
            for text in explain_value(one, self.nodes, self.context)
        ]
        return [*self.expression.warnings, *dict.fromkeys(found)]

    def explain_row(self, number: int) -> list[str]:
        """Why the derivatives of one element of the outputs are not finite."""
        for root, part in zip(self._outputs.entries, self.parts, strict=True):
            if number < len(part):
                weights = torch.zeros_like(part).detach()
                weights[number] = 1
                self.context.generator.set_state(self._random)
                upstream = weights.reshape(self._tensor(self.nodes[root]).shape)
                one = replace(self.expression, root=root)
                return explain_gradient(one, self.nodes, self.leaves, upstream, self.context)
            number -= len(part)
        return []

    def independent(self) -> Tensor | None:
        """Where an output does not depend on an input, shape (outputs, inputs); None if that is too
        much to find out."""
        entries = self._outputs.entries
        found = independent(self.expression, self.nodes, self.names, self.context, entries)
        return None if found is None else found.to(self.context.device)

    def header(self, at: Mapping[str, Any], value: Any, warnings: Sequence[str]) -> dict[str, Any]:
        """The fields that every result begins with."""
        return {
            "expression": self.expression.source,
            "at": at,
            "dtype": self.context.dtype_name,
            "device": str(self.context.device),
            "value": value,
            "warnings": tuple(warnings),
        }

    def _select(self, nodes: Sequence[NodeValue]) -> tuple[Tensor, ...]:
        return tuple(self._tensor(nodes[root]).reshape(-1) for root in self._outputs.entries)

    def _tensor(self, value: NodeValue) -> Tensor:
        tensor = value if isinstance(value, Tensor) else self.context.tensor(value)
        return tensor if tensor.is_floating_point() else tensor.to(self.context.dtype)

    def _check(self) -> None:
        for root in self._outputs.roots:
            value = self.nodes[root]
            span, source = self.expression.nodes[root].span, self.expression.source
            if value is None:
                raise EvaluationError("None has no value", span=span, source=source)
            if isinstance(value, bool) or (isinstance(value, Tensor) and value.dtype == torch.bool):
                raise DerivativeError(
                    "a condition has no derivative",
                    hint="where(condition, a, b) chooses between two values",
                    span=span,
                    source=source,
                )
        if not any(leaf.numel() for leaf in self.wanted):
            names = ", ".join(f"'{name}'" for name in self.names)
            raise ShapeError(f"there is nothing to differentiate by: {names} has no elements")


def read_direction(
    texts: Mapping[str, Expression], at: Mapping[str, Tensor], option: str, context: Context
) -> dict[str, Tensor]:
    """The tensors of a direction, each in the shape of its variable. Raises: ShapeError."""
    direction = constants(texts, context)
    for name, step in direction.items():
        if step.shape != at[name].shape:
            raise ShapeError(
                f"{option} gives '{name}' {shape_text(step)}, but it is {shape_text(at[name])}",
                hint="a direction has the shapes of the variables",
            )
    return direction
