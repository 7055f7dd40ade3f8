"""Nodes of the autograd graph with a given value and given derivatives.

Values are computed in float64 and rounded to the operands' dtype, so that float32 and the half
types need no kernel of their own. A node is named after its function: ``bessel_j0(x).grad_fn`` is
``BesselJ0Backward``. It is differentiable as often as its derivatives are, under ``torch.vmap``
too.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograd_cli.engine.core.batch_layout import aligned

Unary = Callable[[Tensor], Tensor]
Function = Callable[..., Tensor]


def differentiable(
    name: str,
    value: Function,
    *partials: Function | None,
    wide: bool = True,
    pull: Callable[[Tensor, Tensor], Tensor] = torch.mul,
    of_result: bool = False,
    elementwise: bool = True,
) -> Function:
    """A function of given local derivatives; its grad_fn is called ``<name>Backward``.

    ``value(*constants, *tensors)`` is called without autograd, on float64 if ``wide``. There is one
    partial derivative for each tensor, called with the same arguments in their own dtype; it must
    be differentiable itself. To a tensor without one (None) nothing goes back, not even a 0, of
    which what is infinite below would make nan. ``pull(cotangent, partial)`` is the vector-Jacobian
    product. The partial derivative ``of_result`` is called with the function's own result, which
    must be like its one tensor. ``elementwise`` ones take many points as one tensor.
    """
    count = len(partials)

    def forward(*args: Any) -> Tensor:
        dtype = torch.result_type(args[-count], args[-1])
        if not dtype.is_floating_point:
            dtype = torch.get_default_dtype()
        if not wide:
            return value(*args)
        xs = (x.double() for x in args[-count:])
        return (value(*args[:-count], *xs) + 0.0).to(dtype)  # + 0.0 lest there be -0.0

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.set_materialize_grads(False)
        ctx.constants = inputs[:-count]
        ctx.save_for_backward(*((output,) if of_result else inputs[-count:]))

    def backward(ctx: Any, grad: Tensor | None) -> tuple[Tensor | None, ...]:
        constants, xs = ctx.constants, ctx.saved_tensors
        grads: list[Tensor | None] = []
        for partial, x, needed in zip(partials, xs, ctx.needs_input_grad[-count:], strict=True):
            if grad is None or partial is None or not needed:
                grads.append(None)
                continue
            g = pull(grad, partial(*constants, *xs)).to(x.dtype)
            grads.append(g if g.shape == x.shape else g.sum_to_size(x.shape))
        return (*(None for _ in constants), *grads)

    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Tensor, int]:
        placed = aligned(args[-count:], in_dims[-count:])
        return apply(*args[:-count], *placed), 0

    methods: list[Any] = [forward, setup_context, backward, *([vmap] if elementwise else [])]
    namespace = {f.__name__: staticmethod(f) for f in methods}
    rule = {"generate_vmap_rule": not elementwise}
    cls: Any = type(name, (torch.autograd.Function,), {**namespace, **rule})
    apply: Function = cls.apply
    return apply


def unary(name: str, doc: str, value: Unary, derivative: Unary) -> Unary:
    """The public function ``name(x)`` of a given derivative."""
    return public(name, doc, differentiable(_camel(name), value, derivative))


def tower(name: str, doc: str, nth: Callable[[int, Tensor], Tensor]) -> Unary:
    """The public function ``name(x)`` whose k-th derivative has the values ``nth(k, x)``."""
    apply = differentiable(_camel(name), nth, lambda k, x: apply(k + 1, x))
    return public(name, doc, apply, 0)


def _camel(name: str) -> str:
    return name.title().replace("_", "")


def public(name: str, doc: str, apply: Function, *constants: int) -> Unary:
    def function(x: Tensor) -> Tensor:
        return apply(*constants, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


# A zero that stays in the graph, so that it can be differentiated again
zero: Function = differentiable("Zero", torch.zeros_like, lambda x: zero(x), wide=False)

# The value of its first operand with the derivatives of the second
standing_in: Function = differentiable(
    "StandingIn",
    lambda value, stand_in: value.clone(),
    lambda value, stand_in: zero(value),
    lambda value, stand_in: torch.ones_like(stand_in),
    wide=False,
)
