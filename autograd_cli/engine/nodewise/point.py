"""An expression at a point: its values, attached to their graph, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autograd_cli.engine.core import backward
from autograd_cli.engine.core.batches import plain
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import NodeValue, evaluate, output
from autograd_cli.engine.nodewise.cut_off import explain_unrecorded
from autograd_cli.engine.nodewise.nonfinite import explain_gradient, explain_higher, explain_value
from autograd_cli.language.expression import Expression
from autograd_cli.language.request import DerivativeRequest


@dataclass(frozen=True)
class Point:
    """`leaves` are the variables, `values` those of all nodes, and `value` is the output's."""

    expression: Expression
    context: Context
    leaves: Mapping[str, Tensor]
    values: Sequence[NodeValue]
    value: Tensor

    @classmethod
    def of(
        cls,
        expression: Expression,
        at: Mapping[str, Tensor],
        context: Context,
        request: DerivativeRequest,
    ) -> Point:
        """Evaluated anew. Raises: EvaluationError, as `evaluate`."""
        leaves = backward.leaves(expression, at, request)
        values = evaluate(expression, leaves, context)
        return cls(expression, context, leaves, values, output(expression, values, context))

    def weights(self, request: DerivativeRequest, command: str = "grad") -> backward.Weights:
        """The constants of the request. Raises: ShapeError and DerivativeError where the output
        cannot be differentiated with them, in the words of the command."""
        shape = self.value.shape
        weights = backward.weights(self.expression, self.leaves, shape, request, self.context)
        backward.check_differentiable(self.expression, self.value, weights, command)
        return weights

    def header(self) -> dict[str, Any]:
        """The fields that every result begins with."""
        return {
            "expression": self.expression.source,
            "at": {name: plain(self.leaves[name]) for name in self.expression.variables},
            "dtype": self.context.dtype_name,
            "device": str(self.context.device),
            "value": plain(self.value),
        }

    def warnings(self) -> list[str]:
        """What was said of the expression, why its value is not finite, and why no gradient flows
        to any variable."""
        return [
            *self.expression.warnings,
            *explain_value(self.expression, self.values, self.context),
            *explain_unrecorded(self.expression, self.values),
        ]

    def why_not_finite(self, grad_output: Tensor | None, order: int = 1) -> list[str]:
        """Why a derivative of this order is not finite although the value is."""
        expression, context = self.expression, self.context
        found = explain_gradient(expression, self.values, self.leaves, grad_output, context)
        if not found and order > 1 and self.value.isfinite().all():
            return explain_higher(expression, self.values, order, context)
        return found
