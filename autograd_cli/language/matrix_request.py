"""What is asked of a matrix of derivatives: by which variables, and which products with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autograd_cli.errors import UsageError
from autograd_cli.language.expression import Expression
from autograd_cli.language.points import read_names, read_values, unknown_variable
from autograd_cli.language.reader import read

AUTO, REVERSE, FORWARD = "auto", "reverse", "forward"
MODES = (REVERSE, FORWARD, AUTO)


@dataclass(frozen=True)
class JacobianRequest:
    """What `agx jacobian` is asked.

    wrt      the variables; empty means all
    mode     how: one of MODES
    vjp      the weights of the outputs, for the vector-Jacobian product instead of the matrix
    jvp      the direction, for the Jacobian-vector product instead of the matrix
    det, cond, svd: the determinant, the condition number, the singular values as well
    """

    wrt: tuple[str, ...] = ()
    mode: str = AUTO
    vjp: Expression | None = None
    jvp: Mapping[str, Expression] = field(default_factory=dict)
    det: bool = False
    cond: bool = False
    svd: bool = False


@dataclass(frozen=True)
class HessianRequest:
    """What `agx hessian` is asked: `hvp` is the direction of a Hessian-vector product, which stands
    in for the matrix."""

    wrt: tuple[str, ...] = ()
    hvp: Mapping[str, Expression] = field(default_factory=dict)
    diag: bool = False
    trace: bool = False


def read_jacobian_request(
    expression: Expression,
    wrt: str | None = None,
    mode: str = AUTO,
    vjp: str | None = None,
    jvp: str | None = None,
    *,
    det: bool = False,
    cond: bool = False,
    svd: bool = False,
) -> JacobianRequest:
    """The request of the command line's texts.

    Raises: UsageError for options that contradict each other, UnknownNameError for names that are
    not in the expression, ReadError for unreadable text.
    """
    weights = None
    if vjp is not None:
        text = vjp.strip()
        weights = read(text if text.startswith("[") or "," not in text else f"[{text}]")
        if weights.variables:
            raise UsageError("--vjp is made of constants", hint="for example --vjp 1,0,2")
    _exclusive({"--vjp": vjp is not None, "--jvp": jvp is not None})
    _exclusive({"--jvp": jvp is not None, "--wrt": wrt is not None})
    for product, given in (("--vjp", vjp is not None), ("--jvp", jvp is not None)):
        for option, asked in (("--det", det), ("--cond", cond), ("--svd", svd)):
            _exclusive({product: given, option: asked})
    return JacobianRequest(
        wrt=read_names(wrt, expression, "--wrt") if wrt is not None else (),
        mode=mode,
        vjp=weights,
        jvp=_direction(jvp, expression, "--jvp"),
        det=det,
        cond=cond,
        svd=svd,
    )


def read_hessian_request(
    expression: Expression,
    wrt: str | None = None,
    hvp: str | None = None,
    *,
    diag: bool = False,
    trace: bool = False,
) -> HessianRequest:
    """The request of the command line's texts. Raises: as `read_jacobian_request`."""
    for option, asked in (("--wrt", wrt is not None), ("--diag", diag), ("--trace", trace)):
        _exclusive({"--hvp": hvp is not None, option: asked})
    return HessianRequest(
        wrt=read_names(wrt, expression, "--wrt") if wrt is not None else (),
        hvp=_direction(hvp, expression, "--hvp"),
        diag=diag,
        trace=trace,
    )


def _direction(text: str | None, expression: Expression, option: str) -> dict[str, Expression]:
    values = read_values([text], option) if text is not None else {}
    for name in values:
        if name not in expression.variables:
            raise unknown_variable(name, expression, option)
    return values


_REASONS = {
    "--wrt": "the direction says already by what to differentiate: leave zeros out",
    "--vjp": "leave one of them out",
}


def _exclusive(options: Mapping[str, bool]) -> None:
    if all(options.values()):
        first, second = options
        hint = _REASONS.get(second) or "a product is computed without the matrix: ask for one"
        raise UsageError(f"{first} and {second} exclude each other", hint=hint)
