"""The words of a lesson where only ASCII can be shown: x² is x^2 there, and −∞ is -inf."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autograd_cli.render.parts import shown
from autograd_cli.render.style import Style

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿˣᵀ", "0123456789-nxT", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖ", "0123456789ijk", strict=True))
# fmt: off
SIGNS = {
    "·": "*", "×": "x", "−": "-", "±": "+-", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=",
    "∞": "inf", "∂": "d", "∇": "grad ", "Σ": "sum ", "′": "'", "½": "1/2", "¼": "1/4",
    "η": "eta", "λ": "lambda", "μ": "mu", "π": "pi", "σ": "sigma", "ε": "eps",
    "→": "->", "←": "<-", "⚠": "(!)", "…": "...", "–": "-", "—": "-",
    "“": '"', "”": '"', "‘": "'", "’": "'",
}
# fmt: on
_RAISED = re.compile(f"[{''.join(SUPERSCRIPTS)}]+")
_LOWERED = re.compile(f"[{''.join(SUBSCRIPTS)}]+")
_ROOT = re.compile(r"(?<=\w)√")  # a factor of its own: 2√x


def worded(text: str, style: Style) -> str:
    """The text in characters that can be shown; what has no form in ASCII is an escape there."""
    return shown(text if style.unicode else _in_ascii(text), style)


def _in_ascii(text: str) -> str:
    text = _RAISED.sub(lambda found: f"^{_translated(found[0], SUPERSCRIPTS)}", text)
    text = _LOWERED.sub(_subscript, text)
    text = _ROOT.sub(" √", text).replace("√(", "sqrt(").replace("√", "sqrt ")
    return _translated(text, SIGNS)


def _subscript(found: re.Match[str]) -> str:
    """Numbers as agx writes them, x1; letters after a line, w_ij."""
    plain = _translated(found[0], SUBSCRIPTS)
    return plain if plain.isdigit() else f"_{plain}"


def _translated(text: str, table: Mapping[str, str]) -> str:
    return "".join(table.get(one, one) for one in text)
