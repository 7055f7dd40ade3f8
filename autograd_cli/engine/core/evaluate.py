"""An expression to its value: one loop over its nodes, with the calls that Python would make.

The same line typed in Python records the same grad_fn graph, node for node: number literals stay
Python numbers, operators are Python's operators, functions are torch's. In an accurate context the
values are the same to the bit, but some functions have derivatives that are better than torch's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core import sizes
from autograd_cli.engine.core.context import Context
from autograd_cli.engine.core.faults import explain, no_room
from autograd_cli.engine.core.operations import Operation, operation, operation_at
from autograd_cli.errors import AgxError, EvaluationError, ShapeError
from autograd_cli.language import arithmetic
from autograd_cli.language.expression import (
    INDEX,
    LIST,
    NUMBER,
    ROOT_POWER,
    VARIABLE,
    Expression,
    Node,
)
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.reader import read

Number = int | float | bool
MAX_DIMENSIONS = 64  # more cannot be read out of torch

NodeValue = Tensor | Number | None  # None stands for an operand left out
Around = Callable[[str, Operation], Operation]


def evaluate(
    expression: Expression,
    variables: Mapping[str, Tensor],
    context: Context,
    around: Around | None = None,
) -> list[NodeValue]:
    """The value of every node, in evaluation order.

    Numbers that no tensor has touched are Python numbers. `around` is given the name of every
    function and its operation, and gives the operation that is used. Raises: EvaluationError and
    its kinds, with the span of the node that could not be evaluated.
    """
    values: list[NodeValue] = []
    append = values.append
    handlers = dict(_HANDLERS)
    if around is not None:
        handlers[LIST] = functools.partial(_list, stack=around(LIST, torch.stack))
        handlers[ROOT_POWER] = functools.partial(_root_power, around=around)
    with context.defaults():
        try:
            for node in expression.joined if context.accurate else expression.nodes:
                handler = handlers.get(node.op)
                if handler is None:
                    handlers[node.op] = handler = _handler(node.op, context.accurate, around)
                operands = [values[i] for i in node.operands]
                append(handler(node, operands, variables, context))
        except AgxError as error:
            raise error.within(expression.source, expression.nodes[len(values)].span) from None
        except MemoryError as error:
            raise no_room(error, expression, len(values)) from error
        except (RuntimeError, IndexError, ValueError, TypeError, OverflowError) as error:
            raise explain(error, expression, len(values), values) from error
    return values


def apply_node(node: Node, operands: list[Any], context: Context) -> NodeValue:
    """One operation alone, on given operands (a variable has none, and is not an operation)."""
    handler = _HANDLERS.get(node.op) or _handler(node.op, context.accurate)
    with context.defaults():
        return handler(node, operands, {}, context)


def output(expression: Expression, values: list[NodeValue], context: Context) -> Tensor:
    """The value of the whole as a tensor; a constant expression has one too."""
    value = values[expression.root]
    if value is None:
        raise EvaluationError("None has no value").within(
            expression.source, expression.nodes[expression.root].span
        )
    return value if isinstance(value, Tensor) else context.tensor(value)


def constant(expression: Expression, context: Context) -> Tensor:
    """The value of an expression without variables, detached, in the context's dtype.

    Raises: EvaluationError, as `evaluate`.
    """
    with torch.no_grad():
        value = output(expression, evaluate(expression, {}, context), context)
    return value.to(context.dtype)


def constants(values: Mapping[str, Expression], context: Context) -> dict[str, Tensor]:
    """The tensors of constant expressions, in the order given (so that a seed decides them all).

    Raises: EvaluationError, as `evaluate`.
    """
    return {name: constant(value, context) for name, value in values.items()}


# How each kind of node is evaluated: (node, operand values, variables, context) -> value.
_Handler = Callable[[Node, list[Any], Mapping[str, Tensor], Context], NodeValue]


def _number(
    node: Node, operands: list[Any], variables: Mapping[str, Tensor], context: Context
) -> NodeValue:
    value = node.value
    return arithmetic.fitted(value) if isinstance(value, int) else value  # type: ignore[return-value]


def _variable(
    node: Node, operands: list[Any], variables: Mapping[str, Tensor], context: Context
) -> NodeValue:
    return variables[str(node.value)]


def _list(
    node: Node,
    operands: list[Any],
    variables: Mapping[str, Tensor],
    context: Context,
    stack: Operation = torch.stack,
) -> NodeValue:
    if not any(isinstance(operand, Tensor) for operand in operands):
        return torch.tensor(operands, dtype=context.dtype, device=context.device)
    first = next(operand for operand in operands if isinstance(operand, Tensor))
    if first.numel() * len(operands) >= sizes.LARGE:
        sizes.need((len(operands), *first.shape), first.dtype, first.device, "this list")
    stacked: Tensor = stack([_as_tensor(operand, context) for operand in operands])
    if stacked.dim() > MAX_DIMENSIONS:
        raise ShapeError(f"a tensor has at most {MAX_DIMENSIONS} dimensions")
    return stacked


def _index(
    node: Node, operands: list[Any], variables: Mapping[str, Tensor], context: Context
) -> NodeValue:
    base = operands[0]
    if not isinstance(base, Tensor):
        raise EvaluationError("a number cannot be indexed")
    index = node.value
    assert isinstance(index, tuple)
    result: Tensor = base[index if len(index) > 1 else index[0]]
    return result


def _root_power(
    node: Node,
    operands: list[Any],
    variables: Mapping[str, Tensor],
    context: Context,
    around: Around | None = None,
) -> NodeValue:
    root, *given = operands
    assert isinstance(node.value, tuple)
    name, exponent = node.value
    square = _square(name)
    if node.options:
        last = square.nodes[square.root]._replace(options=node.options)
        square = replace(square, nodes=(*square.nodes[:-1], last))
    place = {one.name: value for one, value in zip(FUNCTIONS[name].operands, given, strict=True)}
    values = evaluate(square, place, context, around)
    power = operation_at("special.power.root_power")
    result: Tensor = power(root, exponent, _as_tensor(values[square.root], context))
    return result


@functools.cache
def _square(name: str) -> Expression:
    row = FUNCTIONS[name]
    return read(row.square, given=[one.name for one in row.operands])


@functools.cache
def _handler(name: str, accurate: bool, around: Around | None = None) -> _Handler:
    """The handler of a row of the function table."""
    row = FUNCTIONS[name]
    function = operation(row, accurate)
    if around is not None:
        function = around(name, function)
    if row.family == "constructor":
        return functools.partial(_constructed, function)

    is_operator = name in arithmetic.OPERATORS
    large = sizes.threshold(row)

    def apply(
        node: Node, operands: list[Any], variables: Mapping[str, Tensor], context: Context
    ) -> NodeValue:
        tensors = 0
        most = 1  # elements that a result can have, by those of its operands
        for operand in operands:
            if isinstance(operand, Tensor):
                tensors += 1
                most *= operand.numel()
        if tensors < len(operands):
            if not tensors and is_operator:
                return arithmetic.apply(name, operands)
            if not tensors or not row.numbers:
                operands = [_as_tensor(operand, context) for operand in operands]
        options = node.options
        if most >= large:
            sizes.need_result(row, operands, row.symbol or row.name)
        result: NodeValue = function(*operands, **dict(options)) if options else function(*operands)
        return result

    return apply


def _constructed(
    function: Operation,
    node: Node,
    operands: list[Any],
    variables: Mapping[str, Tensor],
    context: Context,
) -> NodeValue:
    options = dict(node.options)
    sizes.need_constant(context, options, node.op)
    result: NodeValue = function(context, **options)
    return result


def _as_tensor(value: Any, context: Context) -> Any:
    return value if value is None or isinstance(value, Tensor) else context.tensor(value)


_HANDLERS: dict[str, _Handler] = {
    NUMBER: _number,
    VARIABLE: _variable,
    LIST: _list,
    INDEX: _index,
    ROOT_POWER: _root_power,
}
