"""Columns that were read as tensors: variables at listed points."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from autograd_cli.data.rows import Column, Elements
from autograd_cli.engine.core.batches import Listed
from autograd_cli.engine.core.context import Context


def listed(
    variables: Mapping[str, Elements],
    columns: Mapping[str, Column],
    context: Context,
    rows: Sequence[int] | None = None,
) -> Listed:
    """The variables at the rows of a table, or at some of them."""
    found = Listed()
    index = None if rows is None else torch.tensor(rows, dtype=torch.int64)
    for name, elements in variables.items():
        tensors = [tensor_of(columns[column]) for column in elements.columns]
        if elements.shape is None:
            tensor = tensors[0]
        else:
            tensor = torch.stack(tensors, dim=1).reshape(-1, *elements.shape)
        if index is not None:
            tensor = tensor[index]
        found[name] = tensor.to(context.device, context.dtype)
    return found


def tensor_of(column: Column) -> Tensor:
    """A column as float64, of shape (rows, *shape), in the memory it was read into."""
    numbers = column.numbers
    if isinstance(numbers, array):
        if not numbers:
            return torch.zeros(0, *column.shape, dtype=torch.float64)
        tensor = torch.frombuffer(numbers, dtype=torch.float64)
    else:
        tensor = torch.utils.dlpack.from_dlpack(numbers)
    return tensor.reshape(-1, *column.shape)
