"""What nodes keep for their backward pass; to be read before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from autograd_cli.engine.core.evaluate import NodeValue
from autograd_cli.engine.tape.nodes import TorchNode
from autograd_cli.results.graph_parts import Saved

PREFIX = "_saved_"


def saved(
    nodes: Sequence[TorchNode], leaves: Mapping[str, Tensor], values: Sequence[NodeValue]
) -> list[tuple[Saved, ...]]:
    """The tensors that every node keeps, each with where its memory comes from."""
    known = {
        value.data_ptr(): "value of an operation" for value in values if isinstance(value, Tensor)
    }
    known |= {leaf.data_ptr(): f"leaf {name}" for name, leaf in leaves.items()}
    return [
        tuple(
            Saved(
                role=role,
                shape=tuple(tensor.shape),
                bytes=tensor.numel() * tensor.element_size(),
                source=known.get(tensor.data_ptr(), "new buffer"),
            )
            for role, tensor in _kept(node)
        )
        for node in nodes
    ]


def _kept(node: TorchNode) -> Iterator[tuple[str, Tensor]]:
    """torch's nodes have an attribute for each tensor; those of a Function have one for all."""
    for attribute in dir(type(node)):
        if attribute.startswith(PREFIX):
            yield from _tensors(attribute.removeprefix(PREFIX), getattr(node, attribute))
    if not callable(node):
        yield from _tensors("saved", node.saved_tensors)


def _tensors(role: str, kept: Any) -> Iterator[tuple[str, Tensor]]:
    for tensor in kept if isinstance(kept, (list, tuple)) else [kept]:
        if isinstance(tensor, Tensor):
            yield role, tensor
