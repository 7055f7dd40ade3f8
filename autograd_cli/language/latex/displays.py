r"""What stands round a formula: $…$, \[…\], \begin{equation}, a full stop."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_cli.errors import ReadError
from autograd_cli.language.latex import vocabulary
from autograd_cli.language.latex.tokens import END, SYMBOL, Token, closing


def formula_of(tokens: list[Token], source: str) -> list[Token]:
    r"""The tokens without $…$, \[…\], \begin{equation} and the full stop round them."""
    *tokens, end = tokens
    while True:
        while _ends_in_a_stop(tokens):
            end = tokens.pop()._replace(kind=END, text="")
        opening = tokens[0].shown if tokens else ""
        closes = {"$": "$", "$$": "$$", "\\[": "\\]", "\\(": "\\)"}.get(opening, "")
        name_end = closing(tokens, 1) if opening == "\\begin" and len(tokens) > 1 else 0
        display = "".join(token.shown for token in tokens[2:name_end])
        if closes and len(tokens) > 1 and tokens[-1].shown == closes:
            end = tokens[-1]._replace(kind=END, text="")
            tokens = tokens[1:-1]
        elif closes:
            raise ReadError(f"'{opening}' is never closed", span=tokens[0].span, source=source)
        elif display in vocabulary.DISPLAYS and _ends_display(tokens, display):
            end = tokens[-len(display) - 3]._replace(kind=END, text="")
            tokens = tokens[name_end + 1 : -len(display) - 3]
        else:
            return [*tokens, end]


def _ends_in_a_stop(tokens: Sequence[Token]) -> bool:
    r"""Whether a full stop or a comma ends the sentence here; the one of \right. does not."""
    if not tokens or tokens[-1].kind != SYMBOL or tokens[-1].text not in (".", ",", ";"):
        return False
    return len(tokens) == 1 or tokens[-2].text not in vocabulary.SIZES


def _ends_display(tokens: Sequence[Token], display: str) -> bool:
    ended = "".join(token.shown for token in tokens[-len(display) - 3 :])
    return ended == f"\\end{{{display}}}"
