"""A model on data: its residuals and their Jacobian by the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.nodewise.nonfinite import explain_value
from autograd_cli.errors import DerivativeError, EvaluationError
from autograd_cli.language.expression import NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS


class Model:
    """A model of `target`, evaluated row by row of the data.

    expression  over the parameters and the columns of the data
    names       the parameters, in the order of the vectors of parameters, shape (n,)
    data        the columns, each of shape (m,)
    target      the observed response, shape (m,)
    weights     of the squared residuals, shape (m,); None where all are 1
    """

    def __init__(
        self,
        expression: Expression,
        names: Sequence[str],
        data: Mapping[str, Tensor],
        target: Tensor,
        weights: Tensor | None,
        context: Context,
    ) -> None:
        self.expression = expression
        self.names = tuple(names)
        self.data = data
        self.target = target
        self.weights = weights
        self.context = context
        self._roots = None if weights is None else weights.sqrt()
        self._elementwise = all(
            node.op in (VARIABLE, NUMBER)
            or (node.op in FUNCTIONS and FUNCTIONS[node.op].elementwise)
            for node in expression.nodes
        )

    def predict(self, parameters: Mapping[str, Tensor], rows: Tensor | None = None) -> Tensor:
        """The model's values, shape (m,), for parameters that are numbers or of shape (m,)."""
        columns = self.data if rows is None else {k: v[rows] for k, v in self.data.items()}
        return self._values({**columns, **parameters}, len(self.target if rows is None else rows))

    def residuals(self, parameters: Tensor) -> Tensor:
        """Prediction minus response, times the root of the weight, shape (m,)."""
        with torch.no_grad():
            return self.weighted(self.predict(self._named(parameters)) - self.target)

    def jacobian(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """The residuals, shape (m,), and their derivatives by the parameters, shape (m, n).

        Every parameter is expanded to m copies, of which each residual has its own: one backward
        pass gives all rows. Raises: DerivativeError where the model has no derivative.
        """
        return self._differentiate(parameters, self.data, self.target)

    def gradients(self, parameters: Tensor, data: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The predictions on other data and their derivatives by the parameters."""
        nothing = torch.zeros_like(next(iter(data.values())))
        return self._differentiate(parameters, data, nothing, weighted=False)

    def explain(self, parameters: Tensor) -> tuple[int, str] | None:
        """The first row where the model is not finite, and why; None if there is none."""
        predictions = self.predict(self._named(parameters)).detach()
        bad = (~predictions.isfinite()).nonzero().flatten().tolist()
        if not bad:
            return None
        row = bad[0]
        at = {name: column[row] for name, column in self.data.items()} | self._named(parameters)
        why = explain_value(
            self.expression, evaluate(self.expression, at, self.context), self.context
        )
        return row, why[0] if why else f"the value is {predictions[row].item()}"

    def overflows(self, parameters: Tensor) -> bool:
        """Whether it is infinite somewhere, on its way to a value that is not finite."""
        named = {
            name: one.expand(len(self.target)) for name, one in self._named(parameters).items()
        }
        values = evaluate(self.expression, {**self.data, **named}, self.context)
        return any(isinstance(one, Tensor) and bool(one.isinf().any()) for one in values)

    def _named(self, parameters: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, parameters.unbind(), strict=True))

    def _differentiate(
        self,
        parameters: Tensor,
        data: Mapping[str, Tensor],
        target: Tensor,
        weighted: bool = True,
    ) -> tuple[Tensor, Tensor]:
        count = len(target)
        copies = [one.expand(count).clone().requires_grad_() for one in parameters.unbind()]
        named = dict(zip(self.names, copies, strict=True))
        residuals = self._values({**data, **named}, count) - target
        if weighted:
            residuals = self.weighted(residuals)
        if not residuals.requires_grad:
            raise DerivativeError("the model has no derivative by its parameters").within(
                self.expression.source, self.expression.nodes[self.expression.root].span
            )
        columns = torch.autograd.grad(
            residuals.sum(), copies, allow_unused=True, materialize_grads=True
        )
        return residuals.detach(), torch.stack(columns, 1)

    def _values(self, at: Mapping[str, Tensor], count: int) -> Tensor:
        if self._elementwise:
            value = output(
                self.expression, evaluate(self.expression, at, self.context), self.context
            )
        else:
            value = self._row_by_row(at, count)
        if value.dtype == torch.bool:
            raise EvaluationError(
                "a condition is no model", hint="where(condition, a, b) chooses between two values"
            ).within(self.expression.source, self.expression.nodes[self.expression.root].span)
        if value.dim() > 1 or (value.dim() == 1 and len(value) != count):
            raise EvaluationError("the model gives several numbers for one observation").within(
                self.expression.source, self.expression.nodes[self.expression.root].span
            )
        return value.to(self.context.dtype).expand(count)

    def _row_by_row(self, at: Mapping[str, Tensor], count: int) -> Tensor:
        """A model with vectors in it (`[a, b] @ [1, x]`) is about one row at a time."""
        names = list(at)

        def single(*values: Tensor) -> Tensor:
            row = dict(zip(names, values, strict=True))
            return output(
                self.expression, evaluate(self.expression, row, self.context), self.context
            )

        columns = [one.expand(count) for one in at.values()]
        return torch.vmap(single, randomness="same")(*columns)

    def weighted(self, residuals: Tensor, rows: Tensor | None = None) -> Tensor:
        """The residuals times the roots of their weights."""
        if self._roots is None:
            return residuals
        return residuals * (self._roots if rows is None else self._roots[rows])
