"""Steps and formulas as people read them: v₋₁, v̄₂, v̇₃; in ASCII v[-1], vbar2, vdot3."""

from __future__ import annotations

from autograd_cli.render.style import Style
from autograd_cli.results.explanation import Link
from autograd_cli.results.formula import ADJOINT, PRIMAL, TANGENT, Formula, ascii_step, written

SUBSCRIPTS = str.maketrans("-0123456789", "₋₀₁₂₃₄₅₆₇₈₉")
_OVER = {PRIMAL: "", ADJOINT: "\u0304", TANGENT: "\u0307"}  # a bar and a dot, to be combined
_FACTOR = 5  # what binds less tightly stands in brackets among factors


def step(kind: str, number: int, style: Style) -> str:
    """The sign of a step, an adjoint or a tangent."""
    return _unicode_step(kind, number) if style.unicode else ascii_step(kind, number)


def _unicode_step(kind: str, number: int) -> str:
    return f"v{_OVER[kind]}{str(number).translate(SUBSCRIPTS)}"


def text(formula: Formula, style: Style) -> str:
    """A formula as text."""
    if style.unicode:
        return written(formula, _unicode_step, "∂")
    return written(formula, ascii_step)


def partial(above: int | str, below: int | str, style: Style, *, is_total: bool = False) -> str:
    """The sign of a derivative, of and by a step or something with a name: ∂v₂/∂v₁, df/dx."""
    sign = "d" if is_total or not style.unicode else "∂"
    names = [one if isinstance(one, str) else step(PRIMAL, one, style) for one in (above, below)]
    return f"{sign}{names[0]}/{sign}{names[1]}"


def times(style: Style) -> str:
    return " · " if style.unicode else " * "


def factor(link: Link, style: Style, *, first: bool) -> str:
    """A local derivative as a factor of a product."""
    shown = text(link.formula, style)
    binding = link.formula.binding
    signed = shown.startswith("-") and not first
    return f"({shown})" if binding < _FACTOR or signed else shown
