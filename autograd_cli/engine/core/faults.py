"""What torch says when it cannot compute, in words that say what, where and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autograd_cli.data.room import NoRoomError, is_shortage, shortage
from autograd_cli.errors import DerivativeError, DomainError, EvaluationError, ShapeError
from autograd_cli.language.expression import INDEX, LIST, Expression, Node
from autograd_cli.language.functions import FUNCTIONS


def explain(
    error: Exception, expression: Expression, position: int, values: Sequence[Any]
) -> EvaluationError:
    """The error of the node at `position`, from what torch raised there.

    Raises: NoRoomError, if that was for want of memory.
    """
    if is_shortage(error):
        raise no_room(error, expression, position) from error
    node = expression.nodes[position]
    operands = [(expression.text(i), values[i]) for i in node.operands]
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    fault = _recognise(message, error, node, operands)
    return fault.within(expression.source, node.span)  # type: ignore[return-value]


def no_room(error: Exception, expression: Expression, position: int) -> NoRoomError:
    """The error of a node whose value does not fit into memory."""
    said = shortage(error)
    said.within(expression.source, expression.nodes[position].span)
    return error if isinstance(error, NoRoomError) else NoRoomError(said)


def _recognise(
    message: str, error: Exception, node: Node, operands: list[tuple[str, Any]]
) -> EvaluationError:
    if isinstance(error, NotImplementedError) and "derivative" in message:
        return DerivativeError(
            _no_derivative(message, node),
            hint="leave it out with --wrt, or see its value with agx eval",
        )
    low = re.search(r"low precision dtypes not supported\. Got (\w+)", message, re.IGNORECASE)
    if low or "not implemented for" in message:
        dtype = low[1] if low else message.rpartition("'")[0].rpartition("'")[2]
        if dtype != "Bool":
            return EvaluationError(
                f"torch has no {node.op} for dtype {_DTYPE_NAMES.get(dtype, dtype)} on this device",
                hint="use --dtype float64 or float32",
            )
    if "bool" in message.lower():
        for text, value in operands:
            is_condition = isinstance(value, Tensor) and value.dtype == torch.bool
            if is_condition or isinstance(value, bool):
                return EvaluationError(
                    f"{_name(node)} takes numbers, and {_shortened(text)} is a condition",
                    hint="where(condition, 1, 0) makes numbers of it",
                )
    if node.op == INDEX:
        return _index(message, operands[0])
    if node.op == LIST:
        return ShapeError(
            f"the elements of a list have different shapes: {_shapes(operands)}",
            hint="every element of a list has the same shape",
        )
    beyond = re.search(r"be converted to type (?:c10::|at::)?(\w+) without overflow", message)
    if beyond:
        dtype = _DTYPE_NAMES.get(beyond[1], beyond[1])
        return DomainError(f"{_name(node)}: a number beyond {dtype}", hint="use --dtype float64")
    for fault in _KNOWN:
        if re.search(fault.pattern, message, re.IGNORECASE):
            words = fault.words.format(name=_name(node), shapes=_shapes(operands))
            return fault.kind(words, hint=(fault.hint or _usage(node)).strip())
    if _SHAPE.search(message) or isinstance(error, IndexError):
        return ShapeError(
            f"{_name(node)}: the shapes do not fit: {_shapes(operands)}", hint=_tidy(message)
        )
    return EvaluationError(f"{_name(node)}: {_tidy(message)}", hint=_usage(node))


def explain_backward(error: Exception, expression: Expression) -> EvaluationError:
    """The error of a backward pass: which operation torch cannot differentiate (again).

    Raises: NoRoomError, if there was not enough memory for it.
    """
    if is_shortage(error):
        raise NoRoomError(shortage(error)) from error
    message = str(error).strip().splitlines()[0]
    match = re.search(r"derivative for '?(?:aten::)?_?(\w+)|(\w+)' is not implemented", message)
    name = (match.group(1) or match.group(2) or "").removesuffix("_backward") if match else ""
    for node in expression.nodes:
        row = FUNCTIONS.get(node.op)
        names = (row.name, row.torch.rpartition(".")[2], *row.aliases) if row else ()
        if row and name.strip("_") in names:
            return DerivativeError(
                f"torch has no derivative of {row.name} here",
                hint="its value is there: agx eval",
                span=node.span,
                source=expression.source,
            )
    if "INTERNAL ASSERT" in message:  # as for True**x
        message = "a condition among the operands, write 1 for True"
    return DerivativeError(
        f"torch cannot differentiate this: {_tidy(message)}",
        span=expression.nodes[expression.root].span,
        source=expression.source,
    )


_DTYPE_NAMES = {
    "Half": "float16",
    "BFloat16": "bfloat16",
    "float": "float32",
    "Long": "int64",
    "Bool": "bool",
}

_SHAPE = re.compile(
    r"size|shape|dimension|expected .*D|must match|1D tensors|2-D|2D|rank|vector|matri|square"
)


class _Fault(NamedTuple):
    """How torch says it, and how it is said here; without a hint, the usage is the hint."""

    pattern: str
    kind: type[EvaluationError]
    words: str
    hint: str = ""


_FIT = "{name}: the shapes do not fit: {shapes}"

_KNOWN = (
    _Fault("singular", DomainError, "the matrix is singular: it has no inverse", " "),
    _Fault("not positive-definite", DomainError, "the matrix is not positive definite", " "),
    _Fault(
        "failed to converge", DomainError, "the iteration did not converge for this matrix", " "
    ),
    _Fault(
        "size of tensor a .* must match|broadcast",
        ShapeError,
        _FIT,
        "sizes are compared from the last dimension on: they are equal, or one of them is 1",
    ),
    _Fault("need to be at least 1D", ShapeError, _FIT, "for a product with a number, write *"),
    _Fault(
        "mat1 and mat2|size mismatch, got|batch2 tensor|vector . matrix @ vector",
        ShapeError,
        _FIT,
        "the first one has as many columns as the second one has rows",
    ),
    _Fault("inconsistent tensor size", ShapeError, _FIT, "both have as many elements"),
    _Fault("square matri", ShapeError, _FIT, "it takes a square matrix"),
    _Fault(
        "at least 2 dimensions|2 or more dimensions|expected a matrix|on matrices|2-D|1D or 2D",
        ShapeError,
        _FIT,
        "it takes a matrix",
    ),
    _Fault("1D tensors expected|expected 1-D", ShapeError, _FIT, "it takes vectors"),
    _Fault("linalg.cross|same number of dimensions", ShapeError, _FIT, "it takes vectors of 3"),
    _Fault("target size|that is different to", ShapeError, _FIT, "both have the same shape"),
    _Fault(
        "dimension out of range|tensor has no dimensions|dim .* appears multiple times",
        ShapeError,
        "{name}: there is no such dimension: {shapes}",
        "dimensions are counted 0, 1, … or, from the last one, -1, -2, …; each is given once",
    ),
    _Fault(
        "order .* not supported|but ord is|matrix norm",
        EvaluationError,
        "{name} has no such order here: {shapes}",
        "1, 2, inf, -inf; any number for a vector, fro and nuc for a matrix",
    ),
    _Fault(r"numel\(\) == 0|zero.size", ShapeError, "{name} of no elements: {shapes}", " "),
    _Fault("must not be None", EvaluationError, "{name} needs a limit"),
    _Fault("inconsistent with step", EvaluationError, "{name}: the step leads away from the end"),
    _Fault("lambda must be in range", EvaluationError, "{name}: lambd is at least 0"),
    _Fault(
        "negative dimension|greater or equal to 0|non-negative",
        ShapeError,
        "{name}: a size is at least 0",
    ),
)


def _index(message: str, base: tuple[str, Any]) -> EvaluationError:
    text, value = base
    if isinstance(value, Tensor):
        size = shape_text(value)
        if "step must be greater than zero" in message:
            return ShapeError("a slice's step must be positive", hint="flip(x) reverses a vector")
        if "step cannot be zero" in message:
            return ShapeError("a slice's step must be positive", hint="for example x[::2]")
        match = re.search(
            r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)", message
        )
        if match:
            index, dimension, length = match.groups()
            along = f" along dimension {dimension}" if value.dim() > 1 else ""
            last = int(length) - 1
            return ShapeError(
                f"index {index} is out of range: {text} has {length} elements{along}",
                hint=f"indices go from 0 to {last}, or from -{length} to -1" if last >= 0 else "",
            )
        if "too many indices" in message or value.dim() == 0:
            return ShapeError(f"too many indices: {text} is {size}")
    return ShapeError(_tidy(message))


def _no_derivative(message: str, node: Node) -> str:
    match = re.search(r": (\w+)'", message)
    by = f" by '{match.group(1)}'" if match else ""
    if match and match.group(1) in ("input", "self"):
        by = " by its first operand"
    return f"torch has no derivative of {node.op}{by}"


def _name(node: Node) -> str:
    row = FUNCTIONS.get(node.op)
    return row.symbol or row.name if row else node.op


def _usage(node: Node) -> str:
    row = FUNCTIONS.get(node.op)
    return f"write {row.usage}" if row and not row.symbol else ""


def _tidy(message: str) -> str:
    """torch's own words, without its advice to programmers."""
    message = re.sub(r"torch\.Size\((\[[^\]]*\])\)", r"\1", message)
    message = re.sub(r"\s*\(.*?at \S+\.cpp.*", "", message)
    message = re.sub(r"^[\w.]+(?:\([^)]*\))?: ", "", message)
    return message[:1].lower() + message[1:].rstrip(".")


def _shortened(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"


def _shapes(operands: Sequence[tuple[str, Any]]) -> str:
    parts = [
        f"{_shortened(text)} is {shape_text(value)}"
        for text, value in operands
        if value is not None
    ]
    return ", ".join(parts[:6]) + (", …" if len(parts) > 6 else "")


def shape_text(value: Any) -> str:
    """`a number`, `a vector of 3`, `2×3`."""
    shape = tuple(value.shape) if isinstance(value, Tensor) else ()
    if not shape:
        return "a number"
    if len(shape) == 1:
        return f"a vector of {shape[0]}"
    return "×".join(map(str, shape))
